/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source shows of its work: its read-only properties.
 */
#include "gsttachyonsrcfigures.h"

static GstStructure *
make_stats (GstTachyonSrc *self)
{
  struct tachyon_subscriber_stats stats;
  guint64 copied = 0, malformed = 0, lost_events;
  gboolean is_open;

  gst_tachyon_client_get_stats (&self->client, &stats, &is_open);
  GST_OBJECT_LOCK (self);
  if (self->receiver)
    gst_tachyon_receiver_get_counts (self->receiver, &copied, &malformed);
  lost_events = self->lost_events;
  GST_OBJECT_UNLOCK (self);

  return gst_structure_new ("application/x-tachyonsrc-stats", "frames",
      G_TYPE_UINT64, stats.frames, "bytes", G_TYPE_UINT64, stats.bytes,
      "copied", G_TYPE_UINT64, stats.copied + copied, "dropped", G_TYPE_UINT64,
      stats.dropped, "not-carried", G_TYPE_UINT64, malformed + lost_events,
      "subscribers", G_TYPE_UINT, is_open && stats.peer_pid != 0 ? 1 : 0,
      "held", G_TYPE_UINT64, stats.held, "waits", G_TYPE_UINT64, stats.sleeps,
      "connects", G_TYPE_UINT64, stats.connects, "payload-bytes", G_TYPE_UINT64,
      stats.mapped_bytes, "system-calls", G_TYPE_UINT64,
      tachyon_system_calls (), NULL);
}

gboolean
gst_tachyon_src_figures_get (GstTachyonSrc *self, guint prop_id, GValue *value)
{
  if (prop_id != PROP_SRC_STATS)
    return FALSE;

  g_value_take_boxed (value, make_stats (self));
  return TRUE;
}

void
gst_tachyon_src_figures_install (GObjectClass *klass)
{
  /**
   * GstTachyonSrc:stats:
   *
   * Figures since the element left READY; they stay until the next time. Of
   * type guint64 unless said otherwise:
   *
   * * `frames`, `bytes`: received
   * * `copied`: buffers whose payload had to be copied: small ones, those that
   *   came while the producer was short of memory, and pictures whose planes
   *   downstream would not find
   * * `dropped`: skipped, see #GstTachyonSrc:leaky-type
   * * `not-carried`: metas and events that were not understood
   * * `subscribers` (guint): 1 while connected
   * * `held`: buffers that the producer has not got back, now
   * * `waits`, `connects`: times we slept, and found a producer
   * * `payload-bytes`: of the producer's memory that is mapped, now
   * * `system-calls`: of all tachyon elements in this process
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SRC_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Figures since the element left READY: received, copied, dropped and so on",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}
