/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstBuffer to struct tachyon_frame and back. Metas have a file of their own.
 */
#include "gsttachyonframe.h"
#include "gsttachyonmeta.h"

/* The same numbers on both sides: nothing is translated. */
G_STATIC_ASSERT ((guint) TACHYON_FRAME_LIVE == GST_BUFFER_FLAG_LIVE);
G_STATIC_ASSERT ((guint) TACHYON_FRAME_DISCONT == GST_BUFFER_FLAG_DISCONT);
G_STATIC_ASSERT ((guint) TACHYON_FRAME_HEADER == GST_BUFFER_FLAG_HEADER);
G_STATIC_ASSERT (
    (guint) TACHYON_FRAME_DELTA_UNIT == GST_BUFFER_FLAG_DELTA_UNIT);
G_STATIC_ASSERT (
    (guint) TACHYON_FRAME_NON_DROPPABLE == GST_BUFFER_FLAG_NON_DROPPABLE);
G_STATIC_ASSERT (TACHYON_TIME_NONE == GST_CLOCK_TIME_NONE);
G_STATIC_ASSERT (TACHYON_OFFSET_NONE == GST_BUFFER_OFFSET_NONE);

/* All that GStreamer's core knows, less TAG_MEMORY: it is about memory here. */
#define FLAGS_MASK                                                 \
  (GST_BUFFER_FLAG_LIVE | GST_BUFFER_FLAG_DECODE_ONLY |            \
      GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC |           \
      GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_MARKER |         \
      GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_GAP |               \
      GST_BUFFER_FLAG_DROPPABLE | GST_BUFFER_FLAG_DELTA_UNIT |     \
      GST_BUFFER_FLAG_SYNC_AFTER | GST_BUFFER_FLAG_NON_DROPPABLE | \
      ~(guint32) (GST_BUFFER_FLAG_LAST - 1))

guint
gst_tachyon_frame_from_buffer (GstBuffer *buffer,
    const struct tachyon_layout *layout, GByteArray *records,
    struct tachyon_frame *frame)
{
  guint lost;

  frame->pts = GST_BUFFER_PTS (buffer);
  frame->dts = GST_BUFFER_DTS (buffer);
  frame->duration = GST_BUFFER_DURATION (buffer);
  frame->offset = GST_BUFFER_OFFSET (buffer);
  frame->offset_end = GST_BUFFER_OFFSET_END (buffer);
  frame->flags = GST_BUFFER_FLAGS (buffer) & FLAGS_MASK;
  frame->hints = 0;

  g_byte_array_set_size (records, 0);
  lost = gst_tachyon_metas_encode (buffer, layout, records);
  frame->metadata = records->len > 0 ? records->data : NULL;
  frame->metadata_size = records->len;
  return lost;
}

gboolean
gst_tachyon_frame_to_buffer (const struct tachyon_frame *frame,
    const struct tachyon_layout *layout, const GstVideoInfo *video,
    const GstAudioInfo *audio, GstBuffer *buffer)
{
  GST_BUFFER_PTS (buffer) = frame->pts;
  GST_BUFFER_DTS (buffer) = frame->dts;
  GST_BUFFER_DURATION (buffer) = frame->duration;
  GST_BUFFER_OFFSET (buffer) = frame->offset;
  GST_BUFFER_OFFSET_END (buffer) = frame->offset_end;
  GST_BUFFER_FLAG_SET (buffer, frame->flags & FLAGS_MASK);

  return gst_tachyon_metas_decode (frame, layout, video, audio, buffer);
}
