/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Runs one pipeline to its end and says what it cost, for bench-pipelines.py:
 *
 *     bench-runner WARM_UP PIPELINE    frames at the sink; CPU and elapsed time after WARM_UP
 *     bench-runner --check ELEMENT...  the version, and which of the elements exist
 *
 * Start-up is excluded by a pad probe at the sink that takes the time at frame WARM_UP and removes
 * itself, so that the frames that are measured pass no probe. Frames are what the sink rendered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gst/gst.h>

struct moment {
	gint64 elapsed_ns;
	gint64 cpu_ns; /* of all threads of this process */
};

struct runner {
	guint64 warm_up;
	guint64 seen;
	struct moment start;
};

static gint64 read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (gint64)now.tv_sec * GST_SECOND + now.tv_nsec;
}

static struct moment take_moment(void)
{
	return (struct moment){
		.elapsed_ns = read_clock(CLOCK_MONOTONIC),
		.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID),
	};
}

static GstPadProbeReturn on_frame(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	struct runner *runner = data;

	(void)pad;
	(void)info;
	if (++runner->seen < runner->warm_up)
		return GST_PAD_PROBE_OK;
	runner->start = take_moment();
	return GST_PAD_PROBE_REMOVE;
}

static GstElement *find_sink(GstElement *pipeline)
{
	GstIterator *sinks = gst_bin_iterate_sinks(GST_BIN(pipeline));
	GValue value = G_VALUE_INIT;
	GstElement *sink = NULL;

	if (gst_iterator_next(sinks, &value) == GST_ITERATOR_OK) {
		sink = g_value_dup_object(&value);
		g_value_unset(&value);
	}
	gst_iterator_free(sinks);
	return sink;
}

static void watch_warm_up(GstElement *sink, struct runner *runner)
{
	GstPad *pad = gst_element_get_static_pad(sink, "sink");

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, runner, NULL);
	gst_object_unref(pad);
}

/* NULL at the end of the stream, else why the pipeline stopped. */
static char *wait_for_end(GstElement *pipeline)
{
	GstBus *bus = gst_element_get_bus(pipeline);
	GstMessage *message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE,
							 GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
	char *why = NULL;

	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		GError *error = NULL;

		gst_message_parse_error(message, &error, NULL);
		why = g_strdup(error->message);
		g_error_free(error);
	}
	gst_message_unref(message);
	gst_object_unref(bus);
	return why;
}

static void print_result(GstElement *sink, const struct runner *runner, const struct moment *end,
			 const char *why)
{
	GstStructure *stats = NULL;
	guint64 frames = 0;
	char *text;

	g_object_get(sink, "stats", &stats, NULL);
	text = stats ? gst_structure_to_string(stats) : g_strdup("");
	if (stats && !gst_structure_get_uint64(stats, "rendered", &frames))
		(void)gst_structure_get_uint64(stats, "frames", &frames);
	printf("frames %" G_GUINT64_FORMAT "\n", frames);
	if (runner->seen >= runner->warm_up) {
		printf("cpu_ns %" G_GINT64_FORMAT "\n", end->cpu_ns - runner->start.cpu_ns);
		printf("elapsed_ns %" G_GINT64_FORMAT "\n",
		       end->elapsed_ns - runner->start.elapsed_ns);
	}
	printf("stats %s\n", text);
	if (why)
		printf("error %s\n", why);
	g_free(text);
	if (stats)
		gst_structure_free(stats);
}

static int run(guint64 warm_up, const char *description)
{
	struct runner runner = {.warm_up = warm_up};
	GError *error = NULL;
	GstElement *pipeline = gst_parse_launch(description, &error);
	GstElement *sink;
	struct moment end;
	char *why;

	if (!pipeline || error) {
		fprintf(stderr, "bench-runner: %s\n", error ? error->message : "no pipeline");
		return 1;
	}
	sink = find_sink(pipeline);
	if (!sink) {
		fprintf(stderr, "bench-runner: the pipeline has no sink\n");
		return 1;
	}

	watch_warm_up(sink, &runner);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	why = wait_for_end(pipeline);
	end = take_moment();
	print_result(sink, &runner, &end, why);

	gst_element_set_state(pipeline, GST_STATE_NULL);
	g_free(why);
	gst_object_unref(sink);
	gst_object_unref(pipeline);
	return 0;
}

static int check(char **names)
{
	char *version = gst_version_string();

	printf("%s\n", version);
	g_free(version);
	for (; *names; names++) {
		GstElementFactory *factory = gst_element_factory_find(*names);

		if (!factory)
			continue;
		printf("%s\n", *names);
		gst_object_unref(factory);
	}
	return 0;
}

int main(int argc, char **argv)
{
	gst_init(&argc, &argv);
	if (argc >= 2 && strcmp(argv[1], "--check") == 0)
		return check(argv + 2);
	if (argc != 3) {
		fprintf(stderr, "usage: bench-runner WARM_UP PIPELINE | --check ELEMENT...\n");
		return 2;
	}
	return run(g_ascii_strtoull(argv[1], NULL, 10), argv[2]);
}
