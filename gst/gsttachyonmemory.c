/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * An allocator for memory that is there already: a frame, mapped read-only.
 */
#include "gsttachyonmemory.h"

#include <string.h>

typedef struct
{
  GstMemory memory;
  guint8 *data;
  struct tachyon_frame frame; /* of a root; empty in what shares it */
} GstTachyonMemory;

#define GST_TYPE_TACHYON_MEMORY_ALLOCATOR \
  (gst_tachyon_memory_allocator_get_type ())
G_DECLARE_FINAL_TYPE (GstTachyonMemoryAllocator, gst_tachyon_memory_allocator,
    GST, TACHYON_MEMORY_ALLOCATOR, GstAllocator)

struct _GstTachyonMemoryAllocator
{
  GstAllocator parent;
};

G_DEFINE_FINAL_TYPE (GstTachyonMemoryAllocator, gst_tachyon_memory_allocator,
    GST_TYPE_ALLOCATOR)

static GstTachyonMemory *
memory_new (GstAllocator *allocator, GstMemory *parent, guint8 *data,
    gsize maxsize, gsize offset, gsize size)
{
  GstTachyonMemory *self = g_new0 (GstTachyonMemory, 1);

  gst_memory_init (GST_MEMORY_CAST (self), GST_MEMORY_FLAG_READONLY, allocator,
      parent, maxsize, 0, offset, size);
  self->data = data;
  return self;
}

/* Whoever wants memory to write to is to take another allocator's. */
static GstMemory *
gst_tachyon_memory_allocator_alloc (GstAllocator *allocator, gsize size,
    GstAllocationParams *params)
{
  return NULL;
}

static void
gst_tachyon_memory_allocator_free (GstAllocator *allocator, GstMemory *memory)
{
  GstTachyonMemory *self = (GstTachyonMemory *) memory;

  tachyon_frame_release (&self->frame);
  g_free (self);
}

static gpointer
memory_map (GstMemory *memory, gsize maxsize, GstMapFlags flags)
{
  return ((GstTachyonMemory *) memory)->data;
}

static void
memory_unmap (GstMemory *memory)
{
}

static GstMemory *
memory_share (GstMemory *memory, gssize offset, gssize size)
{
  GstMemory *root = memory->parent ? memory->parent : memory;

  if (size == -1)
    size = memory->size - offset;
  return GST_MEMORY_CAST (
      memory_new (memory->allocator, root, ((GstTachyonMemory *) memory)->data,
          memory->maxsize, memory->offset + offset, size));
}

/* Into ordinary memory: blocks are the producer's. */
static GstMemory *
memory_copy (GstMemory *memory, gssize offset, gssize size)
{
  const guint8 *data = ((GstTachyonMemory *) memory)->data;
  GstMapInfo map;
  GstMemory *copy;

  if (size == -1)
    size = memory->size > (gsize) offset ? memory->size - offset : 0;
  copy = gst_allocator_alloc (NULL, size, NULL);
  if (!copy || !gst_memory_map (copy, &map, GST_MAP_WRITE)) {
    g_clear_pointer (&copy, gst_memory_unref);
    return NULL;
  }
  memcpy (map.data, data + memory->offset + offset, size);
  gst_memory_unmap (copy, &map);
  return copy;
}

static gboolean
memory_is_span (GstMemory *first, GstMemory *second, gsize *offset)
{
  if (offset)
    *offset = first->offset - first->parent->offset;
  return first->parent == second->parent &&
      first->offset + first->size == second->offset;
}

static void
gst_tachyon_memory_allocator_class_init (GstTachyonMemoryAllocatorClass *klass)
{
  GstAllocatorClass *allocator_class = GST_ALLOCATOR_CLASS (klass);

  allocator_class->alloc =
      GST_DEBUG_FUNCPTR (gst_tachyon_memory_allocator_alloc);
  allocator_class->free = GST_DEBUG_FUNCPTR (gst_tachyon_memory_allocator_free);
}

static void
gst_tachyon_memory_allocator_init (GstTachyonMemoryAllocator *self)
{
  GstAllocator *allocator = GST_ALLOCATOR (self);

  allocator->mem_type = GST_TACHYON_MEMORY_TYPE;
  allocator->mem_map = memory_map;
  allocator->mem_unmap = memory_unmap;
  allocator->mem_share = memory_share;
  allocator->mem_copy = memory_copy;
  allocator->mem_is_span = memory_is_span;
  GST_OBJECT_FLAG_SET (self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *
gst_tachyon_memory_allocator_new (void)
{
  return gst_object_ref_sink (
      g_object_new (GST_TYPE_TACHYON_MEMORY_ALLOCATOR, NULL));
}

GstMemory *
gst_tachyon_memory_new (GstAllocator *allocator, struct tachyon_frame *frame)
{
  GstTachyonMemory *self =
      memory_new (allocator, NULL, frame->data, frame->size, 0, frame->size);

  self->frame = *frame;
  frame->block = NULL;
  return GST_MEMORY_CAST (self);
}

gboolean
gst_tachyon_memory_is_valid (GstMemory *memory)
{
  GstMemory *root = memory->parent ? memory->parent : memory;

  return tachyon_frame_is_valid (&((GstTachyonMemory *) root)->frame) > 0;
}
