/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How late the sink's buffers leave it, which subscribers add to their own
 * latency.
 */
#ifndef __GST_TACHYON_SINK_LATENCY_H__
#define __GST_TACHYON_SINK_LATENCY_H__

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

/* The sink's object lock guards it. All zero is none. */
typedef struct
{
  GstClockTime upstream;
} GstTachyonSinkLatency;

/* The pipeline's latency was settled anew: ask upstream for its part. */
void gst_tachyon_sink_latency_update (GstTachyonSinkLatency *self,
    GstBaseSink *sink);

/*
 * A sink that waits for each buffer's time sends it as late as the pipeline
 * agreed on; one with sync=false as late as it comes: by upstream's latency,
 * which the pipeline does not count for such a sink.
 */
GstClockTime gst_tachyon_sink_latency_get (const GstTachyonSinkLatency *self,
    GstBaseSink *sink);

G_END_DECLS

#endif
