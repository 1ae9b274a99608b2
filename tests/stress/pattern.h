/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Bytes that follow from one word: each place has its own, and another word has others. */
#ifndef TACHYON_TESTS_STRESS_PATTERN_H
#define TACHYON_TESTS_STRESS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void pattern_fill(uint64_t base, void *data, size_t size);
bool pattern_is(uint64_t base, const void *data, size_t size);

#endif
