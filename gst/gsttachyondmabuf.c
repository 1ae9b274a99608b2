/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What of upstream's DMABuf memory is lent.
 *
 * A pool's memories come again and again: each is found by its address, which
 * is its own until the weak reference tells that it is gone. Memories that are
 * made anew around the same file (a descriptor for each plane, say) are found
 * by that.
 */
#include "gsttachyondmabuf.h"

#include <gst/allocators/allocators.h>
#include <gst/video/video.h>
#include <sys/stat.h>
#include <unistd.h>

/* As much of a descriptor as a block can be. */
#define LOAN_SIZE_MAX (G_GUINT64_CONSTANT (1) << 31)

/* A file, and the block that stands for it. */
struct loan
{
  guint64 device;
  guint64 inode;
  guint64 size;
  struct tachyon_block *block;
  /* that are around it, guarded by the lock */
  guint memories;
};

struct _GstTachyonDmabuf
{
  /* one for each memory that we watch, too: it may outlive the sink */
  gatomicrefcount ref_count;
  GstTachyonPublisher *publisher;

  /* Memories go on any thread; only the streaming thread adds. */
  GMutex lock;
  GHashTable *by_memory;
  GHashTable *by_file;
};

gboolean
gst_tachyon_dmabuf_is_in_caps (const GstCaps *caps)
{
  GstCapsFeatures *features;

  if (gst_caps_get_size (caps) == 0)
    return FALSE;
  features = gst_caps_get_features (caps, 0);

  return features && !gst_caps_features_is_any (features) &&
      gst_caps_features_contains (features, GST_CAPS_FEATURE_MEMORY_DMABUF);
}

static guint
hash_file (gconstpointer key)
{
  const struct loan *const loan = key;

  return g_int64_hash (&loan->inode) ^ (guint) loan->device;
}

static gboolean
is_same_file (gconstpointer a, gconstpointer b)
{
  const struct loan *const one = a;
  const struct loan *const other = b;

  return one->inode == other->inode && one->device == other->device;
}

GstTachyonDmabuf *
gst_tachyon_dmabuf_new (GstTachyonPublisher *publisher)
{
  GstTachyonDmabuf *const self = g_new0 (GstTachyonDmabuf, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->publisher = gst_tachyon_publisher_ref (publisher);
  g_mutex_init (&self->lock);
  self->by_memory = g_hash_table_new (NULL, NULL);
  self->by_file = g_hash_table_new (hash_file, is_same_file);

  return self;
}

void
gst_tachyon_dmabuf_unref (GstTachyonDmabuf *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->ref_count))
    return;

  /* Every memory that was in them had a reference to us. */
  g_hash_table_unref (self->by_memory);
  g_hash_table_unref (self->by_file);
  g_mutex_clear (&self->lock);
  gst_tachyon_publisher_unref (self->publisher);
  g_free (self);
}

/* --- a memory goes: on any thread --- */

static void
end_loan (GstTachyonDmabuf *self, struct loan *loan)
{
  /* A publisher that is closed has taken all back. */
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self->publisher);

  if (publisher) {
    tachyon_publisher_take_back (publisher, loan->block);
    gst_tachyon_publisher_leave (self->publisher);
  }
  g_free (loan);
}

static void
forget_memory (gpointer data, GstMiniObject *memory)
{
  GstTachyonDmabuf *const self = data;
  struct loan *loan;
  gboolean is_last;

  g_mutex_lock (&self->lock);
  loan = g_hash_table_lookup (self->by_memory, memory);
  g_hash_table_remove (self->by_memory, memory);
  is_last = --loan->memories == 0;
  if (is_last)
    g_hash_table_remove (self->by_file, loan);
  g_mutex_unlock (&self->lock);

  if (is_last)
    end_loan (self, loan);
  gst_tachyon_dmabuf_unref (self);
}

/* --- a memory comes: on the streaming thread --- */

static gint
identify (gint fd, struct loan *loan)
{
  struct stat status;
  gint64 size;

  if (fstat (fd, &status) < 0)
    return GST_TACHYON_DMABUF_SHRINKS;
  loan->device = status.st_dev;
  loan->inode = status.st_ino;

  /* Of a dma-buf only its end tells. */
  size = S_ISREG (status.st_mode) && status.st_size > 0 ?
      status.st_size :
      lseek (fd, 0, SEEK_END);
  loan->size = CLAMP (size, 0, (gint64) LOAN_SIZE_MAX);

  return size > 0 ? 0 : GST_TACHYON_DMABUF_SHRINKS;
}

static gint
lend (GstTachyonDmabuf *self, gint fd, struct loan *loan)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self->publisher);
  gint ret;

  if (!publisher)
    return TACHYON_ERR_CLOSED;
  ret = tachyon_publisher_lend (publisher, fd, loan->size, &loan->block);
  gst_tachyon_publisher_leave (self->publisher);

  return ret == -EINVAL ? GST_TACHYON_DMABUF_SHRINKS : ret;
}

/* Puts a memory down under its file's loan, where there is one. */
static struct loan *
join_loan (GstTachyonDmabuf *self, GstMemory *memory, const struct loan *file)
{
  struct loan *loan;

  g_mutex_lock (&self->lock);
  loan = g_hash_table_lookup (self->by_file, file);
  if (loan) {
    loan->memories++;
    g_hash_table_insert (self->by_memory, memory, loan);
  }
  g_mutex_unlock (&self->lock);

  return loan;
}

static gint
add_memory (GstTachyonDmabuf *self, GstMemory *memory, struct loan **out)
{
  const gint fd = gst_dmabuf_memory_get_fd (memory);
  struct loan file = { 0 };
  gint ret = identify (fd, &file);

  if (ret < 0)
    return ret;

  *out = join_loan (self, memory, &file);
  if (!*out) {
    ret = lend (self, fd, &file);
    if (ret < 0)
      return ret;
    g_mutex_lock (&self->lock);
    g_hash_table_add (self->by_file, g_memdup2 (&file, sizeof file));
    g_mutex_unlock (&self->lock);
    *out = join_loan (self, memory, &file);
  }

  g_atomic_ref_count_inc (&self->ref_count);
  gst_mini_object_weak_ref (GST_MINI_OBJECT_CAST (memory), forget_memory, self);

  return 0;
}

static gint
find_loan (GstTachyonDmabuf *self, GstMemory *memory, struct loan **loan)
{
  GstMemory *const root = memory->parent ? memory->parent : memory;

  if (!gst_is_dmabuf_memory (memory))
    return GST_TACHYON_DMABUF_FOREIGN;

  g_mutex_lock (&self->lock);
  *loan = g_hash_table_lookup (self->by_memory, root);
  g_mutex_unlock (&self->lock);

  return *loan ? 0 : add_memory (self, root, loan);
}

gint
gst_tachyon_dmabuf_find (GstTachyonDmabuf *self, GstBuffer *buffer,
    struct tachyon_frame *frame, guint64 *offset)
{
  const guint count = gst_buffer_n_memory (buffer);
  guint64 first = G_MAXUINT64, last = 0, next = 0;
  struct loan *loan = NULL;
  gboolean is_apart = FALSE;
  guint i;

  for (i = 0; i < count; i++) {
    GstMemory *const memory = gst_buffer_peek_memory (buffer, i);
    struct loan *own;
    const gint ret = find_loan (self, memory, &own);

    if (ret < 0)
      return ret;
    if (loan && own != loan)
      return GST_TACHYON_DMABUF_SEVERAL;
    loan = own;

    is_apart |= i > 0 && memory->offset != next;
    next = memory->offset + memory->size;
    first = MIN (first, memory->offset);
    last = MAX (last, next);
  }
  if (!loan || last > loan->size)
    return GST_TACHYON_DMABUF_SHRINKS;

  frame->block = loan->block;
  frame->size = last - first;
  *offset = first;

  return is_apart ? 1 : 0;
}

/* --- planes that lie apart --- */

/* Where a byte of the buffer is behind its descriptor. */
static guint64
locate (GstBuffer *buffer, gsize position)
{
  const guint count = gst_buffer_n_memory (buffer);
  GstMemory *memory = NULL;
  guint i;

  for (i = 0; i < count; i++) {
    memory = gst_buffer_peek_memory (buffer, i);
    if (position < memory->size)
      break;
    if (i + 1 < count)
      position -= memory->size;
  }

  return memory->offset + position;
}

GstBuffer *
gst_tachyon_dmabuf_describe (GstBuffer *buffer, guint64 offset)
{
  /* With its memory, without which a GstVideoMeta is not copied. */
  GstBuffer *const description = gst_buffer_copy (buffer);
  GstVideoMeta *const meta = gst_buffer_get_video_meta (description);
  guint plane;

  if (!meta) {
    gst_buffer_unref (description);
    return NULL;
  }
  for (plane = 0; plane < meta->n_planes; plane++)
    meta->offset[plane] = locate (buffer, meta->offset[plane]) - offset;

  return description;
}
