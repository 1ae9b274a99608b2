// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! How to open a publisher.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tachyon_sys as sys;

use super::Publisher;
use super::handle::{Handle, Server};
use crate::access::Access;
use crate::error::Result;
use crate::service::Service;

/// What happens to a frame for a subscriber that has as many waiting as it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Sending waits: nobody misses a frame.
    #[default]
    Block,
    /// That subscriber misses it.
    Drop,
    /// That subscriber is dropped.
    Disconnect,
}

impl Policy {
    pub(super) fn as_raw(self) -> u32 {
        match self {
            Self::Block => sys::TACHYON_POLICY_BLOCK,
            Self::Drop => sys::TACHYON_POLICY_DROP,
            Self::Disconnect => sys::TACHYON_POLICY_DISCONNECT,
        }
    }
}

/// How to open a publisher: [`Publisher::options()`].
#[derive(Clone, Debug)]
#[must_use = "it opens nothing by itself"]
pub struct PublisherOptions {
    policy: Policy,
    max_buffers: u32,
    max_subscribers: u32,
    max_bytes: u64,
    stall_timeout: Option<Duration>,
    ring_size: u64,
    access: Access,
    caps: Option<String>,
    service: bool,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            max_buffers: 0,
            max_subscribers: 0,
            max_bytes: 0,
            stall_timeout: None,
            ring_size: 0,
            access: Access::default(),
            caps: None,
            service: true,
        }
    }
}

impl PublisherOptions {
    /// What the frames are, as [`Publisher::set_caps()`] says it.
    pub fn caps(mut self, caps: impl Into<String>) -> Self {
        self.caps = Some(caps.into());
        self
    }

    /// What a slow subscriber meets. Default: [`Policy::Block`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Frames that may wait for one subscriber. Default: as many as make 16 MiB, at least 3.
    pub fn max_buffers(mut self, frames: u32) -> Self {
        self.max_buffers = frames;
        self
    }

    /// Subscribers at a time. Default: 64, the most there can be.
    pub fn max_subscribers(mut self, subscribers: u32) -> Self {
        self.max_subscribers = subscribers;
        self
    }

    /// Bytes of payload memory at the most. Default: 1 GiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// [`Policy::Block`]: a subscriber that holds up a frame for so long is dropped. Default:
    /// never.
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = Some(timeout);
        self
    }

    /// Bytes of the ring to each subscriber, rounded up to a power of two. Default: 64 KiB.
    pub fn ring_size(mut self, bytes: u64) -> Self {
        self.ring_size = bytes;
        self
    }

    /// Permission bits of the socket file: connecting needs write permission. Default: 0o600.
    pub fn perms(mut self, perms: u32) -> Self {
        self.access.perms = perms;
        self
    }

    /// Users let in beside our own.
    pub fn uids(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.access.uids = uids.into_iter().collect();
        self
    }

    /// Let in any user that the file's permissions let in.
    pub fn any_uid(mut self, any_uid: bool) -> Self {
        self.access.any_uid = any_uid;
        self
    }

    /// Whether a thread lets subscribers join and leave while the program does something else.
    /// Default: it does. Without it, something must poll the publisher's descriptor and call
    /// [`Publisher::dispatch()`], also when no frames flow.
    pub fn service(mut self, run: bool) -> Self {
        self.service = run;
        self
    }

    /// As C wants it. It points into `self`.
    pub(super) fn as_raw(&self) -> sys::tachyon_publisher_options {
        let stall_timeout_ns = self.stall_timeout.map_or(0, |timeout| {
            // 0 would be never.
            u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).max(1)
        });

        sys::tachyon_publisher_options {
            size: size_of::<sys::tachyon_publisher_options>() as u32,
            policy: self.policy.as_raw(),
            max_buffers: self.max_buffers,
            max_subscribers: self.max_subscribers,
            ring_size: self.ring_size,
            max_bytes: self.max_bytes,
            stall_timeout_ns,
            access: self.access.as_raw(),
        }
    }

    /// Claim an address: a path in the file system, or `@` and a name in the abstract namespace.
    ///
    /// # Errors
    ///
    /// - [`InUse`](crate::ErrorKind::InUse): a live publisher owns the address
    /// - `ENAMETOOLONG`: it does not fit a socket address
    /// - `ENOTSOCK`, `EPROTOTYPE`: what stands there is no socket, or of another kind
    /// - `ENOENT`, [`Denied`](crate::ErrorKind::Denied), …: the directory cannot be used
    /// - [`Invalid`](crate::ErrorKind::Invalid): an option, the address or the caps make no sense
    /// - `ENOMEM`, `EMFILE`: out of memory, threads or descriptors
    pub fn create(&self, address: impl AsRef<Path>) -> Result<Publisher> {
        let handle = Arc::new(Handle::create(self, address.as_ref())?);
        let mut publisher = Publisher {
            service: None,
            handle,
        };

        if let Some(caps) = &self.caps {
            publisher.set_caps(caps)?;
        }
        if self.service {
            let server = Server(Arc::clone(&publisher.handle));
            publisher.service = Some(Service::start(server)?);
        }
        Ok(publisher)
    }
}
