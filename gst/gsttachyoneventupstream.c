/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Events that go up, but those that are a structure.
 */
#include "gsttachyoneventcodec.h"

#include <math.h>

#include "gsttachyonwire.h"

gboolean
gst_tachyon_event_encode_qos (GstEvent *event, GByteArray *bytes)
{
  struct qos_event out = { 0 };
  GstQOSType type;

  gst_event_parse_qos (event, &type, &out.proportion, &out.diff,
      &out.timestamp);
  out.type = type;
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return TRUE;
}

GstEvent *
gst_tachyon_event_decode_qos (const struct tachyon_event *event)
{
  struct qos_event in;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      in.type > GST_QOS_TYPE_THROTTLE || !isfinite (in.proportion) ||
      in.diff == G_MININT64)
    return NULL;
  if (in.diff < 0 && (guint64) -in.diff > in.timestamp)
    return NULL;
  return gst_event_new_qos (in.type, in.proportion, in.diff, in.timestamp);
}

gboolean
gst_tachyon_event_encode_latency (GstEvent *event, GByteArray *bytes)
{
  struct latency_event out;

  gst_event_parse_latency (event, &out.latency);
  gst_tachyon_event_append (bytes, &out, sizeof out);
  return TRUE;
}

GstEvent *
gst_tachyon_event_decode_latency (const struct tachyon_event *event)
{
  struct latency_event in;

  if (!gst_tachyon_event_read_head (event, &in, sizeof in) ||
      !GST_CLOCK_TIME_IS_VALID (in.latency))
    return NULL;
  return gst_event_new_latency (in.latency);
}

gboolean
gst_tachyon_event_encode_nothing (GstEvent *event, GByteArray *bytes)
{
  return TRUE;
}

GstEvent *
gst_tachyon_event_decode_reconfigure (const struct tachyon_event *event)
{
  return gst_event_new_reconfigure ();
}

gboolean
gst_tachyon_event_encode_toc_select (GstEvent *event, GByteArray *bytes)
{
  gchar *uid;

  gst_event_parse_toc_select (event, &uid);
  gst_tachyon_event_append (bytes, uid, strlen (uid));
  g_free (uid);
  return TRUE;
}

GstEvent *
gst_tachyon_event_decode_toc_select (const struct tachyon_event *event)
{
  gchar *uid = gst_tachyon_event_read_text (event, 0);
  GstEvent *select = NULL;

  if (g_utf8_validate (uid, -1, NULL))
    select = gst_event_new_toc_select (uid);
  g_free (uid);
  return select;
}
