/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Memory in a publisher's blocks, for upstream to write into.
 *
 * The blocks come from the publisher's pool, so that whoever takes the bare
 * allocator (audio sources, encoders) recycles them, too. A memory keeps its
 * block alone: it stays usable when the publisher, and the element, are gone.
 */
#include "gsttachyonallocator.h"

#include <string.h>

/* Blocks start at a page boundary, and pages have this size at least. */
#define BLOCK_ALIGN 4095

typedef struct
{
  GstMemory mem;
  /* where the root's maxsize bytes start; a share has the same */
  guint8 *data;
  /* the reference to the block; of the root only */
  struct tachyon_frame frame;
} GstTachyonMemory;

struct _GstTachyonAllocator
{
  GstAllocator parent;

  GstTachyonPublisher *publisher;
};

G_DEFINE_FINAL_TYPE (GstTachyonAllocator, gst_tachyon_allocator,
    GST_TYPE_ALLOCATOR)

/*
 * libav's decoders keep their reference pictures mapped for writing, and
 * GStreamer will not share memory that is locked so between two buffers: it
 * copies, and a decoder that renders directly would have each picture copied
 * when it is pushed. So such a mapping keeps no lock. What guards the picture
 * stays: memory that two buffers share cannot be mapped for writing. What is
 * lost is a snapshot: who copies a buffer, mapped for writing, and writes on,
 * writes into the copy, too.
 */
static gpointer
gst_tachyon_memory_map (GstMemory *mem, GstMapInfo *info, gsize maxsize)
{
  const GstMapFlags access = info->flags & GST_MAP_READWRITE;

  if (access & GST_MAP_WRITE) {
    gst_memory_unlock (mem, (GstLockFlags) access);
    /* Unmapping unlocks what this says. */
    info->flags &= ~GST_MAP_READWRITE;
  }

  return ((GstTachyonMemory *) mem)->data;
}

static void
gst_tachyon_memory_unmap (GstMemory *mem, GstMapInfo *info)
{
}

/* To system memory: a deep copy is private to whoever makes it, and must not
 * take a block from the frames. */
static GstMemory *
gst_tachyon_memory_copy (GstMemory *mem, gssize offset, gssize size)
{
  GstAllocationParams params = { .align = mem->align };
  GstMapInfo map;
  GstMemory *copy;

  if (size == -1)
    size = mem->size > (gsize) offset ? mem->size - offset : 0;

  copy = gst_allocator_alloc (NULL, size, &params);
  if (!copy)
    return NULL;
  if (!gst_memory_map (copy, &map, GST_MAP_WRITE)) {
    gst_memory_unref (copy);
    return NULL;
  }

  memcpy (map.data, ((GstTachyonMemory *) mem)->data + mem->offset + offset,
      size);
  gst_memory_unmap (copy, &map);

  return copy;
}

static GstMemory *
gst_tachyon_memory_share (GstMemory *mem, gssize offset, gssize size)
{
  GstMemory *const root = mem->parent ? mem->parent : mem;
  GstTachyonMemory *const share = g_new0 (GstTachyonMemory, 1);

  if (size == -1)
    size = mem->size - offset;

  share->data = ((GstTachyonMemory *) mem)->data;
  gst_memory_init (GST_MEMORY_CAST (share),
      GST_MINI_OBJECT_FLAGS (root) | GST_MINI_OBJECT_FLAG_LOCK_READONLY,
      mem->allocator, root, mem->maxsize, mem->align, mem->offset + offset,
      size);

  return GST_MEMORY_CAST (share);
}

/* Asked of shares of one root only. */
static gboolean
gst_tachyon_memory_is_span (GstMemory *mem1, GstMemory *mem2, gsize *offset)
{
  if (offset)
    *offset = mem1->offset - mem1->parent->offset;

  return mem1->offset + mem1->size == mem2->offset;
}

static void
clear_ends (guint8 *data, gsize maxsize, gsize size,
    const GstAllocationParams *params)
{
  if (params->flags & GST_MEMORY_FLAG_ZERO_PREFIXED)
    memset (data, 0, params->prefix);
  if (params->flags & GST_MEMORY_FLAG_ZERO_PADDED)
    memset (data + params->prefix + size, 0, maxsize - params->prefix - size);
}

/* Returns: the size of a block for that much, or 0: more than can be said */
static gsize
block_size (gsize maxsize, gsize align)
{
  const gsize slack = align > BLOCK_ALIGN ? align : 0;

  if (maxsize > G_MAXSIZE - slack)
    return 0;

  return MAX (maxsize + slack, 1);
}

static GstMemory *
gst_tachyon_allocator_alloc (GstAllocator *allocator, gsize size,
    GstAllocationParams *params)
{
  GstTachyonAllocator *const self = GST_TACHYON_ALLOCATOR (allocator);
  const gsize align = params->align | gst_memory_alignment;
  const gsize ends = params->prefix + params->padding;
  const gsize maxsize = size + ends;
  GstTachyonMemory *mem;
  struct tachyon_frame frame;
  gint ret;

  if (ends < params->prefix || maxsize < size)
    return NULL;
  if (block_size (maxsize, align) == 0)
    return NULL;

  ret = gst_tachyon_publisher_acquire (self->publisher,
      block_size (maxsize, align), &frame);
  /* System memory instead, when flushing or when a block cannot be had: NULL
   * would make upstream post an error that names no cause. The sink drops or
   * copies the buffer, or says itself why it cannot be sent. */
  if (ret < 0)
    return gst_allocator_alloc (NULL, size, params);

  mem = g_new0 (GstTachyonMemory, 1);
  mem->frame = frame;
  mem->data = (guint8 *) (((guintptr) frame.data + align) & ~align);
  clear_ends (mem->data, maxsize, size, params);
  gst_memory_init (GST_MEMORY_CAST (mem), params->flags, allocator, NULL,
      maxsize, align, params->prefix, size);

  return GST_MEMORY_CAST (mem);
}

static void
gst_tachyon_allocator_free (GstAllocator *allocator, GstMemory *mem)
{
  /* A share's is empty. */
  tachyon_frame_release (&((GstTachyonMemory *) mem)->frame);
  g_free (mem);
}

static void
gst_tachyon_allocator_finalize (GObject *object)
{
  GstTachyonAllocator *const self = GST_TACHYON_ALLOCATOR (object);

  gst_tachyon_publisher_unref (self->publisher);

  G_OBJECT_CLASS (gst_tachyon_allocator_parent_class)->finalize (object);
}

static void
gst_tachyon_allocator_class_init (GstTachyonAllocatorClass *klass)
{
  GObjectClass *const object_class = G_OBJECT_CLASS (klass);
  GstAllocatorClass *const allocator_class = GST_ALLOCATOR_CLASS (klass);

  object_class->finalize = GST_DEBUG_FUNCPTR (gst_tachyon_allocator_finalize);
  allocator_class->alloc = GST_DEBUG_FUNCPTR (gst_tachyon_allocator_alloc);
  allocator_class->free = GST_DEBUG_FUNCPTR (gst_tachyon_allocator_free);
}

static void
gst_tachyon_allocator_init (GstTachyonAllocator *self)
{
  GstAllocator *const allocator = GST_ALLOCATOR (self);

  allocator->mem_type = GST_TACHYON_MEMORY_TYPE;
  allocator->mem_map_full = GST_DEBUG_FUNCPTR (gst_tachyon_memory_map);
  allocator->mem_unmap_full = GST_DEBUG_FUNCPTR (gst_tachyon_memory_unmap);
  allocator->mem_copy = GST_DEBUG_FUNCPTR (gst_tachyon_memory_copy);
  allocator->mem_share = GST_DEBUG_FUNCPTR (gst_tachyon_memory_share);
  allocator->mem_is_span = GST_DEBUG_FUNCPTR (gst_tachyon_memory_is_span);
}

GstAllocator *
gst_tachyon_allocator_new (GstTachyonPublisher *publisher)
{
  GstTachyonAllocator *const self =
      g_object_new (GST_TYPE_TACHYON_ALLOCATOR, NULL);

  gst_object_ref_sink (self);
  self->publisher = gst_tachyon_publisher_ref (publisher);

  return GST_ALLOCATOR (self);
}

GstTachyonPublisher *
gst_tachyon_allocator_get_publisher (GstTachyonAllocator *self)
{
  return self->publisher;
}

gboolean
gst_tachyon_allocator_find_block (GstTachyonAllocator *self, GstBuffer *buffer,
    struct tachyon_frame *frame)
{
  const guint count = gst_buffer_n_memory (buffer);
  struct tachyon_block *block = NULL;
  guint8 *data = NULL;
  gsize size = 0;
  guint i;

  for (i = 0; i < count; i++) {
    GstMemory *const mem = gst_buffer_peek_memory (buffer, i);
    GstMemory *const root = mem->parent ? mem->parent : mem;
    const GstTachyonMemory *const mine = (GstTachyonMemory *) root;

    if (root->allocator != GST_ALLOCATOR_CAST (self))
      return FALSE;
    if (i == 0) {
      block = mine->frame.block;
      data = mine->data + mem->offset;
    } else if (mine->frame.block != block ||
        mine->data + mem->offset != data + size) {
      return FALSE;
    }
    size += mem->size;
  }

  if (size == 0)
    return FALSE;

  frame->data = data;
  frame->size = size;
  frame->block = block;

  return TRUE;
}
