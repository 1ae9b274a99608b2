// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The sequence of tests/interop/README.md, for the endpoints in Rust.
#![allow(dead_code, reason = "not every endpoint uses all of it")]

const MESSAGE_MAX: usize = 1 << 20;
const PATTERN_SIZE: usize = 2 << 20;
const BOUNDARIES: [usize; 17] = [
    0,
    1,
    47,
    48,
    49,
    63,
    64,
    65,
    112,
    4095,
    4096,
    4097,
    65535,
    65536,
    65537,
    MESSAGE_MAX - 1,
    MESSAGE_MAX,
];

/// One plane of a picture, in bytes.
pub struct PlaneShape {
    pub offset: usize,
    pub stride: usize,
    pub width: usize,
    pub height: usize,
}

pub const PLANES: [PlaneShape; 3] = [
    PlaneShape {
        offset: 0,
        stride: 324,
        width: 322,
        height: 242,
    },
    PlaneShape {
        offset: 78408,
        stride: 164,
        width: 161,
        height: 121,
    },
    PlaneShape {
        offset: 98252,
        stride: 164,
        width: 161,
        height: 121,
    },
];
pub const PICTURE_SIZE: usize = 118_096;
pub const PIXELS: usize = 116_886;

fn hash(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub struct Sequence {
    pattern: Vec<u8>,
}

impl Sequence {
    pub fn new() -> Self {
        let words = (0..PATTERN_SIZE as u64 / 8).map(|k| hash((1 << 32) + k));

        Self {
            pattern: words.flat_map(u64::to_le_bytes).collect(),
        }
    }

    fn slice(&self, offset: u64, size: usize) -> &[u8] {
        let offset = offset as usize;

        &self.pattern[offset..offset + size]
    }

    /// The content of a message or buffer.
    pub fn message(&self, number: u64) -> &[u8] {
        let h = hash(number);
        let choice = ((h >> 10) & ((1 << 30) - 1)) as usize;
        let size = match h & 1023 {
            0 => choice % (MESSAGE_MAX + 1),
            1..=18 => BOUNDARIES[choice % BOUNDARIES.len()],
            _ => choice % 512,
        };

        self.slice(h >> 44, size)
    }

    /// All pixels of a frame, row after row and plane after plane.
    pub fn picture(&self, number: u64) -> &[u8] {
        self.slice(hash((1 << 33) + number) >> 44, PIXELS)
    }
}

pub fn pts(number: u64) -> u64 {
    number * 100_100_000 / 3
}

pub fn duration(number: u64) -> u64 {
    pts(number + 1) - pts(number)
}

/// As zlib's. Table n is the effect of a byte with n bytes behind it.
struct Crc {
    tables: [[u32; 256]; 8],
}

impl Crc {
    fn new() -> Self {
        let mut tables = [[0; 256]; 8];

        tables[0] = std::array::from_fn(|byte| {
            (0..8).fold(byte as u32, |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        });
        for n in 1..8 {
            let first = tables[0];
            tables[n] = tables[n - 1].map(|crc: u32| (crc >> 8) ^ first[crc as usize & 0xff]);
        }
        Self { tables }
    }

    fn add(&self, crc: u32, data: &[u8]) -> u32 {
        let words = data.chunks_exact(8);
        let rest = words.remainder();
        let crc = words.fold(!crc, |crc, word| {
            let word = u64::from_le_bytes(word.try_into().unwrap()) ^ u64::from(crc);
            (0..8).fold(0, |next, n| {
                next ^ self.tables[7 - n][(word >> (8 * n)) as usize & 0xff]
            })
        });

        !rest.iter().fold(crc, |crc, byte| {
            (crc >> 8) ^ self.tables[0][(crc ^ u32::from(*byte)) as usize & 0xff]
        })
    }
}

/// What is reported at the end, and what that is made of.
pub struct Tally {
    crc_of: Crc,
    crc: u32,
    pub count: u64,
    bytes: u64,
}

impl Tally {
    pub fn new() -> Self {
        Self {
            crc_of: Crc::new(),
            crc: 0,
            count: 0,
            bytes: 0,
        }
    }

    pub fn add(&mut self, content: &[u8]) {
        self.crc = self.crc_of.add(self.crc, content);
        self.bytes += content.len() as u64;
        self.count += 1;
    }

    pub fn line(&self, noun: &str) -> String {
        format!(
            "{noun} {} bytes {} crc32 {:08x}",
            self.count, self.bytes, self.crc
        )
    }
}
