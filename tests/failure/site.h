/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The places where the library calls the kernel or takes memory. The tests compile its sources once
 * more, with calls.h or memory.h in front of each: there every such call says that it is a place,
 * and may be made to fail. The product has no hook for this.
 *
 * All places stand in one section of the program, whether they are reached or not: so a test can
 * tell which were not.
 */
#ifndef TACHYON_TESTS_FAILURE_SITE_H
#define TACHYON_TESTS_FAILURE_SITE_H

#include <stdbool.h>
#include <stddef.h>

struct site {
	const char *file;
	const char *function;
	const char *call;
	const char *arguments; /* as they stand in the source */
	unsigned int line;
};

/* True, and errno set: this call is to fail instead of being made. */
bool site_fails(const struct site *site);
/* The answer of a call that was made, unless it is said to have failed. */
int site_after(int made, bool fails);

/* Memory, counted: what the library has and did not give back. */
void *site_keep(void *memory);
void *site_resize(void *memory, size_t size);
void site_free(void *memory);

#define SITE_FAILS(name, text)                                                                   \
	({                                                                                       \
		static const struct site site_here = {__FILE__, __func__, name, text, __LINE__}; \
		static const struct site *site_listed                                            \
			__attribute__((section("failure_sites"), used)) = &site_here;            \
                                                                                                 \
		site_fails(&site_here);                                                          \
	})

#endif
