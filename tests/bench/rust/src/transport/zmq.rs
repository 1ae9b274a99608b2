// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! `zmq` over ipc://: a PAIR of sockets, with its defaults.

use crate::worker::{Place, Result, Side, Transport};

pub struct ZeroMq {
    socket: zmq::Socket,
    message: zmq::Message,
    _context: zmq::Context,
}

impl Transport for ZeroMq {
    fn connect(place: &Place) -> Result<Self> {
        let context = zmq::Context::new();
        let socket = context.socket(zmq::PAIR)?;
        let address = format!("ipc://{}", place.path("zmq").display());

        match place.side {
            Side::A => socket.connect(&address)?,
            Side::B => socket.bind(&address)?,
        }
        Ok(Self {
            socket,
            message: zmq::Message::new(),
            _context: context,
        })
    }

    fn send(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.socket.send(data, 0)?)
    }

    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()> {
        self.socket.recv(&mut self.message, 0)?;
        look(&self.message);
        Ok(())
    }
}
