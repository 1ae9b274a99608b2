// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! `tachyon-ipc`, as a side of a run: a program of its own, see Cargo.toml.

// Its other user needs more of it.
#[allow(dead_code)]
#[path = "../src/worker.rs"]
mod worker;

use std::env;
use std::thread;
use std::time::Duration;

use tachyon_ipc::Bus;
use worker::{Place, QUEUE_BYTES, Result, Side, Transport};

/// As in its documentation's example.
const SPIN: u32 = 10_000;

/// A bus has one direction.
struct TachyonIpc {
    to: Bus,
    from: Bus,
}

fn open(place: &Place, direction: Side) -> Result<Bus> {
    let path = place.path(direction.name());
    let path = path.to_str().ok_or("a path in UTF-8")?;

    if direction != place.side {
        return Ok(Bus::listen(path, QUEUE_BYTES)?);
    }
    loop {
        match Bus::connect(path) {
            Ok(bus) => return Ok(bus),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

impl Transport for TachyonIpc {
    fn connect(place: &Place) -> Result<Self> {
        // One after the other, in the same order on both sides: listen waits for its peer.
        let a = open(place, Side::A)?;
        let b = open(place, Side::B)?;
        let (to, from) = if place.side == Side::A {
            (a, b)
        } else {
            (b, a)
        };

        Ok(Self { to, from })
    }

    /// A full bus is an error: who will not lose a message tries again.
    fn send(&mut self, data: &[u8]) -> Result<()> {
        while self.to.send(data, 0).is_err() {
            std::hint::spin_loop();
        }
        Ok(())
    }

    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()> {
        let guard = self.from.acquire_rx(SPIN)?;

        look(guard.data());
        Ok(guard.commit()?)
    }
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();

    // worker WORK VARIANT and the rest.
    let result = match args.as_slice() {
        [_, work, _, rest @ ..] => worker::run::<TachyonIpc>(work, rest),
        _ => Err("worker WORK VARIANT SIDE SIZE COUNT FOLDER".into()),
    };
    worker::finish(result);
}
