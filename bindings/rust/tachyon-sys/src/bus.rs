// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! `tachyon/bus.h`

use core::ffi::{c_char, c_int, c_uint, c_void};

use crate::declare::{defines, enums, functions, opaque, structs};

opaque! {
    /// A connected pair of processes, and a ring of messages each way between them.
    pub struct tachyon_bus;
    /// An address that peers connect to.
    pub struct tachyon_listener;
}

structs! {
    /// Who may connect, beside a process of the same effective user.
    pub struct tachyon_access {
        /// Permission bits of the socket file; 0 means 0600.
        pub perms: u32,
        /// Non-zero: any user that the file's permissions let in.
        pub any_uid: u32,
        /// Users let in beside our own.
        pub uids: *const u32,
        /// How many.
        pub uid_count: u32,
    }

    /// How to open a bus. All zero but `size` means default.
    pub struct tachyon_bus_options {
        /// The size of this struct.
        pub size: u32,
        /// Polls of the ring before a wait sleeps; 0 means 1000.
        pub spin: u32,
        /// Bytes of the ring we send on; 0 means 64 KiB, or the listener's own if that is larger.
        pub ring_size: u64,
        /// The largest ring a peer may make us map; 0 means 64 MiB.
        pub max_peer_ring_size: u64,
        /// How long listen and connect wait for a peer; 0 means 5 s, negative for ever.
        pub timeout_ns: i64,
        /// Who may connect.
        pub access: tachyon_access,
        /// Non-zero: `tachyon_bus_private_view()` may be called.
        pub has_private_view: u32,
        /// Asked by listen and connect while they wait: non-zero ends them with CANCELED.
        pub is_canceled: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
        /// Handed to it.
        pub is_canceled_data: *mut c_void,
    }

    /// A message received: read-only memory, valid until released.
    pub struct tachyon_message {
        /// Its bytes.
        pub data: *const c_void,
        /// How many.
        pub size: usize,
        /// As the sender gave it.
        pub type_: u32,
        /// 0
        pub reserved: u32,
        /// What `tachyon_bus_release()` gives back up to.
        pub position: u64,
    }

    /// Figures of one bus since it was made.
    pub struct tachyon_bus_stats {
        /// In: the size of this struct.
        pub size: u32,
        /// The peer's process; 0 where unknown.
        pub peer_pid: u32,
        /// Messages sent.
        pub messages_sent: u64,
        /// Bytes of the ring sent, headers and padding included.
        pub bytes_sent: u64,
        /// Messages received.
        pub messages_received: u64,
        /// Bytes received, likewise, and released.
        pub bytes_received: u64,
        /// Times a wait went to the kernel.
        pub sleeps: u64,
        /// Times we rang a sleeping peer.
        pub wakes: u64,
        /// Times our ring had no room.
        pub full: u64,
    }
}

defines! {
    /// `tachyon_bus_options.spin`: no polls at all.
    pub const TACHYON_SPIN_NEVER: u32 = u32::MAX;
}

enums! {
    /// How a connection ended.
    pub enum tachyon_end: c_uint {
        /// It has not.
        TACHYON_END_NONE = 0,
        /// The peer closed it in order.
        TACHYON_END_CLOSED = 1,
        /// The peer's process ended, or crashed, without closing.
        TACHYON_END_DIED = 2,
        /// The peer broke the protocol.
        TACHYON_END_CORRUPT = 3,
        /// We shut it down.
        TACHYON_END_LOCAL = 4,
    }
}

functions! {
    /// Claim an address, for many peers one after another.
    pub fn tachyon_listener_create(
        address: *const c_char,
        options: *const tachyon_bus_options,
        listener: *mut *mut tachyon_listener,
    ) -> c_int;
    /// Wait for a peer, and shake hands with it.
    pub fn tachyon_listener_accept(
        listener: *mut tachyon_listener,
        timeout_ns: i64,
        bus: *mut *mut tachyon_bus,
    ) -> c_int;
    /// A descriptor to poll for input: readable when accept may succeed.
    pub fn tachyon_listener_fd(listener: *const tachyon_listener) -> c_int;
    /// Make the accept under way, and all later ones, fail with CANCELED.
    pub fn tachyon_listener_cancel(listener: *mut tachyon_listener);
    /// Give up the address.
    pub fn tachyon_listener_destroy(listener: *mut tachyon_listener);
    /// Claim an address, wait for one peer, give up the address.
    pub fn tachyon_bus_listen(
        address: *const c_char,
        options: *const tachyon_bus_options,
        bus: *mut *mut tachyon_bus,
    ) -> c_int;
    /// Connect to a listener, waiting for it to appear.
    pub fn tachyon_bus_connect(
        address: *const c_char,
        options: *const tachyon_bus_options,
        bus: *mut *mut tachyon_bus,
    ) -> c_int;
    /// End a connection so that every thread in it leaves; any thread may call it.
    pub fn tachyon_bus_shutdown(bus: *mut tachyon_bus);
    /// Shut down, and free everything.
    pub fn tachyon_bus_destroy(bus: *mut tachyon_bus);
    /// The largest message that this bus ever sends.
    pub fn tachyon_bus_max_message(bus: *const tachyon_bus) -> usize;
    /// Copy a message in and make it visible.
    pub fn tachyon_bus_send(
        bus: *mut tachyon_bus,
        data: *const c_void,
        size: usize,
        type_: u32,
        timeout_ns: i64,
    ) -> c_int;
    /// Take room in the ring, to write a message in place.
    pub fn tachyon_bus_reserve(
        bus: *mut tachyon_bus,
        size: usize,
        data: *mut *mut c_void,
        timeout_ns: i64,
    ) -> c_int;
    /// Send the reserved message, and everything committed before, now.
    pub fn tachyon_bus_commit(bus: *mut tachyon_bus, size: usize, type_: u32) -> c_int;
    /// End the reserved message as part of a batch.
    pub fn tachyon_bus_commit_unflushed(bus: *mut tachyon_bus, size: usize, type_: u32) -> c_int;
    /// Make everything committed visible.
    pub fn tachyon_bus_flush(bus: *mut tachyon_bus) -> c_int;
    /// Give up the reservation; nothing is sent.
    pub fn tachyon_bus_rollback(bus: *mut tachyon_bus) -> c_int;
    /// Take the next message, in place.
    pub fn tachyon_bus_receive(
        bus: *mut tachyon_bus,
        message: *mut tachyon_message,
        timeout_ns: i64,
    ) -> c_int;
    /// Wait for one message, then take up to `count` without waiting; returns how many.
    pub fn tachyon_bus_receive_batch(
        bus: *mut tachyon_bus,
        messages: *mut tachyon_message,
        count: usize,
        timeout_ns: i64,
    ) -> c_int;
    /// Give a message and all received before it back to the sender.
    pub fn tachyon_bus_release(bus: *mut tachyon_bus, message: *const tachyon_message) -> c_int;
    /// Look at a received message through memory that may be written to.
    pub fn tachyon_bus_private_view(
        bus: *mut tachyon_bus,
        message: *const tachyon_message,
        data: *mut *mut c_void,
    ) -> c_int;
    /// Make waits under way, and all until resume, fail with CANCELED.
    pub fn tachyon_bus_cancel(bus: *mut tachyon_bus);
    /// Let waits wait again.
    pub fn tachyon_bus_resume(bus: *mut tachyon_bus);
    /// A descriptor for the caller's own poll.
    pub fn tachyon_bus_fd(bus: *const tachyon_bus) -> c_int;
    /// Before the caller's poll: 1 when receive would not wait, 0 when armed.
    pub fn tachyon_bus_prepare(bus: *mut tachyon_bus) -> c_int;
    /// After the caller's poll.
    pub fn tachyon_bus_dispatch(bus: *mut tachyon_bus);
    /// How the connection ended so far.
    pub fn tachyon_bus_end(bus: *const tachyon_bus) -> tachyon_end;
    /// Fill in figures.
    pub fn tachyon_bus_get_stats(bus: *const tachyon_bus, stats: *mut tachyon_bus_stats);
}
