/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * DMABuf through the source: what downstream gets, for how long, and what it costs.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "dmabuf-fixture.h"
#include "gsttachyonallocator.h"
#include "gsttachyonreceiver.h"
#include "gsttachyonsender.h"
#include "src-fixture.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- the producer: made of the C API --- */

static struct tachyon_block *lend_file(struct producer *producer, int fd, guint64 size)
{
	struct tachyon_block *block;

	CHECK_EQ(tachyon_publisher_lend(producer->publisher, fd, size, &block), 0);
	return block;
}

static void send_lent(struct producer *producer, struct tachyon_block *block, guint64 offset,
		      gsize size, guint64 pts, void *cookie)
{
	const struct tachyon_frame frame = {
		.size = size,
		.pts = pts,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
		.block = block,
	};

	CHECK_EQ(tachyon_publisher_publish_lent(producer->publisher, &frame, offset, cookie), 1);
}

static void send_dmabuf_prologue(struct producer *producer)
{
	send_gst_event(producer, gst_event_new_stream_start("the-stream"));
	send_caps(producer, DMABUF_CAPS);
	send_segment(producer, 0, 0);
}

static gboolean has_come_back(void *data)
{
	struct producer *const producer = data;

	return tachyon_publisher_reclaim(producer->publisher) != NULL;
}

/* --- what downstream gets --- */

TEST(a_frame_behind_a_descriptor_is_a_read_only_dmabuf)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "always-copy=true");
	const int fd = make_file(3 * PICTURE, F_SEAL_SHRINK);
	GstBuffer *buffer;
	GstMemory *memory;

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	fill_file(fd, PICTURE, PICTURE, 7);
	send_lent(producer, lend_file(producer, fd, 3 * PICTURE), PICTURE, PICTURE, 0, NULL);
	buffer = await_buffer(consumer);
	CHECK_EQ(gst_buffer_n_memory(buffer), 1);
	memory = gst_buffer_peek_memory(buffer, 0);
	CHECK(gst_is_dmabuf_memory(memory));
	CHECK(GST_MEMORY_IS_READONLY(memory));
	CHECK_EQ(memory->offset, PICTURE);
	CHECK_EQ(memory->size, PICTURE);
	CHECK_EQ(inode_of(gst_dmabuf_memory_get_fd(memory)), inode_of(fd));
	CHECK(is_all(buffer, PICTURE, 7));
	CHECK_EQ(figure(consumer, "copied"), 0);
	gst_buffer_unref(buffer);
	close(fd);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(who_writes_to_it_writes_to_a_copy)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");
	const int fd = make_file(PICTURE, F_SEAL_SHRINK);
	guint8 *const data = mmap(NULL, PICTURE, PROT_READ, MAP_SHARED, fd, 0);
	GstBuffer *buffer;

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	send_lent(producer, lend_file(producer, fd, PICTURE), 0, PICTURE, 0, NULL);
	buffer = gst_buffer_make_writable(await_buffer(consumer));
	CHECK_EQ(gst_buffer_memset(buffer, 0, 9, PICTURE), PICTURE);
	CHECK(is_all(buffer, PICTURE, 9));
	CHECK_EQ(data[0], 0);
	CHECK_EQ(data[PICTURE - 1], 0);
	gst_buffer_unref(buffer);
	munmap(data, PICTURE);
	close(fd);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(the_same_memory_comes_with_each_frame_of_a_descriptor)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");
	const int fd = make_file(2 * PICTURE, F_SEAL_SHRINK);
	struct tachyon_block *block;
	GstMemory *memories[2] = {NULL};
	const guint8 *addresses[2] = {NULL};
	int fds = 0;

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	block = lend_file(producer, fd, 2 * PICTURE);
	for (guint i = 0; i < 20; i++) {
		GstBuffer *buffer;
		GstMapInfo map;

		fill_file(fd, i % 2 * PICTURE, PICTURE, (guint8)i);
		send_lent(producer, block, i % 2 * PICTURE, PICTURE, i, producer);
		buffer = await_buffer(consumer);
		CHECK(is_all(buffer, PICTURE, (guint8)i));
		CHECK(gst_buffer_map(buffer, &map, GST_MAP_READ));
		if (i < 2) {
			memories[i] = gst_buffer_peek_memory(buffer, 0);
			addresses[i] = map.data;
		}
		/* Each piece is its own memory, mapped once. */
		CHECK(gst_buffer_peek_memory(buffer, 0) == memories[i % 2]);
		CHECK(map.data == addresses[i % 2]);
		gst_buffer_unmap(buffer, &map);
		gst_buffer_unref(buffer);
		await(has_come_back, producer);
		if (i == 1)
			fds = count_files();
	}
	CHECK(memories[0] != memories[1]);
	CHECK_EQ(count_files(), fds);
	close(fd);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_frame_goes_back_when_the_last_share_of_a_share_is_gone)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");
	const int fd = make_file(PICTURE, F_SEAL_SHRINK);
	GstBuffer *buffer;
	GstMemory *share, *again;

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	send_lent(producer, lend_file(producer, fd, PICTURE), 0, PICTURE, 0, producer);
	buffer = await_buffer(consumer);
	share = gst_memory_share(gst_buffer_peek_memory(buffer, 0), 100, 1000);
	gst_buffer_unref(buffer);
	again = gst_memory_share(share, 100, 100);
	gst_memory_unref(share);
	for (int i = 0; i < 20; i++) {
		g_usleep(1000);
		CHECK(!has_come_back(producer));
	}
	gst_memory_unref(again);
	await(has_come_back, producer);
	close(fd);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(two_frames_of_one_descriptor_may_be_held_at_a_time)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");
	const int fd = make_file(PICTURE, F_SEAL_SHRINK);
	struct tachyon_block *block;
	GstBuffer *first, *second;

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	block = lend_file(producer, fd, PICTURE);
	send_lent(producer, block, 0, PICTURE, 0, producer);
	send_lent(producer, block, 0, PICTURE, 1, producer);
	first = await_buffer(consumer);
	second = await_buffer(consumer);
	CHECK(gst_buffer_peek_memory(first, 0) != gst_buffer_peek_memory(second, 0));
	gst_buffer_unref(first);
	await(has_come_back, producer);
	CHECK(is_all(second, PICTURE, 0));
	CHECK(!has_come_back(producer));
	gst_buffer_unref(second);
	await(has_come_back, producer);
	close(fd);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_buffer_outlives_the_source_and_the_producer)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");
	const int fd = make_file(PICTURE, F_SEAL_SHRINK);
	GstBuffer *buffer;

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	fill_file(fd, 0, PICTURE, 3);
	send_lent(producer, lend_file(producer, fd, PICTURE), 0, PICTURE, 0, NULL);
	buffer = await_buffer(consumer);
	finish_consumer(consumer);
	stop_producer(producer);
	CHECK(is_all(buffer, PICTURE, 3));
	gst_buffer_unref(buffer);
	CHECK_EQ(count_files(), 1);
	close(fd);
}

TEST(another_format_lets_go_of_the_old_descriptors)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	for (guint i = 0; i < 8; i++) {
		const int fd = make_file(PICTURE, F_SEAL_SHRINK);
		struct tachyon_block *const block = lend_file(producer, fd, PICTURE);

		close(fd);
		send_lent(producer, block, 0, PICTURE, i, producer);
		gst_buffer_unref(await_buffer(consumer));
		await(has_come_back, producer);
		tachyon_publisher_take_back(producer->publisher, block);
	}
	/* Eight of ours. The publisher's and the subscriber's go as they are retired. */
	CHECK(count_files() >= 8);
	send_caps(producer, SYSTEM_CAPS);
	do {
		send_frame(producer, 10, PICTURE, 1);
		gst_buffer_unref(await_buffer(consumer));
	} while (count_files() > 0);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(descriptors_that_are_not_seen_any_more_are_let_go_of)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = start_consumer("p", "");

	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	/* A producer that makes each buffer anew, and frees it. */
	for (guint i = 0; i < 1200; i++) {
		const int fd = make_file(PICTURE, F_SEAL_SHRINK);
		struct tachyon_block *const block = lend_file(producer, fd, PICTURE);

		close(fd);
		send_lent(producer, block, 0, PICTURE, i, producer);
		gst_buffer_unref(await_buffer(consumer));
		await(has_come_back, producer);
		tachyon_publisher_take_back(producer->publisher, block);
	}
	CHECK(count_files() < 600);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(planes_are_where_the_meta_says_also_for_who_reads_no_meta)
{
	struct producer *const producer = start_producer("p");
	struct consumer *const consumer = make_consumer("p", "", "identity ! ");
	const struct tachyon_layout layout = {
		.width = 64,
		.height = 64,
		.plane_count = 1,
		.offset = {128},
		.stride = {128},
	};
	const int fd = make_file(16384, F_SEAL_SHRINK);
	GstVideoMeta *meta;
	GstBuffer *buffer;

	play(consumer);
	await_subscriber(producer);
	send_dmabuf_prologue(producer);
	CHECK_EQ(tachyon_publisher_set_layout(producer->publisher, &layout), 0);
	send_lent(producer, lend_file(producer, fd, 16384), 4096, 12288, 0, NULL);
	buffer = await_buffer(consumer);
	CHECK(gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)));
	meta = gst_buffer_get_video_meta(buffer);
	CHECK(meta != NULL);
	CHECK_EQ(meta->offset[0], 128);
	CHECK_EQ(meta->stride[0], 128);
	gst_buffer_unref(buffer);
	close(fd);
	finish_consumer(consumer);
	stop_producer(producer);
}

/* --- what it costs: both elements' parts on one thread --- */

#define ROUNDS 2000

struct ends {
	struct tachyon_publisher *handle;
	struct tachyon_subscriber *subscriber;
	GstTachyonPublisher *publisher;
	GstAllocator *allocator;
	GstTachyonSender *sender;
	GstTachyonReceiver *receiver;
	GstBuffer *buffers[4];
	gint crossed;
};

static void *connect_in_thread(void *data)
{
	return GINT_TO_POINTER(tachyon_subscriber_connect(data, 10ll * 1000000000));
}

static struct ends make_ends(void)
{
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.takes_descriptors = 1,
	};
	GstCaps *const caps = gst_caps_from_string(DMABUF_CAPS);
	struct ends ends = {0};
	GThread *thread;

	CHECK_EQ(tachyon_publisher_create("p", NULL, &ends.handle), 0);
	CHECK_EQ(tachyon_subscriber_create("p", &options, &ends.subscriber), 0);
	thread = g_thread_new("connect", connect_in_thread, ends.subscriber);
	while (tachyon_publisher_subscribers(ends.handle) == 0)
		tachyon_publisher_dispatch(ends.handle);
	CHECK_EQ(GPOINTER_TO_INT(g_thread_join(thread)), 0);
	ends.publisher = gst_tachyon_publisher_new(ends.handle);
	ends.allocator = gst_tachyon_allocator_new(ends.publisher);
	ends.sender = gst_tachyon_sender_new(ends.handle, GST_TACHYON_ALLOCATOR(ends.allocator));
	ends.receiver = gst_tachyon_receiver_new();
	CHECK_EQ(gst_tachyon_sender_configure(ends.sender, caps, 0), 0);
	gst_tachyon_receiver_set_caps(ends.receiver, caps);
	gst_caps_unref(caps);
	for (int i = 0; i < 4; i++) {
		ends.buffers[i] = buffer_of(make_memory(PICTURE), 0);
		gst_buffer_add_video_meta(ends.buffers[i], GST_VIDEO_FRAME_FLAG_NONE,
					  GST_VIDEO_FORMAT_GRAY8, 64, 64);
	}
	return ends;
}

static void cross(struct ends *ends, GstBuffer *buffer)
{
	struct tachyon_item item;
	GstBuffer *received;

	CHECK_EQ(gst_tachyon_sender_send_buffer(ends->sender, buffer, 0), 1);
	do {
		CHECK_EQ(tachyon_subscriber_receive(ends->subscriber, &item, 0), 0);
		if (item.type == TACHYON_ITEM_LAYOUT)
			gst_tachyon_receiver_set_layout(ends->receiver, &item.layout);
	} while (item.type != TACHYON_ITEM_FRAME);
	received = gst_tachyon_receiver_take(ends->receiver, &item.frame, FALSE);
	CHECK(gst_is_dmabuf_memory(gst_buffer_peek_memory(received, 0)));
	CHECK(gst_buffer_get_video_meta(received) != NULL);
	gst_buffer_unref(received);
	ends->crossed++;
}

/* What a thread needs to have memory and locks, and to end. */
static gboolean forbid_the_rest(void)
{
	static const int allowed[] = {
		SYS_futex,
		SYS_brk,
		SYS_mmap,
		SYS_munmap,
		SYS_mprotect,
		SYS_mremap,
		SYS_madvise,
		SYS_rt_sigprocmask,
		SYS_exit,
		SYS_exit_group,
#ifdef SYS_rseq
		SYS_rseq,
#endif
		SYS_set_robust_list,
		SYS_sched_yield,
	};
	struct sock_filter code[2 * G_N_ELEMENTS(allowed) + 2];
	struct sock_fprog program = {.filter = code};
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned int)allowed[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)n;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void *cross_without_system_calls(void *data)
{
	struct ends *const ends = data;

	/* The first of each: its descriptor crosses. */
	for (int i = 0; i < 4; i++)
		cross(ends, ends->buffers[i]);
	if (!forbid_the_rest())
		return NULL;
	for (int i = 0; i < ROUNDS; i++)
		cross(ends, ends->buffers[i % 4]);
	return ends;
}

TEST(after_the_first_time_a_buffer_crosses_without_a_system_call)
{
	struct ends ends;
	GThread *thread;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	SKIP("a sanitizer's allocator makes system calls of its own");
#endif
	ends = make_ends();
	thread = g_thread_new("cross", cross_without_system_calls, &ends);
	if (!g_thread_join(thread))
		SKIP("no seccomp filters");
	CHECK_EQ(ends.crossed, 4 + ROUNDS);
	CHECK_EQ(gst_tachyon_sender_get_copied(ends.sender), 0);

	for (int i = 0; i < 4; i++)
		gst_buffer_unref(ends.buffers[i]);
	gst_tachyon_receiver_free(ends.receiver);
	tachyon_subscriber_destroy(ends.subscriber);
	gst_tachyon_publisher_close(ends.publisher);
	gst_tachyon_sender_free(ends.sender);
	gst_object_unref(ends.allocator);
	gst_tachyon_publisher_unref(ends.publisher);
}
