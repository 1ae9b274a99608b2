// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A message of a batch is only lent out.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;
    let batch = bus.drain_batch(8, 0)?;
    let other = bus.drain_batch(8, 0)?;

    std::mem::swap(&mut batch[0], &mut other[0]);
    Ok(())
}
