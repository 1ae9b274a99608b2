/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The newest buffer as a stream: who opens its name has the last picture.
 *
 * Until the first stream stands, what fails is an error of the element, since it
 * was asked for something that it cannot do; from then on it is one warning, and
 * the pipeline goes on without. Nothing here waits. One thread at a time, but for
 * the figures.
 */
#ifndef __GST_TACHYON_NEWEST_H__
#define __GST_TACHYON_NEWEST_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct _GstTachyonNewest GstTachyonNewest;

/* Buffers of this format are no arrays of one size. */
#define GST_TACHYON_NEWEST_NO_ARRAY (-ENOTSUP)
/* A buffer is no such array, or cannot be read. */
#define GST_TACHYON_NEWEST_OTHER_SIZE (-EIO)

/*
 * @element: posts what goes wrong; outlives this
 *
 * Returns: NULL after the element posted an error: no stream can have that name
 */
GstTachyonNewest *gst_tachyon_newest_new (GstElement *element,
    const gchar *name);

/* Also unlinks the stream, where it was created here. NULL is fine. */
void gst_tachyon_newest_free (GstTachyonNewest *self);

/*
 * The format that buffers have from now on. Another one than before is another
 * stream.
 *
 * Returns: FALSE after the element posted an error
 */
gboolean gst_tachyon_newest_set_caps (GstTachyonNewest *self,
    const GstCaps *caps);

/*
 * Make a buffer the newest, or skip it: where somebody has the stream's lock, or
 * it is no such array.
 *
 * Returns: FALSE after the element posted an error
 */
gboolean gst_tachyon_newest_write (GstTachyonNewest *self, GstBuffer *buffer);

/* Buffers that became the newest, and those that did not. Any thread. 0 for
 * NULL. */
guint64 gst_tachyon_newest_get_written (GstTachyonNewest *self);
guint64 gst_tachyon_newest_get_skipped (GstTachyonNewest *self);

G_END_DECLS

#endif
