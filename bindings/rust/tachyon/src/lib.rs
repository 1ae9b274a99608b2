// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
#![doc = include_str!("../README.md")]
#![deny(unsafe_op_in_unsafe_fn, missing_docs)]

mod access;
mod address;
mod bus;
mod caps;
mod closer;
mod deadline;
mod end;
mod error;
mod frame;
mod frame_mut;
mod handle;
mod layout;
mod listener;
mod notice;
mod publisher;
mod receiver;
mod sender;
mod service;
mod state;
pub mod stream;
mod subscriber;
mod timeout;
mod version;
mod video;

pub use bus::{Bus, BusOptions, BusStats};
pub use closer::Closer;
pub use end::End;
pub use error::{Error, ErrorKind, Result};
pub use frame::{Frame, FrameFlags, FrameMeta, RECORD_USER, Record, Records};
pub use frame_mut::{CommitError, FrameMut};
pub use layout::{Layout, Plane};
pub use listener::Listener;
pub use notice::{Notice, NoticeKind};
pub use publisher::{Policy, Publisher, PublisherOptions, PublisherStats};
pub use receiver::{Receiver, RxBatch, RxGuard, RxMessage};
pub use sender::{Sender, TxGuard};
pub use state::{Clock, Event, Order};
pub use stream::{
    ArrayType, Element, ElementType, LockGuard, Scalar, Snapshot, Stamp, Stream, StreamCloser,
    StreamInfo, StreamOptions, StreamWatcher, WriteView,
};
pub use subscriber::{
    Frames, Item, Subscriber, SubscriberCloser, SubscriberOptions, SubscriberStats,
};
pub use version::{system_calls, version};
pub use video::VideoInfo;
