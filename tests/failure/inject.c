/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* The places of the library, and the plan for one of them. */
#include "inject.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The linker's: around the section of that name. */
extern const struct site *__start_failure_sites[];
extern const struct site *__stop_failure_sites[];

static struct plan plan;
static unsigned int calls[SITES_MAX];
static bool has_fired;
static _Thread_local bool is_armed;
static _Atomic long held;

size_t inject_site_count(void)
{
	return (size_t)(__stop_failure_sites - __start_failure_sites);
}

const struct site *inject_site(size_t index)
{
	return __start_failure_sites[index];
}

bool inject_is_memory(const struct site *site)
{
	return strstr(site->call, "alloc") || strcmp(site->call, "strdup") == 0;
}

void inject_set(const struct plan *given)
{
	plan = *given;
	has_fired = false;
	memset(calls, 0, sizeof(calls));
}

void inject_arm(void)
{
	is_armed = true;
}

void inject_disarm(void)
{
	is_armed = false;
}

void inject_end(void)
{
	plan.occurrence = 0;
}

bool inject_has_fired(void)
{
	return has_fired;
}

unsigned int inject_calls(size_t site)
{
	return calls[site];
}

long inject_held(void)
{
	return held;
}

static size_t index_of(const struct site *site)
{
	size_t i = 0;

	while (__start_failure_sites[i] != site)
		i++;
	return i;
}

bool site_fails(const struct site *site)
{
	size_t index;

	if (!is_armed)
		return false;
	index = index_of(site);
	calls[index]++;
	if (plan.occurrence == 0 || plan.site != index || calls[index] < plan.occurrence ||
	    (calls[index] > plan.occurrence && !plan.persists))
		return false;
	has_fired = true;
	errno = plan.number;
	return true;
}

int site_after(int made, bool fails)
{
	return fails ? -1 : made;
}

/* --- memory --- */

void *site_keep(void *memory)
{
	if (memory)
		atomic_fetch_add(&held, 1);
	return memory;
}

void *site_resize(void *memory, size_t size)
{
	const bool is_new = !memory;
	void *const resized = realloc(memory, size);

	return is_new ? site_keep(resized) : resized;
}

void site_free(void *memory)
{
	if (memory)
		atomic_fetch_sub(&held, 1);
	free(memory);
}
