// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Whoever has the lock next may write there.

fn main() -> tachyon::Result<()> {
    let stream = tachyon::Stream::<f32>::open("nobody")?;
    let guard = stream.lock(None)?;
    let live = guard.live()?;

    guard.unlock()?;
    println!("{}", live[0]);
    Ok(())
}
