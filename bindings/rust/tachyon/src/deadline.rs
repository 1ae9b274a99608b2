// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! How long a call may wait, over all the waits that it consists of.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    /// Do not wait at all.
    Now,
    At(Instant),
    Never,
}

impl Deadline {
    /// A timeout too long to be counted is none.
    pub(crate) fn after(timeout: Duration) -> Self {
        if timeout.is_zero() {
            return Self::Now;
        }
        Instant::now()
            .checked_add(timeout)
            .map_or(Self::Never, Self::At)
    }

    /// What is left, as the library takes it: negative for ever, 0 without waiting. Never 0 for a
    /// moment that has passed: that is a wait which runs out.
    pub(crate) fn timeout_ns(self) -> i64 {
        match self {
            Self::Now => 0,
            Self::Never => -1,
            Self::At(end) => {
                let left = end.saturating_duration_since(Instant::now());
                i64::try_from(left.as_nanos()).unwrap_or(i64::MAX).max(1)
            }
        }
    }
}
