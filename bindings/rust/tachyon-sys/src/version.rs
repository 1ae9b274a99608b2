// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! `tachyon/version.h`

use core::ffi::c_char;

use crate::declare::{defines, functions};

defines! {
    /// The version that is declared here: its first number.
    pub const TACHYON_VERSION_MAJOR: u32 = 0;
    /// Its second number.
    pub const TACHYON_VERSION_MINOR: u32 = 1;
    /// Its third number.
    pub const TACHYON_VERSION_MICRO: u32 = 0;
}

functions! {
    /// The version of the library that runs.
    pub fn tachyon_version() -> *const c_char;
    /// System calls that the library has made in this process so far.
    pub fn tachyon_system_calls() -> u64;
}
