/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of both elements: whatever the format, what comes out is what went in. */
#include "crossing.h"

#define COUNT 3

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static GstCaps *make_caps(const char *text)
{
	GstCaps *const caps = gst_caps_from_string(text);

	if (!caps)
		test_fail(__FILE__, __LINE__, "no caps: %s", text);
	return caps;
}

/* --- pictures --- */

static gsize picture_size(GstCaps *caps)
{
	GstVideoInfo info;

	CHECK(gst_video_info_from_caps(&info, caps));
	return GST_VIDEO_INFO_SIZE(&info);
}

/* Pictures whose buffers have these flags, in turn. */
static void cross_pictures(const char *text, const guint *flags, guint count)
{
	GstCaps *const caps = make_caps(text);
	struct crossing *const crossing = begin_crossing(caps);

	for (guint i = 0; i < count; i++) {
		GstBuffer *const buffer = make_buffer(picture_size(caps), i);

		if (flags)
			GST_BUFFER_FLAG_SET(buffer, flags[i]);
		push(crossing, buffer);
	}
	end_crossing(crossing, count);
}

static void cross_format(const char *format, gint width, gint height)
{
	char *const text =
		g_strdup_printf("video/x-raw, format=%s, width=%d, height=%d, framerate=25/1, "
				"pixel-aspect-ratio=12/11, colorimetry=bt709, chroma-site=mpeg2",
				format, width, height);

	cross_pictures(text, NULL, COUNT);
	g_free(text);
}

TEST(ten_bits_planar)
{
	cross_format("I420_10LE", 321, 241);
	cross_format("I422_10BE", 33, 17);
	cross_format("Y444_12LE", 35, 7);
}

TEST(ten_bits_semi_planar)
{
	cross_format("P010_10LE", 322, 242);
	cross_format("P012_LE", 35, 7);
	cross_format("NV12_10LE32", 61, 33);
}

TEST(ten_bits_packed)
{
	cross_format("v210", 47, 33);
	cross_format("UYVP", 47, 33);
	cross_format("r210", 47, 33);
	cross_format("Y410", 47, 33);
}

TEST(sixteen_bits)
{
	cross_format("GRAY16_LE", 321, 241);
	cross_format("GRAY16_BE", 3, 5);
	cross_format("RGBA64_LE", 63, 47);
	cross_format("ARGB64", 63, 47);
	cross_format("AYUV64", 63, 47);
}

TEST(odd_sizes)
{
	cross_format("I420", 1, 1);
	cross_format("NV12", 5, 3);
	cross_format("NV21", 321, 1);
	cross_format("RGB", 1, 321);
	cross_format("BGR", 641, 1);
	cross_format("YUV9", 13, 11);
	cross_format("Y41B", 13, 11);
	cross_format("GRAY8", 7, 7);
	cross_format("A420", 9, 9);
}

TEST(interlaced_in_every_mode)
{
	static const char head[] = "video/x-raw, format=NV12, width=322, height=242, "
				   "framerate=25/1, ";
	static const guint flags[] = {
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF,
		0,
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_RFF,
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_ONEFIELD,
	};
	static const char *const modes[] = {
		"interlace-mode=mixed",
		"interlace-mode=interleaved, field-order=bottom-field-first",
		"interlace-mode=fields, field-order=top-field-first",
	};

	for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
		char *const text = g_strconcat(head, modes[i], NULL);

		cross_pictures(text, flags, G_N_ELEMENTS(flags));
		g_free(text);
	}
}

TEST(fields_that_alternate_have_their_feature_and_flags)
{
	static const guint flags[] = {
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TOP_FIELD,
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_BOTTOM_FIELD,
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TOP_FIELD,
		GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_BOTTOM_FIELD,
	};

	cross_pictures("video/x-raw(format:Interlaced), format=I420, width=320, height=240, "
		       "framerate=25/1, interlace-mode=alternate",
		       flags, G_N_ELEMENTS(flags));
}

TEST(stereo_side_by_side)
{
	cross_pictures("video/x-raw, format=I420, width=642, height=242, framerate=25/1, "
		       "multiview-mode=side-by-side, "
		       "multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:right-view-first",
		       NULL, COUNT);
}

TEST(stereo_frame_by_frame_with_the_flags_of_each_view)
{
	static const guint flags[] = {
		GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW | GST_VIDEO_BUFFER_FLAG_FIRST_IN_BUNDLE,
		GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW,
		GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW | GST_VIDEO_BUFFER_FLAG_FIRST_IN_BUNDLE,
		GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW,
	};

	cross_pictures("video/x-raw, format=RGBA, width=33, height=17, framerate=50/1, "
		       "multiview-mode=frame-by-frame, views=2",
		       flags, G_N_ELEMENTS(flags));
}

TEST(two_views_in_one_buffer_have_two_metas)
{
	GstCaps *const caps =
		make_caps("video/x-raw, format=GRAY8, width=64, height=48, framerate=25/1, "
			  "multiview-mode=separated, views=2");
	struct crossing *const crossing = begin_crossing(caps);

	for (guint i = 0; i < COUNT; i++) {
		GstBuffer *const buffer = make_buffer(2 * 64 * 48, i);

		for (gint view = 0; view < 2; view++) {
			gsize offset[] = {(gsize)view * 64 * 48, 0, 0, 0};
			gint stride[] = {64, 0, 0, 0};
			GstVideoMeta *const meta = gst_buffer_add_video_meta_full(
				buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 64, 48,
				1, offset, stride);

			meta->id = view;
		}
		GST_BUFFER_FLAG_SET(buffer, GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW);
		push(crossing, buffer);
	}
	end_crossing(crossing, COUNT);
}

/* Planes apart, lines padded by an odd number of bytes, and padding around the picture. */
static GstBuffer *make_scattered_picture(guint number)
{
	GstBuffer *const buffer = make_buffer(100000, number);
	gsize offset[] = {17, 60001, 80003, 0};
	gint stride[] = {333 + (gint)number, 187, 189, 0};
	GstVideoMeta *const meta =
		gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE,
					       GST_VIDEO_FORMAT_I420, 321, 101, 3, offset, stride);

	meta->alignment.padding_right = 12;
	meta->alignment.stride_align[0] = 15;
	return buffer;
}

TEST(planes_and_lines_anywhere_that_change_with_each_buffer)
{
	struct crossing *const crossing = begin_crossing(
		make_caps("video/x-raw, format=I420, width=321, height=101, framerate=25/1"));

	for (guint i = 0; i < 8; i++)
		push(crossing, make_scattered_picture(i / 2));
	end_crossing(crossing, 8);
}

/* --- sound --- */

static void cross_sound(const char *text, gsize size)
{
	struct crossing *const crossing = begin_crossing(make_caps(text));

	for (guint i = 0; i < COUNT; i++)
		push(crossing, make_buffer(size, i));
	end_crossing(crossing, COUNT);
}

TEST(sound_of_24_bits)
{
	cross_sound("audio/x-raw, format=S24LE, rate=44100, channels=1, layout=interleaved",
		    3 * 441);
	cross_sound("audio/x-raw, format=S24_32BE, rate=96000, channels=2, layout=interleaved, "
		    "channel-mask=(bitmask)0x3",
		    8 * 960);
}

TEST(sound_of_64_channels)
{
	cross_sound("audio/x-raw, format=S16LE, rate=48000, channels=64, layout=interleaved, "
		    "channel-mask=(bitmask)0x0",
		    64 * 2 * 480);
}

static GstBuffer *make_planar_sound(GstCaps *caps, gsize samples, gsize distance, guint number)
{
	gsize offsets[64];
	GstAudioInfo info;
	GstBuffer *buffer;

	CHECK(gst_audio_info_from_caps(&info, caps));
	buffer = make_buffer(distance * (gsize)info.channels, number);
	for (gint i = 0; i < info.channels; i++)
		offsets[i] = (gsize)(info.channels - 1 - i) * distance;
	CHECK(gst_buffer_add_audio_meta(buffer, &info, samples, offsets) != NULL);
	return buffer;
}

static void cross_planar_sound(const char *text, gsize sample_size)
{
	GstCaps *const caps = make_caps(text);
	struct crossing *const crossing = begin_crossing(caps);

	for (guint i = 0; i < COUNT; i++)
		push(crossing, make_planar_sound(caps, 480 + i, sample_size * 512 + 8, i));
	end_crossing(crossing, COUNT);
}

TEST(sound_that_is_not_interleaved_with_its_planes_anywhere)
{
	cross_planar_sound("audio/x-raw, format=F32LE, rate=48000, channels=2, "
			   "layout=non-interleaved, channel-mask=(bitmask)0x3",
			   4);
	cross_planar_sound("audio/x-raw, format=S24LE, rate=48000, channels=6, "
			   "layout=non-interleaved, channel-mask=(bitmask)0x3f",
			   3);
	cross_planar_sound("audio/x-raw, format=F64LE, rate=48000, channels=64, "
			   "layout=non-interleaved, channel-mask=(bitmask)0x0",
			   8);
}

/* --- caps --- */

TEST(caps_of_64_KiB_with_codec_data)
{
	GstBuffer *const codec_data = make_buffer(32 * 1024, 7);
	GstCaps *const caps = gst_caps_new_simple("video/x-foo", "codec_data", GST_TYPE_BUFFER,
						  codec_data, "width", G_TYPE_INT, 320, NULL);
	struct crossing *const crossing = begin_crossing(caps);

	push(crossing, make_buffer(5000, 1));
	push(crossing, make_buffer(5, 2));
	end_crossing(crossing, 2);
	gst_buffer_unref(codec_data);
}

TEST(caps_with_a_stream_header_of_several_buffers)
{
	GValue list = G_VALUE_INIT;
	GstCaps *const caps = gst_caps_new_empty_simple("audio/x-vorbis");
	struct crossing *crossing;

	g_value_init(&list, GST_TYPE_ARRAY);
	for (guint i = 0; i < 3; i++) {
		GstBuffer *const header = make_buffer(12000 + i, i);
		GValue value = G_VALUE_INIT;

		g_value_init(&value, GST_TYPE_BUFFER);
		gst_value_set_buffer(&value, header);
		gst_value_array_append_and_take_value(&list, &value);
		gst_buffer_unref(header);
	}
	gst_structure_take_value(gst_caps_get_structure(caps, 0), "streamheader", &list);
	crossing = begin_crossing(caps);
	push(crossing, make_buffer(300, 1));
	end_crossing(crossing, 1);
}

TEST(no_caps)
{
	struct crossing *const crossing = begin_crossing(NULL);

	push(crossing, make_buffer(300, 1));
	end_crossing(crossing, 1);
}

/* --- sizes --- */

TEST(buffers_from_none_to_large_in_one_stream)
{
	static const gsize sizes[] = {0, 1,    255,	256,	 257, 4095, 4096, 0,	4097,
				      1, 1000, 3000001, 8388608, 1,   100,  0,	  65536};
	struct crossing *const crossing = begin_crossing(make_caps("application/x-test"));

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
		push(crossing, make_buffer(sizes[i], i));
	end_crossing(crossing, G_N_ELEMENTS(sizes));
}

TEST_WITH_TIMEOUT(buffers_of_100_MB, 60)
{
	struct crossing *const crossing = begin_crossing(make_caps("application/x-test"));

	push(crossing, make_buffer(100 * 1000 * 1000, 1));
	push(crossing, make_buffer(100 * 1000 * 1000 + 1, 2));
	end_crossing(crossing, 2);
}

TEST(every_flag_that_travels)
{
	struct crossing *const crossing = begin_crossing(make_caps("application/x-test"));

	for (guint bit = 4; bit < 32; bit++) {
		GstBuffer *const buffer = make_buffer(10 + 100 * bit, bit);

		/* 14 says whose the memory is; 17 to 19 are not given to anybody. */
		if (bit != 14 && (bit < 17 || bit > 19))
			GST_BUFFER_FLAG_SET(buffer, 1u << bit);
		push(crossing, buffer);
	}
	end_crossing(crossing, 28);
}

TEST(times_that_are_not_there)
{
	struct crossing *const crossing = begin_crossing(make_caps("application/x-test"));

	for (guint i = 0; i < 16; i++) {
		GstBuffer *const buffer = make_buffer(100 * i, i);

		if (i & 1)
			GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
		if (i & 2)
			GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
		if (i & 4)
			GST_BUFFER_DURATION(buffer) = GST_CLOCK_TIME_NONE;
		if (i & 8)
			GST_BUFFER_OFFSET(buffer) = GST_BUFFER_OFFSET_NONE;
		push(crossing, buffer);
	}
	end_crossing(crossing, 16);
}

/* --- memories and lists --- */

static GstBuffer *make_buffer_of_memories(guint count, gsize size, guint number)
{
	GstBuffer *const buffer = make_buffer(0, number);

	for (guint i = 0; i < count; i++) {
		GstBuffer *const one = make_buffer(size + i, number * 100 + i);

		/* A part of its memory only, so that an offset counts. */
		gst_buffer_append_memory(buffer, gst_memory_share(gst_buffer_peek_memory(one, 0), 3,
								  (gssize)(size + i - 3)));
		gst_buffer_unref(one);
	}
	return buffer;
}

TEST(buffers_of_several_memories)
{
	struct crossing *const crossing = begin_crossing(make_caps("application/x-test"));

	push(crossing, make_buffer_of_memories(2, 50, 0));
	push(crossing, make_buffer_of_memories(1, 5000, 1));
	push(crossing, make_buffer_of_memories(5, 100000, 2));
	push(crossing, make_buffer_of_memories(16, 1000, 3));
	end_crossing(crossing, 4);
}

TEST(a_picture_with_a_memory_for_each_plane)
{
	GstCaps *const caps = make_caps("video/x-raw, format=I420, width=64, height=48, "
					"framerate=25/1");
	struct crossing *const crossing = begin_crossing(caps);
	GstBuffer *const buffer = make_buffer(0, 1);
	static const gsize sizes[] = {64 * 48, 32 * 24, 32 * 24};

	for (guint i = 0; i < 3; i++) {
		GstBuffer *const plane = make_buffer(sizes[i], i);

		gst_buffer_append_memory(buffer, gst_buffer_get_memory(plane, 0));
		gst_buffer_unref(plane);
	}
	gst_buffer_add_video_meta(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, 64, 48);
	push(crossing, buffer);
	end_crossing(crossing, 1);
}

TEST(a_list_of_buffers)
{
	struct crossing *const crossing = begin_crossing(make_caps("application/x-rtp, n=1"));
	GstFlowReturn flow;

	for (guint round = 0; round < 4; round++) {
		GstBufferList *const list = gst_buffer_list_new();

		for (guint i = 0; i < 100; i++)
			gst_buffer_list_add(list, i % 7 ? make_buffer(i * 14, round * 100 + i)
							: make_buffer_of_memories(2, 700, i));
		g_signal_emit_by_name(crossing->feed, "push-buffer-list", list, &flow);
		CHECK_EQ(flow, GST_FLOW_OK);
		gst_buffer_list_unref(list);
	}
	end_crossing(crossing, 400);
}
