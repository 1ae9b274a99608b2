/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonarray.c: what raw video and audio are as arrays, and their bytes. */
#include "gsttachyonarray.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static GstTachyonFormat format_of(const char *caps)
{
	GstCaps *parsed = gst_caps_from_string(caps);
	GstTachyonFormat format;

	CHECK(parsed != NULL);
	gst_tachyon_format_from_caps(parsed, &format);
	gst_caps_unref(parsed);
	return format;
}

static GstTachyonFormat video_of(const char *name, int width, int height)
{
	char caps[128];

	snprintf(caps, sizeof(caps), "video/x-raw,format=%s,width=%d,height=%d,framerate=30/1",
		 name, width, height);
	return format_of(caps);
}

static GstTachyonFormat audio_of(const char *name, int channels, const char *layout)
{
	char caps[160];

	snprintf(caps, sizeof(caps),
		 "audio/x-raw,format=%s,channels=%d,rate=48000,layout=%s,channel-mask=(bitmask)0",
		 name, channels, layout);
	return format_of(caps);
}

/* As in "uint8 480 640 3". */
static const char *describe(const GstTachyonFormat *format, gsize size)
{
	static const char *const scalars[] = {"int", "uint", "float"};
	static char text[128];
	struct tachyon_array array;
	int length;

	if (!gst_tachyon_array_from_format(format, size, &array))
		return "none";
	length = snprintf(text, sizeof(text), "%s%u", scalars[array.scalar], array.bits);
	for (unsigned int i = 0; i < array.dimensions; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, " %d",
				   (int)array.shape[i]);
	return text;
}

static void check_video(const char *name, int width, int height, const char *expected)
{
	const GstTachyonFormat format = video_of(name, width, height);

	CHECK_EQ(format.media, GST_TACHYON_MEDIA_VIDEO);
	CHECK_STR_EQ(describe(&format, 0), expected);
}

TEST(packed_video_has_a_row_a_line_and_its_channels_last)
{
	check_video("RGB", 641, 480, "uint8 480 641 3");
	check_video("BGR", 1, 1, "uint8 1 1 3");
	check_video("BGRx", 641, 480, "uint8 480 641 4");
	check_video("RGBA", 641, 480, "uint8 480 641 4");
	check_video("AYUV", 641, 480, "uint8 480 641 4");
	check_video("v308", 641, 480, "uint8 480 641 3");
	check_video("RGB16", 641, 480, "uint8 480 641 2");
	check_video("YUY2", 640, 480, "uint8 480 640 2");
}

TEST(one_channel_is_no_dimension)
{
	check_video("GRAY8", 641, 480, "uint8 480 641");
	check_video("GRAY8", 1, 1, "uint8 1 1");
}

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define OURS "LE"
#define THEIRS "BE"
#else
#define OURS "BE"
#define THEIRS "LE"
#endif

TEST(sixteen_bits_of_this_machine_are_numbers_and_those_of_another_bytes)
{
	check_video("GRAY16_" OURS, 641, 480, "uint16 480 641");
	check_video("GRAY16_" THEIRS, 641, 480, "uint8 480 641 2");
	check_video("RGBA64_" OURS, 641, 480, "uint16 480 641 4");
	check_video("RGBA64_" THEIRS, 641, 480, "uint8 480 641 8");
	check_video("P010_10" OURS, 640, 480, "uint16 720 640");
	check_video("I420_10" OURS, 640, 480, "uint16 720 640");
	check_video("I420_10" THEIRS, 640, 480, "uint8 720 1280");
}

TEST(planes_lie_one_below_the_other)
{
	check_video("I420", 640, 480, "uint8 720 640");
	check_video("YV12", 640, 480, "uint8 720 640");
	check_video("NV12", 322, 242, "uint8 363 322");
	check_video("Y42B", 640, 480, "uint8 960 640");
	check_video("Y444", 641, 480, "uint8 1440 641");
	check_video("GBRA", 641, 480, "uint8 1920 641");
}

TEST(planes_that_do_not_come_out_even_are_one_row)
{
	/* 5 x 5 and two of 3 x 3 */
	check_video("I420", 5, 5, "uint8 43");
	/* the same with a line of 6 */
	check_video("NV12", 5, 5, "uint8 43");
}

TEST(pixels_that_share_bytes_are_lines_of_bytes)
{
	check_video("v210", 640, 480, "uint8 480 1792");
	/* A line of 5 pixels has 6 of them. */
	check_video("UYVY", 5, 3, "uint8 3 12");
}

TEST(tiles_and_palettes_are_bytes)
{
	check_video("NV12_4L4", 16, 16, "uint8 384");
	check_video("RGB8P", 16, 16, "uint8 1280");
}

TEST(a_field_has_half_the_lines)
{
	const GstTachyonFormat format =
		format_of("video/x-raw(format:Interlaced),format=GRAY8,width=64,height=48,"
			  "framerate=25/1,interlace-mode=alternate");

	CHECK_STR_EQ(describe(&format, 0), "uint8 24 64");
}

static void check_audio(const char *name, const char *layout, gsize size, const char *expected)
{
	const GstTachyonFormat format = audio_of(name, 2, layout);

	CHECK_EQ(format.media, GST_TACHYON_MEDIA_AUDIO);
	CHECK_STR_EQ(describe(&format, size), expected);
}

TEST(audio_is_frames_by_channels)
{
	check_audio("U8", "interleaved", 20, "uint8 10 2");
	check_audio("S8", "interleaved", 20, "int8 10 2");
	check_audio("S16" OURS, "interleaved", 40, "int16 10 2");
	check_audio("U16" OURS, "interleaved", 40, "uint16 10 2");
	check_audio("S32" OURS, "interleaved", 80, "int32 10 2");
	check_audio("S24_32" OURS, "interleaved", 80, "int32 10 2");
	check_audio("F32" OURS, "interleaved", 80, "float32 10 2");
	check_audio("F64" OURS, "interleaved", 160, "float64 10 2");
}

TEST(audio_that_is_not_interleaved_is_channels_by_frames)
{
	check_audio("F32" OURS, "non-interleaved", 80, "float32 2 10");
}

TEST(samples_that_are_no_numbers_here_are_bytes)
{
	check_audio("S16" THEIRS, "interleaved", 40, "uint8 10 2 2");
	check_audio("S24" OURS, "interleaved", 60, "uint8 10 2 3");
}

TEST(no_audio_and_a_part_of_a_frame_are_no_array)
{
	check_audio("S16" OURS, "interleaved", 0, "none");
	check_audio("S16" OURS, "interleaved", 41, "none");
}

TEST(other_media_are_no_arrays)
{
	const char *const caps[] = {
		"video/x-h264,width=64,height=48",
		"image/jpeg",
		"audio/mpeg,mpegversion=1",
		"application/x-never-heard-of",
		"video/x-raw,format=ENCODED,width=64,height=48",
		"video/x-raw",
		"audio/x-raw",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(caps); i++) {
		const GstTachyonFormat format = format_of(caps[i]);

		CHECK_EQ(format.media, GST_TACHYON_MEDIA_OTHER);
		CHECK_STR_EQ(describe(&format, 100), "none");
	}
}

TEST(formats_differ_by_what_their_bytes_mean)
{
	const GstTachyonFormat rgb = video_of("RGB", 64, 48), bgr = video_of("BGR", 64, 48);
	const GstTachyonFormat wider = video_of("RGB", 65, 48), higher = video_of("RGB", 64, 49);
	const GstTachyonFormat other_rate =
		format_of("video/x-raw,format=RGB,width=64,height=48,framerate=1/1");
	const GstTachyonFormat mono = audio_of("S8", 1, "interleaved");
	const GstTachyonFormat stereo = audio_of("S8", 2, "interleaved");
	const GstTachyonFormat planar = audio_of("S8", 2, "non-interleaved");

	CHECK(gst_tachyon_format_equal(&rgb, &rgb));
	CHECK(gst_tachyon_format_equal(&rgb, &other_rate));
	CHECK(!gst_tachyon_format_equal(&rgb, &bgr));
	CHECK(!gst_tachyon_format_equal(&rgb, &wider));
	CHECK(!gst_tachyon_format_equal(&rgb, &higher));
	CHECK(!gst_tachyon_format_equal(&rgb, &mono));
	CHECK(gst_tachyon_format_equal(&stereo, &stereo));
	CHECK(!gst_tachyon_format_equal(&stereo, &mono));
	CHECK(!gst_tachyon_format_equal(&stereo, &planar));
}

/* --- bytes --- */

#define MAX_PLANES 3

/* A picture whose lines are padded: what the planes are, told by hand. */
struct padded {
	const char *name;
	int width, height;
	guint planes;
	gsize lines[MAX_PLANES], bytes[MAX_PLANES];
};

#define PADDING 7
/* In front of each plane. */
#define GAP 5

static const struct padded padded[] = {
	{"RGB", 5, 4, 1, {4}, {15}},
	{"BGRx", 5, 4, 1, {4}, {20}},
	{"GRAY8", 5, 4, 1, {4}, {5}},
	{"GRAY16_" OURS, 5, 4, 1, {4}, {10}},
	{"YUY2", 6, 4, 1, {4}, {12}},
	{"I420", 6, 4, 3, {4, 2, 2}, {6, 3, 3}},
	{"I420", 5, 5, 3, {5, 3, 3}, {5, 3, 3}},
	{"NV12", 6, 4, 2, {4, 2}, {6, 6}},
	{"P010_10" OURS, 6, 4, 2, {4, 2}, {12, 12}},
	{"Y444", 5, 4, 3, {4, 4, 4}, {5, 5, 5}},
};

/* Bytes of a picture count up; padding is 0xff. */
static GstBuffer *make_padded(const struct padded *what, const GstTachyonFormat *format)
{
	gsize offset[GST_VIDEO_MAX_PLANES] = {0};
	gint stride[GST_VIDEO_MAX_PLANES] = {0};
	guint8 bytes[1024], next = 0;
	gsize end = 0;

	memset(bytes, 0xff, sizeof(bytes));
	for (guint p = 0; p < what->planes; p++) {
		offset[p] = end + GAP;
		stride[p] = (gint)what->bytes[p] + PADDING;
		for (gsize y = 0; y < what->lines[p]; y++) {
			for (gsize x = 0; x < what->bytes[p]; x++)
				bytes[offset[p] + y * (gsize)stride[p] + x] = next++ % 0xff;
		}
		end = offset[p] + what->lines[p] * (gsize)stride[p];
		CHECK(end <= sizeof(bytes));
	}

	GstBuffer *buffer = gst_buffer_new_memdup(bytes, end);

	gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_INFO_FORMAT(&format->video),
				       (guint)what->width, (guint)what->height, what->planes,
				       offset, stride);
	return buffer;
}

TEST(padding_is_left_out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(padded); i++) {
		const struct padded *what = &padded[i];
		const GstTachyonFormat format = video_of(what->name, what->width, what->height);
		GstBuffer *buffer = make_padded(what, &format);
		struct tachyon_array array;
		guint8 bytes[512], expected[512];
		gsize size = 0;

		for (guint p = 0; p < what->planes; p++)
			size += what->lines[p] * what->bytes[p];
		CHECK(gst_tachyon_array_from_format(&format, 0, &array));
		CHECK_EQ(gst_tachyon_array_size(&array), size);
		for (gsize n = 0; n < size; n++)
			expected[n] = (guint8)(n % 256) % 0xff;
		memset(bytes, 0xee, sizeof(bytes));
		CHECK(gst_tachyon_array_copy(&format, buffer, bytes, size));
		CHECK_MEM_EQ(bytes, expected, size);
		CHECK_EQ(bytes[size], 0xee);
		gst_buffer_unref(buffer);
	}
}

TEST(lines_that_run_upwards_are_turned_round)
{
	const GstTachyonFormat format = video_of("GRAY8", 3, 2);
	GstBuffer *buffer = gst_buffer_new_memdup("456.123.", 8);
	const gsize offset[GST_VIDEO_MAX_PLANES] = {4};
	const gint stride[GST_VIDEO_MAX_PLANES] = {-4};
	guint8 bytes[6];

	gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_FORMAT_GRAY8, 3, 2, 1, (gsize *)offset,
				       (gint *)stride);
	CHECK(gst_tachyon_array_copy(&format, buffer, bytes, 6));
	CHECK_MEM_EQ(bytes, "123456", 6);
	gst_buffer_unref(buffer);
}

TEST(default_strides_are_known_without_a_meta)
{
	const GstTachyonFormat format = video_of("GRAY8", 3, 2);
	GstBuffer *buffer = gst_buffer_new_memdup("123.456.", 8);
	guint8 bytes[6];

	CHECK(gst_tachyon_array_copy(&format, buffer, bytes, 6));
	CHECK_MEM_EQ(bytes, "123456", 6);
	gst_buffer_unref(buffer);
}

TEST(a_buffer_of_several_memories_is_copied)
{
	const GstTachyonFormat video = video_of("GRAY8", 3, 2);
	const GstTachyonFormat audio = audio_of("S8", 2, "interleaved");
	GstBuffer *buffer = gst_buffer_append(gst_buffer_new_memdup("123.", 4),
					      gst_buffer_new_memdup("456.", 4));
	guint8 bytes[8];

	CHECK(gst_tachyon_array_copy(&video, buffer, bytes, 6));
	CHECK_MEM_EQ(bytes, "123456", 6);
	CHECK(gst_tachyon_array_copy(&audio, buffer, bytes, 8));
	CHECK_MEM_EQ(bytes, "123.456.", 8);
	gst_buffer_unref(buffer);
}

TEST(a_picture_of_another_size_is_refused)
{
	const GstTachyonFormat format = video_of("GRAY8", 4, 4);
	GstBuffer *shorter = gst_buffer_new_allocate(NULL, 15, NULL);
	GstBuffer *other = gst_buffer_new_allocate(NULL, 16, NULL);
	GstBuffer *empty = gst_buffer_new();
	guint8 bytes[16];

	gst_buffer_add_video_meta(other, 0, GST_VIDEO_FORMAT_GRAY8, 4, 2);
	CHECK(!gst_tachyon_array_copy(&format, shorter, bytes, 16));
	CHECK(!gst_tachyon_array_copy(&format, other, bytes, 16));
	CHECK(!gst_tachyon_array_copy(&format, empty, bytes, 16));
	gst_buffer_unref(shorter);
	gst_buffer_unref(other);
	gst_buffer_unref(empty);
}

TEST(tiles_are_copied_as_they_are)
{
	const GstTachyonFormat format = video_of("NV12_4L4", 16, 16);
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, 384, NULL);
	guint8 bytes[384], expected[384];

	memset(expected, 7, sizeof(expected));
	gst_buffer_memset(buffer, 0, 7, 384);
	CHECK(gst_tachyon_array_copy(&format, buffer, bytes, 384));
	CHECK_MEM_EQ(bytes, expected, 384);
	gst_buffer_set_size(buffer, 383);
	CHECK(!gst_tachyon_array_copy(&format, buffer, bytes, 384));
	gst_buffer_unref(buffer);
}

TEST(audio_of_another_length_is_refused)
{
	const GstTachyonFormat interleaved = audio_of("S8", 2, "interleaved");
	const GstTachyonFormat planar = audio_of("S8", 2, "non-interleaved");
	GstBuffer *buffer = gst_buffer_new_memdup("12345678", 8);
	guint8 bytes[10];

	gst_buffer_add_audio_meta(buffer, &planar.audio, 4, NULL);
	CHECK(!gst_tachyon_array_copy(&interleaved, buffer, bytes, 10));
	CHECK(!gst_tachyon_array_copy(&planar, buffer, bytes, 10));
	gst_buffer_unref(buffer);
}

TEST(channels_apart_are_copied_from_where_they_are)
{
	const GstTachyonFormat format = audio_of("S8", 2, "non-interleaved");
	GstBuffer *buffer = gst_buffer_new_memdup("..1234..5678", 12);
	gsize offsets[] = {2, 8};
	guint8 bytes[8];

	gst_buffer_add_audio_meta(buffer, &format.audio, 4, offsets);
	CHECK(gst_tachyon_array_copy(&format, buffer, bytes, 8));
	CHECK_MEM_EQ(bytes, "12345678", 8);
	gst_buffer_unref(buffer);
}
