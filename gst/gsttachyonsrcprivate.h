/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The source, for the files that it is made of.
 */
#ifndef __GST_TACHYON_SRC_PRIVATE_H__
#define __GST_TACHYON_SRC_PRIVATE_H__

#include "gsttachyonclient.h"
#include "gsttachyonreceiver.h"
#include "gsttachyonsrc.h"
#include "gsttachyonsrcsettings.h"
#include "gsttachyontimeline.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_src_debug);

struct _GstTachyonSrc
{
  GstPushSrc parent;

  GstTachyonSrcSettings settings; /* object lock */
  GstTachyonClient client;

  /* object lock: what queries and upstream events need of the stream */
  GstClockTime producer_latency;
  GstClockTimeDiff delta;
  GstTachyonReceiver *receiver; /* its counters */
  guint64 lost_events;
  gboolean was_late;

  /* the streaming thread's */
  GstTachyonTimeline timeline;
  gboolean is_connected;
  gboolean has_received;
  gboolean is_discont;
  GstClockTime connecting_since;

  /* our base time on CLOCK_MONOTONIC, and what it was measured of */
  GstClockTime base;
  GstClockTime base_measured;
  GstClock *base_clock; /* to compare, not to use */
  GstClockTime base_time;

  /* a buffer without timestamps, which the base class would invent */
  GstBuffer *unstamped; /* to compare, not to use */
  GstClockTime unstamped_dts;
};

/* Returns: (transfer full): as libtachyon takes it; NULL when none is set */
gchar *gst_tachyon_src_copy_address (GstTachyonSrc *self);

/* The next buffer; what comes before it is dealt with on the way. */
GstFlowReturn gst_tachyon_src_create (GstPushSrc *psrc, GstBuffer **buffer);

G_END_DECLS

#endif
