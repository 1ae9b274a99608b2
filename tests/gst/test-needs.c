/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of what downstream needs, on its way to a producer: text, message, and all together. */
#include <gst/gst.h>
#include <stdbool.h>
#include <string.h>

#include "gsttachyondemand.h"
#include "gsttachyonwire.h"
#include "gsttachyonwish.h"
#include "harness.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- caps as text --- */

static void check_wish(const char *text)
{
	GstCaps *const caps = gst_caps_from_string(text);
	gchar *const wish = gst_tachyon_wish_print(caps);
	GstCaps *const parsed = gst_tachyon_wish_parse(wish);

	if (!parsed)
		test_fail(__FILE__, __LINE__, "not understood: %s", text);
	if (!gst_caps_is_strictly_equal(parsed, caps))
		test_fail(__FILE__, __LINE__, "%s became %s", text, wish);
	CHECK(parsed != NULL);
	gst_caps_unref(parsed);
	g_free(wish);
	gst_caps_unref(caps);
}

TEST(what_elements_say_of_themselves_is_understood)
{
	check_wish("video/x-raw");
	check_wish("video/x-raw, format=(string)NV12");
	check_wish(
		"video/x-raw, format=(string){ I420, NV12, \"RGB x\" }, width=(int)[ 1, 32767 ], "
		"height=(int)[ 16, 4096, 16 ], framerate=(fraction)[ 0/1, 2147483647/1 ]");
	check_wish("video/x-raw(memory:DMABuf), format=(string)NV12; video/x-raw");
	check_wish("video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition); "
		   "video/x-h264, alignment=(string)au, parsed=(boolean)true");
	check_wish("audio/x-raw, rate=(int){ 8000, 16000 }, channels=(int)2, "
		   "channel-mask=(bitmask)0x0000000000000003, layout=(string)interleaved");
	check_wish("application/x-test, a=(double)[ 0.5, 2 ], b=(gint64)[ 1, 9000000000 ], "
		   "c=(double)1.5");
}

static void check_no_wish(const char *text)
{
	GstCaps *const caps = gst_tachyon_wish_parse(text);

	if (caps)
		test_fail(__FILE__, __LINE__, "understood: %s", text);
	CHECK(caps == NULL);
}

TEST(what_makes_no_sense_is_no_wish)
{
	static const char *const texts[] = {
		"",
		";",
		",",
		"ANY",
		"EMPTY",
		"NONE",
		"video",
		"(video/x-raw)",
		"video/x-raw,",
		"video/x-raw-rgb",
		"audio/x-raw-int, rate=(int)1",
		"video/x-raw(",
		"video/x-raw()",
		"video/x-raw(memory:)",
		"video/x-raw(:x)",
		"video/x-raw, width",
		"video/x-raw, width=",
		"video/x-raw, =(int)1",
		"video/x-raw, width=(int)",
		"video/x-raw, width=(int)x",
		"video/x-raw, width=(",
		"video/x-raw, width=(unheard)1",
		"video/x-raw, width=(GstCaps)1",
		"video/x-raw, width=[ 5, 1 ]",
		"video/x-raw, width=[ 1, 1 ]",
		"video/x-raw, width=[ 1, 10, 0 ]",
		"video/x-raw, width=[ 1, 10, 3 ]",
		"video/x-raw, width=[ 1, 10, -1 ]",
		"video/x-raw, width=[ 1, ten ]",
		"video/x-raw, width=[ 1 ]",
		"video/x-raw, width=[ 1, 2",
		"video/x-raw, width=[",
		"video/x-raw, framerate=[ 30/1, 1/1 ]",
		"video/x-raw, framerate=[ 1/0, 2/0 ]",
		"video/x-raw, framerate=[ 1/1, 30/1, 2 ]",
		"video/x-raw, framerate=[ 1/1, 30 ]",
		"video/x-raw, format=[ (string)a, (string)b ]",
		"video/x-raw, format={ }",
		"video/x-raw, format={ (int)1, (string)a }",
		"video/x-raw, format={ a,",
		"video/x-raw, format={ 1, a }",
		"video/x-raw, format={ a",
		"video/x-raw, format={ { a } }",
		"video/x-raw, format={ a, NULL }",
		"video/x-raw, format=\"unended",
		"video/x-raw, format=< a >",
		"video/x-raw; ;",
		"video/x-raw video/x-h264",
		"video/x-raw, width=(double)[ nan, nan ]",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		check_no_wish(texts[i]);
}

TEST(a_wish_is_bounded)
{
	GString *text = g_string_new("video/x-raw, format={ a0");

	for (int i = 1; i < 300; i++)
		g_string_append_printf(text, ",a%d", i);
	g_string_append(text, " }");
	CHECK(text->len < GST_TACHYON_WISH_MAX);
	check_no_wish(text->str);

	g_string_assign(text, "video/x-raw");
	for (int i = 0; i < 40; i++)
		g_string_append(text, ";video/x-raw");
	check_no_wish(text->str);

	g_string_assign(text, "video/x-raw, format=");
	while (text->len <= GST_TACHYON_WISH_MAX)
		g_string_append_c(text, 'x');
	check_no_wish(text->str);
	g_string_free(text, TRUE);
}

TEST(memory_that_cannot_cross_is_left_out)
{
	GstCaps *const caps =
		gst_caps_from_string("video/x-raw(memory:GLMemory); video/x-raw(ANY); "
				     "video/x-raw, format=(string)I420");
	gchar *wish = gst_tachyon_wish_print(caps);
	GstCaps *parsed;

	CHECK_STR_EQ(wish, "video/x-raw, format=(string)I420");
	g_free(wish);
	gst_caps_unref(caps);

	/* Not even where somebody else printed it. */
	parsed = gst_tachyon_wish_parse("video/x-raw(memory:GLMemory); video/x-raw, width=(int)5; "
					"video/x-raw(ANY)");
	CHECK_EQ(gst_caps_get_size(parsed), 1);
	gst_caps_unref(parsed);
	check_no_wish("video/x-raw(memory:GLMemory)");
}

static bool names_are_forgotten(void)
{
	guint major, minor, micro, nano;

	gst_version(&major, &minor, &micro, &nano);
	return minor >= 25;
}

TEST(names_that_nobody_knows_leave_no_trace)
{
	if (names_are_forgotten())
		SKIP("this GStreamer forgets names");

	GstCaps *const expected = gst_caps_from_string("video/x-raw, width=(int)2");
	GstCaps *const caps = gst_tachyon_wish_parse("video/x-never-heard; video/x-raw, "
						     "never-heard=(int)1, width=(int)2; "
						     "video/x-raw(meta:NeverHeard)");

	CHECK(gst_caps_is_strictly_equal(caps, expected));
	CHECK_EQ(g_quark_try_string("video/x-never-heard"), 0);
	CHECK_EQ(g_quark_try_string("never-heard"), 0);
	CHECK_EQ(g_quark_try_string("meta:NeverHeard"), 0);
	gst_caps_unref(caps);
	gst_caps_unref(expected);
}

TEST(anything_is_said_by_nothing)
{
	GstCaps *const any = gst_caps_new_any();
	GstCaps *const empty = gst_caps_new_empty();
	gchar *const wishes[] = {gst_tachyon_wish_print(any), gst_tachyon_wish_print(empty)};

	CHECK_STR_EQ(wishes[0], "");
	CHECK_STR_EQ(wishes[1], "");
	g_free(wishes[0]);
	g_free(wishes[1]);
	gst_caps_unref(empty);
	gst_caps_unref(any);
}

/* What is not fixed, from all over the installation. */
TEST(templates_of_installed_elements_are_understood_or_are_anything)
{
	GList *const features =
		gst_registry_get_feature_list(gst_registry_get(), GST_TYPE_ELEMENT_FACTORY);
	guint count = 0;

	for (GList *link = features; link; link = link->next) {
		const GList *pads = gst_element_factory_get_static_pad_templates(link->data);

		for (; pads; pads = pads->next) {
			GstCaps *const caps = gst_static_pad_template_get_caps(pads->data);
			gchar *const wish = gst_tachyon_wish_print(caps);
			GstCaps *const parsed = gst_tachyon_wish_parse(wish);

			CHECK(strlen(wish) <= GST_TACHYON_WISH_MAX);
			CHECK((parsed != NULL) == (*wish != '\0'));
			if (parsed)
				CHECK(gst_caps_is_subset(parsed, caps));
			count += parsed != NULL;
			gst_clear_caps((GstCaps **)&parsed);
			g_free(wish);
			gst_caps_unref(caps);
		}
	}
	CHECK(count > 10);
	gst_plugin_feature_list_free(features);
}

TEST(random_text_harms_nobody)
{
	static const char letters[] = "video/x-raw,;(){}[]<>=\"\\ 0123456789intfractionmemory:.-AN";
	GRand *const random = g_rand_new_with_seed(4);
	char text[200];

	for (int round = 0; round < 200000; round++) {
		const gint length = g_rand_int_range(random, 0, (gint)sizeof(text) - 1);
		/* Half of them begin well. */
		gint i =
			(gint)g_strlcpy(text, round % 2 ? "video/x-raw, width=" : "", sizeof(text));

		for (; i < length; i++)
			text[i] = letters[g_rand_int_range(random, 0, sizeof(letters) - 1)];
		text[MAX(i, 0)] = '\0';
		GstCaps *caps = gst_tachyon_wish_parse(text);

		gst_clear_caps(&caps);
	}
	CHECK(true);
	g_rand_free(random);
}

/* --- the message --- */

static bool decode(guint32 type, const void *data, gsize size, GstTachyonNeeds *needs)
{
	const struct tachyon_event event = {.type = type, .data = data, .size = size};

	return gst_tachyon_needs_decode(&event, needs);
}

TEST(needs_cross_as_they_are)
{
	GstTachyonNeeds needs = {.min_buffers = 7,
				 .align = 31,
				 .no_video_meta = TRUE,
				 .wish = (gchar *)"video/x-raw"};
	GByteArray *const bytes = g_byte_array_new();
	struct tachyon_event event;
	GstTachyonNeeds decoded;

	gst_tachyon_needs_encode(&needs, bytes, &event);
	CHECK_EQ(event.type, 4);
	CHECK_EQ(event.size, 16 + strlen("video/x-raw"));
	CHECK(gst_tachyon_needs_decode(&event, &decoded));
	CHECK(gst_tachyon_needs_equal(&needs, &decoded));
	gst_tachyon_needs_clear(&decoded);

	needs = (GstTachyonNeeds){0};
	gst_tachyon_needs_encode(&needs, bytes, &event);
	CHECK_EQ(event.size, 16);
	CHECK(gst_tachyon_needs_decode(&event, &decoded));
	CHECK(gst_tachyon_needs_equal(&needs, &decoded));
	gst_tachyon_needs_clear(&decoded);
	g_byte_array_unref(bytes);
}

TEST(needs_out_of_reason_are_cut_or_refused)
{
	guint8 data[16 + GST_TACHYON_WISH_MAX + 1] = {0};
	const struct needs_message huge = {
		.min_buffers = G_MAXUINT32, .align = G_MAXUINT32, .flags = ~1u};
	const struct needs_message odd = {.align = 5};
	GstTachyonNeeds needs;

	CHECK(!decode(5, data, 16, &needs));
	CHECK(!decode(4, data, 15, &needs));
	CHECK(!decode(4, data, 0, &needs));
	CHECK(!decode(4, data, 17, &needs)); /* a NUL */
	memset(data + 16, 'x', GST_TACHYON_WISH_MAX + 1);
	CHECK(!decode(4, data, sizeof(data), &needs));
	data[16] = 0xff; /* no UTF-8 */
	CHECK(!decode(4, data, 20, &needs));

	CHECK(decode(4, &huge, sizeof(huge), &needs));
	CHECK_EQ(needs.min_buffers, GST_TACHYON_NEEDS_BUFFERS_MAX);
	CHECK_EQ(needs.align, GST_TACHYON_NEEDS_ALIGN_MAX);
	CHECK(!needs.no_video_meta);
	gst_tachyon_needs_clear(&needs);

	CHECK(decode(4, &odd, sizeof(odd), &needs));
	CHECK_EQ(needs.align, 0);
	gst_tachyon_needs_clear(&needs);
}

/* --- all together --- */

static void say(GstTachyonDemand *demand, guint64 subscriber, guint min_buffers, guint align,
		bool no_video_meta, const char *wish)
{
	GstTachyonNeeds needs = {.min_buffers = min_buffers,
				 .align = align,
				 .no_video_meta = no_video_meta,
				 .wish = g_strdup(wish)};

	gst_tachyon_demand_set(demand, subscriber, &needs);
}

static void check_answer(GstTachyonDemand *demand, const char *filter_text,
			 const char *expected_text)
{
	GstCaps *const filter = filter_text ? gst_caps_from_string(filter_text) : NULL;
	GstCaps *const expected = gst_caps_from_string(expected_text);
	GstCaps *const answer = gst_tachyon_demand_get_caps(demand, filter);

	if (!gst_caps_is_strictly_equal(answer, expected))
		test_fail(__FILE__, __LINE__, "%s", gst_caps_to_string(answer));
	/* Nothing is refused. */
	if (filter)
		CHECK(gst_caps_is_subset(filter, answer));
	gst_caps_unref(answer);
	gst_caps_unref(expected);
	gst_clear_caps((GstCaps **)&filter);
}

static bool is_news(GstTachyonDemand *demand, const char *text, guint subscribers, bool own_layout)
{
	GstCaps *const caps = gst_caps_from_string(text);
	gboolean news;

	gst_tachyon_demand_set_caps(demand, caps);
	news = gst_tachyon_demand_is_news(demand, subscribers, own_layout);
	gst_caps_unref(caps);
	return news;
}

#define I420 "video/x-raw, format=(string)I420, width=(int)320"
#define NV12 "video/x-raw, format=(string)NV12, width=(int)320"

TEST(the_most_of_each_is_proposed)
{
	GstTachyonDemand *const demand = gst_tachyon_demand_new();
	GstTachyonNeeds together;

	gst_tachyon_demand_propose(demand, &together);
	CHECK_EQ(together.min_buffers, 0);
	CHECK(!together.no_video_meta);

	say(demand, 1, 3, 31, false, "");
	say(demand, 2, 9, 15, true, "");
	gst_tachyon_demand_propose(demand, &together);
	CHECK_EQ(together.min_buffers, 9);
	CHECK_EQ(together.align, 31);
	CHECK(together.no_video_meta);

	say(demand, 2, 1, 0, false, "");
	gst_tachyon_demand_propose(demand, &together);
	CHECK_EQ(together.min_buffers, 3);
	CHECK(!together.no_video_meta);
	gst_tachyon_demand_forget(demand, 1);
	gst_tachyon_demand_forget(demand, 1);
	gst_tachyon_demand_propose(demand, &together);
	CHECK_EQ(together.min_buffers, 1);
	gst_tachyon_demand_free(demand);
}

TEST(caps_that_all_take_come_first_and_none_is_left_out)
{
	GstTachyonDemand *const demand = gst_tachyon_demand_new();
	const char *const all = "video/x-raw, format=(string){ I420, NV12, RGB }";

	check_answer(demand, NULL, "ANY");
	check_answer(demand, all, all);

	say(demand, 2, 0, 0, false,
	    "video/x-raw, format=(string)NV12; video/x-raw, format=(string)RGB");
	check_answer(demand, all,
		     "video/x-raw, format=(string)NV12; video/x-raw, format=(string)RGB; "
		     "video/x-raw, format=(string){ I420, NV12, RGB }");
	check_answer(demand, NULL, "ANY");
	check_answer(demand, I420, I420);
	check_answer(demand, "audio/x-raw", "audio/x-raw");

	/* The first who came decides on the order. */
	say(demand, 1, 0, 0, false,
	    "video/x-raw, format=(string)RGB; video/x-raw, format=(string)NV12");
	check_answer(demand, all,
		     "video/x-raw, format=(string)RGB; video/x-raw, format=(string)NV12; "
		     "video/x-raw, format=(string){ I420, NV12, RGB }");

	/* Who takes nothing of that does not spoil it for all. */
	say(demand, 3, 0, 0, false, "audio/x-raw");
	check_answer(demand, all, all);
	gst_tachyon_demand_forget(demand, 3);
	gst_tachyon_demand_forget(demand, 1);
	gst_tachyon_demand_forget(demand, 2);
	check_answer(demand, all, all);
	gst_tachyon_demand_free(demand);
}

TEST(upstream_is_asked_for_another_format_only_when_nobody_takes_this_one)
{
	GstTachyonDemand *const demand = gst_tachyon_demand_new();

	CHECK(!gst_tachyon_demand_is_news(demand, 1, false));
	say(demand, 1, 0, 0, false, "video/x-raw, format=(string)NV12");
	CHECK(!gst_tachyon_demand_is_news(demand, 1, false));
	CHECK(is_news(demand, I420, 1, false));
	/* It was told, and does not do it. */
	CHECK(!is_news(demand, I420, 1, false));
	CHECK(is_news(demand, "video/x-raw, format=(string)RGB", 1, false));
	CHECK(!is_news(demand, NV12, 1, false));
	/* Another one has said nothing, and takes it for all we know. */
	CHECK(!is_news(demand, I420, 2, false));
	say(demand, 2, 0, 0, false, "video/x-raw, format=(string){ I420, NV12 }");
	CHECK(!is_news(demand, I420, 2, false));
	say(demand, 2, 0, 0, false, "video/x-raw, format=(string){ RGB, NV12 }");
	CHECK(is_news(demand, I420, 2, false));
	/* They do not agree on another one either. */
	say(demand, 2, 0, 0, false, "video/x-raw, format=(string)RGB");
	CHECK(!is_news(demand, I420, 2, false));
	gst_tachyon_demand_free(demand);
}

TEST(raw_audio_that_flows_keeps_its_format)
{
	GstTachyonDemand *const demand = gst_tachyon_demand_new();
	GstCaps *const now = gst_caps_from_string("audio/x-raw, rate=(int)44100");
	GstCaps *const filter = gst_caps_from_string("audio/x-raw, rate=(int){ 44100, 48000 }");
	GstCaps *answer;

	say(demand, 1, 0, 0, false, "audio/x-raw, rate=(int)48000");
	gst_tachyon_demand_set_caps(demand, now);
	CHECK(!gst_tachyon_demand_is_news(demand, 1, false));
	answer = gst_tachyon_demand_get_caps(demand, filter);
	CHECK(gst_caps_is_strictly_equal(answer, filter));
	gst_caps_unref(answer);

	/* In the beginning it may be anything. */
	gst_tachyon_demand_set_caps(demand, NULL);
	check_answer(demand, "audio/x-raw, rate=(int){ 44100, 48000 }",
		     "audio/x-raw, rate=(int)48000; audio/x-raw, rate=(int){ 44100, 48000 }");
	gst_caps_unref(filter);
	gst_caps_unref(now);
	gst_tachyon_demand_free(demand);
}

TEST(upstream_is_asked_anew_for_what_matters_to_it)
{
	GstTachyonDemand *const demand = gst_tachyon_demand_new();
	GstTachyonNeeds together;

	/* It has a few buffers in any case. */
	say(demand, 1, 4, 0, false, "");
	CHECK(!is_news(demand, I420, 1, false));
	say(demand, 1, 12, 0, false, "");
	CHECK(is_news(demand, I420, 1, false));
	CHECK(!is_news(demand, "video/x-h264", 1, false));
	gst_tachyon_demand_propose(demand, &together);
	CHECK(!is_news(demand, I420, 1, false));

	/* Planes that stand as usual need no meta. */
	say(demand, 1, 12, 0, true, "");
	CHECK(!is_news(demand, I420, 1, false));
	CHECK(is_news(demand, I420, 1, true));
	gst_tachyon_demand_propose(demand, &together);
	CHECK(!is_news(demand, I420, 1, true));

	/* Who lacked it has left: decoders may render directly again. */
	gst_tachyon_demand_forget(demand, 1);
	CHECK(is_news(demand, I420, 0, false));
	gst_tachyon_demand_free(demand);
}

static void say_many(GstTachyonDemand *demand, guint64 subscriber, const char *field)
{
	GString *const text = g_string_new("");

	for (int i = 0; i < 32; i++)
		g_string_append_printf(text, "video/x-raw, %s=(int)%d;", field, i);
	say(demand, subscriber, 0, 0, false, text->str);
	g_string_free(text, TRUE);
}

TEST(wishes_made_to_multiply_cost_little)
{
	static const char *const fields[] = {"width", "height", "rate", "channels"};
	GstTachyonDemand *const demand = gst_tachyon_demand_new();
	GstCaps *const known =
		gst_caps_from_string("video/x-raw, width=1, height=1, rate=1, channels=1");

	for (guint64 id = 1; id <= 64; id++)
		say_many(demand, id, fields[id % 4]);
	check_answer(demand, I420, I420);
	gst_caps_unref(known);
	gst_tachyon_demand_free(demand);
}
