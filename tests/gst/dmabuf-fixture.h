/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * DMABuf memory where no device is: GstDmaBufAllocator around memory files that cannot shrink, in
 * buffers on their own and in a pool.
 */
#ifndef TACHYON_TESTS_DMABUF_FIXTURE_H
#define TACHYON_TESTS_DMABUF_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <gst/allocators/allocators.h>
#include <gst/video/video.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

/* A GRAY8 picture of 64 x 64. */
#define PICTURE 4096u
#define DMABUF_CAPS "video/x-raw(memory:DMABuf),format=GRAY8,width=64,height=64,framerate=30/1"
#define SYSTEM_CAPS "video/x-raw,format=GRAY8,width=64,height=64,framerate=30/1"

/* --- files --- */

static inline int make_file(size_t size, int seals)
{
	const int fd = memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	if (seals)
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static inline void fill_file(int fd, size_t offset, size_t size, guint8 value)
{
	guint8 *const data = mmap(NULL, offset + size, PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(data != MAP_FAILED);
	memset(data + offset, value, size);
	munmap(data, offset + size);
}

/* Descriptors of such files in this process, whoever has them. */
static inline int count_files(void)
{
	DIR *const listing = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(listing))) {
		char target[64] = "";

		(void)!readlinkat(dirfd(listing), entry->d_name, target, sizeof(target) - 1);
		count += strstr(target, "memfd:picture") != NULL;
	}
	closedir(listing);
	return count;
}

static inline guint64 inode_of(int fd)
{
	struct stat status;

	CHECK_EQ(fstat(fd, &status), 0);
	return status.st_ino;
}

/* --- memories and buffers --- */

/* Around a descriptor, which it closes. */
static inline GstMemory *wrap_file(int fd, size_t size)
{
	GstAllocator *const allocator = gst_dmabuf_allocator_new();
	GstMemory *const memory = gst_dmabuf_allocator_alloc(allocator, fd, size);

	CHECK(memory != NULL);
	gst_object_unref(allocator);
	return memory;
}

static inline GstMemory *make_memory(size_t size)
{
	return wrap_file(make_file(size, F_SEAL_SHRINK), size);
}

/* A piece of a memory, whose other owner it stays. */
static inline GstMemory *piece_of(GstMemory *memory, gsize offset, gsize size)
{
	return gst_memory_share(memory, (gssize)offset, (gssize)size);
}

static inline GstBuffer *buffer_of(GstMemory *memory, guint64 pts)
{
	GstBuffer *const buffer = gst_buffer_new();

	gst_buffer_append_memory(buffer, memory);
	GST_BUFFER_PTS(buffer) = pts;
	return buffer;
}

static inline gboolean is_all(GstBuffer *buffer, gsize size, guint8 value)
{
	GstMapInfo map;
	gboolean is;

	CHECK(gst_buffer_map(buffer, &map, GST_MAP_READ));
	is = map.size == size;
	for (gsize i = 0; i < map.size && is; i++)
		is = map.data[i] == value;
	gst_buffer_unmap(buffer, &map);
	return is;
}

/* --- a pool of them, as a driver has one --- */

typedef struct {
	GstBufferPool parent;
} FilePool;
typedef struct {
	GstBufferPoolClass parent_class;
} FilePoolClass;

GType file_pool_get_type(void);
G_DEFINE_TYPE(FilePool, file_pool, GST_TYPE_BUFFER_POOL)

static GstFlowReturn file_pool_alloc(GstBufferPool *pool, GstBuffer **buffer,
				     GstBufferPoolAcquireParams *params)
{
	(void)pool;
	(void)params;
	*buffer = gst_buffer_new();
	gst_buffer_append_memory(*buffer, make_memory(PICTURE));
	return GST_FLOW_OK;
}

static void file_pool_class_init(FilePoolClass *class)
{
	GST_BUFFER_POOL_CLASS(class)->alloc_buffer = file_pool_alloc;
}

static void file_pool_init(FilePool *pool)
{
	(void)pool;
}

/* Of exactly so many buffers. */
static inline GstBufferPool *make_pool(guint count)
{
	GstBufferPool *const pool = g_object_new(file_pool_get_type(), NULL);
	GstStructure *const config = gst_buffer_pool_get_config(pool);
	GstCaps *const caps = gst_caps_from_string(DMABUF_CAPS);

	gst_object_ref_sink(pool);
	gst_buffer_pool_config_set_params(config, caps, PICTURE, count, count);
	gst_caps_unref(caps);
	CHECK(gst_buffer_pool_set_config(pool, config));
	CHECK(gst_buffer_pool_set_active(pool, TRUE));
	return pool;
}

static inline void drop_pool(GstBufferPool *pool)
{
	CHECK(gst_buffer_pool_set_active(pool, FALSE));
	gst_object_unref(pool);
}

/* One that is free, or the test hangs; painted. */
static inline GstBuffer *take_picture(GstBufferPool *pool, guint64 number)
{
	GstBuffer *buffer;

	CHECK_EQ(gst_buffer_pool_acquire_buffer(pool, &buffer, NULL), GST_FLOW_OK);
	fill_file(gst_dmabuf_memory_get_fd(gst_buffer_peek_memory(buffer, 0)), 0, PICTURE,
		  (guint8)number);
	GST_BUFFER_PTS(buffer) = number;
	return buffer;
}

#endif
