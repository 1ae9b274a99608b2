// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Read frames where they were written, without GStreamer here: receive, look, drop.
//!
//! ```sh
//! cargo run --example publish /tmp/picture 300
//! cargo run --example subscribe /tmp/picture
//! ```
//!
//! Or read what a GStreamer pipeline sends:
//!
//! ```sh
//! gst-launch-1.0 videotestsrc is-live=true ! tachyonsink socket-path=/tmp/picture
//! ```

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use tachyon::{Error, Item, Subscriber};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Adler-32: something that looks at each byte.
fn add_up(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1u32, 0u32), |(low, high), &byte| {
        let low = (low + u32::from(byte)) % 65521;

        (low, (high + low) % 65521)
    });

    high << 16 | low
}

fn run(address: &str) -> Result<(), String> {
    // Waits for the publisher to appear.
    let mut subscriber = Subscriber::options()
        .timeout(TIMEOUT)
        .connect(address)
        .map_err(on("connect"))?;
    let mut count = 0;

    loop {
        match subscriber.receive_timeout(TIMEOUT).map_err(on("receive"))? {
            Item::Caps(caps) => println!("caps {caps}"),
            Item::Frame(frame) => {
                println!(
                    "frame {count}: pts {} ns, {} bytes, sum {:08x}",
                    frame.pts().unwrap_or(u64::MAX),
                    frame.len(),
                    add_up(&frame)
                );
                count += 1;
                // The publisher may use the memory again when the frame is dropped here.
            }
            Item::Eos => break,
            _ => {}
        }
    }
    println!("{count} frames");
    Ok(())
}

fn on(what: &str) -> impl Fn(Error) -> String {
    move |error| format!("{what}: {error}")
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [address] = arguments.as_slice() else {
        eprintln!("subscribe ADDRESS");
        return ExitCode::from(2);
    };

    if let Err(text) = run(address) {
        eprintln!("{text}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
