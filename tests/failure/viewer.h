/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Somebody who watches what a publisher sends, in a thread where nothing fails: connects, again
 * where that ends, and checks what comes.
 */
#ifndef TACHYON_TESTS_FAILURE_VIEWER_H
#define TACHYON_TESTS_FAILURE_VIEWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIEWER_ADDRESS "socket"
/* The number of the frame after which there is nothing more to watch. */
#define VIEWER_LAST 1000000u

struct viewer {
	bool is_new;   /* takes what older ones do not know of */
	bool is_given; /* over this socket */
	int sock;
	unsigned int connects;
	unsigned int frames;
	_Atomic bool is_done;
};

/* Payload that tells where it belongs. */
void viewer_fill(void *data, size_t size, uint64_t number);
bool viewer_is_filled(const void *data, size_t size, uint64_t number);

/* For start_helper(): until the last frame; 0. */
int viewer_watch(void *viewer);
/* Joins once, and leaves; what adopting answered. */
int viewer_visit(void *viewer);

#endif
