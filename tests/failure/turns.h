/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* What came of all scenarios of a program. */
#ifndef TACHYON_TESTS_FAILURE_TURNS_H
#define TACHYON_TESTS_FAILURE_TURNS_H

#include "inject.h"

struct tally {
	unsigned int failures[SITES_MAX];
	unsigned int answered[SITES_MAX]; /* of these, a function told its caller */
};

const struct tally *turns_tally(void);

#endif
