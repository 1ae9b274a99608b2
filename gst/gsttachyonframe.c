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
  frame->flags = GST_BUFFER_FLAGS (buffer) & GST_TACHYON_BUFFER_FLAGS;
  frame->hints = 0;

  g_byte_array_set_size (records, 0);
  lost = gst_tachyon_metas_encode (buffer, layout, records);
  frame->metadata = records->len > 0 ? records->data : NULL;
  frame->metadata_size = records->len;
  return lost;
}

gboolean
gst_tachyon_frame_to_buffer (const struct tachyon_frame *frame,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  GST_BUFFER_PTS (buffer) = frame->pts;
  GST_BUFFER_DTS (buffer) = frame->dts;
  GST_BUFFER_DURATION (buffer) = frame->duration;
  GST_BUFFER_OFFSET (buffer) = frame->offset;
  GST_BUFFER_OFFSET_END (buffer) = frame->offset_end;
  GST_BUFFER_FLAG_SET (buffer, frame->flags & GST_TACHYON_BUFFER_FLAGS);

  return gst_tachyon_metas_decode (frame, stream, buffer);
}
