/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between GstBuffer and struct tachyon_frame: times, offsets, flags, metas.
 * Pure functions: no element, no connection, and the buffer's memory is none
 * of their business.
 */
#ifndef __GST_TACHYON_FRAME_H__
#define __GST_TACHYON_FRAME_H__

#include <gst/gst.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include <tachyon.h>

#include "gsttachyonlayout.h"
#include "gsttachyonmeta.h"

G_BEGIN_DECLS

/* All that GStreamer's core knows, less TAG_MEMORY: it is about memory here. */
#define GST_TACHYON_BUFFER_FLAGS                                   \
  (GST_BUFFER_FLAG_LIVE | GST_BUFFER_FLAG_DECODE_ONLY |            \
      GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC |           \
      GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_MARKER |         \
      GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_GAP |               \
      GST_BUFFER_FLAG_DROPPABLE | GST_BUFFER_FLAG_DELTA_UNIT |     \
      GST_BUFFER_FLAG_SYNC_AFTER | GST_BUFFER_FLAG_NON_DROPPABLE | \
      ~(guint32) (GST_BUFFER_FLAG_LAST - 1))

/*
 * Write times, offsets, flags and metas of a buffer into a frame; its data,
 * size and block are left alone. The buffer is never changed.
 *
 * @layout: what subscribers were told of the planes, or NULL. A GstVideoMeta
 *     that equals it costs no record.
 * @records: cleared, then filled with what needs a record; the frame's
 *     metadata points into it, or is NULL. 8-byte aligned.
 *
 * Returns: how many metas cannot cross.
 */
guint gst_tachyon_frame_from_buffer (GstBuffer *buffer,
    const struct tachyon_layout *layout, GByteArray *records,
    struct tachyon_frame *frame);

/*
 * Put a frame's times, offsets, flags and metas onto a buffer that has its
 * memory already. What a peer wrote is checked; what does not hold is left
 * out.
 *
 * Returns: FALSE when something was malformed and left out.
 */
gboolean gst_tachyon_frame_to_buffer (const struct tachyon_frame *frame,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer);

G_END_DECLS

#endif
