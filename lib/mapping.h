/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The payload segments that a subscriber has mapped, by id: fetched from the socket when a message
 * first names them. The connection's lock guards them.
 */
#ifndef TACH_MAPPING_H
#define TACH_MAPPING_H

#include "block.h"
#include "segment.h"
#include "view.h"

struct tach_mapping {
	uint32_t id;
	uint32_t holders; /* frames, held by us, that lie in it */
	bool is_retiring;
	struct tach_segment segment;
	struct tach_view view;
};

struct tach_mappings {
	struct tach_mapping **items;
	size_t count;
	uint64_t bytes;
	uint64_t max_bytes;
	bool is_private; /* whoever gets data may write to it: it is a view's */
};

void tach_mappings_fini(struct tach_mappings *mappings);
/*
 * The mapping of a segment, read from the socket where it is new. -EBADMSG: it was not announced,
 * or what was is no such segment; -EMSGSIZE, -ENOMEM, -EMFILE.
 */
int tach_mappings_find(struct tach_mappings *mappings, int sock, uint32_t id,
		       struct tach_mapping **mapping);
/* The same, and the bytes that ref names, all checked; one more holder. */
int tach_mappings_resolve(struct tach_mappings *mappings, int sock,
			  const struct tach_block_ref *ref, struct tach_mapping **mapping,
			  uint8_t **data);
/* Unmaps it; nobody holds it. */
void tach_mappings_remove(struct tach_mappings *mappings, struct tach_mapping *mapping);

#endif
