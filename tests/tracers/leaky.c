/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Leaks a buffer, on purpose: what is to find leaks must find this one.
 */
#include "harness.h"

#include <gst/gst.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

TEST(a_buffer_is_left)
{
	CHECK(gst_buffer_new() != NULL);
}
