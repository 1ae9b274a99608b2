/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a source's downstream needs of the producer: as it crosses.
 */
#ifndef __GST_TACHYON_NEEDS_H__
#define __GST_TACHYON_NEEDS_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

/* What is said beyond these is not believed: no pipeline holds more buffers, and
 * blocks are aligned to pages. */
#define GST_TACHYON_NEEDS_BUFFERS_MAX 64
#define GST_TACHYON_NEEDS_ALIGN_MAX 4095

/* All zero: nothing in particular. */
typedef struct
{
  /* buffers that downstream may hold at a time */
  guint min_buffers;
  /* a mask, as in GstAllocationParams */
  guint align;
  /* planes must stand where the caps alone put them */
  gboolean no_video_meta;
  /* what it takes, as gst_tachyon_wish_print() writes it; "" or NULL: anything */
  gchar *wish;
} GstTachyonNeeds;

void gst_tachyon_needs_clear (GstTachyonNeeds *self);

gboolean gst_tachyon_needs_equal (const GstTachyonNeeds *self,
    const GstTachyonNeeds *other);

/* @bytes: what @event points into */
void gst_tachyon_needs_encode (const GstTachyonNeeds *self, GByteArray *bytes,
    struct tachyon_event *event);

/* Returns: FALSE when @event is no NEEDS, or malformed; else to be cleared */
gboolean gst_tachyon_needs_decode (const struct tachyon_event *event,
    GstTachyonNeeds *self);

G_END_DECLS

#endif
