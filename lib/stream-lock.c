/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A stream's lock as its users see it, and the live view, which is bound to it.
 */
#include "os.h"
#include "stream.h"

/* The window, if there is one, shows the newest value. */
static int refresh_window(struct tachyon_stream *stream)
{
	uint64_t slot;
	int ret;

	if (!stream->window.base || stream->is_live)
		return 0;
	slot = tach_stream_newest(stream->header).slot;
	ret = tach_window_show(&stream->window,
			       stream->shape.data_offset + slot * stream->shape.slot_size);
	stream->is_live = ret == 0;
	return ret;
}

/* What was written into the window becomes a value like any other. */
static void publish_window(struct tachyon_stream *stream)
{
	const size_t size = (size_t)stream->shape.value_size;
	const uint8_t *newest;
	struct tach_place next;

	if (!stream->is_live)
		return;
	stream->is_live = false;
	newest = tach_stream_value(stream, tach_stream_newest(stream->header).slot);
	if (!tach_window_is_written(&stream->window, newest, size))
		return;
	next = tach_stream_next(stream);
	memcpy(tach_stream_value(stream, next.slot), stream->window.base, size);
	tach_stream_publish(stream, &next);
}

struct tach_place tach_stream_next(struct tachyon_stream *stream)
{
	struct tach_stream_header *header = stream->header;
	const struct tach_place newest = tach_stream_newest(header);
	/* Relaxed: a hint, which costs a reader that it overlooks another try, and no more. */
	const bool is_crowded = !tach_stream_is_large(stream) ||
				atomic_load_explicit(&header->readers, memory_order_relaxed) != 0;
	const struct tach_place next = {
		.count = newest.count + 1,
		.slot = tach_slots_choose(header, newest.slot, is_crowded),
	};

	tach_slots_begin(header, next.slot);
	return next;
}

void tach_stream_publish(struct tachyon_stream *stream, const struct tach_place *place)
{
	tach_slots_finish(stream->header, place, tach_os_wall_ns());
	tach_beacon_publish(&stream->header->newest, stream->file, tach_slots_mark(place));
	if (stream->is_live) {
		/* Should that fail, the window goes on to show the past; nothing is lost. */
		stream->is_live = false;
		refresh_window(stream);
	}
}

int tachyon_stream_lock(struct tachyon_stream *stream, int64_t timeout_ns)
{
	int ret;

	if (!stream)
		return -EINVAL;
	ret = tach_stream_check_open(stream);
	if (ret < 0)
		return ret;
	ret = tach_turnstile_enter(&stream->turnstile, tach_stream_deadline(timeout_ns));
	if (ret < 0)
		return ret;
	ret = refresh_window(stream);
	if (ret < 0)
		tach_turnstile_leave(&stream->turnstile);
	return ret;
}

int tachyon_stream_unlock(struct tachyon_stream *stream)
{
	if (!stream)
		return -EINVAL;
	if (!tach_turnstile_is_mine(&stream->turnstile))
		return -EPERM;
	if (stream->has_transaction)
		return -EBUSY;
	if (tach_turnstile_depth(&stream->turnstile) == 1)
		publish_window(stream);
	return tach_turnstile_leave(&stream->turnstile);
}

int tachyon_stream_has_lock(const struct tachyon_stream *stream)
{
	return stream && tach_turnstile_is_mine(&stream->turnstile);
}

int tachyon_stream_live(struct tachyon_stream *stream, void **data)
{
	int ret;

	if (!stream || !data)
		return -EINVAL;
	ret = tach_stream_check_open(stream);
	if (ret < 0)
		return ret;
	if (stream->shape.device != TACHYON_DEVICE_CPU)
		return -ENODEV;
	if (!tach_turnstile_is_mine(&stream->turnstile))
		return -EPERM;
	if (stream->has_transaction)
		return -EBUSY;
	if (!stream->window.base) {
		ret = tach_window_open(&stream->window, stream->file, stream->shape.data_offset,
				       (size_t)stream->shape.slot_size, !stream->is_read_only);
		if (ret < 0)
			return ret;
	}
	ret = refresh_window(stream);
	if (ret == 0)
		*data = stream->window.base;
	return ret;
}
