/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Read frames where they were written, without GStreamer here: receive, look, release.
 *
 *	./publish /tmp/picture 300
 *	./subscribe /tmp/picture
 *
 * Or read what a GStreamer pipeline sends:
 *
 *	gst-launch-1.0 videotestsrc is-live=true ! tachyonsink socket-path=/tmp/picture
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <tachyon.h>

#define TIMEOUT_NS 10000000000

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, tachyon_strerror(error));
	return 1;
}

/* Adler-32: something that looks at each byte. */
static uint32_t add_up(const uint8_t *data, size_t size)
{
	uint32_t low = 1;
	uint32_t high = 0;

	for (size_t i = 0; i < size; i++) {
		low = (low + data[i]) % 65521;
		high = (high + low) % 65521;
	}
	return high << 16 | low;
}

/* Returns 1 at the end of the stream. */
static int take(struct tachyon_item *item, uint64_t *count)
{
	switch (item->type) {
	case TACHYON_ITEM_CAPS:
		printf("caps %s\n", item->caps);
		return 0;
	case TACHYON_ITEM_FRAME:
		printf("frame %" PRIu64 ": pts %" PRIu64 " ns, %zu bytes, sum %08" PRIx32 "\n",
		       (*count)++, item->frame.pts, item->frame.size,
		       add_up(item->frame.data, item->frame.size));
		/* The publisher may use the block again from here on. */
		tachyon_frame_release(&item->frame);
		return 0;
	case TACHYON_ITEM_EOS:
		return 1;
	case TACHYON_ITEM_LAYOUT:
	case TACHYON_ITEM_CLOCK:
	case TACHYON_ITEM_EVENT:
		return 0;
	}
	return 0;
}

static int run(struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;
	uint64_t count = 0;
	int ret;

	/* Waits for the publisher to appear. */
	ret = tachyon_subscriber_connect(subscriber, TIMEOUT_NS);
	if (ret < 0)
		return fail("connect", ret);
	do {
		ret = tachyon_subscriber_receive(subscriber, &item, TIMEOUT_NS);
		if (ret < 0)
			return fail("receive", ret);
	} while (take(&item, &count) == 0);
	printf("%" PRIu64 " frames\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	struct tachyon_subscriber *subscriber;
	int ret;

	if (argc != 2) {
		fprintf(stderr, "subscribe ADDRESS\n");
		return 2;
	}
	ret = tachyon_subscriber_create(argv[1], NULL, &subscriber);
	if (ret < 0)
		return fail(argv[1], ret);
	ret = run(subscriber);
	tachyon_subscriber_destroy(subscriber);
	return ret;
}
