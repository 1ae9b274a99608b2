/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that is shut down, from whichever thread, and the addresses it cannot have.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "frames.h"
#include "system.h"

#define PICTURE 5000u

/* --- shutting down --- */

TEST(after_a_shutdown_every_call_that_sends_or_waits_is_epipe)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const struct tachyon_layout layout = {.plane_count = 1};
	const struct tachyon_clock clock = {.base_time = 1};
	const struct tachyon_event event = text_event(1, 0, 0, "event");
	const struct tachyon_event sticky = text_event(1, TACHYON_EVENT_STICKY, 60, "event");
	const struct tachyon_frame copy = {.data = (char[]){"small"}, .size = 6};
	struct tachyon_frame acquired, frame = {.size = 77};

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &acquired), 0);
	tachyon_publisher_shutdown(publisher);
	tachyon_publisher_shutdown(publisher);

	CHECK_EQ(tachyon_publisher_acquire(publisher, 1, &frame), TACHYON_ERR_CLOSED);
	CHECK_EQ(frame.size, 77);
	CHECK_EQ(tachyon_publisher_publish(publisher, &acquired, NULL), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_commit(publisher, &acquired), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_send(publisher, &copy), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_send(publisher, &acquired), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "caps"), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_set_layout(publisher, &layout), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_set_clock(publisher, &clock), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_send_event(publisher, &sticky), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_send_eos(publisher), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_wait(publisher, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_publisher_wait(publisher, 0), TACHYON_ERR_CLOSED);

	CHECK(is_number(&acquired, 1));
	tachyon_publisher_abandon(publisher, &acquired);
	(void)figures(publisher);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(what_was_published_before_a_shutdown_is_received_and_stays_valid)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frames[4], frame;
	int cookies[4];
	int reclaimed = 0;

	for (uint64_t i = 0; i < 4; i++) {
		CHECK_EQ(acquire_number(publisher, PICTURE, i, &frame), 0);
		CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookies[i]), 1);
		tachyon_publisher_abandon(publisher, &frame);
	}
	frames[0] = expect_frame(subscriber, PICTURE, 0);
	tachyon_publisher_shutdown(publisher);
	while (tachyon_publisher_reclaim(publisher))
		reclaimed++;
	CHECK_EQ(reclaimed, 4);
	for (uint64_t i = 1; i < 4; i++)
		frames[i] = expect_frame(subscriber, PICTURE, i);
	expect_end(subscriber, TACHYON_END_CLOSED);
	tachyon_publisher_destroy(publisher);
	for (uint64_t i = 0; i < 4; i++) {
		CHECK(is_number(&frames[i], i));
		CHECK_EQ(tachyon_frame_is_valid(&frames[i]), 1);
		tachyon_frame_release(&frames[i]);
	}
	tachyon_subscriber_destroy(subscriber);
}

static int wait_until_closed(void *publisher)
{
	int ret;

	do {
		ret = tachyon_publisher_wait(publisher, -1);
	} while (ret == 0);
	return ret;
}

TEST(a_shutdown_ends_the_waits_of_all_threads)
{
	for (int i = 0; i < 20; i++) {
		struct tachyon_publisher *const publisher = make_publisher(NULL);
		struct helper helpers[3];

		for (int j = 0; j < 3; j++)
			start_helper(&helpers[j], wait_until_closed, publisher);
		EVENTUALLY(figures(publisher).waits > 0);
		tachyon_publisher_shutdown(publisher);
		for (int j = 0; j < 3; j++)
			CHECK_EQ(finish_helper(&helpers[j]), TACHYON_ERR_CLOSED);
		tachyon_publisher_destroy(publisher);
	}
}

TEST(nobody_joins_after_a_shutdown)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);

	tachyon_publisher_shutdown(publisher);
	CHECK(tachyon_subscriber_connect(subscriber, 50 * MS) < 0);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	tachyon_publisher_destroy(publisher);
	tachyon_subscriber_destroy(subscriber);
}

static int shut_down(void *publisher)
{
	tachyon_publisher_shutdown(publisher);
	return 0;
}

TEST(a_forked_childs_shutdown_disturbs_nobody)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(wait_child(run_child(shut_down, publisher)), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_NONE);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

struct load {
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
};

static int publish_until_closed(void *argument)
{
	const struct load *const load = argument;
	uint64_t number = 0;
	int ret;

	for (;;) {
		ret = publish_number(load->publisher, PICTURE, number);
		if (ret == TACHYON_ERR_AGAIN)
			ret = tachyon_publisher_wait(load->publisher, -1);
		else
			number++;
		if (ret < 0)
			return ret;
	}
}

static int receive_until_closed(void *argument)
{
	const struct load *const load = argument;
	struct tachyon_item item;
	uint64_t number = 0;
	int ret;

	while ((ret = tachyon_subscriber_receive(load->subscriber, &item, LONG_NS)) == 0) {
		CHECK(is_number(&item.frame, number));
		number++;
		tachyon_frame_release(&item.frame);
	}
	return ret;
}

TEST(a_shutdown_amid_the_traffic_ends_both_sides_cleanly)
{
	for (int i = 0; i < 30; i++) {
		struct load load = {.publisher = make_publisher(NULL)};
		struct helper sender, receiver;

		load.subscriber = join(load.publisher);
		start_helper(&sender, publish_until_closed, &load);
		start_helper(&receiver, receive_until_closed, &load);
		sleep_ms(i % 5);
		tachyon_publisher_shutdown(load.publisher);
		CHECK_EQ(finish_helper(&sender), TACHYON_ERR_CLOSED);
		CHECK_EQ(finish_helper(&receiver), TACHYON_ERR_CLOSED);
		CHECK_EQ(tachyon_subscriber_end(load.subscriber), TACHYON_END_CLOSED);
		tachyon_publisher_destroy(load.publisher);
		tachyon_subscriber_destroy(load.subscriber);
	}
}

/* --- addresses --- */

/* What a publisher and a subscriber answer there; nothing may stay. */
static void check_address(const char *address, int publisher_answer, int subscriber_answer)
{
	struct tachyon_publisher *publisher = NULL;
	struct tachyon_subscriber *subscriber = NULL;
	const int before = count_fds();
	int ret = tachyon_publisher_create(address, NULL, &publisher);

	CHECK_EQ(ret, publisher_answer);
	CHECK(!publisher);
	ret = tachyon_subscriber_create(address, NULL, &subscriber);
	if (ret == 0)
		ret = tachyon_subscriber_connect(subscriber, 50 * MS);
	CHECK_EQ(ret, subscriber_answer);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(count_fds(), before);
}

static int bind_socket(int type)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = ADDRESS};
	const int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	CHECK_EQ(bind(sock, (const struct sockaddr *)&name, sizeof(name)), 0);
	return sock;
}

TEST(an_address_that_cannot_be_used_is_told_clearly)
{
	const int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char path[200] = "";
	int sock;

	memset(path, 'a', 150);
	check_address(path, -ENAMETOOLONG, -ENAMETOOLONG);
	check_address("file", -ENOTSOCK, -ENOTSOCK);
	check_address(".", -ENOTSOCK, -ENOTSOCK);
	check_address("no/such/directory", -ENOENT, TACHYON_ERR_TIMEDOUT);
	sock = bind_socket(SOCK_STREAM);
	CHECK_EQ(listen(sock, 1), 0);
	check_address(ADDRESS, -EPROTOTYPE, -EPROTOTYPE);
	close(sock);
	close(file);
	unlink("file");
	unlink(ADDRESS);
}

TEST(a_live_publisher_is_in_use_and_a_stale_one_replaced)
{
	struct tachyon_publisher *publisher = make_publisher(NULL);
	struct tachyon_publisher *other = NULL;
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_publisher_create(ADDRESS, NULL, &other), TACHYON_ERR_IN_USE);
	subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);

	close(bind_socket(SOCK_SEQPACKET));
	publisher = make_publisher(NULL);
	subscriber = join(publisher);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_abstract_name_works)
{
	struct tachyon_publisher *publisher, *other;
	struct tachyon_subscriber *subscriber;
	char name[64];

	snprintf(name, sizeof(name), "@%s", strrchr(test_dir(), '/') + 1);
	CHECK_EQ(tachyon_publisher_create(name, NULL, &publisher), 0);
	CHECK_EQ(tachyon_publisher_create(name, NULL, &other), TACHYON_ERR_IN_USE);
	CHECK_EQ(tachyon_subscriber_create(name, NULL, &subscriber), 0);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

static int publish_without_fds(void *argument)
{
	struct tachyon_publisher *publisher;

	(void)argument;
	for (int spare = 0; spare < 24; spare++) {
		const int before = next_fd();
		const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)(before + spare));
		const int ret = tachyon_publisher_create(ADDRESS, NULL, &publisher);

		setrlimit(RLIMIT_NOFILE, &old);
		if (ret == 0) {
			tachyon_publisher_destroy(publisher);
			return 0;
		}
		CHECK_EQ(ret, -EMFILE);
		CHECK_EQ(next_fd(), before);
	}
	return 1;
}

TEST(a_publisher_without_enough_fds_is_emfile_and_leaves_nothing)
{
	CHECK_EQ(wait_child(run_child(publish_without_fds, NULL)), 0);
}

/* --- users --- */

struct guest {
	bool any_uid;
	int expected;
};

static int subscribe_as_other(void *argument)
{
	const struct guest *const guest = argument;
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .any_uid = guest->any_uid};
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);

	CHECK_EQ(setresuid(OTHER_UID, OTHER_UID, OTHER_UID), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), guest->expected);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

static void receive_guest(const struct tachyon_access *access, struct guest guest)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	int status;
	pid_t child;

	options.access = *access;
	publisher = make_publisher(&options);
	child = run_child(subscribe_as_other, &guest);
	while (waitpid(child, &status, WNOHANG) == 0)
		serve(publisher, 5);
	CHECK_EQ(status, 0);
	tachyon_publisher_destroy(publisher);
}

TEST(another_user_is_let_in_only_where_the_access_options_say_so)
{
	static const uint32_t uids[] = {OTHER_UID};

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0755), 0);
	receive_guest(&(struct tachyon_access){0}, (struct guest){false, TACHYON_ERR_DENIED});
	receive_guest(&(struct tachyon_access){.perms = 0666},
		      (struct guest){false, TACHYON_ERR_DENIED});
	/* Root's publisher is trusted. */
	receive_guest(&(struct tachyon_access){.perms = 0666, .any_uid = 1},
		      (struct guest){false, 0});
	receive_guest(&(struct tachyon_access){.perms = 0666, .uids = uids, .uid_count = 1},
		      (struct guest){false, 0});
}

static int publish_as_other(void *argument)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	const int *const hold = argument;
	char byte;

	options.access = (struct tachyon_access){.perms = 0666, .any_uid = 1};
	CHECK_EQ(setresuid(OTHER_UID, OTHER_UID, OTHER_UID), 0);
	publisher = make_publisher(&options);
	close(hold[1]);
	while (poll(&(struct pollfd){.fd = hold[0], .events = POLLIN}, 1, 0) == 0)
		serve(publisher, 5);
	(void)!read(hold[0], &byte, 1);
	tachyon_publisher_destroy(publisher);
	return 0;
}

TEST(a_publisher_of_another_user_is_accepted_only_where_asked_for)
{
	struct tachyon_subscriber_options options = {.size = sizeof(options)};
	struct tachyon_subscriber *subscriber;
	int hold[2];
	pid_t child;

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
	child = run_child(publish_as_other, hold);
	subscriber = make_subscriber(&options);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), TACHYON_ERR_DENIED);
	tachyon_subscriber_destroy(subscriber);
	options.any_uid = 1;
	subscriber = make_subscriber(&options);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	tachyon_subscriber_destroy(subscriber);
	close(hold[1]);
	CHECK_EQ(wait_child(child), 0);
	close(hold[0]);
}
