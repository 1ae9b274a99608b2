/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Bytes that follow from one word. */
#include "pattern.h"

#include <string.h>

#define SPREAD 0x9e3779b97f4a7c15ull

void pattern_fill(uint64_t base, void *data, size_t size)
{
	uint64_t word = base;
	uint8_t *bytes = data;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		memcpy(bytes, &word, sizeof(word));
		bytes += sizeof(word);
		word += SPREAD;
	}
	if (size > 0)
		memcpy(bytes, &word, size);
}

bool pattern_is(uint64_t base, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t word = base, found;

	for (; size >= sizeof(word); size -= sizeof(word)) {
		memcpy(&found, bytes, sizeof(found));
		if (found != word)
			return false;
		bytes += sizeof(word);
		word += SPREAD;
	}
	return size == 0 || memcmp(bytes, &word, size) == 0;
}
