/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas that say when: GstReferenceTimestampMeta, GstVideoTimeCodeMeta.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyontext.h"
#include "gsttachyonwiremeta.h"

#include <string.h>

/* --- GstReferenceTimestampMeta --- */

/* Returns: FALSE when there is something to say that has no text */
static gboolean
write_info (GByteArray *content, const GstReferenceTimestampMeta *reference)
{
  gboolean good = TRUE;

#if GST_CHECK_VERSION(1, 28, 0)
  if (reference->info) {
    gchar *text = gst_tachyon_structure_print (reference->info);

    good = text && gst_tachyon_content_write (content, text, strlen (text));
    g_free (text);
  }
#endif
  return good;
}

static gboolean
encode_reference (const GstMeta *meta, GByteArray *content)
{
  const GstReferenceTimestampMeta *reference =
      (const GstReferenceTimestampMeta *) meta;
  gchar *caps = gst_caps_to_string (reference->reference);
  const struct reference_timestamp_record head = {
    .timestamp = reference->timestamp,
    .duration = reference->duration,
    .caps_size = strlen (caps),
  };
  const gboolean good =
      gst_tachyon_content_write (content, &head, sizeof head) &&
      gst_tachyon_content_write (content, caps, head.caps_size) &&
      write_info (content, reference);

  g_free (caps);
  return good;
}

static GstCaps *
read_caps (struct gst_tachyon_content *content, guint32 size)
{
  gchar *text = gst_tachyon_content_read_text (content, size);
  GstCaps *caps = text ? gst_tachyon_caps_parse (text) : NULL;

  g_free (text);
  return caps;
}

/* Returns: FALSE when malformed; *info: what more there is, or NULL */
static gboolean
read_info (struct gst_tachyon_content *content, GstStructure **info)
{
  gchar *text;

  *info = NULL;
  if (content->size == 0)
    return TRUE;
  text = gst_tachyon_content_read_text (content, content->size);
  if (text)
    *info = gst_tachyon_structure_parse (text);
  g_free (text);
  return *info != NULL;
}

static void
add_reference (GstBuffer *buffer, GstCaps *caps,
    const struct reference_timestamp_record *head, GstStructure *info)
{
  GstReferenceTimestampMeta *meta = gst_buffer_add_reference_timestamp_meta (
      buffer, caps, head->timestamp, head->duration);

#if GST_CHECK_VERSION(1, 28, 0)
  meta->info = info;
#else
  (void) meta;
  g_clear_pointer (&info, gst_structure_free);
#endif
}

static gboolean
decode_reference (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct reference_timestamp_record head;
  GstStructure *info;
  gboolean good;
  GstCaps *caps;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      !GST_CLOCK_TIME_IS_VALID (head.timestamp))
    return FALSE;
  caps = read_caps (content, head.caps_size);
  good = caps && read_info (content, &info);
  if (good)
    add_reference (buffer, caps, &head, info);
  gst_clear_caps (&caps);
  return good;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_reference = {
  RECORD_REFERENCE_TIMESTAMP,
  gst_reference_timestamp_meta_api_get_type,
  encode_reference,
  decode_reference,
};

/* --- GstVideoTimeCodeMeta --- */

/* A zone's distance from UTC stays below a day. */
#define OFFSET_MAX (24 * 60 * 60 - 1)

static void
write_daily_jam (GDateTime *jam, struct time_code_record *record)
{
  record->has_daily_jam = 1;
  record->jam_utc_offset = g_date_time_get_utc_offset (jam) / G_USEC_PER_SEC;
  record->jam_time = g_date_time_to_unix (jam) * G_USEC_PER_SEC +
      g_date_time_get_microsecond (jam);
}

static gboolean
encode_time_code (const GstMeta *meta, GByteArray *content)
{
  const GstVideoTimeCode *code = &((const GstVideoTimeCodeMeta *) meta)->tc;
  struct time_code_record record = {
    .fps_n = code->config.fps_n,
    .fps_d = code->config.fps_d,
    .flags = code->config.flags,
    .hours = code->hours,
    .minutes = code->minutes,
    .seconds = code->seconds,
    .frames = code->frames,
    .field_count = code->field_count,
  };

  if (!gst_video_time_code_is_valid (code))
    return FALSE;
  if (code->config.latest_daily_jam)
    write_daily_jam (code->config.latest_daily_jam, &record);
  return gst_tachyon_content_write (content, &record, sizeof record);
}

/* Returns: (transfer full) (nullable): NULL when there is no such time */
static GDateTime *
read_daily_jam (const struct time_code_record *record)
{
  gint64 seconds = record->jam_time / G_USEC_PER_SEC;
  gint64 microseconds = record->jam_time % G_USEC_PER_SEC;
  GDateTime *utc, *exact = NULL, *jam = NULL;
  GTimeZone *zone;

  if (ABS ((gint64) record->jam_utc_offset) > OFFSET_MAX)
    return NULL;
  if (microseconds < 0) {
    seconds--;
    microseconds += G_USEC_PER_SEC;
  }
  utc = g_date_time_new_from_unix_utc (seconds);
  if (utc)
    exact = g_date_time_add (utc, microseconds);
  if (exact) {
    zone = g_time_zone_new_offset (record->jam_utc_offset);
    jam = g_date_time_to_timezone (exact, zone);
    g_time_zone_unref (zone);
  }
  g_clear_pointer (&exact, g_date_time_unref);
  g_clear_pointer (&utc, g_date_time_unref);
  return jam;
}

static gboolean
decode_time_code (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct time_code_record record;
  GstVideoTimeCodeMeta *meta;
  GDateTime *jam = NULL;

  if (!gst_tachyon_content_read (content, &record, sizeof record))
    return FALSE;
  if (record.has_daily_jam) {
    jam = read_daily_jam (&record);
    if (!jam)
      return FALSE;
  }
  /* NULL when it is no valid time code. */
  meta = gst_buffer_add_video_time_code_meta_full (buffer, record.fps_n,
      record.fps_d, jam, record.flags, record.hours, record.minutes,
      record.seconds, record.frames, record.field_count);
  g_clear_pointer (&jam, g_date_time_unref);
  return meta != NULL;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_time_code = {
  RECORD_TIME_CODE,
  gst_video_time_code_meta_api_get_type,
  encode_time_code,
  decode_time_code,
};
