// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Two processes send a number back and forth: listen, connect, send, receive, commit.
//!
//!     cargo run --example bus_ping

use std::env;
use std::error::Error;
use std::process::{self, Command};
use std::time::Duration;

use tachyon::Bus;

const PINGS: u64 = 10_000;
const TYPE_PING: u32 = 1;
const TYPE_PONG: u32 = 2;
const TIMEOUT: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn send_number(bus: &Bus, type_id: u32, number: u64) -> Result<()> {
    Ok(bus.send_timeout(&number.to_ne_bytes(), type_id, TIMEOUT)?)
}

/// A message lies in the peer's memory: look at it, then give it back.
fn receive_number(bus: &Bus, type_id: u32) -> Result<u64> {
    let message = bus.acquire_rx_timeout(TIMEOUT)?;

    if message.type_id != type_id {
        return Err(format!("not what was expected: type {}", message.type_id).into());
    }
    let number = u64::from_ne_bytes(message.data().try_into()?);
    message.commit()?;
    Ok(number)
}

/// Answers each number with the next one.
fn pong(address: &str) -> Result<()> {
    let bus = Bus::connect(address)?;

    for _ in 0..PINGS {
        let number = receive_number(&bus, TYPE_PING)?;

        send_number(&bus, TYPE_PONG, number + 1)?;
    }
    Ok(())
}

fn ping(address: &str) -> Result<()> {
    let bus = Bus::options().timeout(Some(TIMEOUT)).listen(address)?;
    let mut number = 0;

    for _ in 0..PINGS {
        send_number(&bus, TYPE_PING, number)?;
        number = receive_number(&bus, TYPE_PONG)?;
    }
    if number != PINGS {
        return Err(format!("{number} is not {PINGS}").into());
    }
    println!("{PINGS} pings, {PINGS} pongs");
    Ok(())
}

fn main() -> Result<()> {
    // The other process is this program, called with the address.
    if let Some(address) = env::args().nth(1) {
        return pong(&address);
    }

    let address = format!("@tachyon-bus-ping-{}", process::id());
    let mut child = Command::new(env::current_exe()?).arg(&address).spawn()?;
    let result = ping(&address);
    let status = child.wait()?;

    result?;
    match status.success() {
        true => Ok(()),
        false => Err("the other process failed".into()),
    }
}
