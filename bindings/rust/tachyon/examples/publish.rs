// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A moving picture for whoever subscribes, without GStreamer here: acquire memory, write the frame
//! into it, commit it to everyone at once.
//!
//! ```sh
//! cargo run --example publish /tmp/picture 300
//! cargo run --example subscribe /tmp/picture
//! gst-launch-1.0 tachyonsrc socket-path=/tmp/picture ! videoconvert ! autovideosink
//! ```

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tachyon::{Error, Publisher};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
const FRAME_NS: u64 = 33_333_333;
const TIMEOUT: Duration = Duration::from_secs(10);

const CAPS: &str = "video/x-raw, format=GRAY8, width=320, height=240, framerate=30/1";

fn draw(pixels: &mut [u8], number: u64) {
    for (y, line) in pixels.chunks_exact_mut(WIDTH).enumerate() {
        for (x, pixel) in line.iter_mut().enumerate() {
            *pixel = (x as u64 + y as u64 + number) as u8;
        }
    }
}

fn publish(publisher: &Publisher, number: u64) -> Result<(), String> {
    let mut frame = publisher
        .acquire_timeout(WIDTH * HEIGHT, TIMEOUT)
        .map_err(on("acquire"))?;

    draw(&mut frame, number);
    frame.meta.pts = Some(number * FRAME_NS);
    frame.meta.duration = Some(FRAME_NS);
    frame
        .commit_timeout(TIMEOUT)
        .map_err(|error| on("commit")(error.into()))?;
    Ok(())
}

fn run(address: &str, count: u64) -> Result<(), String> {
    // Nobody is there yet; whoever comes late is told the caps all the same.
    let publisher = Publisher::options()
        .caps(CAPS)
        .create(address)
        .map_err(on(address))?;

    publisher
        .wait_for_subscribers(1, TIMEOUT)
        .map_err(on("nobody subscribes"))?;
    for number in 0..count {
        publish(&publisher, number)?;
        thread::sleep(Duration::from_nanos(FRAME_NS));
    }
    publisher.send_eos().map_err(on("send_eos"))?;
    println!("{count} frames");
    // What was published is still received when the publisher is dropped here.
    Ok(())
}

fn on(what: &str) -> impl Fn(Error) -> String {
    move |error| format!("{what}: {error}")
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (address, count) = match arguments.as_slice() {
        [address] => (address, Ok(300)),
        [address, count] => (address, count.parse()),
        _ => {
            eprintln!("publish ADDRESS [FRAMES]");
            return ExitCode::from(2);
        }
    };
    let result = count
        .map_err(|error| format!("FRAMES: {error}"))
        .and_then(|count| run(address, count));

    if let Err(text) = result {
        eprintln!("{text}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
