/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink sends: events, clock and buffers, as the publisher takes them.
 *
 * Nothing here waits: TACHYON_ERR_AGAIN is the caller's to wait for, who then
 * calls again with the same. One thread at a time, but for the figures.
 */
#ifndef __GST_TACHYON_SENDER_H__
#define __GST_TACHYON_SENDER_H__

#include "gsttachyonallocator.h"

G_BEGIN_DECLS

typedef struct _GstTachyonSender GstTachyonSender;

/* A buffer would have to be copied, and that is not allowed. */
#define GST_TACHYON_SENDER_NO_COPY (-EPERM)
/* A buffer's memory cannot be read. */
#define GST_TACHYON_SENDER_UNREADABLE (-EIO)

/* Both stay until the sender is freed. */
GstTachyonSender *gst_tachyon_sender_new (struct tachyon_publisher *publisher,
    GstTachyonAllocator *allocator);
void gst_tachyon_sender_free (GstTachyonSender *self);

/*
 * The format that buffers have from now on: what the planes look like, and
 * memory for the pictures where their size is known.
 *
 * @bytes: memory to begin with, 0: the library's choice
 *
 * Returns: 0, or as tachyon_publisher_configure()
 */
gint gst_tachyon_sender_configure (GstTachyonSender *self, const GstCaps *caps,
    guint64 bytes);

/* Line a serialized event up. Those that do not travel are left out. */
void gst_tachyon_sender_queue_event (GstTachyonSender *self, GstEvent *event);

/* Send the events that are lined up. Returns: 0, or TACHYON_ERR_AGAIN. */
gint gst_tachyon_sender_send_queued (GstTachyonSender *self);

/* Send an event that overtakes what was sent. Any thread. */
void gst_tachyon_sender_send_urgent (GstTachyonSender *self, GstEvent *event);

/*
 * Send what relates timestamps to this machine's time, where that differs from
 * what was sent last.
 *
 * Returns: 0, or a negative code of the publisher
 */
gint gst_tachyon_sender_send_clock (GstTachyonSender *self, GstElement *element,
    GstClockTime latency);

/*
 * Send a buffer: a block of ours as it is, anything else by one copy.
 *
 * @min_memory_size: the least size of a block that is copied to; negative: do
 *     not copy
 *
 * Returns: how many subscribers it went to, or a negative code of the
 *     publisher or of the above
 */
gint gst_tachyon_sender_send_buffer (GstTachyonSender *self, GstBuffer *buffer,
    gint64 min_memory_size);

/* After a flush: forget what was not sent, save what a pad keeps, too. */
void gst_tachyon_sender_flush (GstTachyonSender *self);

/* Buffers copied here, beside those that the library counts. Any thread. */
guint64 gst_tachyon_sender_get_copied (GstTachyonSender *self);
/* Whether planes stand elsewhere than the caps alone put them. Any thread. */
gboolean gst_tachyon_sender_has_own_layout (GstTachyonSender *self);
/* Metas and events that could not cross. Any thread. */
guint64 gst_tachyon_sender_get_lost (GstTachyonSender *self);

G_END_DECLS

#endif
