/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The payload segments that a subscriber knows, by id: announced on the socket, mapped when a
 * message first names them; and the descriptors that were lent to it, which are not mapped. The
 * connection's lock guards them.
 */
#ifndef TACH_MAPPING_H
#define TACH_MAPPING_H

#include "block.h"
#include "descriptor.h"
#include "segment.h"
#include "urgent.h"
#include "view.h"

struct tach_mapping {
	uint32_t id;
	int fd;		  /* -1 once it is mapped */
	uint32_t holders; /* frames, held by us, that lie in it */
	bool is_retiring;
	struct tach_segment segment;
	struct tach_view view;
	struct tach_descriptor descriptor; /* instead of them, where its id is not 0 */
};

struct tach_mappings {
	struct tach_mapping **items;
	size_t count;
	uint64_t bytes;
	uint32_t unmapped;    /* of them, those that are only announced */
	uint32_t descriptors; /* of them, those that are none of ours to map */
	uint64_t max_bytes;
	bool is_private;	      /* whoever gets data may write to it: it is a view's */
	bool takes_descriptors;	      /* we said so */
	int error;		      /* what went wrong with a packet: nothing is read behind it */
	struct tach_urgents *urgents; /* where URGENT packets go; NULL: the publisher sends none */
};

void tach_mappings_fini(struct tach_mappings *mappings);
/*
 * Reads what is on the socket, a bounded number of packets. 0: there may be more; -EAGAIN: not
 * now; else never more, and what is found out later about a segment is said to who names it.
 */
int tach_mappings_read(struct tach_mappings *mappings, int sock);
/*
 * The mapping of a segment, read from the socket where it is new. -EBADMSG: it was not announced,
 * or what was is no such segment; -EMSGSIZE, -ENOMEM, -EMFILE.
 */
int tach_mappings_find(struct tach_mappings *mappings, int sock, uint32_t id,
		       struct tach_mapping **mapping);
/*
 * The same, and the bytes that ref names, all checked; one more holder. data is NULL where they lie
 * behind a descriptor.
 */
int tach_mappings_resolve(struct tach_mappings *mappings, int sock,
			  const struct tach_block_ref *ref, struct tach_mapping **mapping,
			  uint8_t **data);
/* Unmaps it; nobody holds it. */
void tach_mappings_remove(struct tach_mappings *mappings, struct tach_mapping *mapping);

#endif
