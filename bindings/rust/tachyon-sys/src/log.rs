// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! `tachyon/log.h`

use core::ffi::{c_char, c_uint, c_void};

use crate::declare::{enums, functions};

enums! {
    /// How grave a line is.
    pub enum tachyon_log_level: c_uint {
        /// It failed.
        TACHYON_LOG_ERROR = 1,
        /// It went on, but somebody should know.
        TACHYON_LOG_WARNING = 2,
        /// What happens in normal work, seldom.
        TACHYON_LOG_INFO = 3,
        /// For who looks for a fault.
        TACHYON_LOG_DEBUG = 4,
    }
}

/// Receives one line, without a newline. It must not call back into the library.
pub type tachyon_log_function =
    Option<unsafe extern "C" fn(level: tachyon_log_level, line: *const c_char, data: *mut c_void)>;

functions! {
    /// Set the process's log callback.
    pub fn tachyon_log_set(
        function: tachyon_log_function,
        data: *mut c_void,
        level: tachyon_log_level,
    );
}
