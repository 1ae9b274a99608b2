/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Who is let in, and whose door is entered: real processes of other users, in both directions, at
 * paths and at abstract names, which have no permissions.
 */
#include <grp.h>
#include <sys/stat.h>

#include "isolation.h"

#define OVERFLOW_UID 65534u
#define OTHER_GID 23456u

struct visitor {
	const char *address;
	uid_t uid;
	gid_t gid; /* 0: the same */
	struct tachyon_access access;
	int expected;
};

static struct tachyon_bus_options options_for(const struct tachyon_access *access)
{
	return (struct tachyon_bus_options){
		.size = sizeof(struct tachyon_bus_options),
		.ring_size = 4096,
		.timeout_ns = LONG_NS,
		.access = *access,
	};
}

static void become(uid_t uid, gid_t gid)
{
	if (gid != 0) {
		CHECK_EQ(setgroups(0, NULL), 0);
		CHECK_EQ(setresgid(gid, gid, gid), 0);
	}
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static int visit(void *argument)
{
	const struct visitor *const visitor = argument;
	const struct tachyon_bus_options options = options_for(&visitor->access);
	struct tachyon_bus *bus;
	int ret;

	become(visitor->uid, visitor->gid);
	ret = tachyon_bus_connect(visitor->address, &options, &bus);
	if (ret == 0)
		tachyon_bus_destroy(bus);
	CHECK_EQ(ret, visitor->expected);
	return 0;
}

static bool is_running(pid_t child)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

static void receive(struct tachyon_listener *listener, struct visitor visitor)
{
	const pid_t child = run_child(visit, &visitor);
	struct tachyon_bus *bus;

	while (is_running(child)) {
		if (tachyon_listener_accept(listener, 2 * MS, &bus) == 0)
			tachyon_bus_destroy(bus);
	}
	CHECK_EQ(wait_child(child), 0);
}

static const struct tachyon_access anybody = {.perms = 0666, .any_uid = 1};

static void open_door(const char *address, const struct tachyon_access *access,
		      struct tachyon_listener **listener)
{
	const struct tachyon_bus_options options = options_for(access);

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(tachyon_listener_create(address, &options, listener), 0);
}

/* A name that nobody else has. */
static const char *abstract_name(void)
{
	static char name[100];

	snprintf(name, sizeof(name), "@tachyon-%s-%d", test_name(), (int)getpid());
	return name;
}

/* --- who is let in --- */

TEST(at_an_abstract_name_the_check_of_the_user_is_a_door)
{
	static const uint32_t listed[] = {OTHER_UID};
	const struct tachyon_access list = {.uids = listed, .uid_count = 1};
	const char *const name = abstract_name();
	struct tachyon_listener *listener;

	open_door(name, &(struct tachyon_access){0}, &listener);
	receive(listener, (struct visitor){name, OTHER_UID, 0, anybody, TACHYON_ERR_DENIED});
	tachyon_listener_destroy(listener);

	open_door(name, &list, &listener);
	receive(listener, (struct visitor){name, OTHER_UID, 0, anybody, 0});
	receive(listener, (struct visitor){name, OTHER_UID + 1, 0, anybody, TACHYON_ERR_DENIED});
	tachyon_listener_destroy(listener);

	open_door(name, &anybody, &listener);
	receive(listener, (struct visitor){name, OTHER_UID + 1, 0, anybody, 0});
	tachyon_listener_destroy(listener);
}

TEST(the_overflow_user_is_nobodys_and_is_let_in_only_where_any_is)
{
	static const uint32_t listed[] = {OVERFLOW_UID};
	const struct tachyon_access list = {.perms = 0666, .uids = listed, .uid_count = 1};
	struct tachyon_listener *listener;

	open_door(ADDRESS, &list, &listener);
	receive(listener, (struct visitor){ADDRESS, OVERFLOW_UID, 0, anybody, TACHYON_ERR_DENIED});
	tachyon_listener_destroy(listener);
	open_door(ADDRESS, &anybody, &listener);
	receive(listener, (struct visitor){ADDRESS, OVERFLOW_UID, 0, anybody, 0});
	tachyon_listener_destroy(listener);
}

static int meet_oneself(void *argument)
{
	const struct tachyon_access nothing_said = {.perms = 0666};
	const struct tachyon_bus_options options = options_for(&nothing_said);
	struct visitor visitor = {ADDRESS, OVERFLOW_UID, 0, anybody, TACHYON_ERR_DENIED};
	struct tachyon_listener *listener;

	(void)argument;
	become(OVERFLOW_UID, 0);
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	receive(listener, visitor);
	tachyon_listener_destroy(listener);
	return 0;
}

TEST(who_is_the_overflow_user_itself_is_not_the_same_as_another_of_them)
{
	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(wait_child(run_child(meet_oneself, NULL)), 0);
	CHECK_EQ(unlink(ADDRESS ".lock"), 0);
}

TEST(a_group_is_let_in_by_the_file_of_the_socket)
{
	const struct tachyon_access group = {.perms = 0660, .any_uid = 1};
	struct tachyon_listener *listener;

	open_door(ADDRESS, &group, &listener);
	CHECK_EQ(chown(ADDRESS, (uid_t)-1, OTHER_GID), 0);
	receive(listener, (struct visitor){ADDRESS, OTHER_UID, OTHER_GID, anybody, 0});
	receive(listener,
		(struct visitor){ADDRESS, OTHER_UID, OTHER_GID + 1, anybody, TACHYON_ERR_DENIED});
	tachyon_listener_destroy(listener);
}

/* --- whose door is entered --- */

TEST(a_connector_enters_only_the_door_of_a_user_that_it_allows)
{
	static const uint32_t root[] = {0}, another[] = {OTHER_UID + 1};
	const struct tachyon_access list = {.uids = root, .uid_count = 1};
	const struct tachyon_access wrong = {.uids = another, .uid_count = 1};
	const struct tachyon_access none = {0};
	const char *const addresses[] = {ADDRESS, abstract_name()};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(addresses); i++) {
		const char *const at = addresses[i];
		struct tachyon_listener *listener;

		open_door(at, &anybody, &listener);
		receive(listener, (struct visitor){at, OTHER_UID, 0, none, TACHYON_ERR_DENIED});
		receive(listener, (struct visitor){at, OTHER_UID, 0, wrong, TACHYON_ERR_DENIED});
		receive(listener, (struct visitor){at, OTHER_UID, 0, list, 0});
		receive(listener, (struct visitor){at, OTHER_UID, 0, anybody, 0});
		tachyon_listener_destroy(listener);
	}
}

/* Somebody else was there first, at a name that anybody can take. */
static int squat(void *argument)
{
	const struct tachyon_bus_options options = options_for(&anybody);
	struct visitor *const visitor = argument;
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;

	become(OTHER_UID, 0);
	CHECK_EQ(tachyon_listener_create(visitor->address, &options, &listener), 0);
	/* Nobody says hello to it. */
	CHECK_EQ(tachyon_listener_accept(listener, 200 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	tachyon_listener_destroy(listener);
	return 0;
}

TEST(who_squats_on_an_abstract_name_learns_nothing_of_who_comes)
{
	const struct tachyon_bus_options options = options_for(&(struct tachyon_access){0});
	struct visitor visitor = {.address = abstract_name()};
	struct tachyon_subscriber *subscriber;
	struct tachyon_bus *bus;
	pid_t child;

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	child = run_child(squat, &visitor);
	CHECK_EQ(tachyon_bus_connect(visitor.address, &options, &bus), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_subscriber_create(visitor.address, NULL, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), TACHYON_ERR_DENIED);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(wait_child(child), 0);
}
