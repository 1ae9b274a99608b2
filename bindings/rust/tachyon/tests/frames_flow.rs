// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Subscribers come, are slow, talk back and leave; publishers end.

mod frames_common;

use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use frames_common::{Address, CAPS, LIMIT, SIZE, connect, next, pair, send_numbered};
use tachyon::{End, ErrorKind, Event, FrameMeta, Item, NoticeKind, Policy, Publisher, Subscriber};

// --- who is slow ---

#[test]
fn a_slow_subscriber_misses_frames_where_the_policy_is_to_drop() {
    let address = Address::new("drop");
    let publisher = Publisher::options()
        .policy(Policy::Drop)
        .max_buffers(2)
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);

    let got: Vec<_> = (0..5)
        .map(|number| send_numbered(&publisher, number))
        .collect();

    assert_eq!(got, [1, 1, 0, 0, 0]);
    assert_eq!(publisher.stats().dropped, 3);
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 0);
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 1);
    send_numbered(&publisher, 5);
    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert!(frame[0] == 5 && frame.after_drop());
}

#[test]
fn a_slow_subscriber_holds_up_frames_where_the_policy_is_to_block() {
    let address = Address::new("block");
    let publisher = Publisher::options()
        .max_buffers(1)
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 1);
    let short = Duration::from_millis(20);

    let no_wait = publisher
        .try_send(&[2; SIZE], &FrameMeta::default())
        .unwrap_err();
    let began = Instant::now();
    let waited = publisher
        .send_timeout(&[2; SIZE], &FrameMeta::default(), short)
        .unwrap_err();

    assert!(no_wait.would_block());
    assert!(waited.is_timeout());
    assert!(began.elapsed() >= short);
    let frame = publisher.acquire(SIZE).unwrap();
    let refused = frame.try_commit().unwrap_err();
    assert!(refused.error.would_block());
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 1);
    assert_eq!(refused.frame.commit_timeout(LIMIT).unwrap(), 1);
}

#[test]
fn sending_goes_on_when_the_slow_subscriber_does() {
    let address = Address::new("resume");
    let publisher = Publisher::options()
        .max_buffers(1)
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);

    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..50 {
                publisher
                    .send(&[number; SIZE], &FrameMeta::default())
                    .unwrap();
            }
        });
        for number in 0..50 {
            assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], number);
        }
    });
    assert_eq!(publisher.stats().dropped, 0);
}

#[test]
fn a_subscriber_that_stalls_is_dropped() {
    let address = Address::new("stall");
    let publisher = Publisher::options()
        .max_buffers(1)
        .stall_timeout(Duration::from_millis(20))
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 1);

    assert_eq!(send_numbered(&publisher, 2), 0);

    assert_eq!(publisher.subscribers(), 0);
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 1);
    assert!(subscriber.recv_timeout(LIMIT).unwrap().is_none());
}

#[test]
fn the_policy_can_be_changed() {
    let address = Address::new("policy");
    let publisher = Publisher::options()
        .max_buffers(1)
        .create(&address)
        .unwrap();
    let _subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 1);

    publisher.set_policy(Policy::Disconnect, 1).unwrap();

    assert_eq!(send_numbered(&publisher, 2), 0);
    assert_eq!(publisher.subscribers(), 0);
}

#[test]
fn memory_is_waited_for_and_has_a_limit() {
    let address = Address::new("memory");
    let publisher = Publisher::options()
        .max_bytes(1 << 20)
        .create(&address)
        .unwrap();
    let mut held = Vec::new();

    while let Ok(frame) = publisher.try_acquire(SIZE) {
        held.push(frame);
    }

    assert!(!held.is_empty() && held.len() * SIZE <= 1 << 20);
    let error = publisher
        .acquire_timeout(SIZE, Duration::from_millis(20))
        .unwrap_err();
    assert!(error.is_timeout());
    let too_big = publisher.acquire(2 << 20).unwrap_err();
    assert_eq!(too_big.kind(), ErrorKind::TooBig);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| publisher.acquire_timeout(SIZE, LIMIT).unwrap());

        held.clear();
        waiting.join().unwrap();
    });
}

#[test]
fn latest_only_skips_to_the_newest_frame() {
    let address = Address::new("latest");
    let publisher = Publisher::create(&address).unwrap();
    let mut subscriber = Subscriber::options()
        .latest_only(true)
        .connect(&address)
        .unwrap();
    publisher.wait_for_subscribers(1, LIMIT).unwrap();
    for number in 0..10 {
        send_numbered(&publisher, number);
    }

    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();

    assert!(frame[0] == 9 && frame.after_drop());
    assert_eq!(subscriber.stats().dropped, 9);
}

// --- events and notices ---

#[test]
fn events_go_both_ways() {
    let (_address, publisher, mut subscriber) = pair("events");
    let down = Event::new(1, *b"down");
    let up = Event::new(2, *b"up");

    publisher.send_event(&down).unwrap();
    subscriber.send_event(&up).unwrap();

    assert!(matches!(next(&mut subscriber), Item::Event(got) if got == down));
    let kinds: Vec<_> = publisher.notices().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Joined, NoticeKind::Event(up)]);
    let too_big = subscriber
        .send_event(&Event::new(2, [0; 4097]))
        .unwrap_err();
    assert_eq!(too_big.kind(), ErrorKind::TooBig);
}

#[test]
fn a_publisher_is_told_who_left() {
    let (_address, publisher, subscriber) = pair("left");
    let joined = publisher.notices().next().unwrap();

    drop(subscriber);
    while publisher.subscribers() > 0 {
        publisher.wait_timeout(LIMIT).unwrap();
    }

    let left = publisher.notices().next().unwrap();
    assert_eq!(left.kind, NoticeKind::Left(Some(End::Closed)));
    assert_eq!(left.subscriber, joined.subscriber);
    assert_eq!(left.pid, Some(std::process::id()));
    assert!(publisher.notices().next().is_none());
}

#[test]
fn a_publisher_is_told_how_many_frames_are_wanted() {
    let (_address, publisher, subscriber) = pair("need");

    subscriber.set_need(5).unwrap();

    // Whatever it does with its subscribers, it takes note of that.
    publisher.dispatch().unwrap();
    assert_eq!(publisher.need(), 5);
}

// --- ends ---

#[test]
fn frames_end_with_the_stream_and_may_go_on() {
    let (_address, publisher, mut subscriber) = pair("eos");
    send_numbered(&publisher, 1);
    publisher.send_eos().unwrap();

    let frames: Vec<_> = subscriber.frames().map(|frame| frame.unwrap()[0]).collect();

    assert_eq!(frames, [1]);
    assert!(subscriber.is_eos() && subscriber.end().is_none());
    send_numbered(&publisher, 2);
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 2);
    assert!(!subscriber.is_eos());
}

#[test]
fn frames_end_when_the_publisher_closes() {
    let (_address, publisher, subscriber) = pair("closed");
    send_numbered(&publisher, 1);
    send_numbered(&publisher, 2);

    drop(publisher);

    let mut frames = subscriber.into_iter();
    assert_eq!(frames.next().unwrap().unwrap()[0], 1);
    assert_eq!(frames.next().unwrap().unwrap()[0], 2);
    assert!(frames.next().is_none());
    assert!(frames.next().is_none());
}

#[test]
fn receiving_says_that_the_publisher_closed() {
    let (_address, publisher, mut subscriber) = pair("end");
    drop(publisher);

    let error = subscriber.receive_timeout(LIMIT).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(subscriber.end(), Some(End::Closed));
    let refused = subscriber.send_event(&Event::new(1, [])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
}

#[test]
fn a_subscriber_connects_anew() {
    let (address, publisher, mut subscriber) = pair("anew");
    publisher.set_caps(CAPS).unwrap();
    assert!(matches!(next(&mut subscriber), Item::Caps(_)));
    assert_eq!(subscriber.stats().peer_pid, Some(std::process::id()));
    drop(publisher);
    let missing = subscriber.reconnect(Duration::from_millis(20)).unwrap_err();
    assert!(subscriber.prepare() && subscriber.as_raw_fd() == -1);
    assert_eq!(subscriber.stats().peer_pid, None);
    assert!(subscriber.try_receive().unwrap_err().is_closed());

    let publisher = Publisher::create(&address).unwrap();
    subscriber.reconnect(LIMIT).unwrap();
    publisher.wait_for_subscribers(1, LIMIT).unwrap();
    send_numbered(&publisher, 1);

    assert!(missing.is_timeout());
    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(frame.caps(), None);
    assert_eq!(subscriber.stats().connects, 2);
}

#[test]
fn a_closer_ends_a_wait() {
    let (_address, publisher, mut subscriber) = pair("closer");
    let closer = subscriber.closer();
    let (about_to_wait, waits) = mpsc::channel();
    let waiting = thread::spawn(move || {
        about_to_wait.send(()).unwrap();
        let error = subscriber.recv_timeout(LIMIT).unwrap_err();

        (error, subscriber)
    });

    waits.recv().unwrap();
    closer.clone().close();

    let (error, mut subscriber) = waiting.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    subscriber.resume();
    send_numbered(&publisher, 1);
    assert!(subscriber.recv_timeout(LIMIT).unwrap().is_some());
    drop(subscriber);
    closer.close();
}

#[test]
fn closing_a_publisher_ends_every_wait() {
    let address = Address::new("close");
    let publisher = Publisher::options()
        .max_buffers(1)
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 1);

    thread::scope(|scope| {
        let send = || publisher.send_timeout(&[2; SIZE], &FrameMeta::default(), LIMIT);
        let sending = scope.spawn(move || send().unwrap_err());
        let waiting = scope.spawn(|| publisher.wait_for_subscribers(2, LIMIT).unwrap_err());

        // Whether they wait already or not.
        publisher.close();
        assert_eq!(sending.join().unwrap().kind(), ErrorKind::Closed);
        assert_eq!(waiting.join().unwrap().kind(), ErrorKind::Closed);
    });
    assert_eq!(
        publisher.acquire(SIZE).unwrap_err().kind(),
        ErrorKind::Closed
    );
    assert_eq!(
        publisher.set_caps(CAPS).unwrap_err().kind(),
        ErrorKind::Closed
    );
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 1);
    assert!(subscriber.recv_timeout(LIMIT).unwrap().is_none());
}

#[test]
fn a_publishers_waits_are_canceled_and_resumed() {
    let address = Address::new("cancel");
    let publisher = Publisher::options()
        .max_buffers(1)
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 1);

    publisher.cancel();

    let canceled = publisher.send_timeout(&[2; SIZE], &FrameMeta::default(), LIMIT);
    assert_eq!(canceled.unwrap_err().kind(), ErrorKind::Canceled);
    publisher.resume();
    subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    send_numbered(&publisher, 2);
}

// --- joining ---

#[test]
fn subscribers_join_while_the_program_does_something_else() {
    let address = Address::new("service");
    let _publisher = Publisher::options().caps(CAPS).create(&address).unwrap();

    let mut subscriber = Subscriber::connect(&address).unwrap();

    assert!(matches!(next(&mut subscriber), Item::Caps(_)));
}

#[test]
fn without_the_service_the_program_lets_subscribers_join() {
    let address = Address::new("no-service");
    let publisher = Publisher::options()
        .service(false)
        .create(&address)
        .unwrap();

    thread::scope(|scope| {
        let joining = scope.spawn(|| Subscriber::connect(&address).unwrap());
        while publisher.subscribers() == 0 {
            assert!(frames_common::poll(&publisher, LIMIT));
            publisher.dispatch().unwrap();
        }
        let mut subscriber = joining.join().unwrap();

        subscriber.send_event(&Event::new(1, [])).unwrap();
        if !publisher.prepare() {
            assert!(frames_common::poll(&publisher, LIMIT));
        }
        assert!(
            publisher
                .notices()
                .any(|notice| matches!(notice.kind, NoticeKind::Event(_)))
        );
        assert!(subscriber.try_receive().unwrap_err().would_block());
    });
}

#[test]
fn a_subscriber_is_polled() {
    let (_address, publisher, mut subscriber) = pair("poll");
    let (wants_one, wanted) = mpsc::channel();

    thread::scope(|scope| {
        scope.spawn(|| {
            for number in wanted {
                send_numbered(&publisher, number);
            }
        });
        for number in 0..20 {
            assert!(subscriber.try_recv().unwrap_err().would_block());
            wants_one.send(number).unwrap();
            while !subscriber.prepare() {
                assert!(frames_common::poll(&subscriber, LIMIT));
                subscriber.dispatch();
            }
            assert_eq!(subscriber.try_recv().unwrap().unwrap()[0], number);
        }
        drop(wants_one);
    });
}

#[test]
fn there_is_room_for_so_many_subscribers() {
    let address = Address::new("full");
    let publisher = Publisher::options()
        .max_subscribers(1)
        .create(&address)
        .unwrap();
    let _subscriber = connect(&publisher, &address);

    let error = Subscriber::connect(&address).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Busy);
}

#[test]
fn an_address_has_one_publisher() {
    let address = Address::new("in-use");
    let publisher = Publisher::create(&address).unwrap();

    let error = Publisher::create(&address).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InUse);
    drop(publisher);
    Publisher::create(&address).unwrap();
}

#[test]
fn nobody_listens() {
    let address = Address::new("nobody");
    let short = Duration::from_millis(20);

    let waited = Subscriber::options()
        .timeout(short)
        .connect(&address)
        .unwrap_err();
    let looked = Subscriber::options()
        .timeout(Duration::ZERO)
        .connect(&address)
        .unwrap_err();

    assert!(waited.is_timeout());
    assert!(looked.would_block());
}
