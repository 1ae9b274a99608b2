/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The sink's writable properties: their values, names and texts.
 */
#ifndef __GST_TACHYON_SINK_SETTINGS_H__
#define __GST_TACHYON_SINK_SETTINGS_H__

#include <gst/gst.h>

#include <tachyon.h>

#include "gsttachyonaddress.h"

G_BEGIN_DECLS

/**
 * GstTachyonLeakyType:
 * @GST_TACHYON_LEAKY_TYPE_NONE: wait until every subscriber has room
 * @GST_TACHYON_LEAKY_TYPE_UPSTREAM: a subscriber without room misses the new
 *     buffer
 * @GST_TACHYON_LEAKY_TYPE_DOWNSTREAM: the same as upstream, for pipelines
 *     written for other sinks: what was sent cannot be taken back. A subscriber
 *     that wants the newest buffer skips the older ones itself.
 *
 * What happens when a subscriber has max-buffers waiting.
 *
 * Since: 0.1
 */
typedef enum
{
  GST_TACHYON_LEAKY_TYPE_NONE = 0,
  GST_TACHYON_LEAKY_TYPE_UPSTREAM = 1,
  GST_TACHYON_LEAKY_TYPE_DOWNSTREAM = 2,
} GstTachyonLeakyType;

#define GST_TYPE_TACHYON_LEAKY_TYPE (gst_tachyon_leaky_type_get_type ())
GType gst_tachyon_leaky_type_get_type (void);

/* The property ids; the element's others go on from the last. */
enum
{
  PROP_0,
  PROP_SOCKET_PATH,
  PROP_SOCKET_TYPE,
  PROP_FD,
  PROP_WAIT_FOR_CONNECTION,
  PROP_MAX_BUFFERS,
  PROP_LEAKY_TYPE,
  PROP_PERMS,
  PROP_SHM_SIZE,
  PROP_MIN_MEMORY_SIZE,
  PROP_STREAM_NAME,
  PROP_SETTINGS_LAST
};

typedef struct
{
  gchar *socket_path;
  GstTachyonSocketType socket_type;
  gint fd;
  gboolean wait_for_connection;
  guint max_buffers;
  GstTachyonLeakyType leaky_type;
  guint perms;
  guint64 shm_size;
  gint64 min_memory_size;
  gchar *stream_name;
} GstTachyonSinkSettings;

void gst_tachyon_sink_settings_init (GstTachyonSinkSettings *self);
/* What is there is overwritten. */
void gst_tachyon_sink_settings_copy (GstTachyonSinkSettings *self,
    const GstTachyonSinkSettings *from);
void gst_tachyon_sink_settings_clear (GstTachyonSinkSettings *self);

/* Returns: FALSE when the id is none of these. */
gboolean gst_tachyon_sink_settings_set (GstTachyonSinkSettings *self,
    guint prop_id, const GValue *value);
gboolean gst_tachyon_sink_settings_get (const GstTachyonSinkSettings *self,
    guint prop_id, GValue *value);

void gst_tachyon_sink_settings_install (GObjectClass *klass);

/* Returns: (transfer full) (nullable): where to listen; NULL when not set. */
gchar *gst_tachyon_sink_settings_get_address (
    const GstTachyonSinkSettings *self);
enum tachyon_policy gst_tachyon_sink_settings_get_policy (
    const GstTachyonSinkSettings *self);

G_END_DECLS

#endif
