/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Segments and doorbells of the victims, used again and again: fuzz-recycle.c.
 */
#ifndef TACHYON_TESTS_FUZZ_RECYCLE_H
#define TACHYON_TESTS_FUZZ_RECYCLE_H

/* Makes some, so that no input finds more descriptors behind it than before. */
void fuzz_recycle_init(void);

#endif
