/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Progress messages of the source while it waits for a producer: code
 * "connect". Each START ends in COMPLETE, CANCELED or ERROR.
 *
 * On the streaming thread, no lock held.
 */
#ifndef __GST_TACHYON_SRC_PROGRESS_H__
#define __GST_TACHYON_SRC_PROGRESS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean is_waiting;
  gboolean has_failed_once;
} GstTachyonSrcProgress;

/* Before a wait; nothing is posted where one goes on. */
void gst_tachyon_src_progress_wait (GstTachyonSrcProgress *self,
    GstElement *element, const gchar *address);

/* A producer was there, and gone again; the wait goes on. */
void gst_tachyon_src_progress_retry (GstTachyonSrcProgress *self,
    GstElement *element, const gchar *address);

/* The wait is over. */
void gst_tachyon_src_progress_end (GstTachyonSrcProgress *self,
    GstElement *element, GstProgressType type, const gchar *address);

G_END_DECLS

#endif
