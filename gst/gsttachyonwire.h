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

G_BEGIN_DECLS

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "records and events are little-endian"
#endif

G_STATIC_ASSERT (sizeof (gdouble) == 8);

/*
 * Records: a frame's metas. A frame without a record VIDEO or NO_VIDEO, in a
 * stream that has a layout, carries one GstVideoMeta equal to the layout.
 *
 *   VIDEO                struct video_record
 *   NO_VIDEO             nothing: the buffer has no GstVideoMeta
 *   CROP                 struct crop_record
 *   AUDIO                struct audio_record, offsets
 *   REFERENCE_TIMESTAMP  struct reference_timestamp_record, caps as text
 *   CUSTOM               the meta's structure as text; its name is the meta's
 */
/* Record types. A number is never given a second meaning. */
enum
{
  RECORD_VIDEO = TACHYON_RECORD_USER,
  RECORD_NO_VIDEO = TACHYON_RECORD_USER + 1,
  RECORD_CROP = TACHYON_RECORD_USER + 2,
  RECORD_AUDIO = TACHYON_RECORD_USER + 3,
  RECORD_REFERENCE_TIMESTAMP = TACHYON_RECORD_USER + 4,
  RECORD_CUSTOM = TACHYON_RECORD_USER + 5,
};

struct video_record
{
  guint32 format;
  guint32 flags;
  gint32 id;
  guint32 width;
  guint32 height;
  guint32 plane_count;
  guint64 offset[4];
  gint32 stride[4];
  guint32 padding_top;
  guint32 padding_bottom;
  guint32 padding_left;
  guint32 padding_right;
  guint32 stride_align[4];
};

G_STATIC_ASSERT (sizeof (struct video_record) == 104);
G_STATIC_ASSERT (offsetof (struct video_record, offset) == 24);
G_STATIC_ASSERT (offsetof (struct video_record, stride) == 56);
G_STATIC_ASSERT (offsetof (struct video_record, padding_top) == 72);
G_STATIC_ASSERT (offsetof (struct video_record, stride_align) == 88);

struct crop_record
{
  guint32 x;
  guint32 y;
  guint32 width;
  guint32 height;
};

G_STATIC_ASSERT (sizeof (struct crop_record) == 16);

struct audio_record
{
  guint32 format;
  guint32 flags;
  guint32 layout;
  guint32 rate;
  guint32 channels;
  guint32 reserved;
  guint64 samples;
  gint32 position[64];
  /* then guint64 offset[channels], when layout is non-interleaved */
};

G_STATIC_ASSERT (sizeof (struct audio_record) == 288);
G_STATIC_ASSERT (offsetof (struct audio_record, samples) == 24);
G_STATIC_ASSERT (offsetof (struct audio_record, position) == 32);

struct reference_timestamp_record
{
  guint64 timestamp;
  guint64 duration;
  /* then caps, as text */
};

G_STATIC_ASSERT (sizeof (struct reference_timestamp_record) == 16);

/*
 * Events: the type is GStreamer's number, the order its upper part, but below
 * TACHYON_ORDER_EOS; the id of those that are sticky several times is the
 * FNV-1a hash, 32 bits, of the structure's name.
 *
 *   CUSTOM_*, NAVIGATION, PROTECTION  the event's structure as text
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
G_STATIC_ASSERT (sizeof (struct gap_event) == 24);
G_STATIC_ASSERT (sizeof (struct qos_event) == 32);
G_STATIC_ASSERT (sizeof (struct latency_event) == 8);

G_END_DECLS

#endif
