/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Which call fails, and which calls were made. Only threads that are armed count: what a peer in
 * the same process does is neither counted nor made to fail.
 */
#ifndef TACHYON_TESTS_FAILURE_INJECT_H
#define TACHYON_TESTS_FAILURE_INJECT_H

#include "site.h"

#define SITES_MAX 512

/* The occurrence-th call at a place fails; with persists all from then on, as on another kernel. */
struct plan {
	size_t site;
	unsigned int occurrence; /* from 1; 0: none fails */
	int number;		 /* errno */
	bool persists;
};

size_t inject_site_count(void);
const struct site *inject_site(size_t index);
bool inject_is_memory(const struct site *site);

/* What a call at this place may fail with, and how many those are. */
const int *inject_numbers(const struct site *site, size_t *count);
/* Said of a kernel that does not have the call, or a filter: then it fails every time. */
bool inject_is_for_good(const struct site *site, int number);

void inject_set(const struct plan *plan);
void inject_arm(void);
void inject_disarm(void);
/* From now on nothing fails. */
void inject_end(void);
bool inject_has_fired(void);

/* Calls made at a place by armed threads. */
unsigned int inject_calls(size_t site);
/* Pieces of memory that the library has. */
long inject_held(void);

#endif
