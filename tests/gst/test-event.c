/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonevent.c, and of the text, tags and scalars that it is made of. */
#include "gsttachyonevent.h"
#include "gsttachyoneventcodec.h"
#include "gsttachyontags.h"
#include "gsttachyontext.h"
#include "harness.h"

#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#include <errno.h>
#include <math.h>
#include <string.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* What went in: encoded, moved to memory that is not aligned, and decoded. */
static GstEvent *cross(GstEvent *event, struct tachyon_event *wire)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event moved;
	guint8 *copy;
	GstEvent *out;

	CHECK(gst_tachyon_event_encode(event, bytes, wire));
	copy = g_malloc(wire->size + 1);
	if (wire->size > 0)
		memcpy(copy + 1, wire->data, wire->size);
	moved = *wire;
	moved.data = copy + 1;
	out = gst_tachyon_event_decode(&moved);
	CHECK(out != NULL);
	CHECK_EQ(GST_EVENT_TYPE(out), GST_EVENT_TYPE(event));
	g_free(copy);
	g_byte_array_unref(bytes);
	gst_event_unref(event);
	return out;
}

static void check_structure_crosses(GstEvent *event)
{
	struct tachyon_event wire;
	GstStructure *before = gst_structure_copy(gst_event_get_structure(event));
	GstEvent *out = cross(event, &wire);

	CHECK(gst_structure_is_equal(before, gst_event_get_structure(out)));
	gst_structure_free(before);
	gst_event_unref(out);
}

TEST(stream_start_crosses_with_id_flags_and_group)
{
	GstEvent *in = gst_event_new_stream_start("a/b:c");
	struct tachyon_event wire;
	GstStreamFlags flags;
	const gchar *id;
	guint group;
	GstEvent *out;

	gst_event_set_stream_flags(in, GST_STREAM_FLAG_SPARSE);
	gst_event_set_group_id(in, 77);
	out = cross(in, &wire);
	CHECK_EQ(wire.order, TACHYON_ORDER_STREAM_START);
	CHECK_EQ(wire.flags, TACHYON_EVENT_STICKY);
	gst_event_parse_stream_start(out, &id);
	CHECK_STR_EQ(id, "a/b:c");
	gst_event_parse_stream_flags(out, &flags);
	CHECK_EQ(flags, GST_STREAM_FLAG_SPARSE);
	CHECK(gst_event_parse_group_id(out, &group));
	CHECK_EQ(group, 77);
	gst_event_unref(out);
}

TEST(stream_start_crosses_without_a_group)
{
	struct tachyon_event wire;
	GstEvent *out = cross(gst_event_new_stream_start("x"), &wire);
	guint group;

	CHECK(!gst_event_parse_group_id(out, &group));
	gst_event_unref(out);
}

TEST(segment_crosses_whole)
{
	struct tachyon_event wire;
	const GstSegment *out_segment;
	GstSegment segment;
	GstEvent *out;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	segment.flags = GST_SEGMENT_FLAG_SEGMENT;
	segment.rate = -1.5;
	segment.applied_rate = 0.1;
	segment.base = 1;
	segment.offset = 2;
	segment.start = 3;
	segment.stop = 1000;
	segment.time = 4;
	segment.position = 5;
	segment.duration = 6;
	out = cross(gst_event_new_segment(&segment), &wire);
	CHECK_EQ(wire.order, TACHYON_ORDER_SEGMENT);
	CHECK_EQ(wire.size, 80);
	gst_event_parse_segment(out, &out_segment);
	CHECK(gst_segment_is_equal(&segment, out_segment));
	CHECK_EQ(segment.position, out_segment->position);
	gst_event_unref(out);
}

TEST(a_segment_in_bytes_crosses)
{
	struct tachyon_event wire;
	const GstSegment *out_segment;
	GstSegment segment;
	GstEvent *out;

	gst_segment_init(&segment, GST_FORMAT_BYTES);
	out = cross(gst_event_new_segment(&segment), &wire);
	gst_event_parse_segment(out, &out_segment);
	CHECK(gst_segment_is_equal(&segment, out_segment));
	gst_event_unref(out);
}

static GstSample *make_image(void)
{
	GstCaps *caps = gst_caps_from_string("image/png, width=(int)3, height=(int)4");
	GstBuffer *buffer = gst_buffer_new_wrapped(g_strdup("picture"), 7);
	GstSample *sample = gst_sample_new(
		buffer, caps, NULL,
		gst_structure_new("GstTagImageInfo", "image-type", G_TYPE_INT, 3, NULL));

	gst_buffer_unref(buffer);
	gst_caps_unref(caps);
	return sample;
}

TEST(tags_cross_with_their_scope_several_values_and_all_types)
{
	GstTagList *tags = gst_tag_list_new_empty();
	GDate *date = g_date_new_dmy(29, G_DATE_FEBRUARY, 2024);
	GstDateTime *time = gst_date_time_new(1.5, 2023, 12, 31, 23, 59, 58.0);
	struct tachyon_event wire;
	GstTagList *out_tags;
	GstEvent *out;

	gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
	gst_tag_list_add(tags, GST_TAG_MERGE_APPEND, GST_TAG_TITLE, "Grüße, \"Welt\" \\ {<[",
			 GST_TAG_ARTIST, "first; one", GST_TAG_ARTIST, "second, (int)1",
			 GST_TAG_BITRATE, 128000u, GST_TAG_TRACK_GAIN, -3.14159265358979,
			 GST_TAG_DATE, date, GST_TAG_DATE_TIME, time, GST_TAG_DURATION,
			 G_GUINT64_CONSTANT(123456789012345), GST_TAG_TRACK_NUMBER, 7u, NULL);
	out = cross(gst_event_new_tag(gst_tag_list_copy(tags)), &wire);
	gst_event_parse_tag(out, &out_tags);
	CHECK(gst_tag_list_is_equal(tags, out_tags));
	CHECK_EQ(gst_tag_list_get_scope(out_tags), GST_TAG_SCOPE_GLOBAL);
	gst_event_unref(out);
	gst_tag_list_unref(tags);
	g_date_free(date);
	gst_date_time_unref(time);
}

TEST(a_picture_in_a_tag_crosses)
{
	GstTagList *tags = gst_tag_list_new_empty();
	GstSample *image = make_image();
	struct tachyon_event wire;
	GstSample *out_image;
	GstTagList *out_tags;
	GstEvent *out;
	gint type;

	gst_tag_list_add(tags, GST_TAG_MERGE_APPEND, GST_TAG_IMAGE, image, NULL);
	out = cross(gst_event_new_tag(tags), &wire);
	gst_event_parse_tag(out, &out_tags);
	CHECK(gst_tag_list_get_sample(out_tags, GST_TAG_IMAGE, &out_image));
	CHECK_EQ(gst_buffer_memcmp(gst_sample_get_buffer(out_image), 0, "picture", 7), 0);
	CHECK(gst_caps_is_equal(gst_sample_get_caps(out_image), gst_sample_get_caps(image)));
	CHECK(gst_structure_get_int(gst_sample_get_info(out_image), "image-type", &type));
	CHECK_EQ(type, 3);
	gst_sample_unref(out_image);
	gst_sample_unref(image);
	gst_event_unref(out);
}

TEST(date_times_of_any_precision_cross)
{
	GstDateTime *times[] = {
		gst_date_time_new_y(2024),
		gst_date_time_new_ym(2024, 2),
		gst_date_time_new_ymd(2024, 2, 29),
		gst_date_time_new(0.0, 2024, 2, 29, 12, 30, -1.0),
		gst_date_time_new(-3.5, 2024, 2, 29, 12, 30, 59.0),
	};

	for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
		GstTagList *tags = gst_tag_list_new(GST_TAG_DATE_TIME, times[i], NULL);
		gchar *text = gst_tachyon_tags_print(tags);
		GstTagList *out = gst_tachyon_tags_parse(text);
		GstDateTime *time;

		CHECK(out != NULL);
		CHECK(gst_tag_list_get_date_time(out, GST_TAG_DATE_TIME, &time));
		{
			gchar *before = gst_date_time_to_iso8601_string(times[i]);
			gchar *after = gst_date_time_to_iso8601_string(time);

			CHECK_STR_EQ(before, after);
			g_free(before);
			g_free(after);
		}
		gst_date_time_unref(time);
		gst_date_time_unref(times[i]);
		gst_tag_list_unref(tags);
		gst_tag_list_unref(out);
		g_free(text);
	}
}

TEST(stream_and_global_tags_have_ids_of_their_own)
{
	GstTagList *stream = gst_tag_list_new(GST_TAG_TITLE, "a", NULL);
	GstTagList *global = gst_tag_list_new(GST_TAG_TITLE, "a", NULL);
	struct tachyon_event first, second;

	gst_tag_list_set_scope(global, GST_TAG_SCOPE_GLOBAL);
	gst_event_unref(cross(gst_event_new_tag(stream), &first));
	gst_event_unref(cross(gst_event_new_tag(global), &second));
	CHECK(first.id != second.id);
	CHECK_EQ(first.order, second.order);
}

TEST(gap_crosses_with_duration_and_flags)
{
	GstEvent *in = gst_event_new_gap(5, GST_CLOCK_TIME_NONE);
	GstClockTime timestamp, duration;
	struct tachyon_event wire;
	GstGapFlags flags;
	GstEvent *out;

	gst_event_set_gap_flags(in, GST_GAP_FLAG_MISSING_DATA);
	out = cross(in, &wire);
	CHECK_EQ(wire.flags, 0);
	gst_event_parse_gap(out, &timestamp, &duration);
	gst_event_parse_gap_flags(out, &flags);
	CHECK_EQ(timestamp, 5);
	CHECK_EQ(duration, GST_CLOCK_TIME_NONE);
	CHECK_EQ(flags, GST_GAP_FLAG_MISSING_DATA);
	gst_event_unref(out);
}

TEST(events_of_plain_fields_cross)
{
	check_structure_crosses(gst_event_new_buffer_size(GST_FORMAT_BYTES, -1, 4096, TRUE));
	check_structure_crosses(gst_event_new_stream_group_done(9));
	check_structure_crosses(gst_event_new_segment_done(GST_FORMAT_TIME, 12));
	check_structure_crosses(gst_event_new_qos(GST_QOS_TYPE_THROTTLE, 0.25, -7, 7));
	check_structure_crosses(gst_event_new_latency(40 * GST_MSECOND));
	check_structure_crosses(gst_event_new_toc_select("chapter 1"));
}

TEST(reconfigure_crosses)
{
	struct tachyon_event wire;

	gst_event_unref(cross(gst_event_new_reconfigure(), &wire));
	CHECK_EQ(wire.size, 0);
}

TEST(a_request_for_a_key_frame_crosses)
{
	struct tachyon_event wire;
	GstEvent *out =
		cross(gst_video_event_new_upstream_force_key_unit(3 * GST_SECOND, TRUE, 5), &wire);
	GstClockTime running_time;
	gboolean all_headers;
	guint count;

	CHECK(gst_video_event_parse_upstream_force_key_unit(out, &running_time, &all_headers,
							    &count));
	CHECK_EQ(running_time, 3 * GST_SECOND);
	CHECK(all_headers);
	CHECK_EQ(count, 5);
	gst_event_unref(out);
}

TEST(navigation_crosses)
{
	check_structure_crosses(gst_event_new_navigation(gst_structure_new(
		"application/x-gst-navigation", "event", G_TYPE_STRING, "mouse-move", "pointer_x",
		G_TYPE_DOUBLE, 1.0 / 3.0, "pointer_y", G_TYPE_DOUBLE, 2e300, NULL)));
}

TEST(custom_events_of_every_kind_and_type_cross)
{
	const GstEventType types[] = {
		GST_EVENT_CUSTOM_DOWNSTREAM,	    GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
		GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, GST_EVENT_CUSTOM_BOTH,
		GST_EVENT_CUSTOM_BOTH_OOB,	    GST_EVENT_CUSTOM_UPSTREAM,
	};
	guint8 bytes[] = {0, 1, 254, 255};
	GstBuffer *buffer = gst_buffer_new_memdup(bytes, sizeof(bytes));
	GstStructure *inner = gst_structure_new("inner", "x", G_TYPE_INT, 1, "quote", G_TYPE_STRING,
						"]\"';,", NULL);
	GstCaps *caps = gst_caps_from_string("video/x-raw(memory:DMABuf), width=(int)7");
	GValue array = G_VALUE_INIT, element = G_VALUE_INIT;

	g_value_init(&array, GST_TYPE_ARRAY);
	for (gint i = 0; i < 3; i++) {
		g_value_init(&element, G_TYPE_INT);
		g_value_set_int(&element, i);
		gst_value_array_append_and_take_value(&array, &element);
	}
	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		GstStructure *structure = gst_structure_new(
			"my-Event.name", "i", G_TYPE_INT, G_MININT, "u", G_TYPE_UINT, G_MAXUINT,
			"i64", G_TYPE_INT64, G_MININT64, "u64", G_TYPE_UINT64, G_MAXUINT64, "d",
			G_TYPE_DOUBLE, 0.1, "f", G_TYPE_FLOAT, 0.1f, "b", G_TYPE_BOOLEAN, TRUE,
			"fraction", GST_TYPE_FRACTION, 30000, 1001, "s", G_TYPE_STRING,
			"\n\t NULL äöü", "none", G_TYPE_STRING, "NULL", "empty", G_TYPE_STRING, "",
			"bits", GST_TYPE_BITMASK, G_GUINT64_CONSTANT(0xff00ff00ff00ff00), "format",
			GST_TYPE_FORMAT, GST_FORMAT_TIME, "flags", GST_TYPE_SEGMENT_FLAGS,
			GST_SEGMENT_FLAG_SEGMENT, "set", GST_TYPE_VIDEO_MULTIVIEW_FLAGSET, 1, 3,
			"buffer", GST_TYPE_BUFFER, buffer, "inner", GST_TYPE_STRUCTURE, inner,
			"caps", GST_TYPE_CAPS, caps, NULL);

		gst_structure_set_value(structure, "array", &array);
		check_structure_crosses(gst_event_new_custom(types[i], structure));
	}
	g_value_unset(&array);
	gst_buffer_unref(buffer);
	gst_structure_free(inner);
	gst_caps_unref(caps);
}

TEST(what_another_process_cannot_use_is_left_out)
{
	GstElement *object = gst_object_ref_sink(gst_bin_new(NULL));
	GstStructure *structure =
		gst_structure_new("name", "object", GST_TYPE_ELEMENT, object, "pointer",
				  G_TYPE_POINTER, object, "stays", G_TYPE_INT, 1, NULL);
	struct tachyon_event wire;
	GstEvent *out = cross(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure), &wire);

	CHECK_EQ(gst_structure_n_fields(gst_event_get_structure(out)), 1);
	CHECK(gst_structure_has_field(gst_event_get_structure(out), "stays"));
	gst_event_unref(out);
	gst_object_unref(object);
}

TEST(sticky_custom_events_keep_apart_by_name_and_stand_before_the_end)
{
	struct tachyon_event a, b;

	gst_event_unref(cross(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
						   gst_structure_new_empty("a")),
			      &a));
	gst_event_unref(cross(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
						   gst_structure_new_empty("b")),
			      &b));
	CHECK(a.id != b.id);
	CHECK_EQ(a.flags, TACHYON_EVENT_STICKY);
	CHECK(a.order > TACHYON_ORDER_SEGMENT && a.order < TACHYON_ORDER_EOS);
}

TEST(protection_crosses)
{
	GstBuffer *data = gst_buffer_new_wrapped(g_strdup("pssh"), 4);
	const gchar *system_id, *origin;
	struct tachyon_event wire;
	GstBuffer *out_data;
	GstEvent *out;

	out = cross(gst_event_new_protection("9a04f079-9840-4286-ab92-e65be0885f95", data,
					     "isobmff/moov"),
		    &wire);
	gst_event_parse_protection(out, &system_id, &out_data, &origin);
	CHECK_STR_EQ(system_id, "9a04f079-9840-4286-ab92-e65be0885f95");
	CHECK_STR_EQ(origin, "isobmff/moov");
	CHECK_EQ(gst_buffer_memcmp(out_data, 0, "pssh", 4), 0);
	gst_event_unref(out);
	gst_buffer_unref(data);
}

TEST(what_has_items_of_its_own_or_stays_is_refused)
{
	GByteArray *bytes = g_byte_array_new();
	GstCaps *caps = gst_caps_new_empty_simple("audio/x-raw");
	GstMessage *message = gst_message_new_eos(NULL);
	GstEvent *events[] = {
		gst_event_new_caps(caps),
		gst_event_new_eos(),
		gst_event_new_flush_start(),
		gst_event_new_flush_stop(TRUE),
		gst_event_new_sink_message("m", message),
		gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, NULL),
	};
	struct tachyon_event out;

	for (guint i = 0; i < G_N_ELEMENTS(events); i++) {
		CHECK(!gst_tachyon_event_encode(events[i], bytes, &out));
		gst_event_unref(events[i]);
	}
	gst_message_unref(message);
	gst_caps_unref(caps);
	g_byte_array_unref(bytes);
}

/* --- hostile --- */

static void decode_and_forget(guint32 type, gconstpointer data, gsize size)
{
	const struct tachyon_event event = {.type = type, .data = data, .size = size};
	GstEvent *out = gst_tachyon_event_decode(&event);

	if (out)
		gst_event_unref(out);
}

static const guint32 all_types[] = {
	GST_EVENT_STREAM_START,
	GST_EVENT_SEGMENT,
	GST_EVENT_TAG,
	GST_EVENT_BUFFERSIZE,
	GST_EVENT_STREAM_GROUP_DONE,
	GST_EVENT_PROTECTION,
	GST_EVENT_SEGMENT_DONE,
	GST_EVENT_GAP,
	GST_EVENT_CUSTOM_DOWNSTREAM,
	GST_EVENT_QOS,
	GST_EVENT_NAVIGATION,
	GST_EVENT_LATENCY,
	GST_EVENT_RECONFIGURE,
	GST_EVENT_TOC_SELECT,
	GST_EVENT_EOS,
	GST_EVENT_CAPS,
	0,
	G_MAXUINT32,
};

TEST(events_without_data_are_refused)
{
	for (guint i = 0; i < G_N_ELEMENTS(all_types); i++) {
		const struct tachyon_event event = {.type = all_types[i]};
		GstEvent *out = gst_tachyon_event_decode(&event);

		if (all_types[i] == GST_EVENT_RECONFIGURE || all_types[i] == GST_EVENT_TOC_SELECT)
			CHECK(out != NULL);
		else
			CHECK(out == NULL);
		gst_clear_event(&out);
	}
}

TEST(short_and_random_events_never_crash)
{
	GRand *random = g_rand_new_with_seed(1);
	guint8 bytes[200];

	CHECK(TRUE);
	for (guint round = 0; round < 20000; round++) {
		const guint8 keep = g_rand_boolean(random) ? 0xff : 0;

		for (guint i = 0; i < sizeof(bytes); i++)
			bytes[i] = g_rand_int(random) & (g_rand_boolean(random) ? 0xff : keep);
		decode_and_forget(all_types[round % G_N_ELEMENTS(all_types)], bytes,
				  round % (sizeof(bytes) + 1));
	}
	g_rand_free(random);
}

static gboolean segment_decodes(GstSegment *segment)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event wire;
	GstSegment sound;
	GstEvent *event, *out;
	guint8 *data;

	/* By way of the wire: the constructor would be critical of these. */
	gst_segment_init(&sound, GST_FORMAT_TIME);
	event = gst_event_new_segment(&sound);
	CHECK(gst_tachyon_event_encode(event, bytes, &wire));
	data = bytes->data;
	memcpy(data + 4, &(guint32){segment->format}, 4);
	memcpy(data + 8, &segment->rate, 8);
	memcpy(data + 16, &segment->applied_rate, 8);
	memcpy(data + 32, &segment->offset, 8);
	memcpy(data + 40, &segment->start, 8);
	memcpy(data + 48, &segment->stop, 8);
	out = gst_tachyon_event_decode(&wire);
	if (out)
		gst_event_unref(out);
	gst_event_unref(event);
	g_byte_array_unref(bytes);
	return out != NULL;
}

TEST(segments_that_make_no_sense_are_refused)
{
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	CHECK(segment_decodes(&segment));

	segment.rate = 0.0;
	CHECK(!segment_decodes(&segment));
	segment.rate = NAN;
	CHECK(!segment_decodes(&segment));
	segment.rate = -1.0; /* from where? */
	CHECK(!segment_decodes(&segment));
	segment.stop = 100;
	CHECK(segment_decodes(&segment));
	segment.offset = 101;
	CHECK(!segment_decodes(&segment));

	gst_segment_init(&segment, GST_FORMAT_TIME);
	segment.applied_rate = 0.0;
	CHECK(!segment_decodes(&segment));
	segment.applied_rate = 1.0;
	segment.start = 10;
	segment.stop = 9;
	CHECK(!segment_decodes(&segment));
	segment.stop = G_MAXUINT64;
	segment.start = G_MAXUINT64;
	CHECK(!segment_decodes(&segment));
	segment.start = 0;
	segment.format = 4711;
	CHECK(!segment_decodes(&segment));
}

static gboolean text_decodes(guint32 type, const gchar *text)
{
	const struct tachyon_event event = {.type = type, .data = text, .size = strlen(text)};
	GstEvent *out = gst_tachyon_event_decode(&event);

	if (out)
		gst_event_unref(out);
	return out != NULL;
}

TEST(events_of_malformed_text_are_refused)
{
	const gchar *bad[] = {
		"",
		",",
		"1name",
		"name, =(int)1",
		"name, a",
		"name, a=",
		"name, a=(int)",
		"name, a=(int)x",
		"name, a=(int)99999999999",
		"name, a=(no-such-type)1",
		"name, a=(GstElement)x",
		"name, a=(GstBin)x",
		"name, a=(GParam)x",
		"name, a=(GstTagSetter)x",
		"name, a=(void)x",
		"name, a=(GInterface)x",
		"name, a=(pointer)0x1",
		"name, a=(type)gint",
		"name, a=(fraction)1/0",
		"name, a=(fraction)1/-2147483648",
		"name, a=[1,2]",
		"name, a=(int)[3,1]",
		"name, a=(string)\"open",
		"name, a=(string)\"\\377\"",
		"name, a=(string)\"x\\",
		"name, a=(buffer)123",
		"name, a=(buffer)zz",
		"name, a={",
		"name, a={ 1 2 }",
		"name, a={ 1, x }",
		"name, a={ x, NULL }",
		"name, a=<{ 1 }, { x }>",
		"name, a=< (int)1,",
		"name, a=(structure)[name, b=(int)1",
		"name, a=(structure)[1]",
		"name, a=(GstCaps)[ video/x-raw",
		"name, a=(date)2023-02-30",
		"name, a=(datetime)2023-02-30",
		"name, a=(datetime)2023-13",
		"name, a=(datetime)2023-01-01T24:00Z",
		"name, a=(datetime)2023-01-01T10:00+9900",
		"name, a=(datetime)0000",
		"name, a=(sample)x",
		"name, a=(sample)00:AAAA:None:None",
		"name, a=(GstFormat)nonsense",
		"name; rest",
		"name, a=(int)1; b",
		"name\n\nx",
		"video/x-raw-yuv",
		"audio/x-raw-int, rate=(int)1",
		"\"name\"",
		"name, \"a\"=(int)1",
	};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		if (text_decodes(GST_EVENT_CUSTOM_DOWNSTREAM, bad[i]))
			test_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
		CHECK(!text_decodes(GST_EVENT_NAVIGATION, bad[i]));
	}
}

TEST(deep_nesting_is_refused_not_followed)
{
	GString *text = g_string_new("name, a=");

	for (guint i = 0; i < 1000000; i++)
		g_string_append_c(text, '{');
	CHECK(!text_decodes(GST_EVENT_CUSTOM_DOWNSTREAM, text->str));

	g_string_assign(text, "name");
	for (guint i = 0; i < 100000; i++)
		g_string_append(text, ", a=(structure)[name");
	CHECK(!text_decodes(GST_EVENT_CUSTOM_DOWNSTREAM, text->str));
	g_string_free(text, TRUE);
}

TEST(a_protection_event_without_its_fields_is_refused)
{
	CHECK(!text_decodes(GST_EVENT_PROTECTION, "GstProtectionEvent-x"));
	CHECK(!text_decodes(GST_EVENT_PROTECTION,
			    "GstProtectionEvent-x, system_id=(string)\"a b\", data=(buffer)00"));
	CHECK(text_decodes(GST_EVENT_PROTECTION,
			   "GstProtectionEvent-x, system_id=(string)x, data=(buffer)00"));
}

TEST(tags_of_the_wrong_type_or_unknown_are_left_out)
{
	GstTagList *tags = gst_tachyon_tags_parse(
		"taglist, title=(int)5, artist=(string){ \"\", \"x\" }, bitrate=(uint)6, "
		"no-such-tag=(string)a, duration=(guint64){ 1, 2 }");

	CHECK(tags != NULL);
	CHECK_EQ(gst_tag_list_get_tag_size(tags, GST_TAG_TITLE), 0);
	CHECK_EQ(gst_tag_list_get_tag_size(tags, GST_TAG_ARTIST), 1);
	CHECK_EQ(gst_tag_list_get_tag_size(tags, GST_TAG_BITRATE), 1);
	CHECK_EQ(gst_tag_list_get_tag_size(tags, GST_TAG_DURATION), 1); /* takes one value */
	CHECK_EQ(gst_tag_list_n_tags(tags), 3);
	gst_tag_list_unref(tags);
}

/* --- caps --- */

static void check_caps_cross(const gchar *text)
{
	GstCaps *caps = gst_caps_from_string(text);
	gchar *sent = gst_caps_to_string(caps);
	GstCaps *out = gst_tachyon_caps_parse(sent);

	if (!out)
		test_fail(__FILE__, __LINE__, "refused: %s", sent);
	CHECK(gst_caps_is_strictly_equal(caps, out));
	gst_caps_unref(out);
	gst_caps_unref(caps);
	g_free(sent);
}

TEST(caps_cross_as_gstreamer_writes_them)
{
	check_caps_cross("video/x-raw, format=(string)NV12, width=(int)1920, height=(int)1080, "
			 "framerate=(fraction)30000/1001, pixel-aspect-ratio=(fraction)1/1, "
			 "interlace-mode=(string)progressive, colorimetry=(string)bt709, "
			 "chroma-site=(string)mpeg2, multiview-mode=(string)mono, "
			 "multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:"
			 "/right-view-first/left-flipped/left-flopped/right-flipped/right-flopped/"
			 "half-aspect/mixed-mono");
	check_caps_cross("video/x-raw(memory:DMABuf, meta:GstVideoMeta), format=(string)I420_10LE");
	check_caps_cross(
		"audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
		"rate=(int)48000, channels=(int)6, channel-mask=(bitmask)0x000000000000003f");
	check_caps_cross("audio/mpeg, mpegversion=(int)4, framed=(boolean)true, "
			 "codec_data=(buffer)119056e500, stream-format=(string)raw");
	check_caps_cross("audio/x-vorbis, streamheader=(buffer)< 01766f, 0376ff, (buffer)05 >");
	check_caps_cross("application/x-rtp, sprop=(string)\"Z0I=,aM4=\", ssrc=(uint)4294967295, "
			 "a-framerate=(string)25");
	check_caps_cross("foo/x-bar, nested=(structure)\"inner\\,\\ a\\=\\(int\\)1\\;\", "
			 "caps=(GstCaps)\"video/x-raw\\,\\ width\\=\\(int\\)3\"");
	check_caps_cross("text/x-never+heard.of-this:1");
}

TEST(a_type_that_nobody_used_yet_is_known)
{
	GstCaps *caps;

	errno = EINVAL; /* what an earlier failure may have left */
	caps = gst_tachyon_caps_parse(
		"video/x-raw, multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff");
	CHECK(caps != NULL);
	gst_caps_unref(caps);
}

TEST(caps_may_be_written_as_people_write_them)
{
	GstCaps *expected = gst_caps_from_string(
		"video/x-raw, format=(string)NV12, width=(int)320, framerate=(fraction)30/1, "
		"interlaced=(boolean)false, gain=(double)0.5, name=(string)\"a b\"");
	GstCaps *caps = gst_tachyon_caps_parse(
		"video/x-raw,format=NV12,width=320 , framerate=30/1,interlaced=false,gain=0.5,"
		"name=\"a b\"");

	CHECK(caps != NULL);
	CHECK(gst_caps_is_strictly_equal(caps, expected));
	gst_caps_unref(caps);
	gst_caps_unref(expected);
}

TEST(what_is_no_fixed_caps_is_refused)
{
	const gchar *bad[] = {
		"",
		" ",
		"NULL",
		"ANY",
		"EMPTY",
		"NONE",
		"video",
		"video/x-raw, width=[1,2]",
		"video/x-raw, width=(int){1,2}",
		"video/x-raw; audio/x-raw",
		"video/x-raw(ANY)",
		"video/x-raw(memory)",
		"video/x-raw(memory:)",
		"video/x-raw(",
		"video/x-raw(memory:A",
		"video/x-raw(memory:A,)",
		"video/x-raw, framerate=(fraction)1/0",
		"\xff\xfe",
		"video/x-raw, a=\xff",
		"video/x-raw, a=(GstElement)x",
		"x, a=(string)",
		"x, a=(int)1,",
		"x a=(int)1",
	};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		GstCaps *caps = gst_tachyon_caps_parse(bad[i]);

		/* "video" is a fine name, if an odd one. */
		if (caps && strcmp(bad[i], "video") != 0)
			test_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
		gst_clear_caps(&caps);
		CHECK(TRUE);
	}
}

TEST(caps_of_64_kib_cross_and_of_more_than_a_mebibyte_do_not)
{
	gchar *hex = g_strnfill(64 << 10, 'a');
	gchar *text = g_strdup_printf("x/y, codec_data=(buffer)%s", hex);
	GstCaps *caps = gst_tachyon_caps_parse(text);

	CHECK(caps != NULL);
	gst_caps_unref(caps);
	g_free(text);
	g_free(hex);

	hex = g_strnfill(1 << 20, 'a');
	text = g_strdup_printf("x/y, codec_data=(buffer)%s", hex);
	CHECK(gst_tachyon_caps_parse(text) == NULL);
	g_free(text);
	g_free(hex);
}

/* Text that is nearly right reaches deeper than noise does. */
TEST(mutated_caps_and_structures_never_crash)
{
	const gchar *seeds[] = {
		"video/x-raw(memory:DMABuf, meta:GstVideoMeta), format=(string)NV12, "
		"width=(int)1920, framerate=(fraction)30/1, "
		"multiview-flags=(GstVideoMultiviewFlagsSet)0:ffff:/a/b",
		"name, a=(string)\"x\\303\\244\", b=(structure)[in, c=(int){ 1, 2 }], "
		"d=(buffer)00ff, e=(datetime)2023-12-31T23:59:58+0130, "
		"f=(sample)00ff:None:None:None, g=(bitmask)0xff",
		"n, a=<(int)1,2,<3>>, b=(GstSegmentFlags)reset+segment, c=(date)2024-02-29, "
		"d=1.5, e=yes,f=\"12\", g=(GstCaps)\"video/x-raw\\,\\ width\\=\\(int\\)3\", "
		"h=(guint64)12",
	};
	const gchar alphabet[] = "\"\\(){}[]<>,;=:/+-.0129azAZ \t\n\x01\x80\xff";
	GRand *random = g_rand_new_with_seed(2);

	CHECK(TRUE);
	for (guint round = 0; round < 60000; round++) {
		gchar *text = g_strdup(seeds[round % G_N_ELEMENTS(seeds)]);
		const gsize size = strlen(text);
		GstStructure *structure;
		GstCaps *caps;

		for (gint i = g_rand_int_range(random, 1, 5); i > 0; i--) {
			const gsize at = g_rand_int_range(random, 0, size);

			text[at] = alphabet[g_rand_int_range(random, 0, sizeof(alphabet) - 1)];
			if (g_rand_int_range(random, 0, 10) == 0)
				text[at] = '\0';
		}
		caps = gst_tachyon_caps_parse(text);
		gst_clear_caps(&caps);
		structure = gst_tachyon_structure_parse(text);
		if (structure)
			gst_structure_free(structure);
		decode_and_forget(GST_EVENT_CUSTOM_DOWNSTREAM, text, size);
		decode_and_forget(GST_EVENT_TAG, text, size);
		g_free(text);
	}
	g_rand_free(random);
}

/* --- trees --- */

static GstTocEntry *make_entry(GstTocEntryType type, const char *uid, gint64 start)
{
	GstTocEntry *entry = gst_toc_entry_new(type, uid);

	gst_toc_entry_set_start_stop_times(entry, start, start + 10);
	gst_toc_entry_set_tags(entry, gst_tag_list_new(GST_TAG_TITLE, uid, NULL));
	return entry;
}

TEST(a_table_of_contents_crosses_with_its_tree)
{
	GstToc *toc = gst_toc_new(GST_TOC_SCOPE_GLOBAL);
	GstTocEntry *edition = make_entry(GST_TOC_ENTRY_TYPE_EDITION, "the \"edition\"", 0);
	GstTocEntry *chapter = make_entry(GST_TOC_ENTRY_TYPE_CHAPTER, "one", 5);
	struct tachyon_event wire;
	GstTocLoopType loop;
	gint64 start, stop;
	gboolean updated;
	GstToc *out_toc;
	GstEvent *out;
	gchar *title;
	gint repeat;

	gst_toc_entry_set_loop(chapter, GST_TOC_LOOP_PING_PONG, 3);
	gst_toc_entry_append_sub_entry(edition, chapter);
	gst_toc_append_entry(toc, edition);
	gst_toc_set_tags(toc, gst_tag_list_new(GST_TAG_ARTIST, "who", NULL));
	out = cross(gst_event_new_toc(toc, TRUE), &wire);
	gst_event_parse_toc(out, &out_toc, &updated);

	CHECK(updated);
	CHECK_EQ(gst_toc_get_scope(out_toc), GST_TOC_SCOPE_GLOBAL);
	CHECK(gst_tag_list_is_equal(gst_toc_get_tags(out_toc), gst_toc_get_tags(toc)));
	edition = gst_toc_get_entries(out_toc)->data;
	CHECK_STR_EQ(gst_toc_entry_get_uid(edition), "the \"edition\"");
	CHECK_EQ(gst_toc_entry_get_entry_type(edition), GST_TOC_ENTRY_TYPE_EDITION);
	chapter = gst_toc_entry_get_sub_entries(edition)->data;
	CHECK(gst_toc_entry_get_start_stop_times(chapter, &start, &stop));
	CHECK_EQ(start, 5);
	CHECK_EQ(stop, 15);
	CHECK(gst_toc_entry_get_loop(chapter, &loop, &repeat));
	CHECK_EQ(loop, GST_TOC_LOOP_PING_PONG);
	CHECK_EQ(repeat, 3);
	CHECK(gst_tag_list_get_string(gst_toc_entry_get_tags(chapter), GST_TAG_TITLE, &title));
	CHECK_STR_EQ(title, "one");
	g_free(title);
	gst_toc_unref(out_toc);
	gst_toc_unref(toc);
	gst_event_unref(out);
}

static GstEvent *make_collection(void)
{
	GstStreamCollection *collection = gst_stream_collection_new("upstream");
	GstCaps *caps = gst_caps_from_string("video/x-raw, format=(string)I420");
	GstStream *stream =
		gst_stream_new("a/1", caps, GST_STREAM_TYPE_VIDEO, GST_STREAM_FLAG_SELECT);
	GstTagList *tags = gst_tag_list_new(GST_TAG_TITLE, "t", NULL);
	GstEvent *event;

	gst_stream_set_tags(stream, tags);
	gst_stream_collection_add_stream(collection, stream);
	gst_stream_collection_add_stream(collection,
					 gst_stream_new("a/2", NULL, GST_STREAM_TYPE_AUDIO, 0));
	event = gst_event_new_stream_collection(collection);
	gst_tag_list_unref(tags);
	gst_caps_unref(caps);
	gst_object_unref(collection);
	return event;
}

TEST(a_stream_collection_crosses_with_streams_of_its_own)
{
	GstStreamCollection *collection;
	struct tachyon_event wire;
	GstEvent *out = cross(make_collection(), &wire);
	GstStream *stream;
	GstCaps *caps;
	GstTagList *tags;

	gst_event_parse_stream_collection(out, &collection);
	CHECK_STR_EQ(gst_stream_collection_get_upstream_id(collection), "upstream");
	CHECK_EQ(gst_stream_collection_get_size(collection), 2);
	stream = gst_stream_collection_get_stream(collection, 0);
	CHECK_STR_EQ(gst_stream_get_stream_id(stream), "a/1");
	CHECK_EQ(gst_stream_get_stream_type(stream), GST_STREAM_TYPE_VIDEO);
	CHECK_EQ(gst_stream_get_stream_flags(stream), GST_STREAM_FLAG_SELECT);
	caps = gst_stream_get_caps(stream);
	tags = gst_stream_get_tags(stream);
	CHECK(gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw"));
	CHECK_EQ(gst_tag_list_n_tags(tags), 1);
	gst_caps_unref(caps);
	gst_tag_list_unref(tags);
	gst_object_unref(collection);
	gst_event_unref(out);
}

TEST(a_collection_is_reduced_to_the_stream_that_goes_the_same_way)
{
	GstEvent *event = make_collection();
	GstEvent *reduced = gst_tachyon_event_keep_stream(event, "a/2");
	GstStreamCollection *collection;

	gst_event_parse_stream_collection(reduced, &collection);
	CHECK_EQ(gst_stream_collection_get_size(collection), 1);
	CHECK_STR_EQ(gst_stream_get_stream_id(gst_stream_collection_get_stream(collection, 0)),
		     "a/2");
	CHECK(gst_tachyon_event_keep_stream(event, "b") == NULL);
	CHECK(gst_tachyon_event_keep_stream(event, NULL) == NULL);
	gst_object_unref(collection);
	gst_event_unref(reduced);
	gst_event_unref(event);
}

TEST(a_selection_of_streams_crosses)
{
	static char first[] = "a/1", second[] = "b, \"c\"";
	GList *list = g_list_append(g_list_append(NULL, first), second);
	struct tachyon_event wire;
	GstEvent *out = cross(gst_event_new_select_streams(list), &wire);
	GList *out_list;

	gst_event_parse_select_streams(out, &out_list);
	CHECK_EQ(g_list_length(out_list), 2);
	CHECK_STR_EQ((char *)out_list->data, "a/1");
	CHECK_STR_EQ((char *)out_list->next->data, "b, \"c\"");
	g_list_free_full(out_list, g_free);
	g_list_free(list);
	gst_event_unref(out);
}

TEST(an_instant_rate_change_crosses_and_is_no_state)
{
	struct tachyon_event wire;
	GstEvent *out =
		cross(gst_event_new_instant_rate_change(-2.5, GST_SEGMENT_FLAG_TRICKMODE), &wire);
	GstSegmentFlags flags;
	gdouble rate;

	CHECK_EQ(wire.flags, 0);
	gst_event_parse_instant_rate_change(out, &rate, &flags);
	CHECK(rate == -2.5);
	CHECK_EQ(flags, GST_SEGMENT_FLAG_TRICKMODE);
	gst_event_unref(out);
}

TEST(trees_that_make_no_sense_are_no_events)
{
	static const struct {
		guint32 type;
		const char *text;
	} texts[] = {
		{GST_EVENT_TOC, ""},
		{GST_EVENT_TOC, "toc"},
		{GST_EVENT_TOC, "toc, scope=(int)9, updated=(boolean)true"},
		{GST_EVENT_TOC, "cot, scope=(int)1, updated=(boolean)true"},
		{GST_EVENT_STREAM_COLLECTION, ""},
		{GST_EVENT_STREAM_COLLECTION, "other"},
		{GST_EVENT_SELECT_STREAMS, "select"},
		{GST_EVENT_SELECT_STREAMS, "select, stream0=(int)1"},
		{GST_EVENT_INSTANT_RATE_CHANGE, "0123456789"},
	};
	/* These are events, without what makes no sense in them. */
	static const struct {
		guint32 type;
		const char *text;
	} partial[] = {
		{GST_EVENT_TOC, "toc, scope=(int)1, updated=(boolean)true, entry0=(int)5"},
		{GST_EVENT_TOC, "toc, scope=(int)1, updated=(boolean)true, "
				"entry0=(structure)[entry, type=(int)77, uid=(string)a], "
				"tags=(string)nonsense"},
		{GST_EVENT_STREAM_COLLECTION, "collection, stream0=(int)5"},
		{GST_EVENT_STREAM_COLLECTION, "collection, stream0=(structure)[stream]"},
	};
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		const gsize size = strlen(texts[i].text);
		const struct tachyon_event event = {.type = texts[i].type,
						    .data = size > 0 ? texts[i].text : NULL,
						    .size = size};

		CHECK(gst_tachyon_event_decode(&event) == NULL);
	}
	for (i = 0; i < G_N_ELEMENTS(partial); i++) {
		const struct tachyon_event event = {.type = partial[i].type,
						    .data = partial[i].text,
						    .size = strlen(partial[i].text)};
		GstEvent *out = gst_tachyon_event_decode(&event);

		CHECK(out != NULL);
		gst_event_unref(out);
	}
}
