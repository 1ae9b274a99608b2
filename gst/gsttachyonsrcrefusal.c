/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Caps that downstream does not take.
 */
#include "gsttachyonsrcrefusal.h"

#include "gsttachyontime.h"

/* A producer that can send something else does so with its next buffer. */
#define PATIENCE GST_SECOND

static gboolean
are_taken (GstPad *pad, GstCaps *caps)
{
  GstCaps *const taken = gst_pad_peer_query_caps (pad, caps);
  const gboolean any = !gst_caps_is_empty (taken);

  gst_caps_unref (taken);
  return any;
}

gboolean
gst_tachyon_src_refusal_take (GstTachyonSrcRefusal *self, GstPad *pad,
    GstCaps *caps, gboolean was_told)
{
  if (!was_told || are_taken (pad, caps)) {
    gst_tachyon_src_refusal_clear (self);
    return FALSE;
  }

  /* Several that are of no use get no more time than one. */
  if (!self->caps)
    self->until = gst_tachyon_time_monotonic () + PATIENCE;
  gst_caps_replace (&self->caps, caps);
  return TRUE;
}

gint64
gst_tachyon_src_refusal_time_left (const GstTachyonSrcRefusal *self)
{
  const GstClockTime now = gst_tachyon_time_monotonic ();

  if (!self->caps)
    return -1;
  return now < self->until ? (gint64) (self->until - now) : 0;
}

void
gst_tachyon_src_refusal_fail (GstTachyonSrcRefusal *self, GstElement *element)
{
  GST_ELEMENT_ERROR (element, CORE, NEGOTIATION,
      ("The producer sends a format that this pipeline does not take, and "
       "nothing else."),
      ("%" GST_PTR_FORMAT, self->caps));
  gst_tachyon_src_refusal_clear (self);
}

void
gst_tachyon_src_refusal_clear (GstTachyonSrcRefusal *self)
{
  gst_clear_caps (&self->caps);
}
