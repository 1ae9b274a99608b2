/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of both elements: one sink and many processes that read it, some of which hang or die. */
#include "sink-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 16
#define FRAMES 60
#define HELD 4
#define HANG_AFTER 5

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- the subscribers: processes of their own --- */

struct report {
	gint is_over;
	guint64 copied;
	gint count;
	guint32 hashes[2 * FRAMES];
};

/* Shared by all processes of a test. */
static struct report *reports;

struct reader {
	struct report *report;
	GQueue held;
	gboolean is_hanging;
};

static struct reader reader = {.held = G_QUEUE_INIT};

static guint32 hash_bytes(GstBuffer *buffer)
{
	guint32 hash = 2166136261u;
	GstMapInfo map;

	CHECK(gst_buffer_map(buffer, &map, GST_MAP_READ));
	for (gsize i = 0; i < map.size; i++)
		hash = (hash ^ map.data[i]) * 16777619u;
	gst_buffer_unmap(buffer, &map);
	return hash;
}

static void read_buffer(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
	struct report *const report = reader.report;

	(void)sink;
	(void)pad;
	(void)data;
	report->hashes[GST_BUFFER_OFFSET(buffer) % G_N_ELEMENTS(report->hashes)] =
		hash_bytes(buffer);
	g_queue_push_tail(&reader.held, gst_buffer_ref(buffer));
	if (g_queue_get_length(&reader.held) > HELD)
		gst_buffer_unref(g_queue_pop_head(&reader.held));
	if (g_atomic_int_add(&report->count, 1) + 1 == HANG_AFTER && reader.is_hanging)
		raise(SIGSTOP);
}

static int read_all(void *arg)
{
	GstElement *const pipeline =
		launch("tachyonsrc name=src socket-path=socket timestamp-mode=passthrough ! "
		       "fakesink name=end sync=false signal-handoffs=true "
		       "enable-last-sample=false");

	reader.report = arg;
	g_signal_connect(part(pipeline, "end"), "handoff", G_CALLBACK(read_buffer), NULL);
	set_state(pipeline, GST_STATE_PLAYING);
	await_eos(pipeline);
	reader.report->copied = stat_of(part(pipeline, "src"), "copied");
	finish(pipeline);
	g_queue_clear_full(&reader.held, (GDestroyNotify)gst_buffer_unref);
	g_atomic_int_set(&reader.report->is_over, 1);
	return 0;
}

static int hang(void *arg)
{
	reader.is_hanging = TRUE;
	return read_all(arg);
}

/* Before there are threads: they are forks. */
static void start_readers(pid_t *pids, guint count)
{
	reports = mmap(NULL, MOST * sizeof(*reports), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(reports != MAP_FAILED);
	for (guint i = 0; i < count; i++)
		pids[i] = run_child(read_all, &reports[i]);
}

static void forget_reports(void)
{
	CHECK_EQ(munmap(reports, MOST * sizeof(*reports)), 0);
}

/* --- the sender --- */

#define SOURCE                                        \
	"videotestsrc name=source pattern=ball %s ! " \
	"video/x-raw,format=NV12,width=320,height=240,framerate=60/1 ! "

/* In PLAYING, with all its subscribers from the first frame on. */
static GstElement *start_sender(const char *source, const char *options, guint count)
{
	char *const head = g_strdup_printf(SOURCE, source);
	char *const description = g_strconcat(
		head, "tachyonsink name=sink socket-path=socket sync=false ", options, NULL);
	GstElement *const pipeline = launch(description);

	set_state(pipeline, GST_STATE_PAUSED);
	await_stat(sink_of(pipeline), "subscribers", count);
	set_state(pipeline, GST_STATE_PLAYING);
	g_free(description);
	g_free(head);
	return pipeline;
}

/* Nobody upstream has a block, nobody downstream lives: all must be free. */
static void check_blocks(GstElement *pipeline)
{
	GstElement *const source = part(pipeline, "source");
	GstElement *const sink = sink_of(pipeline);
	const gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

	gst_element_set_locked_state(source, TRUE);
	gst_element_set_state(source, GST_STATE_NULL);
	while (stat_of(sink, "blocks") != stat_of(sink, "blocks-free") &&
	       g_get_monotonic_time() < end)
		g_usleep(1000);
	CHECK_EQ(stat_of(sink, "blocks-free"), stat_of(sink, "blocks"));
	CHECK(stat_of(sink, "blocks") > 0);
}

/* --- what the source makes, as one process sees it --- */

static void hash_own(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
	guint32 *const hashes = data;

	(void)sink;
	(void)pad;
	hashes[GST_BUFFER_OFFSET(buffer)] = hash_bytes(buffer);
}

static void hash_source(guint32 *hashes)
{
	char *const head = g_strdup_printf(SOURCE, "num-buffers=60");
	char *const description =
		g_strconcat(head, "fakesink name=end sync=false signal-handoffs=true", NULL);
	GstElement *const pipeline = launch(description);

	g_signal_connect(part(pipeline, "end"), "handoff", G_CALLBACK(hash_own), hashes);
	set_state(pipeline, GST_STATE_PLAYING);
	await_eos(pipeline);
	finish(pipeline);
	g_free(description);
	g_free(head);
}

static void check_report(const struct report *report)
{
	guint32 hashes[FRAMES];

	hash_source(hashes);
	CHECK_EQ(report->count, FRAMES);
	for (guint i = 0; i < FRAMES; i++)
		CHECK_EQ(report->hashes[i], hashes[i]);
	CHECK_EQ(report->copied, 0);
}

/* --- tests --- */

static void check_fan_out(guint count)
{
	pid_t pids[MOST];
	GstElement *sender;

	start_readers(pids, count);
	sender = start_sender("num-buffers=60", "", count);
	await_eos(sender);
	for (guint i = 0; i < count; i++) {
		CHECK_EQ(wait_child(pids[i]), 0);
		check_report(&reports[i]);
	}
	CHECK_EQ(stat_of(sink_of(sender), "frames"), FRAMES);
	CHECK_EQ(stat_of(sink_of(sender), "copied"), 0);
	CHECK_EQ(stat_of(sink_of(sender), "dropped"), 0);
	check_blocks(sender);
	finish(sender);
	forget_reports();
}

TEST(one_subscriber_sees_all_without_a_copy)
{
	check_fan_out(1);
}

TEST(four_subscribers_see_all_without_a_copy)
{
	check_fan_out(4);
}

TEST_WITH_TIMEOUT(sixteen_subscribers_see_all_without_a_copy, 60)
{
	check_fan_out(16);
}

static void await_stop(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

/* Leaky: who hangs loses frames, and nobody else does. */
static void check_stopped_one(const char *leaky)
{
	char *const options = g_strdup_printf("max-buffers=40 leaky-type=%s", leaky);
	pid_t pids[4];
	pid_t hanging;
	GstElement *sender;

	start_readers(pids, 3);
	hanging = run_child(hang, &reports[3]);
	sender = start_sender("num-buffers=60 is-live=true", options, 4);
	await_stop(hanging);
	await_eos(sender);
	for (guint i = 0; i < 3; i++) {
		CHECK_EQ(wait_child(pids[i]), 0);
		check_report(&reports[i]);
	}
	CHECK_EQ(g_atomic_int_get(&reports[3].is_over), 0);
	CHECK_EQ(stat_of(sink_of(sender), "copied"), 0);
	CHECK(stat_of(sink_of(sender), "dropped") > 0);

	kill(hanging, SIGCONT);
	CHECK_EQ(wait_child(hanging), 0);
	CHECK_EQ(reports[3].count + (gint)stat_of(sink_of(sender), "dropped"), FRAMES);
	check_blocks(sender);
	finish(sender);
	forget_reports();
	g_free(options);
}

TEST(a_stopped_subscriber_of_a_sink_that_leaks_downstream_is_the_only_one_that_loses)
{
	check_stopped_one("downstream");
}

TEST(a_stopped_subscriber_of_a_sink_that_leaks_upstream_is_the_only_one_that_loses)
{
	check_stopped_one("upstream");
}

TEST_WITH_TIMEOUT(killed_subscribers_give_back_every_block_and_hinder_nobody, 60)
{
	pid_t pids[MOST];
	GstElement *sender;

	start_readers(pids, MOST);
	sender = start_sender("num-buffers=60 is-live=true", "", MOST);
	for (guint i = 0; i < MOST; i += 2) {
		while (g_atomic_int_get(&reports[i].count) < (gint)i)
			g_usleep(1000);
		kill(pids[i], SIGKILL);
		CHECK_EQ(wait_child(pids[i]), -SIGKILL);
	}
	await_eos(sender);
	for (guint i = 1; i < MOST; i += 2) {
		CHECK_EQ(wait_child(pids[i]), 0);
		check_report(&reports[i]);
	}
	CHECK_EQ(stat_of(sink_of(sender), "dropped"), 0);
	check_blocks(sender);
	finish(sender);
	forget_reports();
}

TEST(a_stopped_subscriber_that_is_killed_frees_the_sink_that_waits_for_it)
{
	pid_t pids[1];
	pid_t hanging;
	GstElement *sender;

	start_readers(pids, 1);
	hanging = run_child(hang, &reports[1]);
	sender = start_sender("num-buffers=60", "max-buffers=3", 2);
	await_stop(hanging);
	await_stat(sink_of(sender), "waits", 1);
	kill(hanging, SIGKILL);
	CHECK_EQ(wait_child(hanging), -SIGKILL);
	await_eos(sender);
	CHECK_EQ(wait_child(pids[0]), 0);
	check_report(&reports[0]);
	check_blocks(sender);
	finish(sender);
	forget_reports();
}
