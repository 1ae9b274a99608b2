/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Dialling until somebody answers, and the listener's half of a handshake, a step at a time. The
 * errors that a user sees are in test-endpoint*.c.
 */
#include "connect.h"

#include "pair.h"
#include "raw-peer.h"
#include "system.h"

static const struct tach_reception reception = {
	.service = TACH_SERVICE_FRAMES,
	.ring_size = 4096,
	.max_peer_ring_size = 1 << 20,
};

static struct tach_dial make_dial(uint64_t deadline_ns)
{
	return (struct tach_dial){
		.address = ADDRESS,
		.service = TACH_SERVICE_FRAMES,
		.ring_size = 4096,
		.max_peer_ring_size = 1 << 20,
		.deadline_ns = deadline_ns,
		.cancel_fd = -1,
	};
}

static struct tach_listener open_listener(void)
{
	struct tach_listener listener;

	CHECK_EQ(tach_listener_open(&listener, ADDRESS, 0), 0);
	return listener;
}

struct dialing {
	struct tach_dial dial;
	struct tachyon_bus *bus;
};

static int dial_in_helper(void *argument)
{
	struct dialing *const dialing = argument;

	return tach_dial(&dialing->dial, &dialing->bus);
}

static struct tach_pending accept_pending(struct tach_listener *listener)
{
	struct tach_pending pending = {.sock = -1};

	EVENTUALLY(tach_pending_accept(&pending, listener, &reception, -1, 0) == 0);
	CHECK(pending.sock >= 0);
	return pending;
}

/* --- dialling --- */

TEST(dialling_meets_a_listener_in_steps)
{
	struct dialing dialing = {.dial = make_dial(TACH_FOREVER)};
	struct tach_listener listener = open_listener();
	struct tach_pending pending = {.sock = -1};
	struct tachyon_bus *bus;
	struct helper helper;

	CHECK_EQ(tach_pending_accept(&pending, &listener, &reception, -1, 0), -EAGAIN);
	start_helper(&helper, dial_in_helper, &dialing);
	pending = accept_pending(&listener);
	EVENTUALLY(tach_pending_step(&pending, &reception, &bus) == 0);
	CHECK_EQ(pending.sock, -1);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(say(bus, "hello"), 0);
	CHECK_STR_EQ(hear(dialing.bus), "hello");
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(dialing.bus);
	tach_listener_close(&listener);
}

TEST(a_public_fd_is_made_only_where_wanted)
{
	struct dialing dialing = {.dial = make_dial(TACH_FOREVER)};
	struct tach_listener listener = open_listener();
	struct tach_pending pending;
	struct tachyon_bus *bus;
	struct helper helper;

	dialing.dial.request.wants_public_fd = true;
	start_helper(&helper, dial_in_helper, &dialing);
	pending = accept_pending(&listener);
	EVENTUALLY(tach_pending_step(&pending, &reception, &bus) == 0);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK(tachyon_bus_fd(dialing.bus) >= 0);
	CHECK(tachyon_bus_fd(bus) < 0);
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(dialing.bus);
	tach_listener_close(&listener);
}

TEST(dialling_after_the_deadline_tries_once)
{
	struct dialing dialing = {.dial = make_dial(0)};

	CHECK_EQ(dial_in_helper(&dialing), -ETIMEDOUT);
	dialing.dial.is_one_look = true;
	CHECK_EQ(dial_in_helper(&dialing), -EAGAIN);
	dialing.dial.is_one_look = false;
	dialing.dial.deadline_ns = tach_os_now_ns() + 10 * MS;
	CHECK_EQ(dial_in_helper(&dialing), -ETIMEDOUT);
	CHECK(!dialing.bus);
}

TEST(dialling_after_the_deadline_still_meets_who_listens)
{
	struct dialing dialing = {.dial = make_dial(0)};
	struct tach_listener listener = open_listener();
	struct tach_pending pending;
	struct tachyon_bus *bus;
	struct helper helper;

	start_helper(&helper, dial_in_helper, &dialing);
	pending = accept_pending(&listener);
	EVENTUALLY(tach_pending_step(&pending, &reception, &bus) == 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(dialing.bus);
	tach_listener_close(&listener);
}

TEST(dialling_can_be_canceled_while_nobody_listens_or_answers)
{
	struct dialing dialing = {.dial = make_dial(TACH_FOREVER)};
	struct tach_listener listener;
	struct helper helper;

	dialing.dial.cancel_fd = tach_os_eventfd();
	start_helper(&helper, dial_in_helper, &dialing);
	sleep_ms(30);
	tach_os_event_set(dialing.dial.cancel_fd);
	CHECK_EQ(finish_helper(&helper), -ECANCELED);

	tach_os_event_clear(dialing.dial.cancel_fd);
	listener = open_listener();
	start_helper(&helper, dial_in_helper, &dialing);
	sleep_ms(30);
	tach_os_event_set(dialing.dial.cancel_fd);
	CHECK_EQ(finish_helper(&helper), -ECANCELED);
	tach_listener_close(&listener);
	tach_os_close(dialing.dial.cancel_fd);
}

TEST(a_bad_address_is_told_before_anything_else)
{
	struct dialing dialing = {.dial = make_dial(0)};

	dialing.dial.address = "";
	CHECK_EQ(dial_in_helper(&dialing), -EINVAL);
}

/* --- answering --- */

TEST(a_pending_peer_that_says_nothing_is_eagain_until_its_deadline)
{
	struct tach_listener listener = open_listener();
	const int sock = raw_connect(ADDRESS);
	struct tach_pending pending = accept_pending(&listener);
	struct tachyon_bus *bus;

	CHECK(pending.deadline_ns > tach_os_now_ns());
	CHECK_EQ(tach_pending_step(&pending, &reception, &bus), -EAGAIN);
	CHECK(pending.sock >= 0);
	pending.deadline_ns = tach_os_now_ns();
	CHECK(tach_pending_step(&pending, &reception, &bus) < 0);
	CHECK_EQ(pending.sock, -1);
	CHECK(raw_is_dropped(sock, MS));
	close(sock);
	tach_listener_close(&listener);
}

TEST(a_pending_peer_that_leaves_or_lies_is_gone)
{
	struct tach_listener listener = open_listener();
	struct tach_pending pending;
	struct tachyon_bus *bus;
	int sock;

	sock = raw_connect(ADDRESS);
	pending = accept_pending(&listener);
	close(sock);
	CHECK_EQ(tach_pending_step(&pending, &reception, &bus), -EPIPE);
	CHECK_EQ(pending.sock, -1);

	sock = raw_connect(ADDRESS);
	pending = accept_pending(&listener);
	raw_send(sock, "nonsense", 8, NULL, 0);
	CHECK_EQ(tach_pending_step(&pending, &reception, &bus), -EBADMSG);
	CHECK_EQ(pending.sock, -1);
	CHECK_EQ(raw_reject_code(sock), TACHYON_ERR_CORRUPT);
	close(sock);
	tach_listener_close(&listener);
}

TEST(a_peer_whose_queue_is_full_is_dropped_rather_than_waited_for)
{
	struct tach_listener listener = open_listener();
	struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, 4096);
	struct tach_pending pending = accept_pending(&listener);
	struct tachyon_bus *bus;

	CHECK_EQ(tach_hello_send(peer.sock, TACH_PACKET_HELLO, &peer.offer), 0);
	while (tach_sock_send(pending.sock, "x", 1, NULL, 0) == 0)
		;
	CHECK(tach_pending_step(&pending, &reception, &bus) < 0);
	tach_pending_fini(&pending);
	raw_peer_close(&peer);
	tach_listener_close(&listener);
}

TEST(a_pending_peer_can_be_given_up)
{
	struct tach_listener listener = open_listener();
	const int sock = raw_connect(ADDRESS);
	struct tach_pending pending = accept_pending(&listener);

	tach_pending_fini(&pending);
	CHECK_EQ(pending.sock, -1);
	tach_pending_fini(&pending);
	CHECK(raw_is_dropped(sock, MS));
	close(sock);
	tach_listener_close(&listener);
}

TEST(a_user_the_rule_does_not_allow_is_refused_at_once)
{
	static const uid_t nobody_else[] = {OTHER_UID};
	struct tach_reception strict = reception;
	struct tach_pending pending = {.sock = -1};
	struct tach_listener listener;
	int ret;

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	listener = open_listener();
	CHECK_EQ(tach_os_chmod(ADDRESS, 0666), 0);
	strict.rule = (struct tach_peer_rule){.uids = nobody_else, .uid_count = 1};
	const int sock = raw_connect(ADDRESS);

	CHECK_EQ(seteuid(OTHER_UID + 1), 0);
	ret = tach_pending_accept(&pending, &listener, &strict, -1, 0);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(ret, TACHYON_ERR_DENIED);
	CHECK_EQ(pending.sock, -1);
	CHECK_EQ(raw_reject_code(sock), TACHYON_ERR_DENIED);
	CHECK(raw_is_dropped(sock, MS));
	close(sock);
	tach_listener_close(&listener);
}

TEST(access_options_make_the_rule)
{
	static const uint32_t uids[] = {1, 2};
	const struct tachyon_access access = {.any_uid = 5, .uids = uids, .uid_count = 2};
	struct tach_peer_rule rule = tach_peer_rule(&access);

	CHECK(rule.allow_any);
	CHECK_EQ(rule.uids, uids);
	CHECK_EQ(rule.uid_count, 2);
	rule = tach_peer_rule(&(struct tachyon_access){0});
	CHECK(!rule.allow_any);
	CHECK_EQ(rule.uid_count, 0);
}
