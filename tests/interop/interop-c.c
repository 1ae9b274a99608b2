/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The endpoint in C of the interop matrix: README.md says what it sends, receives and prints.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tachyon.h>
#include <unistd.h>

#include "sabotage.h"
#include "sequence.h"

#define CONNECT_NS 30000000000
#define TIMEOUT_NS 60000000000
/* The largest message takes more than 1 MiB of it, and it is a power of two. */
#define RING_SIZE (4u << 20)
#define BATCH_MAX 8u

static enum sabotage sabotage;

static void check(int ret, const char *what)
{
	if (ret < 0)
		sequence_fail("%s: %s", what, tachyon_strerror(ret));
}

static void say_goodbye(void)
{
	if (sabotage == SABOTAGE_CRASH)
		_exit(0);
}

/* --- messages --- */

static struct tachyon_bus *open_bus(const char *address, bool is_listener)
{
	const struct tachyon_bus_options options = {
		.size = sizeof(options),
		.ring_size = RING_SIZE,
		.timeout_ns = CONNECT_NS,
	};
	struct tachyon_bus *bus;

	if (is_listener)
		check(tachyon_bus_listen(address, &options, &bus), "listen");
	else
		check(tachyon_bus_connect(address, &options, &bus), "connect");
	return bus;
}

/* Room taken may be more than is used, which shows on the wire. */
static void send_in_place(struct tachyon_bus *bus, struct sequence_piece piece, size_t size,
			  uint32_t type, bool is_flushed)
{
	void *data;
	int ret;

	check(tachyon_bus_reserve(bus, size, &data, TIMEOUT_NS), "reserve");
	memcpy(data, piece.data, piece.size);
	if (is_flushed)
		ret = tachyon_bus_commit(bus, piece.size, type);
	else
		ret = tachyon_bus_commit_unflushed(bus, piece.size, type);
	check(ret, "commit");
}

/* Each way to send, in turn. */
static void send_message(struct tachyon_bus *bus, struct sequence_piece piece, uint32_t type)
{
	switch (type % 3) {
	case 0:
		check(tachyon_bus_send(bus, piece.data, piece.size, type, TIMEOUT_NS), "send");
		break;
	case 1:
		send_in_place(bus, piece, piece.size, type, true);
		break;
	case 2:
		send_in_place(bus, piece, piece.size + 100, type, false);
		break;
	}
}

static void send_messages(const char *address, uint64_t count, bool is_listener)
{
	struct tachyon_bus *const bus = open_bus(address, is_listener);
	const uint64_t steps = sabotage_steps(sabotage, count);
	struct sequence_tally tally = {0};

	for (uint64_t step = 0; step < steps; step++) {
		struct sequence_piece piece;
		uint64_t number;

		if (!sabotage_number(sabotage, count, step, &number))
			continue;
		piece = sequence_message(number);
		sequence_count(&tally, piece);
		piece = sabotage_piece(sabotage, count, number, piece);
		send_message(bus, piece, (uint32_t)sabotage_label(sabotage, count, number));
	}
	say_goodbye();
	tachyon_bus_destroy(bus);
	sequence_report(&tally, "messages");
}

static void receive_messages(const char *address, uint64_t count, bool is_listener)
{
	struct tachyon_bus *const bus = open_bus(address, is_listener);
	struct tachyon_message messages[BATCH_MAX];
	struct sequence_tally tally = {0};
	int received;

	while ((received = tachyon_bus_receive_batch(bus, messages, 1 + tally.count % BATCH_MAX,
						     TIMEOUT_NS)) > 0) {
		for (int i = 0; i < received; i++) {
			sequence_check_number(&tally, count, "message", "type", tally.count,
					      messages[i].type);
			sequence_check_message(&tally, messages[i].data, messages[i].size);
		}
		check(tachyon_bus_release(bus, &messages[received - 1]), "release");
	}
	if (received != TACHYON_ERR_CLOSED || tachyon_bus_end(bus) != TACHYON_END_CLOSED)
		sequence_fail("after %" PRIu64 " messages: %s, end %d", tally.count,
			      tachyon_strerror(received), (int)tachyon_bus_end(bus));
	sequence_check_end(&tally, count, "messages");
	tachyon_bus_destroy(bus);
	sequence_report(&tally, "messages");
}

/* --- buffers and frames: sending --- */

static void await(struct tachyon_publisher *publisher, int error, const char *what)
{
	if (error == TACHYON_ERR_AGAIN)
		error = tachyon_publisher_wait(publisher, TIMEOUT_NS);
	check(error, what);
}

static struct tachyon_publisher *open_publisher(const char *address, const char *caps)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.policy = TACHYON_POLICY_BLOCK,
	};
	struct tachyon_publisher *publisher;

	if (sabotage == SABOTAGE_CAPS)
		caps = "video/x-raw, format=I420, width=322, height=242, framerate=30/1";
	check(tachyon_publisher_create(address, &options, &publisher), "publisher_create");
	check(tachyon_publisher_set_caps(publisher, caps), "set_caps");
	while (tachyon_publisher_subscribers(publisher) == 0)
		check(tachyon_publisher_wait(publisher, CONNECT_NS), "nobody subscribes");
	return publisher;
}

static void close_publisher(struct tachyon_publisher *publisher)
{
	int ret;

	say_goodbye();
	while ((ret = tachyon_publisher_send_eos(publisher)) < 0)
		await(publisher, ret, "send_eos");
	tachyon_publisher_destroy(publisher);
}

static void acquire(struct tachyon_publisher *publisher, size_t size, struct tachyon_frame *frame)
{
	int ret;

	while ((ret = tachyon_publisher_acquire(publisher, size, frame)) < 0)
		await(publisher, ret, "acquire");
}

static void commit(struct tachyon_publisher *publisher, struct tachyon_frame *frame)
{
	int ret;

	while ((ret = tachyon_publisher_commit(publisher, frame)) < 0)
		await(publisher, ret, "commit");
	if (ret == 0)
		sequence_fail("the subscriber left");
}

/* Copied by the library, or written in place: in turn, but an empty one has no block. */
static void send_buffer(struct tachyon_publisher *publisher, struct sequence_piece piece,
			uint64_t number, uint64_t pts)
{
	struct tachyon_frame frame = {
		.data = (void *)(uintptr_t)piece.data,
		.size = piece.size,
		.pts = pts,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = number,
		.offset_end = TACHYON_OFFSET_NONE,
	};
	int ret;

	if (number % 2 == 0 && piece.size > 0) {
		acquire(publisher, piece.size, &frame);
		memcpy(frame.data, piece.data, piece.size);
		frame.pts = pts;
		frame.offset = number;
		commit(publisher, &frame);
		return;
	}
	while ((ret = tachyon_publisher_send(publisher, &frame)) < 0)
		await(publisher, ret, "publisher_send");
	if (ret == 0)
		sequence_fail("the subscriber left");
}

static void send_buffers(const char *address, uint64_t count)
{
	struct tachyon_publisher *const publisher = open_publisher(address, SEQUENCE_BUFFER_CAPS);
	const uint64_t steps = sabotage_steps(sabotage, count);
	struct sequence_tally tally = {0};

	for (uint64_t step = 0; step < steps; step++) {
		struct sequence_piece piece;
		uint64_t number;

		if (!sabotage_number(sabotage, count, step, &number))
			continue;
		piece = sequence_message(number);
		sequence_count(&tally, piece);
		piece = sabotage_piece(sabotage, count, number, piece);
		send_buffer(publisher, piece, number, sabotage_label(sabotage, count, number));
	}
	close_publisher(publisher);
	sequence_report(&tally, "buffers");
}

static void send_frame(struct tachyon_publisher *publisher, struct sequence_piece picture,
		       uint64_t number, uint64_t pts)
{
	struct sequence_plane planes[SEQUENCE_PLANES];
	struct tachyon_frame frame;

	acquire(publisher, sequence_default_planes(NULL, planes), &frame);
	sequence_default_planes(frame.data, planes);
	sequence_draw(picture, planes);
	/* Sabotage of the size. */
	frame.size -= sequence_picture(number).size - picture.size;
	frame.pts = pts;
	frame.duration = sequence_duration(number);
	commit(publisher, &frame);
}

static void send_frames(const char *address, uint64_t count)
{
	struct tachyon_publisher *const publisher = open_publisher(address, SEQUENCE_FRAME_CAPS);
	const uint64_t steps = sabotage_steps(sabotage, count);
	struct sequence_tally tally = {0};

	for (uint64_t step = 0; step < steps; step++) {
		struct sequence_piece picture;
		uint64_t number;

		if (!sabotage_number(sabotage, count, step, &number))
			continue;
		picture = sequence_picture(number);
		sequence_count(&tally, picture);
		picture = sabotage_piece(sabotage, count, number, picture);
		send_frame(publisher, picture, number,
			   sequence_pts(sabotage_label(sabotage, count, number)));
	}
	close_publisher(publisher);
	sequence_report(&tally, "frames");
}

/* --- buffers and frames: receiving --- */

/* What the items so far were. */
struct reception {
	const char *noun;
	void (*check_caps)(const char *caps);
	void (*check_frame)(struct reception *reception, const struct tachyon_frame *frame);
	uint64_t count;
	struct sequence_tally tally;
	bool has_caps;
	bool is_over;
	struct tachyon_layout layout; /* plane_count 0: as GStreamer does by default */
};

/* Ends the process unless a field of caps has the value; caps may say its type: (int)322. */
static void check_field(const char *caps, const char *name, const char *value)
{
	const size_t length = strlen(name);
	const char *field = caps;
	size_t size;

	while ((field = strchr(field, ','))) {
		field += 1 + strspn(field + 1, " ");
		if (strncmp(field, name, length) == 0 && field[length] == '=')
			break;
	}
	if (!field)
		sequence_fail("no %s in the caps %s", name, caps);
	field += length + 1;
	if (*field == '(')
		field += strcspn(field, ")") + 1;
	size = strcspn(field, ",; ");
	if (size != strlen(value) || strncmp(field, value, size) != 0)
		sequence_fail("%s is not %s in the caps %s", name, value, caps);
}

static void check_media_type(const char *caps, const char *type)
{
	const size_t size = strcspn(caps, ",; (");

	if (size != strlen(type) || strncmp(caps, type, size) != 0)
		sequence_fail("these caps came: %s", caps);
}

static void check_buffer_caps(const char *caps)
{
	check_media_type(caps, SEQUENCE_BUFFER_CAPS);
}

static void check_frame_caps(const char *caps)
{
	check_media_type(caps, "video/x-raw");
	check_field(caps, "format", "I420");
	check_field(caps, "width", "322");
	check_field(caps, "height", "242");
	check_field(caps, "framerate", "30000/1001");
}

static void check_buffer(struct reception *reception, const struct tachyon_frame *frame)
{
	struct sequence_tally *const tally = &reception->tally;

	sequence_check_number(tally, reception->count, "buffer", "pts", tally->count, frame->pts);
	sequence_check_number(tally, reception->count, "buffer", "offset", tally->count,
			      frame->offset);
	sequence_check_message(tally, frame->data, frame->size);
}

/* Where the planes are, by the layout that was announced. */
static size_t find_planes(const struct tachyon_layout *layout, uint8_t *data,
			  struct sequence_plane *planes)
{
	const size_t size = sequence_default_planes(data, planes);

	if (layout->plane_count == 0)
		return size;
	if (layout->plane_count != SEQUENCE_PLANES || layout->width != 322 || layout->height != 242)
		sequence_fail("a layout came with %u planes, %u x %u", layout->plane_count,
			      layout->width, layout->height);
	for (uint32_t i = 0; i < SEQUENCE_PLANES; i++)
		planes[i] = (struct sequence_plane){data + layout->offset[i], layout->stride[i]};
	return layout->offset[2] + (size_t)layout->stride[2] * 121;
}

static void check_frame(struct reception *reception, const struct tachyon_frame *frame)
{
	struct sequence_tally *const tally = &reception->tally;
	struct sequence_plane planes[SEQUENCE_PLANES];

	sequence_check_number(tally, reception->count, "frame", "pts", sequence_pts(tally->count),
			      frame->pts);
	sequence_check_number(tally, reception->count, "frame", "duration",
			      sequence_duration(tally->count), frame->duration);
	if (frame->size < find_planes(&reception->layout, frame->data, planes))
		sequence_fail("frame %" PRIu64 ": %zu bytes came", tally->count, frame->size);
	sequence_check_picture(tally, planes);
}

static void take(struct reception *reception, struct tachyon_item *item)
{
	switch (item->type) {
	case TACHYON_ITEM_CAPS:
		reception->check_caps(item->caps);
		reception->has_caps = true;
		break;
	case TACHYON_ITEM_LAYOUT:
		reception->layout = item->layout;
		break;
	case TACHYON_ITEM_FRAME:
		if (!reception->has_caps)
			sequence_fail("%s came before the caps", reception->noun);
		reception->check_frame(reception, &item->frame);
		tachyon_frame_release(&item->frame);
		break;
	case TACHYON_ITEM_EOS:
		sequence_check_end(&reception->tally, reception->count, reception->noun);
		reception->is_over = true;
		break;
	case TACHYON_ITEM_CLOCK:
	case TACHYON_ITEM_EVENT:
		break;
	}
}

static void receive(const char *address, struct reception *reception)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	int ret;

	check(tachyon_subscriber_create(address, NULL, &subscriber), "subscriber_create");
	check(tachyon_subscriber_connect(subscriber, CONNECT_NS), "connect");
	while ((ret = tachyon_subscriber_receive(subscriber, &item, TIMEOUT_NS)) == 0) {
		if (reception->is_over)
			sequence_fail("an item of type %d came after the end", (int)item.type);
		take(reception, &item);
	}
	if (!reception->is_over || ret != TACHYON_ERR_CLOSED ||
	    tachyon_subscriber_end(subscriber) != TACHYON_END_CLOSED)
		sequence_fail("after %" PRIu64 " %s: %s, end %d", reception->tally.count,
			      reception->noun, tachyon_strerror(ret),
			      (int)tachyon_subscriber_end(subscriber));
	tachyon_subscriber_destroy(subscriber);
}

static void receive_buffers(const char *address, uint64_t count)
{
	struct reception reception = {
		.noun = "buffers",
		.check_caps = check_buffer_caps,
		.check_frame = check_buffer,
		.count = count,
	};

	receive(address, &reception);
	sequence_report(&reception.tally, reception.noun);
}

static void receive_frames(const char *address, uint64_t count)
{
	struct reception reception = {
		.noun = "frames",
		.check_caps = check_frame_caps,
		.check_frame = check_frame,
		.count = count,
	};

	receive(address, &reception);
	sequence_report(&reception.tally, reception.noun);
}

/* --- the command line --- */

static int usage(void)
{
	fprintf(stderr, "interop-c send-messages|receive-messages ADDRESS COUNT [listen|connect]\n"
			"interop-c send-buffers|receive-buffers|send-frames|receive-frames "
			"ADDRESS COUNT\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	const char *const role = argc > 4 ? argv[4] : "";
	const char *address;
	uint64_t count;

	if (argc < 4 || argc > 5)
		return usage();
	address = argv[2];
	count = strtoull(argv[3], NULL, 10);
	sabotage = sabotage_init();
	sequence_init();
	if (strcmp(what, "send-messages") == 0)
		send_messages(address, count, strcmp(role, "listen") == 0);
	else if (strcmp(what, "receive-messages") == 0)
		receive_messages(address, count, strcmp(role, "connect") != 0);
	else if (strcmp(what, "send-buffers") == 0)
		send_buffers(address, count);
	else if (strcmp(what, "receive-buffers") == 0)
		receive_buffers(address, count);
	else if (strcmp(what, "send-frames") == 0)
		send_frames(address, count);
	else if (strcmp(what, "receive-frames") == 0)
		receive_frames(address, count);
	else
		return usage();
	return 0;
}
