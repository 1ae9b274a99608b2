// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! How to open a subscriber.

use std::path::Path;
use std::time::Duration;

use tachyon_sys as sys;

use super::Subscriber;
use crate::deadline::Deadline;
use crate::error::Result;

/// How long [`Subscriber::connect()`] waits for a publisher to appear.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How to open a subscriber: [`Subscriber::options()`].
#[derive(Clone, Debug)]
#[must_use = "it opens nothing by itself"]
pub struct SubscriberOptions {
    timeout: Option<Duration>,
    latest_only: bool,
    spin: u32,
    ring_size: u64,
    max_bytes: u64,
    any_uid: bool,
}

impl Default for SubscriberOptions {
    fn default() -> Self {
        Self {
            timeout: Some(CONNECT_TIMEOUT),
            latest_only: false,
            spin: 0,
            ring_size: 0,
            max_bytes: 0,
            any_uid: false,
        }
    }
}

impl SubscriberOptions {
    /// How long to wait for the publisher to appear; `None` without limit. Default: 5 s.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Whether receiving skips to the newest frame that is there. Default: it does not.
    pub fn latest_only(mut self, latest_only: bool) -> Self {
        self.latest_only = latest_only;
        self
    }

    /// Polls of the ring before a wait sleeps. Default: 0.
    pub fn spin(mut self, spin: u32) -> Self {
        self.spin = spin;
        self
    }

    /// Bytes of the ring for returns; it bounds the frames that can be held to a 128th of it.
    /// Default: 64 KiB.
    pub fn ring_size(mut self, bytes: u64) -> Self {
        self.ring_size = bytes;
        self
    }

    /// Bytes of payload memory that a publisher may make us map. Default: 4 GiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Accept a publisher of any user. Default: of our own, or root.
    pub fn any_uid(mut self, any_uid: bool) -> Self {
        self.any_uid = any_uid;
        self
    }

    fn as_raw(&self) -> sys::tachyon_subscriber_options {
        sys::tachyon_subscriber_options {
            size: size_of::<sys::tachyon_subscriber_options>() as u32,
            spin: self.spin,
            ring_size: self.ring_size,
            max_bytes: self.max_bytes,
            latest_only: self.latest_only.into(),
            any_uid: self.any_uid.into(),
            ..Default::default()
        }
    }

    /// Connect to the publisher at an address.
    ///
    /// # Errors
    ///
    /// - [`TimedOut`](crate::ErrorKind::TimedOut): nobody listened, or answered, in time; for a
    ///   timeout of 0, [`WouldBlock`](crate::ErrorKind::WouldBlock)
    /// - [`Busy`](crate::ErrorKind::Busy): the publisher has all the subscribers it takes
    /// - [`Version`](crate::ErrorKind::Version): it speaks another protocol, or is no publisher
    /// - [`Denied`](crate::ErrorKind::Denied): no write permission, or a user not let in
    /// - [`Corrupt`](crate::ErrorKind::Corrupt): what answered is no Tachyon peer
    /// - [`Closed`](crate::ErrorKind::Closed): the publisher left meanwhile
    /// - `ENAMETOOLONG`, `ENOTSOCK`, `EPROTOTYPE`: the address
    /// - `ENOMEM`, `EMFILE`: out of memory or descriptors
    pub fn connect(&self, address: impl AsRef<Path>) -> Result<Subscriber> {
        let deadline = self.timeout.map_or(Deadline::Never, Deadline::after);

        Subscriber::open(address.as_ref(), &self.as_raw(), deadline)
    }
}
