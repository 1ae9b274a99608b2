/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The process's log callback, which may be replaced while other threads log.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_SIZE 512

/*
 * Never changed and never freed: a thread may be inside it, and no lock tells, since a lock that
 * another thread held at a fork would be stuck in the child. Who sets the same again gets the same.
 */
struct sink {
	tachyon_log_function function;
	void *data;
	enum tachyon_log_level level;
	struct sink *older;
};

static _Atomic(struct sink *) newest;
static _Atomic(struct sink *) current;

static struct sink *find(tachyon_log_function function, void *data, enum tachyon_log_level level)
{
	/* Pairs with the release in add(): who sees a sink sees what stands in it. */
	struct sink *sink = atomic_load_explicit(&newest, memory_order_acquire);

	while (sink && (sink->function != function || sink->data != data || sink->level != level))
		sink = sink->older;
	return sink;
}

/* NULL when there is no memory. Two threads may add the same: no harm. */
static struct sink *add(tachyon_log_function function, void *data, enum tachyon_log_level level)
{
	struct sink *sink = malloc(sizeof(*sink));

	if (!sink)
		return NULL;
	*sink = (struct sink){.function = function, .data = data, .level = level};
	sink->older = atomic_load_explicit(&newest, memory_order_relaxed);
	/* Pairs with the acquire in find(), which reads older sinks through this one, too. */
	while (!atomic_compare_exchange_weak_explicit(&newest, &sink->older, sink,
						      memory_order_acq_rel, memory_order_relaxed))
		;
	return sink;
}

void tachyon_log_set(tachyon_log_function function, void *data, enum tachyon_log_level level)
{
	struct sink *sink = find(function, data, level);

	/* Without memory, lines are dropped: the old function may not be valid any more. */
	if (!sink)
		sink = add(function, data, level);
	/* Pairs with the acquire in tach_log(). */
	atomic_store_explicit(&current, sink, memory_order_release);
}

void tach_log(enum tachyon_log_level level, const char *format, ...)
{
	/* Pairs with the release in tachyon_log_set(): who sees the sink sees what stands in it. */
	const struct sink *sink = atomic_load_explicit(&current, memory_order_acquire);
	const int saved_errno = errno;
	char line[LINE_SIZE];
	va_list arguments;

	if (!sink || !sink->function || level > sink->level)
		return;

	va_start(arguments, format);
	if (vsnprintf(line, sizeof(line), format, arguments) >= 0)
		sink->function(level, line, sink->data);
	va_end(arguments);
	errno = saved_errno;
}
