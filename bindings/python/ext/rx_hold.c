/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What guards of received memory share: until when they keep it, and what views of it are over.
 *
 * The memory is the peer's, and mapped read-only: a view that somebody writes to, whatever it says
 * of itself (torch does not look), would end the process. So views are over memory that may be
 * written to, and that nobody else sees. There are two kinds, chosen by what they cost. A copy
 * costs 1.1 us for 64 KiB and 28 us for 1 MiB; a private view of the same pages, which are copied
 * one by one when they are written to, 1.7 us and 13 us. So small messages are copied, once, by
 * the first view; larger ones are shown privately, where the bus's one private view is not in use
 * already.
 */
#include "bus.h"

#include <stdlib.h>
#include <string.h>

#define PRIVATE_MIN 65536u
/* Of copies: what vector loads want. */
#define ALIGNMENT 64

/* --- how long --- */

int ext_rx_hold_receive(struct ext_rx_hold *hold, struct ext_bus *bus,
			struct tachyon_message *messages, size_t count, int64_t timeout_ns)
{
	int ret;

	hold->bus = (struct ext_bus *)Py_NewRef(bus);
	ext_bus_enter(bus);
	ret = ext_bus_receive(bus, messages, count, timeout_ns);
	if (ret < 0) {
		ext_bus_leave(bus);
		return ret;
	}
	hold->entry.last = messages[ret - 1];
	ext_bus_hold(bus, &hold->entry);
	hold->state = EXT_RX_OPEN;
	return ret;
}

int ext_rx_hold_check(const struct ext_rx_hold *hold)
{
	if (hold->state == EXT_RX_OPEN)
		return 0;
	PyErr_SetString(PyExc_ValueError, "it was released");
	return -1;
}

int ext_rx_hold_check_memory(const struct ext_rx_hold *hold)
{
	if (ext_rx_hold_check(hold) < 0)
		return -1;
	if (!ext_bus_is_foreign(hold->bus))
		return 0;
	ext_raise(hold->bus->state, TACHYON_ERR_FORKED, "received memory");
	return -1;
}

static void give_back(struct ext_rx_hold *hold)
{
	hold->state = EXT_RX_RELEASED;
	ext_bus_give_back(hold->bus, &hold->entry);
	ext_bus_leave(hold->bus);
}

int ext_rx_hold_release(struct ext_rx_hold *hold)
{
	if (ext_rx_hold_check(hold) < 0)
		return -1;
	if (hold->exports > 0) {
		PyErr_SetString(PyExc_BufferError, "views of the memory live: release them first");
		return -1;
	}
	give_back(hold);
	return 0;
}

int ext_rx_hold_exit(struct ext_rx_hold *hold, bool has_raised)
{
	if (hold->state != EXT_RX_OPEN)
		return 0;
	if (has_raised && hold->exports > 0) {
		hold->state = EXT_RX_LEAVING;
		return 0;
	}
	return ext_rx_hold_release(hold);
}

void ext_rx_hold_fini(struct ext_rx_hold *hold)
{
	if (hold->state == EXT_RX_OPEN || hold->state == EXT_RX_LEAVING)
		give_back(hold);
	Py_CLEAR(hold->bus);
}

/* --- memory for views --- */

static void *copy_message(const struct tachyon_message *message)
{
	const size_t size = (message->size / ALIGNMENT + 1) * ALIGNMENT;
	void *const copy = aligned_alloc(ALIGNMENT, size);

	if (copy)
		memcpy(copy, message->data, message->size);
	else
		PyErr_NoMemory();
	return copy;
}

/* NULL, without an exception, where there is none to be had. */
static void *view_privately(struct ext_bus *bus, const struct tachyon_message *message)
{
	void *view;

	/* Only the receiver may ask: with the turn taken, that is another thread. */
	if (message->size < PRIVATE_MIN || bus->viewed || bus->receiving.is_taken)
		return NULL;
	return tachyon_bus_private_view(bus->bus, message, &view) == 0 ? view : NULL;
}

static void *find_memory(struct ext_rx_memory *memory, struct ext_bus *bus,
			 const struct tachyon_message *message)
{
	if (memory->copy)
		return memory->copy;
	if (memory->view)
		return memory->view;
	memory->view = view_privately(bus, message);
	if (memory->view) {
		bus->viewed = memory;
		return memory->view;
	}
	memory->copy = copy_message(message);
	return memory->copy;
}

void *ext_rx_memory_acquire(struct ext_rx_memory *memory, struct ext_rx_hold *hold,
			    const struct tachyon_message *message)
{
	void *found;

	if (ext_rx_hold_check_memory(hold) < 0)
		return NULL;
	found = find_memory(memory, hold->bus, message);
	if (!found)
		return NULL;
	memory->exports++;
	hold->exports++;
	return found;
}

void ext_rx_memory_release(struct ext_rx_memory *memory, struct ext_rx_hold *hold)
{
	if (--memory->exports == 0 && memory->view) {
		memory->view = NULL;
		hold->bus->viewed = NULL;
	}
	if (--hold->exports == 0 && hold->state == EXT_RX_LEAVING)
		give_back(hold);
}

void ext_rx_memory_fini(struct ext_rx_memory *memory)
{
	free(memory->copy);
}
