/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What all subscribers of a sink need together.
 */
#include "gsttachyondemand.h"

#include <string.h>

#include "gsttachyonwish.h"

/* An intersection of more structures says too little for what it costs. */
#define STRUCTURES_MAX 64
/* Upstream has that many buffers anyway. */
#define BUFFERS_MIN 4
#define ASKED_MAX 8

typedef struct
{
  guint64 subscriber;
  GstTachyonNeeds needs;
  GstCaps *caps; /* NULL: anything */
} Entry;

struct _GstTachyonDemand
{
  GMutex lock;
  /* of Entry, who came first first */
  GArray *entries;
  /* what all of them take; NULL: anything, or they do not agree */
  GstCaps *common;
  /* what is sent; NULL: nothing yet */
  GstCaps *caps;
  /* what upstream was told last */
  GstTachyonNeeds proposed;
  /* how often it was asked for another format, and for instead of which */
  guint asked;
  GstCaps *refused;
};

static void
clear_entry (gpointer data)
{
  Entry *const entry = data;

  gst_tachyon_needs_clear (&entry->needs);
  gst_clear_caps (&entry->caps);
}

GstTachyonDemand *
gst_tachyon_demand_new (void)
{
  GstTachyonDemand *const self = g_new0 (GstTachyonDemand, 1);

  g_mutex_init (&self->lock);
  self->entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  g_array_set_clear_func (self->entries, clear_entry);
  return self;
}

void
gst_tachyon_demand_free (GstTachyonDemand *self)
{
  if (!self)
    return;

  gst_clear_caps (&self->refused);
  gst_clear_caps (&self->caps);
  gst_clear_caps (&self->common);
  g_array_unref (self->entries);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static const Entry *
entry_at (GstTachyonDemand *self, guint index)
{
  return &g_array_index (self->entries, Entry, index);
}

/* Returns: the index of a subscriber's, or where it would stand */
static guint
find (GstTachyonDemand *self, guint64 subscriber)
{
  guint index = 0;

  while (index < self->entries->len &&
      entry_at (self, index)->subscriber < subscriber)
    index++;
  return index;
}

static void
remove_entry (GstTachyonDemand *self, guint64 subscriber)
{
  const guint index = find (self, subscriber);

  if (index < self->entries->len &&
      entry_at (self, index)->subscriber == subscriber)
    g_array_remove_index (self->entries, index);
}

static void
update_common (GstTachyonDemand *self)
{
  guint i;

  gst_clear_caps (&self->common);
  gst_clear_caps (&self->refused);
  self->asked = 0;
  for (i = 0; i < self->entries->len; i++) {
    GstCaps *const caps = entry_at (self, i)->caps;
    GstCaps *both;

    if (!caps)
      continue;
    if (!self->common) {
      self->common = gst_caps_ref (caps);
      continue;
    }
    both =
        gst_caps_intersect_full (self->common, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (self->common);
    self->common = both;
    if (gst_caps_is_empty (both) || gst_caps_get_size (both) > STRUCTURES_MAX) {
      gst_clear_caps (&self->common);
      return;
    }
  }
}

void
gst_tachyon_demand_set (GstTachyonDemand *self, guint64 subscriber,
    GstTachyonNeeds *needs)
{
  Entry entry = {
    .subscriber = subscriber,
    .needs = *needs,
    .caps = gst_tachyon_wish_parse (needs->wish ? needs->wish : ""),
  };

  memset (needs, 0, sizeof *needs);
  g_mutex_lock (&self->lock);
  remove_entry (self, subscriber);
  g_array_insert_val (self->entries, find (self, subscriber), entry);
  update_common (self);
  g_mutex_unlock (&self->lock);
}

void
gst_tachyon_demand_forget (GstTachyonDemand *self, guint64 subscriber)
{
  g_mutex_lock (&self->lock);
  remove_entry (self, subscriber);
  update_common (self);
  g_mutex_unlock (&self->lock);
}

static void
add_up (GstTachyonDemand *self, GstTachyonNeeds *together)
{
  guint i;

  memset (together, 0, sizeof *together);
  for (i = 0; i < self->entries->len; i++) {
    const GstTachyonNeeds *const needs = &entry_at (self, i)->needs;

    together->min_buffers = MAX (together->min_buffers, needs->min_buffers);
    together->align |= needs->align;
    together->no_video_meta |= needs->no_video_meta;
  }
}

void
gst_tachyon_demand_propose (GstTachyonDemand *self, GstTachyonNeeds *together)
{
  g_mutex_lock (&self->lock);
  add_up (self, together);
  self->proposed = *together;
  g_mutex_unlock (&self->lock);
}

static gboolean
is_of_type (const GstCaps *caps, const gchar *name)
{
  return gst_caps_get_size (caps) > 0 &&
      gst_structure_has_name (gst_caps_get_structure (caps, 0), name);
}

/* Mixers of audio take another rate in midstream, and do not resample. */
static gboolean
may_change (const GstCaps *caps)
{
  return !caps || !is_of_type (caps, "audio/x-raw");
}

/* Where one of them can use what is sent, it goes on: a change of format midway
 * would end its recording, say, for another one's sake. */
static gboolean
nobody_takes_it (GstTachyonDemand *self, guint subscribers)
{
  guint i;

  if (!self->common || self->entries->len < subscribers ||
      !may_change (self->caps))
    return FALSE;
  for (i = 0; i < self->entries->len; i++) {
    const GstCaps *const wish = entry_at (self, i)->caps;

    if (!wish || gst_caps_can_intersect (wish, self->caps))
      return FALSE;
  }
  return TRUE;
}

/* Upstream that does not do it, or answers with caps as useless, is not asked
 * for ever. */
static gboolean
should_change (GstTachyonDemand *self, guint subscribers)
{
  if (!nobody_takes_it (self, subscribers) || self->asked >= ASKED_MAX ||
      (self->refused && gst_caps_is_equal (self->refused, self->caps)))
    return FALSE;

  self->asked++;
  gst_caps_replace (&self->refused, self->caps);
  return TRUE;
}

void
gst_tachyon_demand_set_caps (GstTachyonDemand *self, GstCaps *caps)
{
  g_mutex_lock (&self->lock);
  gst_caps_replace (&self->caps, caps);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_tachyon_demand_is_news (GstTachyonDemand *self, guint subscribers,
    gboolean has_own_layout)
{
  GstTachyonNeeds together;
  gboolean is_news;

  g_mutex_lock (&self->lock);
  is_news = self->caps && should_change (self, subscribers);
  /* Only raw video has a pool of ours, and a layout. */
  if (self->caps && is_of_type (self->caps, "video/x-raw")) {
    add_up (self, &together);
    is_news |=
        together.min_buffers > MAX (self->proposed.min_buffers, BUFFERS_MIN);
    is_news |= together.no_video_meta && !self->proposed.no_video_meta &&
        has_own_layout;
    is_news |= !together.no_video_meta && self->proposed.no_video_meta;
  }
  g_mutex_unlock (&self->lock);
  return is_news;
}

GstCaps *
gst_tachyon_demand_get_caps (GstTachyonDemand *self, GstCaps *filter)
{
  GstCaps *common, *preferred;

  if (!filter)
    return gst_caps_new_any ();

  g_mutex_lock (&self->lock);
  common = self->common && may_change (self->caps) ?
      gst_caps_ref (self->common) :
      NULL;
  g_mutex_unlock (&self->lock);
  if (!common)
    return gst_caps_ref (filter);

  preferred =
      gst_caps_intersect_full (common, filter, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (common);
  /* The rest may be all that upstream can do. */
  return gst_caps_merge (preferred, gst_caps_ref (filter));
}
