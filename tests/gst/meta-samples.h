/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One meta of each kind that crosses, all its fields set, and what must be found of it at the other
 * end; and a crossing without elements.
 */
#ifndef TACHYON_TESTS_META_SAMPLES_H
#define TACHYON_TESTS_META_SAMPLES_H

#include <gio/gio.h>
#include <gst/audio/audio.h>
#include <gst/gst.h>
#include <gst/net/net.h>
#include <gst/rtp/gstrtpmeta.h>
#include <gst/video/gstvideoaffinetransformationmeta.h>
#include <gst/video/gstvideocodecalphameta.h>
#include <gst/video/video-anc.h>
#include <gst/video/video-sei.h>
#include <gst/video/video.h>
#include <string.h>

#include "gsttachyonframe.h"
#include "gsttachyonwire.h"
#include "harness.h"

struct sample {
	const char *name;
	guint32 record;
	GType (*api)(void);
	void (*add)(GstBuffer *buffer);
	void (*check)(GstMeta *meta);
};

/* --- pictures --- */

static inline void add_crop(GstBuffer *buffer)
{
	GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(buffer);

	crop->x = 1;
	crop->y = 2;
	crop->width = 3;
	crop->height = 4;
}

static inline void check_crop(GstMeta *meta)
{
	const GstVideoCropMeta *crop = (GstVideoCropMeta *)meta;

	CHECK_EQ(crop->x, 1);
	CHECK_EQ(crop->y, 2);
	CHECK_EQ(crop->width, 3);
	CHECK_EQ(crop->height, 4);
}

static inline void add_affine(GstBuffer *buffer)
{
	GstVideoAffineTransformationMeta *affine =
		gst_buffer_add_video_affine_transformation_meta(buffer);

	for (gint i = 0; i < 16; i++)
		affine->matrix[i] = i / 3.0f - 2;
	affine->matrix[15] = G_MAXFLOAT;
}

static inline void check_affine(GstMeta *meta)
{
	const GstVideoAffineTransformationMeta *affine = (GstVideoAffineTransformationMeta *)meta;

	for (gint i = 0; i < 15; i++)
		CHECK(affine->matrix[i] == i / 3.0f - 2);
	CHECK(affine->matrix[15] == G_MAXFLOAT);
}

static inline void add_region(GstBuffer *buffer)
{
	GstVideoRegionOfInterestMeta *region =
		gst_buffer_add_video_region_of_interest_meta(buffer, "face", 10, 20, 30, 40);

	region->id = 7;
	region->parent_id = -3;
	gst_video_region_of_interest_meta_add_param(
		region, gst_structure_new("detection", "confidence", G_TYPE_DOUBLE, 0.875, "label",
					  G_TYPE_STRING, "a \"b\", c=(int)3;", NULL));
	gst_video_region_of_interest_meta_add_param(
		region, gst_structure_new("roi/x264", "delta-qp", G_TYPE_INT, -5, NULL));
}

static inline void check_region(GstMeta *meta)
{
	GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *)meta;
	GstStructure *detection, *encoder;
	gdouble confidence;
	gint qp;

	CHECK_STR_EQ(g_quark_to_string(region->roi_type), "face");
	CHECK_EQ(region->id, 7);
	CHECK_EQ(region->parent_id, -3);
	CHECK_EQ(region->x, 10);
	CHECK_EQ(region->y, 20);
	CHECK_EQ(region->w, 30);
	CHECK_EQ(region->h, 40);
	CHECK_EQ(g_list_length(region->params), 2);
	detection = region->params->data;
	CHECK(gst_structure_has_name(detection, "detection"));
	CHECK(gst_structure_get_double(detection, "confidence", &confidence));
	CHECK(confidence == 0.875);
	CHECK_STR_EQ(gst_structure_get_string(detection, "label"), "a \"b\", c=(int)3;");
	encoder = gst_video_region_of_interest_meta_get_param(region, "roi/x264");
	CHECK(encoder == region->params->next->data);
	CHECK(gst_structure_get_int(encoder, "delta-qp", &qp));
	CHECK_EQ(qp, -5);
}

/* A picture of which each byte tells where it is, with room between its lines. */
static inline GstBuffer *make_pixels(GstVideoFormat format, guint width, guint height, guint gap)
{
	const gint stride = width * 4 + gap;
	gsize offset[GST_VIDEO_MAX_PLANES] = {8};
	gint strides[GST_VIDEO_MAX_PLANES] = {stride};
	GstBuffer *pixels = gst_buffer_new_allocate(NULL, 8 + (gsize)stride * height, NULL);
	GstMapInfo map;

	gst_buffer_map(pixels, &map, GST_MAP_WRITE);
	memset(map.data, 0xee, map.size);
	for (guint y = 0; y < height; y++) {
		for (guint x = 0; x < width * 4; x++)
			map.data[8 + y * stride + x] = (guint8)(y * 31 + x);
	}
	gst_buffer_unmap(pixels, &map);
	gst_buffer_add_video_meta_full(pixels, GST_VIDEO_FRAME_FLAG_NONE, format, width, height, 1,
				       offset, strides);
	return pixels;
}

static inline void check_pixels(GstVideoOverlayRectangle *rectangle, GstVideoFormat format,
				guint width, guint height)
{
	GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw(
		rectangle, gst_video_overlay_rectangle_get_flags(rectangle));
	const GstVideoMeta *meta = gst_buffer_get_video_meta(pixels);
	GstMapInfo map;
	gsize wrong = 0;

	CHECK(meta != NULL);
	CHECK_EQ(meta->format, format);
	CHECK_EQ(meta->width, width);
	CHECK_EQ(meta->height, height);
	CHECK(gst_buffer_map(pixels, &map, GST_MAP_READ));
	for (guint y = 0; y < height; y++) {
		for (guint x = 0; x < width * 4; x++)
			wrong += map.data[meta->offset[0] + y * meta->stride[0] + x] !=
				 (guint8)(y * 31 + x);
	}
	gst_buffer_unmap(pixels, &map);
	CHECK_EQ(wrong, 0);
}

static inline void add_rectangle(GstVideoOverlayComposition *overlay, GstBuffer *pixels, gint x,
				 gint y, guint width, guint height,
				 GstVideoOverlayFormatFlags flags, gfloat alpha)
{
	GstVideoOverlayRectangle *rectangle =
		gst_video_overlay_rectangle_new_raw(pixels, x, y, width, height, flags);

	gst_video_overlay_rectangle_set_global_alpha(rectangle, alpha);
	gst_video_overlay_composition_add_rectangle(overlay, rectangle);
	gst_video_overlay_rectangle_unref(rectangle);
	gst_buffer_unref(pixels);
}

static inline void add_overlay(GstBuffer *buffer)
{
	GstVideoOverlayComposition *overlay = gst_video_overlay_composition_new(NULL);

	add_rectangle(overlay, make_pixels(GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 17, 5, 12), -3,
		      4, 34, 10, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA, 0.25f);
	add_rectangle(overlay, make_pixels(GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_YUV, 4, 3, 0), 0, 0,
		      4, 3, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE, 1.0f);
	gst_buffer_add_video_overlay_composition_meta(buffer, overlay);
	gst_video_overlay_composition_unref(overlay);
}

static inline void check_overlay(GstMeta *meta)
{
	GstVideoOverlayComposition *overlay = ((GstVideoOverlayCompositionMeta *)meta)->overlay;
	GstVideoOverlayRectangle *first, *second;
	guint width, height;
	gint x, y;

	CHECK_EQ(gst_video_overlay_composition_n_rectangles(overlay), 2);
	first = gst_video_overlay_composition_get_rectangle(overlay, 0);
	second = gst_video_overlay_composition_get_rectangle(overlay, 1);
	CHECK(gst_video_overlay_rectangle_get_render_rectangle(first, &x, &y, &width, &height));
	CHECK_EQ(x, -3);
	CHECK_EQ(y, 4);
	CHECK_EQ(width, 34);
	CHECK_EQ(height, 10);
	CHECK(gst_video_overlay_rectangle_get_global_alpha(first) == 0.25f);
	CHECK_EQ(gst_video_overlay_rectangle_get_flags(first),
		 GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA |
			 GST_VIDEO_OVERLAY_FORMAT_FLAG_GLOBAL_ALPHA);
	check_pixels(first, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 17, 5);
	CHECK_EQ(gst_video_overlay_rectangle_get_flags(second), 0);
	check_pixels(second, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_YUV, 4, 3);
}

static inline void add_codec_alpha(GstBuffer *buffer)
{
	GstBuffer *alpha = gst_buffer_new_memdup("alpha", 5);

	gst_buffer_append_memory(alpha, gst_allocator_alloc(NULL, 3, NULL));
	gst_buffer_memset(alpha, 5, 'x', 3);
	GST_BUFFER_PTS(alpha) = 11;
	GST_BUFFER_DURATION(alpha) = 12;
	GST_BUFFER_FLAG_SET(alpha, GST_BUFFER_FLAG_DELTA_UNIT);
	gst_buffer_add_video_codec_alpha_meta(buffer, alpha);
}

static inline void check_codec_alpha(GstMeta *meta)
{
	GstBuffer *alpha = ((GstVideoCodecAlphaMeta *)meta)->buffer;

	CHECK_EQ(gst_buffer_get_size(alpha), 8);
	CHECK_EQ(gst_buffer_memcmp(alpha, 0, "alphaxxx", 8), 0);
	CHECK_EQ(GST_BUFFER_PTS(alpha), 11);
	CHECK_EQ(GST_BUFFER_DTS(alpha), GST_CLOCK_TIME_NONE);
	CHECK_EQ(GST_BUFFER_DURATION(alpha), 12);
	CHECK(GST_BUFFER_FLAG_IS_SET(alpha, GST_BUFFER_FLAG_DELTA_UNIT));
}

/* --- beside pictures --- */

static inline void add_caption(GstBuffer *buffer)
{
	static const guint8 data[] = {0xfc, 0x94, 0x2c, 0xfd, 0, 0};

	gst_buffer_add_video_caption_meta(buffer, GST_VIDEO_CAPTION_TYPE_CEA708_RAW, data,
					  sizeof(data));
}

static inline void check_caption(GstMeta *meta)
{
	const GstVideoCaptionMeta *caption = (GstVideoCaptionMeta *)meta;

	CHECK_EQ(caption->caption_type, GST_VIDEO_CAPTION_TYPE_CEA708_RAW);
	CHECK_EQ(caption->size, 6);
	CHECK_MEM_EQ(caption->data, "\xfc\x94\x2c\xfd\0\0", 6);
}

static inline void add_afd(GstBuffer *buffer)
{
	gst_buffer_add_video_afd_meta(buffer, 1, GST_VIDEO_AFD_SPEC_SMPTE_ST2016_1,
				      GST_VIDEO_AFD_14_9_LETTER_14_9_PILLAR);
}

static inline void check_afd(GstMeta *meta)
{
	const GstVideoAFDMeta *afd = (GstVideoAFDMeta *)meta;

	CHECK_EQ(afd->field, 1);
	CHECK_EQ(afd->spec, GST_VIDEO_AFD_SPEC_SMPTE_ST2016_1);
	CHECK_EQ(afd->afd, GST_VIDEO_AFD_14_9_LETTER_14_9_PILLAR);
}

static inline void add_bar(GstBuffer *buffer)
{
	gst_buffer_add_video_bar_meta(buffer, 1, TRUE, 100, G_MAXUINT);
}

static inline void check_bar(GstMeta *meta)
{
	const GstVideoBarMeta *bar = (GstVideoBarMeta *)meta;

	CHECK_EQ(bar->field, 1);
	CHECK_EQ(bar->is_letterbox, TRUE);
	CHECK_EQ(bar->bar_data1, 100);
	CHECK_EQ(bar->bar_data2, G_MAXUINT);
}

static inline void add_sei(GstBuffer *buffer)
{
	guint8 uuid[16] = "0123456789abcde";
	guint8 data[] = {1, 0, 2, 255};

	gst_buffer_add_video_sei_user_data_unregistered_meta(buffer, uuid, data, sizeof(data));
}

static inline void check_sei(GstMeta *meta)
{
	const GstVideoSEIUserDataUnregisteredMeta *sei =
		(GstVideoSEIUserDataUnregisteredMeta *)meta;

	CHECK_MEM_EQ(sei->uuid, "0123456789abcde", 16);
	CHECK_EQ(sei->size, 4);
	CHECK_MEM_EQ(sei->data, "\1\0\2\xff", 4);
}

#if GST_CHECK_VERSION(1, 24, 0)
static inline void add_ancillary(GstBuffer *buffer)
{
	static const guint16 data[] = {0x200, 0x155, 0x3ff};
	GstAncillaryMeta *ancillary = gst_buffer_add_ancillary_meta(buffer);

	ancillary->field = GST_ANCILLARY_META_FIELD_INTERLACED_SECOND;
	ancillary->c_not_y_channel = TRUE;
	ancillary->line = 9;
	ancillary->offset = 0xffe;
	ancillary->DID = 0x161;
	ancillary->SDID_block_number = 0x101;
	ancillary->data_count = 0x203;
	ancillary->data = g_memdup2(data, sizeof(data));
	ancillary->checksum = 0x2aa;
}

static inline void check_ancillary(GstMeta *meta)
{
	const GstAncillaryMeta *ancillary = (GstAncillaryMeta *)meta;

	CHECK_EQ(ancillary->field, GST_ANCILLARY_META_FIELD_INTERLACED_SECOND);
	CHECK_EQ(ancillary->c_not_y_channel, TRUE);
	CHECK_EQ(ancillary->line, 9);
	CHECK_EQ(ancillary->offset, 0xffe);
	CHECK_EQ(ancillary->DID, 0x161);
	CHECK_EQ(ancillary->SDID_block_number, 0x101);
	CHECK_EQ(ancillary->data_count, 0x203);
	CHECK_EQ(ancillary->data[0], 0x200);
	CHECK_EQ(ancillary->data[1], 0x155);
	CHECK_EQ(ancillary->data[2], 0x3ff);
	CHECK_EQ(ancillary->checksum, 0x2aa);
}
#endif

/* --- sound --- */

static inline void add_clipping(GstBuffer *buffer)
{
	gst_buffer_add_audio_clipping_meta(buffer, GST_FORMAT_DEFAULT, 312, G_MAXUINT64);
}

static inline void check_clipping(GstMeta *meta)
{
	const GstAudioClippingMeta *clipping = (GstAudioClippingMeta *)meta;

	CHECK_EQ(clipping->format, GST_FORMAT_DEFAULT);
	CHECK_EQ(clipping->start, 312);
	CHECK_EQ(clipping->end, G_MAXUINT64);
}

static const GstAudioChannelPosition downmix_from[] = {
	GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT,
	GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT,
	GST_AUDIO_CHANNEL_POSITION_LFE1,
};
static const GstAudioChannelPosition downmix_to[] = {
	GST_AUDIO_CHANNEL_POSITION_MONO,
	GST_AUDIO_CHANNEL_POSITION_NONE,
};

static inline void add_downmix(GstBuffer *buffer)
{
	const gfloat left[] = {0.7f, 0.7f, 0.1f}, right[] = {-1.0f, 0.0f, 3e38f};
	const gfloat *matrix[] = {left, right};

	gst_buffer_add_audio_downmix_meta(buffer, downmix_from, 3, downmix_to, 2, matrix);
}

static inline void check_downmix(GstMeta *meta)
{
	const GstAudioDownmixMeta *downmix = (GstAudioDownmixMeta *)meta;

	CHECK_EQ(downmix->from_channels, 3);
	CHECK_EQ(downmix->to_channels, 2);
	CHECK_MEM_EQ(downmix->from_position, downmix_from, sizeof(downmix_from));
	CHECK_MEM_EQ(downmix->to_position, downmix_to, sizeof(downmix_to));
	CHECK(downmix->matrix[0][0] == 0.7f && downmix->matrix[0][2] == 0.1f);
	CHECK(downmix->matrix[1][0] == -1.0f && downmix->matrix[1][2] == 3e38f);
}

static inline void add_level(GstBuffer *buffer)
{
	gst_buffer_add_audio_level_meta(buffer, 127, TRUE);
}

static inline void check_level(GstMeta *meta)
{
	const GstAudioLevelMeta *level = (GstAudioLevelMeta *)meta;

	CHECK_EQ(level->level, 127);
	CHECK_EQ(level->voice_activity, TRUE);
}

#if GST_CHECK_VERSION(1, 24, 0)
/* Two planes of five bytes; a plane outside the buffer is GStreamer's critical. */
static inline void add_dsd(GstBuffer *buffer)
{
	gsize offsets[] = {6, 1};

	gst_buffer_add_dsd_plane_offset_meta(buffer, 2, 5, offsets);
}

static inline void check_dsd(GstMeta *meta)
{
	const GstDsdPlaneOffsetMeta *dsd = (GstDsdPlaneOffsetMeta *)meta;

	CHECK_EQ(dsd->num_channels, 2);
	CHECK_EQ(dsd->num_bytes_per_channel, 5);
	CHECK_EQ(dsd->offsets[0], 6);
	CHECK_EQ(dsd->offsets[1], 1);
}
#endif

/* --- times and origins --- */

static inline void add_reference(GstBuffer *buffer)
{
	GstCaps *caps = gst_caps_from_string("timestamp/x-camera, unit=(int)3");

	gst_buffer_add_reference_timestamp_meta(buffer, caps, 123, 456);
	gst_caps_unref(caps);
}

static inline void check_reference(GstMeta *meta)
{
	const GstReferenceTimestampMeta *reference = (GstReferenceTimestampMeta *)meta;
	gchar *text = gst_caps_to_string(reference->reference);

	CHECK_STR_EQ(text, "timestamp/x-camera, unit=(int)3");
	CHECK_EQ(reference->timestamp, 123);
	CHECK_EQ(reference->duration, 456);
	g_free(text);
}

static inline GDateTime *make_jam(void)
{
	GTimeZone *zone = g_time_zone_new_offset(-(5 * 3600 + 30 * 60));
	GDateTime *jam = g_date_time_new(zone, 2026, 3, 29, 23, 59, 58.25);

	g_time_zone_unref(zone);
	return jam;
}

static inline void add_time_code(GstBuffer *buffer)
{
	GDateTime *jam = make_jam();

	CHECK(gst_buffer_add_video_time_code_meta_full(buffer, 30000, 1001, jam,
						       GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME |
							       GST_VIDEO_TIME_CODE_FLAGS_INTERLACED,
						       23, 59, 58, 29, 1) != NULL);
	g_date_time_unref(jam);
}

static inline void check_time_code(GstMeta *meta)
{
	const GstVideoTimeCode *code = &((GstVideoTimeCodeMeta *)meta)->tc;
	GDateTime *jam = make_jam();

	CHECK_EQ(code->config.fps_n, 30000);
	CHECK_EQ(code->config.fps_d, 1001);
	CHECK_EQ(code->config.flags,
		 GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME | GST_VIDEO_TIME_CODE_FLAGS_INTERLACED);
	CHECK_EQ(code->hours, 23);
	CHECK_EQ(code->minutes, 59);
	CHECK_EQ(code->seconds, 58);
	CHECK_EQ(code->frames, 29);
	CHECK_EQ(code->field_count, 1);
	CHECK(g_date_time_equal(code->config.latest_daily_jam, jam));
	CHECK_EQ(g_date_time_get_utc_offset(code->config.latest_daily_jam),
		 g_date_time_get_utc_offset(jam));
	g_date_time_unref(jam);
}

static inline void add_net_address(GstBuffer *buffer)
{
	GInetAddress *address = g_inet_address_new_from_string("fe80::1:2");
	GSocketAddress *socket_address =
		g_object_new(G_TYPE_INET_SOCKET_ADDRESS, "address", address, "port", 65535u,
			     "flowinfo", 77u, "scope-id", 3u, NULL);

	gst_buffer_add_net_address_meta(buffer, socket_address);
	g_object_unref(socket_address);
	g_object_unref(address);
}

static inline void check_net_address(GstMeta *meta)
{
	GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS(((GstNetAddressMeta *)meta)->addr);
	gchar *text = g_inet_address_to_string(g_inet_socket_address_get_address(inet));

	CHECK_STR_EQ(text, "fe80::1:2");
	CHECK_EQ(g_inet_socket_address_get_port(inet), 65535);
	CHECK_EQ(g_inet_socket_address_get_flowinfo(inet), 77);
	CHECK_EQ(g_inet_socket_address_get_scope_id(inet), 3);
	g_free(text);
}

static inline void add_rtp_source(GstBuffer *buffer)
{
	const guint32 ssrc = 0xdeadbeef, csrc[] = {1, G_MAXUINT32};

	gst_buffer_add_rtp_source_meta(buffer, &ssrc, csrc, 2);
}

static inline void check_rtp_source(GstMeta *meta)
{
	const GstRTPSourceMeta *source = (GstRTPSourceMeta *)meta;

	CHECK_EQ(source->ssrc_valid, TRUE);
	CHECK_EQ(source->ssrc, 0xdeadbeef);
	CHECK_EQ(source->csrc_count, 2);
	CHECK_EQ(source->csrc[0], 1);
	CHECK_EQ(source->csrc[1], G_MAXUINT32);
}

/* --- structures --- */

static inline void add_protection(GstBuffer *buffer)
{
	GstBuffer *iv = gst_buffer_new_memdup("0123456\0", 8);

	gst_buffer_add_protection_meta(
		buffer, gst_structure_new("application/x-cenc", "iv_size", G_TYPE_UINT, 8, "iv",
					  GST_TYPE_BUFFER, iv, "encrypted", G_TYPE_BOOLEAN, TRUE,
					  "cipher-mode", G_TYPE_STRING, "cbcs", NULL));
	gst_buffer_unref(iv);
}

static inline void check_protection(GstMeta *meta)
{
	const GstStructure *info = ((GstProtectionMeta *)meta)->info;
	GstBuffer *iv = gst_value_get_buffer(gst_structure_get_value(info, "iv"));
	guint size;

	CHECK(gst_structure_has_name(info, "application/x-cenc"));
	CHECK(gst_structure_get_uint(info, "iv_size", &size));
	CHECK_EQ(size, 8);
	CHECK_EQ(gst_buffer_get_size(iv), 8);
	CHECK_EQ(gst_buffer_memcmp(iv, 0, "0123456\0", 8), 0);
	CHECK_STR_EQ(gst_structure_get_string(info, "cipher-mode"), "cbcs");
}

static inline GType custom_api(void)
{
	return gst_meta_get_info("my-meta")->api;
}

static inline void add_custom(GstBuffer *buffer)
{
	GstCustomMeta *custom = gst_buffer_add_custom_meta(buffer, "my-meta");

	gst_structure_set(gst_custom_meta_get_structure(custom), "text", G_TYPE_STRING, "a \"b\"",
			  "number", G_TYPE_INT64, G_MININT64, NULL);
}

static inline void check_custom(GstMeta *meta)
{
	const GstStructure *structure = gst_custom_meta_get_structure((GstCustomMeta *)meta);
	gint64 number;

	CHECK_STR_EQ(gst_structure_get_string(structure, "text"), "a \"b\"");
	CHECK(gst_structure_get_int64(structure, "number", &number));
	CHECK_EQ(number, G_MININT64);
}

static const struct sample samples[] = {
	{"crop", RECORD_CROP, gst_video_crop_meta_api_get_type, add_crop, check_crop},
	{"affine", RECORD_AFFINE_TRANSFORMATION, gst_video_affine_transformation_meta_api_get_type,
	 add_affine, check_affine},
	{"region", RECORD_REGION_OF_INTEREST, gst_video_region_of_interest_meta_api_get_type,
	 add_region, check_region},
	{"overlay", RECORD_OVERLAY, gst_video_overlay_composition_meta_api_get_type, add_overlay,
	 check_overlay},
	{"codec alpha", RECORD_CODEC_ALPHA, gst_video_codec_alpha_meta_api_get_type,
	 add_codec_alpha, check_codec_alpha},
	{"caption", RECORD_CAPTION, gst_video_caption_meta_api_get_type, add_caption,
	 check_caption},
	{"afd", RECORD_AFD, gst_video_afd_meta_api_get_type, add_afd, check_afd},
	{"bar", RECORD_BAR, gst_video_bar_meta_api_get_type, add_bar, check_bar},
	{"sei", RECORD_SEI, gst_video_sei_user_data_unregistered_meta_api_get_type, add_sei,
	 check_sei},
#if GST_CHECK_VERSION(1, 24, 0)
	{"ancillary", RECORD_ANCILLARY, gst_ancillary_meta_api_get_type, add_ancillary,
	 check_ancillary},
#endif
	{"clipping", RECORD_AUDIO_CLIPPING, gst_audio_clipping_meta_api_get_type, add_clipping,
	 check_clipping},
	{"downmix", RECORD_AUDIO_DOWNMIX, gst_audio_downmix_meta_api_get_type, add_downmix,
	 check_downmix},
	{"level", RECORD_AUDIO_LEVEL, gst_audio_level_meta_api_get_type, add_level, check_level},
	{"reference", RECORD_REFERENCE_TIMESTAMP, gst_reference_timestamp_meta_api_get_type,
	 add_reference, check_reference},
	{"time code", RECORD_TIME_CODE, gst_video_time_code_meta_api_get_type, add_time_code,
	 check_time_code},
	{"net address", RECORD_NET_ADDRESS, gst_net_address_meta_api_get_type, add_net_address,
	 check_net_address},
	{"rtp source", RECORD_RTP_SOURCE, gst_rtp_source_meta_api_get_type, add_rtp_source,
	 check_rtp_source},
	{"protection", RECORD_PROTECTION, gst_protection_meta_api_get_type, add_protection,
	 check_protection},
	{"custom", RECORD_CUSTOM, custom_api, add_custom, check_custom},
};

static inline void register_metas(void)
{
	const gchar *tags[] = {NULL};

	gst_meta_register_custom("my-meta", tags, NULL, NULL, NULL);
}

/* Exactly one of each on the buffer, in order, whole. */
static inline void check_samples(GstBuffer *buffer)
{
	gpointer state = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		GstMeta *meta = gst_buffer_iterate_meta(buffer, &state);

		if (!meta || meta->info->api != samples[i].api())
			test_fail(__FILE__, __LINE__, "%s is not in its place", samples[i].name);
		samples[i].check(meta);
	}
	CHECK(gst_buffer_iterate_meta(buffer, &state) == NULL);
}

/* --- a crossing without elements --- */

struct crossing {
	GByteArray *records;
	struct tachyon_frame frame;
	guint lost;
	gboolean good;
	GstBuffer *out;
};

static inline void receive(struct crossing *crossing, gsize size)
{
	/* Of the DSD in the samples; other streams do not mind. */
	const struct gst_tachyon_stream stream = {.dsd_channels = 2};

	crossing->out = gst_buffer_new_allocate(NULL, size, NULL);
	crossing->good = gst_tachyon_frame_to_buffer(&crossing->frame, &stream, crossing->out);
}

/* Takes the buffer. */
static inline struct crossing cross(GstBuffer *in)
{
	struct crossing crossing = {.records = g_byte_array_new()};

	crossing.lost = gst_tachyon_frame_from_buffer(in, NULL, crossing.records, &crossing.frame);
	receive(&crossing, gst_buffer_get_size(in));
	gst_buffer_unref(in);
	return crossing;
}

static inline struct crossing receive_record(guint32 type, gconstpointer data, gsize size)
{
	struct crossing crossing = {.records = g_byte_array_new()};
	gsize used = 0;

	g_byte_array_set_size(crossing.records, size + 64);
	CHECK_EQ(tachyon_record_append(crossing.records->data, crossing.records->len, &used, type,
				       data, size),
		 0);
	g_byte_array_set_size(crossing.records, used);
	crossing.frame.metadata = crossing.records->data;
	crossing.frame.metadata_size = used;
	receive(&crossing, 16);
	return crossing;
}

static inline void forget(struct crossing *crossing)
{
	gst_buffer_unref(crossing->out);
	g_byte_array_unref(crossing->records);
}

/* The content of the first record that a buffer of this one meta makes. */
static inline GByteArray *encode_sample(const struct sample *sample)
{
	GstBuffer *in = gst_buffer_new();
	GByteArray *records = g_byte_array_new(), *content = g_byte_array_new();
	struct tachyon_frame frame = {0};
	struct tachyon_record record;
	size_t position = 0;

	sample->add(in);
	CHECK_EQ(gst_tachyon_frame_from_buffer(in, NULL, records, &frame), 0);
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
	CHECK_EQ(record.type, sample->record);
	g_byte_array_append(content, record.data, record.size);
	g_byte_array_unref(records);
	gst_buffer_unref(in);
	return content;
}

#endif
