/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tests of both elements: each cause of a failure has its own error, which names the path and says
 * what the system said.
 */
#include "sink-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- what is said --- */

/* Of one of our elements: an application has nothing of the base class's echo. */
static GstMessage *await_our_error(GstElement *pipeline, const char *name)
{
	GstMessage *const message = await_message(pipeline, GST_MESSAGE_ERROR);

	if (strcmp(GST_MESSAGE_SRC_NAME(message), name) != 0)
		test_fail(__FILE__, __LINE__, "the first error is of %s",
			  GST_MESSAGE_SRC_NAME(message));
	return message;
}

static void check_text(const GError *error, const char *debug, const char *part)
{
	if (part && !strstr(error->message, part) && !(debug && strstr(debug, part)))
		test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\" (%s)", part, error->message,
			  debug ? debug : "");
}

/* The first error: its kind, the path in its text, the system's words in text or detail. */
static void expect_error(GstElement *pipeline, const char *name, GQuark domain, gint code,
			 const char *path, int number)
{
	GstMessage *const message = await_our_error(pipeline, name);
	GError *error;
	gchar *debug;

	gst_message_parse_error(message, &error, &debug);
	if (error->domain != domain || error->code != code)
		test_fail(__FILE__, __LINE__, "another error: %s %d: %s (%s)",
			  g_quark_to_string(error->domain), error->code, error->message, debug);
	check_text(error, NULL, path);
	check_text(error, debug, number ? g_strerror(number) : NULL);
	if (strstr(error->message, "Internal data stream error"))
		test_fail(__FILE__, __LINE__, "no cause: %s (%s)", error->message, debug);
	CHECK(TRUE);
	g_error_free(error);
	g_free(debug);
	gst_message_unref(message);
}

/* No more than the echo of the base class and of the elements upstream may follow. */
static void end_failed(GstElement *pipeline)
{
	GstBus *bus = gst_element_get_bus(pipeline);

	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	let_go(pipeline, bus);
}

#define SINK_HEAD \
	"videotestsrc num-buffers=50 ! video/x-raw,width=64,height=48 ! tachyonsink name=sink "
#define SRC_HEAD "tachyonsrc name=src "

static GstElement *begin(const char *head, const char *options, const char *tail)
{
	char *const description = g_strconcat(head, options, tail, NULL);
	GstElement *const pipeline = launch(description);

	g_free(description);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	return pipeline;
}

static void check_sink(const char *options, gint code, const char *path, int number)
{
	GstElement *const pipeline = begin(SINK_HEAD, options, "");

	expect_error(pipeline, "sink", GST_RESOURCE_ERROR, code, path, number);
	end_failed(pipeline);
}

static void check_src(const char *options, GQuark domain, gint code, const char *path, int number)
{
	GstElement *const pipeline = begin(SRC_HEAD, options, " ! fakesink");

	expect_error(pipeline, "src", domain, code, path, number);
	end_failed(pipeline);
}

static void make_file(const char *name)
{
	const int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "keep", 4), 4);
	CHECK_EQ(close(fd), 0);
}

static void check_file(const char *name)
{
	struct stat status;

	CHECK_EQ(stat(name, &status), 0);
	CHECK(S_ISREG(status.st_mode));
	CHECK_EQ(status.st_size, 4);
	CHECK_EQ(unlink(name), 0);
}

/* --- the address --- */

TEST(no_path_is_an_error_of_settings_at_both_ends)
{
	check_sink("", GST_RESOURCE_ERROR_SETTINGS, "socket-path", 0);
	check_src("", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "socket-path", 0);
}

TEST(a_path_that_is_too_long_is_an_error_of_settings_at_both_ends)
{
	char *const name = g_strnfill(200, 'x');
	char *const option = g_strconcat("socket-path=", name, NULL);

	check_sink(option, GST_RESOURCE_ERROR_SETTINGS, name, 0);
	check_src(option, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, name, 0);
	g_free(option);
	g_free(name);
}

TEST(a_folder_that_is_not_there_is_not_found)
{
	check_sink("socket-path=no/such/socket", GST_RESOURCE_ERROR_NOT_FOUND, "no/such/socket",
		   ENOENT);
}

TEST(a_file_in_a_folders_place_says_so)
{
	make_file("file");
	check_sink("socket-path=file/socket", GST_RESOURCE_ERROR_NOT_FOUND, "file/socket", ENOTDIR);
	check_file("file");
}

TEST(a_regular_file_is_left_alone_and_named_by_both_ends)
{
	make_file("file");
	check_sink("socket-path=file", GST_RESOURCE_ERROR_OPEN_READ_WRITE, "file", 0);
	check_src("socket-path=file connection-timeout=1000000000", GST_RESOURCE_ERROR,
		  GST_RESOURCE_ERROR_OPEN_READ, "file", ENOTSOCK);
	check_file("file");
}

TEST(a_folder_in_the_sockets_place_is_an_error)
{
	CHECK_EQ(mkdir("folder", 0700), 0);
	check_sink("socket-path=folder", GST_RESOURCE_ERROR_OPEN_READ_WRITE, "folder", 0);
	CHECK_EQ(rmdir("folder"), 0);
}

/* As another user: root may write anywhere. */
static void become_nobody(void)
{
	if (geteuid() == 0) {
		CHECK_EQ(chmod(test_dir(), 0755), 0);
		CHECK_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
		CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	}
}

static int fail_in_unwritable_folder(void *arg)
{
	(void)arg;
	become_nobody();
	check_sink("socket-path=folder/socket", GST_RESOURCE_ERROR_NOT_AUTHORIZED, "folder/socket",
		   EACCES);
	return 0;
}

TEST(a_folder_that_cannot_be_written_to_is_an_error_of_access)
{
	CHECK_EQ(mkdir("folder", 0555), 0);
	CHECK_EQ(wait_child(run_child(fail_in_unwritable_folder, NULL)), 0);
	CHECK_EQ(rmdir("folder"), 0);
}

/* It waits for the socket to be there. */
static int fail_to_connect(void *arg)
{
	(void)arg;
	become_nobody();
	check_src("socket-path=socket connection-timeout=20000000000", GST_RESOURCE_ERROR,
		  GST_RESOURCE_ERROR_NOT_AUTHORIZED, "socket", EACCES);
	return 0;
}

TEST(a_sink_of_another_user_is_an_error_of_access)
{
	GstElement *sink;
	pid_t pid;

	if (geteuid() != 0)
		SKIP("only root can be somebody else");
	/* Before there are threads: it is a fork. */
	pid = run_child(fail_to_connect, NULL);
	sink = begin(SINK_HEAD, "socket-path=socket", "");
	CHECK_EQ(wait_child(pid), 0);
	end_failed(sink);
}

TEST(two_sinks_on_one_path_the_second_is_busy_and_the_first_goes_on)
{
	GstElement *const first = begin("videotestsrc is-live=true ! tachyonsink name=sink ",
					"socket-path=socket", "");
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame frame;

	reach_state(first, GST_STATE_PLAYING);
	check_sink("socket-path=socket", GST_RESOURCE_ERROR_BUSY, "socket", EADDRINUSE);
	check_sink("socket-path=socket", GST_RESOURCE_ERROR_BUSY, "socket", EADDRINUSE);

	subscriber = join("socket");
	frame = next_frame(subscriber);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	finish(first);
}

TEST(nobody_in_time_is_not_found)
{
	check_src("socket-path=socket connection-timeout=100000000", GST_RESOURCE_ERROR,
		  GST_RESOURCE_ERROR_NOT_FOUND, "socket", 0);
}

TEST(a_sink_that_has_all_the_subscribers_it_takes_is_busy)
{
	GstElement *const sink =
		begin("videotestsrc is-live=true ! tachyonsink name=sink leaky-type=upstream ",
		      "socket-path=socket", "");
	struct tachyon_subscriber *subscribers[64];

	reach_state(sink, GST_STATE_PLAYING);
	for (size_t i = 0; i < G_N_ELEMENTS(subscribers); i++)
		subscribers[i] = join("socket");
	check_src("socket-path=socket connection-timeout=300000000", GST_RESOURCE_ERROR,
		  GST_RESOURCE_ERROR_BUSY, "socket", 0);
	for (size_t i = 0; i < G_N_ELEMENTS(subscribers); i++)
		tachyon_subscriber_destroy(subscribers[i]);
	finish(sink);
}

/* --- no room --- */

/* A tmpfs of 64 KiB in the test's folder, full; its mount goes with the process. */
static void mount_full_folder(void)
{
	char page[4096] = {0};
	int fd;

	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount("none", "full", "tmpfs", 0, "size=64k,nr_inodes=2"), 0);
	fd = open("full/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		;
	CHECK_EQ(close(fd), 0);
}

static int fail_on_full_disk(void *arg)
{
	(void)arg;
	mount_full_folder();
	check_sink("socket-path=full/socket", GST_RESOURCE_ERROR_NO_SPACE_LEFT, "full/socket",
		   ENOSPC);
	return 0;
}

TEST(a_full_disk_leaves_no_space_for_the_socket)
{
	if (geteuid() != 0)
		SKIP("only root may mount");
	CHECK_EQ(mkdir("full", 0700), 0);
	CHECK_EQ(wait_child(run_child(fail_on_full_disk, NULL)), 0);
	CHECK_EQ(rmdir("full"), 0);
}

static int fail_with_limit(void *arg)
{
	const struct rlimit limit = {.rlim_cur = 8 << 20, .rlim_max = 8 << 20};
	GstElement *const pipeline = launch(
		"fakesrc sizetype=fixed sizemax=100000000 ! "
		"tachyonsink name=sink socket-path=socket sync=false wait-for-connection=true");
	struct tachyon_subscriber *subscriber;

	(void)arg;
	signal(SIGXFSZ, SIG_IGN);
	reach_state(pipeline, GST_STATE_PAUSED);
	subscriber = join("socket");
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	expect_error(pipeline, "sink", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, "socket",
		     EFBIG);
	tachyon_subscriber_destroy(subscriber);
	end_failed(pipeline);
	return 0;
}

TEST(a_limit_of_the_size_of_files_is_an_error_of_writing)
{
	CHECK_EQ(wait_child(run_child(fail_with_limit, NULL)), 0);
}

/* More than a publisher may have. */
TEST(a_buffer_beyond_all_memory_leaves_no_space)
{
	GstElement *const pipeline =
		launch("appsrc name=feed ! tachyonsink name=sink socket-path=socket sync=false");
	GstBuffer *const buffer = gst_buffer_new();
	struct tachyon_subscriber *subscriber;
	GstFlowReturn flow;

	gst_buffer_append_memory(buffer, gst_allocator_alloc(NULL, 1100000000, NULL));
	set_state(pipeline, GST_STATE_PAUSED);
	subscriber = join("socket");
	set_state(pipeline, GST_STATE_PLAYING);
	g_signal_emit_by_name(part(pipeline, "feed"), "push-buffer", buffer, &flow);
	gst_buffer_unref(buffer);
	expect_error(pipeline, "sink", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
		     "socket", 0);
	tachyon_subscriber_destroy(subscriber);
	end_failed(pipeline);
}

/* Whatever the kind of the error: the path and the cause are in it. */
static int fail_without_descriptors(void *arg)
{
	GstElement *const pipeline = launch("fakesrc ! tachyonsink name=sink socket-path=socket");
	struct rlimit limit;
	GstMessage *message;
	GError *error;
	gchar *debug;

	(void)arg;
	set_state(pipeline, GST_STATE_READY);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)dup(0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);

	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
	message = await_our_error(pipeline, "sink");
	gst_message_parse_error(message, &error, &debug);
	check_text(error, NULL, "socket");
	check_text(error, debug, g_strerror(EMFILE));
	CHECK(TRUE);
	g_error_free(error);
	g_free(debug);
	gst_message_unref(message);
	end_failed(pipeline);
	return 0;
}

TEST(no_descriptors_left_is_an_error_that_says_so)
{
	CHECK_EQ(wait_child(run_child(fail_without_descriptors, NULL)), 0);
}

/* --- the stream --- */

struct liar {
	struct tachyon_publisher *publisher;
	const char *caps;
};

static void start_liar(struct liar *liar, const char *caps)
{
	CHECK_EQ(tachyon_publisher_create("socket", NULL, &liar->publisher), 0);
	CHECK_EQ(tachyon_publisher_set_caps(liar->publisher, caps), 0);
}

static void serve_until_joined(struct liar *liar)
{
	while (tachyon_publisher_subscribers(liar->publisher) == 0) {
		tachyon_publisher_dispatch(liar->publisher);
		g_usleep(1000);
	}
}

TEST(caps_that_cannot_be_parsed_are_an_error_of_format)
{
	struct liar liar;
	GstElement *pipeline;

	start_liar(&liar, "video/x-raw, width=(int)three");
	pipeline = begin(SRC_HEAD, "socket-path=socket", " ! fakesink");
	serve_until_joined(&liar);
	expect_error(pipeline, "src", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, NULL, 0);
	end_failed(pipeline);
	tachyon_publisher_destroy(liar.publisher);
}

/* Writes over all that this process shares with its subscriber, but the header. */
static void scribble(void)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512];
	char perms[5];
	int count = 0;

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) != 3 || perms[1] != 'w' ||
		    !strstr(line, "/memfd:tachyon") || strstr(line, "payload"))
			continue;
		for (char *byte = (char *)start + 4096; byte < (char *)end; byte++)
			*byte = (char)rand();
		count++;
	}
	fclose(maps);
	CHECK(count > 0);
}

static int publish_and_scribble(void *arg)
{
	const struct tachyon_frame frame = {.data = (void *)"abc", .size = 3};
	struct liar liar;

	(void)arg;
	start_liar(&liar, "application/x-test");
	serve_until_joined(&liar);
	/* The first one blocks the subscriber: what is written over then is not read yet. */
	CHECK_EQ(tachyon_publisher_send(liar.publisher, &frame), 1);
	raise(SIGSTOP);
	for (int i = 0; i < 20; i++)
		CHECK(tachyon_publisher_send(liar.publisher, &frame) >= 0);
	scribble();
	for (int i = 0; i < 20; i++)
		tachyon_publisher_send(liar.publisher, &frame);
	raise(SIGSTOP);
	tachyon_publisher_destroy(liar.publisher);
	return 0;
}

static GstPadProbeReturn block(GstPad *pad, GstPadProbeInfo *info, gpointer is_blocked)
{
	(void)pad;
	(void)info;
	g_atomic_int_set((gint *)is_blocked, 1);
	return GST_PAD_PROBE_OK;
}

static void await_stop(pid_t pid)
{
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
}

TEST(a_ring_that_was_written_over_is_an_error_of_decoding)
{
	GstElement *const pipeline =
		launch("tachyonsrc name=src socket-path=socket on-disconnect=eos ! fakesink");
	GstPad *const pad = gst_element_get_static_pad(part(pipeline, "src"), "src");
	const pid_t pid = run_child(publish_and_scribble, NULL);
	gint is_blocked = 0;
	gulong probe;

	probe = gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, block,
				  &is_blocked, NULL);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	await_stop(pid);
	while (!g_atomic_int_get(&is_blocked))
		g_usleep(1000);
	kill(pid, SIGCONT);
	await_stop(pid);
	gst_pad_remove_probe(pad, probe);
	gst_object_unref(pad);
	expect_error(pipeline, "src", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE, "socket", 0);
	end_failed(pipeline);
	kill(pid, SIGCONT);
	wait_child(pid);
}

static int publish_and_die(void *arg)
{
	struct liar liar;

	(void)arg;
	start_liar(&liar, "application/x-test");
	serve_until_joined(&liar);
	raise(SIGKILL);
	return 0;
}

TEST(a_producer_that_died_is_named_where_that_is_an_error)
{
	const pid_t pid = run_child(publish_and_die, NULL);

	check_src("socket-path=socket on-disconnect=error", GST_RESOURCE_ERROR,
		  GST_RESOURCE_ERROR_READ, "socket", 0);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	CHECK_EQ(unlink("socket"), 0);
}

TEST(a_downstream_that_refuses_the_caps_leaves_an_error_of_negotiation)
{
	const struct tachyon_frame frame = {.data = (void *)"abc", .size = 3};
	struct liar liar;
	GstElement *pipeline;
	GstMessage *message;
	GError *error;

	start_liar(&liar, "video/x-raw, format=I420, width=64, height=48, framerate=25/1");
	pipeline = begin(SRC_HEAD, "socket-path=socket", " ! audio/x-raw ! fakesink");
	serve_until_joined(&liar);
	CHECK_EQ(tachyon_publisher_send(liar.publisher, &frame), 1);
	message = await_our_error(pipeline, "src");
	gst_message_parse_error(message, &error, NULL);
	if (!g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION))
		test_fail(__FILE__, __LINE__, "another error: %s", error->message);
	CHECK(!strstr(error->message, "Internal data stream error"));
	g_error_free(error);
	gst_message_unref(message);
	end_failed(pipeline);
	tachyon_publisher_destroy(liar.publisher);
}

/* --- the end --- */

TEST(the_end_of_the_stream_reaches_all_and_is_no_error)
{
	GstElement *const sender = launch(SINK_HEAD "socket-path=socket sync=false "
						    "wait-for-connection=true");
	GstElement *receivers[3];

	for (size_t i = 0; i < G_N_ELEMENTS(receivers); i++) {
		receivers[i] = begin(SRC_HEAD, "socket-path=socket", " ! fakesink sync=false");
	}
	reach_state(sender, GST_STATE_PAUSED);
	await_stat(sink_of(sender), "subscribers", G_N_ELEMENTS(receivers));
	set_state(sender, GST_STATE_PLAYING);
	for (size_t i = 0; i < G_N_ELEMENTS(receivers); i++) {
		await_eos(receivers[i]);
		finish(receivers[i]);
	}
	await_eos(sender);
	finish(sender);
}
