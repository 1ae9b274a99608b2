/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The source's subscriber, and what threads other than the streaming thread
 * may do with it while it comes and goes.
 */
#ifndef __GST_TACHYON_CLIENT_H__
#define __GST_TACHYON_CLIENT_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct
{
  /* guards the fields below; never held over a wait */
  GMutex lock;
  GCond cond;
  struct tachyon_subscriber *subscriber;
  gboolean is_canceled;
  /* and not, or not only, by a pause */
  gboolean must_leave;
  /* what a subscriber that is gone leaves behind */
  struct tachyon_subscriber_stats last_stats;
} GstTachyonClient;

void gst_tachyon_client_init (GstTachyonClient *self);
void gst_tachyon_client_clear (GstTachyonClient *self);

/* Returns: as tachyon_subscriber_create() */
gint gst_tachyon_client_open (GstTachyonClient *self, const gchar *address,
    const struct tachyon_subscriber_options *options);

/* Leave. Frames stay readable. */
void gst_tachyon_client_close (GstTachyonClient *self);

/* Wake the streaming thread, and let it wait again. Any thread.
 *
 * @is_pause: it goes on where it was
 */
void gst_tachyon_client_cancel (GstTachyonClient *self, gboolean is_pause);
void gst_tachyon_client_resume (GstTachyonClient *self);
/*
 * Let it wait again if nothing but a pause canceled it.
 *
 * Returns: FALSE when it was something else
 */
gboolean gst_tachyon_client_resume_from_pause (GstTachyonClient *self);

/*
 * Sleep.
 *
 * Returns: FALSE when gst_tachyon_client_cancel() was called
 */
gboolean gst_tachyon_client_pause (GstTachyonClient *self,
    GstClockTime duration);

/* Send an urgent event to the producer. Any thread. Returns: as
 * tachyon_subscriber_send_urgent() */
gint gst_tachyon_client_send_urgent (GstTachyonClient *self,
    const struct tachyon_event *event);

/* Send an event back to the producer: wherever its streaming thread is, if it
 * takes urgent ones. Any thread. Returns: FALSE: it is lost */
gboolean gst_tachyon_client_send_event (GstTachyonClient *self,
    GstEvent *event);

/* Figures of this subscriber, or of the last one. Any thread. */
void gst_tachyon_client_get_stats (GstTachyonClient *self,
    struct tachyon_subscriber_stats *stats, gboolean *is_open);

G_END_DECLS

#endif
