/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* In front of every source of the library: its memory may run out. See site.h. */
#ifndef TACHYON_TESTS_FAILURE_MEMORY_H
#define TACHYON_TESTS_FAILURE_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "site.h"

#define malloc(...) (SITE_FAILS("malloc", #__VA_ARGS__) ? NULL : site_keep(malloc(__VA_ARGS__)))
#define calloc(...) (SITE_FAILS("calloc", #__VA_ARGS__) ? NULL : site_keep(calloc(__VA_ARGS__)))
#define aligned_alloc(...) \
	(SITE_FAILS("aligned_alloc", #__VA_ARGS__) ? NULL : site_keep(aligned_alloc(__VA_ARGS__)))
#define strdup(...) \
	(SITE_FAILS("strdup", #__VA_ARGS__) ? NULL : (char *)site_keep(strdup(__VA_ARGS__)))
#define realloc(...) (SITE_FAILS("realloc", #__VA_ARGS__) ? NULL : site_resize(__VA_ARGS__))
#define free(...) site_free(__VA_ARGS__)

#endif
