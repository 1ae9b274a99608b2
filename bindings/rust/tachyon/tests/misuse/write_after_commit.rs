// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Readers see it from the commit on.

fn main() -> tachyon::Result<()> {
    let mut stream = tachyon::Stream::<f32>::open("nobody")?;
    let mut view = stream.write_view(None)?;
    let place = &mut view[0];

    view.commit()?;
    *place = 1.0;
    Ok(())
}
