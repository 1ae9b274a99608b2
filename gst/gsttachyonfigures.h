/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink shows of its work: its read-only properties.
 */
#ifndef __GST_TACHYON_FIGURES_H__
#define __GST_TACHYON_FIGURES_H__

#include "gsttachyonsender.h"
#include "gsttachyonsinksettings.h"

G_BEGIN_DECLS

enum
{
  PROP_NUM_CLIENTS = PROP_SETTINGS_LAST,
  PROP_CURRENT_LEVEL_BUFFERS,
  PROP_STATS,
};

/* Of one run, from READY to PAUSED and back. */
typedef struct
{
  struct tachyon_publisher_stats publisher;
  struct tachyon_client_stats clients[TACHYON_SUBSCRIBERS_MAX];
  guint client_count;
  guint64 copied;
  guint64 not_carried;
  guint64 stream_frames;
  guint64 stream_skipped;
} GstTachyonFigures;

/* Fill in what stands now. */
void gst_tachyon_figures_take (GstTachyonFigures *self,
    struct tachyon_publisher *publisher, GstTachyonSender *sender);

/* Returns: FALSE when the id is none of these. */
gboolean gst_tachyon_figures_get (const GstTachyonFigures *self,
    GstElement *element, guint prop_id, GValue *value);

void gst_tachyon_figures_install (GObjectClass *klass);

G_END_DECLS

#endif
