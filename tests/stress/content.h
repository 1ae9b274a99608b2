/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a frame, a caps text and an event of a stress run have in them, from their numbers alone.
 *
 * A frame says in its fields: pts its own number, duration that of the caps, dts that of the sticky
 * events before it, offset that of its content (a block that is published again has its old
 * content), offset_end again its own.
 */
#ifndef TACHYON_TESTS_STRESS_CONTENT_H
#define TACHYON_TESTS_STRESS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tachyon.h>

#define CONTENT_LARGEST (600u << 10)
#define CAPS_LARGEST (24u << 10)
#define METADATA_LARGEST (20u << 10)
/* With its head it is to fit into half of the smallest ring. */
#define EVENT_LARGEST 1500u
#define EVENT_STICKY 7001u
#define EVENT_ONCE 7002u
#define EVENT_URGENT 7003u
#define EVENT_UP 7004u
#define EVENT_UP_URGENT 7005u
#define STICKY_IDS 3u

/* Bytes of payload: of up to 256 they travel in the ring, where they are copied in. */
size_t content_size(uint64_t content, uint64_t caps);
/* Bytes of metadata, a multiple of 8; 0 for most. */
size_t content_metadata_size(uint64_t frame);

void content_fill(uint64_t content, void *data, size_t size);
bool content_is(uint64_t content, const void *data, size_t size);
/* One record, as long as the metadata; room for METADATA_LARGEST. */
void content_fill_metadata(uint64_t frame, void *buffer, struct tachyon_frame *into);
bool content_is_metadata(const struct tachyon_frame *frame);

/* NUL-terminated; room for CAPS_LARGEST. */
void content_write_caps(uint64_t caps, char *text);
/* The number; 0: it is no such text. */
uint64_t content_read_caps(const char *text);

/* Data of an event: type and number, then what follows from them; room for EVENT_LARGEST. */
size_t content_write_event(uint32_t type, uint64_t number, void *data);
/* The number; 0: it is no such event. */
uint64_t content_read_event(const struct tachyon_event *event);

#endif
