// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What travels beside frames, in one order with them: the clock, and events.

use tachyon_sys as sys;

use crate::error::{Error, Result};

/// What relates the producer's timestamps to this machine's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The producer's running time 0 on `CLOCK_MONOTONIC`, in nanoseconds.
    pub base_time: Option<u64>,
    /// The producer's latency, in nanoseconds.
    pub latency: u64,
}

impl Clock {
    pub(crate) fn from_raw(raw: &sys::tachyon_clock) -> Self {
        Self {
            base_time: some_time(raw.base_time),
            latency: raw.latency,
        }
    }

    pub(crate) fn as_raw(&self) -> Result<sys::tachyon_clock> {
        Ok(sys::tachyon_clock {
            base_time: raw_time(self.base_time)?,
            latency: self.latency,
        })
    }
}

/// Where stream state stands in the order in which a late subscriber receives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(pub u32);

impl Order {
    /// The clock's, and the first of all.
    pub const CLOCK: Self = Self(sys::TACHYON_ORDER_CLOCK);
    /// Of an event that begins a stream.
    pub const STREAM_START: Self = Self(sys::TACHYON_ORDER_STREAM_START);
    /// The caps'.
    pub const CAPS: Self = Self(sys::TACHYON_ORDER_CAPS);
    /// The layout's.
    pub const LAYOUT: Self = Self(sys::TACHYON_ORDER_LAYOUT);
    /// Of an event that says what the timestamps mean.
    pub const SEGMENT: Self = Self(sys::TACHYON_ORDER_SEGMENT);
    /// That of the end of the stream.
    pub const EOS: Self = Self(sys::TACHYON_ORDER_EOS);
}

/// Something in order with the frames, whose content the two ends agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What it is: a number that the two ends agree on.
    pub type_id: u32,
    /// Its content.
    pub data: Vec<u8>,
    /// From a publisher: it is stream state. It replaces an earlier one of the same type and id,
    /// and subscribers that come late get it.
    pub is_sticky: bool,
    /// Sticky: its place in the state that a late subscriber receives.
    pub order: Order,
    /// Sticky: tells several of one type apart.
    pub id: u32,
}

impl Event {
    /// An event that is sent once, to those who are there.
    pub fn new(type_id: u32, data: impl Into<Vec<u8>>) -> Self {
        Self {
            type_id,
            data: data.into(),
            ..Self::default()
        }
    }

    /// The same as stream state.
    pub fn sticky(self, order: Order, id: u32) -> Self {
        Self {
            is_sticky: true,
            order,
            id,
            ..self
        }
    }

    /// The event points into `self`.
    pub(crate) fn as_raw(&self) -> sys::tachyon_event {
        sys::tachyon_event {
            type_: self.type_id,
            flags: if self.is_sticky {
                sys::TACHYON_EVENT_STICKY
            } else {
                0
            },
            order: self.order.0,
            id: self.id,
            data: self.data.as_ptr().cast(),
            size: self.data.len(),
        }
    }

    /// # Safety
    ///
    /// `raw.data` points to `raw.size` bytes, or `raw.size` is 0.
    pub(crate) unsafe fn from_raw(raw: &sys::tachyon_event) -> Self {
        let data = if raw.size == 0 {
            Vec::new()
        } else {
            // SAFETY: the caller promises that so many bytes are there.
            unsafe { std::slice::from_raw_parts(raw.data.cast::<u8>(), raw.size) }.to_vec()
        };

        Self {
            type_id: raw.type_,
            data,
            is_sticky: raw.flags & sys::TACHYON_EVENT_STICKY != 0,
            order: Order(raw.order),
            id: raw.id,
        }
    }
}

/// A time or an offset, where there is one.
pub(crate) fn some_time(raw: u64) -> Option<u64> {
    (raw != sys::TACHYON_TIME_NONE).then_some(raw)
}

/// The same backwards. `EINVAL` for the one number that would say that there is none.
pub(crate) fn raw_time(time: Option<u64>) -> Result<u64> {
    match time {
        Some(sys::TACHYON_TIME_NONE) => Err(Error::from_code(-libc::EINVAL)),
        Some(time) => Ok(time),
        None => Ok(sys::TACHYON_TIME_NONE),
    }
}
