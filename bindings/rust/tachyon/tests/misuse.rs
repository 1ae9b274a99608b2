// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What is wrong with a bus or a stream at run time should not compile: the programs in `misuse` do not, each
//! for the reason that stands beside it.
//!
//! What a compiler says differs from version to version. So the texts are compared with one version
//! only; examples of the documentation that must not compile are tested with any.

use std::env;
use std::io::{self, Write};
use std::process::Command;

/// The compiler that the texts come from. `TRYBUILD=overwrite` writes them anew.
const COMPILER: &str = "rustc 1.95.";

/// What it calls itself; empty where there is none by that name.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());

    match Command::new(rustc).arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().into(),
        Err(_) => String::new(),
    }
}

#[test]
fn misuse_does_not_compile() {
    let compiler = compiler();

    if !compiler.starts_with(COMPILER) {
        // Past the harness, which shows nothing of tests that pass.
        let _ = writeln!(
            io::stderr(),
            "misuse: skipped: the texts are of {COMPILER}x, this is '{compiler}'"
        );
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
