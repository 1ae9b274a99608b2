/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Which names of strangers this process has learned.
 */
#include "gsttachyonname.h"

#include <string.h>

/* GStreamer's own table of quarks will not do: since 1.26 it does without for
 * some names, which would be new each time. */
static GMutex lock;
static GHashTable *names;

gboolean
gst_tachyon_name_admit (const gchar *name)
{
  gboolean is_known;

  if (strlen (name) > GST_TACHYON_NAME_SIZE_MAX)
    return FALSE;

  g_mutex_lock (&lock);
  if (!names)
    names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  /* One that is a quark already costs nothing: our own, as a rule. */
  is_known =
      g_quark_try_string (name) != 0 || g_hash_table_contains (names, name);
  if (!is_known && g_hash_table_size (names) < GST_TACHYON_NAMES_MAX)
    is_known = g_hash_table_add (names, g_strdup (name));
  g_mutex_unlock (&lock);

  return is_known;
}
