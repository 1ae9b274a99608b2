// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Its thread has the lock, and no other can give it back.

fn main() -> tachyon::Result<()> {
    let stream = tachyon::Stream::<f32>::open("nobody")?;
    let guard = stream.lock(None)?;

    std::thread::scope(|scope| {
        scope.spawn(move || guard.unlock());
    });
    Ok(())
}
