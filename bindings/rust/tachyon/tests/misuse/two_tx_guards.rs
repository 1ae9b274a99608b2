// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Two guards of one bus would be one piece of the ring twice.

fn main() -> tachyon::Result<()> {
    let mut bus = tachyon::Bus::connect("@nobody")?;
    let first = bus.acquire_tx(8)?;
    let second = bus.acquire_tx(8)?;

    first.commit(8, 1)?;
    second.commit(8, 1)
}
