// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What is sent meanwhile would overtake, or be overtaken by, who knows what.

fn main() -> tachyon::Result<()> {
    let mut bus = tachyon::Bus::connect("@nobody")?;
    let guard = bus.acquire_tx(8)?;

    bus.send(b"", 1)?;
    guard.commit(8, 1)
}
