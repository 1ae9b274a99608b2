/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The source's writable properties.
 */
#ifndef __GST_TACHYON_SRC_SETTINGS_H__
#define __GST_TACHYON_SRC_SETTINGS_H__

#include <gst/gst.h>

#include "gsttachyonaddress.h"
#include "gsttachyontimeline.h"

G_BEGIN_DECLS

/**
 * GstTachyonOnDisconnect:
 * @GST_TACHYON_ON_DISCONNECT_NONE: wait for a producer to come back, and go on
 * @GST_TACHYON_ON_DISCONNECT_EOS: end the stream
 * @GST_TACHYON_ON_DISCONNECT_ERROR: post an error
 *
 * What follows when the producer leaves or dies without an end of stream. An
 * end of stream that it sent is always one here.
 *
 * Since: 0.1
 */
typedef enum
{
  GST_TACHYON_ON_DISCONNECT_NONE = 0,
  GST_TACHYON_ON_DISCONNECT_EOS = 1,
  GST_TACHYON_ON_DISCONNECT_ERROR = 2,
} GstTachyonOnDisconnect;

/**
 * GstTachyonSrcLeakyType:
 * @GST_TACHYON_SRC_LEAKY_TYPE_NONE: every buffer that was sent to us
 * @GST_TACHYON_SRC_LEAKY_TYPE_DOWNSTREAM: skip to the newest buffer there is
 *
 * What to drop when buffers wait.
 *
 * Since: 0.1
 */
typedef enum
{
  GST_TACHYON_SRC_LEAKY_TYPE_NONE = 0,
  GST_TACHYON_SRC_LEAKY_TYPE_DOWNSTREAM = 2,
} GstTachyonSrcLeakyType;

typedef struct
{
  gchar *socket_path;
  GstTachyonSocketType socket_type;
  gint fd;
  GstTachyonOnDisconnect on_disconnect;
  GstTachyonTimestampMode timestamp_mode;
  GstTachyonSrcLeakyType leaky_type;
  GstClockTime connection_timeout;
  GstClockTime processing_deadline;
  guint max_buffers;
  gboolean always_copy;
} GstTachyonSrcSettings;

enum
{
  PROP_0,
  PROP_SOCKET_PATH,
  PROP_SOCKET_TYPE,
  PROP_FD,
  PROP_ON_DISCONNECT,
  PROP_TIMESTAMP_MODE,
  PROP_CONNECTION_TIMEOUT,
  PROP_ALWAYS_COPY,
  PROP_PROCESSING_DEADLINE,
  PROP_MAX_BUFFERS,
  PROP_LEAKY_TYPE,
  PROP_SRC_SETTINGS_LAST,
};

void gst_tachyon_src_settings_init (GstTachyonSrcSettings *self);
void gst_tachyon_src_settings_clear (GstTachyonSrcSettings *self);

/* Returns: FALSE when the id is none of these. Under the object's lock. */
gboolean gst_tachyon_src_settings_set (GstTachyonSrcSettings *self,
    guint prop_id, const GValue *value);
gboolean gst_tachyon_src_settings_get (const GstTachyonSrcSettings *self,
    guint prop_id, GValue *value);

void gst_tachyon_src_settings_install (GObjectClass *klass);

G_END_DECLS

#endif
