/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source tells its producer of downstream's needs: when it connects,
 * and when they change.
 */
#ifndef __GST_TACHYON_SRC_NEEDS_H__
#define __GST_TACHYON_SRC_NEEDS_H__

#include <gst/base/gstbasesrc.h>

#include "gsttachyonclient.h"
#include "gsttachyonneeds.h"

G_BEGIN_DECLS

typedef struct
{
  GstBaseSrc *src;
  GstTachyonClient *client;

  /* guards the fields below, and keeps what is sent in order: sending does not
   * wait */
  GMutex lock;
  GstTachyonNeeds needs;
  gboolean is_told;
  /* atomic: a thread is about to ask downstream for caps */
  gint is_asking;
} GstTachyonSrcNeeds;

/* Both stay until gst_tachyon_src_needs_clear(). */
void gst_tachyon_src_needs_init (GstTachyonSrcNeeds *self, GstBaseSrc *src,
    GstTachyonClient *client);
void gst_tachyon_src_needs_clear (GstTachyonSrcNeeds *self);

/* A producer was found: it is told all. On the streaming thread. */
void gst_tachyon_src_needs_begin (GstTachyonSrcNeeds *self);

/*
 * What an ALLOCATION query brought.
 *
 * Returns: buffers that downstream may hold at a time; 0: it did not say
 */
guint gst_tachyon_src_needs_take_allocation (GstTachyonSrcNeeds *self,
    GstQuery *query);

/* Whether the producer knows what downstream takes. Any thread. */
gboolean gst_tachyon_src_needs_are_told (GstTachyonSrcNeeds *self);

/* Downstream takes other caps than it did. Any thread; downstream is asked on
 * another one. */
void gst_tachyon_src_needs_refresh (GstTachyonSrcNeeds *self);

G_END_DECLS

#endif
