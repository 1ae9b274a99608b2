/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Linked into each of these tests: where the leaks tracer is at work (GST_TRACERS=leaks), a test
 * that leaves a buffer, an event or any other object of GStreamer's behind has failed.
 */
#include <gst/gst.h>
#include <unistd.h>

#include "harness.h"

static pid_t harness_pid;

/* The tracer looks when GStreamer ends, and warns; what it found is in the log (GST_TRACER:7). */
static void fail(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
	(void)data;
	g_log_default_handler(domain, level, text, NULL);
	test_fail(__FILE__, __LINE__, "%s", text);
}

__attribute__((constructor)) static void remember_harness(void)
{
	harness_pid = getpid();
}

/* At the end of a test's own process; what a test forks has objects that are its parent's. */
__attribute__((destructor)) static void end_gstreamer(void)
{
	if (getppid() != harness_pid || !g_getenv("GST_TRACERS") || !gst_is_initialized())
		return;
	g_log_set_default_handler(fail, NULL);
	gst_deinit();
}
