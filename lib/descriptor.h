/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Memory that somebody else made, as a descriptor: a dma-buf, or a memory file that cannot shrink.
 * It is checked, handed on, and never mapped.
 */
#ifndef TACH_DESCRIPTOR_H
#define TACH_DESCRIPTOR_H

#include "base.h"

/* Descriptors of one publisher that a subscriber knows at a time. */
#define TACH_DESCRIPTORS_MAX 1024u

struct tach_descriptor {
	int fd;
	uint64_t size; /* what may be used of it: the file has as much, for as long as it lives */
	uint64_t id;   /* no other descriptor's in this process, ever; 0: there is none here */
};

/* 0; -EBADMSG: it is neither of the two, or has fewer than size bytes, or that is 0. */
int tach_descriptor_check(int fd, uint64_t size);
/* The same, and takes the fd on success. */
int tach_descriptor_init(struct tach_descriptor *descriptor, int fd, uint64_t size);
/* Closes it; safe on a zeroed struct. */
void tach_descriptor_fini(struct tach_descriptor *descriptor);

#endif
