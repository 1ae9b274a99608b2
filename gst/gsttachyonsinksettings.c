/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The sink's writable properties: their values, names and texts.
 */
#include "gsttachyonsinksettings.h"

#define DEFAULT_SOCKET_PATH NULL
#define DEFAULT_SOCKET_TYPE GST_TACHYON_SOCKET_TYPE_PATH
#define DEFAULT_FD -1
#define DEFAULT_WAIT_FOR_CONNECTION FALSE
#define DEFAULT_MAX_BUFFERS 0
#define DEFAULT_LEAKY_TYPE GST_TACHYON_LEAKY_TYPE_NONE
#define DEFAULT_PERMS 0600
#define DEFAULT_SHM_SIZE 0
#define DEFAULT_MIN_MEMORY_SIZE 0
#define DEFAULT_STREAM_NAME NULL

#define FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS)

GType
gst_tachyon_leaky_type_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GST_TACHYON_LEAKY_TYPE_NONE, "Wait for the slowest subscriber", "none" },
    { GST_TACHYON_LEAKY_TYPE_UPSTREAM,
        "A subscriber without room misses the new buffer", "upstream" },
    { GST_TACHYON_LEAKY_TYPE_DOWNSTREAM,
        "As upstream: what was sent cannot be taken back", "downstream" },
    { 0, NULL, NULL }
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstTachyonLeakyType", values));

  return type;
}

void
gst_tachyon_sink_settings_init (GstTachyonSinkSettings *self)
{
  self->socket_path = g_strdup (DEFAULT_SOCKET_PATH);
  self->socket_type = DEFAULT_SOCKET_TYPE;
  self->fd = DEFAULT_FD;
  self->wait_for_connection = DEFAULT_WAIT_FOR_CONNECTION;
  self->max_buffers = DEFAULT_MAX_BUFFERS;
  self->leaky_type = DEFAULT_LEAKY_TYPE;
  self->perms = DEFAULT_PERMS;
  self->shm_size = DEFAULT_SHM_SIZE;
  self->min_memory_size = DEFAULT_MIN_MEMORY_SIZE;
  self->stream_name = g_strdup (DEFAULT_STREAM_NAME);
}

void
gst_tachyon_sink_settings_copy (GstTachyonSinkSettings *self,
    const GstTachyonSinkSettings *from)
{
  *self = *from;
  self->socket_path = g_strdup (from->socket_path);
  self->stream_name = g_strdup (from->stream_name);
}

void
gst_tachyon_sink_settings_clear (GstTachyonSinkSettings *self)
{
  g_clear_pointer (&self->socket_path, g_free);
  g_clear_pointer (&self->stream_name, g_free);
}

gboolean
gst_tachyon_sink_settings_set (GstTachyonSinkSettings *self, guint prop_id,
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
    case PROP_WAIT_FOR_CONNECTION:
      self->wait_for_connection = g_value_get_boolean (value);
      break;
    case PROP_MAX_BUFFERS:
      self->max_buffers = g_value_get_uint (value);
      break;
    case PROP_LEAKY_TYPE:
      self->leaky_type = g_value_get_enum (value);
      break;
    case PROP_PERMS:
      self->perms = g_value_get_uint (value);
      break;
    case PROP_SHM_SIZE:
      self->shm_size = g_value_get_uint64 (value);
      break;
    case PROP_MIN_MEMORY_SIZE:
      self->min_memory_size = g_value_get_int64 (value);
      break;
    case PROP_STREAM_NAME:
      g_free (self->stream_name);
      self->stream_name = g_value_dup_string (value);
      break;
    default:
      return FALSE;
  }

  return TRUE;
}

gboolean
gst_tachyon_sink_settings_get (const GstTachyonSinkSettings *self,
    guint prop_id, GValue *value)
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
    case PROP_WAIT_FOR_CONNECTION:
      g_value_set_boolean (value, self->wait_for_connection);
      break;
    case PROP_MAX_BUFFERS:
      g_value_set_uint (value, self->max_buffers);
      break;
    case PROP_LEAKY_TYPE:
      g_value_set_enum (value, self->leaky_type);
      break;
    case PROP_PERMS:
      g_value_set_uint (value, self->perms);
      break;
    case PROP_SHM_SIZE:
      g_value_set_uint64 (value, self->shm_size);
      break;
    case PROP_MIN_MEMORY_SIZE:
      g_value_set_int64 (value, self->min_memory_size);
      break;
    case PROP_STREAM_NAME:
      g_value_set_string (value, self->stream_name);
      break;
    default:
      return FALSE;
  }

  return TRUE;
}

static void
install_address_properties (GObjectClass *klass)
{
  /**
   * GstTachyonSink:socket-path:
   *
   * Where subscribers connect: a path in the file system, or a name in the
   * abstract namespace with a leading '@' or with
   * #GstTachyonSink:socket-type abstract. A socket that a dead process left
   * there is replaced.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SOCKET_PATH,
      g_param_spec_string ("socket-path", "Socket path",
          "Where subscribers connect: a path, or '@' and an abstract name",
          DEFAULT_SOCKET_PATH, FLAGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstTachyonSink:socket-type:
   *
   * Whether #GstTachyonSink:socket-path is a path or an abstract name.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SOCKET_TYPE,
      g_param_spec_enum ("socket-type", "Socket type",
          "What kind of address socket-path is", GST_TYPE_TACHYON_SOCKET_TYPE,
          DEFAULT_SOCKET_TYPE, FLAGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstTachyonSink:fd:
   *
   * A connected AF_UNIX socket of the type SOCK_SEQPACKET, at whose other end one
   * subscriber is, such as one end of a socketpair() whose other end a
   * #GstTachyonSrc has as #GstTachyonSrc:fd. It is duplicated in the change from
   * READY to PAUSED. With a #GstTachyonSink:socket-path others may connect, too.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_FD,
      g_param_spec_int ("fd", "File descriptor",
          "A connected socket to one subscriber, beside socket-path (-1 = none)",
          -1, G_MAXINT, DEFAULT_FD, FLAGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstTachyonSink:perms:
   *
   * Permission bits of the socket file; 0 means 0600. Connecting needs write
   * permission. Nobody but this process's user may connect to an abstract
   * address.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_PERMS,
      g_param_spec_uint ("perms", "Permissions",
          "Permission bits of the socket file (384 is octal 0600); connecting needs "
          "write permission",
          0, 0777, DEFAULT_PERMS, FLAGS | GST_PARAM_MUTABLE_READY));
}

static void
install_queue_properties (GObjectClass *klass)
{
  /**
   * GstTachyonSink:wait-for-connection:
   *
   * Hold the first buffers back until somebody is there to receive them, also
   * after the last subscriber has left.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WAIT_FOR_CONNECTION,
      g_param_spec_boolean ("wait-for-connection", "Wait for a connection",
          "Send nothing while there is no subscriber, but wait for one",
          DEFAULT_WAIT_FOR_CONNECTION, FLAGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstTachyonSink:max-buffers:
   *
   * How many buffers may wait for one subscriber. 0 leaves it to the library:
   * as many as make 16 MiB, three at least.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_BUFFERS,
      g_param_spec_uint ("max-buffers", "Max buffers",
          "Buffers that may wait for one subscriber (0 = as many as make 16 MiB)",
          0, G_MAXUINT, DEFAULT_MAX_BUFFERS,
          FLAGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstTachyonSink:leaky-type:
   *
   * What happens when a subscriber has #GstTachyonSink:max-buffers waiting.
   * What it missed counts as `dropped` in #GstTachyonSink:stats.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_LEAKY_TYPE,
      g_param_spec_enum ("leaky-type", "Leaky type",
          "What happens when a subscriber has max-buffers waiting",
          GST_TYPE_TACHYON_LEAKY_TYPE, DEFAULT_LEAKY_TYPE,
          FLAGS | GST_PARAM_MUTABLE_PLAYING));
}

static void
install_memory_properties (GObjectClass *klass)
{
  /**
   * GstTachyonSink:shm-size:
   *
   * Bytes of shared memory to begin with, for raw video. 0 leaves it to the
   * library. More is added when it is needed.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SHM_SIZE,
      g_param_spec_uint64 ("shm-size", "Shared memory size",
          "Bytes of shared memory to begin with; it grows (0 = automatic)", 0,
          G_MAXINT64, DEFAULT_SHM_SIZE, FLAGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstTachyonSink:min-memory-size:
   *
   * The least bytes of shared memory to take for a buffer that must be copied
   * into it. -1 forbids copying: such a buffer is an error.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MIN_MEMORY_SIZE,
      g_param_spec_int64 ("min-memory-size", "Min memory size",
          "Least bytes of shared memory for a buffer that must be copied (-1 = do not copy)",
          -1, G_MAXINT64, DEFAULT_MIN_MEMORY_SIZE,
          FLAGS | GST_PARAM_MUTABLE_PLAYING));
}

static void
install_stream_property (GObjectClass *klass)
{
  /**
   * GstTachyonSink:stream-name:
   *
   * Also keep the newest buffer as a stream of this name, for programs that want
   * the last picture and no more: `tachyon.stream.open()` in Python,
   * tachyon_stream_open() in C. Of raw video (height, width, channels), with one
   * channel (height, width); planes lie one below the other, so that I420 is
   * (height * 3 / 2, width). Of raw audio (frames, channels), as many frames as the
   * first buffer has; `audiobuffersplit` makes them all alike. What pads lines is
   * left out. Numbers are those of the format: uint8, uint16, float32 and so on.
   *
   * The stream is created with the first caps, for audio with the first buffer,
   * and unlinked when the element goes back to READY. Caps that mean another array
   * unlink it and create another one of that name. Where there is a stream of the
   * name already, as a pipeline that was killed leaves it, it is written to and not
   * unlinked if it is the same array, and an error otherwise.
   *
   * Writing waits for nobody: while a program has the stream's lock, buffers are
   * skipped, as is what has no fixed size, such as encoded video, after one
   * warning. They count as `stream-skipped` in #GstTachyonSink:stats. NULL or
   * empty: no stream, and no cost.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_STREAM_NAME,
      g_param_spec_string ("stream-name", "Stream name",
          "Also keep the newest buffer as a stream of this name: created with the "
          "first caps, unlinked when stopped; one that exists is used if it is "
          "the same array, and an error otherwise",
          DEFAULT_STREAM_NAME, FLAGS | GST_PARAM_MUTABLE_READY));
}

void
gst_tachyon_sink_settings_install (GObjectClass *klass)
{
  install_address_properties (klass);
  install_queue_properties (klass);
  install_memory_properties (klass);
  install_stream_property (klass);

  gst_type_mark_as_plugin_api (GST_TYPE_TACHYON_SOCKET_TYPE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_TACHYON_LEAKY_TYPE, 0);
}

gchar *
gst_tachyon_sink_settings_get_address (const GstTachyonSinkSettings *self)
{
  if (!self->socket_path || !*self->socket_path)
    return NULL;

  return gst_tachyon_address_new (self->socket_path, self->socket_type);
}

enum tachyon_policy
gst_tachyon_sink_settings_get_policy (const GstTachyonSinkSettings *self)
{
  switch (self->leaky_type) {
    case GST_TACHYON_LEAKY_TYPE_UPSTREAM:
    case GST_TACHYON_LEAKY_TYPE_DOWNSTREAM:
      return TACHYON_POLICY_DROP;
    case GST_TACHYON_LEAKY_TYPE_NONE:
      break;
  }

  return TACHYON_POLICY_BLOCK;
}
