/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Time, events and waiting of os.h.
 */
#include "os.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <tachyon/version.h>

#include "system.h"

#define MS 1000000ull

TEST(a_deadline_is_now_and_the_timeout)
{
	const uint64_t before = tach_os_now_ns();
	const uint64_t deadline = tach_os_deadline(5 * MS);

	CHECK(deadline >= before + 5 * MS);
	CHECK(deadline <= tach_os_now_ns() + 5 * MS);
}

TEST(a_negative_timeout_is_for_ever_and_a_huge_one_nearly)
{
	CHECK_EQ(tach_os_deadline(-1), TACH_FOREVER);
	CHECK_EQ(tach_os_deadline(INT64_MIN), TACH_FOREVER);
	CHECK(tach_os_deadline(INT64_MAX) > INT64_MAX);
	CHECK(tach_os_deadline(INT64_MAX) < TACH_FOREVER);
}

TEST(asking_for_the_time_is_no_system_call)
{
	const uint64_t calls = tachyon_system_calls();

	tach_os_now_ns();
	tach_os_page_size();
	CHECK_EQ(tachyon_system_calls(), calls);
}

TEST(a_poll_ends_at_its_deadline_and_not_before)
{
	const int fd = tach_os_eventfd();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	const uint64_t deadline = tach_os_deadline(20 * MS);

	CHECK_EQ(tach_os_poll(&poll_fd, 1, deadline), 0);
	CHECK(tach_os_now_ns() >= deadline);
	CHECK_EQ(poll_fd.revents, 0);
	tach_os_close(fd);
}

TEST(a_poll_can_take_longer_than_a_second)
{
	const uint64_t deadline = tach_os_deadline(1010 * MS);

	CHECK_EQ(tach_os_poll(NULL, 0, deadline), 0);
	CHECK(tach_os_now_ns() >= deadline);
}

TEST(a_poll_past_its_deadline_still_looks)
{
	const int fd = tach_os_eventfd();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 0);
	tach_os_event_set(fd);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 1);
	CHECK_EQ(poll_fd.revents, POLLIN);
	tach_os_close(fd);
}

static void ignore_signal(int number)
{
	(void)number;
}

TEST(a_signal_ends_a_poll_early_with_nothing_ready)
{
	const struct itimerval timer = {.it_value = {0, 20000}};
	const int fd = tach_os_eventfd();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN, .revents = POLLIN};

	sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore_signal}, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);

	CHECK_EQ(tach_os_poll(&poll_fd, 1, TACH_FOREVER), 0);
	CHECK_EQ(poll_fd.revents, 0);
	tach_os_close(fd);
}

TEST(an_event_stays_set_until_cleared)
{
	const int fd = tach_os_eventfd();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	tach_os_event_clear(fd);
	tach_os_event_set(fd);
	tach_os_event_set(fd);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 1);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 1);

	tach_os_event_clear(fd);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 0);
	tach_os_close(fd);
}

TEST(an_event_that_is_full_is_set_without_waiting)
{
	const uint64_t most = UINT64_MAX - 1;
	const int fd = tach_os_eventfd();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	CHECK_EQ(write(fd, &most, sizeof(most)), sizeof(most));
	tach_os_event_set(fd);

	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 1);
	tach_os_close(fd);
}

TEST(without_a_free_fd_events_and_epolls_are_emfile)
{
	const struct rlimit old = forbid_fds();

	CHECK_EQ(tach_os_eventfd(), -EMFILE);
	CHECK_EQ(tach_os_epoll(), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
}

TEST(an_epoll_tells_by_key_what_is_readable)
{
	const int epoll = tach_os_epoll();
	const int first = tach_os_eventfd();
	const int second = tach_os_eventfd();
	struct tach_ready ready[4];

	CHECK_EQ(fcntl(epoll, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tach_os_epoll_add(epoll, first, 1), 0);
	CHECK_EQ(tach_os_epoll_add(epoll, second, UINT64_MAX), 0);
	CHECK_EQ(tach_os_epoll_poll(epoll, ready, 4), 0);

	tach_os_event_set(second);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(tach_os_epoll_poll(epoll, ready, 4), 1);
		CHECK(ready[0].key == UINT64_MAX);
		CHECK(ready[0].is_readable && !ready[0].is_hung_up);
	}

	tach_os_epoll_remove(epoll, second);
	CHECK_EQ(tach_os_epoll_poll(epoll, ready, 4), 0);
	tach_os_close(second);
	tach_os_close(first);
	tach_os_close(epoll);
}

TEST(an_epoll_tells_a_hang_up_from_data)
{
	const int epoll = tach_os_epoll();
	struct tach_ready ready;
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(tach_os_epoll_add(epoll, pair[0], 7), 0);
	CHECK_EQ(write(pair[1], "x", 1), 1);
	CHECK_EQ(tach_os_epoll_poll(epoll, &ready, 1), 1);
	CHECK(ready.is_readable && !ready.is_hung_up);

	tach_os_close(pair[1]);
	CHECK_EQ(tach_os_epoll_poll(epoll, &ready, 1), 1);
	CHECK(ready.is_readable && ready.is_hung_up);
	tach_os_close(pair[0]);
	tach_os_close(epoll);
}

TEST(an_epoll_can_look_at_the_hang_up_only)
{
	const int epoll = tach_os_epoll();
	struct tach_ready ready;
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_EQ(tach_os_epoll_add_hangup(epoll, pair[0], 7), 0);
	CHECK_EQ(write(pair[1], "x", 1), 1);
	CHECK_EQ(tach_os_epoll_poll(epoll, &ready, 1), 0);

	tach_os_close(pair[1]);
	CHECK_EQ(tach_os_epoll_poll(epoll, &ready, 1), 1);
	CHECK(ready.key == 7 && ready.is_hung_up);
	tach_os_close(pair[0]);
	tach_os_close(epoll);
}

TEST(an_epoll_fills_no_more_than_there_is_room_for)
{
	const int epoll = tach_os_epoll();
	struct tach_ready ready[3] = {[2] = {.key = 99}};
	int fds[3];

	for (uint64_t i = 0; i < 3; i++) {
		fds[i] = tach_os_eventfd();
		tach_os_event_set(fds[i]);
		CHECK_EQ(tach_os_epoll_add(epoll, fds[i], i), 0);
	}

	CHECK_EQ(tach_os_epoll_poll(epoll, ready, 0), 0);
	CHECK_EQ(tach_os_epoll_poll(epoll, ready, 2), 2);
	CHECK_EQ(ready[2].key, 99);
	for (int i = 0; i < 3; i++)
		tach_os_close(fds[i]);
	tach_os_close(epoll);
}

TEST(an_epoll_takes_an_fd_once)
{
	const int epoll = tach_os_epoll();
	const int fd = tach_os_eventfd();

	CHECK_EQ(tach_os_epoll_add(epoll, fd, 1), 0);
	CHECK_EQ(tach_os_epoll_add(epoll, fd, 2), -EEXIST);
	tach_os_close(fd);
	tach_os_close(epoll);
}

TEST(closing_keeps_errno_and_takes_no_fd_as_nothing)
{
	const uint64_t calls = tachyon_system_calls();

	errno = ENOSPC;
	tach_os_close(-1);
	CHECK_EQ(tachyon_system_calls(), calls);
	tach_os_close(4000);
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(tachyon_system_calls(), calls + 1);
}
