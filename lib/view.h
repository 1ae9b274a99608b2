/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A view: a peer's segment mapped once more, so that it may be written to. A page that is written
 * becomes a copy of our own (MAP_PRIVATE), and no longer shows what the peer writes: before other
 * content is looked at there, such copies must be forgotten.
 */
#ifndef TACH_VIEW_H
#define TACH_VIEW_H

#include "segment.h"

struct tach_view {
	uint8_t *base; /* NULL: none */
	size_t size;
	uint8_t *data; /* shows what segment->data does */
	size_t data_size;
	int pagemap; /* tells which pages are copies; -1: nothing does */
};

/* fd: the segment's, which stays the caller's. 0, -ENOMEM, -EMFILE. */
int tach_view_init(struct tach_view *view, const struct tach_segment *segment, int fd);
/* Safe on a zeroed struct. */
void tach_view_fini(struct tach_view *view);
/*
 * Shows the peer's bytes again, in whole pages; offset and size lie in the data. 0, or a negative
 * code: they cannot be shown.
 */
int tach_view_refresh(struct tach_view *view, size_t offset, size_t size);

#endif
