/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the two elements write into frames and events for each other: every
 * struct, with its offsets asserted. lib/PROTOCOL.md, "GStreamer's records and
 * events", is the text to it.
 *
 * All fields are little-endian; text is UTF-8 without a NUL, up to the end of
 * the record or event; enums keep GStreamer's numbers, an ABI of that project.
 * A receiver ignores records and events it does not know, and bytes behind the
 * structs of those it does where no text follows: both can be added to.
 */
#ifndef __GST_TACHYON_WIRE_H__
#define __GST_TACHYON_WIRE_H__

#include <gst/gst.h>

#include <tachyon.h>

#include "gsttachyonwiremeta.h"

G_BEGIN_DECLS

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "records and events are little-endian"
#endif

G_STATIC_ASSERT (sizeof (gdouble) == 8);

/* Records, a frame's metas, have a file of their own: it is included here. */

/*
 * Events of our own: GStreamer's numbers are larger. A type is never given a
 * second meaning.
 *
 *   FLUSH    struct flush_message
 *   REQUEST  struct request_message, then a structure as text
 *   ANSWER   struct answer_message, then a structure as text
 *   NEEDS    struct needs_message, then caps as text
 */
enum
{
  MESSAGE_FLUSH = 1,
  MESSAGE_REQUEST = 2,
  MESSAGE_ANSWER = 3,
  MESSAGE_NEEDS = 4,
};

/* What a REQUEST asks for. */
enum
{
  REQUEST_QUERY = 1,
  REQUEST_SEEK = 2,
};

struct flush_message
{
  guint32 count;
  guint32 reset_time;
  guint64 session;
};

struct request_message
{
  guint32 id;
  guint32 kind;
  guint32 type; /* GstQueryType, or 0 */
  guint32 reserved;
  /* then a structure, as text */
};

struct answer_message
{
  guint32 id;
  guint32 result; /* 0: no */
  /* then a structure, as text */
};

/* Bits of NEEDS. */
enum
{
  NEEDS_NO_VIDEO_META = 1 << 0,
};

struct needs_message
{
  guint32 min_buffers;
  guint32 align; /* a mask, as in GstAllocationParams */
  guint32 flags;
  guint32 reserved;
  /* then caps that need not be fixed, as text; none: any */
};

G_STATIC_ASSERT (sizeof (struct flush_message) == 16);
G_STATIC_ASSERT (sizeof (struct request_message) == 16);
G_STATIC_ASSERT (sizeof (struct answer_message) == 8);
G_STATIC_ASSERT (sizeof (struct needs_message) == 16);

/*
 * Events: the type is GStreamer's number, the order its upper part, but below
 * TACHYON_ORDER_EOS; the id of those that are sticky several times is the
 * FNV-1a hash, 32 bits, of the structure's name.
 *
 *   CUSTOM_*, NAVIGATION, PROTECTION  the event's structure as text
 *   TOC, STREAM_COLLECTION, SELECT_STREAMS  a structure as text
 *   RECONFIGURE                       nothing
 *   TOC_SELECT                        the uid as text
 *   others                            the struct of that name
 */
struct stream_start_event
{
  guint32 flags;
  guint32 group_id; /* 0: none */
  /* then the stream id, as text */
};

struct segment_event
{
  guint32 flags;
  guint32 format;
  gdouble rate;
  gdouble applied_rate;
  guint64 base;
  guint64 offset;
  guint64 start;
  guint64 stop;
  guint64 time;
  guint64 position;
  guint64 duration;
};

struct tag_event
{
  guint32 scope;
  guint32 reserved;
  /* then a structure of the tags, as text */
};

struct buffer_size_event
{
  guint32 format;
  guint32 async;
  gint64 min_size;
  gint64 max_size;
};

struct stream_group_done_event
{
  guint32 group_id;
};

struct segment_done_event
{
  guint32 format;
  guint32 reserved;
  gint64 position;
};

struct instant_rate_change_event
{
  gdouble rate_multiplier;
  guint32 flags;
  guint32 reserved;
};

struct gap_event
{
  guint64 timestamp;
  guint64 duration;
  guint32 flags;
  guint32 reserved;
};

struct qos_event
{
  guint32 type;
  guint32 reserved;
  gdouble proportion;
  gint64 diff;
  guint64 timestamp;
};

struct latency_event
{
  guint64 latency;
};

G_STATIC_ASSERT (sizeof (struct stream_start_event) == 8);
G_STATIC_ASSERT (sizeof (struct segment_event) == 80);
G_STATIC_ASSERT (offsetof (struct segment_event, base) == 24);
G_STATIC_ASSERT (sizeof (struct tag_event) == 8);
G_STATIC_ASSERT (sizeof (struct buffer_size_event) == 24);
G_STATIC_ASSERT (sizeof (struct stream_group_done_event) == 4);
G_STATIC_ASSERT (sizeof (struct segment_done_event) == 16);
G_STATIC_ASSERT (sizeof (struct instant_rate_change_event) == 16);
G_STATIC_ASSERT (sizeof (struct gap_event) == 24);
G_STATIC_ASSERT (sizeof (struct qos_event) == 32);
G_STATIC_ASSERT (sizeof (struct latency_event) == 8);

G_END_DECLS

#endif
