/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What caps another process would like: caps that are not fixed, as text that a
 * stranger wrote.
 *
 * Only what elements say of themselves is understood: structures with system
 * memory or DMABuf, and fields of plain types, their lists and ranges. A wish
 * binds nobody, so that whatever else comes is no wish at all.
 */
#ifndef __GST_TACHYON_WISH_H__
#define __GST_TACHYON_WISH_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Bytes of a wish as text; more is not said. */
#define GST_TACHYON_WISH_MAX 3072

/* Returns: (transfer full): NULL when it is not understood, or means anything */
GstCaps *gst_tachyon_wish_parse (const gchar *text);

/*
 * @caps: (transfer none): what downstream takes, in its order of preference
 *
 * Returns: (transfer full): what gst_tachyon_wish_parse() understands; "" when
 *     that would be anything, or too long
 */
gchar *gst_tachyon_wish_print (const GstCaps *caps);

G_END_DECLS

#endif
