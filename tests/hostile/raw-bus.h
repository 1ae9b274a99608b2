/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus that ends in the victim on one side and in a raw peer on the other.
 */
#ifndef TACHYON_TESTS_RAW_BUS_H
#define TACHYON_TESTS_RAW_BUS_H

#include "bus.h"
#include "pair.h"
#include "raw-peer.h"

#define RAW_BUS_RING 4096u

struct raw_bus {
	struct tachyon_bus *victim;
	struct raw_peer liar;
};

static int raw_bus_connect(void *bus)
{
	const struct tachyon_bus_options options = bus_options(RAW_BUS_RING, 1);

	return tachyon_bus_connect("liar", &options, bus);
}

static inline struct raw_bus make_raw_bus(void)
{
	const int listener = tach_sock_listen("liar");
	struct raw_bus raw;
	struct helper helper;

	start_helper(&helper, raw_bus_connect, &raw.victim);
	raw.liar = raw_peer_accept(listener, TACH_SERVICE_BUS, RAW_BUS_RING);
	CHECK_EQ(finish_helper(&helper), 0);
	close(listener);
	unlink("liar");
	return raw;
}

static inline void close_raw_bus(struct raw_bus *raw)
{
	tachyon_bus_destroy(raw->victim);
	raw_peer_close(&raw->liar);
}

/* What the victim was given to read lies in what it has mapped of the liar's. */
static inline void check_in_ring(const struct tachyon_bus *victim,
				 const struct tachyon_message *message)
{
	const struct tach_segment *const segment = &victim->peer_segment;
	const uint8_t *const data = message->data;
	unsigned int sum = 0;

	CHECK(data >= segment->data && data <= segment->data + segment->data_size);
	CHECK(message->size <= segment->data_size - 128);
	for (size_t i = 0; i < message->size; i++)
		sum += ((const volatile uint8_t *)data)[i];
	CHECK(sum <= 255 * message->size);
}

#endif
