/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The thread that lets subscribers join and leave, whatever Python does meanwhile. It touches
 * nothing of Python's.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "frames.h"

struct ext_service {
	struct tachyon_publisher *publisher;
	pthread_t thread;
	pid_t pid; /* a forked child has no such thread */
	int bell;  /* calls the thread out of its sleep */
	_Atomic bool is_stopping;
};

static void *serve(void *object)
{
	struct ext_service *const self = object;
	struct pollfd fds[] = {
		{.fd = tachyon_publisher_fd(self->publisher), .events = POLLIN},
		{.fd = self->bell, .events = POLLIN},
	};

	while (!self->is_stopping) {
		(void)tachyon_publisher_dispatch(self->publisher);
		(void)poll(fds, Py_ARRAY_LENGTH(fds), -1);
	}
	return NULL;
}

/* Signals are for the threads that Python knows. */
static int start_thread(struct ext_service *self)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	ret = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (ret != 0)
		return -ret;
	ret = pthread_create(&self->thread, NULL, serve, self);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

int ext_service_start(struct tachyon_publisher *publisher, struct ext_service **service)
{
	struct ext_service *const self = calloc(1, sizeof(*self));
	int ret;

	if (!self)
		return -ENOMEM;
	self->publisher = publisher;
	self->pid = getpid();
	self->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (self->bell < 0) {
		ret = -errno;
		goto err_free;
	}
	ret = start_thread(self);
	if (ret < 0)
		goto err_bell;
	*service = self;
	return 0;

err_bell:
	close(self->bell);
err_free:
	free(self);
	return ret;
}

void ext_service_stop(struct ext_service *self)
{
	if (!self)
		return;
	/* The bell is the parent's, too: a child leaves it alone. */
	if (self->pid == getpid()) {
		self->is_stopping = true;
		(void)eventfd_write(self->bell, 1);
		pthread_join(self->thread, NULL);
	}
	close(self->bell);
	free(self);
}
