/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of where the elements meet: sockets that are given, and kinds of addresses. */
#include "sink-fixture.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

#define SOURCE "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=100/1 ! "
#define TO_SINK SOURCE "tachyonsink name=sink "
#define FROM_SRC "tachyonsrc name=src "
#define END " ! fakesink name=end sync=false enable-last-sample=false"

static void make_sockets(int socks[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
}

static GstElement *make(const char *format, int fd)
{
	gchar *const line =
		g_strdup_printf("%s fd=%d %s", format, fd, strstr(format, "tachyonsrc") ? END : "");
	GstElement *const pipeline = launch(line);

	g_free(line);
	return pipeline;
}

static void check_error(GstElement *pipeline, gint code, const char *words)
{
	GstMessage *const message = await_message(pipeline, GST_MESSAGE_ERROR);
	GError *error;

	gst_message_parse_error(message, &error, NULL);
	if (!g_error_matches(error, GST_RESOURCE_ERROR, code) || !strstr(error->message, words))
		test_fail(__FILE__, __LINE__, "%d: %s", error->code, error->message);
	CHECK(true);
	g_error_free(error);
	gst_message_unref(message);
}

static void drop(GstElement *pipeline)
{
	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	gst_object_unref(pipeline);
}

TEST(frames_cross_over_a_socket_that_was_given)
{
	GstElement *producer, *consumer;
	int socks[2];

	make_sockets(socks);
	producer = make(TO_SINK, socks[0]);
	consumer = make(FROM_SRC, socks[1]);
	set_state(consumer, GST_STATE_PLAYING);
	set_state(producer, GST_STATE_PLAYING);
	await_stat(part(consumer, "src"), "frames", 10);
	/* They have copies: ours are ours to close. */
	close(socks[0]);
	close(socks[1]);
	await_stat(part(consumer, "src"), "frames", stat_of(part(consumer, "src"), "frames") + 10);

	/* on-disconnect=eos, and none alike: there is no address to return to. */
	set_state(producer, GST_STATE_NULL);
	await_eos(consumer);
	finish(consumer);
	finish(producer);
}

TEST(a_socket_makes_one_connection)
{
	GstElement *producer, *consumer;
	int socks[2];

	make_sockets(socks);
	producer = make(TO_SINK, socks[0]);
	consumer = make(FROM_SRC "on-disconnect=none", socks[1]);
	set_state(consumer, GST_STATE_PLAYING);
	set_state(producer, GST_STATE_PLAYING);
	await_stat(part(consumer, "src"), "frames", 3);
	reach_state(producer, GST_STATE_NULL);
	await_eos(consumer);
	reach_state(consumer, GST_STATE_NULL);
	set_state(consumer, GST_STATE_PLAYING);
	check_error(consumer, GST_RESOURCE_ERROR_SETTINGS, "fd ");
	drop(consumer);
	drop(producer);
	close(socks[0]);
	close(socks[1]);
}

TEST(a_sink_has_a_socket_and_an_address)
{
	GstElement *producer, *given, *other;
	int socks[2];

	make_sockets(socks);
	producer = make(TO_SINK "socket-path=f.sock", socks[0]);
	given = make(FROM_SRC, socks[1]);
	other = launch(FROM_SRC "socket-path=f.sock" END);
	set_state(producer, GST_STATE_PLAYING);
	set_state(given, GST_STATE_PLAYING);
	set_state(other, GST_STATE_PLAYING);
	await_stat(part(given, "src"), "frames", 3);
	await_stat(part(other, "src"), "frames", 3);
	CHECK_EQ(stat_of(sink_of(producer), "subscribers"), 2);
	finish(other);
	finish(given);
	finish(producer);
	close(socks[0]);
	close(socks[1]);
}

TEST(a_source_goes_on_at_its_address_when_its_socket_is_done)
{
	GstElement *first, *second, *consumer;
	int socks[2];

	make_sockets(socks);
	first = make(TO_SINK, socks[0]);
	consumer = make(FROM_SRC "socket-path=f.sock on-disconnect=none", socks[1]);
	set_state(first, GST_STATE_PLAYING);
	set_state(consumer, GST_STATE_PLAYING);
	await_stat(part(consumer, "src"), "frames", 3);
	finish(first);
	second = launch(TO_SINK "socket-path=f.sock");
	set_state(second, GST_STATE_PLAYING);
	await_stat(part(consumer, "src"), "connects", 2);
	finish(consumer);
	finish(second);
	close(socks[0]);
	close(socks[1]);
}

TEST(what_is_no_such_socket_is_an_error_at_each_end)
{
	const int file = open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	const int fds[] = {file, 9999};

	unlink("file");
	for (int i = 0; i < 2; i++) {
		GstElement *const producer = make(TO_SINK, fds[i]);
		GstElement *const consumer = make(FROM_SRC, fds[i]);

		CHECK_EQ(gst_element_set_state(producer, GST_STATE_PAUSED),
			 GST_STATE_CHANGE_FAILURE);
		check_error(producer, GST_RESOURCE_ERROR_SETTINGS, "Descriptor ");
		set_state(consumer, GST_STATE_PLAYING);
		check_error(consumer, GST_RESOURCE_ERROR_SETTINGS, "fd ");
		drop(producer);
		drop(consumer);
	}
	close(file);
}

/* --- kinds of addresses --- */

static GstElement *make_at(const char *element, const char *name, const char *type)
{
	gchar *const line = g_strdup_printf("%s socket-path=%s socket-type=%s%s", element, name,
					    type, strstr(element, "tachyonsrc") ? END : "");
	GstElement *const pipeline = launch(line);

	g_free(line);
	return pipeline;
}

static void check_meeting(const char *name, const char *type, const char *other_name,
			  const char *other_type)
{
	GstElement *const producer = make_at(TO_SINK, name, type);
	GstElement *const consumer = make_at(FROM_SRC, other_name, other_type);

	set_state(producer, GST_STATE_PLAYING);
	set_state(consumer, GST_STATE_PLAYING);
	await_stat(part(consumer, "src"), "frames", 3);
	finish(consumer);
	finish(producer);
}

TEST(each_kind_of_address_has_a_name_and_a_nick)
{
	gchar *const name = g_strdup(test_name());
	gchar *const at = g_strconcat("@", name, NULL);
	gchar *const at_at = g_strconcat("@@", name, NULL);

	check_meeting("f.sock", "path", "f.sock", "path");
	check_meeting(name, "abstract", at, "path");
	check_meeting(at, "abstract", name, "abstract");
	check_meeting(name, "abstract-padded", at_at, "path");
	check_meeting(at, "abstract-padded", at_at, "abstract-padded");
	g_free(at_at);
	g_free(at);
	g_free(name);
}

/* As GIO writes them. */
TEST(a_padded_name_fills_the_whole_address)
{
	GstElement *const producer = make_at(TO_SINK, test_name(), "abstract-padded");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	reach_state(producer, GST_STATE_READY);
	set_state(producer, GST_STATE_PLAYING);
	memcpy(address.sun_path + 1, test_name(), strlen(test_name()));
	CHECK(connect(sock, (struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  strlen(test_name()))) < 0);
	CHECK_EQ(connect(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	close(sock);
	finish(producer);
}
