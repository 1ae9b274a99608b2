/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The thread that lets subscribers join and leave, also while the pipeline is
 * paused and no frames flow, and that tells of what they do.
 */
#ifndef __GST_TACHYON_SERVICE_H__
#define __GST_TACHYON_SERVICE_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct _GstTachyonService GstTachyonService;

/* Runs on the service's thread, no lock held. What notice points to is valid
 * for the call. */
typedef void (*GstTachyonNoticeFunc) (const struct tachyon_notice *notice,
    gpointer user_data);

/*
 * Start to serve, idle. Both publisher and user_data must stay until the
 * service is freed.
 *
 * Returns: NULL when there is no thread or no descriptor for it.
 */
GstTachyonService *gst_tachyon_service_new (struct tachyon_publisher *publisher,
    GstTachyonNoticeFunc func, gpointer user_data);

/* Stops, and waits for a call under way. NULL is fine. */
void gst_tachyon_service_free (GstTachyonService *self);

/*
 * Idle, the service asks to be woken by whatever subscribers send. While frames
 * flow it does not, lest each frame that comes back wakes it: then the
 * streaming thread meets what they sent, and passes it on by
 * gst_tachyon_service_collect().
 */
void gst_tachyon_service_set_idle (GstTachyonService *self, gboolean idle);

/*
 * Watchful, the service does the same wherever no buffer has come for some
 * milliseconds: upstream may be waiting for a buffer that came back, in a pool
 * of its own, which does not look for it as ours does.
 */
void gst_tachyon_service_set_watchful (GstTachyonService *self,
    gboolean watchful);

/* After calls of the publisher on another thread: have the service tell of what
 * those found. No system call when there is nothing. */
void gst_tachyon_service_collect (GstTachyonService *self);

G_END_DECLS

#endif
