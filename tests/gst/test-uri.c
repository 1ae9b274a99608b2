/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of tachyon: URIs, of the elements and of the players that make them. */
#include "sink-fixture.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- the interface --- */

static GstElement *make(const char *factory)
{
	GstElement *const element = gst_element_factory_make(factory, NULL);

	CHECK(element != NULL);
	return gst_object_ref_sink(element);
}

static void set_uri(GstElement *element, const char *uri)
{
	GError *error = NULL;

	if (!gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, &error))
		test_fail(__FILE__, __LINE__, "%s: %s", uri, error->message);
	CHECK(error == NULL);
}

static void check_uri(GstElement *element, const char *expected)
{
	gchar *const uri = gst_uri_handler_get_uri(GST_URI_HANDLER(element));

	CHECK_STR_EQ(uri, expected);
	g_free(uri);
}

static void check_text(GstElement *element, const char *property, const char *expected)
{
	gchar *text;

	g_object_get(element, property, &text, NULL);
	CHECK_STR_EQ(text, expected);
	g_free(text);
}

static void check_number(GstElement *element, const char *property, gint64 expected)
{
	GValue number = G_VALUE_INIT;

	g_value_init(&number, G_TYPE_INT64);
	g_object_get_property(G_OBJECT(element), property, &number);
	CHECK_EQ(g_value_get_int64(&number), expected);
	g_value_unset(&number);
}

/* Not taken, and nothing was set. */
static void check_refused(GstElement *element, const char *uri, gint code)
{
	gchar *const before = gst_uri_handler_get_uri(GST_URI_HANDLER(element));
	GError *error = NULL;

	if (gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, &error))
		test_fail(__FILE__, __LINE__, "%s was taken", uri);
	if (!g_error_matches(error, GST_URI_ERROR, code))
		test_fail(__FILE__, __LINE__, "%s: %d: %s", uri, error->code, error->message);
	CHECK(strlen(error->message) > 20);
	g_error_free(error);
	check_uri(element, before);
	g_free(before);
}

TEST(each_scheme_names_the_element_of_its_direction)
{
	GError *error = NULL;
	GstElement *element;

	CHECK(gst_uri_protocol_is_supported(GST_URI_SRC, "tachyon"));
	CHECK(gst_uri_protocol_is_supported(GST_URI_SINK, "tachyon"));

	element = gst_element_make_from_uri(GST_URI_SRC, "tachyon:///tmp/a", NULL, &error);
	CHECK(element != NULL);
	CHECK_STR_EQ(GST_OBJECT_NAME(gst_element_get_factory(element)), "tachyonsrc");
	check_text(element, "socket-path", "/tmp/a");
	gst_object_unref(gst_object_ref_sink(element));

	element = gst_element_make_from_uri(GST_URI_SINK, "tachyon:///tmp/a", NULL, &error);
	CHECK(element != NULL);
	CHECK_STR_EQ(GST_OBJECT_NAME(gst_element_get_factory(element)), "tachyonsink");
	gst_object_unref(gst_object_ref_sink(element));
}

static void check_addresses(const char *factory)
{
	static const struct {
		const char *uri;
		const char *path;
		const char *canonical;
	} cases[] = {
		{"tachyon:///tmp/picture", "/tmp/picture", "tachyon:///tmp/picture"},
		{"tachyon:/tmp/picture", "/tmp/picture", "tachyon:///tmp/picture"},
		{"TACHYON:///tmp/picture", "/tmp/picture", "tachyon:///tmp/picture"},
		{"tachyon:///tmp/a%20b%3Fc%23d%25", "/tmp/a b?c#d%", NULL},
		{"tachyon:///tmp/%C3%A9", "/tmp/\303\251", NULL},
		{"tachyon:///tmp/picture?#part", "/tmp/picture", "tachyon:///tmp/picture"},
		{"tachyon://@camera", "@camera", NULL},
		{"tachyon:@camera", "@camera", "tachyon://@camera"},
		{"tachyon://%40camera", NULL, NULL},
		{"tachyon://@a/b%20c", "@a/b c", NULL},
		{"tachyon://@@padded", "@@padded", NULL},
	};
	GstElement *const element = make(factory);
	size_t i;

	check_uri(element, NULL);
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		if (!cases[i].path) {
			check_refused(element, cases[i].uri, GST_URI_ERROR_BAD_URI);
			continue;
		}
		set_uri(element, cases[i].uri);
		check_text(element, "socket-path", cases[i].path);
		check_uri(element, cases[i].canonical ? cases[i].canonical : cases[i].uri);
	}
	gst_object_unref(element);
}

TEST(a_uri_is_an_address_at_the_source)
{
	check_addresses("tachyonsrc");
}

TEST(a_uri_is_an_address_at_the_sink)
{
	check_addresses("tachyonsink");
}

TEST(properties_that_name_an_address_show_in_the_uri)
{
	GstElement *const src = make("tachyonsrc");
	gchar *const here = g_strdup_printf("tachyon://%s/here", test_dir());

	gst_util_set_object_arg(G_OBJECT(src), "socket-type", "abstract");
	g_object_set(src, "socket-path", "camera", NULL);
	check_uri(src, "tachyon://@camera");

	/* The URI replaces both. */
	set_uri(src, "tachyon:///tmp/camera");
	check_number(src, "socket-type", 0);

	g_object_set(src, "socket-path", "here", NULL);
	check_uri(src, here);
	g_object_set(src, "socket-path", "", NULL);
	check_uri(src, NULL);
	g_free(here);
	gst_object_unref(src);
}

TEST(parameters_set_properties_of_the_source)
{
	const char *const uri = "tachyon:///tmp/a?always-copy=true&connection-timeout=5000000000"
				"&is-live=false&leaky-type=downstream&max-buffers=7"
				"&on-disconnect=none"
				"&timestamp-mode=passthrough";
	GstElement *const src = make("tachyonsrc");

	set_uri(src, uri);
	check_number(src, "always-copy", TRUE);
	check_number(src, "connection-timeout", 5000000000);
	check_number(src, "is-live", FALSE);
	check_number(src, "leaky-type", 2);
	check_number(src, "max-buffers", 7);
	check_number(src, "on-disconnect", 0);
	check_number(src, "timestamp-mode", 1);
	check_uri(src, uri);

	/* What a URI does not name stays. */
	set_uri(src, "tachyon:///tmp/b?is-live=yes&max-buffers=%30");
	check_number(src, "is-live", TRUE);
	check_number(src, "max-buffers", 0);
	check_number(src, "always-copy", TRUE);
	gst_object_unref(src);
}

TEST(parameters_set_properties_of_the_sink)
{
	const char *const uri = "tachyon://@a?leaky-type=upstream&max-buffers=3&min-memory-size=-1"
				"&shm-size=1048576&sync=false&wait-for-connection=true";
	GstElement *const sink = make("tachyonsink");

	set_uri(sink, uri);
	check_number(sink, "leaky-type", 1);
	check_number(sink, "max-buffers", 3);
	check_number(sink, "min-memory-size", -1);
	check_number(sink, "shm-size", 1048576);
	check_number(sink, "sync", FALSE);
	check_number(sink, "wait-for-connection", TRUE);
	check_uri(sink, uri);
	gst_object_unref(sink);
}

TEST(a_uri_that_makes_no_sense_changes_nothing)
{
	static const char *const addresses[] = {
		"tachyon:",	 "tachyon://",		 "tachyon:///",
		"tachyon://@",	 "tachyon:tmp/a",	 "tachyon://host/tmp/a",
		"tachyon://?x=", "tachyon:///tmp/a%00b", "tachyon:///tmp/a%",
		"tachyon:?",	 "tachyon:///tmp/a%2",
	};
	static const char *const parameters[] = {
		"?perms=511",
		"?socket-path=/etc",
		"?stream-name=x",
		"?name=x",
		"?stats=x",
		"?fd=3",
		"?max-buffers=many",
		"?max-buffers=-1",
		"?max-buffers=99999999999",
		"?leaky-type=sideways",
		"?is-live=perhaps",
		"?is-live=",
		"?=",
		"?max-buffers=1.5",
		"?on-disconnect=7",
		"?is-live=false&on-disconnect=maybe&max-buffers=3",
	};
	GstElement *const src = make("tachyonsrc");
	size_t i;

	set_uri(src, "tachyon:///tmp/good?max-buffers=5");
	for (i = 0; i < G_N_ELEMENTS(addresses); i++)
		check_refused(src, addresses[i], GST_URI_ERROR_BAD_URI);
	for (i = 0; i < G_N_ELEMENTS(parameters); i++) {
		gchar *const uri = g_strconcat("tachyon:///tmp/bad", parameters[i], NULL);

		check_refused(src, uri, GST_URI_ERROR_BAD_REFERENCE);
		g_free(uri);
	}
	check_refused(src, "tachyon:///tmp/a?is-live", GST_URI_ERROR_BAD_URI);
	check_refused(src, "tachyon:///tmp/a?max-buffers=%zz", GST_URI_ERROR_BAD_URI);
	gst_object_unref(src);
}

TEST(a_parameter_of_the_other_element_is_none_of_this)
{
	GstElement *const src = make("tachyonsrc");
	GstElement *const sink = make("tachyonsink");

	check_refused(src, "tachyon:///tmp/a?shm-size=4096", GST_URI_ERROR_BAD_REFERENCE);
	check_refused(sink, "tachyon:///tmp/a?is-live=true", GST_URI_ERROR_BAD_REFERENCE);
	gst_object_unref(sink);
	gst_object_unref(src);
}

TEST(a_uri_is_not_changed_while_the_element_runs)
{
	GstElement *const src = make("tachyonsrc");

	set_uri(src, "tachyon:///tmp/nobody");
	reach_state(src, GST_STATE_READY);
	set_uri(src, "tachyon://@nobody-is-here");
	set_state(src, GST_STATE_PAUSED);
	check_refused(src, "tachyon:///tmp/other", GST_URI_ERROR_BAD_STATE);
	reach_state(src, GST_STATE_NULL);
	set_uri(src, "tachyon:///tmp/other");
	gst_object_unref(src);
}

/* --- players --- */

struct counts {
	gint video;
	gint audio;
	gint wrong; /* messages that a stream which plays well does not cause */
};

static void count_buffer(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer count)
{
	(void)sink;
	(void)buffer;
	(void)pad;
	g_atomic_int_inc((gint *)count);
}

static GstElement *make_end(gint *count)
{
	GstElement *const end = gst_element_factory_make("fakesink", NULL);

	CHECK(end != NULL);
	g_object_set(end, "signal-handoffs", TRUE, "sync", TRUE, NULL);
	g_signal_connect(end, "handoff", G_CALLBACK(count_buffer), count);
	return end;
}

/* That the end has no volume is said of a fakesink. */
static bool is_about_volume(GstMessage *message)
{
	GError *warning;
	bool is_it;

	gst_message_parse_warning(message, &warning, NULL);
	is_it = strstr(warning->message, "olume") != NULL;
	g_error_free(warning);
	return is_it;
}

static GstBusSyncReply note_trouble(GstBus *bus, GstMessage *message, gpointer counts)
{
	(void)bus;
	switch (GST_MESSAGE_TYPE(message)) {
	case GST_MESSAGE_WARNING:
		if (is_about_volume(message)) {
			gst_message_unref(message);
			return GST_BUS_DROP;
		}
		g_atomic_int_inc(&((struct counts *)counts)->wrong);
		break;
	case GST_MESSAGE_ERROR:
	case GST_MESSAGE_BUFFERING:
		g_atomic_int_inc(&((struct counts *)counts)->wrong);
		break;
	default:
		break;
	}
	return GST_BUS_PASS;
}

static GstElement *make_player(const char *factory, const char *uri, struct counts *counts)
{
	GstElement *const player = gst_element_factory_make(factory, NULL);
	GstBus *bus;

	CHECK(player != NULL);
	gst_object_ref_sink(player);
	g_object_set(player, "uri", uri, "video-sink", make_end(&counts->video), "audio-sink",
		     make_end(&counts->audio), NULL);
	/* Without a volume: playbin 1.22 leaks the one it makes, whatever it plays. */
	gst_util_set_object_arg(G_OBJECT(player), "flags", "video+audio");
	bus = gst_element_get_bus(player);
	gst_bus_set_sync_handler(bus, note_trouble, counts, NULL);
	gst_object_unref(bus);
	return player;
}

static bool have(const char *factory)
{
	GstElementFactory *const found = gst_element_factory_find(factory);

	if (found)
		gst_object_unref(found);
	return found != NULL;
}

/* Sends what the line makes, and plays it by the URI; 45 buffers, 3 of which a sink may drop as
 * late while the player builds itself. */
static void check_player(const char *factory, const char *producer, const char *parameters,
			 bool is_video)
{
	gchar *const line = g_strdup_printf("%s ! tachyonsink name=sink socket-path=play.sock "
					    "wait-for-connection=true",
					    producer);
	gchar *const uri = g_strdup_printf("tachyon://%s/play.sock%s", test_dir(), parameters);
	GstElement *const sender = launch(line);
	struct counts counts = {0};
	GstElement *const player = make_player(factory, uri, &counts);
	const GstStateChangeReturn expected = strstr(parameters, "is-live=false")
						      ? GST_STATE_CHANGE_ASYNC
						      : GST_STATE_CHANGE_NO_PREROLL;

	set_state(sender, GST_STATE_PLAYING);
	CHECK_EQ(gst_element_set_state(player, GST_STATE_PAUSED), expected);
	set_state(player, GST_STATE_PLAYING);
	await_eos(player);
	CHECK_EQ(g_atomic_int_get(&counts.wrong), 0);
	CHECK(g_atomic_int_get(is_video ? &counts.video : &counts.audio) >= 42);
	CHECK_EQ(g_atomic_int_get(is_video ? &counts.audio : &counts.video), 0);
	finish(player);
	finish(sender);
	g_free(uri);
	g_free(line);
}

#define VIDEO "videotestsrc is-live=true num-buffers=45 ! video/x-raw,width=160,height=120"
#define AUDIO "audiotestsrc is-live=true num-buffers=45"
#define H264 VIDEO ",format=I420 ! x264enc tune=zerolatency key-int-max=5"

static bool have_h264(void)
{
	return have("x264enc") && have("h264parse") && have("avdec_h264");
}

TEST(playbin_plays_raw_video)
{
	if (!have("playbin"))
		SKIP("no playbin");
	check_player("playbin", VIDEO, "", true);
}

TEST(playbin_plays_raw_audio)
{
	if (!have("playbin"))
		SKIP("no playbin");
	check_player("playbin", AUDIO, "", false);
}

TEST(playbin_plays_h264)
{
	if (!have("playbin") || !have_h264())
		SKIP("no playbin, or no H.264 here");
	check_player("playbin", H264, "", true);
}

TEST(playbin_prerolls_what_is_not_live)
{
	if (!have("playbin"))
		SKIP("no playbin");
	check_player("playbin", VIDEO, "?is-live=false&timestamp-mode=passthrough", true);
}

TEST(playbin_plays_h264_that_is_not_live)
{
	if (!have("playbin") || !have_h264())
		SKIP("no playbin, or no H.264 here");
	check_player("playbin", H264, "?is-live=false", true);
}

TEST(playbin3_plays_raw_video)
{
	if (!have("playbin3"))
		SKIP("no playbin3");
	check_player("playbin3", VIDEO, "", true);
}

TEST(playbin3_plays_h264)
{
	if (!have("playbin3") || !have_h264())
		SKIP("no playbin3, or no H.264 here");
	check_player("playbin3", H264, "", true);
}

TEST(uridecodebin_decodes_what_comes)
{
	gchar *line;
	GstElement *sender, *receiver;
	gint count = 0;

	if (!have("uridecodebin") || !have_h264())
		SKIP("no uridecodebin, or no H.264 here");

	line = g_strdup_printf("uridecodebin uri=tachyon://%s/play.sock ! video/x-raw ! "
			       "fakesink name=end signal-handoffs=true",
			       test_dir());
	sender = launch(H264 " ! tachyonsink name=sink socket-path=play.sock "
			     "wait-for-connection=true");
	receiver = launch(line);
	g_signal_connect(part(receiver, "end"), "handoff", G_CALLBACK(count_buffer), &count);
	set_state(sender, GST_STATE_PLAYING);
	set_state(receiver, GST_STATE_PLAYING);
	await_eos(receiver);
	CHECK(g_atomic_int_get(&count) >= 42);
	finish(receiver);
	finish(sender);
	g_free(line);
}
