/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A struct tachyon_publisher that can be closed while others still hold it.
 *
 * Upstream's pools and threads keep our allocator, and so this, for as long as
 * they like; the sink closes the publisher when it stops, since the address
 * must be free again. Whoever is not the sink therefore calls the publisher
 * between enter and leave.
 */
#ifndef __GST_TACHYON_PUBLISHER_H__
#define __GST_TACHYON_PUBLISHER_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct _GstTachyonPublisher GstTachyonPublisher;

/* Takes the publisher over. */
GstTachyonPublisher *gst_tachyon_publisher_new (
    struct tachyon_publisher *publisher);
GstTachyonPublisher *gst_tachyon_publisher_ref (GstTachyonPublisher *self);
void gst_tachyon_publisher_unref (GstTachyonPublisher *self);

/*
 * Returns: the publisher, which is not closed before gst_tachyon_publisher_leave();
 *     NULL when it is closed: then there is nothing to leave.
 */
struct tachyon_publisher *gst_tachyon_publisher_enter (
    GstTachyonPublisher *self);
void gst_tachyon_publisher_leave (GstTachyonPublisher *self);

/*
 * Take a block, waiting while all are in use. A pause of the sink does not end
 * the wait; a flush and a stop do.
 *
 * Returns: 0, TACHYON_ERR_CANCELED (flushing, or closed), or as
 *     tachyon_publisher_acquire()
 */
gint gst_tachyon_publisher_acquire (GstTachyonPublisher *self, gsize size,
    struct tachyon_frame *frame);

typedef void (*GstTachyonPublisherFunc) (gpointer user_data);

/*
 * Have a function called when a thread of upstream's has waited for a block: it
 * took what subscribers sent meanwhile, which is for another thread. The function
 * must not wait. NULL: none; then none is under way any more.
 */
void gst_tachyon_publisher_set_met (GstTachyonPublisher *self,
    GstTachyonPublisherFunc met, gpointer user_data);

/* Prepare for buffers of a size; blocks of other sizes retire. A failure shows
 * again when a block is acquired. */
void gst_tachyon_publisher_configure (GstTachyonPublisher *self, gsize size);

/* Let go of the buffers whose publication is over. */
void gst_tachyon_publisher_drain (GstTachyonPublisher *self);

/* The sink's unlock() and unlock_stop(): every wait ends; when each cancel has
 * met its resume, waits wait again. */
void gst_tachyon_publisher_cancel (GstTachyonPublisher *self);
void gst_tachyon_publisher_resume (GstTachyonPublisher *self);

/* While flushing, nobody waits for a block. Wakes nobody: cancel follows. */
void gst_tachyon_publisher_set_flushing (GstTachyonPublisher *self,
    gboolean flushing);
gboolean gst_tachyon_publisher_is_flushing (GstTachyonPublisher *self);
gboolean gst_tachyon_publisher_is_closed (GstTachyonPublisher *self);

/*
 * Close: wakes and waits for all inside, ends every connection in order and lets
 * go of all buffers. Memory acquired before stays usable.
 */
void gst_tachyon_publisher_close (GstTachyonPublisher *self);

G_END_DECLS

#endif
