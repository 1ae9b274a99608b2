/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of the progress messages that tachyonsrc posts while it waits for a producer. */
#include "src-fixture.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* A producer that is about to leave may hang up on us once more. */
static GstMessage *await_change(struct consumer *consumer, GstProgressType expected)
{
	for (;;) {
		GstMessage *const message = await_message(consumer, GST_MESSAGE_PROGRESS);
		GstProgressType type;

		gst_message_parse_progress(message, &type, NULL, NULL);
		if (type != GST_PROGRESS_TYPE_CONTINUE || type == expected)
			return message;
		gst_message_unref(message);
	}
}

static void await_progress(struct consumer *consumer, GstProgressType expected)
{
	GstMessage *const message = await_change(consumer, expected);
	GstProgressType type;
	gchar *code, *text;

	gst_message_parse_progress(message, &type, &code, &text);
	CHECK_EQ(type, expected);
	CHECK_STR_EQ(code, "connect");
	CHECK(strstr(text, "\"p.sock\""));
	CHECK(GST_MESSAGE_SRC(message) == GST_OBJECT(consumer->src));
	g_free(code);
	g_free(text);
	gst_message_unref(message);
}

static void check_silence(struct consumer *consumer)
{
	CHECK(gst_bus_pop_filtered(consumer->bus, GST_MESSAGE_PROGRESS) == NULL);
}

TEST(a_wait_for_a_producer_starts_and_completes)
{
	struct consumer *consumer = start_consumer("p.sock", "");
	struct producer *producer;

	await_progress(consumer, GST_PROGRESS_TYPE_START);
	check_silence(consumer);
	producer = start_producer("p.sock");
	await_progress(consumer, GST_PROGRESS_TYPE_COMPLETE);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_producer_that_leaves_is_waited_for_anew)
{
	struct producer *producer = start_producer("p.sock");
	struct consumer *consumer = start_consumer("p.sock", "on-disconnect=none");

	await_progress(consumer, GST_PROGRESS_TYPE_START);
	await_progress(consumer, GST_PROGRESS_TYPE_COMPLETE);
	send_prologue(producer);
	send_frame(producer, 0, 100, 1);
	gst_buffer_unref(await_buffer(consumer));
	stop_producer(producer);
	await_progress(consumer, GST_PROGRESS_TYPE_START);
	producer = start_producer("p.sock");
	await_progress(consumer, GST_PROGRESS_TYPE_COMPLETE);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_stop_cancels_the_wait_and_is_no_error)
{
	struct consumer *consumer = start_consumer("p.sock", "");

	await_progress(consumer, GST_PROGRESS_TYPE_START);
	/* Not NULL, which would have the pipeline throw messages away. */
	CHECK_EQ(gst_element_set_state(consumer->pipeline, GST_STATE_READY),
		 GST_STATE_CHANGE_SUCCESS);
	await_progress(consumer, GST_PROGRESS_TYPE_CANCELED);
	check_silence(consumer);
	play(consumer);
	await_progress(consumer, GST_PROGRESS_TYPE_START);
	finish_consumer(consumer);
}

TEST(a_wait_that_fails_ends_in_an_error)
{
	struct consumer *consumer = start_consumer("p.sock", "connection-timeout=100000000");

	await_progress(consumer, GST_PROGRESS_TYPE_START);
	await_error(consumer, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "p.sock");
	await_progress(consumer, GST_PROGRESS_TYPE_ERROR);
	check_silence(consumer);
	forget_consumer(consumer);
}

struct refuser {
	int listener;
	gint refused;
};

/* Accepts whoever comes, and hangs up. */
static void *hang_up(void *data)
{
	struct refuser *refuser = data;
	int sock;

	while ((sock = accept(refuser->listener, NULL, NULL)) >= 0) {
		close(sock);
		g_atomic_int_inc(&refuser->refused);
	}
	return NULL;
}

static gboolean has_refused_four(void *refuser)
{
	return g_atomic_int_get(&((struct refuser *)refuser)->refused) >= 4;
}

TEST(producers_that_hang_up_are_told_of_once)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "p.sock"};
	struct refuser refuser = {.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
	struct consumer *consumer;
	struct producer *producer;
	GThread *thread;

	CHECK_EQ(bind(refuser.listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(refuser.listener, 16), 0);
	thread = g_thread_new("hang-up", hang_up, &refuser);
	consumer = start_consumer("p.sock", "");
	await_progress(consumer, GST_PROGRESS_TYPE_START);
	await_progress(consumer, GST_PROGRESS_TYPE_CONTINUE);
	await(has_refused_four, &refuser);
	check_silence(consumer);
	shutdown(refuser.listener, SHUT_RDWR);
	g_thread_join(thread);
	close(refuser.listener);
	unlink("p.sock");
	producer = start_producer("p.sock");
	await_progress(consumer, GST_PROGRESS_TYPE_COMPLETE);
	finish_consumer(consumer);
	stop_producer(producer);
}
