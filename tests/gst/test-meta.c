/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonmeta*.c: metas cross whole, and what does not is told. */
#include "meta-samples.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
	register_metas();
}

static GstBuffer *make_buffer_with_all(void)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, 16, NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
		samples[i].add(buffer);
	return buffer;
}

TEST(every_kind_of_meta_crosses_whole)
{
	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		GstBuffer *in = gst_buffer_new_allocate(NULL, 16, NULL);
		struct crossing crossing;
		GstMeta *meta;

		samples[i].add(in);
		crossing = cross(in);
		if (crossing.lost != 0 || !crossing.good)
			test_fail(__FILE__, __LINE__, "%s does not cross", samples[i].name);
		meta = gst_buffer_get_meta(crossing.out, samples[i].api());
		CHECK(meta != NULL);
		samples[i].check(meta);
		forget(&crossing);
	}
}

TEST(all_metas_cross_together_in_their_order)
{
	struct crossing crossing = cross(make_buffer_with_all());

	CHECK_EQ(crossing.lost, 0);
	CHECK(crossing.good);
	check_samples(crossing.out);
	forget(&crossing);
}

TEST(all_metas_cross_on_an_empty_buffer)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;

	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
		samples[i].add(in);
	crossing = cross(in);
	CHECK_EQ(gst_buffer_get_size(crossing.out), 0);
	check_samples(crossing.out);
	forget(&crossing);
}

TEST(metas_that_crossed_survive_a_copy_of_the_buffer)
{
	struct crossing crossing = cross(make_buffer_with_all());
	GstBuffer *copy = gst_buffer_copy(crossing.out);
	GstBuffer *deep = gst_buffer_copy_deep(crossing.out);

	check_samples(copy);
	check_samples(deep);
	forget(&crossing);
	check_samples(copy);
	gst_buffer_unref(copy);
	gst_buffer_unref(deep);
}

TEST(the_senders_buffer_stays_as_it_was)
{
	GstBuffer *in = make_buffer_with_all();
	GstVideoOverlayComposition *overlay =
		gst_buffer_get_video_overlay_composition_meta(in)->overlay;
	GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw(
		gst_video_overlay_composition_get_rectangle(overlay, 1), 0);
	const guint seqnum = gst_video_overlay_composition_get_seqnum(overlay);
	GstBuffer *alpha = gst_buffer_get_video_codec_alpha_meta(in)->buffer;
	struct crossing crossing;

	/* A map would merge them. */
	gst_buffer_append_memory(pixels, gst_allocator_alloc(NULL, 4, NULL));
	crossing = cross(gst_buffer_ref(in));
	CHECK_EQ(gst_buffer_n_memory(alpha), 2);
	CHECK_EQ(gst_buffer_n_memory(pixels), 2);
	CHECK_EQ(gst_video_overlay_composition_get_seqnum(overlay), seqnum);
	CHECK_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(in), 1);
	CHECK_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(pixels), 1);
	check_samples(in);
	forget(&crossing);
	gst_buffer_unref(in);
}

TEST(several_of_one_kind_cross_in_their_order)
{
	GstBuffer *in = gst_buffer_new();
	gpointer state = NULL;
	struct crossing crossing;
	GstMeta *meta;
	guint count = 0;

	for (guint i = 0; i < 50; i++) {
		gst_buffer_add_video_region_of_interest_meta(in, "car", i, 0, 1, 1)->id = (gint)i;
		gst_buffer_add_video_bar_meta(in, 0, FALSE, i, 0);
	}
	crossing = cross(in);
	CHECK(crossing.good);
	while ((meta = gst_buffer_iterate_meta(crossing.out, &state))) {
		if (count % 2 == 0)
			CHECK_EQ(((GstVideoRegionOfInterestMeta *)meta)->id, count / 2);
		else
			CHECK_EQ(((GstVideoBarMeta *)meta)->bar_data1, count / 2);
		count++;
	}
	CHECK_EQ(count, 100);
	forget(&crossing);
}

TEST(a_video_meta_that_is_not_the_first_keeps_its_place)
{
	GstBuffer *in = gst_buffer_new_allocate(NULL, 64 * 64, NULL);
	GByteArray *records = g_byte_array_new();
	GstBuffer *out = gst_buffer_new_allocate(NULL, 64 * 64, NULL);
	struct tachyon_frame frame = {0};
	struct tachyon_layout layout;
	gpointer state = NULL;
	GstVideoInfo info;
	const struct gst_tachyon_stream stream = {.layout = &layout, .video = &info};

	gst_video_info_set_format(&info, GST_VIDEO_FORMAT_GRAY8, 64, 64);
	CHECK(gst_tachyon_layout_from_video_info(&info, &layout));
	add_crop(in);
	gst_buffer_add_video_meta(in, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 64, 64);
	CHECK_EQ(gst_tachyon_frame_from_buffer(in, &layout, records, &frame), 0);
	CHECK(gst_tachyon_frame_to_buffer(&frame, &stream, out));
	CHECK_EQ(gst_buffer_iterate_meta(out, &state)->info->api, GST_VIDEO_CROP_META_API_TYPE);
	CHECK_EQ(gst_buffer_iterate_meta(out, &state)->info->api, GST_VIDEO_META_API_TYPE);
	CHECK(gst_buffer_iterate_meta(out, &state) == NULL);
	gst_buffer_unref(in);
	gst_buffer_unref(out);

	/* And where it is the first it is still for nothing, and still the first. */
	in = gst_buffer_new_allocate(NULL, 64 * 64, NULL);
	out = gst_buffer_new_allocate(NULL, 64 * 64, NULL);
	state = NULL;
	gst_buffer_add_video_meta(in, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 64, 64);
	add_crop(in);
	CHECK_EQ(gst_tachyon_frame_from_buffer(in, &layout, records, &frame), 0);
	CHECK_EQ(frame.metadata_size, 8 + sizeof(struct crop_record));
	CHECK(gst_tachyon_frame_to_buffer(&frame, &stream, out));
	CHECK_EQ(gst_buffer_iterate_meta(out, &state)->info->api, GST_VIDEO_META_API_TYPE);
	CHECK_EQ(gst_buffer_iterate_meta(out, &state)->info->api, GST_VIDEO_CROP_META_API_TYPE);
	gst_buffer_unref(in);
	gst_buffer_unref(out);
	g_byte_array_unref(records);
}

/* --- fields that may be absent, and extremes --- */

TEST(a_region_without_type_or_parameters_crosses)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;
	GstVideoRegionOfInterestMeta *region;

	gst_buffer_add_video_region_of_interest_meta_id(in, 0, 0, 0, G_MAXUINT, G_MAXUINT);
	crossing = cross(in);
	CHECK(crossing.good);
	region = (GstVideoRegionOfInterestMeta *)gst_buffer_get_meta(
		crossing.out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
	CHECK(region != NULL);
	CHECK_EQ(region->roi_type, 0);
	CHECK_EQ(region->w, G_MAXUINT);
	CHECK(region->params == NULL);
	forget(&crossing);
}

TEST(a_time_code_without_a_daily_jam_crosses)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;
	GstVideoTimeCodeMeta *code;

	gst_buffer_add_video_time_code_meta_full(in, 25, 1, NULL, 0, 0, 0, 0, 24, 2);
	crossing = cross(in);
	CHECK(crossing.good);
	code = gst_buffer_get_video_time_code_meta(crossing.out);
	CHECK(code != NULL);
	CHECK(code->tc.config.latest_daily_jam == NULL);
	CHECK_EQ(code->tc.frames, 24);
	CHECK_EQ(code->tc.field_count, 2);
	forget(&crossing);
}

TEST(daily_jams_cross_from_the_first_year_to_the_last)
{
	static const gint years[] = {1, 1969, 9999};

	for (gsize i = 0; i < G_N_ELEMENTS(years); i++) {
		GDateTime *jam = g_date_time_new_utc(years[i], 12, 30, 1, 2, 3.999999);
		GstBuffer *in = gst_buffer_new();
		struct crossing crossing;
		GstVideoTimeCodeMeta *code;

		gst_buffer_add_video_time_code_meta_full(in, 25, 1, jam, 0, 0, 0, 0, 0, 0);
		crossing = cross(in);
		CHECK(crossing.good);
		code = gst_buffer_get_video_time_code_meta(crossing.out);
		CHECK(code != NULL);
		CHECK(g_date_time_equal(code->tc.config.latest_daily_jam, jam));
		g_date_time_unref(jam);
		forget(&crossing);
	}
}

TEST(an_ipv4_address_crosses)
{
	GInetAddress *address = g_inet_address_new_from_string("192.168.7.9");
	GSocketAddress *socket_address = g_inet_socket_address_new(address, 5004);
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;
	gchar *text;

	gst_buffer_add_net_address_meta(in, socket_address);
	crossing = cross(in);
	CHECK(crossing.good);
	text = g_socket_connectable_to_string(
		G_SOCKET_CONNECTABLE(gst_buffer_get_net_address_meta(crossing.out)->addr));
	CHECK_STR_EQ(text, "192.168.7.9:5004");
	g_free(text);
	forget(&crossing);
	g_object_unref(socket_address);
	g_object_unref(address);
}

TEST(an_rtp_source_without_ssrc_crosses)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;

	gst_buffer_add_rtp_source_meta(in, NULL, NULL, 0);
	crossing = cross(in);
	CHECK(crossing.good);
	CHECK_EQ(gst_buffer_get_rtp_source_meta(crossing.out)->ssrc_valid, FALSE);
	CHECK_EQ(gst_buffer_get_rtp_source_meta(crossing.out)->csrc_count, 0);
	forget(&crossing);
}

/* An empty SEI cannot be copied: GStreamer is critical of it. */
TEST(an_empty_overlay_crosses_and_an_empty_sei_does_not)
{
	GstVideoOverlayComposition *overlay = gst_video_overlay_composition_new(NULL);
	guint8 uuid[16] = {1};
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;

	gst_buffer_add_video_overlay_composition_meta(in, overlay);
	gst_buffer_add_video_sei_user_data_unregistered_meta(in, uuid, uuid, 0);
	crossing = cross(in);
	CHECK_EQ(crossing.lost, 1);
	CHECK(crossing.good);
	CHECK_EQ(gst_video_overlay_composition_n_rectangles(
			 gst_buffer_get_video_overlay_composition_meta(crossing.out)->overlay),
		 0);
	CHECK(gst_buffer_get_video_sei_user_data_unregistered_meta(crossing.out) == NULL);
	forget(&crossing);
	gst_video_overlay_composition_unref(overlay);
}

/* --- large ones --- */

static void check_large_sei(gsize size, guint lost)
{
	GstBuffer *in = gst_buffer_new();
	guint8 *data = g_malloc(size), uuid[16] = {0};
	GstVideoSEIUserDataUnregisteredMeta *sei;
	struct crossing crossing;

	for (gsize i = 0; i < size; i++)
		data[i] = (guint8)(i * 7);
	gst_buffer_add_video_sei_user_data_unregistered_meta(in, uuid, data, size);
	add_bar(in);
	crossing = cross(in);
	CHECK(crossing.good);
	CHECK_EQ(crossing.lost, lost);
	CHECK(crossing.frame.metadata_size <= 1 << 24);
	sei = gst_buffer_get_video_sei_user_data_unregistered_meta(crossing.out);
	CHECK_EQ(sei == NULL, lost);
	if (sei) {
		CHECK_EQ(sei->size, size);
		CHECK_MEM_EQ(sei->data, data, size);
	}
	CHECK(gst_buffer_get_video_bar_meta(crossing.out) != NULL);
	forget(&crossing);
	g_free(data);
}

TEST(metas_of_up_to_sixteen_megabytes_cross_and_larger_ones_are_lost_alone)
{
	check_large_sei(1 << 20, 0);
	check_large_sei((1 << 24) - 256, 0);
	check_large_sei(1 << 24, 1);
	check_large_sei((gsize)1 << 28, 1);
}

TEST(what_does_not_fit_with_the_others_is_lost_alone)
{
	const gsize size = 9 << 20;
	GstBuffer *in = gst_buffer_new();
	guint8 *data = g_malloc0(size), uuid[16] = {0};
	struct crossing crossing;

	gst_buffer_add_video_sei_user_data_unregistered_meta(in, uuid, data, size);
	gst_buffer_add_video_sei_user_data_unregistered_meta(in, uuid, data, size);
	add_bar(in);
	crossing = cross(in);
	CHECK(crossing.good);
	CHECK_EQ(crossing.lost, 1);
	CHECK_EQ(gst_buffer_get_n_meta(crossing.out,
				       GST_VIDEO_SEI_USER_DATA_UNREGISTERED_META_API_TYPE),
		 1);
	CHECK(gst_buffer_get_video_bar_meta(crossing.out) != NULL);
	forget(&crossing);
	g_free(data);
}

TEST(a_custom_meta_with_two_megabytes_crosses)
{
	const gsize size = 2 << 20;
	guint8 *data = g_malloc(size);
	GstBuffer *in = gst_buffer_new(), *blob;
	GstCustomMeta *meta = gst_buffer_add_custom_meta(in, "my-meta");
	struct crossing crossing;

	for (gsize i = 0; i < size; i++)
		data[i] = (guint8)(i ^ i >> 8);
	blob = gst_buffer_new_memdup(data, size);
	gst_structure_set(gst_custom_meta_get_structure(meta), "blob", GST_TYPE_BUFFER, blob, NULL);
	gst_buffer_unref(blob);
	crossing = cross(in);
	CHECK_EQ(crossing.lost, 0);
	CHECK(crossing.good);
	meta = gst_buffer_get_custom_meta(crossing.out, "my-meta");
	blob = gst_value_get_buffer(
		gst_structure_get_value(gst_custom_meta_get_structure(meta), "blob"));
	CHECK_EQ(gst_buffer_get_size(blob), size);
	CHECK_EQ(gst_buffer_memcmp(blob, 0, data, size), 0);
	forget(&crossing);
	g_free(data);
}

TEST(a_frame_carries_a_thousand_metas_and_loses_those_beyond)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;

	for (guint i = 0; i < 1030; i++)
		gst_buffer_add_video_bar_meta(in, 0, FALSE, i, 0);
	crossing = cross(in);
	CHECK(crossing.good);
	CHECK_EQ(crossing.lost, 6);
	CHECK_EQ(gst_buffer_get_n_meta(crossing.out, GST_VIDEO_BAR_META_API_TYPE), 1024);
	forget(&crossing);
}

/* --- what does not cross --- */

static guint told;

static void count_tellings(GstDebugCategory *category, GstDebugLevel level, const gchar *file,
			   const gchar *function, gint line, GObject *object,
			   GstDebugMessage *message, gpointer data)
{
	(void)file, (void)function, (void)line, (void)object, (void)data;
	if (level == GST_LEVEL_WARNING &&
	    g_str_equal(gst_debug_category_get_name(category), "tachyonmeta") &&
	    strstr(gst_debug_message_get(message), "does not cross"))
		told++;
}

static GType stranger_api(void)
{
	static const gchar *tags[] = {NULL};
	static GType type;

	if (type == 0)
		type = gst_meta_api_type_register("StrangerMetaAPI", tags);
	return type;
}

static gboolean init_stranger(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
	(void)meta, (void)params, (void)buffer;
	return TRUE;
}

static void add_stranger(GstBuffer *buffer)
{
	static const GstMetaInfo *info;

	if (!info)
		info = gst_meta_register(stranger_api(), "StrangerMeta", sizeof(GstMeta) + 8,
					 init_stranger, NULL, NULL);
	gst_buffer_add_meta(buffer, info, NULL);
}

TEST(a_meta_that_cannot_cross_is_counted_each_time_and_told_once)
{
	gst_debug_remove_log_function(gst_debug_log_default);
	gst_debug_set_default_threshold(GST_LEVEL_WARNING);
	gst_debug_add_log_function(count_tellings, NULL, NULL);
	for (guint i = 0; i < 3; i++) {
		GstBuffer *in = gst_buffer_new();
		struct crossing crossing;

		add_stranger(in);
		add_bar(in);
		add_stranger(in);
		crossing = cross(in);
		CHECK(crossing.good);
		CHECK_EQ(crossing.lost, 2);
		CHECK(gst_buffer_get_video_bar_meta(crossing.out) != NULL);
		CHECK_EQ(told, 1);
		forget(&crossing);
	}
}

static gboolean never_upload(GstVideoGLTextureUploadMeta *meta, guint texture_id[4])
{
	(void)meta, (void)texture_id;
	return FALSE;
}

TEST(metas_about_memory_are_local_and_not_missed)
{
	const gchar *tags[] = {GST_META_TAG_MEMORY_REFERENCE_STR, NULL};
	GstVideoGLTextureType types[4] = {GST_VIDEO_GL_TEXTURE_TYPE_RGBA};
	GstBuffer *in = gst_buffer_new(), *parent = gst_buffer_new();
	struct crossing crossing;
	gpointer state = NULL;

	gst_meta_register_custom("about-memory", tags, NULL, NULL, NULL);
	gst_buffer_add_parent_buffer_meta(in, parent);
	gst_buffer_add_custom_meta(in, "about-memory");
	gst_buffer_add_video_gl_texture_upload_meta(
		in, GST_VIDEO_GL_TEXTURE_ORIENTATION_X_NORMAL_Y_NORMAL, 1, types, never_upload,
		NULL, NULL, NULL);
	crossing = cross(in);
	CHECK_EQ(crossing.lost, 0);
	CHECK_EQ(crossing.frame.metadata_size, 0);
	CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
	forget(&crossing);
	gst_buffer_unref(parent);
}

typedef GSocketControlMessage OwnMessage;
typedef GSocketControlMessageClass OwnMessageClass;

static GType own_message_get_type(void);

G_DEFINE_TYPE(OwnMessage, own_message, G_TYPE_SOCKET_CONTROL_MESSAGE)

static void own_message_class_init(OwnMessageClass *klass)
{
	(void)klass;
}

static void own_message_init(OwnMessage *self)
{
	(void)self;
}

TEST(a_control_message_and_a_format_of_the_applications_own_do_not_cross)
{
	GSocketControlMessage *message = g_object_new(own_message_get_type(), NULL);
	const GstFormat own = gst_format_register("my-format", "of this process");
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;
	gpointer state = NULL;

	gst_buffer_add_net_control_message_meta(in, message);
	gst_buffer_add_audio_clipping_meta(in, own, 1, 2);
	crossing = cross(in);
	CHECK(crossing.good);
	CHECK_EQ(crossing.lost, 2);
	CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
	forget(&crossing);
	g_object_unref(message);
}

#if GST_CHECK_VERSION(1, 24, 0)
/* --- DSD --- */

TEST(planes_of_dsd_cross)
{
	GstBuffer *in = gst_buffer_new_allocate(NULL, 16, NULL);
	struct crossing crossing;
	GstMeta *meta;

	add_dsd(in);
	crossing = cross(in);
	CHECK_EQ(crossing.lost, 0);
	CHECK(crossing.good);
	meta = gst_buffer_get_meta(crossing.out, GST_DSD_PLANE_OFFSET_META_API_TYPE);
	CHECK(meta != NULL);
	check_dsd(meta);
	forget(&crossing);
}

static gboolean planes_are_taken(guint32 channels, guint64 plane_size, guint64 first,
				 guint64 second, gsize size)
{
	const struct {
		struct dsd_planes_record head;
		guint64 offset[2];
	} record = {{.channels = channels, .plane_size = plane_size}, {first, second}};
	struct crossing crossing = receive_record(RECORD_DSD_PLANES, &record, size);
	const gboolean taken =
		gst_buffer_get_meta(crossing.out, GST_DSD_PLANE_OFFSET_META_API_TYPE) != NULL;

	CHECK_EQ(taken, crossing.good);
	forget(&crossing);
	return taken;
}

TEST(planes_of_dsd_that_reach_outside_or_differ_from_the_caps_are_refused)
{
	CHECK(planes_are_taken(2, 8, 0, 8, 32));
	CHECK(!planes_are_taken(2, 8, 0, 8, 31));
	CHECK(!planes_are_taken(2, 8, 0, 9, 32));
	CHECK(!planes_are_taken(2, 8, 0, 7, 32));
	CHECK(!planes_are_taken(2, 8, 0, G_MAXUINT64, 32));
	CHECK(!planes_are_taken(2, G_MAXUINT64, 0, 8, 32));
	CHECK(!planes_are_taken(2, 0, 0, 8, 32));
	CHECK(!planes_are_taken(1, 8, 0, 8, 32));
	CHECK(!planes_are_taken(3, 2, 0, 8, 32));
	CHECK(!planes_are_taken(G_MAXUINT32, 8, 0, 8, 32));
}

/* --- metas that write themselves --- */

struct own_meta {
	GstMeta meta;
	guint32 value;
};

static gboolean init_own(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
	(void)params, (void)buffer;
	((struct own_meta *)meta)->value = 0;
	return TRUE;
}

static gboolean write_own(const GstMeta *meta, GstByteArrayInterface *data, guint8 *version)
{
	*version = 3;
	return gst_byte_array_interface_append_data(
		data, (const guint8 *)&((const struct own_meta *)meta)->value, sizeof(guint32));
}

static GstMeta *read_own(const GstMetaInfo *info, GstBuffer *buffer, const guint8 *data, gsize size,
			 guint8 version)
{
	GstMeta *meta;

	if (version != 3 || size != sizeof(guint32))
		return NULL;
	meta = gst_buffer_add_meta(buffer, info, NULL);
	memcpy(&((struct own_meta *)meta)->value, data, size);
	return meta;
}

static const GstMetaInfo *own_info(void)
{
	static const gchar *tags[] = {NULL};
	static const GstMetaInfo *info;

	if (!info) {
		GstMetaInfo *new_info =
			gst_meta_info_new(gst_meta_api_type_register("OwnMetaAPI", tags), "OwnMeta",
					  sizeof(struct own_meta));

		new_info->init_func = init_own;
		new_info->serialize_func = write_own;
		new_info->deserialize_func = read_own;
		info = gst_meta_info_register(new_info);
	}
	return info;
}

TEST(a_meta_that_writes_itself_crosses)
{
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;
	GstMeta *meta;

	((struct own_meta *)gst_buffer_add_meta(in, own_info(), NULL))->value = 0xcafe;
	crossing = cross(in);
	CHECK_EQ(crossing.lost, 0);
	CHECK(crossing.good);
	meta = gst_buffer_get_meta(crossing.out, own_info()->api);
	CHECK(meta != NULL);
	CHECK_EQ(((struct own_meta *)meta)->value, 0xcafe);
	forget(&crossing);
}

TEST(a_generic_record_is_taken_whole_or_not_at_all)
{
	GByteArray *bytes = g_byte_array_new();
	GstBuffer *in = gst_buffer_new();
	gpointer state = NULL;

	CHECK(gst_meta_serialize_simple(gst_buffer_add_meta(in, own_info(), NULL), bytes));
	for (guint size = 0; size < bytes->len; size++) {
		guint8 *part = g_memdup2(bytes->data, size + 1);
		struct crossing crossing = receive_record(RECORD_GENERIC, part, size);

		CHECK(!crossing.good);
		CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
		forget(&crossing);
		g_free(part);
	}
	/* The sizes that upstream adds up in 32 bits. */
	for (guint32 lie = 0xfffffff0; lie != 0x20; lie++) {
		struct crossing crossing;

		if (lie == 7) /* the truth */
			continue;
		memcpy(bytes->data + 4, &lie, sizeof(lie));
		crossing = receive_record(RECORD_GENERIC, bytes->data, bytes->len);
		CHECK(!crossing.good);
		forget(&crossing);
	}
	g_byte_array_unref(bytes);
	gst_buffer_unref(in);
}

TEST(a_generic_record_is_not_for_metas_with_a_record_of_their_own)
{
	GByteArray *bytes = g_byte_array_new();
	GstBuffer *in = gst_buffer_new();
	struct crossing crossing;
	gpointer state = NULL;

	add_reference(in);
	CHECK(gst_meta_serialize_simple(
		gst_buffer_get_meta(in, GST_REFERENCE_TIMESTAMP_META_API_TYPE), bytes));
	crossing = receive_record(RECORD_GENERIC, bytes->data, bytes->len);
	CHECK(!crossing.good);
	CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
	forget(&crossing);
	g_byte_array_unref(bytes);
	gst_buffer_unref(in);
}

TEST(a_generic_record_of_a_meta_that_nobody_registered_is_let_go)
{
	struct crossing crossing =
		receive_record(RECORD_GENERIC, "\x14\0\0\0\4\0\0\0Nope\0\0......", 20);
	gpointer state = NULL;

	CHECK(crossing.good);
	CHECK(gst_buffer_iterate_meta(crossing.out, &state) == NULL);
	forget(&crossing);
}
#endif
