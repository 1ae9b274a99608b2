// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Its halves are lent to others.

fn main() -> tachyon::Result<()> {
    let mut bus = tachyon::Bus::connect("@nobody")?;
    let (sender, _receiver) = bus.split();

    bus.send(b"", 1)?;
    sender.send(b"", 2)
}
