/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonsink.c: properties, states, errors, who comes and goes. */
#include "sink-fixture.h"

#include <gst/base/gstbasesink.h>
#include <gst/video/video.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- what it is --- */

TEST(the_element_is_a_sink_of_no_rank_that_takes_anything)
{
	GstElementFactory *factory = gst_element_factory_find("tachyonsink");
	const GList *templates;
	GstCaps *caps;

	CHECK(factory != NULL);
	CHECK_STR_EQ(gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS), "Sink");
	CHECK_EQ(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
	templates = gst_element_factory_get_static_pad_templates(factory);
	CHECK(templates != NULL);
	CHECK(templates->next == NULL);
	caps = gst_static_pad_template_get_caps(templates->data);
	CHECK(gst_caps_is_any(caps));
	gst_caps_unref(caps);
	gst_object_unref(factory);
}

TEST(defaults_are_those_of_the_peers)
{
	GstElement *sink = gst_element_factory_make("tachyonsink", NULL);
	gchar *path;
	gint socket_type, leaky_type;
	guint max_buffers, perms, num_clients;
	guint64 shm_size, level, deadline;
	gint64 min_memory_size;
	gboolean wait, last_sample, sync, async;

	g_object_get(sink, "socket-path", &path, "socket-type", &socket_type, "leaky-type",
		     &leaky_type, "max-buffers", &max_buffers, "perms", &perms, "num-clients",
		     &num_clients, "shm-size", &shm_size, "current-level-buffers", &level,
		     "processing-deadline", &deadline, "min-memory-size", &min_memory_size,
		     "wait-for-connection", &wait, "enable-last-sample", &last_sample, "sync",
		     &sync, "async", &async, NULL);
	CHECK_STR_EQ(path, NULL);
	CHECK_EQ(socket_type, 0);
	CHECK_EQ(leaky_type, 0);
	CHECK_EQ(max_buffers, 0);
	CHECK_EQ(perms, 0600);
	CHECK_EQ(num_clients, 0);
	CHECK_EQ(shm_size, 0);
	CHECK_EQ(level, 0);
	CHECK_EQ(deadline, 0);
	CHECK_EQ(min_memory_size, 0);
	CHECK(!wait);
	CHECK(!last_sample);
	CHECK(sync);
	CHECK(async);
	gst_object_unref(sink);
}

TEST(properties_keep_what_they_are_given)
{
	GstElement *sink = gst_element_factory_make("tachyonsink", NULL);
	gchar *path;
	gint socket_type, leaky_type;
	guint max_buffers, perms;
	guint64 shm_size;
	gint64 min_memory_size;
	gboolean wait;

	gst_util_set_object_arg(G_OBJECT(sink), "socket-type", "abstract");
	gst_util_set_object_arg(G_OBJECT(sink), "leaky-type", "upstream");
	g_object_set(sink, "socket-path", "a", "max-buffers", 7, "perms", 0660, "shm-size",
		     (guint64)123, "min-memory-size", (gint64)-1, "wait-for-connection", TRUE,
		     NULL);
	g_object_get(sink, "socket-path", &path, "socket-type", &socket_type, "leaky-type",
		     &leaky_type, "max-buffers", &max_buffers, "perms", &perms, "shm-size",
		     &shm_size, "min-memory-size", &min_memory_size, "wait-for-connection", &wait,
		     NULL);
	CHECK_STR_EQ(path, "a");
	CHECK_EQ(socket_type, 1);
	CHECK_EQ(leaky_type, 1);
	CHECK_EQ(max_buffers, 7);
	CHECK_EQ(perms, 0660);
	CHECK_EQ(shm_size, 123);
	CHECK_EQ(min_memory_size, -1);
	CHECK(wait);
	g_free(path);

	/* Names that other sinks have are known, too. */
	gst_util_set_object_arg(G_OBJECT(sink), "leaky-type", "downstream");
	g_object_get(sink, "leaky-type", &leaky_type, NULL);
	CHECK_EQ(leaky_type, 2);
	gst_object_unref(sink);
}

/* --- the address --- */

static void check_start_fails(const char *path, gint code)
{
	GstElement *pipeline = launch("fakesrc ! tachyonsink name=sink");
	GstMessage *message;
	GError *error;

	g_object_set(sink_of(pipeline), "socket-path", path, NULL);
	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
	message = await_message(pipeline, GST_MESSAGE_ERROR);
	gst_message_parse_error(message, &error, NULL);
	CHECK(error->domain == GST_RESOURCE_ERROR);
	CHECK_EQ(error->code, code);
	if (path && *path)
		CHECK(strstr(error->message, path) != NULL);
	g_error_free(error);
	gst_message_unref(message);
	finish(pipeline);
}

TEST(no_path_is_an_error_of_settings)
{
	check_start_fails(NULL, GST_RESOURCE_ERROR_SETTINGS);
	check_start_fails("", GST_RESOURCE_ERROR_SETTINGS);
}

TEST(a_path_too_long_is_an_error_of_settings)
{
	char path[300];

	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	check_start_fails(path, GST_RESOURCE_ERROR_SETTINGS);
}

TEST(a_directory_that_is_not_there_is_not_found)
{
	check_start_fails("missing/socket", GST_RESOURCE_ERROR_NOT_FOUND);
}

TEST(what_is_no_socket_is_left_alone)
{
	CHECK(g_file_set_contents("file", "precious", -1, NULL));
	check_start_fails("file", GST_RESOURCE_ERROR_OPEN_READ_WRITE);
	CHECK_EQ(unlink("file"), 0);
}

TEST(an_address_in_use_is_busy)
{
	GstElement *first = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");

	reach_state(first, GST_STATE_PAUSED);
	check_start_fails("socket", GST_RESOURCE_ERROR_BUSY);
	finish(first);
}

TEST(a_stale_socket_is_replaced)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	GstElement *pipeline;

	CHECK_EQ(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(sock);

	pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");
	reach_state(pipeline, GST_STATE_PLAYING);
	tachyon_subscriber_destroy(join("socket"));
	finish(pipeline);
}

TEST(the_socket_is_there_from_PAUSED_to_READY_with_its_permissions)
{
	GstElement *pipeline =
		launch("videotestsrc ! tachyonsink name=sink socket-path=socket perms=384");
	struct stat status;

	reach_state(pipeline, GST_STATE_READY);
	CHECK_EQ(access("socket", F_OK), -1);
	g_object_set(sink_of(pipeline), "perms", 0640, NULL);
	reach_state(pipeline, GST_STATE_PAUSED);
	CHECK_EQ(stat("socket", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0640);
	reach_state(pipeline, GST_STATE_READY);
	CHECK_EQ(access("socket", F_OK), -1);
	finish(pipeline);
}

TEST(an_abstract_address_works_either_way)
{
	char name[200];
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-type=abstract");

	g_snprintf(name, sizeof(name), "@%s", strrchr(test_dir(), '/') + 1);
	g_object_set(sink_of(pipeline), "socket-path", name + 1, NULL);
	reach_state(pipeline, GST_STATE_PLAYING);
	tachyon_subscriber_destroy(join(name));
	reach_state(pipeline, GST_STATE_NULL);

	gst_util_set_object_arg(G_OBJECT(sink_of(pipeline)), "socket-type", "path");
	g_object_set(sink_of(pipeline), "socket-path", name, NULL);
	reach_state(pipeline, GST_STATE_PLAYING);
	tachyon_subscriber_destroy(join(name));
	finish(pipeline);
}

static int connect_as_nobody(void *arg)
{
	struct tachyon_subscriber *subscriber;
	int ret;

	(void)arg;
	while (access("socket", F_OK) != 0)
		g_usleep(1000);
	CHECK_EQ(setgid(65534), 0);
	CHECK_EQ(setuid(65534), 0);
	CHECK_EQ(tachyon_subscriber_create("socket", NULL, &subscriber), 0);
	ret = tachyon_subscriber_connect(subscriber, 10 * SECOND_NS);
	tachyon_subscriber_destroy(subscriber);
	return ret == 0 ? 1 : ret == TACHYON_ERR_DENIED ? 2 : 3;
}

static int try_as_nobody(const char *description)
{
	GstElement *pipeline;
	pid_t pid;
	int status;

	if (geteuid() != 0)
		SKIP("needs root to be another user");
	CHECK_EQ(chmod(test_dir(), 0711), 0);
	pipeline = launch(description);
	pid = run_child(connect_as_nobody, NULL);
	reach_state(pipeline, GST_STATE_PLAYING);
	status = wait_child(pid);
	finish(pipeline);
	return status;
}

TEST(another_user_may_not_connect)
{
	CHECK_EQ(try_as_nobody("videotestsrc ! tachyonsink name=sink socket-path=socket"), 2);
}

TEST(another_user_may_connect_where_the_permissions_say_so)
{
	CHECK_EQ(try_as_nobody("videotestsrc ! tachyonsink name=sink socket-path=socket perms=438"),
		 1);
}

/* --- states --- */

TEST_WITH_TIMEOUT(a_hundred_starts_and_stops_leave_nothing, 60)
{
	GstElement *pipeline = launch("videotestsrc ! video/x-raw,width=64,height=64 ! "
				      "tachyonsink name=sink socket-path=socket sync=false");

	for (int i = 0; i < 100; i++) {
		struct tachyon_subscriber *subscriber;
		struct tachyon_frame frame;

		set_state(pipeline, GST_STATE_PLAYING);
		subscriber = join("socket");
		frame = next_frame(subscriber);
		reach_state(pipeline, GST_STATE_READY);
		tachyon_frame_release(&frame);
		tachyon_subscriber_destroy(subscriber);
	}
	finish(pipeline);
}

TEST_WITH_TIMEOUT(a_hundred_starts_and_stops_at_once_leave_nothing, 60)
{
	GstElement *pipeline = launch("videotestsrc ! video/x-raw,width=64,height=64 ! "
				      "queue ! tachyonsink name=sink socket-path=socket");

	for (int i = 0; i < 100; i++) {
		set_state(pipeline, i % 2 ? GST_STATE_PLAYING : GST_STATE_PAUSED);
		set_state(pipeline, i % 3 ? GST_STATE_READY : GST_STATE_NULL);
	}
	finish(pipeline);
}

TEST(nothing_is_sent_before_PLAYING)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	reach_state(pipeline, GST_STATE_PAUSED);
	subscriber = join("socket");
	while (tachyon_subscriber_receive(subscriber, &item, SECOND_NS / 5) == 0)
		CHECK(item.type != TACHYON_ITEM_FRAME);
	CHECK_EQ(stat_of(sink_of(pipeline), "frames"), 0);

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(the_end_is_not_told_before_PLAYING)
{
	GstElement *pipeline =
		launch("videotestsrc num-buffers=0 ! tachyonsink name=sink socket-path=socket");
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	reach_state(pipeline, GST_STATE_PAUSED);
	subscriber = join("socket");
	while (tachyon_subscriber_receive(subscriber, &item, SECOND_NS / 5) == 0)
		CHECK(item.type != TACHYON_ITEM_EOS);
	set_state(pipeline, GST_STATE_PLAYING);
	CHECK_EQ(count_frames(subscriber), 0);
	await_eos(pipeline);

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(memory_asked_for_is_there_at_once)
{
	GstElement *pipeline =
		launch("videotestsrc ! video/x-raw,format=I420,width=640,height=480 ! "
		       "tee ! tachyonsink name=sink socket-path=socket "
		       "shm-size=50000000");

	reach_state(pipeline, GST_STATE_PAUSED);
	CHECK(stat_of(sink_of(pipeline), "payload-bytes") >= 49000000);
	finish(pipeline);
}

static uint64_t next_base_time(struct tachyon_subscriber *subscriber)
{
	for (;;) {
		struct tachyon_item item = next_item(subscriber);

		if (item.type == TACHYON_ITEM_CLOCK)
			return item.clock.base_time;
		if (item.type == TACHYON_ITEM_FRAME)
			tachyon_frame_release(&item.frame);
	}
}

TEST(the_base_time_is_told_and_told_anew_after_a_pause)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");
	struct tachyon_subscriber *subscriber;

	reach_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	CHECK_EQ(next_base_time(subscriber), gst_element_get_base_time(pipeline));
	reach_state(pipeline, GST_STATE_PAUSED);
	g_usleep(10000);
	reach_state(pipeline, GST_STATE_PLAYING);
	CHECK_EQ(next_base_time(subscriber), gst_element_get_base_time(pipeline));

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(figures_stay_after_the_stop)
{
	GstElement *pipeline = launch(
		"videotestsrc num-buffers=20 ! video/x-raw,format=I420 ! tachyonsink name=sink "
		"socket-path=socket sync=false wait-for-connection=true");
	struct tachyon_subscriber *subscriber;

	set_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	CHECK_EQ(count_frames(subscriber), 20);
	await_eos(pipeline);
	CHECK_EQ(stat_of(sink_of(pipeline), "rendered"), 20);
	reach_state(pipeline, GST_STATE_NULL);
	CHECK_EQ(stat_of(sink_of(pipeline), "frames"), 20);
	CHECK_EQ(stat_of(sink_of(pipeline), "bytes"), 20 * 320 * 240 * 3 / 2);
	CHECK_EQ(stat_of(sink_of(pipeline), "dropped"), 0);
	CHECK_EQ(stat_of(sink_of(pipeline), "subscribers"), 0);

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(the_allocator_and_its_memory_outlive_the_element)
{
	GstElement *sink = gst_element_factory_make("tachyonsink", NULL);
	GstQuery *query = gst_query_new_allocation(NULL, FALSE);
	GstPad *pad = gst_element_get_static_pad(sink, "sink");
	GstAllocator *allocator;
	GstMemory *memory;

	g_object_set(sink, "socket-path", "socket", NULL);
	CHECK_EQ(gst_element_set_state(sink, GST_STATE_PAUSED), GST_STATE_CHANGE_ASYNC);
	CHECK(gst_pad_query(pad, query));
	gst_query_parse_nth_allocation_param(query, 0, &allocator, NULL);
	memory = gst_allocator_alloc(allocator, 1000, NULL);
	CHECK(gst_memory_is_type(memory, "TachyonMemory"));
	gst_object_unref(pad);
	gst_query_unref(query);
	CHECK_EQ(gst_element_set_state(sink, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	gst_object_unref(sink);

	gst_memory_unref(memory);
	memory = gst_allocator_alloc(allocator, 1000, NULL);
	CHECK(!gst_memory_is_type(memory, "TachyonMemory"));
	gst_memory_unref(memory);
	gst_object_unref(allocator);
}

/* --- who comes and goes --- */

struct audience {
	gint connected;
	gint disconnected;
	gint notified;
	guint64 last_id;
};

static void on_connected(GstElement *sink, guint64 id, gpointer data)
{
	struct audience *audience = data;

	(void)sink;
	audience->last_id = id;
	g_atomic_int_inc(&audience->connected);
}

static void on_disconnected(GstElement *sink, guint64 id, gpointer data)
{
	struct audience *audience = data;

	(void)sink;
	CHECK_EQ(id, audience->last_id);
	g_atomic_int_inc(&audience->disconnected);
}

static void on_notify(GObject *object, GParamSpec *pspec, gpointer data)
{
	struct audience *audience = data;

	(void)object;
	(void)pspec;
	g_atomic_int_inc(&audience->notified);
}

static void watch(GstElement *sink, struct audience *audience)
{
	g_signal_connect(sink, "client-connected", G_CALLBACK(on_connected), audience);
	g_signal_connect(sink, "client-disconnected", G_CALLBACK(on_disconnected), audience);
	g_signal_connect(sink, "notify::num-clients", G_CALLBACK(on_notify), audience);
}

static void await_count(gint *count, gint number)
{
	while (g_atomic_int_get(count) < number)
		g_usleep(1000);
}

static void check_audience(GstState state, const char *description)
{
	GstElement *pipeline = launch(description);
	struct audience audience = {0};
	guint clients;

	watch(sink_of(pipeline), &audience);
	reach_state(pipeline, state);
	for (int i = 1; i <= 3; i++) {
		struct tachyon_subscriber *subscriber = join("socket");

		await_count(&audience.connected, i);
		g_object_get(sink_of(pipeline), "num-clients", &clients, NULL);
		CHECK_EQ(clients, 1);
		tachyon_subscriber_destroy(subscriber);
		await_count(&audience.disconnected, i);
		g_object_get(sink_of(pipeline), "num-clients", &clients, NULL);
		CHECK_EQ(clients, 0);
		await_count(&audience.notified, 2 * i);
	}
	finish(pipeline);
}

TEST(clients_are_told_of_in_PAUSED)
{
	check_audience(GST_STATE_PAUSED, "videotestsrc ! tachyonsink name=sink socket-path=socket");
}

TEST(clients_are_told_of_in_PLAYING)
{
	check_audience(
		GST_STATE_PLAYING,
		"videotestsrc ! tachyonsink name=sink socket-path=socket leaky-type=upstream");
}

TEST(clients_are_told_of_while_the_stream_runs_free)
{
	check_audience(GST_STATE_PLAYING, "videotestsrc ! video/x-raw,width=16,height=16 ! "
					  "tachyonsink name=sink socket-path=socket sync=false "
					  "leaky-type=upstream");
}

static int subscribe_and_hang(void *arg)
{
	(void)arg;
	next_frame(join("socket"));
	return pause();
}

TEST(a_killed_client_is_told_of)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");
	struct audience audience = {0};
	pid_t pid;

	/* Before there are threads: the child makes calls of its own. */
	pid = run_child(subscribe_and_hang, NULL);
	watch(sink_of(pipeline), &audience);
	reach_state(pipeline, GST_STATE_PLAYING);
	await_count(&audience.connected, 1);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	await_count(&audience.disconnected, 1);
	await_stat(sink_of(pipeline), "rendered", 10);
	finish(pipeline);
}

TEST(the_stop_is_a_change_of_num_clients)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");
	struct audience audience = {0};
	struct tachyon_subscriber *subscriber;
	guint clients;

	watch(sink_of(pipeline), &audience);
	reach_state(pipeline, GST_STATE_PAUSED);
	subscriber = join("socket");
	await_count(&audience.notified, 1);
	reach_state(pipeline, GST_STATE_READY);
	CHECK_EQ(audience.notified, 2);
	CHECK_EQ(audience.disconnected, 0);
	g_object_get(sink_of(pipeline), "num-clients", &clients, NULL);
	CHECK_EQ(clients, 0);

	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* --- what subscribers ask for --- */

static GstPadProbeReturn count_key_unit(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	(void)pad;
	if (gst_video_event_is_force_key_unit(GST_PAD_PROBE_INFO_EVENT(info)))
		g_atomic_int_inc((gint *)data);
	return GST_PAD_PROBE_OK;
}

static void check_key_unit(GstState state)
{
	GstElement *pipeline = launch("videotestsrc name=src ! tachyonsink name=sink "
				      "socket-path=socket leaky-type=upstream");
	GstPad *pad = gst_element_get_static_pad(part(pipeline, "src"), "src");
	GstEvent *event = gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 3);
	gchar *text = gst_structure_to_string(gst_event_get_structure(event));
	struct tachyon_subscriber *subscriber;
	gint count = 0;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, count_key_unit, &count, NULL);
	reach_state(pipeline, state);
	subscriber = join("socket");
	while (stat_of(sink_of(pipeline), "subscribers") == 0)
		g_usleep(1000);
	for (int i = 1; i <= 3; i++) {
		const struct tachyon_event out = {
			.type = GST_EVENT_CUSTOM_UPSTREAM,
			.data = text,
			.size = strlen(text) + 1,
		};

		CHECK_EQ(tachyon_subscriber_send_event(subscriber, &out), 0);
		await_count(&count, i);
	}

	g_free(text);
	gst_event_unref(event);
	gst_object_unref(pad);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(a_request_for_a_key_unit_goes_upstream_in_PLAYING)
{
	check_key_unit(GST_STATE_PLAYING);
}

TEST(a_request_for_a_key_unit_goes_upstream_in_PAUSED)
{
	check_key_unit(GST_STATE_PAUSED);
}
