// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! About the library.

use std::ffi::CStr;

use tachyon_sys as sys;

/// The version of libtachyon that runs, such as "0.1.0".
pub fn version() -> &'static str {
    // SAFETY: it returns a static string: never NULL, never freed, as its header promises.
    let text = unsafe { CStr::from_ptr(sys::tachyon_version()) };

    // Digits and points; were it anything else, there would be no version to tell.
    text.to_str().unwrap_or_default()
}

/// System calls that libtachyon has made in this process so far: diagnostics. The difference over
/// a stretch of work shows what the work cost.
pub fn system_calls() -> u64 {
    // SAFETY: it takes nothing, and may be called by any thread.
    unsafe { sys::tachyon_system_calls() }
}
