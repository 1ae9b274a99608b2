/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between a buffer's metas and the records of a frame's metadata.
 */
#ifndef __GST_TACHYON_META_H__
#define __GST_TACHYON_META_H__

#include <gst/gst.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include <tachyon.h>

G_BEGIN_DECLS

/*
 * Append a buffer's metas to records.
 *
 * @layout: a GstVideoMeta equal to it costs no record; or NULL
 *
 * Returns: how many metas cannot cross; those about memory do not count
 */
guint gst_tachyon_metas_encode (GstBuffer *buffer,
    const struct tachyon_layout *layout, GByteArray *records);

/*
 * Add what a frame's records say to a buffer that has its memory already; what
 * does not hold is left out. Arguments as of gst_tachyon_frame_to_buffer().
 *
 * Returns: FALSE when something was malformed
 */
gboolean gst_tachyon_metas_decode (const struct tachyon_frame *frame,
    const struct tachyon_layout *layout, const GstVideoInfo *video,
    const GstAudioInfo *audio, GstBuffer *buffer);

G_END_DECLS

#endif
