/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A window on pieces of a file: what it shows, what is written into it, and that the file knows
 * nothing of that.
 */
#include "window.h"

#include <stdlib.h>

#include "os.h"
#include "system.h"

#define PIECES 3
#define PAGES 5

/* A file of PIECES pieces, each of PAGES pages, each full of its number. */
struct scene {
	int file;
	size_t size;
	uint8_t *expected;
	struct tach_window window;
};

static void fill_piece(const struct scene *scene, unsigned int piece, int number)
{
	memset(scene->expected, number, scene->size);
	CHECK_EQ(pwrite(scene->file, scene->expected, scene->size, (off_t)(piece * scene->size)),
		 scene->size);
}

static struct scene make_scene(bool is_writable)
{
	struct scene scene = {.file = tach_os_unnamed_file("/dev/shm")};

	CHECK(scene.file >= 0);
	scene.size = PAGES * tach_os_page_size();
	scene.expected = malloc(scene.size);
	for (unsigned int i = 0; i < PIECES; i++)
		fill_piece(&scene, i, (int)i + 1);
	CHECK_EQ(tach_window_open(&scene.window, scene.file, 0, scene.size, is_writable), 0);
	return scene;
}

static void end_scene(struct scene *scene)
{
	tach_window_close(&scene->window);
	tach_os_close(scene->file);
	free(scene->expected);
}

static void show(struct scene *scene, unsigned int piece)
{
	CHECK_EQ(tach_window_show(&scene->window, piece * scene->size), 0);
}

/* Only this number, everywhere. */
static void check_shows(const struct scene *scene, int number)
{
	memset(scene->expected, number, scene->size);
	CHECK_MEM_EQ(scene->window.base, scene->expected, scene->size);
}

static void check_file(const struct scene *scene, unsigned int piece, int number)
{
	uint8_t *const bytes = malloc(scene->size);

	CHECK_EQ(pread(scene->file, bytes, scene->size, (off_t)(piece * scene->size)), scene->size);
	memset(scene->expected, number, scene->size);
	CHECK_MEM_EQ(bytes, scene->expected, scene->size);
	free(bytes);
}

static bool is_written(const struct scene *scene)
{
	uint8_t *const bytes = malloc(scene->size);
	bool answer;

	CHECK_EQ(pread(scene->file, bytes, scene->size, (off_t)scene->window.offset), scene->size);
	answer = tach_window_is_written(&scene->window, bytes, scene->size);
	free(bytes);
	return answer;
}

TEST(one_address_shows_one_piece_after_another)
{
	for (int is_writable = 0; is_writable < 2; is_writable++) {
		struct scene scene = make_scene(is_writable);
		const void *const base = scene.window.base;

		for (unsigned int i = 0; i < 9; i++) {
			show(&scene, i % PIECES);
			CHECK_EQ((uintptr_t)scene.window.base, (uintptr_t)base);
			check_shows(&scene, (int)(i % PIECES) + 1);
			CHECK(!is_written(&scene));
		}
		end_scene(&scene);
	}
}

TEST(what_was_written_stays_in_the_window_until_it_shows_something_anew)
{
	struct scene scene = make_scene(true);

	for (unsigned int next = 0; next < PIECES; next++) {
		show(&scene, 1);
		memset(scene.window.base, 99, scene.size);
		CHECK(is_written(&scene));
		check_file(&scene, 1, 2);
		/* The same piece, too. */
		show(&scene, next);
		CHECK(!is_written(&scene));
		check_shows(&scene, (int)next + 1);
	}
	end_scene(&scene);
}

TEST(one_byte_anywhere_is_something_written)
{
	struct scene scene = make_scene(true);

	for (size_t i = 0; i < scene.size; i += 4093) {
		show(&scene, 2);
		CHECK(!is_written(&scene));
		((uint8_t *)scene.window.base)[i] = 77;
		CHECK(is_written(&scene));
		check_file(&scene, 2, 3);
	}
	show(&scene, 2);
	((uint8_t *)scene.window.base)[scene.size - 1] = 77;
	CHECK(is_written(&scene));
	end_scene(&scene);
}

TEST(what_the_file_changes_to_is_shown_and_is_not_written_here)
{
	struct scene scene = make_scene(true);

	show(&scene, 0);
	check_shows(&scene, 1);
	fill_piece(&scene, 0, 50);
	show(&scene, 0);
	check_shows(&scene, 50);
	CHECK(!is_written(&scene));
	end_scene(&scene);
}

TEST(without_a_page_table_to_look_at_the_bytes_tell)
{
	struct scene scene = make_scene(true);

	tach_os_close(scene.window.pagemap);
	scene.window.pagemap = -1;
	show(&scene, 1);
	CHECK(!is_written(&scene));
	((uint8_t *)scene.window.base)[4097] = 9;
	CHECK(is_written(&scene));
	show(&scene, 1);
	CHECK(!is_written(&scene));
	check_shows(&scene, 2);
	end_scene(&scene);
}

TEST(a_read_only_window_cannot_be_written)
{
	struct scene scene = make_scene(false);

	CHECK_EQ(write_in_child(scene.window.base), -SIGSEGV);
	CHECK_EQ(read_in_child(scene.window.base), 1);
	CHECK(!is_written(&scene));
	end_scene(&scene);
}

static int write_for_itself(void *arg)
{
	struct scene *const scene = arg;

	tach_window_forked(&scene->window);
	show(scene, 0);
	CHECK(!is_written(scene));
	memset(scene->window.base, 5, 1);
	CHECK(is_written(scene));
	show(scene, 0);
	CHECK(!is_written(scene));
	check_shows(scene, 1);
	end_scene(scene);
	return 0;
}

TEST(a_child_has_a_window_of_its_own)
{
	struct scene scene = make_scene(true);

	show(&scene, 0);
	CHECK_EQ(wait_child(run_child(write_for_itself, &scene)), 0);
	CHECK(!is_written(&scene));
	check_shows(&scene, 1);
	end_scene(&scene);
}

/* Or a lock of it would outlive its holder in the window of a child. */
TEST(a_window_keeps_no_lock_of_the_file_that_it_was_opened_from)
{
	struct scene scene = make_scene(true);
	const int other = tach_os_open_again(scene.file);

	CHECK_EQ(tach_os_lock(scene.file), 0);
	tach_window_close(&scene.window);
	CHECK_EQ(tach_window_open(&scene.window, scene.file, 0, scene.size, true), 0);
	CHECK_EQ(tach_os_lock(other), -EAGAIN);
	tach_os_close(scene.file);
	CHECK_EQ(tach_os_lock(other), 0);
	scene.file = other;
	end_scene(&scene);
}

TEST(out_of_descriptors_there_is_no_window)
{
	struct scene scene = make_scene(true);
	struct tach_window window = {0};
	struct rlimit old = forbid_fds();
	const int ret = tach_window_open(&window, scene.file, 0, scene.size, true);

	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(ret, -EMFILE);
	tach_window_close(&window);
	CHECK(!window.base);
	end_scene(&scene);
}

/* fork() in one thread while another moves the window: it shows one place and says another. */
TEST(a_child_believes_nothing_of_where_the_window_stands)
{
	struct scene scene = make_scene(true);

	show(&scene, 2);
	scene.window.offset = 0;
	tach_window_forked(&scene.window);
	show(&scene, 0);
	check_shows(&scene, 1);
	end_scene(&scene);
}
