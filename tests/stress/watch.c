/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tells a lost wake-up from a machine that is busy: who was woken is running, or waits for a
 * processor, and the kernel says so (R); who was forgotten sleeps (S). A span counts where one
 * and the same wait was seen asleep at two looks at least, what he waits for was there, and the
 * call that should have woken him had returned, before the first of them. What he had to wait for a
 * processor meanwhile is taken off, since the kernel also says S of who is taken off his processor
 * as he is about to sleep. So a span is never longer than he was truly forgotten, whatever the
 * machine does to him, to his peer, or to the watcher.
 */
#include "watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

/* A file of a thread's; empty where it is gone. */
static void read_about(const struct lane_end *end, const char *name, char text[128])
{
	char path[64];
	ssize_t size = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)atomic_load(&end->pid),
		 (int)atomic_load(&end->thread), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		size = read(fd, text, 127);
		close(fd);
	}
	text[size > 0 ? size : 0] = '\0';
}

/*
 * In a poll, and not for a lock of a sanitizer's, say; nor about to be. Where the kernel does not
 * tell, one is as good as another, but with a sanitizer.
 */
static bool is_in_a_poll(const struct lane_end *end)
{
	char text[128];
	long call;

	read_about(end, "syscall", text);
	if (text[0] == '\0')
		return !IS_SANITIZED;
	if (sscanf(text, "%ld", &call) != 1)
		return false;
#ifdef SYS_poll
	if (call == SYS_poll)
		return true;
#endif
	return call == SYS_ppoll;
}

static bool is_asleep(const struct lane_end *end)
{
	char text[128];
	const char *state;

	if (!atomic_load(&end->waits))
		return false;
	read_about(end, "stat", text);
	/* Behind the name, which is in brackets. */
	state = strrchr(text, ')');
	return state && strncmp(state, ") S", 3) == 0 && is_in_a_poll(end);
}

/* How long it has waited for a processor so far; 0 where the kernel does not say. */
static int64_t delay_of(const struct lane_end *end)
{
	char text[128];
	unsigned long ran_ns, delay_ns;

	read_about(end, "schedstat", text);
	return sscanf(text, "%lu %lu", &ran_ns, &delay_ns) == 2 ? (int64_t)delay_ns : 0;
}

/* Its messages are there, and its bell was rung, if need be. Who sleeps for room has flushed. */
static bool is_receiver_forgotten(const struct lane *lane, uint64_t place)
{
	uint64_t there = atomic_load(&lane->sender.shown);

	if (!atomic_load(&lane->receiver.waits))
		return false;
	if (is_asleep(&lane->sender))
		there = atomic_load(&lane->sender.begun);
	return there > place && is_asleep(&lane->receiver) &&
	       atomic_load(&lane->receiver.begun) == place;
}

/* All that it sent was released: whatever it wants to send fits. */
static bool is_sender_forgotten(const struct lane *lane, uint64_t place)
{
	return atomic_load(&lane->receiver.shown) == place && is_asleep(&lane->sender) &&
	       atomic_load(&lane->sender.begun) == place;
}

/* What there was of it, once it is over. */
static void end_span(struct watch *watch, const struct lane_end *end, struct span *span)
{
	int64_t delay_ns, length_ns;

	if (span->since_ns > 0 && span->until_ns > span->since_ns) {
		delay_ns = delay_of(end) - span->delay_ns;
		length_ns = span->until_ns - span->since_ns - (delay_ns > 0 ? delay_ns : 0);
		watch->spans += length_ns > 0;
		watch->longest_ns = length_ns > watch->longest_ns ? length_ns : watch->longest_ns;
	}
	span->since_ns = 0;
}

static void follow(struct watch *watch, const struct lane_end *end, struct span *span,
		   uint64_t place, bool is_forgotten, int64_t before_ns)
{
	if (!is_forgotten || span->place != place)
		end_span(watch, end, span);
	if (!is_forgotten)
		return;
	if (span->since_ns > 0) {
		span->until_ns = before_ns;
		return;
	}
	*span = (struct span){.place = place, .delay_ns = delay_of(end), .since_ns = now_ns()};
}

void watch_look(struct watch *watch)
{
	const struct lane *const lane = watch->lane;
	const int64_t before_ns = now_ns();
	const uint64_t received = atomic_load(&lane->receiver.begun);
	const uint64_t sent = atomic_load(&lane->sender.begun);

	follow(watch, &lane->receiver, &watch->receiver, received,
	       is_receiver_forgotten(lane, received), before_ns);
	follow(watch, &lane->sender, &watch->sender, sent, is_sender_forgotten(lane, sent),
	       before_ns);
}

void watch_end(struct watch *watch)
{
	end_span(watch, &watch->lane->receiver, &watch->receiver);
	end_span(watch, &watch->lane->sender, &watch->sender);
}
