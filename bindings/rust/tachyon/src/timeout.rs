// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Timeouts: `None` waits for ever.

use std::time::Duration;

/// What C calls for ever.
pub(crate) const FOREVER: i64 = -1;

/// In nanoseconds, as C wants it; 0 does not wait.
#[inline]
pub(crate) fn to_ns(timeout: Option<Duration>) -> i64 {
    match timeout {
        Some(duration) => i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX),
        None => FOREVER,
    }
}

/// The same for options, where 0 stands for the default.
pub(crate) fn to_option_ns(timeout: Option<Duration>) -> i64 {
    match to_ns(timeout) {
        0 => 1,
        ns => ns,
    }
}
