// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What Rust programs get out of tachyon, beside the other ways between two processes.
//!
//! This program plays the sides of a run (`worker`, see there). Without that word it starts
//! `../bench-python.py`, which has the rounds and the tables, for the tables of Rust, and hands its
//! arguments on.

mod transport;
mod worker;

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const TABLES: &str = "rust-32,rust-4k,rust-trips";

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();

    if let [first, rest @ ..] = args.as_slice()
        && first == "worker"
    {
        worker::finish(transport::run(rest));
    }
    let error = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../bench-python.py"))
        .args(["--tables", TABLES, "--rust"])
        .arg(env::current_exe().expect("a program knows its path"))
        .args(args)
        .exec();
    worker::finish(Err(error.into()));
}
