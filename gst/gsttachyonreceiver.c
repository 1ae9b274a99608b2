/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames to buffers, with the stream's format in mind.
 */
#include "gsttachyonreceiver.h"
#include "gsttachyondescriptor.h"
#include "gsttachyonframe.h"
#include "gsttachyonmemory.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_src_debug);
#define GST_CAT_DEFAULT gst_tachyon_src_debug

struct _GstTachyonReceiver
{
  GstAllocator *allocator;
  GstTachyonDescriptors *descriptors;

  GstVideoInfo video;
  gboolean is_video;
  GstAudioInfo audio;
  gboolean is_audio;
  guint dsd_channels;
  /* where planes stand unless one is told: what a reader without metas takes */
  struct tachyon_layout packed;
  struct tachyon_layout layout;
  gboolean has_layout;
  gboolean video_meta_is_read;

  /* the streaming thread counts, others look: atomic */
  gsize copied;
  gsize malformed;
};

GstTachyonReceiver *
gst_tachyon_receiver_new (void)
{
  GstTachyonReceiver *self = g_new0 (GstTachyonReceiver, 1);

  self->allocator = gst_tachyon_memory_allocator_new ();
  self->descriptors = gst_tachyon_descriptors_new ();
  return self;
}

void
gst_tachyon_receiver_free (GstTachyonReceiver *self)
{
  gst_tachyon_descriptors_free (self->descriptors);
  gst_object_unref (self->allocator);
  g_free (self);
}

void
gst_tachyon_receiver_reset (GstTachyonReceiver *self)
{
  self->is_video = FALSE;
  self->is_audio = FALSE;
  self->dsd_channels = 0;
  self->has_layout = FALSE;
  gst_tachyon_descriptors_flush (self->descriptors);
}

static guint
get_dsd_channels (const GstStructure *structure)
{
  gint channels;

  return gst_structure_has_name (structure, "audio/x-dsd") &&
          gst_structure_get_int (structure, "channels", &channels) ?
      MAX (channels, 0) :
      0;
}

void
gst_tachyon_receiver_set_caps (GstTachyonReceiver *self, const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);

  /* Another format has other buffers. */
  gst_tachyon_descriptors_flush (self->descriptors);
  self->is_video = gst_structure_has_name (structure, "video/x-raw") &&
      gst_video_info_from_caps (&self->video, caps) &&
      gst_tachyon_layout_from_video_info (&self->video, &self->packed);
  self->is_audio = gst_structure_has_name (structure, "audio/x-raw") &&
      gst_audio_info_from_caps (&self->audio, caps);
  self->dsd_channels = get_dsd_channels (structure);
}

void
gst_tachyon_receiver_set_layout (GstTachyonReceiver *self,
    const struct tachyon_layout *layout)
{
  self->layout = *layout;
  self->has_layout = layout->plane_count > 0;
}

void
gst_tachyon_receiver_set_video_meta (GstTachyonReceiver *self, gboolean is_read)
{
  self->video_meta_is_read = is_read;
}

static void
apply_frame (GstTachyonReceiver *self, const struct tachyon_frame *frame,
    GstBuffer *buffer)
{
  const struct gst_tachyon_stream stream = {
    .layout = self->has_layout ? &self->layout : NULL,
    .video = self->is_video ? &self->video : NULL,
    .audio = self->is_audio ? &self->audio : NULL,
    .dsd_channels = self->dsd_channels,
  };

  if (gst_tachyon_frame_to_buffer (frame, &stream, buffer))
    return;

  if (g_atomic_pointer_add (&self->malformed, 1) == 0)
    GST_WARNING ("a frame's metadata made no sense; more are only counted");
}

static GstBuffer *
copy_frame (GstTachyonReceiver *self, struct tachyon_frame *frame)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, frame->size, NULL);

  if (buffer) {
    gst_buffer_fill (buffer, 0, frame->data, frame->size);
    apply_frame (self, frame, buffer);
  }
  /* A producer that gave us up may have been writing meanwhile. */
  if (buffer && tachyon_frame_is_valid (frame) <= 0)
    gst_clear_buffer (&buffer);
  tachyon_frame_release (frame);
  g_atomic_pointer_add (&self->copied, 1);
  return buffer;
}

static GstBuffer *
wrap_frame (GstTachyonReceiver *self, struct tachyon_frame *frame)
{
  GstBuffer *buffer = gst_buffer_new ();

  if (frame->size > 0)
    gst_buffer_append_memory (buffer,
        gst_tachyon_memory_new (self->allocator, frame));
  apply_frame (self, frame, buffer);
  /* of an empty one; the others' has moved */
  tachyon_frame_release (frame);
  return buffer;
}

/* Never copied: a DMABuf is what downstream asked for. */
static GstBuffer *
wrap_descriptor (GstTachyonReceiver *self, struct tachyon_frame *frame)
{
  GstMemory *const memory =
      gst_tachyon_descriptors_wrap (self->descriptors, frame);
  GstBuffer *buffer;

  if (!memory) {
    GST_WARNING ("no descriptor is left for a frame");
    tachyon_frame_release (frame);
    return NULL;
  }

  buffer = gst_buffer_new ();
  gst_buffer_append_memory (buffer, memory);
  apply_frame (self, frame, buffer);

  return buffer;
}

/* Planes that stand elsewhere, for someone who would not look for them. */
static gboolean
needs_packing (GstTachyonReceiver *self, GstBuffer *buffer)
{
  GstVideoMeta *meta;
  struct tachyon_layout layout;

  if (self->video_meta_is_read || !self->is_video)
    return FALSE;
  meta = gst_buffer_get_video_meta (buffer);
  return meta && gst_tachyon_layout_from_video_meta (meta, &layout) &&
      !gst_tachyon_layout_equal (&layout, &self->packed);
}

static gboolean
copy_planes (GstTachyonReceiver *self, GstBuffer *to, GstBuffer *from)
{
  GstVideoFrame in, out;
  gboolean good;

  if (!gst_video_frame_map (&in, &self->video, from, GST_MAP_READ))
    return FALSE;
  if (!gst_video_frame_map (&out, &self->video, to, GST_MAP_WRITE)) {
    gst_video_frame_unmap (&in);
    return FALSE;
  }
  /* A coded picture may be larger than the one that caps speak of: that much
   * is copied. */
  good = gst_video_frame_copy (&out, &in);
  gst_video_frame_unmap (&out);
  gst_video_frame_unmap (&in);
  return good;
}

/* Returns: (transfer full): @buffer with its planes in their usual places */
static GstBuffer *
pack (GstTachyonReceiver *self, GstBuffer *buffer)
{
  GstBuffer *packed =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&self->video), NULL);
  gboolean good = packed && copy_planes (self, packed, buffer);

  if (good) {
    gst_buffer_copy_into (packed, buffer,
        GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS |
            GST_BUFFER_COPY_META,
        0, -1);
    good = gst_buffer_n_memory (buffer) == 0 ||
        gst_tachyon_memory_is_valid (gst_buffer_peek_memory (buffer, 0));
  }
  gst_buffer_unref (buffer);
  if (!good)
    gst_clear_buffer (&packed);
  g_atomic_pointer_add (&self->copied, 1);
  return packed;
}

GstBuffer *
gst_tachyon_receiver_take (GstTachyonReceiver *self,
    struct tachyon_frame *frame, gboolean must_copy)
{
  GstBuffer *buffer;

  if (!frame->data && frame->size > 0)
    return wrap_descriptor (self, frame);
  if (must_copy && frame->size > 0)
    buffer = copy_frame (self, frame);
  else
    buffer = wrap_frame (self, frame);
  if (buffer && needs_packing (self, buffer))
    buffer = pack (self, buffer);
  return buffer;
}

void
gst_tachyon_receiver_get_counts (GstTachyonReceiver *self, guint64 *copied,
    guint64 *malformed)
{
  *copied = g_atomic_pointer_get (&self->copied);
  *malformed = g_atomic_pointer_get (&self->malformed);
}
