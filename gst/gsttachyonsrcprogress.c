/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Progress messages of the source while it waits for a producer.
 */
#include "gsttachyonsrcprogress.h"

static void
post (GstElement *element, GstProgressType type, const gchar *before,
    const gchar *address, const gchar *after)
{
  gchar *const text = g_strconcat (before, " \"", address, "\"", after, NULL);

  gst_element_post_message (element,
      gst_message_new_progress (GST_OBJECT (element), type, "connect", text));
  g_free (text);
}

void
gst_tachyon_src_progress_wait (GstTachyonSrcProgress *self, GstElement *element,
    const gchar *address)
{
  if (self->is_waiting)
    return;

  self->is_waiting = TRUE;
  self->has_failed_once = FALSE;
  post (element, GST_PROGRESS_TYPE_START, "Waiting for a producer at", address,
      "");
}

void
gst_tachyon_src_progress_retry (GstTachyonSrcProgress *self,
    GstElement *element, const gchar *address)
{
  /* It may do so ten times a second. */
  if (!self->is_waiting || self->has_failed_once)
    return;

  self->has_failed_once = TRUE;
  post (element, GST_PROGRESS_TYPE_CONTINUE, "The producer at", address,
      " hung up, waiting for another");
}

void
gst_tachyon_src_progress_end (GstTachyonSrcProgress *self, GstElement *element,
    GstProgressType type, const gchar *address)
{
  if (!self->is_waiting)
    return;

  self->is_waiting = FALSE;
  if (type == GST_PROGRESS_TYPE_COMPLETE)
    post (element, type, "Connected to the producer at", address, "");
  else if (type == GST_PROGRESS_TYPE_ERROR)
    post (element, type, "No connection to a producer at", address, "");
  else
    post (element, type, "No longer waiting for a producer at", address, "");
}
