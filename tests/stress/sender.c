/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Sends what is planned, in every way that there is. */
#include <stdlib.h>
#include <unistd.h>

#include "lane.h"
#include "stress.h"

#define COPIED_MAX (1u << 20)

void lane_end_is_here(struct lane_end *end)
{
	atomic_store(&end->pid, getpid());
	atomic_store(&end->thread, gettid());
}

/* Just before the call that shows it: a receiver that has it sooner finds an older stamp. */
static void stamp(struct sender *sender)
{
	const uint64_t first =
		atomic_load_explicit(&sender->lane->sender.shown, memory_order_relaxed);
	struct stamp *const stamp = &sender->lane->stamps[first % STAMPS];

	atomic_store_explicit(&stamp->time_ns, now_ns(), memory_order_relaxed);
	atomic_store_explicit(&stamp->number, first + 1, memory_order_release);
}

static void has_shown(struct sender *sender)
{
	atomic_store_explicit(&sender->lane->sender.shown, sender->next, memory_order_release);
}

static void wait_begins(struct sender *sender)
{
	atomic_store_explicit(&sender->lane->sender.waits, 1, memory_order_relaxed);
}

static void wait_ends(struct sender *sender)
{
	atomic_store_explicit(&sender->lane->sender.waits, 0, memory_order_relaxed);
}

static void *reserve(struct sender *sender, uint32_t size)
{
	void *room;
	int ret;

	wait_begins(sender);
	ret = tachyon_bus_reserve(sender->bus, size, &room, HANG_NS);
	wait_ends(sender);
	if (ret < 0)
		fail("message %lu: reserve %u: %s", (unsigned long)sender->next, size,
		     tachyon_strerror(ret));
	return room;
}

static void give_up_one(struct sender *sender, uint32_t size)
{
	plan_scribble(reserve(sender, size), size);
	expect(tachyon_bus_rollback(sender->bus), 0, "rollback");
}

static void send_copied(struct sender *sender, const struct draft *draft)
{
	_Alignas(8) static _Thread_local uint8_t copy[COPIED_MAX];
	int ret;

	plan_fill(draft, copy);
	stamp(sender);
	wait_begins(sender);
	ret = tachyon_bus_send(sender->bus, copy, draft->size, draft->type, HANG_NS);
	wait_ends(sender);
	if (ret < 0)
		fail("message %lu: send %u: %s", (unsigned long)sender->next, draft->size,
		     tachyon_strerror(ret));
}

static void send_in_place(struct sender *sender, const struct draft *draft)
{
	void *const room = reserve(sender, draft->reserved);

	/* What is behind a short commit must not be taken for a message. */
	if (draft->reserved > draft->size)
		plan_scribble(room, draft->reserved);
	plan_fill(draft, room);
	if (draft->is_unflushed) {
		expect(tachyon_bus_commit_unflushed(sender->bus, draft->size, draft->type), 0,
		       "commit_unflushed");
		return;
	}
	stamp(sender);
	expect(tachyon_bus_commit(sender->bus, draft->size, draft->type), 0, "commit");
}

void sender_flush(struct sender *sender)
{
	stamp(sender);
	expect(tachyon_bus_flush(sender->bus), 0, "flush");
	has_shown(sender);
}

void sender_send(struct sender *sender)
{
	const struct draft draft = plan_message(&sender->plan, sender->next);

	if (draft.given_up > 0)
		give_up_one(sender, draft.given_up - 1);
	if (draft.is_copied && draft.size <= COPIED_MAX)
		send_copied(sender, &draft);
	else
		send_in_place(sender, &draft);
	sender->next++;
	atomic_store_explicit(&sender->lane->sender.begun, sender->next, memory_order_release);
	if (!draft.is_unflushed)
		has_shown(sender);
	else if (sender->next % 16 == 0 && draw(&sender->dice) % 2 == 0)
		sender_flush(sender);
}

void sender_try_too_big(struct sender *sender)
{
	const size_t size = tachyon_bus_max_message(sender->bus) + 1;
	uint8_t byte = 0;
	void *room;

	expect(tachyon_bus_reserve(sender->bus, size, &room, HANG_NS), TACHYON_ERR_TOO_BIG,
	       "reserve one byte too many");
	expect(tachyon_bus_reserve(sender->bus, SIZE_MAX, &room, HANG_NS), TACHYON_ERR_TOO_BIG,
	       "reserve all the memory there is");
	/* It is refused before it is read. */
	expect(tachyon_bus_send(sender->bus, &byte, size, 0, HANG_NS), TACHYON_ERR_TOO_BIG,
	       "send one byte too many");
}
