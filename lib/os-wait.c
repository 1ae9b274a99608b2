/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls that tell the time, wait, and wake.
 */
#include "os.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EPOLL_BATCH 64

uint64_t tach_os_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * TACH_NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t tach_os_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * TACH_NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t tach_os_deadline(int64_t timeout_ns)
{
	/* A clock below 2^63 plus a timeout below 2^63 stays below TACH_FOREVER. */
	return timeout_ns < 0 ? TACH_FOREVER : tach_os_now_ns() + (uint64_t)timeout_ns;
}

int tach_os_eventfd(void)
{
	int fd;

	tach_os_count_call();
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? tach_os_fail("eventfd", errno) : fd;
}

void tach_os_event_set(int fd)
{
	const uint64_t one = 1;
	ssize_t written;

	/* A full counter is EAGAIN: it is set. */
	do {
		tach_os_count_call();
		written = write(fd, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
	if (written < 0 && errno != EAGAIN)
		tach_os_fail("write to an eventfd", errno);
}

void tach_os_event_clear(int fd)
{
	uint64_t count;
	ssize_t got;

	/* Not set is EAGAIN. */
	do {
		tach_os_count_call();
		got = read(fd, &count, sizeof(count));
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno != EAGAIN)
		tach_os_fail("read from an eventfd", errno);
}

static struct timespec time_left(uint64_t deadline_ns)
{
	const uint64_t now = tach_os_now_ns();
	const uint64_t left = deadline_ns > now ? deadline_ns - now : 0;

	return (struct timespec){
		.tv_sec = (time_t)(left / TACH_NS_PER_SEC),
		.tv_nsec = (long)(left % TACH_NS_PER_SEC),
	};
}

int tach_os_poll(struct pollfd *fds, size_t count, uint64_t deadline_ns)
{
	struct timespec timeout;
	int ready;

	if (deadline_ns != TACH_FOREVER)
		timeout = time_left(deadline_ns);
	tach_os_count_call();
	ready = ppoll(fds, count, deadline_ns == TACH_FOREVER ? NULL : &timeout, NULL);
	if (ready >= 0)
		return ready;
	if (errno != EINTR)
		return tach_os_fail("ppoll", errno);

	for (size_t i = 0; i < count; i++)
		fds[i].revents = 0;
	return 0;
}

int tach_os_epoll(void)
{
	int fd;

	tach_os_count_call();
	fd = epoll_create1(EPOLL_CLOEXEC);
	return fd < 0 ? tach_os_fail("epoll_create1", errno) : fd;
}

static int epoll_add(int epoll, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event event = {.events = events, .data.u64 = key};

	tach_os_count_call();
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? tach_os_fail("epoll_ctl", errno)
							       : 0;
}

int tach_os_epoll_add(int epoll, int fd, uint64_t key)
{
	return epoll_add(epoll, fd, EPOLLIN | EPOLLRDHUP, key);
}

int tach_os_epoll_add_hangup(int epoll, int fd, uint64_t key)
{
	return epoll_add(epoll, fd, EPOLLRDHUP, key);
}

void tach_os_epoll_remove(int epoll, int fd)
{
	struct epoll_event event = {0};

	tach_os_count_call();
	epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
}

int tach_os_epoll_poll(int epoll, struct tach_ready *ready, size_t count)
{
	struct epoll_event events[EPOLL_BATCH];
	const size_t most = count < EPOLL_BATCH ? count : EPOLL_BATCH;
	int got;

	if (count == 0)
		return 0;
	tach_os_count_call();
	got = epoll_wait(epoll, events, (int)most, 0);
	if (got < 0)
		return errno == EINTR ? 0 : tach_os_fail("epoll_wait", errno);

	for (int i = 0; i < got; i++)
		ready[i] = (struct tach_ready){
			.key = events[i].data.u64,
			.is_readable = (events[i].events & EPOLLIN) != 0,
			.is_hung_up = (events[i].events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0,
		};
	return got;
}
