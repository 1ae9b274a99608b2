/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The records of a frame's metadata: metas, as they stand in memory. What
 * gsttachyonwire.h says of all structs holds here; lib/PROTOCOL.md 8 is the
 * text to it.
 *
 * A frame without a record VIDEO or NO_VIDEO, in a stream that has a layout,
 * carries one GstVideoMeta equal to the layout, before all other metas.
 */
#ifndef __GST_TACHYON_WIRE_META_H__
#define __GST_TACHYON_WIRE_META_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "records are little-endian"
#endif

/* Record types. A number is never given a second meaning. */
enum
{
  RECORD_VIDEO = TACHYON_RECORD_USER,
  RECORD_NO_VIDEO = TACHYON_RECORD_USER + 1,
  RECORD_CROP = TACHYON_RECORD_USER + 2,
  RECORD_AUDIO = TACHYON_RECORD_USER + 3,
  RECORD_REFERENCE_TIMESTAMP = TACHYON_RECORD_USER + 4,
  RECORD_CUSTOM = TACHYON_RECORD_USER + 5,
  RECORD_REGION_OF_INTEREST = TACHYON_RECORD_USER + 6,
  RECORD_TIME_CODE = TACHYON_RECORD_USER + 7,
  RECORD_CAPTION = TACHYON_RECORD_USER + 8,
  RECORD_AFD = TACHYON_RECORD_USER + 9,
  RECORD_BAR = TACHYON_RECORD_USER + 10,
  RECORD_AFFINE_TRANSFORMATION = TACHYON_RECORD_USER + 11,
  RECORD_SEI = TACHYON_RECORD_USER + 12,
  RECORD_OVERLAY = TACHYON_RECORD_USER + 13,
  RECORD_CODEC_ALPHA = TACHYON_RECORD_USER + 14,
  RECORD_AUDIO_CLIPPING = TACHYON_RECORD_USER + 15,
  RECORD_AUDIO_DOWNMIX = TACHYON_RECORD_USER + 16,
  RECORD_AUDIO_LEVEL = TACHYON_RECORD_USER + 17,
  RECORD_PROTECTION = TACHYON_RECORD_USER + 18,
  RECORD_NET_ADDRESS = TACHYON_RECORD_USER + 19,
  RECORD_RTP_SOURCE = TACHYON_RECORD_USER + 20,
  RECORD_GENERIC = TACHYON_RECORD_USER + 21,
  RECORD_ANCILLARY = TACHYON_RECORD_USER + 22,
  RECORD_HDR = TACHYON_RECORD_USER + 23,
  RECORD_DSD_PLANES = TACHYON_RECORD_USER + 24,
};

/* --- pictures --- */

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

struct affine_transformation_record
{
  gdouble matrix[16];
};

G_STATIC_ASSERT (sizeof (struct affine_transformation_record) == 128);

struct region_of_interest_record
{
  gint32 id;
  gint32 parent_id;
  guint32 x;
  guint32 y;
  guint32 width;
  guint32 height;
  guint32 type_size;
  guint32 parameter_count;
  /* then the type, as text; then of each parameter guint32 size, and a
   * structure of that size, as text */
};

G_STATIC_ASSERT (sizeof (struct region_of_interest_record) == 32);

struct overlay_record
{
  guint32 rectangle_count;
  guint32 reserved;
  /* then of each: struct overlay_rectangle, guint8 pixels[width * height * 4] */
};

struct overlay_rectangle
{
  gint32 x;
  gint32 y;
  guint32 render_width;
  guint32 render_height;
  guint32 flags;
  guint32 format;
  guint32 width;
  guint32 height;
  gdouble global_alpha;
};

G_STATIC_ASSERT (sizeof (struct overlay_record) == 8);
G_STATIC_ASSERT (sizeof (struct overlay_rectangle) == 40);
G_STATIC_ASSERT (offsetof (struct overlay_rectangle, global_alpha) == 32);

struct codec_alpha_record
{
  guint64 pts;
  guint64 dts;
  guint64 duration;
  guint32 flags;
  guint32 reserved;
  /* then the payload */
};

G_STATIC_ASSERT (sizeof (struct codec_alpha_record) == 32);

/* --- what rides beside pictures --- */

struct caption_record
{
  guint32 type;
  guint32 reserved;
  /* then the data */
};

struct afd_record
{
  guint32 field;
  guint32 spec;
  guint32 afd;
};

struct bar_record
{
  guint32 field;
  guint32 is_letterbox;
  guint32 bar_data1;
  guint32 bar_data2;
};

struct sei_record
{
  guint8 uuid[16];
  /* then the data */
};

struct ancillary_record
{
  guint32 field;
  guint32 is_chroma;
  guint32 line;
  guint32 offset;
  guint32 did;
  guint32 sdid;
  guint32 data_count;
  guint32 checksum;
  /* then guint16 data[data_count & 255] */
};

struct hdr_record
{
  guint32 format;
  guint32 reserved;
  /* then the data */
};

G_STATIC_ASSERT (sizeof (struct caption_record) == 8);
G_STATIC_ASSERT (sizeof (struct afd_record) == 12);
G_STATIC_ASSERT (sizeof (struct bar_record) == 16);
G_STATIC_ASSERT (sizeof (struct sei_record) == 16);
G_STATIC_ASSERT (sizeof (struct ancillary_record) == 32);
G_STATIC_ASSERT (sizeof (struct hdr_record) == 8);

/* --- sound --- */

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

struct audio_clipping_record
{
  guint32 format;
  guint32 reserved;
  guint64 start;
  guint64 end;
};

struct audio_downmix_record
{
  guint32 from_channels;
  guint32 to_channels;
  gint32 from_position[64];
  gint32 to_position[64];
  /* then gdouble coefficient[to_channels][from_channels] */
};

struct audio_level_record
{
  guint32 level;
  guint32 voice_activity;
};

struct dsd_planes_record
{
  guint32 channels;
  guint32 reserved;
  guint64 plane_size;
  /* then guint64 offset[channels] */
};

G_STATIC_ASSERT (sizeof (struct audio_clipping_record) == 24);
G_STATIC_ASSERT (sizeof (struct audio_downmix_record) == 520);
G_STATIC_ASSERT (offsetof (struct audio_downmix_record, to_position) == 264);
G_STATIC_ASSERT (sizeof (struct audio_level_record) == 8);
G_STATIC_ASSERT (sizeof (struct dsd_planes_record) == 16);

/* --- times and origins --- */

struct reference_timestamp_record
{
  guint64 timestamp;
  guint64 duration;
  guint32 caps_size;
  guint32 reserved;
  /* then caps of that size, as text; then, if there is more, a structure */
};

struct time_code_record
{
  guint32 fps_n;
  guint32 fps_d;
  guint32 flags;
  guint32 hours;
  guint32 minutes;
  guint32 seconds;
  guint32 frames;
  guint32 field_count;
  guint32 has_daily_jam;
  gint32 jam_utc_offset;
  gint64 jam_time;
};

struct net_address_record
{
  guint32 family;
  guint32 port;
  guint32 flow_info;
  guint32 scope_id;
  guint8 address[16];
};

struct rtp_source_record
{
  guint32 ssrc;
  guint32 has_ssrc;
  guint32 csrc_count;
  guint32 csrc[15];
};

G_STATIC_ASSERT (sizeof (struct reference_timestamp_record) == 24);
G_STATIC_ASSERT (sizeof (struct time_code_record) == 48);
G_STATIC_ASSERT (offsetof (struct time_code_record, jam_time) == 40);
G_STATIC_ASSERT (sizeof (struct net_address_record) == 32);
G_STATIC_ASSERT (sizeof (struct rtp_source_record) == 72);

G_END_DECLS

#endif
