/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The handshake on a socket pair: what two honest sides agree on, and what each lie is answered.
 */
#include "handshake.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "raw-peer.h"
#include "system.h"

#define RING 8192u
#define MOST (1u << 20)

/* An honest side at [0], and a raw one at [1] that has an honest offer to lie about. */
struct table {
	int socks[2];
	struct tach_offer ours;
	struct tach_offer theirs;
	struct tach_hello hello;
	int fds[3];
};

static struct table make_table(void)
{
	struct table table;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, table.socks),
		 0);
	CHECK_EQ(tach_offer_init(&table.ours, TACH_SERVICE_BUS, RING, MOST), 0);
	CHECK_EQ(tach_offer_init(&table.theirs, TACH_SERVICE_BUS, RING, MOST), 0);
	table.hello = raw_hello(&table.theirs, TACH_PACKET_HELLO);
	raw_offer_fds(&table.theirs, table.fds);
	return table;
}

static void clear_table(struct table *table)
{
	tach_offer_fini(&table->ours);
	tach_offer_fini(&table->theirs);
	tach_os_close(table->socks[0]);
	tach_os_close(table->socks[1]);
}

/* What the honest side answers to the table's hello, with so many of its fds; nothing may leak. */
static int judge_fds(struct table *table, size_t count)
{
	struct tach_guest guest;
	const int before = next_fd();
	int ret;

	raw_send(table->socks[1], &table->hello, sizeof(table->hello), table->fds, count);
	ret = tach_hello_receive(table->socks[0], TACH_PACKET_HELLO, &table->ours, &guest);
	if (ret == 0)
		tach_guest_fini(&guest);
	CHECK_EQ(next_fd(), before);
	return ret;
}

static int judge(struct table *table)
{
	return judge_fds(table, 3);
}

/* --- two honest sides --- */

TEST(two_honest_sides_get_each_others_rings_and_bells)
{
	struct table table = make_table();
	struct tach_guest left, right;
	struct pollfd bell = {.events = POLLIN};

	CHECK_EQ(tach_hello_send(table.socks[0], TACH_PACKET_HELLO, &table.ours), 0);
	CHECK_EQ(tach_hello_receive(table.socks[1], TACH_PACKET_HELLO, &table.theirs, &right), 0);
	CHECK_EQ(tach_hello_send(table.socks[1], TACH_PACKET_WELCOME, &table.theirs), 0);
	CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_WELCOME, &table.ours, &left), 0);

	CHECK_EQ(left.segment.data_size, RING);
	table.ours.segment.data[100] = 'x';
	CHECK_EQ(right.segment.data[100], 'x');
	CHECK_EQ(right.segment.data[RING + 100], 'x');
	CHECK_EQ(write_in_child(right.segment.data), -SIGSEGV);
	CHECK_EQ(left.both_membarrier, right.both_membarrier);
	CHECK_EQ(left.both_membarrier, tach_os_membarrier_register());

	tach_sock_ring(right.data_bell);
	bell.fd = table.ours.data_bell[0];
	CHECK_EQ(tach_os_poll(&bell, 1, 0), 1);
	bell.fd = table.ours.space_bell[0];
	CHECK_EQ(tach_os_poll(&bell, 1, 0), 0);
	tach_sock_ring(right.space_bell);
	CHECK_EQ(tach_os_poll(&bell, 1, 0), 1);

	tach_guest_fini(&left);
	tach_guest_fini(&right);
	clear_table(&table);
}

TEST(rings_may_differ_in_size)
{
	struct table table = make_table();
	struct tach_guest guest;

	tach_offer_fini(&table.theirs);
	CHECK_EQ(tach_offer_init(&table.theirs, TACH_SERVICE_BUS, MOST / 2, MOST), 0);
	CHECK_EQ(tach_hello_send(table.socks[1], TACH_PACKET_HELLO, &table.theirs), 0);
	CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest), 0);
	CHECK_EQ(guest.segment.data_size, MOST / 2);
	tach_guest_fini(&guest);
	clear_table(&table);
}

TEST(an_honest_raw_hello_is_accepted)
{
	struct table table = make_table();

	CHECK_EQ(judge(&table), 0);
	/* What is reserved may carry meaning one day, to those who know it. */
	table.hello.features |= 0x80000000u;
	CHECK_EQ(judge(&table), 0);
	clear_table(&table);
}

TEST(membarrier_is_used_only_when_both_can)
{
	struct table table = make_table();
	struct tach_guest guest;

	table.hello.features = 0;
	raw_send(table.socks[1], &table.hello, sizeof(table.hello), table.fds, 3);
	CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest), 0);
	CHECK(!guest.both_membarrier);
	tach_guest_fini(&guest);
	clear_table(&table);
}

/* --- nothing, or the end --- */

TEST(no_packet_yet_is_eagain_and_a_peer_that_left_is_epipe)
{
	struct table table = make_table();
	struct tach_guest guest;

	CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest),
		 -EAGAIN);
	tach_os_close(table.socks[1]);
	table.socks[1] = -1;
	CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest),
		 -EPIPE);
	CHECK_EQ(tach_hello_send(table.socks[0], TACH_PACKET_HELLO, &table.ours), -EPIPE);
	tach_hello_reject(table.socks[0], -EACCES);
	clear_table(&table);
}

TEST(a_peer_that_does_not_read_is_eagain)
{
	struct table table = make_table();
	int ret = 0;

	for (int i = 0; i < 100000 && ret == 0; i++)
		ret = tach_hello_send(table.socks[0], TACH_PACKET_HELLO, &table.ours);
	CHECK_EQ(ret, -EAGAIN);
	tach_hello_reject(table.socks[0], -EACCES);
	clear_table(&table);
}

/* --- rejection --- */

static int receive_reject(struct table *table)
{
	struct tach_guest guest;

	return tach_hello_receive(table->socks[0], TACH_PACKET_WELCOME, &table->ours, &guest);
}

TEST(a_reject_brings_its_code)
{
	static const int codes[] = {TACHYON_ERR_DENIED,
				    TACHYON_ERR_VERSION,
				    TACHYON_ERR_TOO_BIG,
				    TACHYON_ERR_CORRUPT,
				    -ENOMEM,
				    -EMFILE};
	struct table table = make_table();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(codes); i++) {
		tach_hello_reject(table.socks[1], codes[i]);
		CHECK_EQ(receive_reject(&table), codes[i]);
	}
	clear_table(&table);
}

TEST(a_reject_with_a_code_that_no_listener_has_reason_to_send_is_corrupt)
{
	static const int codes[] = {0, 1, INT32_MAX, INT32_MIN, -100000, -EAGAIN, -ECHILD};
	struct table table = make_table();
	struct tach_reject reject = {
		.magic = TACH_MAGIC, .protocol = TACH_PROTOCOL, .kind = TACH_PACKET_REJECT};

	/* Not even a text that ends. */
	memset(reject.text, 'x', sizeof(reject.text));
	for (size_t i = 0; i < TACH_ARRAY_SIZE(codes); i++) {
		reject.code = codes[i];
		raw_send(table.socks[1], &reject, sizeof(reject), NULL, 0);
		CHECK_EQ(receive_reject(&table), -EBADMSG);
	}
	clear_table(&table);
}

TEST(a_reject_that_is_cut_is_corrupt_and_fds_it_brings_are_closed)
{
	struct table table = make_table();
	const struct tach_reject reject = {.magic = TACH_MAGIC,
					   .protocol = TACH_PROTOCOL,
					   .kind = TACH_PACKET_REJECT,
					   .code = -EACCES};
	const int before = next_fd();

	raw_send(table.socks[1], &reject, 20, NULL, 0);
	CHECK_EQ(receive_reject(&table), -EBADMSG);
	raw_send(table.socks[1], &reject, sizeof(reject), table.fds, 3);
	CHECK(receive_reject(&table) < 0);
	CHECK_EQ(next_fd(), before);
	clear_table(&table);
}

/* --- lies in the packet --- */

TEST(another_magic_is_no_tachyon_peer)
{
	struct table table = make_table();

	table.hello.magic ^= 1;
	CHECK_EQ(judge(&table), -EBADMSG);
	table.hello.magic = 0;
	CHECK_EQ(judge(&table), -EBADMSG);
	clear_table(&table);
}

TEST(another_protocol_service_byte_order_or_word_size_is_told_apart)
{
	struct table table = make_table();
	const struct tach_hello honest = table.hello;

	table.hello.protocol = TACH_PROTOCOL + 1;
	CHECK_EQ(judge(&table), -EPROTONOSUPPORT);
	table.hello.protocol = 0;
	CHECK_EQ(judge(&table), -EPROTONOSUPPORT);

	table.hello = honest;
	table.hello.service = TACH_SERVICE_FRAMES;
	CHECK_EQ(judge(&table), -EPROTONOSUPPORT);
	table.hello.service = 0xffffffff;
	CHECK_EQ(judge(&table), -EPROTONOSUPPORT);

	table.hello = honest;
	table.hello.byte_order = 0x04030201;
	CHECK_EQ(judge(&table), -EPROTONOSUPPORT);

	table.hello = honest;
	table.hello.word_size = 4;
	CHECK_EQ(judge(&table), -EPROTONOSUPPORT);
	clear_table(&table);
}

TEST(another_version_may_have_a_longer_packet)
{
	struct table table = make_table();
	struct tach_guest guest;
	char packet[128] = "";

	table.hello.protocol = TACH_PROTOCOL + 1;
	memcpy(packet, &table.hello, sizeof(table.hello));
	raw_send(table.socks[1], packet, sizeof(packet), NULL, 0);
	CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest),
		 -EPROTONOSUPPORT);
	clear_table(&table);
}

TEST(a_packet_of_another_kind_is_corrupt)
{
	static const uint32_t kinds[] = {0, TACH_PACKET_WELCOME, TACH_PACKET_SEGMENT, 5,
					 0xffffffff};
	struct table table = make_table();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(kinds); i++) {
		table.hello.kind = kinds[i];
		CHECK_EQ(judge(&table), -EBADMSG);
	}
	clear_table(&table);
}

TEST(a_ring_over_our_limit_is_too_big)
{
	struct table table = make_table();

	tach_offer_fini(&table.theirs);
	CHECK_EQ(tach_offer_init(&table.theirs, TACH_SERVICE_BUS, 2 * MOST, MOST), 0);
	table.hello = raw_hello(&table.theirs, TACH_PACKET_HELLO);
	raw_offer_fds(&table.theirs, table.fds);
	CHECK_EQ(judge(&table), -EMSGSIZE);

	table.hello.ring_size = UINT64_MAX;
	CHECK_EQ(judge(&table), -EMSGSIZE);
	/* Saying it is small does not help. */
	table.hello.ring_size = RING;
	CHECK(judge(&table) < 0);
	clear_table(&table);
}

TEST(a_ring_size_that_is_not_the_segments_is_corrupt)
{
	static const uint64_t sizes[] = {0, 1, RING / 2, RING * 2, RING + 64};
	struct table table = make_table();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		table.hello.ring_size = sizes[i];
		CHECK_EQ(judge(&table), -EBADMSG);
	}
	clear_table(&table);
}

TEST(a_packet_that_is_cut_or_longer_is_corrupt)
{
	static const size_t sizes[] = {1, 8, 16, 63, 65, 100, 128, 200};
	struct table table = make_table();
	const int before = next_fd();
	struct tach_guest guest;
	char packet[256] = "";

	memcpy(packet, &table.hello, sizeof(table.hello));
	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		raw_send(table.socks[1], packet, sizes[i], table.fds, 3);
		CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest),
			 -EBADMSG);
		CHECK_EQ(next_fd(), before);
	}
	clear_table(&table);
}

/* --- lies in the fds --- */

TEST(missing_or_surplus_fds_are_corrupt)
{
	struct table table = make_table();
	int many[12];
	struct tach_guest guest;
	const int before = next_fd();

	for (size_t count = 0; count < 3; count++)
		CHECK_EQ(judge_fds(&table, count), -EBADMSG);
	for (size_t i = 0; i < 12; i++)
		many[i] = table.fds[i % 3];
	for (size_t count = 4; count <= 12; count++) {
		raw_send(table.socks[1], &table.hello, sizeof(table.hello), many, count);
		CHECK_EQ(tach_hello_receive(table.socks[0], TACH_PACKET_HELLO, &table.ours, &guest),
			 -EBADMSG);
		CHECK_EQ(next_fd(), before);
	}
	clear_table(&table);
}

static int judge_with(int index, int fd)
{
	struct table table = make_table();
	int ret;

	table.fds[index] = fd;
	ret = judge(&table);
	clear_table(&table);
	return ret;
}

TEST(a_bell_that_is_no_doorbell_is_corrupt)
{
	int stream[2], packets[2];
	const int event = tach_os_eventfd();
	const int lonely = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int internet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int *const bad[] = {&event, &lonely, &internet, &file, &stream[0], &packets[0]};

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, packets), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(bad); i++) {
		if (*bad[i] < 0)
			continue;
		CHECK_EQ(judge_with(1, *bad[i]), -EBADMSG);
		CHECK_EQ(judge_with(2, *bad[i]), -EBADMSG);
	}
	close(event);
	close(lonely);
	close(internet);
	close(file);
	close(stream[0]);
	close(stream[1]);
	close(packets[0]);
	close(packets[1]);
}

TEST(a_segment_that_is_no_sealed_memory_file_of_a_ring_is_corrupt)
{
	struct tach_segment payload, ring;
	const int unsealed = tach_os_memfd("unsealed");
	const int pipe_or_so = tach_os_eventfd();

	CHECK_EQ(tach_os_allocate(unsealed, RING + TACH_HEADER_SIZE), 0);
	CHECK_EQ(tach_segment_create_payload(&payload, 4096, 2), 0);
	CHECK_EQ(tach_segment_create_ring(&ring, RING), 0);
	CHECK_EQ(judge_with(0, ring.fd), 0);

	CHECK_EQ(judge_with(0, payload.fd), -EBADMSG);
	CHECK_EQ(judge_with(0, unsealed), -EBADMSG);
	CHECK_EQ(judge_with(0, pipe_or_so), -EBADMSG);
	ring.header->magic++;
	CHECK_EQ(judge_with(0, ring.fd), -EBADMSG);
	ring.header->magic--;
	ring.header->data_offset += 64;
	CHECK_EQ(judge_with(0, ring.fd), -EBADMSG);

	tach_segment_destroy(&payload);
	tach_segment_destroy(&ring);
	close(unsealed);
	close(pipe_or_so);
}

TEST(fds_in_another_order_are_corrupt)
{
	struct table table = make_table();

	table.fds[0] = table.theirs.data_bell[1];
	table.fds[1] = table.theirs.segment.fd;
	CHECK_EQ(judge(&table), -EBADMSG);
	clear_table(&table);
}

/* --- offers --- */

TEST(what_owns_nothing_can_be_finished)
{
	struct tach_offer offer = {0};
	struct tach_guest guest = {0};

	tach_offer_fini(&offer);
	tach_guest_fini(&guest);
	CHECK(fcntl(0, F_GETFD) >= 0);
}

static int offer_without_fds(void *argument)
{
	struct tach_offer offer;
	int ret;

	(void)argument;
	for (int spare = 0; spare < 5; spare++) {
		const int before = next_fd();
		const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)(before + spare));

		ret = tach_offer_init(&offer, TACH_SERVICE_BUS, RING, MOST);
		setrlimit(RLIMIT_NOFILE, &old);
		CHECK_EQ(ret, -EMFILE);
		CHECK_EQ(next_fd(), before);
	}
	return 0;
}

TEST(an_offer_without_enough_fds_is_emfile_and_leaves_nothing)
{
	CHECK_EQ(wait_child(run_child(offer_without_fds, NULL)), 0);
}
