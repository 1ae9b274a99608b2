// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! After the commit the sender may overwrite all of it.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;
    let batch = bus.drain_batch(8, 0)?;
    let first = &batch[0];

    batch.commit()?;
    println!("{first:?}");
    Ok(())
}
