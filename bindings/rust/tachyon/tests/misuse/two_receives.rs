// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Where the receiver is apart, the compiler sees to it that there is one guard.

fn main() -> tachyon::Result<()> {
    let mut bus = tachyon::Bus::connect("@nobody")?;
    let (_sender, receiver) = bus.split();
    let first = receiver.acquire_rx(0)?;
    let second = receiver.drain_batch(8, 0)?;

    first.commit()?;
    second.commit()
}
