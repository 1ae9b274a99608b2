/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Writing values into a stream.
 */
#include "os.h"
#include "stream.h"

/* Where a value comes from: memory of this process, or of the stream's device. */
struct source {
	const void *data; /* NULL: on the device */
	uint64_t memory;
};

static int check_writer(const struct tachyon_stream *stream)
{
	if (stream->is_read_only)
		return TACHYON_ERR_DENIED;
	if (stream->shape.device != TACHYON_DEVICE_CPU && !stream->device)
		return -ENODEV;
	return tach_stream_check_open(stream);
}

/* Takes the lock, and the next value's slot; the lock is given back on failure. */
static int begin(struct tachyon_stream *stream, int64_t timeout_ns, struct tach_place *place)
{
	const int ret = tach_turnstile_enter(&stream->turnstile, tach_stream_deadline(timeout_ns));

	if (ret < 0)
		return ret;
	if (stream->has_transaction) {
		tach_turnstile_leave(&stream->turnstile);
		return -EBUSY;
	}
	*place = tach_stream_next(stream);
	return 0;
}

static int fill_device(struct tachyon_stream *stream, unsigned int slot,
		       const struct source *source)
{
	const size_t size = (size_t)stream->shape.value_size;

	if (source->data)
		return tach_device_write(stream->device, slot, source->data, size);
	return tach_device_write_from(stream->device, slot, source->memory, size);
}

static int fill_mirror(struct tachyon_stream *stream, unsigned int slot,
		       const struct source *source)
{
	const size_t size = (size_t)stream->shape.value_size;
	uint8_t *mirror = tach_stream_value(stream, slot);

	if (!source->data)
		return tach_device_read(stream->device, slot, mirror, size);
	memcpy(mirror, source->data, size);
	return 0;
}

static int fill(struct tachyon_stream *stream, unsigned int slot, const struct source *source)
{
	int ret = 0;

	if (stream->device)
		ret = fill_device(stream, slot, source);
	if (ret == 0 && stream->shape.has_mirror)
		ret = fill_mirror(stream, slot, source);
	return ret;
}

static int write_from(struct tachyon_stream *stream, const struct source *source,
		      int64_t timeout_ns)
{
	struct tach_place place = {0};
	int ret = check_writer(stream);

	if (ret == 0)
		ret = begin(stream, timeout_ns, &place);
	if (ret < 0)
		return ret;
	ret = fill(stream, place.slot, source);
	/* Else the slot stays odd, as a dead writer's does. */
	if (ret == 0)
		tach_stream_publish(stream, &place);
	tach_turnstile_leave(&stream->turnstile);
	return ret;
}

int tachyon_stream_write(struct tachyon_stream *stream, const void *data, size_t size,
			 int64_t timeout_ns)
{
	const struct source source = {.data = data};

	if (!stream || !data || size != stream->shape.value_size)
		return -EINVAL;
	return write_from(stream, &source, timeout_ns);
}

int tachyon_stream_write_device(struct tachyon_stream *stream, uint64_t memory, size_t size,
				int64_t timeout_ns)
{
	const struct source source = {.memory = memory};

	if (!stream || memory == 0 || size != stream->shape.value_size)
		return -EINVAL;
	if (!stream->device)
		return -ENODEV;
	return write_from(stream, &source, timeout_ns);
}

/* --- in place --- */

int tachyon_stream_begin(struct tachyon_stream *stream, int64_t timeout_ns, void **data)
{
	struct tach_place place = {0};
	int ret;

	if (!stream || !data)
		return -EINVAL;
	if (stream->shape.device != TACHYON_DEVICE_CPU)
		return -ENODEV;
	ret = check_writer(stream);
	if (ret == 0)
		ret = begin(stream, timeout_ns, &place);
	if (ret < 0)
		return ret;
	stream->has_transaction = true;
	stream->transaction = place;
	*data = tach_stream_value(stream, place.slot);
	return 0;
}

/* Whether this thread had one. */
static bool end_transaction(struct tachyon_stream *stream)
{
	if (!tach_turnstile_is_mine(&stream->turnstile) || !stream->has_transaction)
		return false;
	stream->has_transaction = false;
	return true;
}

int tachyon_stream_commit(struct tachyon_stream *stream)
{
	if (!stream)
		return -EINVAL;
	if (!end_transaction(stream))
		return -EPERM;
	tach_stream_publish(stream, &stream->transaction);
	return tach_turnstile_leave(&stream->turnstile);
}

int tachyon_stream_rollback(struct tachyon_stream *stream)
{
	if (!stream)
		return -EINVAL;
	if (!end_transaction(stream))
		return -EPERM;
	/* The slot stays odd, as a dead writer's does. */
	return tach_turnstile_leave(&stream->turnstile);
}
