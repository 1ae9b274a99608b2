/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Caps and structures as text that another process wrote.
 *
 * GStreamer's own parsers are for text one trusts: they recurse without limit,
 * load plugins for a type's name, and assert on values they do not expect.
 * These read the same syntax, as far as caps and structures with fixed values
 * use it, and give NULL for everything else.
 */
#ifndef __GST_TACHYON_TEXT_H__
#define __GST_TACHYON_TEXT_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Caps of more bytes are refused. */
#define GST_TACHYON_CAPS_MAX (1 << 20)

/* Returns: (transfer full): fixed caps, or NULL when it is not that */
GstCaps *gst_tachyon_caps_parse (const gchar *text);

/* Returns: (transfer full): the structure, or NULL when it is not that */
GstStructure *gst_tachyon_structure_parse (const gchar *text);

/*
 * Whether another process can parse a text of our own. Its names are ours: they
 * count for none that a stranger brought, and go on when no more of those may.
 */
gboolean gst_tachyon_structure_is_legible (const gchar *text);

/*
 * A structure as text that gst_tachyon_structure_parse() reads. Fields whose
 * types cannot be told to another process (objects, pointers) are left out.
 *
 * Returns: (transfer full): the text; NULL when there is no such text
 */
gchar *gst_tachyon_structure_print (const GstStructure *structure);

G_END_DECLS

#endif
