// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Addresses: paths, or '@' and a name in the abstract namespace.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::{Error, Result};

/// As C wants it. A NUL within has no place in an address.
pub(crate) fn to_c(address: &Path) -> Result<CString> {
    CString::new(address.as_os_str().as_bytes()).map_err(|_| Error::from_code(-libc::EINVAL))
}
