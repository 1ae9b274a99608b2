// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! `tachyon/frame.h`

use core::ffi::{c_char, c_int, c_uint, c_void};

use crate::bus::{tachyon_access, tachyon_end};
use crate::declare::{defines, enums, functions, opaque, structs};

opaque! {
    /// The sending end of a stream of frames.
    pub struct tachyon_publisher;
    /// A receiving end of a stream of frames.
    pub struct tachyon_subscriber;
    /// A reference to a frame's memory.
    pub struct tachyon_block;
}

defines! {
    /// A time that is absent.
    pub const TACHYON_TIME_NONE: u64 = u64::MAX;
    /// A media offset that is absent.
    pub const TACHYON_OFFSET_NONE: u64 = u64::MAX;
    /// The most subscribers of one publisher.
    pub const TACHYON_SUBSCRIBERS_MAX: u32 = 64;
    /// Record types below this are the protocol's own.
    pub const TACHYON_RECORD_USER: u32 = 64;
}

enums! {
    /// Frame flags, with the numbers of GStreamer's GstBufferFlags.
    pub enum tachyon_frame_flags: c_uint {
        /// From a live source.
        TACHYON_FRAME_LIVE = 1 << 4,
        /// To be decoded, not shown.
        TACHYON_FRAME_DECODE_ONLY = 1 << 5,
        /// Something is missing before it.
        TACHYON_FRAME_DISCONT = 1 << 6,
        /// A place to begin decoding at.
        TACHYON_FRAME_RESYNC = 1 << 7,
        /// Its content is damaged.
        TACHYON_FRAME_CORRUPTED = 1 << 8,
        /// The media type's marker.
        TACHYON_FRAME_MARKER = 1 << 9,
        /// Header data.
        TACHYON_FRAME_HEADER = 1 << 10,
        /// Made to fill a gap.
        TACHYON_FRAME_GAP = 1 << 11,
        /// May be dropped.
        TACHYON_FRAME_DROPPABLE = 1 << 12,
        /// Cannot be decoded alone.
        TACHYON_FRAME_DELTA_UNIT = 1 << 13,
        /// Should be on disk before the next one.
        TACHYON_FRAME_SYNC_AFTER = 1 << 15,
        /// Must not be dropped.
        TACHYON_FRAME_NON_DROPPABLE = 1 << 16,
    }

    /// What a received frame's `hints` say.
    pub enum tachyon_frame_hints: c_uint {
        /// Few blocks are left: copy this frame and release it.
        TACHYON_FRAME_SCARCE = 1 << 0,
        /// Frames before this one were skipped or dropped for this subscriber.
        TACHYON_FRAME_AFTER_DROP = 1 << 1,
    }

    /// Where stream state stands in the order in which a late subscriber receives it.
    pub enum tachyon_order: c_uint {
        /// The clock.
        TACHYON_ORDER_CLOCK = 0,
        /// GStreamer's stream-start.
        TACHYON_ORDER_STREAM_START = 40,
        /// The caps.
        TACHYON_ORDER_CAPS = 50,
        /// The layout of planes.
        TACHYON_ORDER_LAYOUT = 51,
        /// GStreamer's segment.
        TACHYON_ORDER_SEGMENT = 70,
        /// The end of the stream.
        TACHYON_ORDER_EOS = 110,
    }

    /// An event's flags.
    pub enum tachyon_event_flags: c_uint {
        /// Stream state: late subscribers get it.
        TACHYON_EVENT_STICKY = 1 << 0,
    }

    /// What an item is.
    pub enum tachyon_item_type: c_uint {
        /// A frame.
        TACHYON_ITEM_FRAME = 1,
        /// Caps.
        TACHYON_ITEM_CAPS = 2,
        /// A layout of planes.
        TACHYON_ITEM_LAYOUT = 3,
        /// A clock.
        TACHYON_ITEM_CLOCK = 4,
        /// An event.
        TACHYON_ITEM_EVENT = 5,
        /// The end of the stream.
        TACHYON_ITEM_EOS = 6,
    }

    /// What happens to a frame for a subscriber that has `max_buffers` of them waiting.
    pub enum tachyon_policy: c_uint {
        /// Publish answers AGAIN for all: nobody misses a frame.
        TACHYON_POLICY_BLOCK = 0,
        /// That subscriber misses it.
        TACHYON_POLICY_DROP = 1,
        /// That subscriber is dropped.
        TACHYON_POLICY_DISCONNECT = 2,
    }

    /// What a notice tells.
    pub enum tachyon_notice_type: c_uint {
        /// A subscriber joined.
        TACHYON_NOTICE_JOINED = 1,
        /// A subscriber left.
        TACHYON_NOTICE_LEFT = 2,
        /// A subscriber sent an event.
        TACHYON_NOTICE_EVENT = 3,
    }
}

structs! {
    /// A piece of a block, its times, and its metadata. Copying it copies no reference.
    pub struct tachyon_frame {
        /// The payload: writable after acquire, read-only memory after receive.
        pub data: *mut c_void,
        /// Bytes of payload.
        pub size: usize,
        /// Presentation time, ns.
        pub pts: u64,
        /// Decoding time, ns.
        pub dts: u64,
        /// Duration, ns.
        pub duration: u64,
        /// Media-specific position.
        pub offset: u64,
        /// Media-specific position of its end.
        pub offset_end: u64,
        /// `tachyon_frame_flags`
        pub flags: u32,
        /// Received only: `tachyon_frame_hints`.
        pub hints: u32,
        /// Tagged records; NULL when `metadata_size` is 0.
        pub metadata: *const c_void,
        /// Bytes of metadata.
        pub metadata_size: usize,
        /// The reference that this frame holds.
        pub block: *mut tachyon_block,
    }

    /// Up to four planes of a picture.
    pub struct tachyon_layout {
        /// Pixels.
        pub width: u32,
        /// Pixels.
        pub height: u32,
        /// How many planes.
        pub plane_count: u32,
        /// 0
        pub reserved: u32,
        /// Bytes from the start of the payload.
        pub offset: [u64; 4],
        /// Bytes from line to line.
        pub stride: [i32; 4],
    }

    /// What relates the producer's timestamps to this machine's time.
    pub struct tachyon_clock {
        /// The producer's running time 0 on CLOCK_MONOTONIC, or none.
        pub base_time: u64,
        /// The producer's latency, ns.
        pub latency: u64,
    }

    /// Something in order with the frames, whose content the two ends agree on.
    pub struct tachyon_event {
        /// What it is.
        pub type_: u32,
        /// `tachyon_event_flags`
        pub flags: u32,
        /// Sticky events: their place, compare `tachyon_order`.
        pub order: u32,
        /// Sticky events: tells several of one type apart.
        pub id: u32,
        /// Its content.
        pub data: *const c_void,
        /// Bytes of content.
        pub size: usize,
    }

    /// What a subscriber receives. Only the member that `type_` names is filled in.
    pub struct tachyon_item {
        /// What it is.
        pub type_: tachyon_item_type,
        /// The caller's, until `tachyon_frame_release()`.
        pub frame: tachyon_frame,
        /// NUL-terminated; valid until the next receive.
        pub caps: *const c_char,
        /// A layout.
        pub layout: tachyon_layout,
        /// A clock.
        pub clock: tachyon_clock,
        /// Its data is valid until the next receive.
        pub event: tachyon_event,
    }

    /// One record of a frame's metadata.
    pub struct tachyon_record {
        /// What it is.
        pub type_: u32,
        /// Bytes of content.
        pub size: u32,
        /// Its content.
        pub data: *const c_void,
    }

    /// How to open a publisher. All zero but `size` means default.
    pub struct tachyon_publisher_options {
        /// The size of this struct.
        pub size: u32,
        /// `tachyon_policy`
        pub policy: u32,
        /// Frames that may wait for one subscriber; 0: as many as make 16 MiB, 3 at least.
        pub max_buffers: u32,
        /// Subscribers at a time; 0 means `TACHYON_SUBSCRIBERS_MAX`.
        pub max_subscribers: u32,
        /// Bytes of the ring to each subscriber; 0 means 64 KiB.
        pub ring_size: u64,
        /// Bytes of payload memory at the most; 0 means 1 GiB.
        pub max_bytes: u64,
        /// A subscriber that holds up a frame for so long is dropped; 0: never.
        pub stall_timeout_ns: u64,
        /// Who may connect.
        pub access: tachyon_access,
    }

    /// Figures of a publisher since it was made.
    pub struct tachyon_publisher_stats {
        /// In: the size of this struct.
        pub size: u32,
        /// Now.
        pub subscribers: u32,
        /// That went to a subscriber, each once however many did.
        pub frames: u64,
        /// Their payload.
        pub bytes: u64,
        /// Frames whose payload was copied.
        pub copied: u64,
        /// Frames that a subscriber missed, each once per subscriber.
        pub dropped: u64,
        /// Times a thread slept in wait.
        pub waits: u64,
        /// Times a sleeping subscriber was rung.
        pub wakes: u64,
        /// Frames not yet received by the slowest subscriber, now.
        pub queued: u64,
        /// Blocks of all segments, now.
        pub blocks: u64,
        /// Free ones, now.
        pub blocks_free: u64,
        /// Bytes of all segments, now.
        pub payload_bytes: u64,
    }

    /// Figures of one subscriber, at its publisher.
    pub struct tachyon_client_stats {
        /// In: the size of this struct.
        pub size: u32,
        /// Of its process; 0 where unknown.
        pub pid: u32,
        /// As in its notices.
        pub subscriber: u64,
        /// Frames that it missed.
        pub dropped: u64,
        /// Frames that it has not received, now.
        pub queued: u64,
        /// Blocks that it has not given back, now.
        pub held: u64,
    }

    /// Something a subscriber did.
    pub struct tachyon_notice {
        /// What.
        pub type_: tachyon_notice_type,
        /// Of its process; 0 where unknown.
        pub pid: u32,
        /// Tells subscribers apart.
        pub subscriber: u64,
        /// `TACHYON_NOTICE_LEFT`: how.
        pub end: tachyon_end,
        /// `TACHYON_NOTICE_EVENT`: what it sent; valid until the next call.
        pub event: tachyon_event,
    }

    /// How to open a subscriber. All zero but `size` means default.
    pub struct tachyon_subscriber_options {
        /// The size of this struct.
        pub size: u32,
        /// Polls of the ring before a wait sleeps.
        pub spin: u32,
        /// Bytes of the ring for returns: bounds the frames held to size / 128; 0 means 64 KiB.
        pub ring_size: u64,
        /// Bytes of payload memory that a publisher may make us map; 0 means 4 GiB.
        pub max_bytes: u64,
        /// Non-zero: receive skips to the newest frame that is there.
        pub latest_only: u32,
        /// Non-zero: a publisher of any user is accepted.
        pub any_uid: u32,
        /// Non-zero: payloads are private memory, and may be written to.
        pub is_private: u32,
        /// Asked by connect while it waits: non-zero ends it with CANCELED.
        pub is_canceled: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
        /// Handed to it.
        pub is_canceled_data: *mut c_void,
        /// Non-zero: frames may lie behind a descriptor, and have no data then.
        pub takes_descriptors: u32,
        /// Non-zero: urgent events are exchanged with the publisher.
        pub takes_urgent: u32,
    }

    /// Figures of a subscriber since it was made.
    pub struct tachyon_subscriber_stats {
        /// In: the size of this struct.
        pub size: u32,
        /// Of the publisher; 0 where unknown or not connected.
        pub peer_pid: u32,
        /// Received.
        pub frames: u64,
        /// Their payload.
        pub bytes: u64,
        /// Those that came in the ring and were copied out.
        pub copied: u64,
        /// Frames skipped by `latest_only`.
        pub dropped: u64,
        /// Received and not released, now.
        pub held: u64,
        /// Times a wait went to the kernel.
        pub sleeps: u64,
        /// Times it was connected.
        pub connects: u64,
        /// Of payload segments, now.
        pub mapped_bytes: u64,
    }
}

functions! {
    /// Give a frame's block back.
    pub fn tachyon_frame_release(frame: *mut tachyon_frame);
    /// Ask whether the payload read so far was still the frame's own.
    pub fn tachyon_frame_is_valid(frame: *const tachyon_frame) -> c_int;
    /// Where a payload lies that has no data: behind a descriptor.
    pub fn tachyon_frame_descriptor(
        frame: *const tachyon_frame,
        fd: *mut c_int,
        offset: *mut u64,
        size: *mut u64,
        id: *mut u64,
    ) -> c_int;
    /// Walk a frame's metadata: 1, 0 at the end, or an error.
    pub fn tachyon_record_next(
        frame: *const tachyon_frame,
        position: *mut usize,
        record: *mut tachyon_record,
    ) -> c_int;
    /// Append a record to a buffer that becomes a frame's metadata.
    pub fn tachyon_record_append(
        buffer: *mut c_void,
        capacity: usize,
        used: *mut usize,
        type_: u32,
        data: *const c_void,
        size: usize,
    ) -> c_int;

    /// Claim an address and be ready for subscribers.
    pub fn tachyon_publisher_create(
        address: *const c_char,
        options: *const tachyon_publisher_options,
        publisher: *mut *mut tachyon_publisher,
    ) -> c_int;
    /// Let one more subscriber join over a connected socket, which is duplicated.
    pub fn tachyon_publisher_adopt(publisher: *mut tachyon_publisher, sock: c_int) -> c_int;
    /// Close every connection and give up the address.
    pub fn tachyon_publisher_destroy(publisher: *mut tachyon_publisher);
    /// Close every connection in order; new subscribers may join.
    pub fn tachyon_publisher_disconnect(publisher: *mut tachyon_publisher);
    /// End for good, so that every thread leaves.
    pub fn tachyon_publisher_shutdown(publisher: *mut tachyon_publisher);
    /// A descriptor to poll for input: readable when dispatch has something to do.
    pub fn tachyon_publisher_fd(publisher: *const tachyon_publisher) -> c_int;
    /// Let subscribers join, notice those that left, take back frames.
    pub fn tachyon_publisher_dispatch(publisher: *mut tachyon_publisher) -> c_int;
    /// Before the caller's poll: 1 when something was returned meanwhile, 0 when armed.
    pub fn tachyon_publisher_prepare(publisher: *mut tachyon_publisher) -> c_int;
    /// Sleep until something changes.
    pub fn tachyon_publisher_wait(publisher: *mut tachyon_publisher, timeout_ns: i64) -> c_int;
    /// Make waits under way, and all until resume, fail with CANCELED.
    pub fn tachyon_publisher_cancel(publisher: *mut tachyon_publisher);
    /// Let waits wait again.
    pub fn tachyon_publisher_resume(publisher: *mut tachyon_publisher);
    /// Change what a slow subscriber meets.
    pub fn tachyon_publisher_set_policy(
        publisher: *mut tachyon_publisher,
        policy: u32,
        max_buffers: u32,
    ) -> c_int;
    /// Prepare memory for frames of a size.
    pub fn tachyon_publisher_configure(
        publisher: *mut tachyon_publisher,
        size: usize,
        count: u32,
    ) -> c_int;
    /// Take a free block to write the next frame into.
    pub fn tachyon_publisher_acquire(
        publisher: *mut tachyon_publisher,
        size: usize,
        frame: *mut tachyon_frame,
    ) -> c_int;
    /// Give an acquired frame back unsent.
    pub fn tachyon_publisher_abandon(
        publisher: *mut tachyon_publisher,
        frame: *mut tachyon_frame,
    );
    /// Send a frame to every subscriber, keeping the caller's reference to its block.
    pub fn tachyon_publisher_publish(
        publisher: *mut tachyon_publisher,
        frame: *const tachyon_frame,
        cookie: *mut c_void,
    ) -> c_int;
    /// Send a frame and give up the caller's reference.
    pub fn tachyon_publisher_commit(
        publisher: *mut tachyon_publisher,
        frame: *mut tachyon_frame,
    ) -> c_int;
    /// Send a frame whose payload is ordinary memory: one copy.
    pub fn tachyon_publisher_send(
        publisher: *mut tachyon_publisher,
        frame: *const tachyon_frame,
    ) -> c_int;
    /// Hold back what is published until uncork.
    pub fn tachyon_publisher_cork(publisher: *mut tachyon_publisher);
    /// Show what was held back.
    pub fn tachyon_publisher_uncork(publisher: *mut tachyon_publisher);
    /// Lend memory that somebody else made.
    pub fn tachyon_publisher_lend(
        publisher: *mut tachyon_publisher,
        fd: c_int,
        size: u64,
        block: *mut *mut tachyon_block,
    ) -> c_int;
    /// Lend it no longer.
    pub fn tachyon_publisher_take_back(
        publisher: *mut tachyon_publisher,
        block: *mut tachyon_block,
    );
    /// Send a frame that lies in lent memory.
    pub fn tachyon_publisher_publish_lent(
        publisher: *mut tachyon_publisher,
        frame: *const tachyon_frame,
        offset: u64,
        cookie: *mut c_void,
    ) -> c_int;
    /// Take the cookie of a publication that is over.
    pub fn tachyon_publisher_reclaim(publisher: *mut tachyon_publisher) -> *mut c_void;
    /// Send state: what the frames that follow are.
    pub fn tachyon_publisher_set_caps(
        publisher: *mut tachyon_publisher,
        caps: *const c_char,
    ) -> c_int;
    /// The same for the layout of planes.
    pub fn tachyon_publisher_set_layout(
        publisher: *mut tachyon_publisher,
        layout: *const tachyon_layout,
    ) -> c_int;
    /// The same for the clock.
    pub fn tachyon_publisher_set_clock(
        publisher: *mut tachyon_publisher,
        clock: *const tachyon_clock,
    ) -> c_int;
    /// Send an event.
    pub fn tachyon_publisher_send_event(
        publisher: *mut tachyon_publisher,
        event: *const tachyon_event,
    ) -> c_int;
    /// Send an event beside the ring, to one subscriber or, 0, to all that take them.
    pub fn tachyon_publisher_send_urgent(
        publisher: *mut tachyon_publisher,
        subscriber: u64,
        event: *const tachyon_event,
    ) -> c_int;
    /// Send the end of the stream.
    pub fn tachyon_publisher_send_eos(publisher: *mut tachyon_publisher) -> c_int;
    /// Forget sticky state of this order and later.
    pub fn tachyon_publisher_forget(publisher: *mut tachyon_publisher, order: u32);
    /// Take the next notice: 1, or 0 when there is none.
    pub fn tachyon_publisher_next_notice(
        publisher: *mut tachyon_publisher,
        notice: *mut tachyon_notice,
    ) -> c_int;
    /// Subscribers that have joined, now.
    pub fn tachyon_publisher_subscribers(publisher: *mut tachyon_publisher) -> u32;
    /// The one of them that came last; 0: there is none.
    pub fn tachyon_publisher_newest(publisher: *mut tachyon_publisher) -> u64;
    /// The most blocks that any subscriber said it wants to hold at a time.
    pub fn tachyon_publisher_need(publisher: *mut tachyon_publisher) -> u32;
    /// Fill in figures.
    pub fn tachyon_publisher_get_stats(
        publisher: *mut tachyon_publisher,
        stats: *mut tachyon_publisher_stats,
    );
    /// Fill in figures of one subscriber.
    pub fn tachyon_publisher_get_client_stats(
        publisher: *mut tachyon_publisher,
        index: u32,
        stats: *mut tachyon_client_stats,
    ) -> c_int;

    /// Make a subscriber. It connects to nothing yet.
    pub fn tachyon_subscriber_create(
        address: *const c_char,
        options: *const tachyon_subscriber_options,
        subscriber: *mut *mut tachyon_subscriber,
    ) -> c_int;
    /// Leave, in order. Frames received stay readable until released.
    pub fn tachyon_subscriber_destroy(subscriber: *mut tachyon_subscriber);
    /// Connect to the publisher, waiting for it to appear.
    pub fn tachyon_subscriber_connect(
        subscriber: *mut tachyon_subscriber,
        timeout_ns: i64,
    ) -> c_int;
    /// Connect over a connected socket, which is duplicated.
    pub fn tachyon_subscriber_adopt(
        subscriber: *mut tachyon_subscriber,
        sock: c_int,
        timeout_ns: i64,
    ) -> c_int;
    /// Take the next frame or piece of state.
    pub fn tachyon_subscriber_receive(
        subscriber: *mut tachyon_subscriber,
        item: *mut tachyon_item,
        timeout_ns: i64,
    ) -> c_int;
    /// Send an event to the publisher.
    pub fn tachyon_subscriber_send_event(
        subscriber: *mut tachyon_subscriber,
        event: *const tachyon_event,
    ) -> c_int;
    /// Send an event to the publisher beside the ring.
    pub fn tachyon_subscriber_send_urgent(
        subscriber: *mut tachyon_subscriber,
        event: *const tachyon_event,
    ) -> c_int;
    /// Take the next urgent event.
    pub fn tachyon_subscriber_receive_urgent(
        subscriber: *mut tachyon_subscriber,
        event: *mut tachyon_event,
        timeout_ns: i64,
    ) -> c_int;
    /// Make waits for urgent events, until resume, fail with CANCELED.
    pub fn tachyon_subscriber_cancel_urgent(subscriber: *mut tachyon_subscriber);
    /// Let them wait again.
    pub fn tachyon_subscriber_resume_urgent(subscriber: *mut tachyon_subscriber);
    /// Readable when there may be an urgent event.
    pub fn tachyon_subscriber_urgent_fd(subscriber: *mut tachyon_subscriber) -> c_int;
    /// Say how many frames this side wants to hold at a time.
    pub fn tachyon_subscriber_set_need(subscriber: *mut tachyon_subscriber, blocks: u32) -> c_int;
    /// Make waits under way, and all until resume, fail with CANCELED.
    pub fn tachyon_subscriber_cancel(subscriber: *mut tachyon_subscriber);
    /// Let waits wait again.
    pub fn tachyon_subscriber_resume(subscriber: *mut tachyon_subscriber);
    /// As `tachyon_bus_fd()`; -1 while not connected.
    pub fn tachyon_subscriber_fd(subscriber: *mut tachyon_subscriber) -> c_int;
    /// As `tachyon_bus_prepare()`.
    pub fn tachyon_subscriber_prepare(subscriber: *mut tachyon_subscriber) -> c_int;
    /// As `tachyon_bus_dispatch()`.
    pub fn tachyon_subscriber_dispatch(subscriber: *mut tachyon_subscriber);
    /// How the last connection ended so far.
    pub fn tachyon_subscriber_end(subscriber: *mut tachyon_subscriber) -> tachyon_end;
    /// Fill in figures.
    pub fn tachyon_subscriber_get_stats(
        subscriber: *mut tachyon_subscriber,
        stats: *mut tachyon_subscriber_stats,
    );
}
