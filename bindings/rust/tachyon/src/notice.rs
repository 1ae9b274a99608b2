// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What subscribers do, as their publisher is told.

use tachyon_sys as sys;

use crate::end::End;
use crate::state::Event;

/// Something a subscriber did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Tells subscribers apart; never used twice by one publisher.
    pub subscriber: u64,
    /// Of its process, where that is known.
    pub pid: Option<u32>,
    /// What it did.
    pub kind: NoticeKind,
}

/// What a subscriber did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// It has joined: it gets the frames that follow.
    Joined,
    /// It is gone. How, where that is known.
    Left(Option<End>),
    /// It sent this.
    Event(Event),
}

impl Notice {
    /// None for a kind that is not known here.
    ///
    /// # Safety
    ///
    /// `raw` was filled in by tachyon_publisher_next_notice(), which was not called again since.
    pub(crate) unsafe fn from_raw(raw: &sys::tachyon_notice) -> Option<Self> {
        let kind = match raw.type_ {
            sys::TACHYON_NOTICE_JOINED => NoticeKind::Joined,
            sys::TACHYON_NOTICE_LEFT => NoticeKind::Left(End::from_raw(raw.end)),
            // SAFETY: this kind has an event, whose data are valid until the next call.
            sys::TACHYON_NOTICE_EVENT => NoticeKind::Event(unsafe { Event::from_raw(&raw.event) }),
            _ => return None,
        };

        Some(Self {
            subscriber: raw.subscriber,
            pid: (raw.pid != 0).then_some(raw.pid),
            kind,
        })
    }
}
