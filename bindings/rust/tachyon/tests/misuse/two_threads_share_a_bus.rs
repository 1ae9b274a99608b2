// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! One thread at a time sends, and one receives.

fn main() -> tachyon::Result<()> {
    let bus = tachyon::Bus::connect("@nobody")?;

    std::thread::scope(|scope| {
        scope.spawn(|| bus.send(b"", 1));
        scope.spawn(|| bus.send(b"", 2));
    });
    Ok(())
}
