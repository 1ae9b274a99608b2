// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What is lent out must not change.

fn main() -> tachyon::Result<()> {
    let stream = tachyon::Stream::<f32>::open("nobody")?;
    let mut guard = stream.lock(None)?;
    let live = guard.live()?;

    guard.write(&[1.0])?;
    println!("{}", live[0]);
    Ok(())
}
