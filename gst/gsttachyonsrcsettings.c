/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The source's writable properties: their values, names and texts.
 */
#include "gsttachyonsrcsettings.h"

#include <string.h>

#define DEFAULT_SOCKET_PATH NULL
#define DEFAULT_SOCKET_TYPE GST_TACHYON_SOCKET_TYPE_PATH
#define DEFAULT_FD -1
#define DEFAULT_ON_DISCONNECT GST_TACHYON_ON_DISCONNECT_EOS
#define DEFAULT_TIMESTAMP_MODE GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME
#define DEFAULT_CONNECTION_TIMEOUT 0
#define DEFAULT_ALWAYS_COPY FALSE
#define DEFAULT_PROCESSING_DEADLINE 0
#define DEFAULT_MAX_BUFFERS 0
#define DEFAULT_LEAKY_TYPE GST_TACHYON_SRC_LEAKY_TYPE_NONE

#define FLAGS \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING_FLAGS \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static GType
on_disconnect_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = { { GST_TACHYON_ON_DISCONNECT_NONE,
                                           "Wait for a producer to come back",
                                           "none" },
    { GST_TACHYON_ON_DISCONNECT_EOS, "End the stream", "eos" },
    { GST_TACHYON_ON_DISCONNECT_ERROR, "Post an error", "error" },
    { 0, NULL, NULL } };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstTachyonOnDisconnect", values));
  return type;
}

static GType
timestamp_mode_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME,
        "Due at the same moment as at the producer", "running-time" },
    { GST_TACHYON_TIMESTAMP_MODE_PASSTHROUGH,
        "Timestamps and segment as the producer's", "passthrough" },
    { GST_TACHYON_TIMESTAMP_MODE_ARRIVAL, "Due on arrival", "arrival" },
    { 0, NULL, NULL }
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstTachyonTimestampMode", values));
  return type;
}

static GType
leaky_type_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = { { GST_TACHYON_SRC_LEAKY_TYPE_NONE,
                                           "Take every buffer", "none" },
    { GST_TACHYON_SRC_LEAKY_TYPE_DOWNSTREAM, "Skip to the newest buffer",
        "downstream" },
    { 0, NULL, NULL } };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstTachyonSrcLeakyType", values));
  return type;
}

void
gst_tachyon_src_settings_init (GstTachyonSrcSettings *self)
{
  memset (self, 0, sizeof *self);
  self->socket_path = g_strdup (DEFAULT_SOCKET_PATH);
  self->socket_type = DEFAULT_SOCKET_TYPE;
  self->fd = DEFAULT_FD;
  self->on_disconnect = DEFAULT_ON_DISCONNECT;
  self->timestamp_mode = DEFAULT_TIMESTAMP_MODE;
  self->connection_timeout = DEFAULT_CONNECTION_TIMEOUT;
  self->always_copy = DEFAULT_ALWAYS_COPY;
  self->processing_deadline = DEFAULT_PROCESSING_DEADLINE;
  self->max_buffers = DEFAULT_MAX_BUFFERS;
  self->leaky_type = DEFAULT_LEAKY_TYPE;
}

void
gst_tachyon_src_settings_clear (GstTachyonSrcSettings *self)
{
  g_clear_pointer (&self->socket_path, g_free);
}

gboolean
gst_tachyon_src_settings_set (GstTachyonSrcSettings *self, guint prop_id,
    const GValue *value)
{
  switch (prop_id) {
    case PROP_SOCKET_PATH:
      g_free (self->socket_path);
      self->socket_path = g_value_dup_string (value);
      break;
    case PROP_SOCKET_TYPE:
      self->socket_type = g_value_get_enum (value);
      break;
    case PROP_FD:
      self->fd = g_value_get_int (value);
      break;
    case PROP_ON_DISCONNECT:
      self->on_disconnect = g_value_get_enum (value);
      break;
    case PROP_TIMESTAMP_MODE:
      self->timestamp_mode = g_value_get_enum (value);
      break;
    case PROP_CONNECTION_TIMEOUT:
      self->connection_timeout = g_value_get_uint64 (value);
      break;
    case PROP_ALWAYS_COPY:
      self->always_copy = g_value_get_boolean (value);
      break;
    case PROP_PROCESSING_DEADLINE:
      self->processing_deadline = g_value_get_uint64 (value);
      break;
    case PROP_MAX_BUFFERS:
      self->max_buffers = g_value_get_uint (value);
      break;
    case PROP_LEAKY_TYPE:
      self->leaky_type = g_value_get_enum (value);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_tachyon_src_settings_get (const GstTachyonSrcSettings *self, guint prop_id,
    GValue *value)
{
  switch (prop_id) {
    case PROP_SOCKET_PATH:
      g_value_set_string (value, self->socket_path);
      break;
    case PROP_SOCKET_TYPE:
      g_value_set_enum (value, self->socket_type);
      break;
    case PROP_FD:
      g_value_set_int (value, self->fd);
      break;
    case PROP_ON_DISCONNECT:
      g_value_set_enum (value, self->on_disconnect);
      break;
    case PROP_TIMESTAMP_MODE:
      g_value_set_enum (value, self->timestamp_mode);
      break;
    case PROP_CONNECTION_TIMEOUT:
      g_value_set_uint64 (value, self->connection_timeout);
      break;
    case PROP_ALWAYS_COPY:
      g_value_set_boolean (value, self->always_copy);
      break;
    case PROP_PROCESSING_DEADLINE:
      g_value_set_uint64 (value, self->processing_deadline);
      break;
    case PROP_MAX_BUFFERS:
      g_value_set_uint (value, self->max_buffers);
      break;
    case PROP_LEAKY_TYPE:
      g_value_set_enum (value, self->leaky_type);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

static void
install_address (GObjectClass *klass)
{
  /**
   * GstTachyonSrc:socket-path:
   *
   * The socket at which a #GstTachyonSink listens. A path that begins with
   * '@' is a name in the abstract namespace.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SOCKET_PATH,
      g_param_spec_string ("socket-path", "Socket path",
          "Where a tachyonsink listens: a path, or '@' and an abstract name",
          DEFAULT_SOCKET_PATH, FLAGS));

  /**
   * GstTachyonSrc:socket-type:
   *
   * What #GstTachyonSrc:socket-path names.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SOCKET_TYPE,
      g_param_spec_enum ("socket-type", "Socket type",
          "What kind of address socket-path is", GST_TYPE_TACHYON_SOCKET_TYPE,
          DEFAULT_SOCKET_TYPE, FLAGS));

  /**
   * GstTachyonSrc:fd:
   *
   * A connected AF_UNIX socket of the type SOCK_SEQPACKET, such as one end of a
   * socketpair() whose other end a #GstTachyonSink has as #GstTachyonSink:fd. It
   * is duplicated when the element starts to stream; it makes one connection,
   * and then #GstTachyonSrc:socket-path is used, if it is set.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_FD,
      g_param_spec_int ("fd", "File descriptor",
          "A connected socket to receive from, before socket-path (-1 = none)",
          -1, G_MAXINT, DEFAULT_FD, FLAGS));

  /**
   * GstTachyonSrc:connection-timeout:
   *
   * How long to wait for a producer, in nanoseconds, before an error. 0 waits
   * for ever: either side may start first. It holds for each reconnection,
   * too.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_CONNECTION_TIMEOUT,
      g_param_spec_uint64 ("connection-timeout", "Connection timeout",
          "Nanoseconds to wait for a producer (0 = for ever)", 0, G_MAXINT64,
          DEFAULT_CONNECTION_TIMEOUT, FLAGS));

  /**
   * GstTachyonSrc:on-disconnect:
   *
   * What follows when the producer leaves or dies. What it sent before is
   * delivered first.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ON_DISCONNECT,
      g_param_spec_enum ("on-disconnect", "On disconnect",
          "What follows when the producer leaves or dies",
          on_disconnect_get_type (), DEFAULT_ON_DISCONNECT, PLAYING_FLAGS));
}

static void
install_times (GObjectClass *klass)
{
  /**
   * GstTachyonSrc:timestamp-mode:
   *
   * How buffers are placed in this pipeline's running time. Timestamps stay as
   * the producer made them, unless they are made on arrival: what moves is the
   * segment.
   *
   * In mode running-time a buffer is due when it is due at the producer, to the
   * nanosecond where both pipelines run on the system's monotonic clock. Any
   * other clock, at either end, is followed in steps of about 0.1 ms at most,
   * and all elements of a process that use it take the same steps. What a live
   * producer had due before this pipeline began lies before the segment.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TIMESTAMP_MODE,
      g_param_spec_enum ("timestamp-mode", "Timestamp mode",
          "How the producer's timestamps become those of this pipeline",
          timestamp_mode_get_type (), DEFAULT_TIMESTAMP_MODE, FLAGS));

  /**
   * GstTachyonSrc:processing-deadline:
   *
   * Nanoseconds that a buffer may take from the producer to this element's
   * source pad; added to the latency that the producer reports. The way itself
   * takes tens of microseconds, for which there is room in the 20 ms of a sink's
   * own #GstBaseSink:processing-deadline; a sink where that is 0 needs some
   * here.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_PROCESSING_DEADLINE,
      g_param_spec_uint64 ("processing-deadline", "Processing deadline",
          "Nanoseconds that a buffer may take to get here, added to the producer's latency",
          0, G_MAXINT64, DEFAULT_PROCESSING_DEADLINE, PLAYING_FLAGS));
}

static void
install_buffers (GObjectClass *klass)
{
  /**
   * GstTachyonSrc:always-copy:
   *
   * Copy each buffer, and give the producer its block back at once.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ALWAYS_COPY,
      g_param_spec_boolean ("always-copy", "Always copy",
          "Copy each buffer, and give the producer its memory back at once",
          DEFAULT_ALWAYS_COPY, PLAYING_FLAGS));

  /**
   * GstTachyonSrc:max-buffers:
   *
   * The most buffers of the producer's that this pipeline may hold at a time;
   * the producer treats it as a slow subscriber from there on. 0 leaves it to
   * the library.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_BUFFERS,
      g_param_spec_uint ("max-buffers", "Maximum buffers",
          "Buffers in the producer's memory that this pipeline may hold at a time (0 = automatic)",
          0, 1 << 20, DEFAULT_MAX_BUFFERS, FLAGS));

  /**
   * GstTachyonSrc:leaky-type:
   *
   * What to drop when buffers wait to be taken.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_LEAKY_TYPE,
      g_param_spec_enum ("leaky-type", "Leaky type",
          "What to drop when several buffers wait to be taken",
          leaky_type_get_type (), DEFAULT_LEAKY_TYPE, FLAGS));
}

void
gst_tachyon_src_settings_install (GObjectClass *klass)
{
  install_address (klass);
  install_times (klass);
  install_buffers (klass);

  gst_type_mark_as_plugin_api (GST_TYPE_TACHYON_SOCKET_TYPE, 0);
  gst_type_mark_as_plugin_api (on_disconnect_get_type (), 0);
  gst_type_mark_as_plugin_api (timestamp_mode_get_type (), 0);
  gst_type_mark_as_plugin_api (leaky_type_get_type (), 0);
}
