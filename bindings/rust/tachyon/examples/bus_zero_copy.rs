// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A message is made in the memory that its receiver reads: acquire, write, commit; acquire, read,
//! commit. Nothing is copied on the way.
//!
//!     cargo run --example bus_zero_copy

use std::env;
use std::error::Error;
use std::process::{self, Command};
use std::time::Duration;

use tachyon::Bus;

const MATRICES: u32 = 100;
const CELLS: usize = 4096;
const CELL: usize = size_of::<u32>();
const TYPE_MATRIX: u32 = 1;
const TIMEOUT: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn cell(number: u32, index: usize) -> [u8; CELL] {
    number.wrapping_mul(index as u32).to_ne_bytes()
}

fn send_matrix(bus: &mut Bus, number: u32) -> Result<()> {
    let mut matrix = bus.acquire_tx_timeout(CELLS * CELL, TIMEOUT)?;

    for (index, bytes) in matrix.chunks_exact_mut(CELL).enumerate() {
        bytes.copy_from_slice(&cell(number, index));
    }
    Ok(matrix.commit(CELLS * CELL, TYPE_MATRIX)?)
}

fn receive_matrix(bus: &Bus, number: u32) -> Result<()> {
    let matrix = bus.acquire_rx_timeout(TIMEOUT)?;

    if matrix.type_id != TYPE_MATRIX || matrix.actual_size != CELLS * CELL {
        return Err(format!("not what was expected: type {}", matrix.type_id).into());
    }
    let wrong = matrix
        .chunks_exact(CELL)
        .enumerate()
        .filter(|(index, bytes)| *bytes != cell(number, *index))
        .count();

    // The sender may overwrite it from here on.
    matrix.commit()?;
    match wrong {
        0 => Ok(()),
        _ => Err(format!("matrix {number}: {wrong} cells are wrong").into()),
    }
}

fn produce(address: &str) -> Result<()> {
    // Room for a few messages of 16 KiB.
    let mut bus = Bus::options().capacity(256 * 1024).connect(address)?;

    for number in 0..MATRICES {
        send_matrix(&mut bus, number)?;
    }
    // What was committed is still received.
    Ok(())
}

fn consume(address: &str) -> Result<()> {
    let bus = Bus::options().timeout(Some(TIMEOUT)).listen(address)?;

    for number in 0..MATRICES {
        receive_matrix(&bus, number)?;
    }
    println!("{MATRICES} matrices of {CELLS} cells, read where they were written");
    Ok(())
}

fn main() -> Result<()> {
    // The other process is this program, called with the address.
    if let Some(address) = env::args().nth(1) {
        return produce(&address);
    }

    let address = format!("@tachyon-bus-zero-copy-{}", process::id());
    let mut child = Command::new(env::current_exe()?).arg(&address).spawn()?;
    let result = consume(&address);
    let status = child.wait()?;

    result?;
    match status.success() {
        true => Ok(()),
        false => Err("the other process failed".into()),
    }
}
