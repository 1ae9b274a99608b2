/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonsink.c: whatever it waits for, pause, flush and stop come first. */
#include "sink-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* Until the sink's streaming thread sleeps for room. */
static void await_sleep(GstElement *sink)
{
	await_stat(sink, "waits", 1);
	g_usleep(20000);
}

/* The states come, from where the sink waits, within a moment. */
static void check_states(GstElement *pipeline)
{
	static const GstState states[] = {
		GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
		GST_STATE_READY,  GST_STATE_PLAYING, GST_STATE_NULL,
	};
	const gint64 start = g_get_monotonic_time();

	for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
		set_state(pipeline, states[i]);
	CHECK(g_get_monotonic_time() - start < 5 * G_USEC_PER_SEC);
}

TEST(states_change_while_a_subscriber_does_not_read)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket "
				      "sync=false max-buffers=2");
	struct tachyon_subscriber *subscriber;

	reach_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	await_sleep(sink_of(pipeline));
	check_states(pipeline);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(states_change_while_it_waits_for_a_connection)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket "
				      "wait-for-connection=true");

	reach_state(pipeline, GST_STATE_PLAYING);
	await_sleep(sink_of(pipeline));
	check_states(pipeline);
	finish(pipeline);
}

static int subscribe_and_stop(void *arg)
{
	struct tachyon_subscriber *subscriber = join("socket");
	struct tachyon_frame frame = next_frame(subscriber);

	(void)arg;
	raise(SIGSTOP);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

TEST(states_change_while_the_subscriber_is_stopped)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket "
				      "sync=false");
	const pid_t pid = run_child(subscribe_and_stop, NULL);

	reach_state(pipeline, GST_STATE_PLAYING);
	await_stat(sink_of(pipeline), "frames", 1);
	await_sleep(sink_of(pipeline));
	check_states(pipeline);
	kill(pid, SIGCONT);
	CHECK_EQ(wait_child(pid), 0);
	finish(pipeline);
}

TEST(a_pause_while_a_subscriber_does_not_read_loses_nothing)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=100 ! video/x-raw,width=64,"
				      "height=64 ! tachyonsink name=sink socket-path=socket "
				      "sync=false max-buffers=2 wait-for-connection=true");
	struct tachyon_subscriber *subscriber;

	set_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	for (int i = 0; i < 5; i++) {
		struct tachyon_frame frame;

		await_sleep(sink_of(pipeline));
		reach_state(pipeline, GST_STATE_PAUSED);
		reach_state(pipeline, GST_STATE_PLAYING);
		frame = next_frame(subscriber);
		CHECK_EQ(frame.offset, i);
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(count_frames(subscriber), 95);

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(a_seek_with_flush_goes_on_while_a_subscriber_does_not_read)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket "
				      "sync=false max-buffers=2");
	const gint64 start = g_get_monotonic_time();
	struct tachyon_subscriber *subscriber;

	reach_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	for (int i = 0; i < 10; i++) {
		await_sleep(sink_of(pipeline));
		CHECK(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
					      (gint64)i * GST_SECOND));
	}
	CHECK(g_get_monotonic_time() - start < 10 * G_USEC_PER_SEC);
	tachyon_subscriber_destroy(subscriber);
	await_stat(sink_of(pipeline), "rendered", 1);
	finish(pipeline);
}

/* A subscriber that keeps every frame, so that upstream finds no block. */
struct hoarder {
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame frames[100000];
	int count;
};

static gpointer hoard(gpointer data)
{
	struct hoarder *hoarder = data;
	struct tachyon_item item;

	while (tachyon_subscriber_receive(hoarder->subscriber, &item, -1) == 0) {
		if (item.type == TACHYON_ITEM_FRAME)
			hoarder->frames[hoarder->count++] = item.frame;
	}
	return NULL;
}

static void check_hoarder(const char *description)
{
	static struct hoarder hoarder;
	GstElement *pipeline = launch(description);
	GThread *thread;
	gint64 start;

	set_state(pipeline, GST_STATE_PLAYING);
	hoarder.subscriber = join("socket");
	thread = g_thread_new("hoarder", hoard, &hoarder);
	await_sleep(sink_of(pipeline));
	start = g_get_monotonic_time();
	set_state(pipeline, GST_STATE_PAUSED);
	set_state(pipeline, GST_STATE_PLAYING);
	set_state(pipeline, GST_STATE_NULL);
	CHECK(g_get_monotonic_time() - start < 5 * G_USEC_PER_SEC);
	/* No error of upstream's either: it could not have memory, and that was not its fault. */
	finish(pipeline);

	tachyon_subscriber_cancel(hoarder.subscriber);
	g_thread_join(thread);
	for (int i = 0; i < hoarder.count; i++)
		tachyon_frame_release(&hoarder.frames[i]);
	tachyon_subscriber_destroy(hoarder.subscriber);
}

TEST(a_subscriber_that_keeps_all_frames_does_not_hinder_the_stop)
{
	check_hoarder("videotestsrc pattern=solid-color ! video/x-raw,format=I420,width=64,"
		      "height=64 ! tachyonsink name=sink socket-path=socket sync=false");
}

TEST(a_subscriber_that_keeps_all_samples_does_not_hinder_the_stop)
{
	check_hoarder("audiotestsrc ! audio/x-raw,channels=2 ! queue ! "
		      "tachyonsink name=sink socket-path=socket sync=false");
}

/* --- idle --- */

TEST(a_paused_sink_sleeps_whatever_its_subscriber_does)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket "
				      "sync=false max-buffers=2");
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame frame;
	uint64_t before;

	reach_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	await_sleep(sink_of(pipeline));
	reach_state(pipeline, GST_STATE_PAUSED);
	/* Room again, that nobody takes. */
	frame = next_frame(subscriber);
	tachyon_frame_release(&frame);
	frame = next_frame(subscriber);
	g_usleep(50000);
	before = stat_of(sink_of(pipeline), "system-calls");
	g_usleep(500000);
	CHECK(stat_of(sink_of(pipeline), "system-calls") - before < 10);

	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* How often the sink's own thread slept. */
static long service_sleeps(void)
{
	GDir *tasks = g_dir_open("/proc/self/task", 0, NULL);
	const char *task;
	long sleeps = -1;

	while ((task = g_dir_read_name(tasks))) {
		gchar *path = g_strdup_printf("/proc/self/task/%s/status", task);
		gchar *status = NULL;

		if (g_file_get_contents(path, &status, NULL, NULL) &&
		    strstr(status, "Name:\ttachyon-service\n"))
			sleeps = atol(strstr(status, "\nvoluntary_ctxt_switches:") + 25);
		g_free(status);
		g_free(path);
	}
	g_dir_close(tasks);
	return sleeps;
}

TEST(a_stream_that_flows_does_not_wake_the_service)
{
	GstElement *pipeline = launch("videotestsrc ! video/x-raw,width=64,height=64 ! "
				      "tachyonsink name=sink socket-path=socket sync=false "
				      "max-buffers=1");
	struct tachyon_subscriber *subscriber;
	long sleeps = 0;

	reach_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	for (int i = 0; i < 3000; i++) {
		struct tachyon_frame frame = next_frame(subscriber);

		if (i == 1000)
			sleeps = service_sleeps();
		tachyon_frame_release(&frame);
	}
	CHECK(sleeps > 0);
	CHECK(service_sleeps() - sleeps < 100);

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* --- events --- */

static void send_custom(GstPad *pad, int number)
{
	GstStructure *structure = gst_structure_new(
		"number", "n", G_TYPE_INT, number, "filler", G_TYPE_STRING,
		"so that a few of these fill a ring of sixty-four kilobytes", NULL);

	gst_pad_send_event(pad, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure));
}

TEST(events_in_PAUSED_wait_for_nobody_and_keep_their_order)
{
	GstElement *pipeline = gst_pipeline_new(NULL);
	GstElement *sink = gst_element_factory_make("tachyonsink", "sink");
	GstPad *pad = gst_element_get_static_pad(sink, "sink");
	GstSegment segment;
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	int seen = 0;

	g_object_set(sink, "socket-path", "socket", "sync", FALSE, "async", FALSE, NULL);
	gst_bin_add(GST_BIN(pipeline), sink);
	set_state(pipeline, GST_STATE_PAUSED);
	subscriber = join("socket");
	await_stat(sink, "subscribers", 1);
	gst_pad_send_event(pad, gst_event_new_stream_start("s"));
	for (int i = 0; i < 2000; i++)
		send_custom(pad, i);
	/* It would have been held up here. */
	set_state(pipeline, GST_STATE_PLAYING);

	gst_segment_init(&segment, GST_FORMAT_TIME);
	gst_pad_send_event(pad, gst_event_new_segment(&segment));
	while (seen < 2000) {
		gint number;
		GstStructure *structure;
		gchar *text;

		if (tachyon_subscriber_receive(subscriber, &item, SECOND_NS / 10) < 0) {
			/* What found no room goes ahead of the next event. */
			gst_pad_send_event(pad, gst_event_new_segment(&segment));
			continue;
		}
		if (item.type != TACHYON_ITEM_EVENT ||
		    item.event.type != GST_EVENT_CUSTOM_DOWNSTREAM)
			continue;
		text = g_strndup(item.event.data, item.event.size);
		structure = gst_structure_from_string(text, NULL);
		CHECK(structure != NULL);
		CHECK(gst_structure_get_int(structure, "n", &number));
		CHECK_EQ(number, seen++);
		gst_structure_free(structure);
		g_free(text);
	}

	gst_object_unref(pad);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* --- waking up --- */

TEST(a_connection_ends_the_wait_for_one)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=10 ! tachyonsink name=sink "
				      "socket-path=socket sync=false wait-for-connection=true");
	struct tachyon_subscriber *subscriber;

	set_state(pipeline, GST_STATE_PLAYING);
	await_sleep(sink_of(pipeline));
	subscriber = join("socket");
	CHECK_EQ(count_frames(subscriber), 10);
	await_eos(pipeline);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(switching_the_wait_off_ends_it)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=10 ! tachyonsink name=sink "
				      "socket-path=socket sync=false wait-for-connection=true");

	set_state(pipeline, GST_STATE_PLAYING);
	await_sleep(sink_of(pipeline));
	g_object_set(sink_of(pipeline), "wait-for-connection", FALSE, NULL);
	await_eos(pipeline);
	finish(pipeline);
}

TEST(becoming_leaky_ends_the_wait_for_room)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=30 ! tachyonsink name=sink "
				      "socket-path=socket sync=false max-buffers=2 "
				      "wait-for-connection=true");
	struct tachyon_subscriber *subscriber;

	set_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	await_sleep(sink_of(pipeline));
	gst_util_set_object_arg(G_OBJECT(sink_of(pipeline)), "leaky-type", "upstream");
	await_eos(pipeline);
	CHECK_EQ(stat_of(sink_of(pipeline), "dropped"), 28);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

static int subscribe_and_hang(void *arg)
{
	(void)arg;
	join("socket");
	return pause();
}

TEST(the_death_of_a_subscriber_ends_the_wait_for_it)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=30 ! tachyonsink name=sink "
				      "socket-path=socket sync=false max-buffers=2 "
				      "wait-for-connection=true");
	const pid_t pid = run_child(subscribe_and_hang, NULL);

	set_state(pipeline, GST_STATE_PLAYING);
	await_stat(sink_of(pipeline), "frames", 2);
	await_sleep(sink_of(pipeline));
	g_object_set(sink_of(pipeline), "wait-for-connection", FALSE, NULL);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	await_eos(pipeline);
	finish(pipeline);
}
