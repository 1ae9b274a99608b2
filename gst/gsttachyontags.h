/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tag lists as text, each tag a field of a structure.
 */
#ifndef __GST_TACHYON_TAGS_H__
#define __GST_TACHYON_TAGS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Returns: (transfer full): text, without tags that cannot be told; or NULL */
gchar *gst_tachyon_tags_print (const GstTagList *tags);

/*
 * The tags that this process knows, of text that another wrote.
 *
 * Returns: (transfer full): a list, of scope STREAM; NULL when malformed
 */
GstTagList *gst_tachyon_tags_parse (const gchar *text);

G_END_DECLS

#endif
