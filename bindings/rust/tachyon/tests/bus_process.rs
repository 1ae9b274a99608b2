// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Buses between two processes: each test runs itself once more as the other side.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Child;
use std::thread;

use common::{LONG, Place, child_address, spawn};
use tachyon::{Bus, End, Listener};

/// The other side, which has to end well.
struct Other(Child);

impl Other {
    fn start(test: &str, address: &Path) -> Self {
        Self(spawn(test, address))
    }

    fn join(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

/// What both sides can work out for themselves: sizes from 0 to 1 MiB, most of them small.
fn size_of(number: u32) -> usize {
    let random = number.wrapping_mul(2_654_435_761) >> 8;

    match number % 100 {
        0 => random as usize % (1 << 20),
        1 => 1 << 20,
        2..10 => random as usize % 20_000,
        _ => random as usize % 200,
    }
}

fn fill_in(data: &mut [u8], number: u32) {
    for (i, byte) in data.iter_mut().enumerate() {
        *byte = (number as usize * 31 + i * 7) as u8;
    }
}

fn is_as_filled_in(data: &[u8], number: u32) -> bool {
    data.iter()
        .enumerate()
        .all(|(i, byte)| *byte == (number as usize * 31 + i * 7) as u8)
}

const MANY: u32 = 5000;

#[test]
fn many_messages_of_all_sizes_arrive_in_order_and_whole() {
    if let Some(address) = child_address() {
        let mut bus = Bus::options().capacity(1 << 22).connect(address).unwrap();

        for number in 0..MANY {
            let size = size_of(number);
            let mut guard = bus.acquire_tx(size).unwrap();

            fill_in(&mut guard, number);
            guard.commit(size, number).unwrap();
        }
        return;
    }

    let place = Place::new();
    let listener = Listener::create(place.address(), 1 << 16).unwrap();
    let other = Other::start(
        "many_messages_of_all_sizes_arrive_in_order_and_whole",
        &place.address(),
    );
    let bus = listener.accept_timeout(LONG).unwrap();

    for number in 0..MANY {
        let guard = bus.acquire_rx(1000).unwrap();

        assert_eq!(
            (guard.type_id, guard.actual_size),
            (number, size_of(number))
        );
        assert!(is_as_filled_in(&guard, number));
        guard.commit().unwrap();
    }
    assert!(bus.acquire_rx(0).unwrap_err().is_closed());
    assert_eq!(bus.end(), Some(End::Closed));
    other.join();
}

#[test]
fn an_echo_comes_back_unchanged() {
    if let Some(address) = child_address() {
        let mut bus = Bus::connect(address).unwrap();
        let (sender, receiver) = bus.split();

        // From ring to ring, until the other side goes.
        while let Ok(guard) = receiver.acquire_rx(1000) {
            sender.send(&guard, guard.type_id).unwrap();
            guard.commit().unwrap();
        }
        return;
    }

    let place = Place::new();
    let listener = Listener::create(place.address(), 1 << 16).unwrap();
    let other = Other::start("an_echo_comes_back_unchanged", &place.address());
    let bus = listener.accept_timeout(LONG).unwrap();
    let mut data = vec![0; 3000];

    for number in 0..3000 {
        let data = &mut data[..number as usize];

        fill_in(data, number);
        bus.send(data, number).unwrap();
        let guard = bus.acquire_rx(1000).unwrap();
        assert_eq!((guard.type_id, guard.data()), (number, &data[..]));
        guard.commit().unwrap();
    }
    drop(bus);
    other.join();
}

#[test]
fn batches_arrive_whole() {
    const BATCHES: u32 = 2000;
    const BATCH: u32 = 16;

    if let Some(address) = child_address() {
        let mut bus = Bus::connect(address).unwrap();

        for number in 0..BATCHES * BATCH {
            let mut guard = bus.acquire_tx(32).unwrap();

            guard.write(&number.to_ne_bytes());
            guard.commit_unflushed(32, number).unwrap();
            if number % BATCH == BATCH - 1 {
                bus.flush().unwrap();
            }
        }
        return;
    }

    let place = Place::new();
    let listener = Listener::create(place.address(), 1 << 16).unwrap();
    let other = Other::start("batches_arrive_whole", &place.address());
    let bus = listener.accept_timeout(LONG).unwrap();
    let mut expected = 0;

    while expected < BATCHES * BATCH {
        let batch = bus.drain_batch(1000, 1000).unwrap();

        for message in &batch {
            assert_eq!(message.type_id, expected);
            assert_eq!(message[..4], expected.to_ne_bytes());
            expected += 1;
        }
        batch.commit().unwrap();
    }
    drop(bus);
    other.join();
}

#[test]
fn a_peer_that_is_killed_has_died_and_what_it_sent_is_received() {
    if let Some(address) = child_address() {
        let bus = Bus::connect(address).unwrap();

        bus.send(b"sent", 1).unwrap();
        println!("ready");
        std::io::stdout().flush().unwrap();
        loop {
            thread::park();
        }
    }

    let place = Place::new();
    let listener = Listener::create(place.address(), 1 << 16).unwrap();
    let mut other = common::command(
        "a_peer_that_is_killed_has_died_and_what_it_sent_is_received",
        &place.address(),
    )
    .stdout(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    let bus = listener.accept_timeout(LONG).unwrap();
    let is_ready = BufReader::new(other.stdout.take().unwrap())
        .lines()
        .any(|line| line.unwrap().ends_with("ready"));
    assert!(is_ready);

    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(bus.acquire_rx(0).unwrap().data(), b"sent");
    bus.acquire_rx(0).unwrap().commit().unwrap();
    assert!(bus.acquire_rx(0).unwrap_err().is_closed());
    assert_eq!(bus.end(), Some(End::Died));
}

#[test]
fn a_waiting_process_is_woken_by_the_other() {
    if let Some(address) = child_address() {
        let bus = Bus::options().spin(0).connect(address).unwrap();

        for _ in 0..500 {
            bus.acquire_rx(0).unwrap().commit().unwrap();
            bus.send(b"", 0).unwrap();
        }
        assert!(bus.stats().sleeps > 0);
        return;
    }

    let place = Place::new();
    let options = Bus::options().spin(0);
    let listener = options.listener(place.address()).unwrap();
    let other = Other::start("a_waiting_process_is_woken_by_the_other", &place.address());
    let bus = listener.accept_timeout(LONG).unwrap();

    for _ in 0..500 {
        bus.send(b"", 0).unwrap();
        bus.acquire_rx(0).unwrap().commit().unwrap();
    }
    other.join();
}
