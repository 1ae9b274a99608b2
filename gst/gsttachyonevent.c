/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstEvent to struct tachyon_event and back.
 */
#include "gsttachyonevent.h"
#include "gsttachyoneventcodec.h"
#include "gsttachyontags.h"
#include "gsttachyontext.h"
#include "gsttachyonwire.h"

#include <math.h>
#include <string.h>

/* State that an orderly end must not overtake: a reader stops there. */
#define ORDER_MAX (TACHYON_ORDER_EOS - 1)

struct event_codec
{
  GstEventType type;
  gboolean (*encode) (GstEvent *event, GByteArray *bytes);
  /* The event's data is not aligned, and may change meanwhile. */
  GstEvent *(*decode) (const struct tachyon_event *event);
};

/* --- STREAM_START --- */

static gboolean
encode_stream_start (GstEvent *event, GByteArray *bytes)
{
  struct stream_start_event head = { 0 };
  GstStreamFlags flags;
  const gchar *id;
  guint group_id;

  gst_event_parse_stream_start (event, &id);
  gst_event_parse_stream_flags (event, &flags);
  head.flags = flags;
  if (gst_event_parse_group_id (event, &group_id))
    head.group_id = group_id;

  gst_tachyon_event_append (bytes, &head, sizeof head);
  gst_tachyon_event_append (bytes, id, strlen (id));
  return TRUE;
}

static GstEvent *
decode_stream_start (const struct tachyon_event *event)
{
  struct stream_start_event head;
  GstEvent *start;
  gchar *id;

  if (!gst_tachyon_event_read_head (event, &head, sizeof head))
    return NULL;
  id = gst_tachyon_event_read_text (event, sizeof head);
  if (*id == '\0' || !g_utf8_validate (id, -1, NULL)) {
    g_free (id);
    return NULL;
  }

  start = gst_event_new_stream_start (id);
  gst_event_set_stream_flags (start, head.flags);
  if (head.group_id != GST_GROUP_ID_INVALID)
    gst_event_set_group_id (start, head.group_id);
  g_free (id);
  return start;
}

/* --- SEGMENT --- */

static gboolean
encode_segment (GstEvent *event, GByteArray *bytes)
{
  struct segment_event out;
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  out = (struct segment_event){
    .flags = segment->flags,
    .format = segment->format,
    .rate = segment->rate,
    .applied_rate = segment->applied_rate,
    .base = segment->base,
    .offset = segment->offset,
    .start = segment->start,
    .stop = segment->stop,
    .time = segment->time,
    .position = segment->position,
    .duration = segment->duration,
  };
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return TRUE;
}

static gboolean
is_rate (gdouble rate)
{
  return isfinite (rate) && rate != 0.0;
}

static gboolean
segment_is_sound (const struct segment_event *in)
{
  if (in->format != GST_FORMAT_TIME && in->format != GST_FORMAT_BYTES &&
      in->format != GST_FORMAT_DEFAULT)
    return FALSE;
  if (!is_rate (in->rate) || !is_rate (in->applied_rate) ||
      in->start == G_MAXUINT64)
    return FALSE;
  if (in->stop != G_MAXUINT64 && in->stop < in->start)
    return FALSE;
  /* Backwards, running time counts from stop less offset. */
  return in->rate > 0.0 || (in->stop != G_MAXUINT64 && in->offset <= in->stop);
}

static GstEvent *
decode_segment (const struct tachyon_event *event)
{
  struct segment_event in;
  GstSegment segment;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      !segment_is_sound (&in))
    return NULL;

  gst_segment_init (&segment, in.format);
  segment.flags = in.flags;
  segment.rate = in.rate;
  segment.applied_rate = in.applied_rate;
  segment.base = in.base;
  segment.offset = in.offset;
  segment.start = in.start;
  segment.stop = in.stop;
  segment.time = in.time;
  segment.position = in.position;
  segment.duration = in.duration;
  return gst_event_new_segment (&segment);
}

/* --- TAG --- */

static gboolean
encode_tag (GstEvent *event, GByteArray *bytes)
{
  struct tag_event head = { 0 };
  GstTagList *tags;
  gchar *text;

  gst_event_parse_tag (event, &tags);
  head.scope = gst_tag_list_get_scope (tags);
  text = gst_tachyon_tags_print (tags);
  if (!text)
    return FALSE;
  gst_tachyon_event_append (bytes, &head, sizeof head);
  gst_tachyon_event_append (bytes, text, strlen (text));
  g_free (text);
  return TRUE;
}

static GstEvent *
decode_tag (const struct tachyon_event *event)
{
  struct tag_event head;
  GstTagList *tags;
  gchar *text;

  if (!gst_tachyon_event_read_head (event, &head, sizeof head) ||
      head.scope > GST_TAG_SCOPE_GLOBAL)
    return NULL;
  text = gst_tachyon_event_read_text (event, sizeof head);
  tags = gst_tachyon_tags_parse (text);
  g_free (text);
  if (!tags)
    return NULL;
  gst_tag_list_set_scope (tags, head.scope);
  return gst_event_new_tag (tags);
}

/* --- BUFFERSIZE, STREAM_GROUP_DONE, SEGMENT_DONE, GAP --- */

static gboolean
is_format (guint32 format)
{
  return format <= GST_FORMAT_PERCENT;
}

static gboolean
encode_buffer_size (GstEvent *event, GByteArray *bytes)
{
  struct buffer_size_event out = { 0 };
  GstFormat format;
  gboolean async;

  gst_event_parse_buffer_size (event, &format, &out.min_size, &out.max_size,
      &async);
  out.format = format;
  out.async = async;
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return is_format (format);
}

static GstEvent *
decode_buffer_size (const struct tachyon_event *event)
{
  struct buffer_size_event in;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      !is_format (in.format))
    return NULL;
  return gst_event_new_buffer_size (in.format, in.min_size, in.max_size,
      in.async != 0);
}

static gboolean
encode_stream_group_done (GstEvent *event, GByteArray *bytes)
{
  struct stream_group_done_event out;
  guint group_id;

  gst_event_parse_stream_group_done (event, &group_id);
  out.group_id = group_id;
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return TRUE;
}

static GstEvent *
decode_stream_group_done (const struct tachyon_event *event)
{
  struct stream_group_done_event in;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      in.group_id == GST_GROUP_ID_INVALID)
    return NULL;
  return gst_event_new_stream_group_done (in.group_id);
}

static gboolean
encode_segment_done (GstEvent *event, GByteArray *bytes)
{
  struct segment_done_event out = { 0 };
  GstFormat format;

  gst_event_parse_segment_done (event, &format, &out.position);
  out.format = format;
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return is_format (format);
}

static GstEvent *
decode_segment_done (const struct tachyon_event *event)
{
  struct segment_done_event in;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      !is_format (in.format))
    return NULL;
  return gst_event_new_segment_done (in.format, in.position);
}

static gboolean
encode_gap (GstEvent *event, GByteArray *bytes)
{
  struct gap_event out = { 0 };
  GstGapFlags flags;

  gst_event_parse_gap (event, &out.timestamp, &out.duration);
  gst_event_parse_gap_flags (event, &flags);
  out.flags = flags;
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return TRUE;
}

static GstEvent *
decode_gap (const struct tachyon_event *event)
{
  struct gap_event in;
  GstEvent *gap;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      !GST_CLOCK_TIME_IS_VALID (in.timestamp))
    return NULL;
  gap = gst_event_new_gap (in.timestamp, in.duration);
  if (in.flags != 0)
    gst_event_set_gap_flags (gap, in.flags);
  return gap;
}

static gboolean
encode_instant_rate_change (GstEvent *event, GByteArray *bytes)
{
  struct instant_rate_change_event out = { 0 };
  GstSegmentFlags flags;

  gst_event_parse_instant_rate_change (event, &out.rate_multiplier, &flags);
  out.flags = flags;
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return TRUE;
}

static GstEvent *
decode_instant_rate_change (const struct tachyon_event *event)
{
  struct instant_rate_change_event in;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      !is_rate (in.rate_multiplier))
    return NULL;
  return gst_event_new_instant_rate_change (in.rate_multiplier, in.flags);
}

/* --- events that are a structure --- */

static gboolean
encode_structure (GstEvent *event, GByteArray *bytes)
{
  const GstStructure *structure = gst_event_get_structure (event);
  gchar *text = structure ? gst_tachyon_structure_print (structure) : NULL;

  if (!text)
    return FALSE;
  gst_tachyon_event_append (bytes, text, strlen (text));
  g_free (text);
  return TRUE;
}

static GstStructure *
decode_structure (const struct tachyon_event *event)
{
  gchar *text = gst_tachyon_event_read_text (event, 0);
  GstStructure *structure = gst_tachyon_structure_parse (text);

  g_free (text);
  return structure;
}

static GstEvent *
decode_custom (const struct tachyon_event *event)
{
  GstStructure *structure = decode_structure (event);

  return structure ? gst_event_new_custom (event->type, structure) : NULL;
}

static GstEvent *
decode_protection (const struct tachyon_event *event)
{
  GstStructure *structure = decode_structure (event);
  const gchar *system_id, *origin;
  GstBuffer *data = NULL;
  GstEvent *protection = NULL;

  if (!structure)
    return NULL;
  system_id = gst_structure_get_string (structure, "system_id");
  origin = gst_structure_get_string (structure, "origin");
  gst_structure_get (structure, "data", GST_TYPE_BUFFER, &data, NULL);
  /* The constructor makes a name of them, as ours was: it holds them. */
  if (system_id && data &&
      g_str_has_suffix (gst_structure_get_name (structure), system_id) &&
      (!origin || strstr (gst_structure_get_name (structure), origin)))
    protection = gst_event_new_protection (system_id, data, origin);
  gst_clear_buffer (&data);
  gst_structure_free (structure);
  return protection;
}

/* --- all of them --- */

static const struct event_codec codecs[] = {
  { GST_EVENT_STREAM_START, encode_stream_start, decode_stream_start },
  { GST_EVENT_STREAM_COLLECTION, gst_tachyon_event_encode_stream_collection,
      gst_tachyon_event_decode_stream_collection },
  { GST_EVENT_SEGMENT, encode_segment, decode_segment },
  { GST_EVENT_TAG, encode_tag, decode_tag },
  { GST_EVENT_BUFFERSIZE, encode_buffer_size, decode_buffer_size },
  { GST_EVENT_STREAM_GROUP_DONE, encode_stream_group_done,
      decode_stream_group_done },
  { GST_EVENT_PROTECTION, encode_structure, decode_protection },
  { GST_EVENT_INSTANT_RATE_CHANGE, encode_instant_rate_change,
      decode_instant_rate_change },
  { GST_EVENT_TOC, gst_tachyon_event_encode_toc, gst_tachyon_event_decode_toc },
  { GST_EVENT_SEGMENT_DONE, encode_segment_done, decode_segment_done },
  { GST_EVENT_GAP, encode_gap, decode_gap },
  { GST_EVENT_CUSTOM_DOWNSTREAM, encode_structure, decode_custom },
  { GST_EVENT_CUSTOM_DOWNSTREAM_OOB, encode_structure, decode_custom },
  { GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, encode_structure, decode_custom },
  { GST_EVENT_CUSTOM_BOTH, encode_structure, decode_custom },
  { GST_EVENT_CUSTOM_BOTH_OOB, encode_structure, decode_custom },
  { GST_EVENT_QOS, gst_tachyon_event_encode_qos, gst_tachyon_event_decode_qos },
  { GST_EVENT_NAVIGATION, encode_structure, decode_custom },
  { GST_EVENT_LATENCY, gst_tachyon_event_encode_latency,
      gst_tachyon_event_decode_latency },
  { GST_EVENT_RECONFIGURE, gst_tachyon_event_encode_nothing,
      gst_tachyon_event_decode_reconfigure },
  { GST_EVENT_SELECT_STREAMS, gst_tachyon_event_encode_select_streams,
      gst_tachyon_event_decode_select_streams },
  { GST_EVENT_TOC_SELECT, gst_tachyon_event_encode_toc_select,
      gst_tachyon_event_decode_toc_select },
  { GST_EVENT_CUSTOM_UPSTREAM, encode_structure, decode_custom },
};

static const struct event_codec *
find_codec (guint32 type)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if ((guint32) codecs[i].type == type)
      return &codecs[i];
  }
  return NULL;
}

/* FNV-1a: the same in every process and version. */
static guint32
hash_name (const gchar *name)
{
  guint32 hash = 2166136261u;

  for (; *name; name++)
    hash = (hash ^ (guint8) *name) * 16777619u;
  return hash;
}

gboolean
gst_tachyon_event_encode (GstEvent *event, GByteArray *bytes,
    struct tachyon_event *out)
{
  const GstEventType type = GST_EVENT_TYPE (event);
  const struct event_codec *codec = find_codec (type);
  const GstStructure *structure;

  g_byte_array_set_size (bytes, 0);
  if (!codec || !codec->encode (event, bytes))
    return FALSE;

  memset (out, 0, sizeof *out);
  out->type = type;
  /* A rate is relative to the segment: it means nothing to who joins when there
   * was another one since. */
  if (GST_EVENT_IS_STICKY (event) && type != GST_EVENT_INSTANT_RATE_CHANGE)
    out->flags = TACHYON_EVENT_STICKY;
  out->order = MIN ((guint) type >> GST_EVENT_NUM_SHIFT, ORDER_MAX);
  structure = gst_event_get_structure (event);
  if ((type & GST_EVENT_TYPE_STICKY_MULTI) && structure)
    out->id = hash_name (gst_structure_get_name (structure));
  out->data = bytes->data;
  out->size = bytes->len;
  return TRUE;
}

GstEvent *
gst_tachyon_event_decode (const struct tachyon_event *event)
{
  const struct event_codec *codec = find_codec (event->type);

  return codec ? codec->decode (event) : NULL;
}
