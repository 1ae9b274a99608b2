/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The simulated CUDA driver's streams and events, for tests only. What is queued is done by who
 * waits for it, and not before.
 */
#include <pthread.h>
#include <stdlib.h>

#include "simulated.h"

enum kind {
	FILL,
	COPY_IN,
	COPY_OUT,
	COPY,
	WAIT,
};

struct work {
	enum kind kind;
	uint64_t to, from; /* device memory */
	void *host_to;
	const void *host_from;
	size_t size;
	unsigned char byte;
	struct tach_driver_stream *other; /* WAIT: until it has done so much */
	uint64_t until;
	struct work *next;
};

struct tach_driver_stream {
	pthread_mutex_t lock;
	struct work *first, **last;
	uint64_t queued, done;
	int device;
	struct tach_driver_stream *next;
};

struct tach_driver_event {
	struct tach_driver_stream *stream; /* NULL: never recorded */
	uint64_t until;
	int device;
	struct tach_driver_event *next;
};

/* One for all devices: tests use it on one at a time. */
static struct tach_driver_stream legacy = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.last = &legacy.first,
	.device = -1,
};

static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tach_driver_stream *streams;
static struct tach_driver_event *events;

/* --- the lists --- */

static void add_stream(struct tach_driver_stream *stream)
{
	pthread_mutex_lock(&lists_lock);
	stream->next = streams;
	streams = stream;
	pthread_mutex_unlock(&lists_lock);
	simulated_count(1);
}

static void add_event(struct tach_driver_event *event)
{
	pthread_mutex_lock(&lists_lock);
	event->next = events;
	events = event;
	pthread_mutex_unlock(&lists_lock);
	simulated_count(1);
}

static void end_stream(struct tach_driver_stream *stream)
{
	struct tach_driver_stream **link = &streams;

	pthread_mutex_lock(&lists_lock);
	while (*link && *link != stream)
		link = &(*link)->next;
	if (!*link)
		simulated_misuse("a stream is destroyed that does not exist");
	*link = stream->next;
	pthread_mutex_unlock(&lists_lock);
	if (stream->first)
		simulated_misuse("a stream is destroyed that has work left");
	pthread_mutex_destroy(&stream->lock);
	free(stream);
	simulated_count(-1);
}

static void end_event(struct tach_driver_event *event)
{
	struct tach_driver_event **link = &events;

	pthread_mutex_lock(&lists_lock);
	while (*link && *link != event)
		link = &(*link)->next;
	if (!*link)
		simulated_misuse("an event is destroyed that does not exist");
	*link = event->next;
	pthread_mutex_unlock(&lists_lock);
	free(event);
	simulated_count(-1);
}

static struct tach_driver_stream *stream_of(int device)
{
	struct tach_driver_stream *stream;

	pthread_mutex_lock(&lists_lock);
	stream = streams;
	while (stream && stream->device != device)
		stream = stream->next;
	pthread_mutex_unlock(&lists_lock);
	return stream;
}

static struct tach_driver_event *event_of(int device)
{
	struct tach_driver_event *event;

	pthread_mutex_lock(&lists_lock);
	event = events;
	while (event && event->device != device)
		event = event->next;
	pthread_mutex_unlock(&lists_lock);
	return event;
}

void simulated_end_queues(int device)
{
	struct tach_driver_stream *stream;
	struct tach_driver_event *event;

	while ((stream = stream_of(device)) != NULL)
		end_stream(stream);
	while ((event = event_of(device)) != NULL)
		end_event(event);
}

/* --- doing it --- */

static uint8_t *address_of(uint64_t memory, size_t size)
{
	uint8_t *address = simulated_address(memory, size);

	if (!address)
		simulated_misuse("memory is gone that queued work uses");
	return address;
}

static void run_until(struct tach_driver_stream *stream, uint64_t until);

static void perform(const struct work *work)
{
	switch (work->kind) {
	case FILL:
		memset(address_of(work->to, work->size), work->byte, work->size);
		break;
	case COPY_IN:
		simulated_copy(address_of(work->to, work->size), work->host_from, work->size);
		break;
	case COPY_OUT:
		simulated_copy(work->host_to, address_of(work->from, work->size), work->size);
		break;
	case COPY:
		simulated_copy(address_of(work->to, work->size), address_of(work->from, work->size),
			       work->size);
		break;
	case WAIT:
		run_until(work->other, work->until);
		break;
	}
}

static void run_until(struct tach_driver_stream *stream, uint64_t until)
{
	pthread_mutex_lock(&stream->lock);
	while (stream->done < until) {
		struct work *const work = stream->first;

		perform(work);
		stream->first = work->next;
		if (!stream->first)
			stream->last = &stream->first;
		stream->done++;
		free(work);
	}
	pthread_mutex_unlock(&stream->lock);
}

/* --- queueing --- */

static struct tach_driver_stream *or_legacy(struct tach_driver_stream *stream)
{
	return stream ? stream : &legacy;
}

static void queue(struct tach_driver_stream *stream, const struct work *work)
{
	struct work *copy = malloc(sizeof(*copy));

	if (!copy)
		simulated_misuse("no memory");
	*copy = *work;
	copy->next = NULL;
	pthread_mutex_lock(&stream->lock);
	*stream->last = copy;
	stream->last = &copy->next;
	stream->queued++;
	pthread_mutex_unlock(&stream->lock);
}

static int check_context(const struct tach_driver_stream *stream)
{
	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	if (stream->device >= 0 && stream->device != simulated_device())
		simulated_misuse("a stream of another context");
	return TACH_DRIVER_SUCCESS;
}

/* What a call, which began with this result, queues. */
static int submit(int result, struct tach_driver_stream *given, const struct work *work)
{
	struct tach_driver_stream *const stream = or_legacy(given);

	if (result == TACH_DRIVER_SUCCESS)
		result = check_context(stream);
	if (result != TACH_DRIVER_SUCCESS)
		return result;
	if ((work->to && !simulated_address(work->to, work->size)) ||
	    (work->from && !simulated_address(work->from, work->size)))
		return TACH_DRIVER_INVALID_VALUE;
	queue(stream, work);
	return TACH_DRIVER_SUCCESS;
}

int cuMemsetD8Async(uint64_t memory, unsigned char byte, size_t size,
		    struct tach_driver_stream *stream)
{
	const struct work work = {.kind = FILL, .to = memory, .byte = byte, .size = size};

	return submit(simulated_begin("cuMemsetD8Async"), stream, &work);
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size,
			 struct tach_driver_stream *stream)
{
	const struct work work = {.kind = COPY_IN, .to = to, .host_from = from, .size = size};

	return submit(simulated_begin("cuMemcpyHtoDAsync"), stream, &work);
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, struct tach_driver_stream *stream)
{
	const struct work work = {.kind = COPY_OUT, .host_to = to, .from = from, .size = size};

	return submit(simulated_begin("cuMemcpyDtoHAsync"), stream, &work);
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, struct tach_driver_stream *stream)
{
	const struct work work = {.kind = COPY, .to = to, .from = from, .size = size};

	return submit(simulated_begin("cuMemcpyDtoDAsync"), stream, &work);
}

int simulated_cuda_queue_fill(uint64_t memory, unsigned char byte, size_t size)
{
	const struct work work = {.kind = FILL, .to = memory, .byte = byte, .size = size};

	if (!simulated_address(memory, size))
		return TACH_DRIVER_INVALID_VALUE;
	queue(&legacy, &work);
	return TACH_DRIVER_SUCCESS;
}

/* --- streams --- */

int cuStreamCreate(struct tach_driver_stream **stream, unsigned int flags)
{
	const int ret = simulated_begin("cuStreamCreate");
	struct tach_driver_stream *made;

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	if (flags != TACH_DRIVER_STREAM_NON_BLOCKING)
		simulated_misuse("streams that wait for the legacy one are not simulated");
	made = calloc(1, sizeof(*made));
	if (!made)
		simulated_misuse("no memory");
	pthread_mutex_init(&made->lock, NULL);
	made->last = &made->first;
	made->device = simulated_device();
	add_stream(made);
	*stream = made;
	return TACH_DRIVER_SUCCESS;
}

int cuStreamDestroy_v2(struct tach_driver_stream *stream)
{
	const int ret = simulated_begin("cuStreamDestroy");

	if (check_context(stream) != TACH_DRIVER_SUCCESS)
		return TACH_DRIVER_INVALID_CONTEXT;
	end_stream(stream);
	return ret;
}

int cuStreamWaitEvent(struct tach_driver_stream *stream, struct tach_driver_event *event,
		      unsigned int flags)
{
	const struct work work = {.kind = WAIT, .other = event->stream, .until = event->until};
	const int ret = simulated_begin("cuStreamWaitEvent");

	if (ret == TACH_DRIVER_SUCCESS && flags != 0)
		return TACH_DRIVER_INVALID_VALUE;
	return event->stream ? submit(ret, stream, &work) : ret;
}

int cuStreamSynchronize(struct tach_driver_stream *given)
{
	struct tach_driver_stream *const stream = or_legacy(given);
	const int ret = simulated_begin("cuStreamSynchronize");
	uint64_t queued;

	if (check_context(stream) != TACH_DRIVER_SUCCESS)
		return TACH_DRIVER_INVALID_CONTEXT;
	pthread_mutex_lock(&stream->lock);
	queued = stream->queued;
	pthread_mutex_unlock(&stream->lock);
	run_until(stream, queued);
	return ret;
}

/* --- events --- */

int cuEventCreate(struct tach_driver_event **event, unsigned int flags)
{
	const int ret = simulated_begin("cuEventCreate");
	struct tach_driver_event *made;

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	if (!(flags & TACH_DRIVER_EVENT_BLOCKING_SYNC))
		simulated_misuse("waiting for this event would spin");
	made = calloc(1, sizeof(*made));
	if (!made)
		simulated_misuse("no memory");
	made->device = simulated_device();
	add_event(made);
	*event = made;
	return TACH_DRIVER_SUCCESS;
}

int cuEventRecord(struct tach_driver_event *event, struct tach_driver_stream *given)
{
	struct tach_driver_stream *const stream = or_legacy(given);
	const int ret = simulated_begin("cuEventRecord");

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	if (check_context(stream) != TACH_DRIVER_SUCCESS || event->device != simulated_device())
		return TACH_DRIVER_INVALID_CONTEXT;
	pthread_mutex_lock(&stream->lock);
	event->stream = stream;
	event->until = stream->queued;
	pthread_mutex_unlock(&stream->lock);
	return TACH_DRIVER_SUCCESS;
}

int cuEventSynchronize(struct tach_driver_event *event)
{
	const int ret = simulated_begin("cuEventSynchronize");

	if (event->stream)
		run_until(event->stream, event->until);
	return ret;
}

int cuEventDestroy_v2(struct tach_driver_event *event)
{
	const int ret = simulated_begin("cuEventDestroy");

	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	end_event(event);
	return ret;
}
