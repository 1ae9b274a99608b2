/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tests of both elements: every state and transition, in random order, whatever the peer does.
 * TACHYON_TEST_SEED repeats what a failure names.
 */
#include "sink-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHANGES 1000
#define HELD 20
/* No state change waits for a peer: one that takes longer does. */
#define CHANGE_US (5 * G_USEC_PER_SEC)

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- a walk through the states --- */

struct walk {
	GRand *random;
	guint32 seed;
	int step;
};

#define CHECK_WALK(walk, condition)                                                              \
	do {                                                                                     \
		test_count_check();                                                              \
		if (!(condition))                                                                \
			test_fail(__FILE__, __LINE__, "CHECK(%s): seed %u, step %d", #condition, \
				  (walk)->seed, (walk)->step);                                   \
	} while (0)

/* The seed is told at once, for the failure that is a hang. */
static struct walk begin_walk(void)
{
	const char *const given = g_getenv("TACHYON_TEST_SEED");
	const guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();

	gst_printerr("# seed %u\n", seed);
	return (struct walk){.random = g_rand_new_with_seed(seed), .seed = seed};
}

static void end_walk(struct walk *walk)
{
	g_rand_free(walk->random);
}

static bool draw(struct walk *walk, guint one_in)
{
	return g_rand_int_range(walk->random, 0, (gint32)one_in) == 0;
}

/*
 * An error or a warning is none of a state change's business. Other elements are not ours to judge:
 * videotestsrc, stopped at the wrong moment, calls that an error in front of fakesink, too.
 */
static void check_bus(struct walk *walk, GstElement *pipeline)
{
	GstBus *const bus = gst_element_get_bus(pipeline);
	GstMessage *message;

	while ((message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))) {
		const bool is_ours = strcmp(GST_MESSAGE_SRC_NAME(message), "sink") == 0 ||
				     strcmp(GST_MESSAGE_SRC_NAME(message), "src") == 0;

		if (is_ours)
			gst_printerr("# %" GST_PTR_FORMAT "\n", message);
		CHECK_WALK(walk, !is_ours);
		gst_message_unref(message);
	}
	gst_object_unref(bus);
}

/* One change to any state of these, now and then awaited. */
static void change_state(struct walk *walk, GstElement *pipeline, const GstState *states,
			 guint count)
{
	const GstState state = states[g_rand_int_range(walk->random, 0, (gint32)count)];
	const gint64 start = g_get_monotonic_time();

	walk->step++;
	CHECK_WALK(walk, gst_element_set_state(pipeline, state) != GST_STATE_CHANGE_FAILURE);
	CHECK_WALK(walk, g_get_monotonic_time() - start < CHANGE_US);
	if (draw(walk, 4))
		gst_element_get_state(pipeline, NULL, NULL, GST_MSECOND);
	else if (draw(walk, 8))
		g_usleep((gulong)g_rand_int_range(walk->random, 0, 3000));
	check_bus(walk, pipeline);
}

static const GstState all_states[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
				      GST_STATE_PLAYING};

static void change_states(struct walk *walk, GstElement *pipeline, int count)
{
	for (int i = 0; i < count; i++)
		change_state(walk, pipeline, all_states, G_N_ELEMENTS(all_states));
}

static void end_pipeline(struct walk *walk, GstElement *pipeline)
{
	const GstState null = GST_STATE_NULL;

	change_state(walk, pipeline, &null, 1);
	let_go(pipeline, gst_element_get_bus(pipeline));
}

/* --- the two pipelines --- */

#define SENDER                                                                          \
	"videotestsrc ! video/x-raw,format=GRAY8,width=64,height=48,framerate=300/1 ! " \
	"tachyonsink name=sink socket-path=socket "
#define RECEIVER "tachyonsrc name=src socket-path=socket "
#define END " ! fakesink name=end sync=false "

/* How the elements may be set; each walk meets all of them. */
static const char *const sender_options[] = {
	"sync=false",
	"sync=true",
	"sync=false wait-for-connection=true",
	"sync=false async=false max-buffers=2",
	"sync=false leaky-type=upstream max-buffers=1",
};
static const char *const receiver_options[] = {
	"",
	"on-disconnect=none",
	"is-live=false on-disconnect=none",
	"leaky-type=downstream on-disconnect=none timestamp-mode=arrival",
	"always-copy=true timestamp-mode=passthrough connection-timeout=3600000000000",
};

static GstElement *make_pipeline(const char *head, const char *options, const char *tail)
{
	char *const description = g_strconcat(head, options, tail, NULL);
	GstElement *const pipeline = launch(description);

	g_free(description);
	return pipeline;
}

static void walk_alone(const char *head, const char *const *options, guint count, const char *tail)
{
	struct walk walk = begin_walk();

	for (guint i = 0; i < count; i++) {
		GstElement *const pipeline = make_pipeline(head, options[i], tail);

		change_states(&walk, pipeline, CHANGES / (int)count);
		end_pipeline(&walk, pipeline);
	}
	end_walk(&walk);
}

TEST_WITH_TIMEOUT(a_sink_alone_takes_a_thousand_random_changes, 60)
{
	walk_alone(SENDER, sender_options, G_N_ELEMENTS(sender_options), "");
}

TEST_WITH_TIMEOUT(a_source_alone_takes_a_thousand_random_changes, 60)
{
	walk_alone(RECEIVER, receiver_options, G_N_ELEMENTS(receiver_options), END);
}

/* To somewhere, whatever it answers. */
static void seek(struct walk *walk, GstElement *pipeline)
{
	walk->step++;
	gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
				g_rand_int_range(walk->random, 0, 100) * (gint64)GST_SECOND);
	check_bus(walk, pipeline);
}

/* One step in so many is a seek; 0: none is. */
static void walk_together(guint one_seek_in)
{
	struct walk walk = begin_walk();

	for (guint i = 0; i < G_N_ELEMENTS(sender_options); i++) {
		GstElement *const pipelines[] = {
			make_pipeline(SENDER, sender_options[i], ""),
			make_pipeline(RECEIVER, receiver_options[i], END),
		};

		for (int j = 0; j < 2 * CHANGES / (int)G_N_ELEMENTS(sender_options); j++) {
			GstElement *const pipeline = pipelines[draw(&walk, 2)];

			if (one_seek_in > 0 && draw(&walk, one_seek_in))
				seek(&walk, pipeline);
			else
				change_states(&walk, pipeline, 1);
		}
		end_pipeline(&walk, pipelines[1]);
		end_pipeline(&walk, pipelines[0]);
	}
	end_walk(&walk);
}

TEST_WITH_TIMEOUT(both_take_a_thousand_random_changes_each_with_the_other, 120)
{
	walk_together(0);
}

TEST_WITH_TIMEOUT(both_take_a_thousand_random_changes_and_seeks_from_either_end, 120)
{
	walk_together(4);
}

/* The other end is there all the time, and does nothing. */
static void walk_with_paused_peer(const char *head, const char *const *options, const char *tail,
				  GstElement *peer)
{
	struct walk walk = begin_walk();

	for (guint i = 0; i < 5; i++) {
		GstElement *const pipeline = make_pipeline(head, options[i], tail);

		change_states(&walk, pipeline, CHANGES / 5);
		end_pipeline(&walk, pipeline);
	}
	end_pipeline(&walk, peer);
	end_walk(&walk);
}

TEST_WITH_TIMEOUT(a_sink_takes_a_thousand_random_changes_with_a_paused_source, 60)
{
	GstElement *const peer = make_pipeline(RECEIVER, "on-disconnect=none is-live=false", END);

	set_state(peer, GST_STATE_PAUSED);
	walk_with_paused_peer(SENDER, sender_options, "", peer);
}

TEST_WITH_TIMEOUT(a_source_takes_a_thousand_random_changes_with_a_paused_sink, 60)
{
	GstElement *const peer = make_pipeline(SENDER, "sync=false", "");

	reach_state(peer, GST_STATE_PAUSED);
	walk_with_paused_peer(RECEIVER, receiver_options, END, peer);
}

TEST_WITH_TIMEOUT(a_source_takes_a_thousand_random_changes_with_a_playing_sink, 60)
{
	GstElement *const peer = make_pipeline(SENDER, "sync=true", "");

	reach_state(peer, GST_STATE_PLAYING);
	walk_with_paused_peer(RECEIVER, receiver_options, END, peer);
}

/* --- a peer that hangs --- */

static void await_stop(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

static int subscribe_and_hang(void *arg)
{
	struct tachyon_subscriber *const subscriber = join("socket");
	struct tachyon_frame frame = next_frame(subscriber);

	(void)arg;
	raise(SIGSTOP);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

TEST_WITH_TIMEOUT(a_sink_takes_a_thousand_random_changes_with_stopped_subscribers, 60)
{
	struct walk walk = begin_walk();

	for (guint i = 0; i < 25; i++) {
		GstElement *const pipeline =
			make_pipeline(SENDER, sender_options[i % G_N_ELEMENTS(sender_options)], "");
		const pid_t pid = run_child(subscribe_and_hang, NULL);

		set_state(pipeline, GST_STATE_PLAYING);
		await_stop(pid);
		/* First those that keep the connection. */
		for (int j = 0; j < 20; j++)
			change_state(&walk, pipeline, all_states + 2, 2);
		change_states(&walk, pipeline, CHANGES / 25 - 20);
		end_pipeline(&walk, pipeline);
		kill(pid, SIGCONT);
		CHECK_EQ(wait_child(pid), 0);
	}
	end_walk(&walk);
}

/* Serves those who come until one has joined; then neither it nor the next has an answer. */
static int publish_and_hang(void *arg)
{
	const struct tachyon_frame frame = {.data = (void *)"abc", .size = 3};
	struct tachyon_publisher *publisher;

	(void)arg;
	CHECK_EQ(tachyon_publisher_create("socket", NULL, &publisher), 0);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "application/x-test"), 0);
	while (tachyon_publisher_subscribers(publisher) == 0) {
		tachyon_publisher_dispatch(publisher);
		g_usleep(1000);
	}
	CHECK_EQ(tachyon_publisher_send(publisher, &frame), 1);
	raise(SIGSTOP);
	tachyon_publisher_destroy(publisher);
	return 0;
}

TEST_WITH_TIMEOUT(a_source_takes_a_thousand_random_changes_with_a_stopped_publisher, 60)
{
	const pid_t pid = run_child(publish_and_hang, NULL);
	struct walk walk = begin_walk();
	GstElement *const first = make_pipeline(RECEIVER, "", END);

	set_state(first, GST_STATE_PLAYING);
	await_stop(pid);
	for (int i = 0; i < 100; i++)
		change_state(&walk, first, all_states + 2, 2);
	for (guint i = 0; i < G_N_ELEMENTS(receiver_options); i++) {
		GstElement *const pipeline = make_pipeline(RECEIVER, receiver_options[i], END);

		change_states(&walk, pipeline, 180);
		end_pipeline(&walk, pipeline);
	}
	end_pipeline(&walk, first);
	end_walk(&walk);
	kill(pid, SIGCONT);
	CHECK_EQ(wait_child(pid), 0);
}

/* --- on the way --- */

TEST_WITH_TIMEOUT(null_comes_at_any_moment_of_connecting, 60)
{
	struct walk walk = begin_walk();

	for (int i = 0; i < 200; i++) {
		GstElement *const sender = make_pipeline(SENDER, "sync=false", "");
		GstElement *const receiver = make_pipeline(RECEIVER, "on-disconnect=none", END);
		GstElement *const first = draw(&walk, 2) ? sender : receiver;

		set_state(first, GST_STATE_PLAYING);
		set_state(first == sender ? receiver : sender, GST_STATE_PLAYING);
		g_usleep((gulong)g_rand_int_range(walk.random, 0, 4000));
		change_state(&walk, draw(&walk, 2) ? sender : receiver, all_states, 1);
		end_pipeline(&walk, receiver);
		end_pipeline(&walk, sender);
	}
	end_walk(&walk);
}

static void count_buffer(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer count)
{
	(void)sink;
	(void)buffer;
	(void)pad;
	g_atomic_int_inc((gint *)count);
}

static GstElement *make_counter(const char *options, gint *count)
{
	GstElement *const pipeline = make_pipeline(RECEIVER, options, END "signal-handoffs=true");

	g_signal_connect(part(pipeline, "end"), "handoff", G_CALLBACK(count_buffer), count);
	return pipeline;
}

static void await_buffers(gint *count, gint more)
{
	const gint before = g_atomic_int_get(count);

	while (g_atomic_int_get(count) < before + more)
		g_usleep(200);
}

TEST_WITH_TIMEOUT(a_hundred_times_between_READY_and_PLAYING_frames_flow_each_time, 60)
{
	gint count = 0;
	GstElement *const sender = make_pipeline(SENDER, "sync=false", "");
	GstElement *const receiver = make_counter("on-disconnect=none", &count);

	set_state(receiver, GST_STATE_PLAYING);
	for (int i = 0; i < 100; i++) {
		GstElement *const one = i % 2 ? sender : receiver;

		set_state(sender, GST_STATE_PLAYING);
		set_state(receiver, GST_STATE_PLAYING);
		await_buffers(&count, 3);
		CHECK_EQ(gst_element_set_state(one, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
	}
	finish(receiver);
	finish(sender);
}

/* --- what PAUSED means --- */

TEST(a_live_source_has_no_preroll_and_one_that_is_not_waits_for_its_first_frame)
{
	GstElement *const sender = make_pipeline(SENDER, "sync=false", "");
	GstElement *const live = make_pipeline(RECEIVER, "", END);
	GstElement *const other = make_pipeline(RECEIVER, "is-live=false", END);

	reach_state(sender, GST_STATE_PAUSED);
	CHECK_EQ(gst_element_set_state(live, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
	CHECK_EQ(gst_element_set_state(other, GST_STATE_PAUSED), GST_STATE_CHANGE_ASYNC);
	CHECK_EQ(gst_element_get_state(other, NULL, NULL, 50 * GST_MSECOND),
		 GST_STATE_CHANGE_ASYNC);
	CHECK_EQ(gst_element_get_state(live, NULL, NULL, 50 * GST_MSECOND),
		 GST_STATE_CHANGE_NO_PREROLL);

	set_state(sender, GST_STATE_PLAYING);
	CHECK_EQ(gst_element_get_state(other, NULL, NULL, 10 * GST_SECOND),
		 GST_STATE_CHANGE_SUCCESS);
	CHECK_EQ(gst_element_get_state(live, NULL, NULL, 0), GST_STATE_CHANGE_NO_PREROLL);
	finish(other);
	finish(live);
	finish(sender);
}

/* --- what is held --- */

struct held {
	GMutex lock;
	GQueue buffers;
};

static GstPadProbeReturn hold_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	struct held *const held = data;

	(void)pad;
	g_mutex_lock(&held->lock);
	if (g_queue_get_length(&held->buffers) < HELD)
		g_queue_push_tail(&held->buffers, gst_buffer_ref(GST_PAD_PROBE_INFO_BUFFER(info)));
	g_mutex_unlock(&held->lock);
	return GST_PAD_PROBE_OK;
}

static void hold_from(GstElement *element, const char *pad_name, struct held *held)
{
	GstPad *const pad = gst_element_get_static_pad(element, pad_name);

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, hold_buffer, held, NULL);
	gst_object_unref(pad);
}

static void await_held(struct held *held)
{
	for (;;) {
		guint length;

		g_mutex_lock(&held->lock);
		length = g_queue_get_length(&held->buffers);
		g_mutex_unlock(&held->lock);
		if (length == HELD)
			return;
		g_usleep(1000);
	}
}

static char *hash_buffer(GstBuffer *buffer)
{
	GstMapInfo map;
	char *text;

	CHECK(gst_buffer_map(buffer, &map, GST_MAP_READ));
	text = g_compute_checksum_for_data(G_CHECKSUM_MD5, map.data, map.size);
	gst_buffer_unmap(buffer, &map);
	return text;
}

static GPtrArray *hash_buffers(struct held *held)
{
	GPtrArray *const hashes = g_ptr_array_new_with_free_func(g_free);

	for (GList *i = held->buffers.head; i; i = i->next)
		g_ptr_array_add(hashes, hash_buffer(i->data));
	return hashes;
}

static gpointer release_buffers(gpointer data)
{
	g_queue_clear_full(data, (GDestroyNotify)gst_buffer_unref);
	return NULL;
}

static void check_gone(GWeakRef *ref)
{
	const gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
	GObject *object;

	while ((object = g_weak_ref_get(ref))) {
		g_object_unref(object);
		CHECK(g_get_monotonic_time() < end);
		g_usleep(1000);
	}
	g_weak_ref_clear(ref);
}

/* Both pipelines end, and are freed, while the test holds what passed a pad of one. */
static void check_held_buffers(const char *element, const char *pad)
{
	GstElement *const sender =
		launch("videotestsrc pattern=snow ! video/x-raw,format=GRAY8,width=64,height=48 ! "
		       "tachyonsink name=sink socket-path=socket sync=false");
	GstElement *const receiver = make_pipeline(RECEIVER, "", END "enable-last-sample=false");
	GstElement *const owner = strcmp(element, "sink") == 0 ? sender : receiver;
	struct held held = {.buffers = G_QUEUE_INIT};
	GPtrArray *before, *after;
	GWeakRef ref;

	g_weak_ref_init(&ref, part(owner, element));
	hold_from(part(owner, element), pad, &held);
	set_state(receiver, GST_STATE_PLAYING);
	set_state(sender, GST_STATE_PLAYING);
	await_held(&held);
	before = hash_buffers(&held);

	finish(sender);
	finish(receiver);
	check_gone(&ref);
	after = hash_buffers(&held);
	for (guint i = 0; i < HELD; i++)
		CHECK_STR_EQ(g_ptr_array_index(after, i), g_ptr_array_index(before, i));
	g_ptr_array_unref(before);
	g_ptr_array_unref(after);
	g_thread_join(g_thread_new("release", release_buffers, &held.buffers));
}

TEST(buffers_of_a_source_outlive_it_and_its_producer)
{
	check_held_buffers("src", "src");
}

TEST(buffers_of_a_sink_outlive_it_and_its_subscriber)
{
	check_held_buffers("sink", "sink");
}

TEST_WITH_TIMEOUT(a_source_takes_random_changes_while_its_buffers_are_held, 60)
{
	GstElement *const sender = make_pipeline(SENDER, "sync=false", "");
	GstElement *const receiver = make_pipeline(RECEIVER, "on-disconnect=none", END);
	struct held held = {.buffers = G_QUEUE_INIT};
	struct walk walk = begin_walk();

	hold_from(part(receiver, "src"), "src", &held);
	set_state(sender, GST_STATE_PLAYING);
	for (int i = 0; i < 20; i++) {
		change_states(&walk, receiver, 10);
		set_state(receiver, GST_STATE_PLAYING);
		await_held(&held);
		change_states(&walk, receiver, 10);
		g_mutex_lock(&held.lock);
		release_buffers(&held.buffers);
		g_mutex_unlock(&held.lock);
	}
	end_pipeline(&walk, receiver);
	end_pipeline(&walk, sender);
	release_buffers(&held.buffers);
	end_walk(&walk);
}
