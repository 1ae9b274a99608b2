/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the elements put into frames and events, read as a stranger wrote it (PROTOCOL.md 8): caps,
 * structures and wishes as text, events, requests and answers, the records of a frame's metas. The
 * input changes what a real event or meta makes, or is all of it.
 *
 * No critical warning, nothing leaked; what was understood is written again, and understood.
 */
#include "fuzz.h"

#include "gsttachyonevent.h"
#include "gsttachyonlayout.h"
#include "gsttachyonneeds.h"
#include "gsttachyonrequest.h"
#include "gsttachyontext.h"
#include "gsttachyonwish.h"
#include "meta-samples.h"

#define TEXT_MAX 4096u
#define FRAME_SIZE 4096u
#define TEMPLATES_MAX 64

/* Of the samples, and of real events. */
struct template
{
	guint32 type;
	GByteArray *bytes;
};

static struct template records[TEMPLATES_MAX], events[TEMPLATES_MAX];
static unsigned int record_count, event_count;
static GstVideoInfo video;
static GstAudioInfo audio;
static struct tachyon_layout layout;

/* --- what is real --- */

static void keep_event(GstEvent *event)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event out;

	FUZZ_CHECK(event && event_count < TEMPLATES_MAX);
	FUZZ_CHECK(gst_tachyon_event_encode(event, bytes, &out));
	events[event_count++] = (struct template){.type = out.type, .bytes = bytes};
	gst_event_unref(event);
}

static GstToc *make_toc(void)
{
	GstToc *toc = gst_toc_new(GST_TOC_SCOPE_GLOBAL);
	GstTocEntry *entry = gst_toc_entry_new(GST_TOC_ENTRY_TYPE_EDITION, "edition");
	GstTocEntry *chapter = gst_toc_entry_new(GST_TOC_ENTRY_TYPE_CHAPTER, "chapter");

	gst_toc_entry_set_start_stop_times(chapter, 0, 5);
	gst_toc_entry_append_sub_entry(entry, chapter);
	gst_toc_append_entry(toc, entry);
	return toc;
}

static void keep_rare_events(void)
{
	GstStreamCollection *collection = gst_stream_collection_new("up");
	GstCaps *caps = gst_caps_new_empty_simple("audio/x-raw");
	GstBuffer *init = gst_buffer_new_allocate(NULL, 8, NULL);
	GstToc *toc = make_toc();
	GList *const ids = g_list_prepend(NULL, g_strdup("one"));

	gst_buffer_memset(init, 0, 7, 8);
	gst_stream_collection_add_stream(collection,
					 gst_stream_new("one", caps, GST_STREAM_TYPE_AUDIO, 0));
	keep_event(gst_event_new_stream_collection(collection));
	keep_event(gst_event_new_select_streams(ids));
	keep_event(gst_event_new_toc(toc, FALSE));
	keep_event(
		gst_event_new_protection("9a04f079-9840-4286-ab92-e65be0885f95", init, "isobmff"));
	g_list_free_full(ids, g_free);
	gst_toc_unref(toc);
	gst_buffer_unref(init);
	gst_caps_unref(caps);
	gst_object_unref(collection);
}

static void make_events(void)
{
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	keep_event(gst_event_new_stream_start("a stream"));
	keep_event(gst_event_new_segment(&segment));
	keep_event(gst_event_new_tag(
		gst_tag_list_new(GST_TAG_TITLE, "a \"title\"", GST_TAG_BITRATE, 1000u, NULL)));
	keep_event(gst_event_new_buffer_size(GST_FORMAT_BYTES, 0, 100, TRUE));
	keep_event(gst_event_new_gap(5, 7));
	keep_event(gst_event_new_stream_group_done(3));
	keep_event(gst_event_new_segment_done(GST_FORMAT_TIME, 9));
	keep_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
					gst_structure_new("mine", "number", G_TYPE_INT, 1, "text",
							  G_TYPE_STRING, "x", NULL)));
	keep_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
					gst_structure_new_empty("mine")));
	keep_event(gst_event_new_qos(GST_QOS_TYPE_OVERFLOW, 0.5, 3, 4));
	keep_event(gst_event_new_latency(1000));
	keep_event(gst_event_new_reconfigure());
	keep_event(gst_event_new_toc_select("chapter"));
	keep_event(gst_event_new_navigation(gst_structure_new(
		"application/x-gst-navigation", "event", G_TYPE_STRING, "key-press", NULL)));
	keep_rare_events();
}

/* Those of a video or audio stream need more than a buffer. */
static void keep_record(GstBuffer *buffer, guint32 type)
{
	GByteArray *all = g_byte_array_new(), *content = g_byte_array_new();
	struct tachyon_frame frame = {0};
	struct tachyon_record record;
	size_t position = 0;

	FUZZ_CHECK(record_count < TEMPLATES_MAX);
	FUZZ_CHECK(gst_tachyon_frame_from_buffer(buffer, NULL, all, &frame) == 0);
	FUZZ_CHECK(tachyon_record_next(&frame, &position, &record) == 1 && record.type == type);
	g_byte_array_append(content, record.data, record.size);
	records[record_count++] = (struct template){.type = type, .bytes = content};
	g_byte_array_unref(all);
	gst_buffer_unref(buffer);
}

static void make_records(void)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, FRAME_SIZE, NULL);

	gst_video_info_set_format(&video, GST_VIDEO_FORMAT_I420, 16, 16);
	FUZZ_CHECK(gst_tachyon_layout_from_video_info(&video, &layout));
	gst_buffer_add_video_meta(buffer, 0, GST_VIDEO_FORMAT_I420, 16, 16);
	keep_record(buffer, RECORD_VIDEO);
	buffer = gst_buffer_new_allocate(NULL, FRAME_SIZE, NULL);
	gst_audio_info_set_format(&audio, GST_AUDIO_FORMAT_S16LE, 48000, 2, NULL);
	audio.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
	gst_buffer_add_audio_meta(buffer, &audio, 100, NULL);
	keep_record(buffer, RECORD_AUDIO);
	register_metas();
	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
		records[record_count++] = (struct template){.type = samples[i].record,
							    .bytes = encode_sample(&samples[i])};
}

static void drop_line(const gchar *domain, GLogLevelFlags level, const gchar *line, gpointer data)
{
	(void)domain;
	(void)data;
	if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) {
		fprintf(stderr, "%s\n", line);
		abort();
	}
}

void fuzz_init(void)
{
	char program[] = "fuzz", no_update[] = "--gst-disable-registry-update",
	     no_fork[] = "--gst-disable-registry-fork";
	char *arguments[] = {program, no_update, no_fork, NULL}, **argv = arguments;
	int argc = 3;

	/* Types that plugins register are not what is tested; and a scan takes seconds. */
	setenv("GST_PLUGIN_SYSTEM_PATH", "", 1);
	setenv("GST_PLUGIN_PATH", "", 1);
	setenv("GST_REGISTRY", "/nonexistent/registry", 1);
	gst_init(&argc, &argv);
	g_log_set_default_handler(drop_line, NULL);
	make_events();
	make_records();
}

void fuzz_fini(void)
{
}

/* --- changing it --- */

/* A word of 4 or 8 bytes where fields stand, or, of less, a byte. */
static void change_word(struct fuzz_input *input, GByteArray *bytes, guint where, gsize width)
{
	guint64 word;
	guint8 *at;

	if (bytes->len < sizeof(word)) {
		if (bytes->len > 0)
			bytes->data[where] = fuzz_u8(input);
		return;
	}
	at = bytes->data + MIN(where & ~3u, bytes->len - (guint)sizeof(word));
	memcpy(&word, at, sizeof(word));
	word = fuzz_number(input, word);
	memcpy(at, &word, width);
}

static void change_bytes(struct fuzz_input *input, GByteArray *bytes)
{
	const uint8_t how = fuzz_u8(input);
	const guint where = bytes->len > 0 ? fuzz_u16(input) % bytes->len : 0;
	guint8 more[64];
	guint size;

	switch (how & 7) {
	case 0:
	case 1:
	case 2:
		change_word(input, bytes, where, how & 1 ? 8 : 4);
		break;
	case 3:
		g_byte_array_set_size(bytes, where);
		break;
	case 4:
		if (bytes->len > 0)
			bytes->data[where] = fuzz_u8(input);
		break;
	default:
		/* More behind, or instead of what is there. */
		size = fuzz_below(input, sizeof(more));
		fuzz_bytes(input, more, size);
		if (how & 8)
			g_byte_array_set_size(bytes, where);
		g_byte_array_append(bytes, more, size);
		break;
	}
}

/* A template with some changes, or the input's own bytes. */
static GByteArray *make_bytes(struct fuzz_input *input, const struct template *template)
{
	GByteArray *bytes = g_byte_array_new();
	const unsigned int changes = fuzz_below(input, 8);

	if (template && template->bytes->len > 0)
		g_byte_array_append(bytes, template->bytes->data, template->bytes->len);
	for (unsigned int i = 0; i < changes; i++)
		change_bytes(input, bytes);
	if (!template) {
		const gsize left = MIN(input->left, TEXT_MAX);
		guint8 *const rest = g_malloc(left + 1);

		fuzz_bytes(input, rest, left);
		g_byte_array_append(bytes, rest, (guint)left);
		g_free(rest);
	}
	return bytes;
}

/* --- events --- */

static struct tachyon_event event_of(guint32 type, const GByteArray *bytes)
{
	return (struct tachyon_event){
		.type = type, .data = bytes->len > 0 ? bytes->data : NULL, .size = bytes->len};
}

static void encode_event_again(GstEvent *event)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event out;
	GstEvent *again;

	/* Nothing that came is of a kind that could not go on to the next process. */
	FUZZ_CHECK(gst_tachyon_event_encode(event, bytes, &out));
	again = gst_tachyon_event_decode(&out);
	FUZZ_CHECK(again && GST_EVENT_TYPE(again) == GST_EVENT_TYPE(event));
	gst_event_unref(again);
	g_byte_array_unref(bytes);
}

static void decode_event(struct fuzz_input *input)
{
	const uint8_t which = fuzz_u8(input);
	const struct template *template = &events[which % event_count];
	const guint32 type = which >= 224 ? fuzz_u32(input) : template->type;
	GByteArray *bytes = make_bytes(input, which >= 192 ? NULL : template);
	const struct tachyon_event in = event_of(type, bytes);
	GstEvent *event = gst_tachyon_event_decode(&in);

	if (event) {
		FUZZ_CHECK(GST_MINI_OBJECT_REFCOUNT_VALUE(event) == 1);
		encode_event_again(event);
		gst_event_unref(event);
	}
	g_byte_array_unref(bytes);
}

/* --- text --- */

static gchar *take_text(struct fuzz_input *input)
{
	const gsize size = MIN(input->left, TEXT_MAX);
	gchar *const text = g_malloc(size + 1);

	fuzz_bytes(input, text, size);
	text[size] = '\0';
	return text;
}

static void parse_caps(struct fuzz_input *input)
{
	gchar *text = take_text(input), *printed;
	GstCaps *caps = gst_tachyon_caps_parse(text), *again;

	if (caps) {
		FUZZ_CHECK(gst_caps_is_fixed(caps) && gst_caps_get_size(caps) == 1);
		printed = gst_caps_to_string(caps);
		again = gst_tachyon_caps_parse(printed);
		gst_clear_caps(&again);
		g_free(printed);
		gst_caps_unref(caps);
	}
	g_free(text);
}

static void parse_structure(struct fuzz_input *input)
{
	gchar *text = take_text(input), *printed;
	GstStructure *structure = gst_tachyon_structure_parse(text), *again;

	if (structure) {
		printed = gst_tachyon_structure_print(structure);
		if (printed) {
			again = gst_tachyon_structure_parse(printed);
			FUZZ_CHECK(again);
			FUZZ_CHECK(gst_structure_n_fields(again) ==
				   gst_structure_n_fields(structure));
			gst_structure_free(again);
		}
		g_free(printed);
		gst_structure_free(structure);
	}
	g_free(text);
}

static void parse_wish(struct fuzz_input *input)
{
	gchar *text = take_text(input), *printed;
	GstCaps *wish = gst_tachyon_wish_parse(text), *again;

	if (wish) {
		FUZZ_CHECK(!gst_caps_is_any(wish));
		printed = gst_tachyon_wish_print(wish);
		again = gst_tachyon_wish_parse(printed);
		FUZZ_CHECK(*printed == '\0' || again);
		gst_clear_caps(&again);
		g_free(printed);
		gst_caps_unref(wish);
	}
	g_free(text);
}

/* --- requests, answers, flushes, needs --- */

static void take_request(const struct tachyon_event *event)
{
	struct request_message head;
	GstQuery *query;
	GstEvent *seek;
	guint32 seqnum;
	gchar *text;

	if (!gst_tachyon_request_parse(event, &head, &text))
		return;
	query = gst_tachyon_request_to_query(&head, text);
	if (query)
		gst_query_unref(query);
	seek = gst_tachyon_request_to_seek(text, &seqnum);
	if (seek)
		gst_event_unref(seek);
	g_free(text);
}

static void take_answer(const struct tachyon_event *event)
{
	GstQuery *const queries[] = {
		gst_query_new_position(GST_FORMAT_TIME),
		gst_query_new_duration(GST_FORMAT_TIME),
		gst_query_new_seeking(GST_FORMAT_TIME),
		gst_query_new_convert(GST_FORMAT_TIME, 1, GST_FORMAT_BYTES),
		gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty("mine")),
	};
	struct answer_message head;
	gchar *text = NULL;

	if (gst_tachyon_answer_parse(event, &head, &text)) {
		for (gsize i = 0; i < G_N_ELEMENTS(queries); i++)
			(void)gst_tachyon_answer_apply(text, queries[i]);
		g_free(text);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(queries); i++)
		gst_query_unref(queries[i]);
}

static void take_message(struct fuzz_input *input)
{
	const guint32 type = 1 + fuzz_below(input, 4);
	GByteArray *bytes = make_bytes(input, NULL);
	const struct tachyon_event event = event_of(type, bytes);
	struct flush_message flush;
	GstTachyonNeeds needs = {0};

	take_request(&event);
	take_answer(&event);
	(void)gst_tachyon_flush_parse(&event, &flush);
	if (gst_tachyon_needs_decode(&event, &needs)) {
		FUZZ_CHECK(needs.min_buffers <= GST_TACHYON_NEEDS_BUFFERS_MAX);
		FUZZ_CHECK(needs.align <= GST_TACHYON_NEEDS_ALIGN_MAX);
		gst_tachyon_needs_clear(&needs);
	}
	g_byte_array_unref(bytes);
}

/* --- metas --- */

static void put_record(GByteArray *all, guint32 type, const GByteArray *content)
{
	gsize used = all->len;

	g_byte_array_set_size(all, all->len + 16 + content->len);
	FUZZ_CHECK(tachyon_record_append(all->data, all->len, &used, type, content->data,
					 content->len) == 0);
	g_byte_array_set_size(all, (guint)used);
}

static void decode_metas(struct fuzz_input *input)
{
	const uint8_t context = fuzz_u8(input);
	const struct gst_tachyon_stream stream = {
		.layout = context & 1 ? &layout : NULL,
		.video = context & 2 ? &video : NULL,
		.audio = context & 4 ? &audio : NULL,
		.dsd_channels = context & 8 ? 2 : 0,
	};
	const unsigned int count = fuzz_below(input, 4);
	GByteArray *all = g_byte_array_new();
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, FRAME_SIZE, NULL);
	struct tachyon_frame frame = {.size = FRAME_SIZE}, again;

	for (unsigned int i = 0; i <= count; i++) {
		const uint8_t which = fuzz_u8(input);
		const struct template *template = &records[which % record_count];
		GByteArray *content = make_bytes(input, which >= 224 ? NULL : template);

		put_record(all, which >= 240 ? 64u + fuzz_u8(input) : template->type, content);
		g_byte_array_unref(content);
	}
	frame.metadata = all->data;
	frame.metadata_size = all->len;
	(void)gst_tachyon_frame_to_buffer(&frame, &stream, buffer);
	(void)gst_tachyon_frame_from_buffer(buffer, stream.layout, all, &again);
	FUZZ_CHECK(GST_MINI_OBJECT_REFCOUNT_VALUE(buffer) == 1);
	gst_buffer_unref(buffer);
	g_byte_array_unref(all);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static void (*const modes[])(struct fuzz_input * input) = {
		decode_event, decode_metas, parse_caps,	  parse_structure,
		parse_wish,   take_message, decode_event, decode_metas,
	};
	struct fuzz_input input = fuzz_input(data, size);

	modes[fuzz_below(&input, G_N_ELEMENTS(modes))](&input);
}
