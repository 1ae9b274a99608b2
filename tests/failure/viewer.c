/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Somebody who watches. */
#include "viewer.h"

#include <string.h>

#include "scenario.h"

void viewer_fill(void *data, size_t size, uint64_t number)
{
	memset(data, (int)(number * 37 & 0xff), size);
}

bool viewer_is_filled(const void *data, size_t size, uint64_t number)
{
	const uint8_t *const bytes = data;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != (uint8_t)(number * 37))
			return false;
	return true;
}

/* Frames of one connection: each comes once, in order, as it was sent. */
static void check(const struct viewer *viewer, const struct tachyon_frame *frame,
		  uint64_t *previous)
{
	if (frame->pts == VIEWER_LAST)
		return;
	/* Who takes what older ones do not know of is one that may miss some. */
	if (*previous != 0 && frame->pts != *previous + 1 &&
	    !(viewer->is_new && is_failing() && frame->pts > *previous))
		complain("frame %ju after %ju", (uintmax_t)frame->pts, (uintmax_t)*previous);
	*previous = frame->pts;
	if (frame->data)
		EXPECT(viewer_is_filled(frame->data, frame->size, frame->pts));
}

/* True: the last one came. */
static bool watch_connection(struct viewer *viewer, struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;
	uint64_t previous = 0;
	bool is_last = false;

	while (!is_last && tachyon_subscriber_receive(subscriber, &item, 3 * LONG_NS) == 0) {
		if (item.type != TACHYON_ITEM_FRAME)
			continue;
		viewer->frames++;
		check(viewer, &item.frame, &previous);
		is_last = item.frame.pts == VIEWER_LAST;
		tachyon_frame_release(&item.frame);
	}
	EXPECT(is_last || tachyon_subscriber_end(subscriber) != TACHYON_END_CORRUPT);
	return is_last;
}

static struct tachyon_subscriber *make(const struct viewer *viewer, const char *address)
{
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.takes_descriptors = viewer->is_new,
		.takes_urgent = viewer->is_new,
	};
	struct tachyon_subscriber *subscriber;

	EXPECT(tachyon_subscriber_create(address, &options, &subscriber) == 0);
	return subscriber;
}

int viewer_watch(void *argument)
{
	struct viewer *const viewer = argument;
	struct tachyon_subscriber *const subscriber = make(viewer, VIEWER_ADDRESS);
	bool is_last = false;

	while (!is_last) {
		linger();
		if (tachyon_subscriber_connect(subscriber, LONG_NS) < 0)
			continue;
		viewer->connects++;
		is_last = watch_connection(viewer, subscriber);
	}
	tachyon_subscriber_destroy(subscriber);
	viewer->is_done = true;
	return 0;
}

int viewer_visit(void *argument)
{
	struct viewer *const viewer = argument;
	struct tachyon_subscriber *const subscriber = make(viewer, NULL);
	const int ret = tachyon_subscriber_adopt(subscriber, viewer->sock, LONG_NS);

	tachyon_subscriber_destroy(subscriber);
	viewer->is_done = true;
	return ret;
}
