/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Names that a stranger chose: of structures, their fields, regions.
 */
#ifndef __GST_TACHYON_NAME_H__
#define __GST_TACHYON_NAME_H__

#include <glib.h>

G_BEGIN_DECLS

/* A name of more bytes is refused; and new ones, after so many. */
#define GST_TACHYON_NAME_SIZE_MAX 256
#define GST_TACHYON_NAMES_MAX (1 << 16)

/*
 * GStreamer makes quarks of names, which stay for as long as the process lives:
 * a peer that has a new one in each frame would fill the memory.
 *
 * Returns: FALSE for a name that must not become one. Any thread.
 */
gboolean gst_tachyon_name_admit (const gchar *name);

G_END_DECLS

#endif
