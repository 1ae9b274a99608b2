/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How late the sink's buffers leave it.
 */
#include "gsttachyonsinklatency.h"

/* Returns: 0 where nothing is live, and nobody is ever late */
static GstClockTime
ask_upstream (GstBaseSink *sink)
{
  GstQuery *const query = gst_query_new_latency ();
  GstClockTime min = 0;
  gboolean is_live = FALSE;

  if (gst_pad_peer_query (GST_BASE_SINK_PAD (sink), query))
    gst_query_parse_latency (query, &is_live, &min, NULL);
  gst_query_unref (query);

  return is_live && GST_CLOCK_TIME_IS_VALID (min) ? min : 0;
}

void
gst_tachyon_sink_latency_update (GstTachyonSinkLatency *self, GstBaseSink *sink)
{
  const GstClockTime upstream = ask_upstream (sink);

  GST_OBJECT_LOCK (sink);
  self->upstream = upstream;
  GST_OBJECT_UNLOCK (sink);
}

GstClockTime
gst_tachyon_sink_latency_get (const GstTachyonSinkLatency *self,
    GstBaseSink *sink)
{
  GstClockTime upstream;

  if (gst_base_sink_get_sync (sink))
    return gst_base_sink_get_latency (sink);

  GST_OBJECT_LOCK (sink);
  upstream = self->upstream;
  GST_OBJECT_UNLOCK (sink);

  return upstream;
}
