/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonframe.c, and of the metas and layouts that it is made of. */
#include "gsttachyonframe.h"
#include "gsttachyonwire.h"
#include "harness.h"

#include <gst/check/gstcheck.h>

#include <string.h>

TEST_SETUP
{
	const gchar *tags[] = {NULL};

	gst_init(NULL, NULL);
	gst_meta_register_custom("my-meta", tags, NULL, NULL, NULL);
}

/* A stream and a buffer of it, sent, received. */
struct crossing {
	struct tachyon_layout layout;
	gboolean has_layout;
	GstVideoInfo video;
	gboolean is_video;
	GstAudioInfo audio;
	gboolean is_audio;
	GByteArray *records;
	struct tachyon_frame frame;
	guint lost;
	gboolean good;
	GstBuffer *out;
};

static void receive(struct crossing *crossing, gsize size)
{
	const struct gst_tachyon_stream stream = {
		.layout = crossing->has_layout ? &crossing->layout : NULL,
		.video = crossing->is_video ? &crossing->video : NULL,
		.audio = crossing->is_audio ? &crossing->audio : NULL,
	};

	crossing->out = gst_buffer_new_allocate(NULL, size, NULL);
	crossing->good = gst_tachyon_frame_to_buffer(&crossing->frame, &stream, crossing->out);
}

static void cross(struct crossing *crossing, GstBuffer *in)
{
	memset(&crossing->frame, 0, sizeof(crossing->frame));
	crossing->records = g_byte_array_new();
	crossing->lost =
		gst_tachyon_frame_from_buffer(in, crossing->has_layout ? &crossing->layout : NULL,
					      crossing->records, &crossing->frame);
	receive(crossing, gst_buffer_get_size(in));
}

static void forget(struct crossing *crossing)
{
	gst_buffer_unref(crossing->out);
	g_byte_array_unref(crossing->records);
}

static struct crossing video_stream(GstVideoFormat format, guint width, guint height)
{
	struct crossing crossing = {.is_video = TRUE, .has_layout = TRUE};

	CHECK(gst_video_info_set_format(&crossing.video, format, width, height));
	CHECK(gst_tachyon_layout_from_video_info(&crossing.video, &crossing.layout));
	return crossing;
}

static GstVideoMeta *add_video_meta(GstBuffer *buffer, const GstVideoInfo *info)
{
	return gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE,
					      GST_VIDEO_INFO_FORMAT(info), info->width,
					      info->height, GST_VIDEO_INFO_N_PLANES(info),
					      (gsize *)info->offset, (gint *)info->stride);
}

TEST(times_offsets_and_flags_cross)
{
	GstBuffer *in = gst_buffer_new_allocate(NULL, 10, NULL);
	struct crossing crossing = {0};

	GST_BUFFER_PTS(in) = 1;
	GST_BUFFER_DTS(in) = 2;
	GST_BUFFER_DURATION(in) = 3;
	GST_BUFFER_OFFSET(in) = 4;
	GST_BUFFER_OFFSET_END(in) = 5;
	GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_DELTA_UNIT |
					GST_BUFFER_FLAG_HEADER | GST_VIDEO_BUFFER_FLAG_TFF |
					GST_BUFFER_FLAG_NON_DROPPABLE);
	cross(&crossing, in);
	CHECK(crossing.good);
	CHECK_EQ(crossing.lost, 0);
	CHECK_EQ(crossing.frame.metadata_size, 0);
	CHECK(crossing.frame.metadata == NULL);
	CHECK_EQ(GST_BUFFER_PTS(crossing.out), 1);
	CHECK_EQ(GST_BUFFER_DTS(crossing.out), 2);
	CHECK_EQ(GST_BUFFER_DURATION(crossing.out), 3);
	CHECK_EQ(GST_BUFFER_OFFSET(crossing.out), 4);
	CHECK_EQ(GST_BUFFER_OFFSET_END(crossing.out), 5);
	CHECK_EQ(GST_BUFFER_FLAGS(crossing.out) & ~GST_BUFFER_FLAG_TAG_MEMORY,
		 GST_BUFFER_FLAGS(in) & ~GST_BUFFER_FLAG_TAG_MEMORY);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(absent_times_stay_absent)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing = {0};

	cross(&crossing, in);
	CHECK_EQ(GST_BUFFER_PTS(crossing.out), GST_CLOCK_TIME_NONE);
	CHECK_EQ(GST_BUFFER_DTS(crossing.out), GST_CLOCK_TIME_NONE);
	CHECK_EQ(GST_BUFFER_DURATION(crossing.out), GST_CLOCK_TIME_NONE);
	CHECK_EQ(GST_BUFFER_OFFSET(crossing.out), GST_BUFFER_OFFSET_NONE);
	CHECK_EQ(GST_BUFFER_OFFSET_END(crossing.out), GST_BUFFER_OFFSET_NONE);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(what_is_about_memory_is_not_sent_and_not_taken)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing = {0};

	GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_TAG_MEMORY);
	cross(&crossing, in);
	CHECK_EQ(crossing.frame.flags & GST_BUFFER_FLAG_TAG_MEMORY, 0);
	forget(&crossing);

	/* A peer may send any bits; those below are the mini object's own. */
	crossing.frame.flags = G_MAXUINT32;
	crossing.records = g_byte_array_new();
	receive(&crossing, 0);
	CHECK(!GST_BUFFER_FLAG_IS_SET(crossing.out, GST_BUFFER_FLAG_TAG_MEMORY));
	CHECK_EQ(GST_BUFFER_FLAGS(crossing.out) & (GST_MINI_OBJECT_FLAG_LAST - 1), 0);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(a_video_meta_like_the_layout_costs_no_record)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_NV12, 322, 242);
	GstBuffer *in = gst_buffer_new_allocate(NULL, crossing.video.size, NULL);
	GstVideoMeta *meta;

	add_video_meta(in, &crossing.video);
	cross(&crossing, in);
	CHECK_EQ(crossing.frame.metadata_size, 0);
	CHECK(crossing.good);
	meta = gst_buffer_get_video_meta(crossing.out);
	CHECK(meta != NULL);
	CHECK_EQ(meta->format, GST_VIDEO_FORMAT_NV12);
	CHECK_EQ(meta->width, 322);
	CHECK_EQ(meta->height, 242);
	CHECK_EQ(meta->n_planes, 2);
	CHECK_EQ(meta->offset[1], crossing.video.offset[1]);
	CHECK_EQ(meta->stride[1], crossing.video.stride[1]);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(a_video_meta_unlike_the_layout_crosses_whole)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_I420, 320, 240);
	GstBuffer *in = gst_buffer_new_allocate(NULL, 400000, NULL);
	GstVideoAlignment alignment;
	GstVideoInfo padded = crossing.video;
	GstVideoMeta *sent, *meta;

	gst_video_alignment_reset(&alignment);
	alignment.padding_left = alignment.padding_right = alignment.padding_bottom = 32;
	alignment.stride_align[0] = 31;
	CHECK(gst_video_info_align(&padded, &alignment));
	sent = add_video_meta(in, &padded);
	CHECK(gst_video_meta_set_alignment(sent, alignment));
	sent->id = 3;
	sent->flags = GST_VIDEO_FRAME_FLAG_INTERLACED;

	cross(&crossing, in);
	CHECK(crossing.good);
	CHECK_EQ(gst_buffer_get_n_meta(crossing.out, GST_VIDEO_META_API_TYPE), 1);
	meta = gst_buffer_get_video_meta(crossing.out);
	CHECK_MEM_EQ(meta->offset, sent->offset, sizeof(meta->offset));
	CHECK_MEM_EQ(meta->stride, sent->stride, sizeof(meta->stride));
	CHECK_EQ(meta->id, 3);
	CHECK_EQ(meta->flags, GST_VIDEO_FRAME_FLAG_INTERLACED);
	CHECK_EQ(meta->alignment.padding_left, 32);
	CHECK_EQ(meta->alignment.padding_bottom, 32);
	CHECK_EQ(meta->alignment.stride_align[0], 31);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(an_alignment_crosses_though_the_planes_are_those_of_the_layout)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_NV12, 64, 64);
	GstBuffer *in = gst_buffer_new_allocate(NULL, crossing.video.size, NULL);
	GstVideoMeta *meta = add_video_meta(in, &crossing.video);

	meta->alignment.padding_bottom = 8;
	meta->alignment.stride_align[1] = 63;
	cross(&crossing, in);
	CHECK(crossing.good);
	meta = gst_buffer_get_video_meta(crossing.out);
	CHECK_EQ(meta->alignment.padding_bottom, 8);
	CHECK_EQ(meta->alignment.stride_align[1], 63);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(a_buffer_without_video_meta_arrives_without)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_NV12, 64, 64);
	GstBuffer *in = gst_buffer_new_allocate(NULL, crossing.video.size, NULL);

	cross(&crossing, in);
	CHECK(crossing.good);
	CHECK(gst_buffer_get_video_meta(crossing.out) == NULL);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(several_video_metas_cross)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_GRAY8, 64, 64);
	GstBuffer *in = gst_buffer_new_allocate(NULL, 2 * crossing.video.size, NULL);
	GstVideoMeta *second;

	add_video_meta(in, &crossing.video);
	second = add_video_meta(in, &crossing.video);
	second->id = 1;
	second->offset[0] = crossing.video.size;
	cross(&crossing, in);
	CHECK_EQ(gst_buffer_get_n_meta(crossing.out, GST_VIDEO_META_API_TYPE), 2);
	CHECK(gst_buffer_get_video_meta_id(crossing.out, 0) != NULL);
	CHECK_EQ(gst_buffer_get_video_meta_id(crossing.out, 1)->offset[0], crossing.video.size);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(a_crop_crosses)
{
	GstBuffer *in = gst_buffer_new();
	GstVideoCropMeta *meta = gst_buffer_add_video_crop_meta(in);
	struct crossing crossing = {0};

	meta->x = 1;
	meta->y = 2;
	meta->width = 3;
	meta->height = 4;
	cross(&crossing, in);
	meta = gst_buffer_get_video_crop_meta(crossing.out);
	CHECK(meta != NULL);
	CHECK_EQ(meta->x, 1);
	CHECK_EQ(meta->y, 2);
	CHECK_EQ(meta->width, 3);
	CHECK_EQ(meta->height, 4);
	forget(&crossing);
	gst_buffer_unref(in);
}

static struct crossing audio_stream(GstAudioLayout layout, gint channels)
{
	struct crossing crossing = {.is_audio = TRUE};

	gst_audio_info_set_format(&crossing.audio, GST_AUDIO_FORMAT_S16LE, 8000, channels, NULL);
	crossing.audio.layout = layout;
	return crossing;
}

TEST(an_audio_meta_crosses_with_its_planes)
{
	struct crossing crossing = audio_stream(GST_AUDIO_LAYOUT_NON_INTERLEAVED, 12);
	GstBuffer *in = gst_buffer_new_allocate(NULL, 12 * 200, NULL);
	GstAudioMeta *meta;
	gsize offsets[12];

	for (gint i = 0; i < 12; i++)
		offsets[i] = (11 - i) * 200;
	CHECK(gst_buffer_add_audio_meta(in, &crossing.audio, 80, offsets) != NULL);
	cross(&crossing, in);
	CHECK(crossing.good);
	meta = gst_buffer_get_audio_meta(crossing.out);
	CHECK(meta != NULL);
	CHECK_EQ(meta->samples, 80);
	CHECK(gst_audio_info_is_equal(&meta->info, &crossing.audio));
	CHECK_MEM_EQ(meta->offsets, offsets, sizeof(offsets));
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(an_interleaved_audio_meta_crosses)
{
	struct crossing crossing = audio_stream(GST_AUDIO_LAYOUT_INTERLEAVED, 2);
	GstBuffer *in = gst_buffer_new_allocate(NULL, 400, NULL);

	CHECK(gst_buffer_add_audio_meta(in, &crossing.audio, 100, NULL) != NULL);
	cross(&crossing, in);
	CHECK(crossing.good);
	CHECK_EQ(gst_buffer_get_audio_meta(crossing.out)->samples, 100);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(reference_timestamps_cross)
{
	GstCaps *ntp = gst_caps_from_string("timestamp/x-ntp");
	GstCaps *camera = gst_caps_from_string("timestamp/x-camera, unit=(int)3");
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing = {0};
	GstReferenceTimestampMeta *meta;

	gst_buffer_add_reference_timestamp_meta(in, ntp, 123, 456);
	gst_buffer_add_reference_timestamp_meta(in, camera, 7, GST_CLOCK_TIME_NONE);
	cross(&crossing, in);
	CHECK(crossing.good);
	meta = gst_buffer_get_reference_timestamp_meta(crossing.out, ntp);
	CHECK(meta != NULL);
	CHECK_EQ(meta->timestamp, 123);
	CHECK_EQ(meta->duration, 456);
	meta = gst_buffer_get_reference_timestamp_meta(crossing.out, camera);
	CHECK(meta != NULL);
	CHECK(gst_caps_is_equal(meta->reference, camera));
	CHECK_EQ(meta->duration, GST_CLOCK_TIME_NONE);
	forget(&crossing);
	gst_caps_unref(ntp);
	gst_caps_unref(camera);
	gst_buffer_unref(in);
}

TEST(a_custom_meta_crosses)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing = {0};
	GstCustomMeta *meta = gst_buffer_add_custom_meta(in, "my-meta");
	const gchar *text;

	gst_structure_set(gst_custom_meta_get_structure(meta), "text", G_TYPE_STRING, "a \"b\"",
			  NULL);
	cross(&crossing, in);
	CHECK(crossing.good);
	meta = gst_buffer_get_custom_meta(crossing.out, "my-meta");
	CHECK(meta != NULL);
	text = gst_structure_get_string(gst_custom_meta_get_structure(meta), "text");
	CHECK_STR_EQ(text, "a \"b\"");
	forget(&crossing);
	gst_buffer_unref(in);
}

/* --- layouts --- */

static gsize smallest_fit(const struct tachyon_layout *layout, const GstVideoInfo *info)
{
	gsize size = info->size;

	CHECK(gst_tachyon_layout_fits(layout, info, size));
	while (gst_tachyon_layout_fits(layout, info, size - 1))
		size--;
	return size;
}

TEST(every_raw_format_fits_itself_and_not_much_less)
{
	guint count;
	const GstVideoFormat *formats = gst_video_formats_raw(&count);

	for (guint i = 0; i < count; i++) {
		struct tachyon_layout layout;
		GstVideoInfo info;

		if (!gst_video_info_set_format(&info, formats[i], 321, 123))
			continue;
		CHECK(gst_tachyon_layout_from_video_info(&info, &layout));
		CHECK_EQ(layout.plane_count, GST_VIDEO_INFO_N_PLANES(&info));
		/* Only the padding behind the last line, and the last lines of odd heights. */
		CHECK(info.size - smallest_fit(&layout, &info) < 2u * info.stride[0]);
	}
}

TEST(pixels_that_share_bytes_need_whole_lines)
{
	struct crossing stream = video_stream(GST_VIDEO_FORMAT_v210, 100, 10);
	struct tachyon_layout layout;
	GstVideoInfo coded;

	CHECK_EQ(smallest_fit(&stream.layout, &stream.video), stream.video.size);
	gst_video_info_set_format(&coded, GST_VIDEO_FORMAT_v210, 200, 10);
	CHECK(gst_tachyon_layout_from_video_info(&coded, &layout));
	CHECK(gst_tachyon_layout_fits(&layout, &stream.video, coded.size));
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, coded.size - 1));
}

TEST(planes_outside_the_payload_do_not_fit)
{
	const struct crossing stream = video_stream(GST_VIDEO_FORMAT_I420, 320, 240);
	const GstVideoInfo *info = &stream.video;
	struct tachyon_layout layout = stream.layout;
	const gsize size = info->size;

	CHECK(gst_tachyon_layout_fits(&layout, info, size));
	CHECK(!gst_tachyon_layout_fits(&layout, info, size - 1));
	CHECK(!gst_tachyon_layout_fits(&layout, info, 0));

	layout.offset[2]++;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));
	layout.offset[2] = G_MAXUINT64;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));
	layout.offset[2] = G_MAXUINT64 - 1000;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));

	layout = stream.layout;
	layout.stride[0] = G_MAXINT32;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));
	layout.stride[0] = G_MININT32;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));
	layout.stride[0] = 0;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));
	layout.stride[0] = 319;
	CHECK(!gst_tachyon_layout_fits(&layout, info, size));
}

TEST(a_picture_upside_down_fits_when_it_starts_at_its_last_line)
{
	const struct crossing stream = video_stream(GST_VIDEO_FORMAT_GRAY8, 16, 10);
	struct tachyon_layout layout = stream.layout;

	layout.stride[0] = -16;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, 160));
	layout.offset[0] = 9 * 16;
	CHECK(gst_tachyon_layout_fits(&layout, &stream.video, 160));
	layout.offset[0]--;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, 160));
}

TEST(a_layout_of_a_smaller_or_absurd_picture_does_not_fit)
{
	const struct crossing stream = video_stream(GST_VIDEO_FORMAT_NV12, 320, 240);
	struct tachyon_layout layout = stream.layout;
	const gsize size = stream.video.size;

	layout.width--;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, size));
	layout.width = G_MAXUINT32;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, size));

	layout = stream.layout;
	layout.height--;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, size));
	layout.height = G_MAXUINT32;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, size));

	layout = stream.layout;
	layout.plane_count = 1;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, size));
	layout.plane_count = G_MAXUINT32;
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, size));
}

TEST(a_larger_coded_picture_fits)
{
	struct crossing stream = video_stream(GST_VIDEO_FORMAT_NV12, 320, 240);
	GstVideoInfo coded;
	struct tachyon_layout layout;

	gst_video_info_set_format(&coded, GST_VIDEO_FORMAT_NV12, 352, 256);
	CHECK(gst_tachyon_layout_from_video_info(&coded, &layout));
	CHECK(gst_tachyon_layout_fits(&layout, &stream.video, coded.size));
	CHECK(!gst_tachyon_layout_fits(&layout, &stream.video, stream.video.size));
}

TEST(what_has_no_planes_has_no_layout)
{
	struct tachyon_layout layout;
	GstVideoInfo info;

	gst_video_info_init(&info);
	CHECK(!gst_tachyon_layout_from_video_info(&info, &layout));
	gst_video_info_set_format(&info, GST_VIDEO_FORMAT_ENCODED, 16, 16);
	CHECK(!gst_tachyon_layout_from_video_info(&info, &layout));
}

/* --- hostile --- */

static void append(GByteArray *records, guint32 type, gconstpointer data, gsize size)
{
	gsize used = records->len;

	g_byte_array_set_size(records, used + size + 64);
	CHECK_EQ(tachyon_record_append(records->data, records->len, &used, type, data, size), 0);
	g_byte_array_set_size(records, used);
}

static void receive_record(struct crossing *crossing, guint32 type, gconstpointer data, gsize size,
			   gsize payload)
{
	crossing->records = g_byte_array_new();
	append(crossing->records, type, data, size);
	crossing->frame.metadata = crossing->records->data;
	crossing->frame.metadata_size = crossing->records->len;
	receive(crossing, payload);
}

static gboolean video_record_is_taken(const struct video_record *record, gsize size)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_NV12, 64, 64);
	gboolean taken;

	receive_record(&crossing, RECORD_VIDEO, record, size, crossing.video.size);
	taken = gst_buffer_get_video_meta(crossing.out) != NULL;
	CHECK_EQ(taken, crossing.good);
	forget(&crossing);
	return taken;
}

TEST(video_metas_that_reach_outside_are_refused)
{
	const struct crossing stream = video_stream(GST_VIDEO_FORMAT_NV12, 64, 64);
	const struct video_record good = {
		.format = GST_VIDEO_FORMAT_NV12,
		.width = 64,
		.height = 64,
		.plane_count = 2,
		.offset = {stream.layout.offset[0], stream.layout.offset[1]},
		.stride = {stream.layout.stride[0], stream.layout.stride[1]},
	};
	struct video_record record = good;

	CHECK(video_record_is_taken(&record, sizeof(record)));
	CHECK(!video_record_is_taken(&record, sizeof(record) - 1));
	record.offset[1]++;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record = good;
	record.format = GST_VIDEO_FORMAT_NV21;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record.format = G_MAXUINT32;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record = good;
	record.plane_count = 5;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record = good;
	record.stride[1] = -200;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record = good;
	record.padding_left = G_MAXUINT32;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record = good;
	record.stride_align[0] = 6;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
	record = good;
	record.height = 65;
	CHECK(!video_record_is_taken(&record, sizeof(record)));
}

TEST(a_layout_that_does_not_fit_the_frame_is_refused)
{
	struct crossing crossing = video_stream(GST_VIDEO_FORMAT_NV12, 64, 64);

	crossing.records = g_byte_array_new();
	receive(&crossing, crossing.video.size - 1);
	CHECK(!crossing.good);
	CHECK(gst_buffer_get_video_meta(crossing.out) == NULL);
	forget(&crossing);
}

static gboolean audio_record_is_taken(const struct audio_record *head, const guint64 *offsets,
				      gsize offset_count, gsize payload)
{
	struct crossing crossing = audio_stream(GST_AUDIO_LAYOUT_NON_INTERLEAVED, 2);
	GByteArray *bytes = g_byte_array_new();
	gboolean taken;

	g_byte_array_append(bytes, (const guint8 *)head, sizeof(*head));
	g_byte_array_append(bytes, (const guint8 *)offsets, offset_count * sizeof(*offsets));
	receive_record(&crossing, RECORD_AUDIO, bytes->data, bytes->len, payload);
	taken = gst_buffer_get_audio_meta(crossing.out) != NULL;
	CHECK_EQ(taken, crossing.good);
	forget(&crossing);
	g_byte_array_unref(bytes);
	return taken;
}

TEST(audio_metas_that_reach_outside_are_refused)
{
	const struct audio_record good = {
		.format = GST_AUDIO_FORMAT_S16LE,
		.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED,
		.rate = 8000,
		.channels = 2,
		.samples = 50,
	};
	struct audio_record head = good;
	guint64 offsets[2] = {0, 100};

	CHECK(audio_record_is_taken(&head, offsets, 2, 200));
	CHECK(!audio_record_is_taken(&head, offsets, 1, 200));
	CHECK(!audio_record_is_taken(&head, offsets, 2, 199));
	offsets[1] = 101;
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
	offsets[1] = 99; /* on each other */
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
	offsets[1] = G_MAXUINT64;
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
	offsets[1] = 100;
	head.samples = G_MAXUINT64 / 2 + 2;
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
	head = good;
	head.channels = G_MAXUINT32;
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
	head = good;
	head.format = G_MAXUINT32;
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
	head = good;
	head.layout = GST_AUDIO_LAYOUT_INTERLEAVED;
	CHECK(!audio_record_is_taken(&head, offsets, 2, 200));
}

TEST(metas_of_another_kind_of_stream_are_let_go)
{
	const struct video_record video = {.format = GST_VIDEO_FORMAT_NV12};
	const struct audio_record audio = {.format = GST_AUDIO_FORMAT_S16LE};
	struct crossing crossing = {0};

	receive_record(&crossing, RECORD_VIDEO, &video, sizeof(video), 10);
	CHECK(crossing.good);
	CHECK_EQ(gst_buffer_get_n_meta(crossing.out, GST_VIDEO_META_API_TYPE), 0);
	forget(&crossing);
	receive_record(&crossing, RECORD_AUDIO, &audio, sizeof(audio), 10);
	CHECK(crossing.good);
	CHECK_EQ(gst_buffer_get_n_meta(crossing.out, GST_AUDIO_META_API_TYPE), 0);
	forget(&crossing);
}

TEST(records_that_a_newer_sender_adds_or_extends_are_harmless)
{
	const guint32 crop[6] = {1, 2, 3, 4, 5, 6};
	struct crossing crossing = {0};

	receive_record(&crossing, RECORD_CROP, crop, sizeof(crop), 10);
	CHECK(crossing.good);
	CHECK_EQ(gst_buffer_get_video_crop_meta(crossing.out)->height, 4);
	forget(&crossing);
	receive_record(&crossing, 60000, crop, sizeof(crop), 10);
	CHECK(crossing.good);
	forget(&crossing);
}

TEST(a_custom_meta_that_nobody_registered_is_let_go)
{
	struct crossing crossing = {0};
	gpointer state = NULL;

	receive_record(&crossing, RECORD_CUSTOM, "other", 5, 10);
	CHECK(crossing.good);
	CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
	forget(&crossing);

	/* The name of a meta that is not custom. */
	receive_record(&crossing, RECORD_CUSTOM, "GstVideoMeta", 12, 10);
	CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
	forget(&crossing);
}

TEST(malformed_metadata_is_told_and_the_buffer_stays_good)
{
	struct crossing crossing = {0};

	receive_record(&crossing, RECORD_CUSTOM, "1", 1, 10);
	CHECK(!crossing.good);
	forget(&crossing);
	receive_record(&crossing, RECORD_REFERENCE_TIMESTAMP, "12345678abcdefghANY", 19, 10);
	CHECK(!crossing.good);
	forget(&crossing);

	crossing.records = g_byte_array_new();
	crossing.frame.metadata = "\xff\xff\xff\xff\xff\xff\xff\xff";
	crossing.frame.metadata_size = 8;
	receive(&crossing, 10);
	CHECK(!crossing.good);
	CHECK_EQ(gst_buffer_get_size(crossing.out), 10);
	forget(&crossing);
}

TEST(random_records_never_crash)
{
	GRand *random = g_rand_new_with_seed(3);

	for (guint round = 0; round < 30000; round++) {
		struct crossing crossing = round % 2 ? video_stream(GST_VIDEO_FORMAT_NV12, 64, 64)
						     : audio_stream(1, 2);
		guint8 bytes[400];
		gsize size = g_rand_int_range(random, 0, sizeof(bytes));

		for (guint i = 0; i < sizeof(bytes); i++)
			bytes[i] = g_rand_int_range(random, 0, 4) ? 0 : g_rand_int(random);
		crossing.frame.flags = g_rand_int(random);
		receive_record(&crossing, RECORD_VIDEO + round % 6, bytes, size, 6144);
		CHECK_EQ(gst_buffer_get_size(crossing.out), 6144);
		forget(&crossing);
	}
	g_rand_free(random);
}
