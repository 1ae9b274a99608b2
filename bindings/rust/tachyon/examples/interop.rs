// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The endpoint in Rust of the interop matrix: tests/interop/README.md in the repository says what
//! it sends, receives and prints.

mod sequence;

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use sequence::{PICTURE_SIZE, PIXELS, PLANES, Sequence, Tally, duration, pts};
use tachyon::{Bus, End, Frame, FrameMeta, Item, Policy, Publisher, Subscriber};

const CONNECT: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(60);
/// The largest message takes more than 1 MiB of it, and it is a power of two.
const RING_SIZE: usize = 4 << 20;

const BUFFER_CAPS: &str = "application/octet-stream";
const FRAME_CAPS: &str = "video/x-raw, format=I420, width=322, height=242, framerate=30000/1001";

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

// --- checks ---

fn ensure(condition: bool, text: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(text()) }
}

/// Receives the sequence.
struct Check<'a> {
    sequence: &'a Sequence,
    tally: Tally,
    count: u64,
}

impl<'a> Check<'a> {
    fn new(sequence: &'a Sequence, count: u64) -> Self {
        Self {
            sequence,
            tally: Tally::new(),
            count,
        }
    }

    /// Whether it is this item's turn.
    fn number(&self, what: &str, expected: u64, number: Option<u64>) -> Result<()> {
        let turn = self.tally.count;

        ensure(turn < self.count, || {
            format!("item {turn} came, after the last")
        })?;
        ensure(number == Some(expected), || {
            format!("item {turn}: its {what} is {number:?}, not {expected}")
        })
    }

    fn content(&mut self, content: &[u8]) -> Result<()> {
        let turn = self.tally.count;
        let expected = self.sequence.message(turn);

        ensure(content.len() == expected.len(), || {
            format!(
                "item {turn}: {} bytes came, not {}",
                content.len(),
                expected.len()
            )
        })?;
        ensure(content == expected, || {
            format!("item {turn}: its content is wrong")
        })?;
        self.tally.add(content);
        Ok(())
    }

    fn message(&mut self, type_id: u32, content: &[u8]) -> Result<()> {
        self.number("type", self.tally.count, Some(type_id.into()))?;
        self.content(content)
    }

    fn picture(&mut self, frame: &Frame) -> Result<()> {
        let turn = self.tally.count;
        let expected = self.sequence.picture(turn);
        let mut pixels = Vec::with_capacity(PIXELS);

        ensure(frame.len() >= PICTURE_SIZE, || {
            format!("frame {turn}: {} bytes came", frame.len())
        })?;
        match frame.layout() {
            Some(_) => {
                for (plane, shape) in frame.planes().during("planes")?.iter().zip(&PLANES) {
                    for line in plane.lines().take(shape.height) {
                        pixels.extend_from_slice(&line[..shape.width]);
                    }
                }
            }
            None => {
                for row in rows() {
                    pixels.extend_from_slice(&frame[row]);
                }
            }
        }
        ensure(pixels == expected, || {
            format!("frame {turn}: its pixels are wrong")
        })?;
        self.tally.add(&pixels);
        Ok(())
    }

    fn end(&self, end: Option<End>) -> Result<()> {
        let Self { count, tally, .. } = self;

        ensure(end == Some(End::Closed), || {
            format!("after {} items: the end is {end:?}", tally.count)
        })?;
        ensure(tally.count == *count, || {
            format!("the end came after {} items, not {count}", tally.count)
        })
    }
}

/// The rows of a picture, plane after plane, as GStreamer lays it out by default.
fn rows() -> impl Iterator<Item = std::ops::Range<usize>> {
    PLANES.iter().flat_map(|plane| {
        (0..plane.height).map(|row| {
            let start = plane.offset + row * plane.stride;
            start..start + plane.width
        })
    })
}

// --- messages ---

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Listen,
    Connect,
}

fn open_bus(address: &str, role: Role) -> Result<Bus> {
    let options = Bus::options().capacity(RING_SIZE).timeout(Some(CONNECT));

    match role {
        Role::Listen => options.listen(address).during("listen"),
        Role::Connect => options.connect(address).during("connect"),
    }
}

/// Each way to send, in turn. Room taken may be more than is used, which shows on the wire.
fn send_message(bus: &mut Bus, content: &[u8], type_id: u32) -> tachyon::Result<()> {
    match type_id % 3 {
        0 => bus.send_timeout(content, type_id, TIMEOUT),
        1 => {
            let mut guard = bus.acquire_tx_timeout(content.len(), TIMEOUT)?;
            guard.copy_from_slice(content);
            guard.commit(content.len(), type_id)
        }
        _ => {
            let mut guard = bus.acquire_tx_timeout(content.len() + 100, TIMEOUT)?;
            let written = guard.write(content);
            guard.commit_unflushed(written, type_id)
        }
    }
}

fn send_messages(sequence: &Sequence, address: &str, count: u64, role: Role) -> Result<Tally> {
    let mut bus = open_bus(address, role)?;
    let mut tally = Tally::new();

    for number in 0..count {
        let content = sequence.message(number);
        tally.add(content);
        send_message(&mut bus, content, number as u32).during("send")?;
    }
    Ok(tally)
}

/// Each way to receive, in turn. The inner result is what the bus said.
fn receive_some(bus: &Bus, check: &mut Check<'_>) -> Result<tachyon::Result<()>> {
    match check.tally.count % 3 {
        0 => {
            let batch = match bus.drain_batch_timeout(16, TIMEOUT) {
                Ok(batch) => batch,
                Err(error) => return Ok(Err(error)),
            };
            for message in &batch {
                check.message(message.type_id, message)?;
            }
            Ok(batch.commit())
        }
        way => {
            let receive = || bus.acquire_rx_timeout(TIMEOUT);
            // Rolled back, it comes again.
            let first = if way == 1 {
                receive().map(drop)
            } else {
                Ok(())
            };
            let guard = match first.and_then(|()| receive()) {
                Ok(guard) => guard,
                Err(error) => return Ok(Err(error)),
            };
            check.message(guard.type_id, &guard)?;
            Ok(guard.commit())
        }
    }
}

fn receive_messages(sequence: &Sequence, address: &str, count: u64, role: Role) -> Result<Tally> {
    let bus = open_bus(address, role)?;
    let mut check = Check::new(sequence, count);

    loop {
        match receive_some(&bus, &mut check)? {
            Ok(()) => {}
            Err(error) if error.is_closed() => break,
            Err(error) => return Err(error).during("receive"),
        }
    }
    check.end(bus.end())?;
    Ok(check.tally)
}

// --- buffers and frames ---

fn open_publisher(address: &str, caps: &str) -> Result<Publisher> {
    let publisher = Publisher::options()
        .caps(caps)
        .policy(Policy::Block)
        .create(address)
        .during("publisher")?;

    publisher
        .wait_for_subscribers(1, CONNECT)
        .during("nobody subscribes")?;
    Ok(publisher)
}

fn send_payload(publisher: &Publisher, payload: &[u8], meta: FrameMeta) -> Result<()> {
    let sent = publisher
        .send_timeout(payload, &meta, TIMEOUT)
        .during("send")?;

    ensure(sent == 1, || "the subscriber left".into())
}

/// Writes a payload in place.
fn acquire_and_send(
    publisher: &Publisher,
    size: usize,
    meta: FrameMeta,
    write: impl FnOnce(&mut [u8]),
) -> Result<()> {
    let mut frame = publisher.acquire_timeout(size, TIMEOUT).during("acquire")?;

    write(&mut frame);
    frame.meta = meta;
    let sent = frame.commit_timeout(TIMEOUT).during("commit")?;
    ensure(sent == 1, || "the subscriber left".into())
}

/// Copied by the library, or written in place: in turn, but an empty one has no block.
fn send_buffers(sequence: &Sequence, address: &str, count: u64) -> Result<Tally> {
    let publisher = open_publisher(address, BUFFER_CAPS)?;
    let mut tally = Tally::new();

    for number in 0..count {
        let content = sequence.message(number);
        let meta = FrameMeta {
            offset: Some(number),
            ..FrameMeta::at(number)
        };

        tally.add(content);
        if number % 2 == 1 || content.is_empty() {
            send_payload(&publisher, content, meta)?;
        } else {
            acquire_and_send(&publisher, content.len(), meta, |room| {
                room.copy_from_slice(content);
            })?;
        }
    }
    publisher.send_eos().during("send_eos")?;
    Ok(tally)
}

fn draw(mut pixels: &[u8], payload: &mut [u8]) {
    for row in rows() {
        let (line, rest) = pixels.split_at(row.len());
        payload[row].copy_from_slice(line);
        pixels = rest;
    }
}

fn send_frames(sequence: &Sequence, address: &str, count: u64) -> Result<Tally> {
    let publisher = open_publisher(address, FRAME_CAPS)?;
    let mut tally = Tally::new();
    let mut picture = vec![0; PICTURE_SIZE];

    for number in 0..count {
        let pixels = sequence.picture(number);
        let meta = FrameMeta {
            duration: Some(duration(number)),
            ..FrameMeta::at(pts(number))
        };

        tally.add(pixels);
        if number % 2 == 1 {
            draw(pixels, &mut picture);
            send_payload(&publisher, &picture, meta)?;
        } else {
            acquire_and_send(&publisher, PICTURE_SIZE, meta, |room| draw(pixels, room))?;
        }
    }
    publisher.send_eos().during("send_eos")?;
    Ok(tally)
}

/// Frames until the end of the stream, and then until the publisher closes.
fn receive_items(
    address: &str,
    check: &mut Check<'_>,
    mut check_frame: impl FnMut(&mut Check<'_>, &Frame) -> Result<()>,
) -> Result<()> {
    let mut subscriber = Subscriber::options()
        .timeout(CONNECT)
        .connect(address)
        .during("connect")?;
    let mut is_over = false;

    loop {
        match subscriber.receive_timeout(TIMEOUT) {
            Ok(Item::Frame(frame)) => {
                ensure(!is_over, || "a frame came after the end".into())?;
                check_frame(check, &frame)?;
            }
            Ok(Item::Eos) => is_over = true,
            Ok(_) => {}
            Err(error) if error.is_closed() => break,
            Err(error) => return Err(error).during("receive"),
        }
    }
    check.end(subscriber.end())?;
    ensure(is_over, || "there was no end of the stream".into())
}

/// What media it is, and its fields, without the types that they may say: (int)322.
fn parse_caps(caps: &str) -> (&str, Vec<(&str, &str)>) {
    let mut parts = caps.split(',').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let fields = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name, value.rsplit(')').next()?))
    });

    (media, fields.collect())
}

fn check_caps(frame: &Frame, media: &str, expected: &[(&str, &str)]) -> Result<()> {
    let caps = frame.caps().unwrap_or_default();
    let (found, fields) = parse_caps(caps);

    ensure(
        found == media && expected.iter().all(|field| fields.contains(field)),
        || format!("these caps came: {caps}"),
    )
}

fn receive_buffers(sequence: &Sequence, address: &str, count: u64) -> Result<Tally> {
    let mut check = Check::new(sequence, count);

    receive_items(address, &mut check, |check, frame| {
        let turn = check.tally.count;
        check_caps(frame, BUFFER_CAPS, &[])?;
        check.number("pts", turn, frame.pts())?;
        check.number("offset", turn, frame.offset())?;
        check.content(frame)
    })?;
    Ok(check.tally)
}

fn receive_frames(sequence: &Sequence, address: &str, count: u64) -> Result<Tally> {
    let fields = [
        ("format", "I420"),
        ("width", "322"),
        ("height", "242"),
        ("framerate", "30000/1001"),
    ];
    let mut check = Check::new(sequence, count);

    receive_items(address, &mut check, |check, frame| {
        let turn = check.tally.count;
        check_caps(frame, "video/x-raw", &fields)?;
        check.number("pts", pts(turn), frame.pts())?;
        check.number("duration", duration(turn), frame.duration())?;
        check.picture(frame)
    })?;
    Ok(check.tally)
}

// --- the command line ---

const USAGE: &str = "\
interop send-messages|receive-messages ADDRESS COUNT [listen|connect]
interop send-buffers|receive-buffers|send-frames|receive-frames ADDRESS COUNT";

/// None: wrong usage.
fn run(arguments: &[&str]) -> Option<Result<String>> {
    let [command, address, count, rest @ ..] = arguments else {
        return None;
    };
    let count = count.parse().ok()?;
    let role = |default| match rest {
        [] => Some(default),
        ["listen"] => Some(Role::Listen),
        ["connect"] => Some(Role::Connect),
        _ => None,
    };
    let sequence = Sequence::new();
    let tally = match *command {
        "send-messages" => send_messages(&sequence, address, count, role(Role::Connect)?),
        "receive-messages" => receive_messages(&sequence, address, count, role(Role::Listen)?),
        "send-buffers" => send_buffers(&sequence, address, count),
        "receive-buffers" => receive_buffers(&sequence, address, count),
        "send-frames" => send_frames(&sequence, address, count),
        "receive-frames" => receive_frames(&sequence, address, count),
        _ => return None,
    };
    let (_, noun) = command.split_once('-')?;

    Some(tally.map(|tally| tally.line(noun)))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    match run(&arguments) {
        Some(Ok(line)) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
