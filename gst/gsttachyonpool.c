/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A GstBufferPool whose buffers live in a publisher's blocks.
 *
 * It adds to the video pool that it takes back what subscribers returned before
 * it looks for a free buffer, that it takes caps that are not raw video, and
 * that it hands out the buffer that was given back last: its memory is warm.
 * GStreamer's own order visits every block that was ever in flight.
 */
#include "gsttachyonpool.h"

#include <gst/video/video.h>

#define BYTES_TO_BEGIN_WITH ((gsize) 256 << 20)

struct _GstTachyonPool
{
  GstVideoBufferPool parent;

  GstTachyonAllocator *allocator;
  /* the class that does the work for the caps of the configuration */
  GstBufferPoolClass *worker;

  /* Guards the free buffers, the last one given back at the end. Where there is
   * a maximum the base class keeps them: it knows how to wait for one. */
  GMutex lock;
  GPtrArray *free_buffers;
  guint size;
  gboolean has_maximum;
};

#define PARENT_CLASS GST_BUFFER_POOL_CLASS (gst_tachyon_pool_parent_class)

G_DEFINE_FINAL_TYPE (GstTachyonPool, gst_tachyon_pool,
    GST_TYPE_VIDEO_BUFFER_POOL)

gboolean
gst_tachyon_pool_video_info (const GstCaps *caps, GstVideoInfo *info)
{
  /* gst_video_info_from_caps() logs an error for what is no video. */
  return gst_caps_get_size (caps) == 1 &&
      gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "video/x-raw") &&
      gst_video_info_from_caps (info, caps) && info->size > 0;
}

static GstBufferPoolClass *
worker_for_caps (const GstCaps *caps)
{
  GstVideoInfo info;

  if (caps && gst_tachyon_pool_video_info (caps, &info))
    return PARENT_CLASS;

  return GST_BUFFER_POOL_CLASS (
      g_type_class_peek_parent (gst_tachyon_pool_parent_class));
}

static gboolean
gst_tachyon_pool_set_config (GstBufferPool *pool, GstStructure *config)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);
  GstAllocator *allocator;
  GstAllocationParams params;
  GstCaps *caps;
  guint size, min_buffers, max_buffers;

  if (!gst_buffer_pool_config_get_params (config, &caps, &size, &min_buffers,
          &max_buffers) ||
      !gst_buffer_pool_config_get_allocator (config, &allocator, &params)) {
    GST_WARNING_OBJECT (pool, "invalid config");
    return FALSE;
  }

  /* Whatever allocator upstream found elsewhere: memory that is not in a block
   * would be copied, which is what this pool is there to avoid. */
  gst_buffer_pool_config_set_allocator (config, GST_ALLOCATOR (self->allocator),
      &params);
  self->worker = worker_for_caps (caps);
  if (!self->worker->set_config (pool, config))
    return FALSE;

  /* Alignment may have made them larger. */
  gst_buffer_pool_config_get_params (config, &caps, &size, &min_buffers,
      &max_buffers);
  self->size = size;
  self->has_maximum = max_buffers > 0;

  return TRUE;
}

static GstFlowReturn
gst_tachyon_pool_alloc_buffer (GstBufferPool *pool, GstBuffer **buffer,
    GstBufferPoolAcquireParams *params)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);
  GstTachyonPublisher *const publisher =
      gst_tachyon_allocator_get_publisher (self->allocator);
  const GstFlowReturn flow = self->worker->alloc_buffer (pool, buffer, params);
  struct tachyon_frame frame;

  if (flow != GST_FLOW_OK)
    return flow;

  /* The allocator gives system memory rather than wait while the sink flushes.
   * The pool would keep it, and have it copied for ever. */
  if (gst_tachyon_publisher_is_flushing (publisher) &&
      !gst_tachyon_allocator_find_block (self->allocator, *buffer, &frame)) {
    gst_clear_buffer (buffer);
    return GST_FLOW_FLUSHING;
  }

  return GST_FLOW_OK;
}

static GstBuffer *
pop_free_buffer (GstTachyonPool *self)
{
  GstBuffer *buffer = NULL;

  g_mutex_lock (&self->lock);
  if (self->free_buffers->len > 0)
    buffer = g_ptr_array_steal_index (self->free_buffers,
        self->free_buffers->len - 1);
  g_mutex_unlock (&self->lock);

  return buffer;
}

static GstFlowReturn
gst_tachyon_pool_acquire_buffer (GstBufferPool *pool, GstBuffer **buffer,
    GstBufferPoolAcquireParams *params)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);

  if (GST_BUFFER_POOL_IS_FLUSHING (pool))
    return GST_FLOW_FLUSHING;

  gst_tachyon_publisher_drain (
      gst_tachyon_allocator_get_publisher (self->allocator));
  *buffer = pop_free_buffer (self);
  if (*buffer)
    return GST_FLOW_OK;

  return PARENT_CLASS->acquire_buffer (pool, buffer, params);
}

/* Those that the base class would keep; it discards the others. */
static gboolean
is_as_it_was (GstTachyonPool *self, GstBuffer *buffer)
{
  return !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_TAG_MEMORY) &&
      gst_buffer_get_size (buffer) == self->size &&
      gst_buffer_is_all_memory_writable (buffer);
}

static void
gst_tachyon_pool_release_buffer (GstBufferPool *pool, GstBuffer *buffer)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);

  if (self->has_maximum || !is_as_it_was (self, buffer)) {
    PARENT_CLASS->release_buffer (pool, buffer);
    return;
  }

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->free_buffers, buffer);
  g_mutex_unlock (&self->lock);
}

/* Only now is the size known for sure, alignment included. */
static gboolean
gst_tachyon_pool_start (GstBufferPool *pool)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);

  gst_tachyon_publisher_configure (
      gst_tachyon_allocator_get_publisher (self->allocator), self->size);

  return PARENT_CLASS->start (pool);
}

static gboolean
gst_tachyon_pool_stop (GstBufferPool *pool)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);
  GstBuffer *buffer;

  /* The base class counts buffers as it frees them. */
  while ((buffer = pop_free_buffer (self)))
    PARENT_CLASS->release_buffer (pool, buffer);

  return PARENT_CLASS->stop (pool);
}

static void
gst_tachyon_pool_finalize (GObject *object)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (object);

  g_ptr_array_unref (self->free_buffers);
  g_mutex_clear (&self->lock);
  gst_object_unref (self->allocator);

  G_OBJECT_CLASS (gst_tachyon_pool_parent_class)->finalize (object);
}

static void
gst_tachyon_pool_class_init (GstTachyonPoolClass *klass)
{
  GObjectClass *const object_class = G_OBJECT_CLASS (klass);
  GstBufferPoolClass *const pool_class = GST_BUFFER_POOL_CLASS (klass);

  object_class->finalize = GST_DEBUG_FUNCPTR (gst_tachyon_pool_finalize);
  pool_class->set_config = GST_DEBUG_FUNCPTR (gst_tachyon_pool_set_config);
  pool_class->alloc_buffer = GST_DEBUG_FUNCPTR (gst_tachyon_pool_alloc_buffer);
  pool_class->acquire_buffer =
      GST_DEBUG_FUNCPTR (gst_tachyon_pool_acquire_buffer);
  pool_class->release_buffer =
      GST_DEBUG_FUNCPTR (gst_tachyon_pool_release_buffer);
  pool_class->start = GST_DEBUG_FUNCPTR (gst_tachyon_pool_start);
  pool_class->stop = GST_DEBUG_FUNCPTR (gst_tachyon_pool_stop);
}

static void
gst_tachyon_pool_init (GstTachyonPool *self)
{
  self->worker = PARENT_CLASS;
  g_mutex_init (&self->lock);
  self->free_buffers = g_ptr_array_new ();
}

GstBufferPool *
gst_tachyon_pool_new (GstTachyonAllocator *allocator)
{
  GstTachyonPool *const self = g_object_new (GST_TYPE_TACHYON_POOL, NULL);

  gst_object_ref_sink (self);
  self->allocator = gst_object_ref (allocator);

  return GST_BUFFER_POOL (self);
}

static GstBufferPool *
new_pool (GstTachyonAllocator *allocator, GstCaps *caps, guint size, guint min,
    const GstAllocationParams *params, gboolean has_video_meta)
{
  GstBufferPool *const pool = gst_tachyon_pool_new (allocator);
  GstStructure *const config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, min, 0);
  gst_buffer_pool_config_set_allocator (config, GST_ALLOCATOR (allocator),
      params);
  if (has_video_meta)
    gst_buffer_pool_config_add_option (config,
        GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (!gst_buffer_pool_set_config (pool, config)) {
    gst_object_unref (pool);
    return NULL;
  }

  return pool;
}

/* Other kinds of memory (GL, DMABuf) are no memory of ours. */
static gboolean
is_system_memory (const GstCaps *caps)
{
  GstCapsFeatures *features;

  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return TRUE;
  features = gst_caps_get_features (caps, 0);

  return !features ||
      gst_caps_features_contains (features,
          GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY);
}

/* Upstream allocates that many at once, and a far side that asks for much must
 * not take it all. */
static guint
buffers_to_begin_with (const GstTachyonNeeds *needs, gsize size)
{
  return MIN (MIN (needs->min_buffers, GST_TACHYON_NEEDS_BUFFERS_MAX),
      BYTES_TO_BEGIN_WITH / size);
}

void
gst_tachyon_pool_propose (GstTachyonAllocator *allocator, GstQuery *query,
    const GstTachyonNeeds *needs)
{
  /* Blocks are aligned to pages: asking for a cache line costs nothing, and
   * spares decoders a pool of their own. */
  GstAllocationParams params = { .align = 63 | needs->align };
  const gboolean has_video_meta = !needs->no_video_meta;
  GstBufferPool *pool = NULL;
  GstVideoInfo info;
  GstCaps *caps;
  gboolean need_pool;
  guint min;

  gst_query_parse_allocation (query, &caps, &need_pool);
  if (has_video_meta)
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);

  if (caps && !is_system_memory (caps))
    return;
  gst_query_add_allocation_param (query, GST_ALLOCATOR (allocator), &params);

  /* A pool needs a size, which other caps do not tell: a source would take a
   * pool of size 0 at its word. They have the allocator. */
  if (!caps || !gst_tachyon_pool_video_info (caps, &info))
    return;

  /* No maximum: libav's decoders turn down a pool with one. */
  min = buffers_to_begin_with (needs, info.size);
  if (need_pool)
    pool = new_pool (allocator, caps, info.size, min, &params, has_video_meta);
  gst_query_add_allocation_pool (query, pool, info.size, min, 0);
  gst_clear_object (&pool);
}
