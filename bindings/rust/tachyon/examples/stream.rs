// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The newest value of an array, by name: one process writes a matrix again and again, another
//! reads whatever is the newest when it looks, and sleeps until there is one.
//!
//!     cargo run --example stream

use std::env;
use std::error::Error;
use std::process::{self, Command};
use std::time::Duration;

use tachyon::Stream;

const ROWS: usize = 64;
const COLUMNS: usize = 64;
const WRITES: u32 = 1000;
const TIMEOUT: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn write_matrices(name: &str) -> Result<()> {
    let stream = Stream::<f64>::open(name)?;

    for number in 1..=WRITES {
        // In place, and nobody sees it before it is complete.
        stream.write_with(|cells| cells.fill(number.into()))?;
    }
    Ok(())
}

fn read_matrices(stream: &Stream<f64>) -> Result<()> {
    let mut cells = vec![0.0; ROWS * COLUMNS];
    let mut count = 0;
    let mut seen = 0;

    while count < WRITES.into() {
        count = stream.read_new_into(&mut cells, TIMEOUT)?.count;
        if cells.iter().any(|cell| *cell != count as f64) {
            return Err(format!("matrix {count} is a mixture").into());
        }
        seen += 1;
    }
    println!("{seen} of {WRITES} matrices seen, the newest each time, each complete");
    Ok(())
}

fn main() -> Result<()> {
    // The other process is this program, called with the name.
    if let Some(name) = env::args().nth(1) {
        return write_matrices(&name);
    }

    let name = format!("example-{}", process::id());
    let stream = Stream::create(&name, &[ROWS, COLUMNS])?;
    let result = run(&name, &stream);

    // Until here it would have outlived us.
    stream.unlink()?;
    result
}

fn run(name: &str, stream: &Stream<f64>) -> Result<()> {
    let mut child = Command::new(env::current_exe()?).arg(name).spawn()?;
    let result = read_matrices(stream);
    let status = child.wait()?;

    result?;
    match status.success() {
        true => Ok(()),
        false => Err("the other process failed".into()),
    }
}
