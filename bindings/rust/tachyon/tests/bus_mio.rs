// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A bus's descriptor in an event loop of another crate: no thread, and no wait but the loop's.

mod common;

use std::os::fd::AsRawFd;

use common::{LONG, Place, pair};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use tachyon::{Bus, Listener};

fn register(poll: &Poll, object: &impl AsRawFd, token: usize) {
    poll.registry()
        .register(
            &mut SourceFd(&object.as_raw_fd()),
            Token(token),
            Interest::READABLE,
        )
        .unwrap();
}

/// Takes what is there; true at the end.
fn take_all(bus: &Bus, mut take: impl FnMut(&[u8], u32)) -> bool {
    loop {
        match bus.try_acquire_rx() {
            Ok(guard) => {
                take(&guard, guard.type_id);
                guard.commit().unwrap();
            }
            Err(error) if error.would_block() => return false,
            Err(error) => {
                assert!(error.is_closed());
                return true;
            }
        }
    }
}

/// Both ends are served by one loop in one thread: each answers the other until 1000.
#[test]
fn a_loop_serves_both_ends_of_a_bus() {
    let (a, b) = pair();
    let mut ends = [Some(a), Some(b)];
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(8);
    let mut last = 0;

    for (token, end) in ends.iter().enumerate() {
        register(&poll, end.as_ref().unwrap(), token);
    }
    ends[0].as_ref().unwrap().send(b"", 0).unwrap();

    while ends.iter().any(Option::is_some) {
        // Where one is ready already the loop only looks.
        let is_ready = ends
            .iter()
            .flatten()
            .fold(false, |ready, end| end.prepare() | ready);

        poll.poll(
            &mut events,
            Some(if is_ready { Default::default() } else { LONG }),
        )
        .unwrap();
        assert!(is_ready || !events.is_empty(), "the loop slept on");

        for end in &mut ends {
            let Some(bus) = end else { continue };
            let mut is_done = false;

            bus.dispatch();
            let has_ended = take_all(bus, |_, number| {
                last = number;
                is_done = number == 1000;
                if !is_done {
                    bus.send(b"", number + 1).unwrap();
                }
            });
            if has_ended || is_done {
                *end = None;
            }
        }
    }
    assert_eq!(last, 1000);
}

#[test]
fn a_loop_accepts_from_a_listener() {
    let place = Place::new();
    let listener = Listener::create(place.address(), 1 << 16).unwrap();
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(8);

    register(&poll, &listener, 0);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| Bus::connect(place.address()).unwrap());
        let accepted = loop {
            poll.poll(&mut events, Some(LONG)).unwrap();
            assert!(!events.is_empty(), "the loop slept on");
            match listener.try_accept() {
                Ok(bus) => break bus,
                Err(error) => assert!(error.would_block()),
            }
        };

        accepted.send(b"", 1).unwrap();
        assert_eq!(other.join().unwrap().acquire_rx(0).unwrap().type_id, 1);
    });
}
