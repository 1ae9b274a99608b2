/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink has from READY to PAUSED and back: a publisher at an address,
 * and everything around it. A closed session still has its figures.
 */
#ifndef __GST_TACHYON_SESSION_H__
#define __GST_TACHYON_SESSION_H__

#include "gsttachyonfigures.h"
#include "gsttachyonnewest.h"
#include "gsttachyonsender.h"
#include "gsttachyonservice.h"
#include "gsttachyonsinksettings.h"

G_BEGIN_DECLS

typedef struct
{
  /* for any thread: closing ends what is under way */
  GstTachyonPublisher *publisher;
  GstAllocator *allocator;

  /* until the session is closed: for the streaming thread */
  struct tachyon_publisher *handle;
  GstTachyonSender *sender;
  GstTachyonService *service;
  /* NULL where no stream was asked for */
  GstTachyonNewest *newest;

  /* as it was closed */
  GstTachyonFigures figures;
} GstTachyonSession;

/*
 * Open a session at the address of the settings.
 *
 * @notice: called with the element, on a thread of the session's own, for what
 *     subscribers do
 *
 * Returns: (transfer full): NULL after the element posted an error
 */
GstTachyonSession *gst_tachyon_session_open (GstElement *element,
    const GstTachyonSinkSettings *settings, GstTachyonNoticeFunc notice);

/*
 * The format that buffers have from now on. On the streaming thread.
 *
 * Returns: FALSE after the element posted an error
 */
gboolean gst_tachyon_session_set_caps (GstTachyonSession *self,
    GstElement *element, const GstCaps *caps, guint64 shm_size);

/* End every wait and every connection, and give the address up. */
void gst_tachyon_session_close (GstTachyonSession *self);

GstTachyonSession *gst_tachyon_session_ref (GstTachyonSession *self);
/* The last one closes. NULL is fine. */
void gst_tachyon_session_unref (GstTachyonSession *self);

/* Any thread. */
void gst_tachyon_session_update_policy (GstTachyonSession *self,
    const GstTachyonSinkSettings *settings);
void gst_tachyon_session_get_figures (GstTachyonSession *self,
    GstTachyonFigures *figures);

G_END_DECLS

#endif
