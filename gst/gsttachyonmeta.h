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

/* What is known of a stream where a frame of it arrives. */
struct gst_tachyon_stream
{
  /* where planes stand unless a frame says otherwise, or NULL */
  const struct tachyon_layout *layout;
  /* the format when it is raw video, or NULL */
  const GstVideoInfo *video;
  /* the format when it is raw audio, or NULL */
  const GstAudioInfo *audio;
  /* 0 when it is no DSD */
  guint dsd_channels;
};

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
 * does not hold is left out.
 *
 * Returns: FALSE when something was malformed
 */
gboolean gst_tachyon_metas_decode (const struct tachyon_frame *frame,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer);

G_END_DECLS

#endif
