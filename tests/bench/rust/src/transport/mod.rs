// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The ways between two processes, by their names on the command line.

#[cfg(feature = "iceoryx2")]
mod iceoryx2;
mod socket;
mod tachyon;
#[cfg(feature = "zmq")]
mod zmq;

use crate::worker::{self, Result};

/// Plays one side of a run: WORK VARIANT SIDE SIZE COUNT FOLDER.
pub fn run(args: &[String]) -> Result<()> {
    let [work, variant, args @ ..] = args else {
        return Err("WORK VARIANT SIDE SIZE COUNT FOLDER".into());
    };

    match variant.as_str() {
        "Tachyon" => worker::run::<tachyon::Tachyon>(work, args),
        "Batches" => worker::run::<tachyon::Batches>(work, args),
        "Socket" => worker::run::<socket::Socket>(work, args),
        #[cfg(feature = "iceoryx2")]
        "Iceoryx2" => worker::run::<iceoryx2::Iceoryx2>(work, args),
        #[cfg(feature = "zmq")]
        "ZeroMq" => worker::run::<zmq::ZeroMq>(work, args),
        _ => Err(format!("built without {variant}").into()),
    }
}
