/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#ifndef __GST_TACHYON_SINK_H__
#define __GST_TACHYON_SINK_H__

#include <gst/gst.h>
#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_TACHYON_SINK (gst_tachyon_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstTachyonSink, gst_tachyon_sink, GST, TACHYON_SINK,
    GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE (tachyonsink);

G_END_DECLS

#endif
