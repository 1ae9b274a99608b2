// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! Declarations of libtachyon, as its C headers have them.
//!
//! One module a header, all names re-exported here. What a function does, who owns what, and every
//! error code is said in the headers, in `vendor/include/tachyon`; here stands a line for each.
//! The crate `tachyon` is the safe interface.
//!
//! # Which library
//!
//! An installed libtachyon (0.1) is found with pkg-config; where there is none, the C sources that
//! come with this crate are built. The feature `vendored`, or `LIBTACHYON_VENDORED=1` in the
//! environment, always builds them; `LIBTACHYON_VENDORED=0` never does.
#![allow(non_camel_case_types)]
#![deny(unsafe_op_in_unsafe_fn, missing_docs)]
#![cfg_attr(not(test), no_std)]

mod bus;
mod declare;
mod error;
mod frame;
mod log;
mod stream;
#[cfg(test)]
mod tests;
mod version;

pub use bus::*;
pub use error::*;
pub use frame::*;
pub use log::*;
pub use stream::*;
pub use version::*;
