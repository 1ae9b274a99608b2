// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! `tachyon`: each message by itself, and in batches.

use std::time::Duration;

use tachyon::Bus;

use crate::worker::{Place, QUEUE_BYTES, Result, Side, Transport};

/// As `Bus::acquire_rx` would poll by itself.
const SPIN: u32 = 0;
const BATCH: usize = 32;

fn open(place: &Place) -> Result<Bus> {
    let options = Bus::options()
        .capacity(QUEUE_BYTES)
        .timeout(Some(Duration::from_secs(10)));
    let address = place.path("bus");

    Ok(match place.side {
        Side::A => options.connect(address)?,
        Side::B => options.listen(address)?,
    })
}

/// `Bus::send`, `Bus::acquire_rx`.
pub struct Tachyon(Bus);

impl Transport for Tachyon {
    fn connect(place: &Place) -> Result<Self> {
        Ok(Self(open(place)?))
    }

    fn send(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.0.send(data, 0)?)
    }

    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()> {
        let guard = self.0.acquire_rx(SPIN)?;

        look(guard.data());
        Ok(guard.commit()?)
    }
}

/// `Bus::acquire_tx`, flushed every 32 messages, and `Bus::drain_batch`.
pub struct Batches(Tachyon);

impl Transport for Batches {
    fn connect(place: &Place) -> Result<Self> {
        Ok(Self(Tachyon::connect(place)?))
    }

    fn send(&mut self, data: &[u8]) -> Result<()> {
        self.0.send(data)
    }

    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()> {
        self.0.receive(look)
    }

    fn send_all<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) -> Result<()> {
        let bus = &mut self.0.0;

        for (i, payload) in payloads.enumerate() {
            let mut guard = bus.acquire_tx(payload.len())?;

            guard.write(payload);
            guard.commit_unflushed(payload.len(), 0)?;
            if i % BATCH == BATCH - 1 {
                bus.flush()?;
            }
        }
        Ok(bus.flush()?)
    }

    fn receive_all(&mut self, count: usize, mut look: impl FnMut(&[u8])) -> Result<()> {
        let mut left = count;

        while left > 0 {
            let batch = self.0.0.drain_batch(left.min(1024), SPIN)?;

            left -= batch.len();
            for message in &batch {
                look(message.data());
            }
            batch.commit()?;
        }
        Ok(())
    }
}
