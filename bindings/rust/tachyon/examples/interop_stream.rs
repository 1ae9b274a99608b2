// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The endpoint in Rust of the streams between languages: tests/interop/README.md in the repository
//! says what it writes, reads and prints.

mod sequence;

use std::env;
use std::fmt::Display;
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::Duration;

use sequence::{Sequence, Tally};
use tachyon::{ArrayType, Element, ElementType, ErrorKind, Stream, StreamWatcher};

const TIMEOUT: Duration = Duration::from_secs(60);
const SHAPE: [usize; 2] = [33, 17];

/// What went wrong, in one line.
type Result<T> = std::result::Result<T, String>;

/// Says during what an error came.
trait During<T> {
    fn during(self, what: &str) -> Result<T>;
}

impl<T, E: Display> During<T> for std::result::Result<T, E> {
    fn during(self, what: &str) -> Result<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

fn ensure(condition: bool, text: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(text()) }
}

/// What has a byte order.
trait Number: Element {
    fn from_bytes(bytes: &[u8]) -> Self;
    fn append_to(self, bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($( $type:ty )*) => {
        $(
            impl Number for $type {
                fn from_bytes(bytes: &[u8]) -> Self {
                    Self::from_ne_bytes(bytes.try_into().unwrap())
                }

                fn append_to(self, bytes: &mut Vec<u8>) {
                    bytes.extend_from_slice(&self.to_ne_bytes());
                }
            }
        )*
    };
}

numbers! { i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 }

impl Number for bool {
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes[0] & 1 == 1
    }

    fn append_to(self, bytes: &mut Vec<u8>) {
        bytes.push(self.into());
    }
}

fn to_bytes<T: Number>(elements: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();

    for element in elements {
        element.append_to(&mut bytes);
    }
    bytes
}

// --- the streams ---

/// Whoever comes first creates it.
fn create_or_open<T: Element>(name: &str, shape: &[usize]) -> Result<Stream<T>> {
    let stream = match Stream::create(name, shape) {
        Err(error) if error.kind() == ErrorKind::Exists => Stream::open(name),
        made => made,
    }
    .during(name)?;

    ensure(stream.shape() == shape, || format!("{name}: another shape"))?;
    Ok(stream)
}

/// The same for types that Rust does not have.
fn create_or_open_bytes(name: &str, array: &ArrayType) -> Result<Stream<u8>> {
    let stream = match Stream::create_bytes(name, array) {
        Err(error) if error.kind() == ErrorKind::Exists => Stream::open_bytes(name),
        made => made,
    }
    .during(name)?;

    ensure(stream.array() == array, || {
        format!("{name}: another type or shape")
    })?;
    Ok(stream)
}

/// A reader or a writer, on its way through all types.
struct Endpoint {
    is_writer: bool,
    name: String,
    count: u64,
    sequence: Sequence,
    tally: Tally,
}

impl Endpoint {
    fn run(mut self) -> Result<Tally> {
        self.typed::<bool>("bool")?;
        self.typed::<i8>("int8")?;
        self.typed::<i16>("int16")?;
        self.typed::<i32>("int32")?;
        self.typed::<i64>("int64")?;
        self.typed::<u8>("uint8")?;
        self.typed::<u16>("uint16")?;
        self.typed::<u32>("uint32")?;
        self.typed::<u64>("uint64")?;
        self.bytes("float16", ElementType::F16)?;
        self.typed::<f32>("float32")?;
        self.typed::<f64>("float64")?;
        self.bytes("longdouble", ElementType::LONG_DOUBLE)?;
        self.bytes("complex64", ElementType::COMPLEX64)?;
        self.bytes("complex128", ElementType::COMPLEX128)?;
        self.bytes("clongdouble", ElementType::COMPLEX_LONG_DOUBLE)?;
        Ok(self.tally)
    }

    fn typed<T: Number>(&mut self, kind: &str) -> Result<()> {
        let name = format!("{}-{kind}", self.name);

        self.turn::<T>(&name, create_or_open(&name, &SHAPE)?)
    }

    fn bytes(&mut self, kind: &str, element: ElementType) -> Result<()> {
        let name = format!("{}-{kind}", self.name);
        let array = ArrayType::new(element, &SHAPE);

        self.turn(&name, create_or_open_bytes(&name, &array)?)
    }

    fn turn<T: Number>(&mut self, name: &str, mut values: Stream<T>) -> Result<()> {
        let seen = create_or_open::<u64>(&format!("{name}-seen"), &[])?;

        if !self.is_writer {
            return self.read(&values, &seen);
        }
        self.write(&mut values, &seen)?;
        // The reader has both open.
        values.unlink().during("unlink")?;
        seen.unlink().during("unlink")
    }

    fn value<T: Number>(&self, stream: &Stream<T>, number: u64) -> Vec<T> {
        let bytes = &self.sequence.picture(number)[..stream.value_size()];

        bytes
            .chunks_exact(size_of::<T>())
            .map(T::from_bytes)
            .collect()
    }

    // --- writing ---

    /// Each after the one before was seen.
    fn write<T: Number>(&mut self, values: &mut Stream<T>, seen: &Stream<u64>) -> Result<()> {
        for number in 1..=self.count {
            let value = self.value(values, number);

            write_value(values, &value, number).during("write")?;
            self.tally.add(&to_bytes(&value));
            seen.wait(number, TIMEOUT).during("wait for the reader")?;
        }
        Ok(())
    }

    // --- reading ---

    fn read<T: Number>(&mut self, values: &Stream<T>, seen: &Stream<u64>) -> Result<()> {
        let mut watcher = values.watcher().during("watcher")?;

        for number in 1..=self.count {
            if number % 2 == 0 {
                await_by_descriptor(&mut watcher, number)?;
            }
            let content = to_bytes(&read_value(values, number)?);

            ensure(content == to_bytes(&self.value(values, number)), || {
                format!("{:?}: value {number} is wrong", values.name())
            })?;
            self.tally.add(&content);
            seen.write_timeout(&[number], TIMEOUT).during("write")?;
        }
        Ok(())
    }
}

/// Each way to write, in turn.
fn write_value<T: Number>(stream: &mut Stream<T>, value: &[T], number: u64) -> tachyon::Result<()> {
    match number % 3 {
        0 => stream.write_timeout(value, TIMEOUT),
        1 => {
            let mut view = stream.write_view(TIMEOUT)?;
            view.copy_from_slice(value);
            view.commit()
        }
        _ => {
            let mut guard = stream.lock(TIMEOUT)?;
            guard.live_mut()?.copy_from_slice(value);
            guard.unlock()
        }
    }
}

/// What an event loop does.
fn await_by_descriptor(watcher: &mut StreamWatcher, number: u64) -> Result<()> {
    let mut is_there = watcher.prepare(number).during("prepare")?;

    while !is_there {
        let mut polled = libc::pollfd {
            fd: watcher.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: there is one entry, and it is ours alone.
        let ready = unsafe { libc::poll(&mut polled, 1, TIMEOUT.as_millis() as i32) };

        ensure(ready == 1, || "the poll slept on".into())?;
        is_there = watcher.dispatch(number).during("dispatch")?;
    }
    Ok(())
}

/// Each way to read, in turn. The first value may have been there at the opening.
fn read_value<T: Number>(stream: &Stream<T>, number: u64) -> Result<Vec<T>> {
    if number % 3 == 1 && number > 1 {
        return stream.read_new(TIMEOUT).during("read_new");
    }
    stream.wait(number, TIMEOUT).during("wait")?;
    if number % 3 == 0 {
        let guard = stream.lock(TIMEOUT).during("lock")?;
        let live = guard.live().during("live")?.to_vec();

        guard.unlock().during("unlock")?;
        stream.read().during("read")?;
        return Ok(live);
    }
    let snapshot = stream.snapshot().during("snapshot")?;
    let stamp = snapshot.stamp;

    ensure((stamp.count, stamp.missed) == (number, 0), || {
        format!("value {number} came as {stamp:?}")
    })?;
    Ok(snapshot.value)
}

// --- adding ---

/// Adds one, so many times, under the lock. Returns the sum when all have added theirs.
fn add(name: &str, count: u64, total: u64) -> Result<u64> {
    let stream = create_or_open::<u64>(name, &[])?;

    for _ in 0..count {
        let mut guard = stream.lock(TIMEOUT).during("lock")?;

        guard.live_mut().during("live")?[0] += 1;
        guard.unlock().during("unlock")?;
    }
    stream.wait(total, TIMEOUT).during("wait for the others")?;
    Ok(stream.read().during("read")?[0])
}

// --- the command line ---

const USAGE: &str = "\
interop_stream write|read NAME COUNT
interop_stream add NAME COUNT TOTAL";

/// What is to be printed; None: it was called wrongly.
fn run(arguments: &[&str]) -> Result<Option<String>> {
    let number = |text: &str| text.parse::<u64>().during(text);

    Ok(match *arguments {
        ["add", name, count, total] => Some(format!(
            "sum {}",
            add(name, number(count)?, number(total)?)?
        )),
        [what @ ("write" | "read"), name, count] => {
            let endpoint = Endpoint {
                is_writer: what == "write",
                name: name.into(),
                count: number(count)?,
                sequence: Sequence::new(),
                tally: Tally::new(),
            };
            Some(endpoint.run()?.line("values"))
        }
        _ => None,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();

    match run(&arguments) {
        Ok(Some(report)) => println!("{report}"),
        Ok(None) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
