/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A handle of a stream, shared by the files stream*.c.
 */
#ifndef TACH_STREAM_H
#define TACH_STREAM_H

#include "beacon.h"
#include "device.h"
#include "slots.h"
#include "stream-file.h"
#include "turnstile.h"
#include "window.h"

struct tachyon_stream {
	struct tach_stream_shape shape;
	char path[TACH_STREAM_PATH_SIZE];
	struct tach_stream_header *header; /* writable in every handle */
	void *mapped;			   /* the whole file, as the options say */
	uint8_t *slots;			   /* its values; NULL where there are none */
	struct tach_device *device;	   /* NULL: not attached */
	int file;
	_Atomic int watch; /* tachyon_stream_fd(); -1: not made yet */
	uint32_t spin;
	/* spins in a row that were in vain */
	_Atomic uint32_t misses;
	bool is_read_only;

	/* 0, or what ends every wait: ECANCELED, EPIPE */
	_Atomic uint32_t cancel;
	/* the count of the last value that was read, or of the newest at the opening */
	_Atomic uint64_t seen;

	/* --- for whoever has the lock --- */
	struct tach_turnstile turnstile;
	bool has_transaction;
	struct tach_place transaction; /* where tachyon_stream_begin() writes */
	struct tach_window window;
	bool is_live; /* the window shows the newest value */

	/* --- the list of the process's handles --- */
	struct tachyon_stream *previous, *next;
};

/* 0, or TACHYON_ERR_CLOSED after a shutdown. */
int tach_stream_check_open(const struct tachyon_stream *stream);
/* A slot's value; only where values are in the file. */
uint8_t *tach_stream_value(const struct tachyon_stream *stream, unsigned int slot);
/*
 * The newest value. Exact but where the file is damaged: then what the newest-word alone tells,
 * which the next write makes true.
 */
struct tach_place tach_stream_newest(const struct tach_stream_header *header);
/* Under the lock: a place for the next value, which is being written from here on. */
struct tach_place tach_stream_next(struct tachyon_stream *stream);
/* Under the lock: the value there, which is written, becomes the newest. */
void tach_stream_publish(struct tachyon_stream *stream, const struct tach_place *place);
/* Whether values are so large that the cache matters: then readers say that they read. */
bool tach_stream_is_large(const struct tachyon_stream *stream);
/* What a try or a timeout is to tach_turnstile_enter(). */
uint64_t tach_stream_deadline(int64_t timeout_ns);
/* The shape, and what the header says now. */
void tach_stream_fill_info(const struct tach_stream_shape *shape,
			   const struct tach_stream_header *header,
			   struct tachyon_stream_info *info);

/* Waits end with -code, present and future ones, unless that was said before: stream-wait.c. */
void tach_stream_end_waits(struct tachyon_stream *stream, uint32_t code);

/* Every handle of the process is in a list, for its forked children: stream-fork.c. */
int tach_stream_enlist(struct tachyon_stream *stream);
void tach_stream_delist(struct tachyon_stream *stream);

#endif
