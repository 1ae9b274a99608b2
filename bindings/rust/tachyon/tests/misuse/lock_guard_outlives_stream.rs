// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The handle has the lock.

fn main() -> tachyon::Result<()> {
    let stream = tachyon::Stream::<f32>::open("nobody")?;
    let guard = stream.lock(None)?;

    drop(stream);
    guard.unlock()
}
