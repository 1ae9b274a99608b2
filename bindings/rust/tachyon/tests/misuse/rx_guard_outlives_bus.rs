// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The ring goes with the bus.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;
    let guard = bus.acquire_rx(0)?;

    drop(bus);
    guard.commit()
}
