/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Whether a subscriber that joins now needs a key unit.
 */
#include "gsttachyonkeyunit.h"

#include <gst/video/video.h>

/* An encoder that was asked makes one with its next picture; by then it did not
 * hear, or what it made was lost. */
#define PATIENCE (500 * GST_MSECOND)

void
gst_tachyon_key_unit_init (GstTachyonKeyUnit *self)
{
  g_mutex_init (&self->lock);
  self->has_deltas = FALSE;
  self->asked = GST_CLOCK_TIME_NONE;
  self->count = 0;
  self->served = 0;
}

void
gst_tachyon_key_unit_clear (GstTachyonKeyUnit *self)
{
  g_mutex_clear (&self->lock);
}

void
gst_tachyon_key_unit_begin (GstTachyonKeyUnit *self)
{
  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->has_deltas, FALSE);
  self->asked = GST_CLOCK_TIME_NONE;
  g_mutex_unlock (&self->lock);
}

void
gst_tachyon_key_unit_pass (GstTachyonKeyUnit *self, GstBuffer *buffer)
{
  const gboolean had_deltas = g_atomic_int_get (&self->has_deltas);

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)) {
    if (!had_deltas)
      g_atomic_int_set (&self->has_deltas, TRUE);
    return;
  }
  if (!had_deltas)
    return;

  g_mutex_lock (&self->lock);
  self->asked = GST_CLOCK_TIME_NONE;
  g_mutex_unlock (&self->lock);
}

void
gst_tachyon_key_unit_serve (GstTachyonKeyUnit *self, GstBuffer *buffer,
    guint64 subscriber)
{
  /* Only this thread writes it: raw streams take the lock once a subscriber. */
  if (subscriber <= self->served ||
      GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    return;

  g_mutex_lock (&self->lock);
  self->served = subscriber;
  g_mutex_unlock (&self->lock);
}

GstEvent *
gst_tachyon_key_unit_ask (GstTachyonKeyUnit *self, guint64 subscriber,
    GstClockTime now)
{
  gboolean is_due;
  guint count;

  if (!g_atomic_int_get (&self->has_deltas))
    return NULL;

  g_mutex_lock (&self->lock);
  is_due = subscriber > self->served &&
      (!GST_CLOCK_TIME_IS_VALID (self->asked) || now - self->asked >= PATIENCE);
  if (is_due)
    self->asked = now;
  count = is_due ? self->count++ : 0;
  g_mutex_unlock (&self->lock);
  if (!is_due)
    return NULL;

  return gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE,
      count);
}
