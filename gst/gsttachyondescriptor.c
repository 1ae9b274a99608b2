/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Memories over descriptors, used again and again.
 *
 * A share of a GstFdMemory keeps its root alive, not the share that it was made
 * of. So each frame gets a root of its own, and when that would be freed it
 * becomes idle instead, with its mapping, for the next frame of the descriptor.
 */
#include "gsttachyondescriptor.h"

#include <fcntl.h>
#include <gst/allocators/allocators.h>
#include <unistd.h>

/* Frames after which a descriptor that none of them was in is let go of: far
 * more than a pool has buffers. The producer may have freed its own long ago. */
#define PATIENCE 256
/* Pieces of a descriptor that are remembered. */
#define IDLE_MAX 32

/* A descriptor of ours. References: the table's, and each memory's. */
struct entry
{
  gatomicrefcount ref_count;
  guint64 id;
  gint fd;
  guint64 size;
  /* number of the last frame in it; the streaming thread's */
  guint64 last_used;

  GMutex lock;
  /* of GstMemory, with a reference each */
  GQueue idle;
  gboolean is_dropped;
};

/* What a memory of ours has as qdata. */
struct lease
{
  struct entry *entry;
  struct tachyon_frame frame;
};

struct _GstTachyonDescriptors
{
  GstAllocator *allocator;
  GHashTable *entries;
  guint64 frames;
};

static GQuark
lease_quark (void)
{
  static gsize quark = 0;

  if (g_once_init_enter (&quark))
    g_once_init_leave (&quark,
        g_quark_from_static_string ("gst-tachyon-descriptor-lease"));

  return (GQuark) quark;
}

/* --- one descriptor --- */

static struct entry *
entry_new (gint fd, guint64 size, guint64 id)
{
  const gint copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  struct entry *entry;

  if (copy < 0)
    return NULL;

  entry = g_new0 (struct entry, 1);
  g_atomic_ref_count_init (&entry->ref_count);
  g_mutex_init (&entry->lock);
  entry->id = id;
  entry->fd = copy;
  entry->size = size;

  return entry;
}

static void
entry_unref (struct entry *entry)
{
  if (!g_atomic_ref_count_dec (&entry->ref_count))
    return;

  close (entry->fd);
  g_mutex_clear (&entry->lock);
  g_free (entry);
}

static void
free_idle (GstMemory *memory)
{
  /* This time for good. */
  GST_MINI_OBJECT_CAST (memory)->dispose = NULL;
  gst_memory_unref (memory);
}

/* No memory of it becomes idle any more; those that are go. */
static void
entry_drop (gpointer data)
{
  struct entry *const entry = data;
  GstMemory *memory;

  g_mutex_lock (&entry->lock);
  entry->is_dropped = TRUE;
  g_mutex_unlock (&entry->lock);

  while ((memory = g_queue_pop_head (&entry->idle)))
    free_idle (memory);
  entry_unref (entry);
}

/* --- a memory's life --- */

static void
end_lease (gpointer data)
{
  struct lease *const lease = data;

  entry_unref (lease->entry);
  g_free (lease);
}

/* Nobody has the memory any more. Returns: TRUE: free it */
static gboolean
recycle (GstMiniObject *object)
{
  struct lease *const lease =
      gst_mini_object_get_qdata (object, lease_quark ());
  struct entry *const entry = lease->entry;
  struct tachyon_frame frame = lease->frame;
  gboolean is_idle;

  lease->frame.block = NULL;
  g_atomic_ref_count_inc (&entry->ref_count);
  g_mutex_lock (&entry->lock);
  is_idle = !entry->is_dropped;
  if (is_idle)
    g_queue_push_head (&entry->idle, gst_memory_ref (GST_MEMORY_CAST (object)));
  g_mutex_unlock (&entry->lock);

  /* Now that the memory is there for it, the next frame may come. What is idle
   * may be another's already: not a word of it is read here. */
  tachyon_frame_release (&frame);
  entry_unref (entry);

  return !is_idle;
}

static GstMemory *
make_memory (GstTachyonDescriptors *self, struct entry *entry)
{
  GstMemory *const memory = gst_dmabuf_allocator_alloc_with_flags (
      self->allocator, entry->fd, entry->size,
      GST_FD_MEMORY_FLAG_KEEP_MAPPED | GST_FD_MEMORY_FLAG_DONT_CLOSE);
  struct lease *lease;

  if (!memory)
    return NULL;

  lease = g_new0 (struct lease, 1);
  lease->entry = entry;
  g_atomic_ref_count_inc (&entry->ref_count);
  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (memory), lease_quark (),
      lease, end_lease);
  GST_MINI_OBJECT_CAST (memory)->dispose = recycle;
  GST_MINI_OBJECT_FLAG_SET (memory, GST_MEMORY_FLAG_READONLY);

  return memory;
}

/*
 * One that nobody has. Downstream may have put down with a memory what it made
 * of it, an image on a GPU, say: so it stays the same piece of its descriptor.
 */
static GstMemory *
take_idle (struct entry *entry, gsize offset, gsize size)
{
  GstMemory *found = NULL, *surplus = NULL;
  GList *link;

  g_mutex_lock (&entry->lock);
  for (link = entry->idle.head; link && !found; link = link->next) {
    const GstMemory *const memory = link->data;

    if (memory->offset == offset && memory->size == size) {
      found = link->data;
      g_queue_delete_link (&entry->idle, link);
      break;
    }
  }
  if (!found && entry->idle.length >= IDLE_MAX)
    surplus = g_queue_pop_tail (&entry->idle);
  g_mutex_unlock (&entry->lock);

  if (surplus)
    free_idle (surplus);
  return found;
}

static GstMemory *
take_memory (GstTachyonDescriptors *self, struct entry *entry, gsize offset,
    gsize size)
{
  GstMemory *memory = take_idle (entry, offset, size);

  if (memory)
    return memory;
  memory = make_memory (self, entry);
  if (memory) {
    memory->offset = offset;
    memory->size = size;
  }

  return memory;
}

/* --- all of them --- */

GstTachyonDescriptors *
gst_tachyon_descriptors_new (void)
{
  GstTachyonDescriptors *const self = g_new0 (GstTachyonDescriptors, 1);

  self->allocator = gst_dmabuf_allocator_new ();
  self->entries =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, entry_drop);

  return self;
}

void
gst_tachyon_descriptors_free (GstTachyonDescriptors *self)
{
  if (!self)
    return;

  g_hash_table_unref (self->entries);
  gst_object_unref (self->allocator);
  g_free (self);
}

void
gst_tachyon_descriptors_flush (GstTachyonDescriptors *self)
{
  g_hash_table_remove_all (self->entries);
}

static gboolean
is_forgotten (gpointer key, gpointer value, gpointer user_data)
{
  const GstTachyonDescriptors *const self = user_data;
  const struct entry *const entry = value;

  return self->frames - entry->last_used > PATIENCE;
}

static struct entry *
find_entry (GstTachyonDescriptors *self, gint fd, guint64 size, guint64 id)
{
  struct entry *entry = g_hash_table_lookup (self->entries, &id);

  if (!entry) {
    entry = entry_new (fd, size, id);
    if (!entry)
      return NULL;
    g_hash_table_insert (self->entries, &entry->id, entry);
  }
  entry->last_used = ++self->frames;
  if (self->frames % PATIENCE == 0)
    g_hash_table_foreach_remove (self->entries, is_forgotten, self);

  return entry;
}

GstMemory *
gst_tachyon_descriptors_wrap (GstTachyonDescriptors *self,
    struct tachyon_frame *frame)
{
  guint64 offset, size, id;
  struct entry *entry;
  struct lease *lease;
  GstMemory *memory;
  gint fd;

  if (tachyon_frame_descriptor (frame, &fd, &offset, &size, &id) < 0)
    return NULL;
  entry = find_entry (self, fd, size, id);
  memory = entry ? take_memory (self, entry, offset, frame->size) : NULL;
  if (!memory)
    return NULL;

  lease =
      gst_mini_object_get_qdata (GST_MINI_OBJECT_CAST (memory), lease_quark ());
  lease->frame = *frame;
  frame->block = NULL;

  return memory;
}
