// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Frames, and the state that travels with them: what is sent arrives, and lives as long as it
//! should.

mod frames_common;

use std::thread;

use frames_common::{Address, CAPS, LIMIT, SIZE, connect, next, pair, send_numbered};
use tachyon::{
    Clock, ErrorKind, Event, Frame, FrameFlags, FrameMeta, FrameMut, Item, Layout, Order,
    Publisher, PublisherOptions, RECORD_USER, Subscriber, SubscriberCloser, SubscriberOptions,
};

// --- frames and state ---

#[test]
fn a_frame_arrives_with_caps_layout_clock_and_times() {
    let (_address, publisher, mut subscriber) = pair("state");
    let layout = Layout::new(64, 64, &[0], &[64]).unwrap();
    let clock = Clock {
        base_time: Some(5),
        latency: 7,
    };
    let meta = FrameMeta {
        pts: Some(1),
        dts: Some(2),
        duration: Some(3),
        offset: Some(4),
        offset_end: Some(5),
        flags: FrameFlags::DISCONT | FrameFlags::DELTA_UNIT,
        records: vec![(RECORD_USER, b"abc".to_vec()), (RECORD_USER + 1, vec![])],
    };
    publisher.set_clock(&clock).unwrap();
    publisher.set_caps(CAPS).unwrap();
    publisher.set_layout(Some(&layout)).unwrap();

    assert_eq!(publisher.send(&[9; SIZE], &meta).unwrap(), 1);

    assert!(matches!(next(&mut subscriber), Item::Clock(got) if got == clock));
    assert!(matches!(next(&mut subscriber), Item::Caps(got) if got == CAPS));
    assert!(matches!(next(&mut subscriber), Item::Layout(Some(got)) if got == layout));
    let Item::Frame(frame) = next(&mut subscriber) else {
        panic!("no frame");
    };
    assert_eq!(*frame, [9; SIZE]);
    assert_eq!(FrameMeta::from(&frame), meta);
    assert_eq!(frame.caps(), Some(CAPS));
    assert_eq!(frame.layout(), Some(&layout));
    assert_eq!(subscriber.clock(), Some(clock));
    assert!(frame.is_valid() && !frame.scarce() && !frame.after_drop());
}

#[test]
fn a_frame_keeps_the_caps_that_it_came_with() {
    let (_address, publisher, mut subscriber) = pair("caps");
    publisher.set_caps("a/a").unwrap();
    send_numbered(&publisher, 1);
    publisher.set_caps("b/b").unwrap();
    send_numbered(&publisher, 2);

    let first = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    let second = subscriber.recv_timeout(LIMIT).unwrap().unwrap();

    assert_eq!(first.caps(), Some("a/a"));
    assert_eq!(second.caps(), Some("b/b"));
    assert_eq!(subscriber.caps(), Some("b/b"));
}

#[test]
fn who_joins_late_gets_the_state_first() {
    let address = Address::new("late");
    let publisher = Publisher::options().caps(CAPS).create(&address).unwrap();
    let event = Event::new(1000, *b"sticky").sticky(Order(60), 3);
    publisher.send_event(&event).unwrap();
    publisher.send_event(&Event::new(1001, *b"once")).unwrap();
    assert_eq!(send_numbered(&publisher, 1), 0);

    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 2);

    assert!(matches!(next(&mut subscriber), Item::Caps(got) if got == CAPS));
    assert!(matches!(next(&mut subscriber), Item::Event(got) if got == event));
    assert!(matches!(next(&mut subscriber), Item::Frame(got) if got[0] == 2));
}

#[test]
fn state_that_was_forgotten_is_not_told() {
    let address = Address::new("forget");
    let publisher = Publisher::options().caps(CAPS).create(&address).unwrap();
    publisher.send_eos().unwrap();

    publisher.forget(Order::EOS);

    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 1);
    assert!(matches!(next(&mut subscriber), Item::Caps(_)));
    assert!(matches!(next(&mut subscriber), Item::Frame(_)));
}

#[test]
fn an_empty_frame_and_a_tiny_one_travel() {
    let (_address, publisher, mut subscriber) = pair("tiny");

    publisher.send(&[], &FrameMeta::at(0)).unwrap();
    publisher.send(b"tiny", &FrameMeta::default()).unwrap();

    let empty = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    let tiny = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert!(empty.is_empty() && empty.pts() == Some(0));
    assert!(*tiny == *b"tiny" && tiny.pts().is_none());
}

#[test]
fn what_is_acquired_is_sent_without_a_copy() {
    let (_address, publisher, mut subscriber) = pair("acquire");
    let mut frame = publisher.acquire(SIZE).unwrap();
    frame.fill(3);
    frame.meta.pts = Some(8);
    frame.truncate(SIZE + 1);
    frame.truncate(100);

    assert_eq!(frame.commit().unwrap(), 1);

    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(*frame, [3; 100]);
    assert_eq!(frame.pts(), Some(8));
    assert_eq!(publisher.stats().copied, 0);
}

#[test]
fn a_frame_that_is_dropped_or_abandoned_is_not_sent() {
    let (_address, publisher, mut subscriber) = pair("abandon");

    drop(publisher.acquire(SIZE).unwrap());
    publisher.acquire(SIZE).unwrap().abandon();

    send_numbered(&publisher, 1);
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 1);
    let stats = publisher.stats();
    assert_eq!(stats.frames, 1);
}

#[test]
fn two_subscribers_read_the_same_memory() {
    let (address, publisher, mut first) = pair("two");
    let mut second = Subscriber::connect(&address).unwrap();
    publisher.wait_for_subscribers(2, LIMIT).unwrap();
    let mut frame = publisher.acquire(SIZE).unwrap();
    for (index, byte) in frame.iter_mut().enumerate() {
        *byte = (index * 7) as u8;
    }

    assert_eq!(frame.commit().unwrap(), 2);

    let first = first.recv_timeout(LIMIT).unwrap().unwrap();
    let second = second.recv_timeout(LIMIT).unwrap().unwrap();
    assert!(
        first
            .iter()
            .enumerate()
            .all(|(index, &byte)| byte == (index * 7) as u8)
    );
    assert_eq!(*first, *second);
    let stats = publisher.stats();
    assert_eq!((stats.frames, stats.copied), (1, 0));
}

// --- whose frames live how long ---

#[test]
fn a_frame_outlives_subscriber_and_publisher() {
    let (_address, publisher, mut subscriber) = pair("outlive");
    send_numbered(&publisher, 7);
    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();

    drop(subscriber);
    drop(publisher);

    assert_eq!(*frame, [7; SIZE]);
    assert!(frame.is_valid());
}

#[test]
fn a_frame_is_released_by_another_thread() {
    let (_address, publisher, mut subscriber) = pair("thread");
    send_numbered(&publisher, 7);
    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(subscriber.stats().held, 1);

    thread::spawn(move || {
        assert_eq!(frame[SIZE - 1], 7);
        frame.release();
    })
    .join()
    .unwrap();

    assert_eq!(subscriber.stats().held, 0);
}

#[test]
fn a_frame_of_a_subscriber_that_was_dropped_becomes_invalid() {
    let address = Address::new("invalid");
    let publisher = Publisher::options()
        .max_bytes(1 << 20)
        .create(&address)
        .unwrap();
    let mut subscriber = connect(&publisher, &address);
    send_numbered(&publisher, 7);
    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert!(frame.is_valid());

    publisher.disconnect();
    let mut blocks = Vec::new();
    while let Ok(block) = publisher.try_acquire(SIZE) {
        blocks.push(block);
    }

    assert!(!frame.is_valid());
}

#[test]
fn what_was_acquired_outlives_its_publisher_and_cannot_be_sent() {
    let (address, publisher, _subscriber) = pair("orphan");
    let mut frame = publisher.acquire(SIZE).unwrap();

    drop(publisher);

    frame.fill(1);
    assert_eq!(frame.commit().unwrap_err().kind(), ErrorKind::Closed);
    // It did not keep the address.
    Publisher::create(&address).unwrap();
}

#[test]
fn frames_are_sent_from_any_thread() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Publisher>();
    is_sync::<Publisher>();
    is_send::<Subscriber>();
    is_sync::<Subscriber>();
    is_send::<Frame>();
    is_sync::<Frame>();
    is_send::<FrameMut>();
    is_sync::<FrameMut>();
    is_send::<SubscriberCloser>();
    is_sync::<SubscriberCloser>();
    is_send::<PublisherOptions>();
    is_sync::<PublisherOptions>();
    is_send::<SubscriberOptions>();
    is_sync::<SubscriberOptions>();
    let (_address, publisher, mut subscriber) = pair("threads");
    const EACH: u64 = 500;

    thread::scope(|scope| {
        for thread in 0..3 {
            let publisher = &publisher;

            scope.spawn(move || {
                for number in 0..EACH {
                    let mut frame = publisher.acquire_timeout(SIZE, LIMIT).unwrap();

                    frame.fill(thread);
                    frame.meta.pts = Some(number);
                    frame.commit_timeout(LIMIT).unwrap();
                }
            });
        }
        let mut expected = [0; 3];
        for _ in 0..3 * EACH {
            let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
            let thread = usize::from(frame[SIZE / 2]);

            assert_eq!(frame.pts(), Some(expected[thread]));
            expected[thread] += 1;
        }
    });
}

// --- arguments ---

#[test]
fn what_makes_no_sense_is_refused() {
    let (address, publisher, _subscriber) = pair("invalid");
    let invalid = |result: tachyon::Result<u32>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Invalid);
    };
    let record = FrameMeta {
        records: vec![(RECORD_USER - 1, vec![])],
        ..FrameMeta::default()
    };

    invalid(publisher.send(&[], &record));
    invalid(publisher.send(&[], &FrameMeta::at(u64::MAX)));
    invalid(publisher.acquire(0).map(|_| 0));
    invalid(publisher.set_caps("").map(|()| 0));
    invalid(publisher.set_caps("a\0b").map(|()| 0));
    invalid(Publisher::create("a\0b").map(|_| 0));
    invalid(Subscriber::connect("a\0b").map(|_| 0));
    invalid(Layout::new(1, 1, &[], &[]).map(|_| 0));
    invalid(Layout::new(1, 1, &[0; 5], &[1; 5]).map(|_| 0));
    invalid(Layout::new(1, 1, &[0], &[1, 1]).map(|_| 0));
    drop((address, publisher));
}

#[test]
fn a_record_that_is_refused_gives_the_frame_back() {
    let (_address, publisher, mut subscriber) = pair("give-back");
    let mut frame = publisher.acquire(SIZE).unwrap();
    frame.meta.records.push((1, vec![]));

    let refused = frame.commit_timeout(LIMIT).unwrap_err();

    assert_eq!(refused.error.kind(), ErrorKind::Invalid);
    frame = refused.frame;
    frame.meta.records.clear();
    frame.fill(5);
    frame.commit().unwrap();
    assert_eq!(subscriber.recv_timeout(LIMIT).unwrap().unwrap()[0], 5);
}

#[test]
fn records_larger_than_the_ring_travel() {
    let (_address, publisher, mut subscriber) = pair("records");
    let record = (
        RECORD_USER + 7,
        (0..200_000).map(|number| number as u8).collect(),
    );
    let meta = FrameMeta {
        records: vec![record.clone(), (RECORD_USER, b"end".to_vec())],
        ..FrameMeta::default()
    };

    publisher.send_timeout(&[1; SIZE], &meta, LIMIT).unwrap();

    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    let records: Vec<_> = frame.records().collect();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (records[0].type_id, records[0].data),
        (record.0, record.1.as_slice())
    );
    assert_eq!(
        (records[1].type_id, records[1].data),
        (RECORD_USER, b"end".as_slice())
    );
}

#[test]
fn what_is_printed_tells_what_it_is() {
    let (_address, publisher, mut subscriber) = pair("debug");
    publisher.set_caps(CAPS).unwrap();
    send_numbered(&publisher, 1);
    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();

    assert_eq!(format!("{publisher:?}"), "Publisher { subscribers: 1, .. }");
    assert!(format!("{subscriber:?}").contains("GRAY8"));
    assert!(format!("{frame:?}").starts_with("Frame { size: 4096, pts: Some(1)"));
    assert!(format!("{:?}", publisher.acquire(SIZE).unwrap()).contains("4096"));
}
