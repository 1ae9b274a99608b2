/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Connections over sockets that are given, on either side, and what is no such socket.
 */
#include <sys/un.h>

#include "raw-peer.h"
#include "system.h"
#include "urgent-setup.h"

#define PICTURE 4000u

static void make_sockets(int socks[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
}

static struct tachyon_publisher *make_silent_publisher(void)
{
	struct tachyon_publisher *publisher;

	CHECK_EQ(tachyon_publisher_create(NULL, NULL, &publisher), 0);
	return publisher;
}

struct adopting {
	struct tachyon_subscriber *subscriber;
	int sock;
};

static int adopt_in_helper(void *argument)
{
	const struct adopting *const adopting = argument;

	return tachyon_subscriber_adopt(adopting->subscriber, adopting->sock, 0);
}

/* Both ends over the sockets, which are closed; what the subscriber's adopt answers. */
static int adopt_both(struct tachyon_publisher *publisher, struct tachyon_subscriber *subscriber,
		      int socks[2])
{
	struct adopting adopting = {subscriber, socks[1]};
	struct helper helper;

	CHECK_EQ(tachyon_publisher_adopt(publisher, socks[0]), 0);
	close(socks[0]);
	start_helper(&helper, adopt_in_helper, &adopting);
	while (pthread_tryjoin_np(helper.thread, NULL) != 0)
		serve(publisher, 1);
	close(socks[1]);
	serve(publisher, 0);
	return helper.result;
}

TEST(two_that_were_given_a_pair_of_sockets_exchange_frames_and_events_both_ways)
{
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_publisher *const publisher = make_silent_publisher();
	struct tachyon_subscriber *subscriber;
	int socks[2];

	CHECK_EQ(tachyon_subscriber_create(NULL, &options, &subscriber), 0);
	make_sockets(socks);
	CHECK_EQ(adopt_both(publisher, subscriber, socks), 0);

	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(shout(publisher, "down"), 0);
	CHECK_STR_EQ(hear_urgent(subscriber), "down");
	CHECK_EQ(call_up(subscriber, "up"), 0);
	CHECK_STR_EQ(hear_below(publisher), "up");
	tachyon_publisher_destroy(publisher);
	expect_end(subscriber, TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(subscriber);
}

TEST(one_publisher_has_subscribers_that_came_and_some_that_were_brought)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const guest = join(publisher);
	struct tachyon_subscriber *brought;
	int socks[2];

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &brought), 0);
	for (int i = 0; i < 3; i++) {
		make_sockets(socks);
		/* A new connection in place of the one before. */
		CHECK_EQ(adopt_both(publisher, brought, socks), 0);
		serve(publisher, 5);
		CHECK_EQ(publish_number(publisher, PICTURE, 1), 2);
		take_frame(guest, PICTURE, 1);
		take_frame(brought, PICTURE, 1);
	}
	CHECK_EQ(subscriber_figures(brought).connects, 3);
	tachyon_subscriber_destroy(brought);
	tachyon_subscriber_destroy(guest);
	tachyon_publisher_destroy(publisher);
}

TEST(the_end_is_seen_although_the_sockets_are_still_open_elsewhere)
{
	struct tachyon_publisher *publisher = make_silent_publisher();
	struct tachyon_subscriber *subscriber;
	int socks[2], copies[2];

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &subscriber), 0);
	for (int i = 0; i < 2; i++) {
		make_sockets(socks);
		copies[0] = dup(socks[0]);
		copies[1] = dup(socks[1]);
		CHECK_EQ(adopt_both(publisher, subscriber, socks), 0);
		if (i == 0) {
			tachyon_publisher_disconnect(publisher);
			expect_end(subscriber, TACHYON_END_CLOSED);
		} else {
			tachyon_subscriber_destroy(subscriber);
			serve(publisher, 5);
			CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
		}
		close(copies[0]);
		close(copies[1]);
	}
	tachyon_publisher_destroy(publisher);
}

TEST(given_sockets_are_left_as_they_were_and_may_be_closed_at_once)
{
	struct tachyon_publisher *const publisher = make_silent_publisher();
	const int before = count_fds();
	int socks[2];

	make_sockets(socks);
	CHECK_EQ(tachyon_publisher_adopt(publisher, socks[0]), 0);
	CHECK_EQ(fcntl(socks[0], F_GETFL) & O_NONBLOCK, 0);
	close(socks[0]);
	/* Nobody is at the other end: the duplicate goes with it. */
	close(socks[1]);
	serve(publisher, 5);
	CHECK_EQ(count_fds(), before);
	tachyon_publisher_destroy(publisher);
}

/* --- what is not taken --- */

static void check_refused(int fd)
{
	struct tachyon_publisher *const publisher = make_silent_publisher();
	struct tachyon_subscriber *subscriber;
	const int before = count_fds();

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &subscriber), 0);
	CHECK_EQ(tachyon_publisher_adopt(publisher, fd), -EINVAL);
	CHECK_EQ(tachyon_subscriber_adopt(subscriber, fd, 0), -EINVAL);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(count_fds(), before);
	tachyon_publisher_destroy(publisher);
}

TEST(what_is_no_connected_seqpacket_socket_is_refused)
{
	int fds[2];

	check_refused(-1);
	check_refused(99999);
	CHECK_EQ(pipe(fds), 0);
	check_refused(fds[0]);
	check_refused(fds[1]);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_refused(fds[0]);
	close(fds[0]);
	close(fds[1]);
	fds[0] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	check_refused(fds[0]);
	close(fds[0]);
	fds[0] = tach_sock_listen(ADDRESS);
	check_refused(fds[0]);
	close(fds[0]);
	unlink(ADDRESS);
	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	check_refused(fds[0]);
	close(fds[0]);
}

TEST(without_an_address_a_subscriber_cannot_connect)
{
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 0), -EINVAL);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(tachyon_subscriber_create("", NULL, &subscriber), -EINVAL);
}

TEST(a_bad_descriptor_leaves_the_connection_that_there_is)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(tachyon_subscriber_adopt(subscriber, -1, 0), -EINVAL);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_publisher_that_was_shut_down_adopts_nobody)
{
	struct tachyon_publisher *const publisher = make_silent_publisher();
	int socks[2];

	make_sockets(socks);
	tachyon_publisher_shutdown(publisher);
	CHECK_EQ(tachyon_publisher_adopt(publisher, socks[0]), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_adopt(NULL, socks[0]), -EINVAL);
	close(socks[0]);
	close(socks[1]);
	tachyon_publisher_destroy(publisher);
}

TEST(handshakes_under_way_are_bounded_and_who_was_refused_may_try_again)
{
	struct tachyon_publisher *const publisher = make_silent_publisher();
	int socks[100][2], count = 0, ret = 0;

	for (; count < 100 && ret == 0; count++) {
		make_sockets(socks[count]);
		ret = tachyon_publisher_adopt(publisher, socks[count][0]);
	}
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	close(socks[0][0]);
	close(socks[0][1]);
	serve(publisher, 5);
	CHECK_EQ(tachyon_publisher_adopt(publisher, socks[count - 1][0]), 0);
	for (int i = 1; i < count; i++) {
		close(socks[i][0]);
		close(socks[i][1]);
	}
	tachyon_publisher_destroy(publisher);
}

/* --- who is at the other end of them --- */

TEST(an_end_that_nobody_answers_runs_out_of_time)
{
	struct tachyon_subscriber *subscriber;
	int socks[2];

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &subscriber), 0);
	make_sockets(socks);
	CHECK_EQ(tachyon_subscriber_adopt(subscriber, socks[0], 0), TACHYON_ERR_TIMEDOUT);
	/* The other side is told, though we kept ours. */
	CHECK(raw_is_dropped(socks[1], 0));
	close(socks[0]);
	close(socks[1]);
	make_sockets(socks);
	CHECK_EQ(write(socks[1], "nonsense", 8), 8);
	CHECK_EQ(tachyon_subscriber_adopt(subscriber, socks[0], 0), TACHYON_ERR_CORRUPT);
	close(socks[0]);
	close(socks[1]);
	tachyon_subscriber_destroy(subscriber);
}

TEST(nonsense_at_the_other_end_of_a_brought_socket_is_rejected)
{
	struct tachyon_publisher *const publisher = make_silent_publisher();
	int socks[2];

	make_sockets(socks);
	CHECK_EQ(tachyon_publisher_adopt(publisher, socks[0]), 0);
	CHECK_EQ(write(socks[1], "nonsense", 8), 8);
	serve(publisher, 5);
	CHECK_EQ(raw_reject_code(socks[1]), -EBADMSG);
	CHECK(raw_is_dropped(socks[1], 0));
	close(socks[0]);
	close(socks[1]);
	tachyon_publisher_destroy(publisher);
}

static int cross_processes(void *argument)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_adopt(subscriber, *(int *)argument, LONG_NS), 0);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
	CHECK(is_number(&item.frame, 7));
	tachyon_frame_release(&item.frame);
	expect_end(subscriber, TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

TEST(a_child_that_inherited_one_end_subscribes)
{
	struct tachyon_publisher *publisher;
	int socks[2];
	pid_t child;

	make_sockets(socks);
	child = run_child(cross_processes, &socks[1]);
	close(socks[1]);
	publisher = make_silent_publisher();
	CHECK_EQ(tachyon_publisher_adopt(publisher, socks[0]), 0);
	close(socks[0]);
	(void)await_notice(publisher, TACHYON_NOTICE_JOINED);
	CHECK_EQ(publish_number(publisher, PICTURE, 7), 1);
	tachyon_publisher_destroy(publisher);
	CHECK_EQ(wait_child(child), 0);
}

/* Makes a pair, hands both ends over, and lives on until it is told not to. */
static int broker(void *argument)
{
	const int out = *(int *)argument;
	int socks[2];
	char byte;

	make_sockets(socks);
	raw_send(out, "pair", 4, socks, 2);
	close(socks[0]);
	close(socks[1]);
	CHECK_EQ(recv(out, &byte, 1, 0), 0);
	return 0;
}

TEST(whoever_made_the_pair_may_die)
{
	struct tachyon_publisher *const publisher = make_silent_publisher();
	struct tachyon_subscriber *subscriber;
	int line[2], fds[TACH_SOCK_FDS];
	size_t fd_count;
	char text[4];
	pid_t child;

	CHECK_EQ(tachyon_subscriber_create(NULL, NULL, &subscriber), 0);
	make_sockets(line);
	child = run_child(broker, &line[1]);
	close(line[1]);
	CHECK(raw_wait_readable(line[0], RAW_TIMEOUT_NS));
	CHECK_EQ(tach_sock_receive(line[0], text, sizeof(text), fds, &fd_count), 4);
	CHECK_EQ(adopt_both(publisher, subscriber, fds), 0);
	CHECK_EQ(subscriber_figures(subscriber).peer_pid, 0);
	/* The child has a copy of our end of the line: it hears of this, not of a close. */
	shutdown(line[0], SHUT_RDWR);
	CHECK_EQ(wait_child(child), 0);
	close(line[0]);
	serve(publisher, 5);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	expect_nothing(subscriber);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_NONE);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- sockets with little room --- */

static struct tachyon_subscriber *join_narrow(struct tachyon_publisher *publisher)
{
	const struct tachyon_subscriber_options options = urgent_options();
	const int least = 1;
	struct tachyon_subscriber *subscriber;
	int socks[2];

	CHECK_EQ(tachyon_subscriber_create(NULL, &options, &subscriber), 0);
	make_sockets(socks);
	CHECK_EQ(setsockopt(socks[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
	CHECK_EQ(adopt_both(publisher, subscriber, socks), 0);
	return subscriber;
}

static int publish_of_new_segment(struct tachyon_publisher *publisher, uint64_t number)
{
	const size_t size = 65536ull << number;

	CHECK_EQ(tachyon_publisher_configure(publisher, size, 1), 0);
	return publish_number(publisher, size, number);
}

TEST(urgent_events_that_nobody_takes_leave_room_for_segments)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 99);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	int sent = 0;

	CHECK_EQ(tachyon_publisher_create(NULL, &options, &publisher), 0);
	subscriber = join_narrow(publisher);
	while (shout(publisher, "nobody") == 0)
		sent++;
	CHECK(sent > 0);
	CHECK_EQ(shout(publisher, "nobody"), TACHYON_ERR_AGAIN);
	CHECK_EQ(publish_of_new_segment(publisher, 0), 1);
	take_frame(subscriber, 65536, 0);
	CHECK_EQ(shout(publisher, "now"), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* Segments fill the socket before anything in the ring shows that they are to be read. */
TEST(a_socket_full_of_segments_of_a_batch_is_no_lie_of_a_subscriber)
{
	const struct tachyon_publisher_options options = publisher_options(0, 99);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	uint64_t sent = 0;

	CHECK_EQ(tachyon_publisher_create(NULL, &options, &publisher), 0);
	subscriber = join_narrow(publisher);
	tachyon_publisher_cork(publisher);
	while (publish_of_new_segment(publisher, sent) == 1)
		sent++;
	CHECK(sent > 0);
	CHECK_EQ(publish_of_new_segment(publisher, sent), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	for (uint64_t i = 0; i < sent; i++)
		take_frame(subscriber, 65536ull << i, i);
	CHECK_EQ(publish_of_new_segment(publisher, sent), 1);
	tachyon_publisher_uncork(publisher);
	take_frame(subscriber, 65536ull << sent, sent);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
