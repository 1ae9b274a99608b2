// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! One process of a run, as `../python/worker.py` is one, which says what is checked: it says `ready`
//! when it is connected and waits for a line; then it works, says `done` and its figures, and waits
//! for another before it leaves.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What each side may have on its way; a socket has what the kernel gives it.
pub const QUEUE_BYTES: usize = 1 << 20;

const VERIFIED: usize = 300;
const LAST: u8 = 255;
/// Few, so that they stay in the cache as a message just made would; and a prime, so that a slip by
/// a queue's length is seen.
const PAYLOADS: usize = 13;

/// The sides: `A` sends the stream and begins a round trip.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

impl Side {
    /// As a socket that both sides can tell apart.
    pub fn other(self) -> Self {
        if self == Self::A { Self::B } else { Self::A }
    }

    pub fn name(self) -> &'static str {
        if self == Self::A { "a" } else { "b" }
    }
}

/// What a transport gets to know.
pub struct Place {
    pub side: Side,
    pub size: usize,
    pub folder: PathBuf,
}

impl Place {
    /// A name that nobody else has.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Two connected sides. Whoever wants to batch does it in the plural ones.
pub trait Transport: Sized {
    fn connect(place: &Place) -> Result<Self>;
    fn send(&mut self, data: &[u8]) -> Result<()>;
    /// `look` sees the message where it lies.
    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()>;

    fn send_all<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) -> Result<()> {
        for payload in payloads {
            self.send(payload)?;
        }
        Ok(())
    }

    fn receive_all(&mut self, count: usize, mut look: impl FnMut(&[u8])) -> Result<()> {
        for _ in 0..count {
            self.receive(&mut look)?;
        }
        Ok(())
    }
}

/// Number i counts up from i.
fn make_payloads(size: usize) -> Vec<Vec<u8>> {
    (0..PAYLOADS)
        .map(|i| (0..size).map(|j| ((i + j) % 256) as u8).collect())
        .collect()
}

fn cycle(payloads: &[Vec<u8>], count: usize) -> impl Iterator<Item = &[u8]> {
    payloads.iter().cycle().take(count).map(Vec::as_slice)
}

fn expect(transport: &mut impl Transport, expected: &[u8]) -> Result<()> {
    let mut is_right = false;

    transport.receive(|data| is_right = data == expected)?;
    if is_right {
        Ok(())
    } else {
        Err("a message is not what was sent".into())
    }
}

fn send_stream(transport: &mut impl Transport, size: usize, count: usize) -> Result<String> {
    let payloads = make_payloads(size);

    for payload in cycle(&payloads, VERIFIED) {
        transport.send(payload)?;
    }
    transport.send_all(cycle(&payloads, count))?;
    transport.send(&vec![LAST; size])?;
    Ok(String::new())
}

fn receive_stream(transport: &mut impl Transport, size: usize, count: usize) -> Result<String> {
    let payloads = make_payloads(size);
    let (mut total, mut check) = (0, 0);

    for payload in cycle(&payloads, VERIFIED) {
        expect(transport, payload)?;
    }
    let begin = Instant::now();
    transport.receive_all(count, |data| {
        total += data.len();
        check += usize::from(data[0]);
    })?;
    let elapsed = begin.elapsed().as_nanos();

    if total != size * count || check != (0..count).map(|i| i % PAYLOADS).sum() {
        return Err("sizes or content are not what was sent".into());
    }
    expect(transport, &vec![LAST; size])?;
    Ok(format!("elapsed_ns={elapsed}"))
}

fn begin_round_trips(transport: &mut impl Transport, size: usize, count: usize) -> Result<String> {
    let payloads = make_payloads(size);
    let mut times = Vec::with_capacity(count);

    for payload in cycle(&payloads, count) {
        let begin = Instant::now();

        transport.send(payload)?;
        expect(transport, payload)?;
        times.push(begin.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(format!("p50_ns={}", times[count / 2]))
}

fn answer_round_trips(transport: &mut impl Transport, size: usize, count: usize) -> Result<String> {
    let mut message = vec![0; size];

    for _ in 0..count {
        transport.receive(|data| message.copy_from_slice(data))?;
        transport.send(&message)?;
    }
    Ok(String::new())
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();

    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn wait_for_line() -> Result<()> {
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// After WORK and VARIANT: SIDE SIZE COUNT FOLDER, and a descriptor that no transport here uses.
pub fn run<T: Transport>(work: &str, args: &[String]) -> Result<()> {
    let [side, size, count, folder, ..] = args else {
        return Err("SIDE SIZE COUNT FOLDER".into());
    };
    let (size, count) = (size.parse()?, count.parse()?);
    let side = if side == "a" { Side::A } else { Side::B };
    let folder = Path::new(folder).to_path_buf();
    let mut transport = T::connect(&Place { side, size, folder })?;

    say("ready")?;
    wait_for_line()?;
    let figures = match (work, side) {
        ("stream", Side::A) => send_stream(&mut transport, size, count),
        ("stream", Side::B) => receive_stream(&mut transport, size, count),
        ("trips", Side::A) => begin_round_trips(&mut transport, size, count),
        ("trips", Side::B) => answer_round_trips(&mut transport, size, count),
        _ => Err("WORK is stream or trips".into()),
    }?;
    say(format!("done {figures}").trim_end())?;
    wait_for_line()
}

/// Its error is what the others learn of it.
pub fn finish(result: Result<()>) -> ! {
    if let Err(error) = result {
        let text = error.to_string();
        let _ = say(&format!(
            "failed {}",
            text.lines().next().unwrap_or_default()
        ));
        std::process::exit(1);
    }
    std::process::exit(0);
}
