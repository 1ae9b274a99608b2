/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Streams by name, without a handle: unlink, stat, list.
 */
#include "os.h"
#include "stream.h"

static bool has_id(int file, const uint8_t *id)
{
	struct tach_stream_header header;

	return tach_os_read_at_once(file, &header, sizeof(header)) == 0 &&
	       memcmp(header.id, id, sizeof(header.id)) == 0;
}

/*
 * Whoever removes a name first locks the file that has it, then looks whether it still has: so the
 * name cannot be removed, and given to another file, between the look and our removal.
 */
static int unlink_locked(int file, const char *path, const uint8_t *id)
{
	const int ret = tach_os_lock_first_byte(file);

	if (ret < 0)
		return ret;
	if (!tach_stream_has_name(file, path))
		return -EAGAIN;
	if (id && !has_id(file, id))
		return -ENOENT;
	return tach_os_unlink(path);
}

static int unlink_once(const char *path, const uint8_t *id)
{
	const int file = tach_stream_open_file(path);
	int ret;

	/* Nothing that could be a stream: no other's removal can be in the way. */
	if (file == TACHYON_ERR_CORRUPT)
		return id ? -ENOENT : tach_os_unlink(path);
	if (file < 0)
		return file;
	ret = unlink_locked(file, path, id);
	tach_os_close(file);
	return ret;
}

int tachyon_stream_unlink(const char *name, const uint8_t *id)
{
	char path[TACH_STREAM_PATH_SIZE];
	int ret;

	if (!name)
		return -EINVAL;
	ret = tach_stream_path(name, path);
	if (ret < 0)
		return ret;
	do {
		/*
		 * -EAGAIN: another removed it, and maybe gave the name away, since it was opened.
		 */
		ret = unlink_once(path, id);
	} while (ret == -EAGAIN);
	/* Its memory on a device may have waited for that. */
	if (ret == 0)
		tach_device_sweep();
	return ret;
}

int tachyon_stream_stat(const char *name, struct tachyon_stream_info *info)
{
	struct tach_stream_header header;
	struct tach_stream_shape shape;
	char path[TACH_STREAM_PATH_SIZE];
	int file, ret;

	if (!name || !info || info->size < sizeof(info->size))
		return -EINVAL;
	ret = tach_stream_path(name, path);
	if (ret < 0)
		return ret;
	file = tach_stream_open_file(path);
	if (file < 0)
		return file;
	ret = tach_stream_check(file, &header, &shape);
	tach_os_close(file);
	if (ret == 0)
		tach_stream_fill_info(&shape, &header, info);
	return ret;
}

struct listing {
	int (*each)(const char *name, void *data);
	void *data;
};

static int list_one(const char *file, void *data)
{
	const struct listing *listing = data;
	char name[256];

	return tach_stream_name_of(file, name) ? listing->each(name, listing->data) : 0;
}

int tachyon_stream_list(int (*each)(const char *name, void *data), void *data)
{
	struct listing listing = {.each = each, .data = data};

	return each ? tach_os_list(TACH_STREAM_DIRECTORY, list_one, &listing) : -EINVAL;
}
