/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A window: a private mapping, moved along a file.
 */
#include "window.h"

#include <stdatomic.h>

#include "os.h"

/* No place of a file: offsets are whole pages. */
#define NOWHERE UINT64_MAX

int tach_window_open(struct tach_window *window, int fd, uint64_t offset, size_t size,
		     bool is_writable)
{
	const int file = tach_os_open_again(fd);
	void *base = NULL;
	int ret;

	if (file < 0)
		return file;
	ret = tach_os_map_private(file, offset, size, is_writable, &base);
	if (ret < 0) {
		tach_os_close(file);
		return ret;
	}
	window->size = size;
	window->offset = offset;
	window->file = file;
	window->pagemap = tach_os_pagemap();
	window->is_writable = is_writable;
	/*
	 * The base comes last: another thread may fork at any moment, and the child goes by it.
	 * Pairs with nothing: fork() copies what is stored.
	 */
	atomic_thread_fence(memory_order_release);
	window->base = base;
	return 0;
}

void tach_window_close(struct tach_window *window)
{
	void *const base = window->base;

	if (!base)
		return;
	window->base = NULL;
	tach_os_close(window->pagemap);
	tach_os_unmap(base, window->size);
	tach_os_close(window->file);
}

int tach_window_show(struct tach_window *window, uint64_t offset)
{
	int ret;

	if (offset == window->offset && window->is_writable)
		return tach_os_forget_writes(window->pagemap, window->base, window->size);
	if (offset == window->offset)
		return 0;
	ret = tach_os_map_private(window->file, offset, window->size, window->is_writable,
				  &window->base);
	if (ret == 0)
		window->offset = offset;
	return ret;
}

bool tach_window_is_written(const struct tach_window *window, const void *file, size_t size)
{
	if (!window->is_writable)
		return false;
	if (window->pagemap < 0)
		return memcmp(window->base, file, size) != 0;
	return tach_os_has_writes(window->pagemap, window->base, window->size);
}

void tach_window_forked(struct tach_window *window)
{
	if (!window->base)
		return;
	/* It may have been on its way from one place to the next. */
	window->offset = NOWHERE;
	tach_os_close(window->pagemap);
	window->pagemap = tach_os_pagemap();
}
