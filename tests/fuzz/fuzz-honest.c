/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber that keeps to the protocol.
 */
#include "fuzz-honest.h"

#include "fuzz-fds.h"
#include "os.h"

/* So that all that an input sends finds room at once, also behind a cork. */
#define RING_SIZE (64u << 10)

void fuzz_honest_join(struct fuzz_honest *honest, struct tachyon_publisher *publisher)
{
	const struct tach_bus_request request = {.is_given = true};
	struct tach_guest guest = {.data_bell = -1, .space_bell = -1};
	struct tach_offer offer;
	struct tachyon_bus *bus;
	int ends[2];

	fuzz_connect(ends);
	FUZZ_CHECK(tach_offer_init(&offer, TACH_SERVICE_FRAMES, RING_SIZE, 64u << 20) == 0);
	offer.features = TACH_FEATURE_DESCRIPTORS;
	FUZZ_CHECK(tachyon_publisher_adopt(publisher, ends[1]) == 0);
	tach_os_close(ends[1]);
	FUZZ_CHECK(tach_hello_send(ends[0], TACH_PACKET_HELLO, &offer) == 0);
	FUZZ_CHECK(tachyon_publisher_dispatch(publisher) == 0);
	FUZZ_CHECK(tach_hello_receive(ends[0], TACH_PACKET_WELCOME, &offer, &guest) == 0);
	FUZZ_CHECK(tach_bus_create(ends[0], &offer, &guest, &request, &bus) == 0);
	FUZZ_CHECK(tach_connection_create(bus, 64u << 20, false, NULL, &honest->connection) == 0);
	honest->id = tachyon_publisher_newest(publisher);
	FUZZ_CHECK(honest->id != 0);
}

void fuzz_honest_fill(void *data, uint64_t number)
{
	memcpy(data, &number, sizeof(number));
}

void fuzz_honest_expect(struct fuzz_honest *honest, uint64_t number, size_t size)
{
	FUZZ_CHECK(honest->last - honest->first < FUZZ_HONEST_MAX);
	honest->expected[honest->last++ % FUZZ_HONEST_MAX] =
		(struct fuzz_expected){.number = number, .size = size};
}

static void check_content(const struct tachyon_frame *frame)
{
	uint64_t number;

	FUZZ_CHECK(tachyon_frame_is_valid(frame));
	if (!frame->data)
		return;
	memcpy(&number, frame->data, sizeof(number));
	FUZZ_CHECK(number == frame->pts);
}

void fuzz_honest_release(struct fuzz_honest *honest)
{
	while (honest->held_count > 0) {
		struct tachyon_frame *frame = &honest->held[--honest->held_count];

		/* It stands as it was sent, as long as it is held. */
		check_content(frame);
		tachyon_frame_release(frame);
	}
}

static void take_frame(struct fuzz_honest *honest, const struct tachyon_message *message)
{
	const struct fuzz_expected *expected = &honest->expected[honest->first % FUZZ_HONEST_MAX];
	struct tachyon_frame frame;

	FUZZ_CHECK(tach_connection_take_frame(honest->connection, message, &frame) == 0);
	FUZZ_CHECK(honest->first != honest->last);
	FUZZ_CHECK(frame.pts == expected->number && frame.size == expected->size);
	FUZZ_CHECK(!(frame.hints & TACHYON_FRAME_AFTER_DROP));
	honest->first++;
	check_content(&frame);
	if (honest->held_count < FUZZ_HONEST_HELD && frame.pts % 2 == 0)
		honest->held[honest->held_count++] = frame;
	else
		tachyon_frame_release(&frame);
}

static void take_outline(struct fuzz_honest *honest, const struct tachyon_message *message)
{
	uint32_t type;
	size_t size;
	void *body;

	FUZZ_CHECK(tach_connection_take_outline(honest->connection, message, &type, &body, &size) ==
		   0);
	free(body);
}

void fuzz_honest_receive(struct fuzz_honest *honest)
{
	struct tachyon_bus *const bus = tach_connection_bus(honest->connection);
	struct tachyon_message message;
	int ret;

	while ((ret = tachyon_bus_receive(bus, &message, 0)) == 0) {
		if (message.type == TACH_WIRE_FRAME || message.type == TACH_WIRE_INLINE)
			take_frame(honest, &message);
		else if (message.type == TACH_WIRE_OUTLINE)
			take_outline(honest, &message);
		else if (message.type == TACH_WIRE_RETIRE)
			FUZZ_CHECK(tach_connection_retire(honest->connection, &message) == 0);
		FUZZ_CHECK(tachyon_bus_release(bus, &message) == 0);
	}
	FUZZ_CHECK(ret == TACHYON_ERR_AGAIN);
}

bool fuzz_honest_has_all(const struct fuzz_honest *honest)
{
	return honest->first == honest->last;
}
