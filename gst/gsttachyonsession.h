/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink has from READY to PAUSED and back: a publisher at an address,
 * and everything around it. A closed session still has its figures.
 */
#ifndef __GST_TACHYON_SESSION_H__
#define __GST_TACHYON_SESSION_H__

#include "gsttachyonanswer.h"
#include "gsttachyondemand.h"
#include "gsttachyonfigures.h"
#include "gsttachyonflush.h"
#include "gsttachyonkeyunit.h"
#include "gsttachyonnewest.h"
#include "gsttachyonsender.h"
#include "gsttachyonservice.h"
#include "gsttachyonsinksettings.h"

G_BEGIN_DECLS

typedef struct
{
  /* the sink, which outlives what is open of its session */
  GstElement *element;

  /* for any thread: closing ends what is under way */
  GstTachyonPublisher *publisher;
  GstAllocator *allocator;

  /* until the session is closed: for the streaming thread */
  struct tachyon_publisher *handle;
  GstTachyonSender *sender;
  GstTachyonService *service;
  GstTachyonAnswers *answers;
  GstTachyonFlush flush;
  /* NULL where no stream was asked for */
  GstTachyonNewest *newest;

  GstTachyonKeyUnit key_unit;
  GstTachyonDemand *demand;

  /* as it was closed */
  GstTachyonFigures figures;
} GstTachyonSession;

/*
 * Open a session at the address of the settings.
 *
 * @notice: called with the session, on a thread of its own, for what subscribers
 *     do
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

/* Any thread. What subscribers need; upstream is about to be told. */
void gst_tachyon_session_propose_needs (GstTachyonSession *self,
    GstTachyonNeeds *needs);
void gst_tachyon_session_update_policy (GstTachyonSession *self,
    const GstTachyonSinkSettings *settings);
void gst_tachyon_session_get_figures (GstTachyonSession *self,
    GstTachyonFigures *figures);

G_END_DECLS

#endif
