// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! How a connection ended.

use tachyon_sys as sys;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The peer closed it in order.
    Closed,
    /// The peer's process ended, or crashed, without closing.
    Died,
    /// The peer broke the protocol.
    Corrupt,
    /// It was closed here.
    Local,
}

impl End {
    /// `None`: it has not ended.
    pub(crate) fn from_raw(end: sys::tachyon_end) -> Option<Self> {
        match end {
            sys::TACHYON_END_NONE => None,
            sys::TACHYON_END_CLOSED => Some(Self::Closed),
            sys::TACHYON_END_CORRUPT => Some(Self::Corrupt),
            sys::TACHYON_END_LOCAL => Some(Self::Local),
            // Numbers that a newer library may add are ways of not closing in order, too.
            _ => Some(Self::Died),
        }
    }
}
