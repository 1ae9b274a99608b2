/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* The simulated memory: see weak.h. */
#include "weak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define WORDS_MAX sizeof(((struct weak_parcel *)0)->view)
#define MESSAGES_MAX 250u
#define THREADS_MAX 4u
#define STACK_SIZE (256u << 10)

/* Of each word, the oldest message that may still be read. */
struct view {
	uint8_t at[WORDS_MAX];
};

struct message {
	uint64_t value;
	struct view view; /* what who acquires it sees */
};

struct word {
	volatile void *address;
	unsigned int count;
	struct message messages[MESSAGES_MAX];
};

struct thread {
	struct view now, acquired, released;
	struct view pending; /* what a membarrier brought, and no fence has made use of */
	ucontext_t context;
	bool is_done;
	bool (*is_ready)(void *data);
	void *data;
	void (*run)(void);
};

static struct {
	struct word words[WORDS_MAX];
	unsigned int word_count;
	struct thread threads[THREADS_MAX];
	unsigned int thread_count;
	struct thread *current;
	struct view consistent; /* what all sequentially consistent fences saw */
	ucontext_t scheduler;
	uint64_t state;
	unsigned int turn; /* operations in a row, on average: of this execution */
} machine;

static uint8_t stacks[THREADS_MAX][STACK_SIZE];

unsigned int weak_random(unsigned int below)
{
	machine.state ^= machine.state << 13;
	machine.state ^= machine.state >> 7;
	machine.state ^= machine.state << 17;
	return (unsigned int)(machine.state >> 33) % below;
}

unsigned int weak_self(void)
{
	return (unsigned int)(machine.current - machine.threads);
}

static void join(struct view *view, const struct view *other)
{
	for (unsigned int i = 0; i < machine.word_count; i++) {
		if (other->at[i] > view->at[i])
			view->at[i] = other->at[i];
	}
}

static uint64_t peek(const volatile void *address, size_t size)
{
	return size == 8   ? *(const volatile uint64_t *)address
	       : size == 4 ? *(const volatile uint32_t *)address
			   : *(const volatile uint8_t *)address;
}

static void poke(volatile void *address, size_t size, uint64_t value)
{
	if (size == 8)
		*(volatile uint64_t *)address = value;
	else if (size == 4)
		*(volatile uint32_t *)address = (uint32_t)value;
	else
		*(volatile uint8_t *)address = (uint8_t)value;
}

static _Noreturn void give_up(const char *why)
{
	fprintf(stderr, "weak memory: %s\n", why);
	abort();
}

static unsigned int find_word(const volatile void *address, size_t size)
{
	unsigned int i = 0;

	while (i < machine.word_count && machine.words[i].address != address)
		i++;
	if (i < machine.word_count)
		return i;
	if (i == WORDS_MAX)
		give_up("too many words");
	machine.words[i].address = (volatile void *)(uintptr_t)address;
	machine.words[i].count = 1;
	machine.words[i].messages[0] = (struct message){.value = peek(address, size)};
	machine.word_count++;
	return i;
}

/* --- turns --- */

static void switch_away(void)
{
	swapcontext(&machine.current->context, &machine.scheduler);
}

void weak_pause(void)
{
	switch_away();
}

static void maybe_switch(void)
{
	if (weak_random(machine.turn) == 0)
		switch_away();
}

void weak_block(bool (*is_true)(void *data), void *data)
{
	struct thread *self = machine.current;

	while (!is_true(data)) {
		self->is_ready = is_true;
		self->data = data;
		switch_away();
	}
	self->is_ready = NULL;
}

static void start(void)
{
	machine.current->run();
	machine.current->is_done = true;
	switch_away();
}

static struct thread *pick(void)
{
	struct thread *ready[THREADS_MAX];
	unsigned int count = 0;

	for (unsigned int i = 0; i < machine.thread_count; i++) {
		struct thread *thread = &machine.threads[i];

		if (!thread->is_done && (!thread->is_ready || thread->is_ready(thread->data)))
			ready[count++] = thread;
	}
	return count > 0 ? ready[weak_random(count)] : NULL;
}

static bool is_all_done(void)
{
	for (unsigned int i = 0; i < machine.thread_count; i++) {
		if (!machine.threads[i].is_done)
			return false;
	}
	return true;
}

bool weak_run(uint64_t seed, void (*const threads[])(void), unsigned int count)
{
	machine.word_count = 0;
	machine.thread_count = count;
	machine.state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	machine.turn = 2u << 2 * weak_random(3);
	memset(&machine.consistent, 0, sizeof(machine.consistent));
	memset(machine.threads, 0, sizeof(machine.threads));
	for (unsigned int i = 0; i < count; i++) {
		struct thread *thread = &machine.threads[i];

		thread->run = threads[i];
		getcontext(&thread->context);
		thread->context.uc_stack.ss_sp = stacks[i];
		thread->context.uc_stack.ss_size = STACK_SIZE;
		makecontext(&thread->context, start, 0);
	}
	while ((machine.current = pick()))
		swapcontext(&machine.scheduler, &machine.current->context);
	return is_all_done();
}

/* --- fences --- */

static bool acquires(memory_order order)
{
	return order != memory_order_relaxed && order != memory_order_release;
}

static bool releases(memory_order order)
{
	return order == memory_order_release || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

void weak_compiler_fence(void)
{
	join(&machine.current->now, &machine.current->pending);
}

static void fence(struct thread *thread, memory_order order)
{
	join(&thread->now, &thread->pending);
	if (acquires(order))
		join(&thread->now, &thread->acquired);
	if (order == memory_order_seq_cst) {
		join(&thread->now, &machine.consistent);
		join(&machine.consistent, &thread->now);
	}
	if (releases(order))
		thread->released = thread->now;
}

void weak_fence(memory_order order)
{
	maybe_switch();
	fence(machine.current, order);
}

int weak_membarrier(void)
{
	maybe_switch();
	for (unsigned int i = 0; i < machine.thread_count; i++)
		join(&machine.consistent, &machine.threads[i].now);
	for (unsigned int i = 0; i < machine.thread_count; i++)
		join(&machine.threads[i].pending, &machine.consistent);
	fence(machine.current, memory_order_seq_cst);
	return 0;
}

void weak_hand_over(struct weak_parcel *parcel)
{
	join((struct view *)parcel, &machine.current->now);
}

void weak_take(const struct weak_parcel *parcel)
{
	join(&machine.current->now, (const struct view *)parcel);
}

/* --- words --- */

static struct message *add_message(unsigned int index, uint64_t value, memory_order order)
{
	struct thread *self = machine.current;
	struct word *word = &machine.words[index];
	struct message *message = &word->messages[word->count];

	if (word->count == MESSAGES_MAX)
		give_up("too many stores");
	*message = (struct message){.value = value};
	self->now.at[index] = (uint8_t)word->count;
	message->view = releases(order) ? self->now : self->released;
	message->view.at[index] = (uint8_t)word->count++;
	return message;
}

static uint64_t read_message(unsigned int index, unsigned int number, memory_order order)
{
	struct thread *self = machine.current;
	const struct message *message = &machine.words[index].messages[number];

	self->now.at[index] = (uint8_t)number;
	join(&self->acquired, &message->view);
	if (acquires(order)) {
		join(&self->now, &self->pending);
		join(&self->now, &message->view);
	}
	return message->value;
}

/*
 * Sequentially consistent operations have one order, which each word keeps; they are an acquire and
 * a release besides, and no fence.
 */
static void note_order(unsigned int index, memory_order order)
{
	if (order == memory_order_seq_cst)
		machine.consistent.at[index] = (uint8_t)(machine.words[index].count - 1);
}

uint64_t weak_load(const volatile void *address, size_t size, memory_order order)
{
	unsigned int index, oldest, newest;

	maybe_switch();
	index = find_word(address, size);
	oldest = machine.current->now.at[index];
	newest = machine.words[index].count - 1;
	if (order == memory_order_seq_cst && machine.consistent.at[index] > oldest)
		oldest = machine.consistent.at[index];
	if (weak_random(2))
		oldest = newest;
	return read_message(index, oldest + weak_random(newest - oldest + 1), order);
}

void weak_store(volatile void *address, size_t size, uint64_t value, memory_order order)
{
	unsigned int index;

	maybe_switch();
	index = find_word(address, size);
	add_message(index, value, order);
	note_order(index, order);
	poke(address, size, value);
}

/* The newest value, as all that modify a word; the release that it stands on goes on in it. */
static void replace(unsigned int index, uint64_t value, memory_order order)
{
	const struct view before =
		machine.words[index].messages[machine.words[index].count - 1].view;

	join(&add_message(index, value, order)->view, &before);
	note_order(index, order);
}

static uint64_t result(enum weak_operation operation, uint64_t value, uint64_t operand)
{
	switch (operation) {
	case WEAK_SET:
		return operand;
	case WEAK_ADD:
		return value + operand;
	case WEAK_OR:
		return value | operand;
	case WEAK_AND:
		return value & operand;
	}
	return 0;
}

static uint64_t masked(uint64_t value, size_t size)
{
	return size == 8 ? value : value & ((1ull << (8 * size)) - 1);
}

uint64_t weak_modify(volatile void *address, size_t size, enum weak_operation operation,
		     uint64_t operand, memory_order order)
{
	unsigned int index;
	uint64_t value, changed;

	maybe_switch();
	index = find_word(address, size);
	value = read_message(index, machine.words[index].count - 1, order);
	changed = masked(result(operation, value, operand), size);
	replace(index, changed, order);
	poke(address, size, changed);
	return value;
}

bool weak_exchange_if(volatile void *address, size_t size, uint64_t *expected, uint64_t desired,
		      memory_order success, memory_order failure)
{
	const uint64_t wanted = masked(*expected, size);
	unsigned int index, newest;

	maybe_switch();
	index = find_word(address, size);
	newest = machine.words[index].count - 1;
	*expected = machine.words[index].messages[newest].value;
	(void)read_message(index, newest, *expected == wanted ? success : failure);
	if (*expected != wanted)
		return false;
	replace(index, masked(desired, size), success);
	poke(address, size, masked(desired, size));
	return true;
}
