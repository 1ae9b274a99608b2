/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A window: one address range that shows one piece of a file after another. What is written into it
 * stays in it, and can be told from what was not. It does not know what the pieces are.
 */
#ifndef TACH_WINDOW_H
#define TACH_WINDOW_H

#include "base.h"

struct tach_window {
	void *base; /* NULL: not opened */
	size_t size;
	uint64_t offset; /* of what it shows */
	int file;	 /* a description of its own, since mappings keep what they are made from */
	int pagemap;	 /* -1 where that cannot be had */
	bool is_writable;
};

/* size: a multiple of the page. -ENOMEM, -EMFILE, -ENFILE. */
int tach_window_open(struct tach_window *window, int fd, uint64_t offset, size_t size,
		     bool is_writable);
/* Safe on a zeroed struct. */
void tach_window_close(struct tach_window *window);
/* Shows [offset, offset + size) of the file, and forgets what was written. -ENOMEM. */
int tach_window_show(struct tach_window *window, uint64_t offset);
/* Whether something was written. file: where what it shows is mapped, too. */
bool tach_window_is_written(const struct tach_window *window, const void *file, size_t size);
/* In a forked child: the page table is another's. What it shows is unknown until it shows again. */
void tach_window_forked(struct tach_window *window);

#endif
