/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonsrc.c: properties, states, errors, producers that come and go. */
#include "src-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- what it is --- */

TEST(the_element_is_a_source_of_no_rank_that_makes_anything)
{
	GstElementFactory *factory = gst_element_factory_find("tachyonsrc");
	GstStaticPadTemplate *template;

	CHECK(factory != NULL);
	CHECK_STR_EQ(gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS),
		     "Source");
	CHECK_EQ(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
	template = gst_element_factory_get_static_pad_templates(factory)->data;
	CHECK_STR_EQ(template->static_caps.string, "ANY");
	gst_object_unref(factory);
}

TEST(defaults_are_those_of_the_peers)
{
	GstElement *src = gst_element_factory_make("tachyonsrc", NULL);
	gint socket_type, on_disconnect, timestamp_mode, leaky_type;
	guint64 timeout, deadline;
	gboolean is_live, always_copy;
	guint max_buffers;
	gchar *path;

	g_object_get(src, "socket-path", &path, "socket-type", &socket_type, "on-disconnect",
		     &on_disconnect, "timestamp-mode", &timestamp_mode, "leaky-type", &leaky_type,
		     "connection-timeout", &timeout, "processing-deadline", &deadline, "is-live",
		     &is_live, "always-copy", &always_copy, "max-buffers", &max_buffers, NULL);
	CHECK_STR_EQ(path, NULL);
	CHECK_EQ(socket_type, 0);
	CHECK_EQ(on_disconnect, 1);
	CHECK_EQ(timestamp_mode, 0);
	CHECK_EQ(leaky_type, 0);
	CHECK_EQ(timeout, 0);
	CHECK_EQ(deadline, 0);
	CHECK(is_live);
	CHECK(!always_copy);
	CHECK_EQ(max_buffers, 0);
	gst_object_unref(src);
}

TEST(properties_keep_what_they_are_given)
{
	GstElement *src = gst_element_factory_make("tachyonsrc", NULL);
	gint socket_type, on_disconnect, timestamp_mode, leaky_type;
	guint64 timeout, deadline;
	gboolean is_live, always_copy;
	guint max_buffers;
	gchar *path;

	gst_util_set_object_arg(G_OBJECT(src), "socket-type", "abstract");
	gst_util_set_object_arg(G_OBJECT(src), "on-disconnect", "none");
	gst_util_set_object_arg(G_OBJECT(src), "timestamp-mode", "passthrough");
	gst_util_set_object_arg(G_OBJECT(src), "leaky-type", "downstream");
	g_object_set(src, "socket-path", "a", "connection-timeout", (guint64)5,
		     "processing-deadline", (guint64)6, "is-live", FALSE, "always-copy", TRUE,
		     "max-buffers", 7, NULL);
	g_object_get(src, "socket-path", &path, "socket-type", &socket_type, "on-disconnect",
		     &on_disconnect, "timestamp-mode", &timestamp_mode, "leaky-type", &leaky_type,
		     "connection-timeout", &timeout, "processing-deadline", &deadline, "is-live",
		     &is_live, "always-copy", &always_copy, "max-buffers", &max_buffers, NULL);
	CHECK_STR_EQ(path, "a");
	CHECK_EQ(socket_type, 1);
	CHECK_EQ(on_disconnect, 0);
	CHECK_EQ(timestamp_mode, 1);
	CHECK_EQ(leaky_type, 2);
	CHECK_EQ(timeout, 5);
	CHECK_EQ(deadline, 6);
	CHECK(!is_live);
	CHECK(always_copy);
	CHECK_EQ(max_buffers, 7);
	g_free(path);
	gst_object_unref(src);
}

/* --- states --- */

TEST(a_live_source_does_not_preroll)
{
	struct consumer *consumer = make_consumer("@nobody", "", "");

	CHECK_EQ(gst_element_set_state(consumer->pipeline, GST_STATE_PAUSED),
		 GST_STATE_CHANGE_NO_PREROLL);
	finish_consumer(consumer);
}

TEST(a_source_that_is_not_live_prerolls_with_the_first_frame)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = make_consumer("p", "is-live=false", "");

	CHECK_EQ(gst_element_set_state(consumer->pipeline, GST_STATE_PAUSED),
		 GST_STATE_CHANGE_ASYNC);
	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 100, 1);
	CHECK_EQ(gst_element_get_state(consumer->pipeline, NULL, NULL, 10 * GST_SECOND),
		 GST_STATE_CHANGE_SUCCESS);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(every_state_is_reached_and_left_without_a_producer)
{
	struct consumer *consumer = make_consumer("@nobody", "", "");

	for (int i = 0; i < 100; i++) {
		play(consumer);
		if (i % 3)
			g_usleep(500 * (i % 3));
		CHECK(gst_element_set_state(consumer->pipeline,
					    i % 2 ? GST_STATE_READY : GST_STATE_PAUSED) !=
		      GST_STATE_CHANGE_FAILURE);
	}
	finish_consumer(consumer);
}

TEST(every_state_is_reached_and_left_with_a_producer)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = make_consumer("p", "", "");

	send_prologue(producer);
	for (int i = 0; i < 100; i++) {
		play(consumer);
		if (i % 4 == 0) {
			await_subscriber(producer);
			send_frame(producer, i, 5000, i);
		}
		CHECK(gst_element_set_state(consumer->pipeline,
					    i % 2 ? GST_STATE_READY : GST_STATE_PAUSED) !=
		      GST_STATE_CHANGE_FAILURE);
	}
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(pausing_and_playing_again_goes_on)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");

	await_subscriber(producer);
	send_prologue(producer);
	for (guint8 i = 0; i < 10; i++) {
		GstBuffer *buffer;

		send_frame(producer, i, 500, i);
		buffer = await_buffer(consumer);
		CHECK_EQ(GST_BUFFER_PTS(buffer), i);
		gst_buffer_unref(buffer);
		gst_element_set_state(consumer->pipeline, GST_STATE_PAUSED);
		play(consumer);
	}
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_flush_from_outside_is_survived)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");
	GstBuffer *buffer;

	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 1, 500, 1);
	gst_buffer_unref(await_buffer(consumer));
	CHECK(gst_element_send_event(consumer->src, gst_event_new_flush_start()));
	CHECK(gst_element_send_event(consumer->src, gst_event_new_flush_stop(FALSE)));
	g_usleep(20000); /* it sleeps again, and is woken by what comes */
	send_frame(producer, 2, 500, 2);
	gst_event_unref(await_event(consumer, GST_EVENT_SEGMENT));
	buffer = await_buffer(consumer);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 2);
	gst_buffer_unref(buffer);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(null_is_reached_with_buffers_outstanding)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");
	GstBuffer *held[3];
	guint8 bytes[1000];

	await_subscriber(producer);
	send_prologue(producer);
	for (guint8 i = 0; i < 3; i++) {
		send_frame(producer, i, sizeof(bytes), i + 1);
		held[i] = await_buffer(consumer);
	}
	finish_consumer(consumer);
	stop_producer(producer);

	for (guint8 i = 0; i < 3; i++) {
		CHECK_EQ(gst_buffer_extract(held[i], 0, bytes, sizeof(bytes)), sizeof(bytes));
		for (gsize at = 0; at < sizeof(bytes); at++)
			CHECK_EQ(bytes[at], i + 1);
		gst_buffer_unref(held[i]);
	}
}

static int sleep_as_a_producer(void *path)
{
	struct producer *producer = start_producer(path);

	send_prologue(producer);
	for (;;) {
		if (has_subscribers(producer))
			send_frame(producer, 0, 10000, 0);
		g_usleep(1000);
	}
	return 0;
}

TEST(null_is_reached_while_the_producer_is_stopped)
{
	const pid_t pid = run_child(sleep_as_a_producer, (void *)"p");
	struct consumer *consumer = start_consumer("p", "");

	gst_buffer_unref(await_buffer(consumer));
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	finish_consumer(consumer);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	unlink("p");
}

TEST(null_is_reached_while_a_stopped_producer_owes_us_a_welcome)
{
	const pid_t pid = run_child(sleep_as_a_producer, (void *)"p");
	struct consumer *consumer;

	while (access("p", F_OK) != 0)
		g_usleep(1000);
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	consumer = start_consumer("p", "");
	g_usleep(100000);
	finish_consumer(consumer);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	unlink("p");
}

/* --- errors --- */

static void check_does_not_start(const char *path, gint code, const char *text)
{
	struct consumer *consumer = make_consumer("unset", "", "");

	g_object_set(consumer->src, "socket-path", path, NULL);
	CHECK_EQ(gst_element_set_state(consumer->pipeline, GST_STATE_READY),
		 GST_STATE_CHANGE_SUCCESS);
	CHECK_EQ(gst_element_set_state(consumer->pipeline, GST_STATE_PAUSED),
		 GST_STATE_CHANGE_FAILURE);
	await_error(consumer, GST_RESOURCE_ERROR, code, text);
	forget_consumer(consumer);
}

TEST(no_path_is_an_error_of_settings)
{
	check_does_not_start(NULL, GST_RESOURCE_ERROR_SETTINGS, "socket-path");
	check_does_not_start("", GST_RESOURCE_ERROR_SETTINGS, "socket-path");
}

TEST(a_path_too_long_is_an_error_of_settings)
{
	gchar *path = g_strnfill(200, 'a');

	check_does_not_start(path, GST_RESOURCE_ERROR_SETTINGS, path);
	g_free(path);
}

static void check_does_not_connect(const char *path, const char *properties, GQuark domain,
				   gint code)
{
	struct consumer *consumer = start_consumer(path, properties);

	await_error(consumer, domain, code, path);
	forget_consumer(consumer);
}

TEST(nobody_in_the_time_given_is_not_found)
{
	const gint64 start = g_get_monotonic_time();

	check_does_not_connect("nobody", "connection-timeout=50000000", GST_RESOURCE_ERROR,
			       GST_RESOURCE_ERROR_NOT_FOUND);
	CHECK(g_get_monotonic_time() - start >= 50000);
}

TEST(a_file_that_is_no_socket_is_an_error)
{
	close(open("file", O_CREAT | O_WRONLY, 0600));
	check_does_not_connect("file", "", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
	unlink("file");
}

static int listen_plainly(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	CHECK_EQ(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(sock, 5), 0);
	return sock;
}

TEST(a_socket_of_another_kind_is_an_error)
{
	const int sock = listen_plainly("stream", SOCK_STREAM);

	check_does_not_connect("stream", "", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
	close(sock);
	unlink("stream");
}

TEST(a_peer_that_speaks_another_protocol_is_an_error)
{
	const int sock = listen_plainly("other", SOCK_SEQPACKET);
	struct consumer *consumer = start_consumer("other", "");
	const int peer = accept4(sock, NULL, NULL, SOCK_CLOEXEC);

	CHECK(peer >= 0);
	CHECK_EQ(send(peer, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL), 19);
	await_error(consumer, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "other");
	forget_consumer(consumer);
	close(peer);
	close(sock);
	unlink("other");
}

TEST(a_peer_that_hangs_up_at_once_does_not_make_us_spin)
{
	const int sock = listen_plainly("curt", SOCK_SEQPACKET);
	struct consumer *consumer = start_consumer("curt", "");
	const gint64 end = g_get_monotonic_time() + 450000;
	int visits = 0;

	CHECK_EQ(fcntl(sock, F_SETFL, O_NONBLOCK), 0);
	while (g_get_monotonic_time() < end) {
		const int peer = accept4(sock, NULL, NULL, SOCK_CLOEXEC);

		if (peer >= 0) {
			close(peer);
			visits++;
		}
		g_usleep(1000);
	}
	CHECK(visits >= 2);
	CHECK(visits <= 6);
	finish_consumer(consumer);
	close(sock);
	unlink("curt");
}

TEST(caps_that_make_no_sense_are_an_error_of_format)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");

	send_caps(producer, "video/x-raw, width=(int)[ 1, 2 ]");
	await_error(consumer, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, NULL);
	forget_consumer(consumer);
	stop_producer(producer);
}

TEST(caps_that_downstream_refuses_are_not_negotiated)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = make_consumer("p", "", "audio/x-raw !");

	play(consumer);
	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 10, 0);
	/* After a moment, in which the producer might have sent something else. */
	await_error(consumer, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, NULL);
	forget_consumer(consumer);
	stop_producer(producer);
}

/* --- the end --- */

static void check_ends_as(struct consumer *consumer, GstMessageType type)
{
	GstMessage *message = await_message(consumer, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

	CHECK_EQ(GST_MESSAGE_TYPE(message), type);
	gst_message_unref(message);
}

TEST(an_end_of_stream_is_one_whatever_on_disconnect_says)
{
	const char *const settings[] = {"on-disconnect=none", "on-disconnect=eos",
					"on-disconnect=error"};

	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		struct producer *producer = start_producer("p");
		struct consumer *consumer = start_consumer("p", settings[i]);

		await_subscriber(producer);
		send_prologue(producer);
		send_frame(producer, 0, 10, 0);
		CHECK_EQ(tachyon_publisher_send_eos(producer->publisher), 0);
		stop_producer(producer);
		gst_buffer_unref(await_buffer(consumer));
		check_ends_as(consumer, GST_MESSAGE_EOS);
		finish_consumer(consumer);
	}
}

TEST(a_producer_that_leaves_ends_the_stream_by_default)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");

	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 10, 0);
	stop_producer(producer);
	gst_buffer_unref(await_buffer(consumer));
	check_ends_as(consumer, GST_MESSAGE_EOS);
	finish_consumer(consumer);
}

TEST(a_producer_that_leaves_is_an_error_if_asked)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "on-disconnect=error");

	await_subscriber(producer);
	stop_producer(producer);
	await_error(consumer, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
		    "\"p\" ended: the producer closed it");
	forget_consumer(consumer);
}

TEST(a_producer_that_dies_is_an_error_if_asked_and_says_so)
{
	const pid_t pid = run_child(sleep_as_a_producer, (void *)"p");
	struct consumer *consumer = start_consumer("p", "on-disconnect=error");

	gst_buffer_unref(await_buffer(consumer));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	await_error(consumer, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
		    "\"p\" ended: the producer died");
	forget_consumer(consumer);
	unlink("p");
}

TEST(another_producer_is_found_and_the_stream_goes_on)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "on-disconnect=none");
	GstMessage *message;
	GstBuffer *buffer;
	guint64 connects;

	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 10, 0);
	gst_buffer_unref(await_buffer(consumer));
	send_frame(producer, 1, 10, 0);
	buffer = await_buffer(consumer);
	CHECK(!GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	gst_buffer_unref(buffer);
	stop_producer(producer);

	producer = start_producer("p");
	await_subscriber(producer);
	send_gst_event(producer, gst_event_new_stream_start("another"));
	send_caps(producer, "application/x-test, n=(int)2");
	send_segment(producer, 0, 0);
	send_frame(producer, 5, 10, 0);

	gst_event_unref(await_event(consumer, GST_EVENT_STREAM_START));
	gst_event_unref(await_event(consumer, GST_EVENT_CAPS));
	buffer = await_buffer(consumer);
	CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	CHECK_EQ(GST_BUFFER_PTS(buffer), 5);
	gst_buffer_unref(buffer);

	message = await_message(consumer, GST_MESSAGE_ELEMENT);
	CHECK(gst_message_has_name(message, "reconnected"));
	CHECK(gst_structure_get_uint64(gst_message_get_structure(message), "connects", &connects));
	CHECK_EQ(connects, 2);
	gst_message_unref(message);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(the_timeout_holds_for_a_reconnection_too)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer =
		start_consumer("p", "on-disconnect=none connection-timeout=100000000");

	await_subscriber(producer);
	stop_producer(producer);
	await_error(consumer, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "\"p\"");
	forget_consumer(consumer);
}

TEST(the_source_may_start_first)
{
	struct consumer *consumer = start_consumer("p", "");
	struct producer *producer;

	g_usleep(50000);
	producer = start_producer("p");
	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 10, 0);
	gst_buffer_unref(await_buffer(consumer));
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(an_abstract_name_is_found_by_its_type_or_its_sign)
{
	gchar *name = g_strdup_printf("tachyon-%d", getpid());
	gchar *address = g_strconcat("@", name, NULL);
	struct producer *producer = start_producer(address);
	struct consumer *by_type = start_consumer(name, "socket-type=abstract");
	struct consumer *by_sign;

	await_subscriber(producer);
	finish_consumer(by_type);
	while (has_subscribers(producer))
		g_usleep(1000);
	by_sign = start_consumer(address, "");
	await_subscriber(producer);
	finish_consumer(by_sign);
	stop_producer(producer);
	g_free(address);
	g_free(name);
}

TEST(an_application_may_end_the_stream_while_we_wait)
{
	struct consumer *consumer = start_consumer("@nobody", "");

	g_usleep(20000);
	CHECK(gst_element_send_event(consumer->pipeline, gst_event_new_eos()));
	check_ends_as(consumer, GST_MESSAGE_EOS);
	finish_consumer(consumer);
}

/* --- figures --- */

TEST(stats_count_and_stay_after_the_end)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");
	GstBuffer *buffer;

	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 5000, 0);
	buffer = await_buffer(consumer);
	CHECK_EQ(figure(consumer, "subscribers"), 1);
	CHECK_EQ(figure(consumer, "held"), 1);
	CHECK(figure(consumer, "payload-bytes") >= 5000);
	gst_buffer_unref(buffer);
	while (figure(consumer, "held") > 0)
		g_usleep(1000);
	stop(consumer);
	CHECK_EQ(figure(consumer, "frames"), 1);
	CHECK_EQ(figure(consumer, "bytes"), 5000);
	CHECK_EQ(figure(consumer, "copied"), 0);
	CHECK_EQ(figure(consumer, "dropped"), 0);
	CHECK_EQ(figure(consumer, "not-carried"), 0);
	CHECK_EQ(figure(consumer, "connects"), 1);
	CHECK_EQ(figure(consumer, "subscribers"), 0);
	CHECK(figure(consumer, "system-calls") > 0);
	finish_consumer(consumer);
	stop_producer(producer);
}
