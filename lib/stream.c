/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The life of a handle: create, open, shutdown, destroy; and what it knows of its stream.
 */
#include "stream.h"

#include <limits.h>
#include <stdlib.h>

#include "os.h"

/* Some tens of microseconds: as long as it takes to fall asleep, and to be woken. */
#define SPIN_DEFAULT 1000

/* Two such values still fit into a processor's own cache, four do not. */
#define LARGE_SIZE (256u << 10)

int tach_stream_check_open(const struct tachyon_stream *stream)
{
	/* Relaxed: it guards nothing. */
	return atomic_load_explicit(&stream->cancel, memory_order_relaxed) == EPIPE
		       ? TACHYON_ERR_CLOSED
		       : 0;
}

uint8_t *tach_stream_value(const struct tachyon_stream *stream, unsigned int slot)
{
	return stream->slots + slot * stream->shape.slot_size;
}

bool tach_stream_is_large(const struct tachyon_stream *stream)
{
	return stream->shape.value_size >= LARGE_SIZE;
}

struct tach_place tach_stream_newest(const struct tach_stream_header *header)
{
	uint32_t mark = tach_beacon_mark(tach_beacon_look(&header->newest));
	struct tach_place place;

	while (!tach_slots_find(header, mark, &place)) {
		const uint32_t again = tach_beacon_mark(tach_beacon_look(&header->newest));

		/* Nobody writes the newest value's slot. */
		if (again == mark)
			break;
		mark = again;
	}
	return place;
}

uint64_t tach_stream_deadline(int64_t timeout_ns)
{
	return timeout_ns == 0 ? TACH_TURNSTILE_TRY : tach_os_deadline(timeout_ns);
}

/* --- opening --- */

/*
 * The header is writable in every handle, since whoever waits says so there; the values only where
 * they may be written.
 */
static int map_parts(struct tachyon_stream *stream)
{
	const struct tach_map_request header = {
		.size = (size_t)stream->shape.data_offset,
		.is_writable = true,
		.prefault = true,
	};
	const struct tach_map_request all = {
		.size = (size_t)stream->shape.file_size,
		.is_writable = !stream->is_read_only,
	};
	void *base;
	int ret = tach_os_map(stream->file, &header, &base);

	if (ret < 0)
		return ret;
	stream->header = base;
	if (!stream->shape.has_mirror)
		return 0;
	ret = tach_os_map(stream->file, &all, &stream->mapped);
	if (ret < 0) {
		tach_os_unmap(base, header.size);
		return ret;
	}
	stream->slots = (uint8_t *)stream->mapped + stream->shape.data_offset;
	return 0;
}

static void unmap_file(struct tachyon_stream *stream)
{
	if (stream->mapped)
		tach_os_unmap(stream->mapped, (size_t)stream->shape.file_size);
	tach_os_unmap(stream->header, (size_t)stream->shape.data_offset);
}

static int map_file(struct tachyon_stream *stream)
{
	int ret = map_parts(stream);

	if (ret < 0)
		return ret;
	/*
	 * A forked child inherits the mappings, and they keep the description that they were made
	 * from: what is locked must be another one.
	 */
	ret = tach_os_reopen(stream->file);
	if (ret < 0)
		unmap_file(stream);
	return ret;
}

static uint32_t spin_of(const struct tachyon_stream_options *options)
{
	if (options->spin == UINT32_MAX)
		return 0;
	return options->spin == 0 ? SPIN_DEFAULT : options->spin;
}

static struct tachyon_stream *allocate(const struct tachyon_stream_options *options)
{
	struct tachyon_stream *stream =
		aligned_alloc(_Alignof(struct tachyon_stream),
			      tach_round_up(sizeof(*stream), _Alignof(struct tachyon_stream)));

	if (!stream)
		return NULL;
	*stream = (struct tachyon_stream){
		.file = -1,
		.watch = -1,
		.spin = spin_of(options),
		.is_read_only = options->is_read_only != 0,
	};
	return stream;
}

/* The last step of both: from here on others, and forked children, see the handle. */
static int begin_use(struct tachyon_stream *stream)
{
	stream->turnstile = (struct tach_turnstile){
		.word = &stream->header->turnstile,
		.file = stream->file,
		.cancel = &stream->cancel,
	};
	atomic_store_explicit(&stream->seen, tach_stream_newest(stream->header).count,
			      memory_order_relaxed);
	return tach_stream_enlist(stream);
}

static int copy_options(const struct tachyon_stream_options *given,
			struct tachyon_stream_options *options)
{
	const int ret = tach_copy_options(options, sizeof(*options), given);

	if (ret < 0)
		return ret;
	if (options->device > TACHYON_DEVICE_CUDA)
		return -EINVAL;
	/* There is nowhere else for them to be. */
	if (options->device == TACHYON_DEVICE_CPU)
		options->has_mirror = 1;
	return options->device == TACHYON_DEVICE_CPU && options->device_index != 0 ? -EINVAL : 0;
}

static int new_shape(const struct tachyon_array *array,
		     const struct tachyon_stream_options *options, struct tach_stream_shape *shape)
{
	const int ret = tach_stream_measure(array, options->has_mirror, shape);

	if (ret < 0)
		return ret;
	shape->device = options->device;
	shape->device_index = options->device_index;
	shape->creator_pid = (uint32_t)tach_os_pid();
	shape->create_time_ns = tach_os_wall_ns();
	return tach_os_random(shape->id, sizeof(shape->id));
}

static int make_file(const struct tach_stream_shape *shape)
{
	const int file = tach_os_unnamed_file(TACH_STREAM_DIRECTORY);
	int ret;

	/* What a directory says whose file system knows no such files; or there is no directory. */
	if (file == -EOPNOTSUPP || file == -EISDIR || file == -ENOENT || file == -ENOTDIR)
		return -ENOSYS;
	if (file < 0)
		return file;
	ret = tach_os_is_in_memory(file) ? tach_os_allocate(file, (size_t)shape->file_size)
					 : -ENOSYS;
	if (ret == 0)
		return file;
	tach_os_close(file);
	return ret;
}

static int make_device(struct tachyon_stream *stream)
{
	const struct tach_stream_shape *shape = &stream->shape;

	if (shape->device == TACHYON_DEVICE_CPU)
		return 0;
	return tach_device_create(shape->device_index, shape->value_size, stream->file,
				  stream->header->device_part, &stream->device);
}

static int create_stream(struct tachyon_stream *stream)
{
	int ret;

	stream->file = make_file(&stream->shape);
	if (stream->file < 0)
		return stream->file;
	ret = map_file(stream);
	if (ret < 0)
		goto err_close;
	tach_stream_describe(stream->header, &stream->shape);
	ret = make_device(stream);
	if (ret < 0)
		goto err_unmap;
	ret = begin_use(stream);
	if (ret < 0)
		goto err_device;
	/* Last: who opens the name finds everything there. */
	ret = tach_os_name_file(stream->file, stream->path);
	if (ret < 0)
		goto err_delist;
	return 0;

err_delist:
	tach_stream_delist(stream);
err_device:
	tach_device_destroy(stream->device);
err_unmap:
	unmap_file(stream);
err_close:
	tach_os_close(stream->file);
	return ret;
}

int tachyon_stream_create(const char *name, const struct tachyon_array *array,
			  const struct tachyon_stream_options *given,
			  struct tachyon_stream **stream)
{
	struct tachyon_stream_options options;
	struct tachyon_stream *made;
	struct tach_named_facts there;
	int ret;

	if (!name || !array || !stream || copy_options(given, &options) < 0)
		return -EINVAL;
	/* It would read as zeros for ever. */
	if (options.is_read_only)
		return -EINVAL;
	made = allocate(&options);
	if (!made)
		return -ENOMEM;
	ret = tach_stream_path(name, made->path);
	/* Before memory is taken for it; what decides is tach_os_name_file(). */
	if (ret == 0 && tach_os_path_facts(made->path, &there) == 0)
		ret = -EEXIST;
	if (ret == 0)
		ret = new_shape(array, &options, &made->shape);
	if (ret == 0)
		ret = create_stream(made);
	if (ret < 0) {
		free(made);
		return ret;
	}
	*stream = made;
	return 0;
}

/* part: a copy of the header's. */
static int attach_device(struct tachyon_stream *stream,
			 const struct tachyon_stream_options *options, const uint8_t *part)
{
	const uint32_t index = options->device_index;
	int ret;

	if (options->device == TACHYON_DEVICE_CPU)
		return 0;
	if (stream->shape.device != options->device)
		return -ENODEV;
	ret = tach_device_attach(index, stream->shape.value_size, stream->file, part,
				 &stream->device);
	/* The creator's index means something to the creator; which device it is was compared. */
	if (ret == 0)
		stream->shape.device_index = index;
	return ret;
}

static int open_stream(struct tachyon_stream *stream, const struct tachyon_stream_options *options)
{
	struct tach_stream_header header;
	int ret;

	stream->file = tach_stream_open_file(stream->path);
	if (stream->file < 0)
		return stream->file;
	ret = tach_stream_check(stream->file, &header, &stream->shape);
	if (ret < 0)
		goto err_close;
	ret = map_file(stream);
	if (ret < 0)
		goto err_close;
	ret = attach_device(stream, options, header.device_part);
	if (ret < 0)
		goto err_unmap;
	ret = begin_use(stream);
	if (ret < 0)
		goto err_device;
	return 0;

err_device:
	tach_device_destroy(stream->device);
err_unmap:
	unmap_file(stream);
err_close:
	tach_os_close(stream->file);
	return ret;
}

int tachyon_stream_open(const char *name, const struct tachyon_stream_options *given,
			struct tachyon_stream **stream)
{
	struct tachyon_stream_options options;
	struct tachyon_stream *made;
	int ret;

	if (!name || !stream || copy_options(given, &options) < 0)
		return -EINVAL;
	made = allocate(&options);
	if (!made)
		return -ENOMEM;
	ret = tach_stream_path(name, made->path);
	if (ret == 0)
		ret = open_stream(made, &options);
	if (ret < 0) {
		free(made);
		return ret;
	}
	*stream = made;
	return 0;
}

/* --- the end --- */

/* Gives back what this thread has, however deep; what was not published is given up. */
static void leave_lock(struct tachyon_stream *stream)
{
	if (!tach_turnstile_is_mine(&stream->turnstile))
		return;
	stream->is_live = false;
	tachyon_stream_rollback(stream);
	while (tachyon_stream_unlock(stream) == 0)
		;
}

void tachyon_stream_shutdown(struct tachyon_stream *stream)
{
	if (!stream || tach_stream_check_open(stream) < 0)
		return;
	leave_lock(stream);
	tach_stream_end_waits(stream, EPIPE);
}

void tachyon_stream_destroy(struct tachyon_stream *stream)
{
	if (!stream)
		return;
	tach_stream_delist(stream);
	if (stream->file >= 0)
		tach_turnstile_force(&stream->turnstile);
	if (atomic_load_explicit(&stream->watch, memory_order_relaxed) >= 0)
		tach_os_close(atomic_load_explicit(&stream->watch, memory_order_relaxed));
	tach_window_close(&stream->window);
	tach_device_destroy(stream->device);
	unmap_file(stream);
	tach_os_close(stream->file);
	free(stream);
}

/* --- what it is --- */

void tach_stream_fill_info(const struct tach_stream_shape *shape,
			   const struct tach_stream_header *header,
			   struct tachyon_stream_info *info)
{
	const uint32_t size = info->size;
	struct tachyon_stream_info all = {
		.size = size,
		.creator_pid = shape->creator_pid,
		.array = shape->array,
		.value_size = shape->value_size,
		.file_size = shape->file_size,
		.create_time_ns = shape->create_time_ns,
		.device = shape->device,
		.device_index = shape->device_index,
		.has_mirror = shape->has_mirror,
	};
	const struct tach_place newest = tach_stream_newest(header);
	const _Atomic uint64_t *time_ns = &header->slots[newest.slot].time_ns;

	memcpy(all.id, shape->id, sizeof(all.id));
	all.count = newest.count;
	/* Relaxed: of this value, or, where a writer is quick, of a later one. */
	all.time_ns = atomic_load_explicit(time_ns, memory_order_relaxed);
	memcpy(info, &all, size < sizeof(all) ? size : sizeof(all));
}

int tachyon_stream_get_info(struct tachyon_stream *stream, struct tachyon_stream_info *info)
{
	struct tachyon_stream_info all = {.size = sizeof(all)};
	const uint32_t size = info ? info->size : 0;

	if (!stream || size < sizeof(size))
		return -EINVAL;
	tach_stream_fill_info(&stream->shape, stream->header, &all);
	all.is_unlinked = !tach_stream_has_name(stream->file, stream->path);
	all.size = size;
	memcpy(info, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}

uint64_t tachyon_stream_count(const struct tachyon_stream *stream)
{
	return stream ? tach_stream_newest(stream->header).count : 0;
}
