/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A window: a private mapping, moved along a file.
 */
#include "window.h"

#include "os.h"

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
	*window = (struct tach_window){
		.base = base,
		.size = size,
		.offset = offset,
		.file = file,
		.pagemap = tach_os_pagemap(),
		.is_writable = is_writable,
	};
	return 0;
}

void tach_window_close(struct tach_window *window)
{
	if (!window->base)
		return;
	tach_os_close(window->pagemap);
	tach_os_unmap(window->base, window->size);
	tach_os_close(window->file);
	window->base = NULL;
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
	tach_os_close(window->pagemap);
	window->pagemap = tach_os_pagemap();
}
