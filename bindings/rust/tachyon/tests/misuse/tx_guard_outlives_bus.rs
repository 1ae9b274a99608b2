// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The ring goes with the bus.

fn main() -> tachyon::Result<()> {
    let guard = {
        let mut bus = tachyon::Bus::connect("@nobody")?;

        bus.acquire_tx(8)?
    };

    guard.commit(8, 1)
}
