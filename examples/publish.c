/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A moving picture for whoever subscribes, without GStreamer here: acquire a block, write the frame
 * into it, commit it to everyone at once.
 *
 *	./publish /tmp/picture 300
 *	./subscribe /tmp/picture
 *	gst-launch-1.0 tachyonsrc socket-path=/tmp/picture ! videoconvert ! autovideosink
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tachyon.h>
#include <time.h>

#define WIDTH 320u
#define HEIGHT 240u
#define FRAME_NS 33333333u
#define TIMEOUT_NS 10000000000

static const char caps[] = "video/x-raw, format=GRAY8, width=320, height=240, framerate=30/1";

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, tachyon_strerror(error));
	return 1;
}

static void draw(uint8_t *pixels, uint32_t number)
{
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] = (uint8_t)(x + y + number);
	}
}

/* Whatever answers AGAIN is tried again when something has changed. */
static int wait_after(struct tachyon_publisher *publisher, int error)
{
	return error == TACHYON_ERR_AGAIN ? tachyon_publisher_wait(publisher, TIMEOUT_NS) : error;
}

static int publish(struct tachyon_publisher *publisher, uint32_t number)
{
	struct tachyon_frame frame;
	int ret;

	while ((ret = tachyon_publisher_acquire(publisher, WIDTH * HEIGHT, &frame)) < 0) {
		ret = wait_after(publisher, ret);
		if (ret < 0)
			return fail("acquire", ret);
	}
	draw(frame.data, number);
	frame.pts = (uint64_t)number * FRAME_NS;
	frame.duration = FRAME_NS;
	while ((ret = tachyon_publisher_commit(publisher, &frame)) < 0) {
		ret = wait_after(publisher, ret);
		if (ret < 0) {
			tachyon_publisher_abandon(publisher, &frame);
			return fail("commit", ret);
		}
	}
	return 0;
}

static int run(struct tachyon_publisher *publisher, uint32_t count)
{
	const struct timespec pause = {.tv_nsec = FRAME_NS};
	int ret;

	/* Nobody is there yet; whoever comes late is told all the same. */
	ret = tachyon_publisher_set_caps(publisher, caps);
	if (ret < 0)
		return fail("set_caps", ret);
	while (tachyon_publisher_subscribers(publisher) == 0) {
		ret = tachyon_publisher_wait(publisher, TIMEOUT_NS);
		if (ret < 0)
			return fail("nobody subscribes", ret);
	}
	for (uint32_t number = 0; number < count; number++) {
		ret = publish(publisher, number);
		if (ret != 0)
			return ret;
		nanosleep(&pause, NULL);
	}
	while ((ret = tachyon_publisher_send_eos(publisher)) < 0) {
		ret = wait_after(publisher, ret);
		if (ret < 0)
			return fail("send_eos", ret);
	}
	printf("%u frames\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	struct tachyon_publisher *publisher;
	int ret;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "publish ADDRESS [FRAMES]\n");
		return 2;
	}
	ret = tachyon_publisher_create(argv[1], NULL, &publisher);
	if (ret < 0)
		return fail(argv[1], ret);
	ret = run(publisher, argc == 3 ? (uint32_t)atoi(argv[2]) : 300);
	/* What was published is still received. */
	tachyon_publisher_destroy(publisher);
	return ret;
}
