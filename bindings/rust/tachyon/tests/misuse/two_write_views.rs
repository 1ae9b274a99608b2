// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! There is one memory for the next value.

fn main() -> tachyon::Result<()> {
    let mut stream = tachyon::Stream::<f32>::open("nobody")?;
    let first = stream.write_view(None)?;
    let second = stream.write_view(None)?;

    first.commit()?;
    second.commit()
}
