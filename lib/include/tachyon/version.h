/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The version of the library. meson asserts that it equals the project's.
 */
#ifndef TACHYON_VERSION_H
#define TACHYON_VERSION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TACHYON_VERSION_MAJOR 0
#define TACHYON_VERSION_MINOR 1
#define TACHYON_VERSION_MICRO 0

/**
 * The version of the library that runs, which may be newer than the header that was compiled.
 *
 * @return a static string such as "0.1.0"
 *
 * @thread any
 */
const char *tachyon_version(void);

/**
 * System calls that this library has made in this process so far, in all its objects.
 *
 * Diagnostics: the difference over a stretch of work shows what the work cost. Busy paths add
 * nothing to it; a sleep, a wake-up, a connection and a new payload segment do.
 *
 * @return the count; it wraps at 2^64
 *
 * @thread any
 */
uint64_t tachyon_system_calls(void);

#ifdef __cplusplus
}
#endif

#endif
