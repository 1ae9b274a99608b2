/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#ifndef __GST_TACHYON_SRC_H__
#define __GST_TACHYON_SRC_H__

#include <gst/gst.h>
#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_TACHYON_SRC (gst_tachyon_src_get_type ())
G_DECLARE_FINAL_TYPE (GstTachyonSrc, gst_tachyon_src, GST, TACHYON_SRC,
    GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE (tachyonsrc);

G_END_DECLS

#endif
