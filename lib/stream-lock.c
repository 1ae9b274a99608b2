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
	const uint64_t newest = tach_stream_newest(stream->header);
	const uint64_t offset =
		stream->shape.data_offset + tach_slot_of(newest) * stream->shape.slot_size;
	int ret;

	if (!stream->window.base || stream->is_live)
		return 0;
	ret = tach_window_show(&stream->window, stream->file, offset);
	stream->is_live = ret == 0;
	return ret;
}

/* What was written into the window becomes a value like any other. */
static void publish_window(struct tachyon_stream *stream)
{
	const uint64_t newest = tach_stream_newest(stream->header);
	const size_t size = (size_t)stream->shape.value_size;

	if (!stream->is_live)
		return;
	stream->is_live = false;
	if (!tach_window_is_written(&stream->window, tach_stream_value(stream, newest), size))
		return;
	tach_slots_begin(stream->header, newest + 1);
	memcpy(tach_stream_value(stream, newest + 1), stream->window.base, size);
	tach_stream_publish(stream, newest + 1);
}

void tach_stream_publish(struct tachyon_stream *stream, uint64_t count)
{
	tach_slots_finish(stream->header, count, tach_os_wall_ns());
	tach_beacon_publish(&stream->header->newest, stream->file);
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
	if (stream->transaction != TACH_NO_TRANSACTION)
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
	if (stream->transaction != TACH_NO_TRANSACTION)
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
