/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A GstBufferPool whose buffers live in a publisher's blocks.
 *
 * It adds two things to the video pool: before it looks for a free buffer it
 * takes back those that subscribers returned, and it takes caps that are not
 * raw video, too.
 */
#include "gsttachyonpool.h"

#include <gst/video/video.h>

struct _GstTachyonPool
{
  GstVideoBufferPool parent;

  GstTachyonAllocator *allocator;
  /* the class that does the work for the caps of the configuration */
  GstBufferPoolClass *worker;
};

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
    return GST_BUFFER_POOL_CLASS (gst_tachyon_pool_parent_class);

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

  return self->worker->set_config (pool, config);
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

static GstFlowReturn
gst_tachyon_pool_acquire_buffer (GstBufferPool *pool, GstBuffer **buffer,
    GstBufferPoolAcquireParams *params)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);

  gst_tachyon_publisher_drain (
      gst_tachyon_allocator_get_publisher (self->allocator));

  return GST_BUFFER_POOL_CLASS (gst_tachyon_pool_parent_class)
      ->acquire_buffer (pool, buffer, params);
}

/* Once the sink has closed, subscribers may go on reading what it sent: such a
 * buffer must not be written to again. The base class drops what is tagged. */
static void
gst_tachyon_pool_release_buffer (GstBufferPool *pool, GstBuffer *buffer)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (pool);

  if (gst_tachyon_publisher_is_closed (
          gst_tachyon_allocator_get_publisher (self->allocator)))
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_TAG_MEMORY);

  GST_BUFFER_POOL_CLASS (gst_tachyon_pool_parent_class)
      ->release_buffer (pool, buffer);
}

static void
gst_tachyon_pool_finalize (GObject *object)
{
  GstTachyonPool *const self = GST_TACHYON_POOL (object);
  GstTachyonAllocator *const allocator = self->allocator;

  G_OBJECT_CLASS (gst_tachyon_pool_parent_class)->finalize (object);

  gst_object_unref (allocator);
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
}

static void
gst_tachyon_pool_init (GstTachyonPool *self)
{
  self->worker = GST_BUFFER_POOL_CLASS (gst_tachyon_pool_parent_class);
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
new_pool (GstTachyonAllocator *allocator, GstCaps *caps, guint size,
    const GstAllocationParams *params)
{
  GstBufferPool *const pool = gst_tachyon_pool_new (allocator);
  GstStructure *const config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, 0, 0);
  gst_buffer_pool_config_set_allocator (config, GST_ALLOCATOR (allocator),
      params);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
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

void
gst_tachyon_pool_propose (GstTachyonAllocator *allocator, GstQuery *query)
{
  /* Blocks are aligned to pages: asking for a cache line costs nothing, and
   * spares decoders a pool of their own. */
  GstAllocationParams params = { .align = 63 };
  GstBufferPool *pool = NULL;
  GstVideoInfo info;
  GstCaps *caps;
  gboolean need_pool;

  gst_query_parse_allocation (query, &caps, &need_pool);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);

  if (caps && !is_system_memory (caps))
    return;
  gst_query_add_allocation_param (query, GST_ALLOCATOR (allocator), &params);

  /* A pool needs a size, which other caps do not tell: a source would take a
   * pool of size 0 at its word. They have the allocator. */
  if (!caps || !gst_tachyon_pool_video_info (caps, &info))
    return;

  /* No maximum: libav's decoders turn down a pool with one. */
  if (need_pool)
    pool = new_pool (allocator, caps, info.size, &params);
  gst_query_add_allocation_pool (query, pool, info.size, 0, 0);
  gst_clear_object (&pool);
}
