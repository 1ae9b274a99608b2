/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The values in caps and structures that hold no other values, as text that
 * another process wrote.
 */
#ifndef __GST_TACHYON_SCALAR_H__
#define __GST_TACHYON_SCALAR_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Whether values of a type mean something in another process. */
gboolean gst_tachyon_scalar_type_travels (GType type);

/*
 * The type of a name as it stands before a value. Unlike GStreamer's own
 * search, this one loads no plugin.
 *
 * Returns: a type that travels, or G_TYPE_INVALID
 */
GType gst_tachyon_scalar_type_find (const gchar *name);

/* The type of a value that names none: as GStreamer guesses. */
GType gst_tachyon_scalar_type_guess (const gchar *text);

/* Returns: FALSE when the text is no value of @value's type */
gboolean gst_tachyon_scalar_set (GValue *value, const gchar *text);

G_END_DECLS

#endif
