/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A process is killed after each instruction of what makes a bus: whoever was at the other end is
 * told, the next one is served, and a new listener starts at the same path.
 */
#include <harness.h>

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bus-stage.h"
#include "crash.h"

#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 1200)
#define HELLO_SIZE 16u

struct life {
	struct tachyon_listener *listener; /* the survivor's, or the victim's own */
	struct tachyon_bus *victim;
	struct watcher watcher;
	struct witness witness;
	uint64_t spare_ring_size; /* the listener's, where larger than asked for */
	uint64_t met, missed;	  /* victims that got as far as a bus, and others */
	uint64_t litter;	  /* temporary names that the dead left */
	uint64_t was_told;	  /* when, in this round; 0: nobody was */
	bool is_there;		  /* the victim came as far as to listen */
	uint64_t listened, unlistened;
};

static pid_t peer_of(const struct tachyon_bus *bus)
{
	struct tachyon_bus_stats stats = {.size = sizeof(stats)};

	tachyon_bus_get_stats(bus, &stats);
	return (pid_t)stats.peer_pid;
}

/* To the end of a peer that says nothing. */
static void await_death(struct life *life, struct tachyon_bus *bus)
{
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_receive(bus, &message, WITNESS_LIMIT_NS), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	life->was_told = witness_now_ns();
	life->met++;
}

/* Both ends are here: they can talk. */
static int greet(struct tachyon_bus *bus)
{
	uint8_t bytes[HELLO_SIZE];

	bus_stage_fill(bytes, sizeof(bytes), 1);
	return tachyon_bus_send(bus, bytes, sizeof(bytes), bus_stage_type(1, sizeof(bytes)),
				WITNESS_LIMIT_NS);
}

static void be_greeted(struct tachyon_bus *bus)
{
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_receive(bus, &message, WITNESS_LIMIT_NS), 0);
	bus_stage_check(&message, 1);
	CHECK_EQ(tachyon_bus_release(bus, &message), 0);
}

static void note_told(struct life *life)
{
	if (life->was_told)
		witness_told(&life->witness, life->was_told);
}

static void print(const struct life *life, const char *name)
{
	fprintf(stderr, "# %s: %lu victims got as far as a bus, %lu left a temporary name\n", name,
		(unsigned long)life->met, (unsigned long)life->litter);
}

static void nothing(void *data)
{
	(void)data;
}

/* --- a connector dies --- */

/* Serves whoever comes, until somebody from here did. */
static int serve(void *data)
{
	struct life *const life = data;
	struct tachyon_bus *bus;
	bool is_ours;

	do {
		CHECK_EQ(tachyon_listener_accept(life->listener, WITNESS_LIMIT_NS, &bus), 0);
		is_ours = peer_of(bus) == getpid();
		if (is_ours)
			be_greeted(bus);
		else
			await_death(life, bus);
		tachyon_bus_destroy(bus);
	} while (!is_ours);
	return 0;
}

static void send_server(void *data)
{
	struct life *const life = data;

	life->was_told = 0;
	watcher_send(&life->watcher, serve, life);
}

static void act_connect(void *data)
{
	struct life *const life = data;
	const struct tachyon_bus_options options = {
		.size = sizeof(options),
		.spin = TACHYON_SPIN_NEVER,
		.ring_size = life->spare_ring_size ? 0 : BUS_RING,
	};

	tachyon_bus_connect(BUS_ADDRESS, &options, &life->victim);
}

static void check_server(void *data)
{
	struct life *const life = data;
	const struct tachyon_bus_options options = bus_stage_options();
	struct tachyon_bus *bus;

	bus_stage_connect(&options, &bus);
	CHECK_EQ(greet(bus), 0);
	CHECK_EQ(watcher_return(&life->watcher), 0);
	tachyon_bus_destroy(bus);
	note_told(life);
	witness_check(&life->witness);
}

static void crash_connector(const char *name, uint64_t ring_size)
{
	struct tachyon_bus_options options = bus_stage_options();
	struct life life = {.spare_ring_size = ring_size};
	const struct crash crash = {
		.name = name,
		.before = nothing,
		.meanwhile = send_server,
		.act = act_connect,
		.after = check_server,
		.data = &life,
	};

	if (ring_size)
		options.ring_size = ring_size;
	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &life.listener), 0);
	witness_init(&life.witness, name);
	crash_everywhere(&crash);
	witness_fini(&life.witness);
	print(&life, name);
	CHECK(life.met > 0);
	tachyon_listener_destroy(life.listener);
}

TEST_CRASH(connect)
{
	crash_connector("connect", 0);
}

TEST_CRASH(connect_to_a_listener_with_a_larger_ring)
{
	crash_connector("connect, resize", 131072);
}

/* --- a listener dies --- */

/* Connects until somebody from here answered. */
static int call(void *data)
{
	struct life *const life = data;
	const struct tachyon_bus_options options = bus_stage_options();
	struct tachyon_bus *bus;
	bool is_ours;
	int ret;

	do {
		ret = tachyon_bus_connect(BUS_ADDRESS, &options, &bus);
		CHECK(ret == 0 || ret == TACHYON_ERR_CLOSED);
		if (ret < 0)
			life->was_told = witness_now_ns();
		is_ours = ret == 0 && peer_of(bus) == getpid();
		if (is_ours)
			CHECK_EQ(greet(bus), 0);
		else if (ret == 0)
			await_death(life, bus);
		if (ret == 0)
			tachyon_bus_destroy(bus);
	} while (!is_ours);
	return 0;
}

static void send_caller(void *data)
{
	struct life *const life = data;

	life->was_told = 0;
	watcher_send(&life->watcher, call, life);
}

static void create_listener(void *data)
{
	struct life *const life = data;
	const struct tachyon_bus_options options = bus_stage_options();

	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &life->listener), 0);
}

static void act_accept(void *data)
{
	struct life *const life = data;

	tachyon_listener_accept(life->listener, -1, &life->victim);
}

/* A temporary name is no obstacle to anybody, and stays. */
static void sweep(struct life *life)
{
	glob_t found;

	if (glob(".t*", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			CHECK_EQ(unlink(found.gl_pathv[i]), 0);
			life->litter++;
		}
	}
	globfree(&found);
}

/* The same path is to be had, at once, and serves whom the dead one did not. */
static void check_successor(void *data)
{
	struct life *const life = data;
	const struct tachyon_bus_options options = bus_stage_options();
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &listener), 0);
	if (!life->watcher.is_out)
		watcher_send(&life->watcher, call, life);
	CHECK_EQ(tachyon_listener_accept(listener, WITNESS_LIMIT_NS, &bus), 0);
	be_greeted(bus);
	CHECK_EQ(watcher_return(&life->watcher), 0);
	tachyon_bus_destroy(bus);
	tachyon_listener_destroy(listener);
	CHECK(access(BUS_ADDRESS, F_OK) < 0 && errno == ENOENT);
	note_told(life);
	sweep(life);
	witness_check(&life->witness);
}

static void crash_listener(const char *name, void (*before)(void *), void (*meanwhile)(void *),
			   void (*act)(void *), void (*after)(void *))
{
	struct life life = {.listener = NULL};
	const struct crash crash = {
		.name = name,
		.before = before,
		.meanwhile = meanwhile,
		.act = act,
		.after = after,
		.data = &life,
	};

	witness_init(&life.witness, name);
	crash_everywhere(&crash);
	witness_fini(&life.witness);
	print(&life, name);
	if (meanwhile)
		CHECK(life.met > 0);
	if (life.listened || life.unlistened) {
		fprintf(stderr, "# %s: the name was there %lu times, %lu not\n", name,
			(unsigned long)life.listened, (unsigned long)life.unlistened);
		CHECK(life.listened > 0 && life.unlistened > 0);
	}
}

TEST_CRASH(accept)
{
	crash_listener("accept", create_listener, send_caller, act_accept, check_successor);
}

static void act_listen(void *data)
{
	struct life *const life = data;
	const struct tachyon_bus_options options = bus_stage_options();

	tachyon_bus_listen(BUS_ADDRESS, &options, &life->victim);
}

TEST_CRASH(listen_for_one)
{
	crash_listener("listen", nothing, send_caller, act_listen, check_successor);
}

static void check_name(void *data)
{
	struct life *const life = data;
	struct stat there;

	if (stat(BUS_ADDRESS, &there) == 0)
		life->listened++;
	else
		life->unlistened++;
	check_successor(data);
}

TEST_CRASH(create_a_listener)
{
	crash_listener("listener, create", nothing, NULL, create_listener, check_name);
}

/* As a listener that was killed leaves it. */
static void leave_a_stale_socket(void *data)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = BUS_ADDRESS};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)data;
	CHECK(sock >= 0);
	CHECK_EQ(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(sock, 1), 0);
	close(sock);
}

/* It replaces what is stale: a name is there always. */
TEST_CRASH(create_a_listener_over_a_stale_socket)
{
	const char *const name = "listener, create, stale";
	struct life life = {.listener = NULL};
	const struct crash crash = {
		.name = name,
		.arrange = leave_a_stale_socket,
		.before = nothing,
		.act = create_listener,
		.after = check_name,
		.data = &life,
	};

	witness_init(&life.witness, name);
	crash_everywhere(&crash);
	witness_fini(&life.witness);
	print(&life, name);
	CHECK_EQ(life.unlistened, 0);
}

static void act_destroy_listener(void *data)
{
	struct life *const life = data;

	tachyon_listener_destroy(life->listener);
}

TEST_CRASH(destroy_a_listener)
{
	crash_listener("listener, destroy", create_listener, NULL, act_destroy_listener,
		       check_name);
}
