// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The lock stays while the next value is written.

fn main() -> tachyon::Result<()> {
    let stream = tachyon::Stream::<f32>::open("nobody")?;
    let mut guard = stream.lock(None)?;
    let view = guard.write_view()?;

    guard.unlock()?;
    view.commit()
}
