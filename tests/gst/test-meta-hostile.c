/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonmeta*.c: what a peer may write into records. */
#include <math.h>

#include "gsttachyonname.h"
#include "gsttachyontext.h"
#include "meta-samples.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
	register_metas();
}

/* Whether such a record adds a meta; it must, if it is told to be good. */
static gboolean is_taken(guint32 type, gconstpointer data, gsize size)
{
	struct crossing crossing = receive_record(type, data, size);
	gpointer state = NULL;
	const gboolean taken = gst_buffer_iterate_meta(crossing.out, &state) != NULL;

	CHECK_EQ(taken, crossing.good);
	CHECK_EQ(gst_buffer_get_size(crossing.out), 16);
	forget(&crossing);
	return taken;
}

/* What follows a head of this size may be of any length, as long as there is some. */
static gsize shortest(guint32 type)
{
	switch (type) {
	case RECORD_CAPTION:
		return sizeof(struct caption_record) + 1;
	case RECORD_CODEC_ALPHA:
		return sizeof(struct codec_alpha_record) + 1;
	case RECORD_SEI:
		return sizeof(struct sei_record) + 1;
	case RECORD_REFERENCE_TIMESTAMP:
	case RECORD_PROTECTION:
	case RECORD_CUSTOM:
		return 0; /* text: some beginnings parse */
	default:
		return G_MAXSIZE;
	}
}

TEST(a_record_cut_off_anywhere_adds_nothing)
{
	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		GByteArray *content = encode_sample(&samples[i]);

		CHECK(is_taken(samples[i].record, content->data, content->len));
		for (guint size = 0; size < content->len; size++) {
			/* Where it ends, no byte may be read. */
			guint8 *part = g_malloc(size + 1);
			struct crossing crossing;

			memcpy(part, content->data, size);
			if (size < shortest(samples[i].record) && shortest(samples[i].record) > 0) {
				if (is_taken(samples[i].record, part, size))
					test_fail(__FILE__, __LINE__, "%s of %u bytes",
						  samples[i].name, size);
			} else {
				crossing = receive_record(samples[i].record, part, size);
				forget(&crossing);
			}
			g_free(part);
		}
		g_byte_array_unref(content);
	}
}

/* Asks for the pixels of all rectangles. */
static void look_at(GstVideoOverlayComposition *overlay)
{
	for (guint i = 0; i < gst_video_overlay_composition_n_rectangles(overlay); i++) {
		GstVideoOverlayRectangle *rectangle =
			gst_video_overlay_composition_get_rectangle(overlay, i);

		CHECK(gst_video_overlay_rectangle_get_pixels_unscaled_raw(
			      rectangle, gst_video_overlay_rectangle_get_flags(rectangle)) != NULL);
	}
}

/* As a careless receiver would. */
static void use(GstBuffer *buffer)
{
	GstBuffer *copy = gst_buffer_copy(buffer);
	gpointer state = NULL;
	GstMeta *meta;

	while ((meta = gst_buffer_iterate_meta(copy, &state))) {
		if (meta->info->api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE)
			look_at(((GstVideoOverlayCompositionMeta *)meta)->overlay);
	}
	gst_buffer_unref(copy);
}

static void mutate(GRand *random, guint8 *bytes, gsize size)
{
	static const guint32 extremes[] = {0,	       1,	   0x7fffffff, 0x80000000,
					   0xffffffff, 0xfffffffe, 0x10000,    256};

	for (gint i = g_rand_int_range(random, 1, 5); i > 0; i--) {
		const gsize at = (gsize)g_rand_int_range(random, 0, (gint32)size);
		const guint32 value = extremes[g_rand_int_range(random, 0, 8)];

		switch (g_rand_int_range(random, 0, 3)) {
		case 0:
			bytes[at] = (guint8)g_rand_int(random);
			break;
		case 1:
			bytes[at] ^= (guint8)(1 << g_rand_int_range(random, 0, 8));
			break;
		default:
			if ((at & ~3ul) + 4 <= size)
				memcpy(bytes + (at & ~3ul), &value, sizeof(value));
			break;
		}
	}
}

TEST_WITH_TIMEOUT(ten_thousand_mutations_of_each_record_do_no_harm, 280)
{
	GRand *random = g_rand_new_with_seed(4);

	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		GByteArray *content = encode_sample(&samples[i]);
		guint taken = 0;

		for (guint round = 0; round < 10000; round++) {
			const gsize size = round % 4 ? content->len
						     : (gsize)g_rand_int_range(
							       random, 1, (gint32)content->len + 1);
			guint8 *bytes = g_memdup2(content->data, size);
			struct crossing crossing;

			mutate(random, bytes, size);
			crossing = receive_record(samples[i].record, bytes, size);
			taken += crossing.good;
			CHECK_EQ(gst_buffer_get_size(crossing.out), 16);
			use(crossing.out);
			forget(&crossing);
			g_free(bytes);
		}
		CHECK(taken < 10000);
		g_byte_array_unref(content);
	}
	g_rand_free(random);
}

TEST(noise_in_every_record_does_no_harm)
{
	GRand *random = g_rand_new_with_seed(5);

	for (guint round = 0; round < 30000; round++) {
		guint8 bytes[700];
		const gsize size = (gsize)g_rand_int_range(random, 0, sizeof(bytes));
		struct crossing crossing;

		for (gsize i = 0; i < size; i++)
			bytes[i] = g_rand_int_range(random, 0, 3) ? 0 : (guint8)g_rand_int(random);
		crossing = receive_record(RECORD_VIDEO + round % 26, bytes, size);
		CHECK_EQ(gst_buffer_get_size(crossing.out), 16);
		use(crossing.out);
		forget(&crossing);
	}
	g_rand_free(random);
}

/* --- one by one --- */

static const struct overlay_rectangle good_rectangle = {
	.render_width = 1,
	.render_height = 1,
	.format = GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB,
	.width = 1,
	.height = 1,
	.global_alpha = 1.0,
};

static gboolean rectangle_is_taken(const struct overlay_rectangle *rectangle)
{
	struct {
		struct overlay_record head;
		struct overlay_rectangle rectangle;
		guint8 pixels[4];
	} record = {{1, 0}, *rectangle, {0}};

	return is_taken(RECORD_OVERLAY, &record,
			sizeof(struct overlay_record) + sizeof(*rectangle) + 4);
}

TEST(rectangles_of_absurd_sizes_places_or_formats_are_refused)
{
	struct overlay_rectangle rectangle = good_rectangle;

	CHECK(rectangle_is_taken(&rectangle));
	rectangle.width = 2;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle.width = 0;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle.width = 0x40000001; /* 4 bytes, in 32 bits */
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle = good_rectangle;
	rectangle.render_width = 0;
	CHECK(!rectangle_is_taken(&rectangle));
	/* What it would cost to draw. */
	rectangle.render_width = 1 << 15;
	rectangle.render_height = 1 << 11;
	CHECK(rectangle_is_taken(&rectangle));
	rectangle.render_height++;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle = good_rectangle;
	rectangle.x = G_MAXINT;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle.x = G_MININT;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle = good_rectangle;
	rectangle.format = GST_VIDEO_FORMAT_I420;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle = good_rectangle;
	rectangle.flags = 4;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle = good_rectangle;
	rectangle.global_alpha = NAN;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle.global_alpha = 1.001;
	CHECK(!rectangle_is_taken(&rectangle));
	rectangle.global_alpha = -0.001;
	CHECK(!rectangle_is_taken(&rectangle));
}

TEST(more_rectangles_than_there_are_bytes_for_are_refused)
{
	const guint32 counts[] = {1, 128, 129, G_MAXUINT32};

	for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
		const struct overlay_record head = {.rectangle_count = counts[i]};

		CHECK(!is_taken(RECORD_OVERLAY, &head, sizeof(head)));
	}
}

TEST(more_rectangles_than_a_hundred_and_twenty_eight_are_refused)
{
	for (guint32 count = 128; count <= 129; count++) {
		const struct overlay_record head = {.rectangle_count = count};
		GByteArray *bytes = g_byte_array_new();

		g_byte_array_append(bytes, (const guint8 *)&head, sizeof(head));
		for (guint32 i = 0; i < count; i++) {
			g_byte_array_append(bytes, (const guint8 *)&good_rectangle,
					    sizeof(good_rectangle));
			g_byte_array_append(bytes, (const guint8 *)"BGRA", 4);
		}
		CHECK_EQ(is_taken(RECORD_OVERLAY, bytes->data, bytes->len), count == 128);
		g_byte_array_unref(bytes);
	}
}

TEST(numbers_that_are_none_are_refused)
{
	struct affine_transformation_record affine = {{0}};
	struct {
		struct audio_downmix_record head;
		gdouble coefficient;
	} downmix = {{.from_channels = 1, .to_channels = 1}, 0.5};

	CHECK(is_taken(RECORD_AFFINE_TRANSFORMATION, &affine, sizeof(affine)));
	affine.matrix[15] = NAN;
	CHECK(!is_taken(RECORD_AFFINE_TRANSFORMATION, &affine, sizeof(affine)));
	affine.matrix[15] = 1e39;
	CHECK(!is_taken(RECORD_AFFINE_TRANSFORMATION, &affine, sizeof(affine)));
	CHECK(is_taken(RECORD_AUDIO_DOWNMIX, &downmix, sizeof(downmix)));
	downmix.coefficient = -INFINITY;
	CHECK(!is_taken(RECORD_AUDIO_DOWNMIX, &downmix, sizeof(downmix)));
}

TEST(downmixes_of_too_many_channels_or_of_none_are_refused)
{
	struct {
		struct audio_downmix_record head;
		gdouble coefficients[64 * 64];
	} *downmix = g_malloc0(sizeof(*downmix));

	downmix->head.from_channels = downmix->head.to_channels = 64;
	CHECK(is_taken(RECORD_AUDIO_DOWNMIX, downmix, sizeof(*downmix)));
	CHECK(!is_taken(RECORD_AUDIO_DOWNMIX, downmix, sizeof(*downmix) - 1));
	downmix->head.to_channels = 65;
	CHECK(!is_taken(RECORD_AUDIO_DOWNMIX, downmix, sizeof(*downmix)));
	downmix->head.to_channels = 0;
	CHECK(!is_taken(RECORD_AUDIO_DOWNMIX, downmix, sizeof(*downmix)));
	downmix->head.to_channels = 64;
	downmix->head.from_channels = G_MAXUINT32;
	CHECK(!is_taken(RECORD_AUDIO_DOWNMIX, downmix, sizeof(*downmix)));
	downmix->head.from_channels = 64;
	downmix->head.to_position[63] = 64;
	CHECK(!is_taken(RECORD_AUDIO_DOWNMIX, downmix, sizeof(*downmix)));
	g_free(downmix);
}

TEST(daily_jams_outside_of_all_calendars_are_refused)
{
	struct time_code_record record = {.fps_n = 25, .fps_d = 1, .has_daily_jam = 1};
	static const gint64 times[] = {G_MAXINT64, G_MININT64, G_MAXINT64 / 2, -99999999999999999};

	CHECK(is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		record.jam_time = times[i];
		CHECK(!is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	}
	record.jam_time = 0;
	record.jam_utc_offset = 86399;
	CHECK(is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	record.jam_utc_offset = -86399;
	CHECK(is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	record.jam_utc_offset = 86400;
	CHECK(!is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	record.jam_utc_offset = G_MININT32;
	CHECK(!is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	/* At the end of time the zone must not carry it over. */
	record.jam_utc_offset = 86399;
	record.jam_time = 253402300799 * G_USEC_PER_SEC;
	is_taken(RECORD_TIME_CODE, &record, sizeof(record));
}

TEST(time_codes_that_do_not_exist_are_refused)
{
	struct time_code_record record = {.fps_n = 25, .fps_d = 1, .frames = 24};

	CHECK(is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	record.frames = 25;
	CHECK(!is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	record.frames = 0;
	record.fps_d = 0;
	CHECK(!is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
	record.fps_d = 1;
	record.hours = 24;
	CHECK(!is_taken(RECORD_TIME_CODE, &record, sizeof(record)));
}

TEST(values_that_gstreamer_is_critical_of_are_refused)
{
	const struct afd_record reserved = {.spec = 1, .afd = 12};
	const struct afd_record dvb = {.spec = 0, .afd = 0};
	const struct afd_record field = {.field = 2, .spec = 1, .afd = 8};
	const struct afd_record spec = {.spec = 256, .afd = 8};
	const struct bar_record bar = {.field = 256};
	const guint32 caption[] = {0, 0, 1}, format[] = {0, 0, 0, 0, 0, 0}, level[] = {256, 0};

	CHECK(!is_taken(RECORD_AFD, &reserved, sizeof(reserved)));
	CHECK(!is_taken(RECORD_AFD, &dvb, sizeof(dvb)));
	CHECK(!is_taken(RECORD_AFD, &field, sizeof(field)));
	CHECK(!is_taken(RECORD_AFD, &spec, sizeof(spec)));
	CHECK(!is_taken(RECORD_BAR, &bar, sizeof(bar)));
	CHECK(!is_taken(RECORD_CAPTION, caption, sizeof(caption)));
	CHECK(!is_taken(RECORD_AUDIO_CLIPPING, format, sizeof(format)));
	CHECK(!is_taken(RECORD_AUDIO_LEVEL, level, sizeof(level)));
}

TEST(addresses_of_other_families_and_ports_are_refused)
{
	struct net_address_record record = {.family = 2, .port = 65535};

	CHECK(is_taken(RECORD_NET_ADDRESS, &record, sizeof(record)));
	record.port = 65536;
	CHECK(!is_taken(RECORD_NET_ADDRESS, &record, sizeof(record)));
	record.port = 0;
	record.family = 1;
	CHECK(!is_taken(RECORD_NET_ADDRESS, &record, sizeof(record)));
}

TEST(more_csrcs_than_rtp_has_are_refused)
{
	struct rtp_source_record record = {.csrc_count = 15};

	CHECK(is_taken(RECORD_RTP_SOURCE, &record, sizeof(record)));
	record.csrc_count = 16;
	CHECK(!is_taken(RECORD_RTP_SOURCE, &record, sizeof(record)));
}

static gboolean region_is_taken(const char *type, guint32 type_size, guint32 count,
				const char *parameters, gsize parameters_size)
{
	const struct region_of_interest_record head = {.type_size = type_size,
						       .parameter_count = count};
	GByteArray *bytes = g_byte_array_new();
	gboolean taken;

	g_byte_array_append(bytes, (const guint8 *)&head, sizeof(head));
	g_byte_array_append(bytes, (const guint8 *)type, strlen(type));
	g_byte_array_append(bytes, (const guint8 *)parameters, parameters_size);
	taken = is_taken(RECORD_REGION_OF_INTEREST, bytes->data, bytes->len);
	g_byte_array_unref(bytes);
	return taken;
}

TEST(regions_with_wrong_texts_are_refused)
{
	char long_type[258];

	memset(long_type, 'a', sizeof(long_type));
	long_type[257] = '\0';
	CHECK(region_is_taken("face", 4, 1, "\1\0\0\0x", 5));
	CHECK(!region_is_taken("face", 5, 0, "", 0));
	CHECK(!region_is_taken("fa\xff", 3, 0, "", 0));
	CHECK(!region_is_taken("face", G_MAXUINT32, 0, "", 0));
	CHECK(!region_is_taken(long_type, 257, 0, "", 0));
	CHECK(!region_is_taken("face", 4, 2, "\1\0\0\0x", 5));
	CHECK(!region_is_taken("face", 4, G_MAXUINT32, "\1\0\0\0x", 5));
	CHECK(!region_is_taken("face", 4, 1, "\2\0\0\0x", 5));
	CHECK(!region_is_taken("face", 4, 1, "\1\0\0\0\0", 5));
	CHECK(!region_is_taken("face", 4, 1, "\xff\xff\xff\xffx", 5));
}

TEST(a_text_with_a_nul_inside_is_refused)
{
	CHECK(is_taken(RECORD_PROTECTION, "ab", 2));
	CHECK(!is_taken(RECORD_PROTECTION, "a\0b", 3));
	CHECK(!is_taken(RECORD_PROTECTION, "a\0", 2));
	CHECK(!is_taken(RECORD_PROTECTION, "", 0));
	CHECK(!is_taken(RECORD_PROTECTION, "a, b=\"\xc3\x28\"", 9));
}

/* A text of any size costs no more than its size: it is over in a moment. */
TEST(texts_that_would_take_for_ever_are_refused)
{
	GString *fields = g_string_new("a"), *values = g_string_new("a, b={");

	while (fields->len < 8 << 20)
		g_string_append_printf(fields, ",f%" G_GSIZE_FORMAT "=1", fields->len);
	CHECK(!is_taken(RECORD_PROTECTION, fields->str, fields->len));
	while (values->len < 8 << 20)
		g_string_append(values, "1,");
	g_string_append(values, "1}");
	CHECK(!is_taken(RECORD_PROTECTION, values->str, values->len));
	g_string_free(fields, TRUE);
	g_string_free(values, TRUE);
}

static guint invent_names(void)
{
	guint taken = 0;

	for (guint i = 0; i < GST_TACHYON_NAMES_MAX; i++) {
		gchar *text = g_strdup_printf("known, f%u=1", i);

		taken += is_taken(RECORD_PROTECTION, text, strlen(text));
		g_free(text);
	}
	return taken;
}

/* Names become quarks, which stay: a peer that invents them for ever is cut short. */
TEST(names_that_never_end_are_refused_and_known_ones_are_not)
{
	CHECK(is_taken(RECORD_PROTECTION, "known, field=1", 14));
	CHECK_EQ(invent_names(), GST_TACHYON_NAMES_MAX - 2);
	CHECK(is_taken(RECORD_PROTECTION, "known, field=1", 14));
	CHECK(!is_taken(RECORD_PROTECTION, "new", 3));
	CHECK(region_is_taken("known", 5, 0, "", 0));
	CHECK(!region_is_taken("face", 4, 0, "", 0));
}

TEST(a_stranger_that_invents_names_takes_none_from_us)
{
	GstStructure *own =
		gst_structure_new("ours-alone", "field-of-ours-alone", G_TYPE_INT, 1,
				  "more-than-fits-in-a-short-name", G_TYPE_INT, 2, NULL);
	gchar *text;

	invent_names();
	CHECK(!is_taken(RECORD_PROTECTION, "new", 3));
	text = gst_tachyon_structure_print(own);
	CHECK(text && g_str_has_prefix(text, "ours-alone"));
	g_free(text);
	gst_structure_free(own);
}
