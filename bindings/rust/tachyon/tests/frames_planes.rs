// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Planes of a picture: where they stand, and that they are never taken on trust.

mod frames_common;

use frames_common::{Address, LIMIT, connect};
use tachyon::{ErrorKind, Frame, FrameMeta, Layout, Publisher, VideoInfo};

/// A payload whose byte at an offset is known.
fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|offset| (offset % 251) as u8).collect()
}

fn receive(caps: Option<&str>, layout: Option<Layout>, size: usize) -> Frame {
    let address = Address::new("planes");
    let publisher = Publisher::create(&address).unwrap();
    let mut subscriber = connect(&publisher, &address);

    if let Some(caps) = caps {
        publisher.set_caps(caps).unwrap();
    }
    publisher.set_layout(layout.as_ref()).unwrap();
    publisher
        .send_timeout(&payload(size), &FrameMeta::default(), LIMIT)
        .unwrap();
    subscriber.recv_timeout(LIMIT).unwrap().unwrap()
}

fn refused(caps: Option<&str>, offsets: &[u64], strides: &[i32], size: usize) -> bool {
    let layout = Layout::new(6, 4, offsets, strides).unwrap();
    let frame = receive(caps, Some(layout), size);

    match frame.planes() {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::Corrupt,
    }
}

const I420: &str = "video/x-raw, format=I420, width=6, height=4";

#[test]
fn planes_stand_where_the_caps_say() {
    let size = VideoInfo::from_caps(I420).unwrap().size();
    let frame = receive(Some(I420), None, size);
    let sent = payload(size);

    let planes = frame.planes().unwrap();

    assert_eq!(size, 8 * 4 + 4 * 2 + 4 * 2);
    assert_eq!(planes.len(), 3);
    assert_eq!(planes[0].stride(), 8);
    assert!(
        planes[0]
            .lines()
            .eq([&sent[0..6], &sent[8..14], &sent[16..22], &sent[24..30]])
    );
    assert!(planes[1].lines().eq([&sent[32..35], &sent[36..39]]));
    assert!(planes[2].lines().eq([&sent[40..43], &sent[44..47]]));
    assert_eq!(planes[2].data(), &sent[40..47]);
}

#[test]
fn planes_stand_where_the_layout_says() {
    let layout = Layout::new(6, 4, &[10, 100, 60], &[10, 5, 3]).unwrap();
    let frame = receive(Some(I420), Some(layout), 200);
    let sent = payload(200);

    let planes = frame.planes().unwrap();

    assert!(
        planes[0]
            .lines()
            .eq([&sent[10..16], &sent[20..26], &sent[30..36], &sent[40..46]])
    );
    assert!(planes[1].lines().eq([&sent[100..103], &sent[105..108]]));
    assert!(planes[2].lines().eq([&sent[60..63], &sent[63..66]]));
}

#[test]
fn planes_of_an_unknown_format_go_to_the_end() {
    let layout = Layout::new(6, 4, &[0, 40], &[10, 20]).unwrap();
    let frame = receive(None, Some(layout), 100);
    let sent = payload(100);

    let planes = frame.planes().unwrap();

    assert_eq!(planes[0].data(), sent);
    assert_eq!(planes[0].lines().len(), 10);
    assert!(
        planes[1]
            .lines()
            .eq([&sent[40..60], &sent[60..80], &sent[80..100]])
    );
    assert!(frame.video().is_none());
}

#[test]
fn without_layout_and_caps_there_are_no_planes() {
    assert!(receive(None, None, 100).planes().unwrap().is_empty());
    assert!(
        receive(Some("text/plain"), None, 100)
            .planes()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_layout_is_taken_back() {
    let address = Address::new("no-layout");
    let publisher = Publisher::create(&address).unwrap();
    let mut subscriber = connect(&publisher, &address);
    let layout = Layout::new(6, 4, &[0], &[6]).unwrap();
    publisher.set_layout(Some(&layout)).unwrap();
    publisher.set_layout(None).unwrap();

    publisher.send(&payload(24), &FrameMeta::default()).unwrap();

    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(frame.layout(), None);
    assert_eq!(subscriber.layout(), None);
}

#[test]
fn planes_outside_of_the_payload_are_refused() {
    let offsets = [0, 32, 40];
    let strides = [8, 4, 4];

    assert!(!refused(Some(I420), &offsets, &strides, 47));
    // A byte is missing.
    assert!(refused(Some(I420), &offsets, &strides, 46));
    assert!(refused(Some(I420), &[0, 32, u64::MAX], &strides, 48));
    assert!(refused(Some(I420), &offsets, &[i32::MAX, 4, 4], 48));
    assert!(refused(Some(I420), &offsets, &[8, 4, -4], 48));
    assert!(refused(Some(I420), &offsets, &[8, 4, 0], 48));
    // Lines would overlap.
    assert!(refused(Some(I420), &offsets, &[5, 4, 4], 48));
    // Not of such a format.
    assert!(refused(Some(I420), &[0], &[8], 48));
    assert!(refused(None, &[48], &[8], 48));
    assert!(refused(None, &[0], &[-8], 48));
    assert!(refused(None, &[0], &[0], 48));
}

#[test]
fn a_layout_of_a_smaller_picture_is_refused() {
    let small = Layout::new(6, 2, &[0, 32, 40], &[8, 4, 4]).unwrap();
    let huge = Layout::new(u32::MAX, u32::MAX, &[0, 32, 40], &[8, 4, 4]).unwrap();
    let flat = Layout::new(6, 0, &[0, 32, 40], &[8, 4, 4]).unwrap();

    for layout in [small, huge, flat] {
        let error = receive(Some(I420), Some(layout), 48).planes().unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn a_picture_larger_than_its_payload_is_refused() {
    let frame = receive(Some(I420), None, 20);

    assert_eq!(frame.planes().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(
        receive(Some(I420), None, 0).planes().unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}
