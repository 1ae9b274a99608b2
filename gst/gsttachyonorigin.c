/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Where the running time of several sources begins.
 *
 * The elements of a pipeline do not know each other. Those that join one
 * producer at the same time are taken for one pipeline's; where they are not,
 * one of them begins a moment later than it could.
 */
#include "gsttachyonorigin.h"

/* What is joined within this time is joined together. */
#define TOGETHER (2 * GST_SECOND)
/* Sinks of one pipeline agree on its base time, but for a clock's drift. */
#define SAME_BASE GST_MSECOND

static GMutex lock;
static gboolean is_set;
static GstClockTime base;
static GstClockTimeDiff origin;
static GstClockTime since;

static guint64
distance (guint64 a, guint64 b)
{
  return MIN (a - b, b - a);
}

GstClockTimeDiff
gst_tachyon_origin_share (GstClockTime producer_base, GstClockTimeDiff first,
    GstClockTime now)
{
  GstClockTimeDiff shared;

  g_mutex_lock (&lock);
  if (!is_set || distance (producer_base, base) > SAME_BASE ||
      distance (now, since) > TOGETHER) {
    is_set = TRUE;
    base = producer_base;
    origin = first;
    since = now;
  }
  shared = origin;
  g_mutex_unlock (&lock);
  return shared;
}
