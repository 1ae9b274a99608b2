/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Frames that a visitor holds on to. */
#include "keeper.h"

#include "content.h"
#include "scene.h"

/* A frame that is not whole any more must have been taken away, and then nothing follows. */
void keeper_check(struct keeper *keeper, const struct tachyon_frame *frame)
{
	if (content_is(frame->offset, frame->data, frame->size))
		return;
	if (tachyon_frame_is_valid(frame))
		fail("frame %lu: its %zu bytes are not those of content %lu, and it is said to be "
		     "valid",
		     (unsigned long)frame->pts, frame->size, (unsigned long)frame->offset);
	saw(TAKEN_AWAY);
	if (atomic_load(&keeper->taken_at) == 0)
		atomic_store(&keeper->taken_at, atomic_load(&scene->last_frame));
}

/* With the mutex. Any of them, out of order. */
static struct tachyon_frame take_one(struct keeper *keeper)
{
	const unsigned int index = (unsigned int)(draw(&keeper->dice) % keeper->count);
	const struct tachyon_frame frame = keeper->frames[index];

	keeper->frames[index] = keeper->frames[--keeper->count];
	return frame;
}

static void give_back(struct keeper *keeper, struct tachyon_frame *frame)
{
	keeper_check(keeper, frame);
	tachyon_frame_release(frame);
}

static void *work(void *data)
{
	struct keeper *const keeper = data;

	pthread_mutex_lock(&keeper->mutex);
	for (;;) {
		while (keeper->count == 0 && !keeper->is_done)
			pthread_cond_wait(&keeper->changed, &keeper->mutex);
		if (keeper->count == 0)
			break;
		struct tachyon_frame frame = take_one(keeper);

		pthread_mutex_unlock(&keeper->mutex);
		give_back(keeper, &frame);
		saw(RELEASED_ELSEWHERE);
		pthread_mutex_lock(&keeper->mutex);
	}
	pthread_mutex_unlock(&keeper->mutex);
	return NULL;
}

void keeper_start(struct keeper *keeper, bool has_thread, uint64_t seed)
{
	*keeper = (struct keeper){
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.has_thread = has_thread,
		.dice = seed,
	};
	if (has_thread && pthread_create(&keeper->thread, NULL, work, keeper) != 0)
		fail("no thread");
}

bool keeper_keep(struct keeper *keeper, const struct tachyon_frame *frame)
{
	bool has_room;

	pthread_mutex_lock(&keeper->mutex);
	has_room = keeper->count < KEPT_MAX;
	if (has_room)
		keeper->frames[keeper->count++] = *frame;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->mutex);
	return has_room;
}

unsigned int keeper_count(struct keeper *keeper)
{
	unsigned int count;

	pthread_mutex_lock(&keeper->mutex);
	count = keeper->count;
	pthread_mutex_unlock(&keeper->mutex);
	return count;
}

/* False: there was none. */
static bool give_back_one(struct keeper *keeper)
{
	struct tachyon_frame frame;

	pthread_mutex_lock(&keeper->mutex);
	if (keeper->count == 0) {
		pthread_mutex_unlock(&keeper->mutex);
		return false;
	}
	frame = take_one(keeper);
	pthread_mutex_unlock(&keeper->mutex);
	give_back(keeper, &frame);
	return true;
}

void keeper_give_back(struct keeper *keeper, bool all)
{
	while (give_back_one(keeper) && all)
		;
}

void keeper_stop(struct keeper *keeper)
{
	keeper_give_back(keeper, true);
	pthread_mutex_lock(&keeper->mutex);
	keeper->is_done = true;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->mutex);
	if (keeper->has_thread)
		pthread_join(keeper->thread, NULL);
	pthread_mutex_destroy(&keeper->mutex);
	pthread_cond_destroy(&keeper->changed);
}
