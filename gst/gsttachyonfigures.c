/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink shows of its work: its read-only properties.
 */
#include "gsttachyonfigures.h"

#include <gst/base/gstbasesink.h>

#include <string.h>

static void
take_clients (GstTachyonFigures *self, struct tachyon_publisher *publisher)
{
  guint i;

  for (i = 0; i < TACHYON_SUBSCRIBERS_MAX; i++) {
    struct tachyon_client_stats *const client =
        &self->clients[self->client_count];

    client->size = sizeof (*client);
    if (tachyon_publisher_get_client_stats (publisher, i, client) == 0)
      self->client_count++;
  }
}

void
gst_tachyon_figures_take (GstTachyonFigures *self,
    struct tachyon_publisher *publisher, GstTachyonSender *sender)
{
  memset (self, 0, sizeof (*self));
  self->publisher.size = sizeof (self->publisher);
  tachyon_publisher_get_stats (publisher, &self->publisher);
  self->copied =
      self->publisher.copied + gst_tachyon_sender_get_copied (sender);
  self->not_carried = gst_tachyon_sender_get_lost (sender);
  take_clients (self, publisher);
}

static void
add_clients (const GstTachyonFigures *self, GstStructure *structure)
{
  GValue list = G_VALUE_INIT;
  guint i;

  gst_value_list_init (&list, self->client_count);
  for (i = 0; i < self->client_count; i++) {
    const struct tachyon_client_stats *const client = &self->clients[i];
    GValue value = G_VALUE_INIT;

    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value,
        gst_structure_new ("client", "id", G_TYPE_UINT64,
            (guint64) client->subscriber, "pid", G_TYPE_UINT, client->pid,
            "dropped", G_TYPE_UINT64, (guint64) client->dropped, "queued",
            G_TYPE_UINT64, (guint64) client->queued, "held", G_TYPE_UINT64,
            (guint64) client->held, NULL));
    gst_value_list_append_and_take_value (&list, &value);
  }
  gst_structure_take_value (structure, "clients", &list);
}

static GstStructure *
to_structure (const GstTachyonFigures *self, GstBaseSink *bsink)
{
  const struct tachyon_publisher_stats *const stats = &self->publisher;
  GstStructure *const structure = gst_base_sink_get_stats (bsink);
  guint64 late = 0;

  gst_structure_get_uint64 (structure, "dropped", &late);
  gst_structure_set (structure, "frames", G_TYPE_UINT64, stats->frames, "bytes",
      G_TYPE_UINT64, stats->bytes, "copied", G_TYPE_UINT64, self->copied,
      "dropped", G_TYPE_UINT64, stats->dropped + late, "late", G_TYPE_UINT64,
      late, "not-carried", G_TYPE_UINT64, self->not_carried, "subscribers",
      G_TYPE_UINT, stats->subscribers, "queued", G_TYPE_UINT64, stats->queued,
      "waits", G_TYPE_UINT64, stats->waits, "wakes", G_TYPE_UINT64,
      stats->wakes, "blocks", G_TYPE_UINT64, stats->blocks, "blocks-free",
      G_TYPE_UINT64, stats->blocks_free, "payload-bytes", G_TYPE_UINT64,
      stats->payload_bytes, "stream-frames", G_TYPE_UINT64, self->stream_frames,
      "stream-skipped", G_TYPE_UINT64, self->stream_skipped, "system-calls",
      G_TYPE_UINT64, tachyon_system_calls (), NULL);
  add_clients (self, structure);

  return structure;
}

gboolean
gst_tachyon_figures_get (const GstTachyonFigures *self, GstElement *element,
    guint prop_id, GValue *value)
{
  switch (prop_id) {
    case PROP_NUM_CLIENTS:
      g_value_set_uint (value, self->publisher.subscribers);
      break;
    case PROP_CURRENT_LEVEL_BUFFERS:
      g_value_set_uint64 (value, self->publisher.queued);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, to_structure (self, GST_BASE_SINK (element)));
      break;
    default:
      return FALSE;
  }

  return TRUE;
}

void
gst_tachyon_figures_install (GObjectClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * GstTachyonSink:num-clients:
   *
   * How many subscribers are connected. Changes are notified.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_NUM_CLIENTS,
      g_param_spec_uint ("num-clients", "Number of clients",
          "Subscribers that are connected", 0, G_MAXUINT, 0, flags));

  /**
   * GstTachyonSink:current-level-buffers:
   *
   * How many buffers the slowest subscriber has not received yet.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_CURRENT_LEVEL_BUFFERS,
      g_param_spec_uint64 ("current-level-buffers", "Current level buffers",
          "Buffers that the slowest subscriber has not received yet", 0,
          G_MAXUINT64, 0, flags));

  /**
   * GstTachyonSink:stats:
   *
   * Figures since the element left READY; they stay until the next time, save
   * those of the base class (`average-rate`, `rendered`, `late`), which clears
   * them when the element leaves PLAYING. Of type guint64 unless said otherwise:
   *
   * * `frames`, `bytes`: what was sent to anybody, once however many they are
   * * `copied`: buffers whose payload had to be copied
   * * `dropped`: `late`, and each buffer that a subscriber missed
   * * `late`: buffers that were too late to be sent (see #GstBaseSink:max-lateness)
   * * `not-carried`: metas and events that do not cross
   * * `subscribers` (guint), `queued`: now; see
   *   #GstTachyonSink:current-level-buffers
   * * `waits`, `wakes`: times we slept for room, and woke a subscriber
   * * `blocks`, `blocks-free`, `payload-bytes`: shared memory, now
   * * `stream-frames`, `stream-skipped`: buffers that became the newest of
   *   #GstTachyonSink:stream-name, and those that did not
   * * `system-calls`: of all tachyon elements in this process
   * * `clients` (list of structures): for each subscriber its `id` and `pid`,
   *   the buffers that it missed (`dropped`), those that it has not received
   *   (`queued`), and the blocks that it has not given back (`held`)
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Figures since the element left READY: sent, copied, dropped and so on",
          GST_TYPE_STRUCTURE, flags));
}
