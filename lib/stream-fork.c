/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Streams in a forked child. The child inherits the open file description that the lock belongs to:
 * it would hold its parent's lock, also when the parent is dead. So every handle of the process
 * is in a list, and the child opens each file anew, under the same number, before fork() returns
 * there.
 */
#include <pthread.h>

#include "os.h"
#include "stream.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct tachyon_stream *first;
static int registered;

static void before_fork(void)
{
	pthread_mutex_lock(&mutex);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&mutex);
}

/*
 * Only what a child of a threaded process may call. What other threads of the parent were doing
 * with the handle is not going on here.
 */
static void forget_parent(struct tachyon_stream *stream)
{
	const int watch = atomic_load_explicit(&stream->watch, memory_order_relaxed);

	if (tach_os_reopen(stream->file) < 0) {
		/* Rather no lock than the parent's. */
		tach_os_close(stream->file);
		stream->file = -1;
	}
	stream->turnstile.file = stream->file;
	stream->turnstile.depth = 0;
	atomic_store_explicit(&stream->turnstile.owner, 0, memory_order_relaxed);
	stream->has_transaction = false;
	stream->is_live = false;
	tach_window_forked(&stream->window);
	/* What one of us reads from it the other would miss. */
	if (watch >= 0)
		tach_os_close(watch);
	atomic_store_explicit(&stream->watch, -1, memory_order_relaxed);
}

static void after_fork_in_child(void)
{
	for (struct tachyon_stream *stream = first; stream; stream = stream->next)
		forget_parent(stream);
	pthread_mutex_unlock(&mutex);
}

static void register_handlers(void)
{
	registered = tach_os_at_fork(before_fork, after_fork, after_fork_in_child);
}

int tach_stream_enlist(struct tachyon_stream *stream)
{
	pthread_once(&once, register_handlers);
	pthread_mutex_lock(&mutex);
	/* No memory then, maybe now. As nothing is registered, no fork waits for the mutex. */
	if (registered < 0)
		register_handlers();
	if (registered < 0) {
		pthread_mutex_unlock(&mutex);
		return registered;
	}
	stream->next = first;
	if (first)
		first->previous = stream;
	first = stream;
	pthread_mutex_unlock(&mutex);
	return 0;
}

void tach_stream_delist(struct tachyon_stream *stream)
{
	pthread_mutex_lock(&mutex);
	if (stream->previous)
		stream->previous->next = stream->next;
	else
		first = stream->next;
	if (stream->next)
		stream->next->previous = stream->previous;
	pthread_mutex_unlock(&mutex);
}
