// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A Unix stream socket: the standard library alone. Messages have one size, so there is no header.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use crate::worker::{Place, Result, Side, Transport};

pub struct Socket {
    stream: UnixStream,
    message: Vec<u8>,
}

impl Transport for Socket {
    fn connect(place: &Place) -> Result<Self> {
        let path = place.path("socket");
        let stream = match place.side {
            Side::B => UnixListener::bind(path)?.accept()?.0,
            Side::A => loop {
                match UnixStream::connect(&path) {
                    Ok(stream) => break stream,
                    Err(_) => thread::sleep(Duration::from_millis(1)),
                }
            },
        };
        let message = vec![0; place.size];

        Ok(Self { stream, message })
    }

    fn send(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(data)?)
    }

    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()> {
        self.stream.read_exact(&mut self.message)?;
        look(&self.message);
        Ok(())
    }
}
