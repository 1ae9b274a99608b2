/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * When the source's buffers are due: its own base time, the segment that goes
 * downstream, and what the base class must not invent.
 */
#include "gsttachyonsrctime.h"

#include "gsttachyonorigin.h"
#include "gsttachyontime.h"

#define GST_CAT_DEFAULT gst_tachyon_src_debug

/* A peer's figures are added up: they must not overflow. */
#define LATENCY_MAX (G_MAXINT64 / 4)

/*
 * The base class sends its segment before the next buffer.
 *
 * @is_urgent: something else than a buffer comes next. Before 1.24 the base
 *     class then sends the same segment once more, which does no harm.
 */
static void
push_segment (GstTachyonSrc *self, gboolean is_urgent)
{
  GstBaseSrc *bsrc = GST_BASE_SRC (self);
  GstSegment segment = self->timeline.segment;

  /* It would have the base class post SEGMENT_DONE where an EOS is due: who
   * sought the segment is at the producer's. */
  segment.flags &= ~GST_SEGMENT_FLAG_SEGMENT;

  GST_OBJECT_LOCK (self);
  self->delta = self->timeline.delta;
  /* gst_base_src_set_format() is for stopped elements. */
  if (bsrc->segment.format != segment.format)
    gst_segment_init (&bsrc->segment, segment.format);
  GST_OBJECT_UNLOCK (self);

#if GST_CHECK_VERSION(1, 24, 0)
  gst_base_src_push_segment (bsrc, &segment);
#else
  gst_base_src_new_segment (bsrc, &segment);
  if (is_urgent)
    gst_pad_push_event (GST_BASE_SRC_PAD (self),
        gst_event_new_segment (&segment));
#endif
}

static GstPadProbeReturn
restore_timestamps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (user_data);
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  if (buffer == self->unstamped) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_PTS (buffer) = self->unstamped_pts;
    GST_BUFFER_DTS (buffer) = self->unstamped_dts;
    GST_PAD_PROBE_INFO_DATA (info) = buffer;
  }
  self->unstamped = NULL;
  return GST_PAD_PROBE_REMOVE;
}

/*
 * The base class gives a buffer without PTS the DTS for one, and the first
 * buffer the segment's start; the first one of a stream of bytes a DTS of 0;
 * and any buffer without DTS, when it does timestamps, a running time that is
 * no position in our segment.
 */
static gboolean
would_be_stamped (GstTachyonSrc *self, GstBuffer *buffer, gboolean do_timestamp)
{
  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return TRUE;
  return !GST_BUFFER_DTS_IS_VALID (buffer) &&
      (do_timestamp || self->timeline.segment.format == GST_FORMAT_BYTES);
}

/* Such buffers are rare, or slow. */
static void
keep_timestamps (GstTachyonSrc *self, GstBuffer *buffer, gboolean do_timestamp)
{
  const gboolean was_pushed = self->unstamped == NULL;

  /* One that a flush took before it was pushed must not be mistaken for a
   * later one at the same address. */
  self->unstamped = NULL;
  if (!would_be_stamped (self, buffer, do_timestamp))
    return;

  /* The probe of one that was not pushed is still there. */
  if (was_pushed)
    gst_pad_add_probe (GST_BASE_SRC_PAD (self), GST_PAD_PROBE_TYPE_BUFFER,
        restore_timestamps, self, NULL);
  self->unstamped = buffer;
  self->unstamped_pts = GST_BUFFER_PTS (buffer);
  self->unstamped_dts = GST_BUFFER_DTS (buffer);
}

static void
set_latency (GstTachyonSrc *self, GstClockTime latency)
{
  gboolean is_new;

  GST_OBJECT_LOCK (self);
  is_new = self->producer_latency != latency;
  self->producer_latency = latency;
  GST_OBJECT_UNLOCK (self);

  if (is_new)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

void
gst_tachyon_src_time_set_clock (GstTachyonSrc *self,
    const struct tachyon_clock *clock)
{
  gst_tachyon_timeline_set_producer_base (&self->timeline, clock->base_time);
  /* Only live pipelines have one. */
  gst_tachyon_timeline_set_producer_live (&self->timeline, clock->latency > 0);
  set_latency (self, MIN (clock->latency, LATENCY_MAX));
}

void
gst_tachyon_src_time_place (GstTachyonSrc *self, GstBuffer *buffer)
{
  const GstClockTime now = gst_tachyon_time_monotonic ();
  const GstClockTime base =
      gst_tachyon_clock_get_base (&self->clock, GST_ELEMENT (self), now);
  GstClockTimeDiff first;
  gboolean do_timestamp;

  /* The latency that an earlier producer told of is not this one's. Only this
   * thread writes it. */
  if (!self->timeline.has_clock && self->producer_latency != 0)
    set_latency (self, 0);
  if (gst_tachyon_timeline_needs_origin (&self->timeline, buffer, &first))
    gst_tachyon_timeline_set_origin (&self->timeline,
        gst_tachyon_origin_share (self->timeline.producer_base, first, now));
  if (gst_tachyon_timeline_advance (&self->timeline, buffer, base, now))
    push_segment (self, buffer == NULL);
  if (!buffer)
    return;

  do_timestamp = gst_base_src_get_do_timestamp (GST_BASE_SRC (self));
  if (do_timestamp)
    gst_tachyon_timeline_stamp (&self->timeline, buffer, base, now);
  keep_timestamps (self, buffer, do_timestamp);
}

void
gst_tachyon_src_time_flush (GstTachyonSrc *self, gboolean reset_time)
{
  gst_tachyon_timeline_flush (&self->timeline, reset_time);
}
