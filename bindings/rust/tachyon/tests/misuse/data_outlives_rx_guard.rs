// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! After the commit the sender may overwrite it.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;
    let guard = bus.acquire_rx(0)?;
    let data = guard.data();

    guard.commit()?;
    println!("{data:?}");
    Ok(())
}
