// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! It is the peer's memory, and read-only.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;
    let guard = bus.acquire_rx(0)?;

    guard[0] = 1;
    Ok(())
}
