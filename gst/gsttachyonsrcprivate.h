/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The source, for the files that it is made of.
 */
#ifndef __GST_TACHYON_SRC_PRIVATE_H__
#define __GST_TACHYON_SRC_PRIVATE_H__

#include "gsttachyonclient.h"
#include "gsttachyoncontrol.h"
#include "gsttachyonclock.h"
#include "gsttachyonreceiver.h"
#include "gsttachyonsrc.h"
#include "gsttachyonsrcneeds.h"
#include "gsttachyonsrcprogress.h"
#include "gsttachyonsrcrefusal.h"
#include "gsttachyonsrcsettings.h"
#include "gsttachyontimeline.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_src_debug);

struct _GstTachyonSrc
{
  GstPushSrc parent;

  GstTachyonSrcSettings settings; /* object lock */
  GstTachyonClient client;
  /* the thread that takes us from PLAYING to PAUSED; atomic */
  GThread *pausing;
  GstTachyonSrcNeeds needs;
  GstTachyonControl control;

  /* object lock: what queries and upstream events need of the stream */
  GstClockTime producer_latency;
  GstClockTimeDiff delta;
  GstTachyonReceiver *receiver; /* its counters */
  guint64 lost_events;
  gboolean was_late;
  gboolean wants_segment_done;
  guint32 seek_seqnum;
  GstEvent *late; /* to be pushed before the next buffer */

  /* the streaming thread's */
  GstTachyonTimeline timeline;
  gboolean is_connected;
  gboolean has_used_fd;
  gboolean has_received;
  gboolean is_discont;
  GQueue unpushed; /* sticky events and caps that met a flush */
  GstClockTime connecting_since;
  GstTachyonSrcProgress progress;
  GstTachyonSrcRefusal refusal;

  GstTachyonClock clock;

  /* a buffer without timestamps, which the base class would invent */
  GstBuffer *unstamped; /* to compare, not to use */
  GstClockTime unstamped_pts, unstamped_dts;
};

/* Returns: (transfer full): as libtachyon takes it; NULL when none is set */
gchar *gst_tachyon_src_copy_address (GstTachyonSrc *self);

/* Returns: (transfer full): for messages: the address, or the descriptor */
gchar *gst_tachyon_src_describe_peer (GstTachyonSrc *self);

/* On the streaming thread: find a producer; what to do when it is gone. */
GstFlowReturn gst_tachyon_src_connect (GstTachyonSrc *self);
GstFlowReturn gst_tachyon_src_end_connection (GstTachyonSrc *self);

/* Let go of state that did not go downstream. The streaming thread is not
 * there. */
void gst_tachyon_src_drop_unpushed (GstTachyonSrc *self);

/* The next buffer; what comes before it is dealt with on the way. */
GstFlowReturn gst_tachyon_src_create (GstPushSrc *psrc, GstBuffer **buffer);

G_END_DECLS

#endif
