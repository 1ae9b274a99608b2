/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of both elements in one process: two pipelines, one pair of elements. */
#include "sink-fixture.h"

#include <fcntl.h>
#include <sys/socket.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

struct count {
	gint frames;
	gint wrong;
};

static void count_frame(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
	struct count *const count = data;

	(void)sink;
	(void)pad;
	if (GST_BUFFER_OFFSET(buffer) != (guint64)g_atomic_int_get(&count->frames))
		g_atomic_int_inc(&count->wrong);
	g_atomic_int_inc(&count->frames);
}

static GstElement *start_receiver(struct count *count, const char *options)
{
	gchar *const description =
		g_strdup_printf("tachyonsrc name=src socket-path=pair.sock %s ! "
				"fakesink name=end signal-handoffs=true sync=false",
				options);
	GstElement *const pipeline = launch(description);

	g_free(description);
	g_signal_connect(part(pipeline, "end"), "handoff", G_CALLBACK(count_frame), count);
	set_state(pipeline, GST_STATE_PLAYING);
	return pipeline;
}

static void check_crossing(const char *receiver_options)
{
	struct count count = {0};
	GstElement *const receiver = start_receiver(&count, receiver_options);
	GstElement *const sender = launch("videotestsrc num-buffers=50 ! "
					  "video/x-raw,format=NV12,width=640,height=480 ! "
					  "tachyonsink name=sink socket-path=pair.sock sync=false "
					  "wait-for-connection=true");

	set_state(sender, GST_STATE_PLAYING);
	await_eos(receiver);
	await_eos(sender);
	CHECK_EQ(g_atomic_int_get(&count.frames), 50);
	CHECK_EQ(g_atomic_int_get(&count.wrong), 0);
	CHECK_EQ(stat_of(sink_of(sender), "copied"), 0);
	CHECK_EQ(stat_of(part(receiver, "src"), "copied"), 0);
	finish(receiver);
	finish(sender);
}

TEST(frames_cross_within_one_process_without_a_copy)
{
	check_crossing("");
}

TEST(a_source_that_is_not_live_receives_them_all_too)
{
	check_crossing("is-live=false");
}

/* GStreamer's own buses are stream sockets, and stay open. */
static bool is_stream(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* Those that a program started here would have, too. */
static int count_inherited(void)
{
	int count = 0;

	for (int fd = 3; fd < 1024; fd++) {
		const int flags = fcntl(fd, F_GETFD);

		count += flags >= 0 && !(flags & FD_CLOEXEC) && !is_stream(fd);
	}
	return count;
}

TEST(no_descriptor_stays_open_over_an_exec)
{
	const int before = count_inherited();
	struct count count = {0};
	GstElement *const receiver = start_receiver(&count, "");
	GstElement *const sender = launch("videotestsrc num-buffers=5 ! "
					  "tachyonsink socket-path=pair.sock sync=false "
					  "wait-for-connection=true");

	set_state(sender, GST_STATE_PLAYING);
	await_eos(receiver);
	CHECK_EQ(count_inherited(), before);
	finish(receiver);
	finish(sender);
}
