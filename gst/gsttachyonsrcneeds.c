/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source tells its producer of downstream's needs.
 */
#include "gsttachyonsrcneeds.h"

#include <gst/video/video.h>

#include "gsttachyonsrcprivate.h"
#include "gsttachyonwish.h"

#define GST_CAT_DEFAULT gst_tachyon_src_debug

void
gst_tachyon_src_needs_init (GstTachyonSrcNeeds *self, GstBaseSrc *src,
    GstTachyonClient *client)
{
  self->src = src;
  self->client = client;
  g_mutex_init (&self->lock);
}

void
gst_tachyon_src_needs_clear (GstTachyonSrcNeeds *self)
{
  gst_tachyon_needs_clear (&self->needs);
  g_mutex_clear (&self->lock);
}

/* Under the lock. What is lost, since the socket is full or nobody is there, is
 * told with the next change, or connection. */
static void
tell (GstTachyonSrcNeeds *self)
{
  GByteArray *const bytes = g_byte_array_new ();
  struct tachyon_event event;

  gst_tachyon_needs_encode (&self->needs, bytes, &event);
  self->is_told = gst_tachyon_client_send_urgent (self->client, &event) == 0;
  g_byte_array_unref (bytes);
  GST_DEBUG_OBJECT (self->src,
      "%s: min-buffers %u, align %u, %svideo meta, caps \"%s\"",
      self->is_told ? "told" : "not told", self->needs.min_buffers,
      self->needs.align, self->needs.no_video_meta ? "no " : "",
      self->needs.wish);
}

/* Under the lock. Takes @needs over. */
static void
replace (GstTachyonSrcNeeds *self, GstTachyonNeeds *needs)
{
  const gboolean is_same = gst_tachyon_needs_equal (needs, &self->needs);

  gst_tachyon_needs_clear (&self->needs);
  self->needs = *needs;
  if (!is_same || !self->is_told)
    tell (self);
}

/* Returns: (transfer full) */
static gchar *
ask_for_caps (GstTachyonSrcNeeds *self)
{
  GstCaps *const caps =
      gst_pad_peer_query_caps (GST_BASE_SRC_PAD (self->src), NULL);
  gchar *const wish = gst_tachyon_wish_print (caps);

  gst_caps_unref (caps);
  return wish;
}

static void
update_wish (GstTachyonSrcNeeds *self, gboolean is_new_producer)
{
  GstTachyonNeeds needs = { .wish = ask_for_caps (self) };

  g_mutex_lock (&self->lock);
  if (is_new_producer)
    self->is_told = FALSE;
  needs.min_buffers = self->needs.min_buffers;
  needs.align = self->needs.align;
  needs.no_video_meta = self->needs.no_video_meta;
  replace (self, &needs);
  g_mutex_unlock (&self->lock);
}

void
gst_tachyon_src_needs_begin (GstTachyonSrcNeeds *self)
{
  update_wish (self, TRUE);
}

static guint
most_buffers (GstQuery *query)
{
  guint most = 0, min, i;

  for (i = 0; i < gst_query_get_n_allocation_pools (query); i++) {
    gst_query_parse_nth_allocation_pool (query, i, NULL, NULL, &min, NULL);
    most = MAX (most, min);
  }
  return most;
}

static guint
all_alignments (GstQuery *query)
{
  GstAllocationParams params;
  guint all = 0, i;

  for (i = 0; i < gst_query_get_n_allocation_params (query); i++) {
    gst_query_parse_nth_allocation_param (query, i, NULL, &params);
    all |= params.align;
  }
  return all;
}

/* What has no planes needs no meta to tell where they are. */
static gboolean
lacks_video_meta (GstQuery *query)
{
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  return caps && gst_caps_is_fixed (caps) &&
      gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "video/x-raw") &&
      !gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
}

guint
gst_tachyon_src_needs_take_allocation (GstTachyonSrcNeeds *self,
    GstQuery *query)
{
  GstTachyonNeeds needs = {
    .min_buffers = most_buffers (query),
    .align = all_alignments (query),
    .no_video_meta = lacks_video_meta (query),
  };
  const guint min_buffers = needs.min_buffers;

  g_mutex_lock (&self->lock);
  needs.wish = g_strdup (self->needs.wish);
  replace (self, &needs);
  g_mutex_unlock (&self->lock);
  return min_buffers;
}

gboolean
gst_tachyon_src_needs_are_told (GstTachyonSrcNeeds *self)
{
  gboolean are_told;

  g_mutex_lock (&self->lock);
  are_told = self->is_told;
  g_mutex_unlock (&self->lock);
  return are_told;
}

static void
refresh (GstElement *element, gpointer user_data)
{
  GstTachyonSrcNeeds *const self = user_data;

  g_atomic_int_set (&self->is_asking, FALSE);
  update_wish (self, FALSE);
}

void
gst_tachyon_src_needs_refresh (GstTachyonSrcNeeds *self)
{
  /* The event's thread may hold what the answer takes. */
  if (g_atomic_int_compare_and_exchange (&self->is_asking, FALSE, TRUE))
    gst_element_call_async (GST_ELEMENT (self->src), refresh, self, NULL);
}
