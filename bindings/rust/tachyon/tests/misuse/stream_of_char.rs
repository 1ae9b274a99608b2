// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Not any 32 bits are a char.

fn main() -> tachyon::Result<()> {
    tachyon::Stream::<char>::open("nobody").map(drop)
}
