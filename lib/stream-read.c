/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Reading the newest value of a stream, without a lock.
 */
#include "os.h"
#include "stream.h"

/* A copy that was overtaken so often in a row is made under the lock, if that can be had soon. */
#define LAPS 3
#define LOCK_WAIT_NS 1000000
/* No writer can be so quick: the words change by themselves. */
#define ROUNDS_MAX 1000

/* Where a value goes: memory of this process, or of the stream's device. */
struct target {
	void *data; /* NULL: on the device */
	uint64_t memory;
};

enum outcome {
	OVERTAKEN = 1, /* > 0: not an error */
};

static int copy_value(struct tachyon_stream *stream, unsigned int slot, const struct target *target)
{
	const size_t size = (size_t)stream->shape.value_size;

	if (!target->data)
		return tach_device_read_to(stream->device, slot, target->memory, size);
	if (!stream->shape.has_mirror)
		return tach_device_read(stream->device, slot, target->data, size);
	tach_slots_copy(target->data, tach_stream_value(stream, slot), size);
	return 0;
}

/* 0, OVERTAKEN, or TACHYON_ERR_CORRUPT. */
static int start(struct tachyon_stream *stream, struct tach_reading *reading)
{
	const _Atomic uint32_t *newest = &stream->header->newest;
	const uint32_t mark = tach_beacon_mark(tach_beacon_look(newest));

	if (tach_slots_start(stream->header, mark, reading))
		return 0;
	/* A writer leaves the newest value alone until another is the newest. */
	return tach_beacon_mark(tach_beacon_look(newest)) == mark ? TACHYON_ERR_CORRUPT : OVERTAKEN;
}

static int read_once(struct tachyon_stream *stream, const struct target *target,
		     struct tach_reading *reading)
{
	int ret;

	ret = start(stream, reading);
	if (ret != 0)
		return ret;
	ret = copy_value(stream, reading->place.slot, target);
	if (ret < 0)
		return ret;
	return tach_slots_still(stream->header, reading) ? 0 : OVERTAKEN;
}

static int read_locked(struct tachyon_stream *stream, const struct target *target,
		       struct tach_reading *reading)
{
	const uint64_t deadline_ns = tach_os_deadline(LOCK_WAIT_NS);
	int ret = tach_turnstile_enter(&stream->turnstile, deadline_ns);

	/* Stopped holders are not waited for: they overtake nobody. */
	if (ret < 0) {
		/* Waits of this handle were cancelled, maybe: it is not one of those. */
		if (ret != -ETIMEDOUT)
			tach_os_poll(NULL, 0, deadline_ns);
		return OVERTAKEN;
	}
	ret = read_once(stream, target, reading);
	tach_turnstile_leave(&stream->turnstile);
	return ret == OVERTAKEN ? TACHYON_ERR_CORRUPT : ret;
}

static int read_value(struct tachyon_stream *stream, const struct target *target,
		      struct tach_reading *reading)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		int ret;

		for (int lap = 0; lap < LAPS; lap++) {
			ret = read_once(stream, target, reading);
			if (ret != OVERTAKEN)
				return ret;
		}
		ret = read_locked(stream, target, reading);
		if (ret != OVERTAKEN)
			return ret;
	}
	return TACHYON_ERR_CORRUPT;
}

/* For tach_stream_next(), which leaves the slots of the newest values alone meanwhile. */
static int read_and_say_so(struct tachyon_stream *stream, const struct target *target,
			   struct tach_reading *reading)
{
	_Atomic uint32_t *const readers = &stream->header->readers;
	int ret;

	if (!tach_stream_is_large(stream))
		return read_value(stream, target, reading);
	/* Relaxed: a hint. Who dies in between leaves it raised: writers then take turns. */
	atomic_fetch_add_explicit(readers, 1, memory_order_relaxed);
	ret = read_value(stream, target, reading);
	atomic_fetch_sub_explicit(readers, 1, memory_order_relaxed);
	return ret;
}

/* Says which value it was. */
static void tell(uint64_t seen, const struct tach_reading *reading,
		 struct tachyon_snapshot *snapshot)
{
	if (!snapshot)
		return;
	*snapshot = (struct tachyon_snapshot){
		.count = reading->place.count,
		.time_ns = reading->time_ns,
		.missed = reading->place.count > seen + 1 ? reading->place.count - seen - 1 : 0,
	};
}

/* The count of the previous read; now it is this one. Relaxed: it guards nothing. */
static uint64_t remember(struct tachyon_stream *stream, uint64_t count)
{
	uint64_t seen = atomic_load_explicit(&stream->seen, memory_order_relaxed);

	while (seen < count &&
	       !atomic_compare_exchange_weak_explicit(&stream->seen, &seen, count,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return seen;
}

static int read_into(struct tachyon_stream *stream, const struct target *target,
		     struct tachyon_snapshot *snapshot)
{
	struct tach_reading reading;
	int ret = tach_stream_check_open(stream);

	if (ret == 0)
		ret = read_and_say_so(stream, target, &reading);
	if (ret < 0)
		return ret;
	tell(remember(stream, reading.place.count), &reading, snapshot);
	return 0;
}

/* Which value is the newest. */
static int peek(struct tachyon_stream *stream, struct tachyon_snapshot *snapshot)
{
	struct tach_reading reading;
	int ret = tach_stream_check_open(stream);

	if (ret < 0)
		return ret;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		ret = start(stream, &reading);
		if (ret < 0)
			return ret;
		if (ret == OVERTAKEN || !tach_slots_still(stream->header, &reading))
			continue;
		tell(atomic_load_explicit(&stream->seen, memory_order_relaxed), &reading, snapshot);
		return 0;
	}
	return TACHYON_ERR_CORRUPT;
}

int tachyon_stream_read(struct tachyon_stream *stream, void *data, size_t size,
			struct tachyon_snapshot *snapshot)
{
	const struct target target = {.data = data};

	if (stream && !data && size == 0)
		return peek(stream, snapshot);
	if (!stream || !data || size != stream->shape.value_size)
		return -EINVAL;
	if (!stream->shape.has_mirror && !stream->device)
		return -ENODEV;
	return read_into(stream, &target, snapshot);
}

int tachyon_stream_read_device(struct tachyon_stream *stream, uint64_t memory, size_t size,
			       struct tachyon_snapshot *snapshot)
{
	const struct target target = {.memory = memory};

	if (!stream || memory == 0 || size != stream->shape.value_size)
		return -EINVAL;
	if (!stream->device)
		return -ENODEV;
	return read_into(stream, &target, snapshot);
}
