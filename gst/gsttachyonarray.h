/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between raw video or audio and struct tachyon_array: what a buffer is as an
 * array, and its bytes without gaps. Pure functions.
 *
 * Numbers stand in the machine's byte order; samples of the other order, and of
 * three bytes, are shown as their bytes.
 *
 * Video, one plane: (height, width) where a pixel is one number, otherwise
 * (height, width, numbers of a pixel): RGB is (height, width, 3), GRAY16 of this
 * machine's order (height, width) of uint16, YUY2 (height, width, 2). Where
 * pixels share bytes (v210): (height, bytes of a line).
 * Several planes: all of them, one after another, as rows of the first one's
 * width: I420 and NV12 are (height * 3 / 2, width), as OpenCV has it. Where that
 * does not come out even, a single row, (numbers).
 * Tiles and palettes: (bytes), as they are.
 * Audio: (frames, channels), not interleaved (channels, frames); samples that are
 * shown as bytes add a last dimension.
 */
#ifndef __GST_TACHYON_ARRAY_H__
#define __GST_TACHYON_ARRAY_H__

#include <gst/gst.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef enum
{
  GST_TACHYON_MEDIA_OTHER,
  GST_TACHYON_MEDIA_VIDEO,
  GST_TACHYON_MEDIA_AUDIO,
} GstTachyonMedia;

/* Of caps, as far as it matters to arrays. */
typedef struct
{
  GstTachyonMedia media;
  GstVideoInfo video;
  GstAudioInfo audio;
} GstTachyonFormat;

/* What is neither raw video nor raw audio is GST_TACHYON_MEDIA_OTHER. */
void gst_tachyon_format_from_caps (const GstCaps *caps,
    GstTachyonFormat *format);

/* Whether the bytes of buffers mean the same. */
gboolean gst_tachyon_format_equal (const GstTachyonFormat *a,
    const GstTachyonFormat *b);

/*
 * The array that a buffer is.
 *
 * @size: of the buffer, which decides how many frames of audio there are; video
 *     does without
 *
 * Returns: FALSE when there is none: other media, or a part of a frame of audio
 */
gboolean gst_tachyon_array_from_format (const GstTachyonFormat *format,
    gsize size, struct tachyon_array *array);

/* Returns: its bytes. Of an array of the above. */
gsize gst_tachyon_array_size (const struct tachyon_array *array);

gboolean gst_tachyon_array_equal (const struct tachyon_array *a,
    const struct tachyon_array *b);

/*
 * Copy a buffer into an array of @size bytes, once, leaving out what pads it.
 *
 * Returns: FALSE when the buffer has another size, or cannot be read; then data
 *     may be half written
 */
gboolean gst_tachyon_array_copy (const GstTachyonFormat *format,
    GstBuffer *buffer, gpointer data, gsize size);

G_END_DECLS

#endif
