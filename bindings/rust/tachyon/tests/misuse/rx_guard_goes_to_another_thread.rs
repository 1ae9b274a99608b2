// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Its thread is the receiver, which is one at a time.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;
    let guard = bus.acquire_rx(0)?;

    std::thread::scope(|scope| {
        scope.spawn(move || guard.commit());
    });
    Ok(())
}
