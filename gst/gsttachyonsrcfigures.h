/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source shows of its work: its read-only properties.
 */
#ifndef __GST_TACHYON_SRC_FIGURES_H__
#define __GST_TACHYON_SRC_FIGURES_H__

#include "gsttachyonsrcprivate.h"

G_BEGIN_DECLS

enum
{
  PROP_SRC_STATS = PROP_SRC_SETTINGS_LAST,
  PROP_SRC_FIGURES_LAST,
};

/* Any thread. Returns: FALSE when the id is none of these. */
gboolean gst_tachyon_src_figures_get (GstTachyonSrc *self, guint prop_id,
    GValue *value);

void gst_tachyon_src_figures_install (GObjectClass *klass);

G_END_DECLS

#endif
