/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a subscriber sends up: the last value that each field may have, and the first that it may
 * not; what comes back twice, never, or was not asked for.
 */
#include "honest.h"
#include "raw-subscriber.h"

/* --- references --- */

struct ref_case {
	const char *what;
	struct tach_wire_ref change; /* added to what would be right */
	bool is_fine;
};

static const struct ref_case returns[] = {
	{"as it should be", {0}, true},
	{"the segment before", {.segment = UINT32_MAX}, false},
	{"the segment behind", {.segment = 1}, false},
	{"a segment far away", {.segment = 1u << 31}, false},
	{"the next block", {.block = 3}, false},
	{"the block before", {.block = UINT16_MAX}, false},
	{"the first block that is none", {.block = 384}, false},
	{"an earlier generation", {.generation = UINT32_MAX}, false},
	{"a later generation", {.generation = 1}, false},
	{"a generation far away", {.generation = 1u << 31}, false},
	{"an offset, which is ignored", {.offset = 64}, true},
	{"a size, which is ignored", {.size = 0x80000000u}, true},
	{"more than a block may have", {.offset = 1, .size = 0x80000000u}, false},
	{"an offset beyond any block", {.offset = UINT32_MAX}, false},
	{"a sum that wraps", {.offset = UINT32_MAX, .size = 1}, false},
	{"a type, which is ignored", {.type = UINT32_MAX}, true},
	{"reserved bits", {.reserved = UINT16_MAX}, true},
};

/* Two frames are out: block and generation of the first. */
static struct tach_wire_ref changed(const struct tach_block_ref *held,
				    const struct tach_wire_ref *change)
{
	return (struct tach_wire_ref){
		.segment = held->segment + change->segment,
		.block = (uint16_t)(held->block + change->block),
		.reserved = change->reserved,
		.generation = held->generation + change->generation,
		.offset = change->offset,
		.size = change->size,
		.type = change->type,
	};
}

HOSTILE_TEST(each_field_of_a_return_is_checked_to_its_limit)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(returns); i++) {
		struct scene scene = make_scene();
		const struct tach_wire_ref ref = changed(&scene.held, &returns[i].change);

		raw_say(&scene.liar, TACH_WIRE_RETURN, &ref, sizeof(ref));
		if (returns[i].is_fine) {
			CHECK_EQ(blocks_in_use(scene.publisher), 1);
			CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 2);
			check_honest(&scene, 2);
		} else {
			check_dropped(&scene, returns[i].what);
		}
		close_scene(&scene);
	}
}

/* Asks the liar to forget the first frames' segment, whose blocks it has returned. */
static struct tach_wire_ref be_asked_to_retire(struct scene *scene)
{
	union {
		struct tach_wire_ref ref;
		char bytes[RING];
	} body;
	const struct tach_block_ref next = hear_frame(&scene->liar);
	uint32_t type;

	put_ref(scene, TACH_WIRE_RETURN, &scene->held);
	put_ref(scene, TACH_WIRE_RETURN, &next);
	CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
	CHECK_EQ(tachyon_publisher_configure(scene->publisher, 100 * PICTURE, 1), 0);
	/* Any call that sends says it. */
	CHECK_EQ(tachyon_publisher_set_caps(scene->publisher, "a/b"), 0);
	do {
		CHECK(raw_hear(&scene->liar, &type, &body, sizeof(body)) >= 0);
	} while (type != TACH_WIRE_RETIRE);
	return body.ref;
}

static void drop_caps(struct scene *scene)
{
	const struct tachyon_item item = expect(scene->honest, TACHYON_ITEM_CAPS);

	CHECK_STR_EQ(item.caps, "a/b");
}

static const struct ref_case retirements[] = {
	{"as it should be", {0}, true},
	{"the segment before", {.segment = UINT32_MAX}, false},
	{"the segment behind", {.segment = 1}, false},
	{"a segment far away", {.segment = 1u << 31}, false},
	{"more than a block may have", {.offset = 1, .size = 0x80000000u}, false},
	{"what is ignored", {.block = 1, .generation = 7, .type = 9}, true},
};

HOSTILE_TEST(each_field_of_a_retired_is_checked_to_its_limit)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(retirements); i++) {
		struct scene scene = make_scene();
		const struct tach_wire_ref asked = be_asked_to_retire(&scene);
		const struct tach_block_ref right = {.segment = asked.segment};
		const struct tach_wire_ref ref = changed(&right, &retirements[i].change);

		drop_caps(&scene);
		raw_say(&scene.liar, TACH_WIRE_RETIRED, &ref, sizeof(ref));
		if (retirements[i].is_fine)
			check_honest(&scene, 2);
		else
			check_dropped(&scene, retirements[i].what);
		close_scene(&scene);
	}
}

HOSTILE_TEST(a_retired_that_comes_twice_is_corrupt)
{
	struct scene scene = make_scene();
	const struct tach_wire_ref asked = be_asked_to_retire(&scene);

	drop_caps(&scene);
	for (int i = 0; i < 2; i++)
		raw_say(&scene.liar, TACH_WIRE_RETIRED, &asked, sizeof(asked));
	check_dropped(&scene, "retired twice");
	close_scene(&scene);
}

/* A block that is never returned is missed by nobody but the liar, until it leaves. */
HOSTILE_TEST(blocks_that_are_never_returned_are_free_when_their_holder_is_gone)
{
	struct scene scene = make_scene();
	uint64_t in_use;

	CHECK_EQ(tachyon_publisher_set_policy(scene.publisher, TACHYON_POLICY_DROP, 0), 0);
	for (int i = 0; i < 200; i++) {
		char body[RING];
		uint32_t type;

		CHECK(publish_number(scene.publisher, PICTURE, scene.next) >= 1);
		take_frame(scene.honest, PICTURE, scene.next++);
		while (tach_ring_is_ready(&scene.liar.receiver))
			CHECK(raw_hear(&scene.liar, &type, body, sizeof(body)) >= 0);
	}
	in_use = blocks_in_use(scene.publisher);
	/* Half the cells of its ring, and no more. */
	CHECK(in_use > 2 && in_use <= RING / TACH_CELL / 2);
	tach_sock_shutdown(scene.liar.sock);
	EVENTUALLY(blocks_in_use(scene.publisher) == 0);
	check_honest(&scene, 1);
	close_scene(&scene);
}

/* Of another length, and else as it should be. */
HOSTILE_TEST(references_up_have_their_length_only)
{
	for (int more = -1; more <= 1; more += 2) {
		struct scene scene = make_scene();
		const struct tach_wire_ref honest =
			changed(&scene.held, &(struct tach_wire_ref){0});
		uint8_t body[sizeof(honest) + 1] = {0};
		const size_t size = (size_t)((int)sizeof(honest) + more);

		memcpy(body, &honest, sizeof(honest));
		raw_say(&scene.liar, TACH_WIRE_RETURN, body, size);
		check_dropped(&scene, "a return");
		close_scene(&scene);

		scene = make_scene();
		const struct tach_wire_ref asked = be_asked_to_retire(&scene);

		drop_caps(&scene);
		memcpy(body, &asked, sizeof(asked));
		raw_say(&scene.liar, TACH_WIRE_RETIRED, body, size);
		check_dropped(&scene, "a retired");
		close_scene(&scene);
	}
}

/* --- the rest --- */

static void check_size(uint32_t type, uint32_t said, size_t size, bool is_fine)
{
	struct scene scene = make_scene();
	uint8_t body[8192] = {0};
	const struct tach_wire_event event = {.type = 5, .size = said};

	/* The liar's ring takes less than the largest: it has one of 64 KiB. */
	raw_peer_close(&scene.liar);
	EVENTUALLY((tachyon_publisher_dispatch(scene.publisher),
		    tachyon_publisher_subscribers(scene.publisher)) == 1);
	drop_notices(scene.publisher);
	scene.liar = join_raw(scene.publisher, 65536);
	drop_notices(scene.publisher);
	if (type == TACH_WIRE_UP_EVENT)
		memcpy(body, &event, sizeof(event));
	raw_say(&scene.liar, type, body, size);
	if (is_fine)
		check_honest(&scene, 2);
	else
		check_dropped(&scene, "a size");
	close_scene(&scene);
}

HOSTILE_TEST(messages_up_are_as_long_as_the_longest_that_is_known)
{
	check_size(TACH_WIRE_UP_EVENT, 4096, 24 + 4096, true);
	check_size(TACH_WIRE_UP_EVENT, 4097, 24 + 4097, false);
	check_size(TACH_WIRE_UP_EVENT, 0, 24, true);
	check_size(TACH_WIRE_UP_EVENT, UINT32_MAX, 24, false);
	check_size(99, 0, 4120, true);
	check_size(99, 0, 4121, false);
	check_size(UINT32_MAX, 0, 0, true);
	check_size(0, 0, 4121, false);
}

HOSTILE_TEST(a_need_of_any_number_binds_nobody)
{
	static const uint32_t needs[] = {0, 1, 63, 64, 0x7fffffff, 0x80000000u, 0xffffffff};
	struct scene scene = make_scene();

	put_ref(&scene, TACH_WIRE_RETURN, &scene.held);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(needs); i++) {
		raw_say(&scene.liar, TACH_WIRE_NEED, &needs[i], sizeof(needs[i]));
		check_honest(&scene, 2);
	}
	CHECK(figures(scene.publisher).blocks < 100);
	close_scene(&scene);
}
