/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tests of sound and picture of one pipeline that continue in another: when each buffer is due
 * there, over clocks that drift, pauses, seeks and restarts.
 */
#include "foreign-clock.h"
#include "sink-fixture.h"

#include <gst/base/gstbasesink.h>

#define FRAME (20 * GST_MSECOND)

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- when buffers are due, at one end --- */

/* By which buffer it is: both ends see the producer's timestamp. */
struct due {
	guint64 pts;
	gint64 running_time;
	guint64 base_time;
	guint64 arrived; /* on CLOCK_MONOTONIC */
	gboolean is_discont;
	gboolean is_before_segment;
	gboolean has_dts;
};

struct trace {
	GMutex lock;
	GCond grown;
	GArray *dues;
};

static GstPadProbeReturn note_due(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
	GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
	GstElement *element = gst_pad_get_parent_element(pad);
	struct trace *trace = data;
	const GstSegment *segment;
	guint64 time;
	gint sign;

	CHECK(event != NULL);
	gst_event_parse_segment(event, &segment);
	sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer),
						&time);
	const struct due due = {
		.pts = GST_BUFFER_PTS(buffer),
		.running_time = sign * (gint64)time,
		.base_time = gst_element_get_base_time(element),
		.arrived = gst_tachyon_time_monotonic(),
		.is_discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT),
		.has_dts = GST_BUFFER_DTS_IS_VALID(buffer),
		.is_before_segment = GST_BUFFER_PTS(buffer) < segment->start,
	};

	gst_event_unref(event);
	gst_object_unref(element);
	g_mutex_lock(&trace->lock);
	g_array_append_val(trace->dues, due);
	g_cond_broadcast(&trace->grown);
	g_mutex_unlock(&trace->lock);
	return GST_PAD_PROBE_OK;
}

static struct trace *watch(GstElement *pipeline, const char *name, const char *pad_name)
{
	struct trace *trace = g_new0(struct trace, 1);
	GstPad *pad = gst_element_get_static_pad(part(pipeline, name), pad_name);

	trace->dues = g_array_new(FALSE, FALSE, sizeof(struct due));
	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, note_due, trace, NULL);
	gst_object_unref(pad);
	return trace;
}

static void free_trace(struct trace *trace)
{
	g_array_unref(trace->dues);
	g_free(trace);
}

static guint traced(struct trace *trace)
{
	guint count;

	g_mutex_lock(&trace->lock);
	count = trace->dues->len;
	g_mutex_unlock(&trace->lock);
	return count;
}

static void await_traced(struct trace *trace, guint count)
{
	const gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	g_mutex_lock(&trace->lock);
	while (trace->dues->len < count)
		CHECK(g_cond_wait_until(&trace->grown, &trace->lock, end));
	g_mutex_unlock(&trace->lock);
}

static struct due nth(struct trace *trace, guint index)
{
	struct due due;

	g_mutex_lock(&trace->lock);
	due = g_array_index(trace->dues, struct due, index);
	g_mutex_unlock(&trace->lock);
	return due;
}

/* As it was at the producer: the last of this timestamp, before it arrived. */
static struct due at_producer(struct trace *sent, const struct due *received)
{
	for (guint i = traced(sent); i > 0; i--) {
		const struct due due = nth(sent, i - 1);

		if (due.pts == received->pts && due.arrived <= received->arrived)
			return due;
	}
	test_fail(__FILE__, __LINE__, "nobody sent the timestamp %" GST_TIME_FORMAT,
		  GST_TIME_ARGS(received->pts));
	return (struct due){0};
}

/* --- a producer and a consumer of sound and picture --- */

struct show {
	GstElement *producer, *consumer;
	struct trace *sent[2], *received[2];
};

static const char *const streams[] = {"video", "audio"};

static GstElement *launch_producer(gboolean is_live)
{
	gchar *line = g_strdup_printf(
		"videotestsrc is-live=%d name=videotest ! "
		"video/x-raw,format=GRAY8,width=32,height=32,framerate=50/1 ! "
		"tachyonsink name=video socket-path=video.sock "
		"audiotestsrc is-live=%d samplesperbuffer=480 ! audio/x-raw,rate=48000 ! "
		"tachyonsink name=audio socket-path=audio.sock",
		is_live, is_live);
	GstElement *pipeline = launch(line);

	g_free(line);
	return pipeline;
}

static GstElement *launch_consumer(const char *options)
{
	gchar *line = g_strdup_printf("tachyonsrc name=videosrc socket-path=video.sock %s ! "
				      "fakesink name=video sync=true "
				      "tachyonsrc name=audiosrc socket-path=audio.sock %s ! "
				      "fakesink name=audio sync=true",
				      options, options);
	GstElement *pipeline = launch(line);

	g_free(line);
	return pipeline;
}

/* A clock, or NULL for the system's. */
static struct show begin_with(GstElement *producer, GstElement *consumer, GstClock *producers,
			      GstClock *consumers)
{
	struct show show = {.producer = producer, .consumer = consumer};

	for (guint i = 0; i < 2; i++) {
		show.sent[i] = watch(producer, streams[i], "sink");
		show.received[i] = watch(consumer, streams[i], "sink");
	}
	if (producers)
		gst_pipeline_use_clock(GST_PIPELINE(producer), producers);
	if (consumers)
		gst_pipeline_use_clock(GST_PIPELINE(consumer), consumers);
	set_state(producer, GST_STATE_PLAYING);
	await_traced(show.sent[0], 1);
	set_state(consumer, GST_STATE_PLAYING);
	return show;
}

static struct show begin(const char *options, GstClock *producers, GstClock *consumers)
{
	return begin_with(launch_producer(TRUE), launch_consumer(options), producers, consumers);
}

static void await_more(struct show *show, guint count)
{
	const guint video = traced(show->received[0]), audio = traced(show->received[1]);

	await_traced(show->received[0], video + count);
	await_traced(show->received[1], audio + count);
}

static void end(struct show *show)
{
	finish(show->consumer);
	finish(show->producer);
	for (guint i = 0; i < 2; i++) {
		free_trace(show->sent[i]);
		free_trace(show->received[i]);
	}
}

/* Each buffer is due at the moment at which it was due at the producer. */
static guint check_clock_times(struct show *show, guint from)
{
	guint checked = 0;

	for (guint s = 0; s < 2; s++) {
		for (guint i = from; i < traced(show->received[s]); i++) {
			const struct due here = nth(show->received[s], i);
			const struct due there = at_producer(show->sent[s], &here);

			CHECK_EQ(here.running_time + (gint64)here.base_time,
				 there.running_time + (gint64)there.base_time);
			checked++;
		}
	}
	return checked;
}

TEST(sound_and_picture_are_due_at_the_same_nanosecond_as_at_the_producer)
{
	struct show show = begin("", NULL, NULL);

	await_more(&show, 25);
	set_state(show.consumer, GST_STATE_READY);
	CHECK(check_clock_times(&show, 0) >= 50);
	end(&show);
}

/* The base class would give each a DTS: our running time, which is no position in the segment. */
TEST(do_timestamp_touches_nothing_that_has_a_timestamp)
{
	struct show show = begin("do-timestamp=true", NULL, NULL);

	await_more(&show, 10);
	set_state(show.consumer, GST_STATE_READY);
	for (guint s = 0; s < 2; s++) {
		for (guint i = 0; i < 10; i++)
			CHECK(!nth(show.received[s], i).has_dts);
	}
	CHECK(check_clock_times(&show, 0) >= 20);
	end(&show);
}

TEST(passed_through_sound_and_picture_keep_running_time_to_the_nanosecond)
{
	struct show show = begin("timestamp-mode=passthrough", NULL, NULL);

	await_more(&show, 25);
	for (guint s = 0; s < 2; s++) {
		for (guint i = 0; i < 25; i++) {
			const struct due here = nth(show.received[s], i);

			CHECK_EQ(here.running_time, at_producer(show.sent[s], &here).running_time);
		}
	}
	end(&show);
}

/* --- clocks that drift --- */

/* The moment of CLOCK_MONOTONIC at which a clock shows it. */
static gint64 moment_of(GstClock *clock, gint64 time)
{
	const ForeignClock *foreign = (ForeignClock *)clock;

	return clock ? (gint64)foreign->since +
			       (gint64)((gdouble)(time - (gint64)foreign->shown) / foreign->rate)
		     : time;
}

static void check_drifting(GstClock *producers, GstClock *consumers, const char *options)
{
	struct show show = begin(options, producers, consumers);
	gint64 worst = 0;

	await_more(&show, 150);
	set_state(show.consumer, GST_STATE_READY);
	for (guint s = 0; s < 2; s++) {
		for (guint i = 0; i < traced(show.received[s]); i++) {
			const struct due here = nth(show.received[s], i);
			const struct due there = at_producer(show.sent[s], &here);
			const gint64 error =
				moment_of(consumers, here.running_time + (gint64)here.base_time) -
				moment_of(producers, there.running_time + (gint64)there.base_time);

			worst = MAX(worst, ABS(error));
		}
	}
	g_print("# error <= %" G_GINT64_FORMAT " us\n", worst / 1000);
	CHECK(worst < (gint64)GST_MSECOND);
	end(&show);
	for (guint i = 0; i < 2; i++) {
		GstClock *clock = i ? consumers : producers;

		if (clock)
			gst_object_unref(clock);
	}
}

TEST(a_producers_clock_that_drifts_is_followed_to_a_millisecond)
{
	check_drifting(foreign_clock_new(500), NULL, "");
}

TEST(a_consumers_clock_that_drifts_is_followed_to_a_millisecond)
{
	check_drifting(NULL, foreign_clock_new(-500), "");
}

TEST(clocks_that_drift_and_jitter_at_both_ends_are_followed_to_a_millisecond)
{
	GstClock *producers = foreign_clock_new(500), *consumers = foreign_clock_new(-500);

	((ForeignClock *)producers)->jitter = 20000;
	((ForeignClock *)consumers)->jitter = 20000;
	check_drifting(producers, consumers, "");
}

TEST(what_is_due_on_arrival_is_due_then_on_a_foreign_clock)
{
	GstClock *clock = foreign_clock_new(500);
	struct show show = begin("timestamp-mode=arrival", NULL, clock);

	await_more(&show, 50);
	for (guint s = 0; s < 2; s++) {
		for (guint i = 1; i < 50; i++) {
			const struct due here = nth(show.received[s], i);
			const gint64 due =
				moment_of(clock, here.running_time + (gint64)here.base_time);

			/* It was stamped before it came here, and not long before. */
			CHECK((gint64)here.arrived - due > -(gint64)GST_MSECOND);
			CHECK((gint64)here.arrived - due < (gint64)GST_SECOND);
		}
	}
	end(&show);
	gst_object_unref(clock);
}

static GstClockTime latency_of(GstElement *element, gboolean *is_live)
{
	GstQuery *query = gst_query_new_latency();
	GstClockTime min, max;

	CHECK(gst_element_query(element, query));
	gst_query_parse_latency(query, is_live, &min, &max);
	CHECK_EQ(max, GST_CLOCK_TIME_NONE);
	gst_query_unref(query);
	return min;
}

/* --- who comes late --- */

/* An aggregator aborts on what is in its segment and before running time 0. */
TEST(what_was_due_before_a_late_consumer_began_lies_before_its_segment)
{
	GstElement *producer = launch_producer(TRUE), *consumer = launch_consumer("");
	struct show show;

	/* Buffers come that late, and so the first ones were due before we began. */
	gst_pipeline_set_latency(GST_PIPELINE(producer), 300 * GST_MSECOND);
	show = begin_with(producer, consumer, NULL, NULL);
	await_more(&show, 20);
	set_state(show.consumer, GST_STATE_READY);
	CHECK(nth(show.received[0], 0).running_time < 0);
	for (guint s = 0; s < 2; s++) {
		for (guint i = 0; i < 20; i++) {
			const struct due due = nth(show.received[s], i);

			CHECK_EQ(due.running_time < 0, due.is_before_segment);
		}
	}
	CHECK(check_clock_times(&show, 0) >= 40);
	end(&show);
}

TEST(sources_that_are_not_live_join_a_camera_at_zero_and_together)
{
	GstElement *producer = launch_producer(TRUE);
	struct trace *sent = watch(producer, "video", "sink");
	struct show show;
	gint64 offset;

	set_state(producer, GST_STATE_PLAYING);
	await_traced(sent, 25); /* half a second */
	show = begin_with(producer, launch_consumer("is-live=false"), NULL, NULL);
	await_more(&show, 20);
	set_state(show.consumer, GST_STATE_READY);
	CHECK(nth(show.received[0], 0).running_time < (gint64)(500 * GST_MSECOND));
	offset = nth(show.received[0], 0).running_time - (gint64)nth(show.received[0], 0).pts;
	for (guint s = 0; s < 2; s++) {
		for (guint i = 0; i < 20; i++) {
			const struct due due = nth(show.received[s], i);

			CHECK_EQ(due.running_time - (gint64)due.pts, offset);
		}
	}
	end(&show);
	free_trace(sent);
}

TEST(arrival_does_not_count_the_producers_latency_again)
{
	GstElement *producer = launch_producer(TRUE);
	struct show show;
	gboolean is_live;

	gst_pipeline_set_latency(GST_PIPELINE(producer), 300 * GST_MSECOND);
	show = begin_with(producer, launch_consumer("timestamp-mode=arrival"), NULL, NULL);
	await_more(&show, 2);
	CHECK_EQ(latency_of(part(show.consumer, "videosrc"), &is_live), 0);
	end(&show);
}

/* --- pauses, restarts, seeks --- */

static void pause_for(GstElement *pipeline, guint64 us)
{
	set_state(pipeline, GST_STATE_PAUSED);
	CHECK(gst_element_get_state(pipeline, NULL, NULL, 10 * GST_SECOND) !=
	      GST_STATE_CHANGE_FAILURE);
	g_usleep(us);
	set_state(pipeline, GST_STATE_PLAYING);
}

TEST(a_producer_that_pauses_is_in_time_when_it_resumes)
{
	struct show show = begin("", NULL, NULL);
	guint from;

	await_more(&show, 10);
	pause_for(show.producer, 300000);
	/* What was under way when it paused was due by the old base time. */
	await_more(&show, 5);
	from = MAX(traced(show.received[0]), traced(show.received[1]));
	await_traced(show.received[0], from + 10);
	await_traced(show.received[1], from + 10);
	set_state(show.consumer, GST_STATE_READY);
	CHECK(check_clock_times(&show, from) >= 20);
	end(&show);
}

TEST(a_consumer_that_pauses_is_in_time_when_it_resumes)
{
	struct show show = begin("", NULL, NULL);
	guint from;

	await_more(&show, 10);
	pause_for(show.consumer, 300000);
	await_more(&show, 5);
	from = MAX(traced(show.received[0]), traced(show.received[1]));
	await_traced(show.received[0], from + 10);
	await_traced(show.received[1], from + 10);
	set_state(show.producer, GST_STATE_READY);
	CHECK(check_clock_times(&show, from) >= 20);
	end(&show);
}

/* What the old one had sent comes first. Returns: the first of the new one */
static guint await_discont(struct trace *trace, guint from)
{
	for (guint i = from;; i++) {
		await_traced(trace, i + 1);
		if (nth(trace, i).is_discont)
			return i;
	}
}

TEST(running_time_goes_on_over_a_producer_that_restarts)
{
	struct show show = begin("on-disconnect=none", NULL, NULL);

	await_more(&show, 10);
	set_state(show.producer, GST_STATE_NULL);
	for (guint s = 0; s < 2; s++) {
		g_mutex_lock(&show.sent[s]->lock);
		g_array_set_size(show.sent[s]->dues, 0);
		g_mutex_unlock(&show.sent[s]->lock);
	}
	set_state(show.producer, GST_STATE_PLAYING);
	for (guint s = 0; s < 2; s++) {
		const guint first = await_discont(show.received[s], 10);
		const struct due last = nth(show.received[s], first - 1);

		await_traced(show.received[s], first + 10);
		for (guint i = first; i < first + 10; i++) {
			const struct due here = nth(show.received[s], i);
			const struct due there = at_producer(show.sent[s], &here);

			CHECK_EQ(here.is_discont, i == first);
			CHECK(here.running_time > last.running_time);
			CHECK_EQ(here.running_time + (gint64)here.base_time,
				 there.running_time + (gint64)there.base_time);
		}
	}
	end(&show);
}

/* A pipeline that prerolls gets its base time after the first buffers. */
static void settle_base_times(struct show *show)
{
	for (guint s = 0; s < 2; s++) {
		g_mutex_lock(&show->sent[s]->lock);
		for (guint i = 0; i < show->sent[s]->dues->len; i++)
			g_array_index(show->sent[s]->dues, struct due, i).base_time =
				gst_element_get_base_time(show->producer);
		g_mutex_unlock(&show->sent[s]->lock);
	}
}

/* Not flushing: buffers of the old segment are followed by those of the new one. */
static void check_seek(gdouble rate, gint64 start, gint64 stop)
{
	struct show show = begin_with(launch_producer(FALSE), launch_consumer(""), NULL, NULL);

	await_more(&show, 5);
	CHECK(gst_element_seek(part(show.producer, "videotest"), rate, GST_FORMAT_TIME, 0,
			       GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET, stop));
	await_more(&show, 20);
	set_state(show.consumer, GST_STATE_READY);
	settle_base_times(&show);
	CHECK(check_clock_times(&show, 0) >= 50);
	end(&show);
}

TEST(a_seek_at_the_producer_to_the_middle_is_in_time)
{
	check_seek(1.0, 7 * SECOND_NS, -1);
}

TEST(double_speed_at_the_producer_is_in_time)
{
	check_seek(2.0, 7 * SECOND_NS, -1);
}

TEST(backwards_at_the_producer_is_in_time)
{
	check_seek(-1.0, 0, 60 * SECOND_NS);
}

/* --- latency --- */

/* Others post some, too. */
static void await_latency_message(GstElement *pipeline, const char *name)
{
	gboolean is_its_own;

	do {
		GstMessage *message = await_message(pipeline, GST_MESSAGE_LATENCY);

		is_its_own = GST_MESSAGE_SRC(message) == GST_OBJECT(part(pipeline, name));
		gst_message_unref(message);
	} while (!is_its_own);
}

static void await_latency(GstElement *src, GstClockTime latency)
{
	const gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	gboolean is_live;

	while (latency_of(src, &is_live) != latency) {
		CHECK(g_get_monotonic_time() < end);
		g_usleep(1000);
	}
	CHECK(is_live);
}

TEST(the_producers_latency_comes_over_once_and_so_does_a_change)
{
	GstElement *producer = launch("videotestsrc is-live=true ! video/x-raw,framerate=50/1 ! "
				      "queue name=queue min-threshold-time=0 ! "
				      "tachyonsink name=sink socket-path=video.sock");
	GstElement *consumer = launch("tachyonsrc name=src socket-path=video.sock ! "
				      "fakesink name=video sync=true");
	struct trace *sent = watch(producer, "sink", "sink");
	struct trace *received = watch(consumer, "video", "sink");
	GstMessage *message;
	GstClockTime before;

	set_state(producer, GST_STATE_PLAYING);
	set_state(consumer, GST_STATE_PLAYING);
	await_traced(received, 5);
	before = gst_base_sink_get_latency(GST_BASE_SINK(sink_of(producer)));
	CHECK(before >= FRAME);
	await_latency(part(consumer, "src"), before);

	/* As an application does that answers LATENCY messages. */
	while ((message = gst_bus_pop_filtered(GST_ELEMENT_BUS(consumer), GST_MESSAGE_LATENCY)))
		gst_message_unref(message);
	g_object_set(part(producer, "queue"), "min-threshold-time", 200 * GST_MSECOND, NULL);
	gst_bin_recalculate_latency(GST_BIN(producer));
	CHECK_EQ(gst_base_sink_get_latency(GST_BASE_SINK(sink_of(producer))),
		 before + 200 * GST_MSECOND);
	await_latency_message(consumer, "src");
	gst_bin_recalculate_latency(GST_BIN(consumer));
	await_latency(part(consumer, "src"), before + 200 * GST_MSECOND);
	CHECK(gst_base_sink_get_latency(GST_BASE_SINK(part(consumer, "video"))) >=
	      before + 200 * GST_MSECOND);

	/* Not in the timestamps, too. */
	await_traced(received, traced(received) + 10);
	set_state(consumer, GST_STATE_READY);
	for (guint i = 0; i < traced(received); i++) {
		const struct due here = nth(received, i);
		const struct due there = at_producer(sent, &here);

		CHECK_EQ(here.running_time + (gint64)here.base_time,
			 there.running_time + (gint64)there.base_time);
	}
	finish(consumer);
	finish(producer);
	free_trace(sent);
	free_trace(received);
}

TEST(the_latency_of_a_producer_that_does_not_wait_for_its_clock_comes_over)
{
	GstElement *producer = launch("videotestsrc is-live=true ! video/x-raw,framerate=50/1 ! "
				      "queue min-threshold-time=100000000 ! "
				      "tachyonsink name=sink socket-path=video.sock sync=false");
	GstElement *consumer = launch("tachyonsrc name=src socket-path=video.sock ! "
				      "fakesink name=video sync=true");
	struct trace *received = watch(consumer, "video", "sink");

	set_state(producer, GST_STATE_PLAYING);
	set_state(consumer, GST_STATE_PLAYING);
	await_traced(received, 5);
	await_latency(part(consumer, "src"), 100 * GST_MSECOND + FRAME);
	finish(consumer);
	finish(producer);
	free_trace(received);
}

TEST(a_producer_that_is_not_live_has_no_latency_whatever_its_elements_say)
{
	GstElement *producer = launch("videotestsrc ! video/x-raw,framerate=50/1 ! "
				      "queue min-threshold-time=100000000 ! "
				      "tachyonsink name=sink socket-path=video.sock sync=false "
				      "wait-for-connection=true");
	GstElement *consumer = launch("tachyonsrc name=src socket-path=video.sock ! "
				      "fakesink name=video sync=true");
	struct trace *received = watch(consumer, "video", "sink");

	set_state(producer, GST_STATE_PLAYING);
	set_state(consumer, GST_STATE_PLAYING);
	await_traced(received, 5);
	await_latency(part(consumer, "src"), 0);
	finish(consumer);
	finish(producer);
	free_trace(received);
}

static guint64 dropped_by(GstElement *sink)
{
	GstStructure *stats;
	guint64 dropped;

	g_object_get(sink, "stats", &stats, NULL);
	CHECK(gst_structure_get_uint64(stats, "dropped", &dropped));
	gst_structure_free(stats);
	return dropped;
}

/* Each comes a second after its time; a sink that did not know would drop them all. */
TEST(a_live_sink_without_a_queue_warns_of_nothing_and_shows_every_frame_in_time)
{
	GstElement *producer = launch("videotestsrc is-live=true num-buffers=150 ! "
				      "video/x-raw,framerate=50/1 ! "
				      "queue max-size-buffers=0 min-threshold-time=1000000000 ! "
				      "tachyonsink name=sink socket-path=video.sock "
				      "wait-for-connection=true");
	GstElement *consumer =
		launch("tachyonsrc name=src socket-path=video.sock ! "
		       "fakesink name=video sync=true qos=true max-lateness=500000000");
	struct trace *received = watch(consumer, "video", "sink");

	set_state(producer, GST_STATE_PLAYING);
	set_state(consumer, GST_STATE_PLAYING);
	await_latency_message(consumer, "src");
	gst_bin_recalculate_latency(GST_BIN(consumer));
	await_eos(consumer);
	CHECK_EQ(traced(received), 150);
	CHECK_EQ(dropped_by(part(consumer, "video")), 0);
	CHECK(gst_base_sink_get_latency(GST_BASE_SINK(part(consumer, "video"))) >= SECOND_NS);
	finish(consumer); /* fails on a warning */
	finish(producer);
	free_trace(received);
}
