// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A publisher and a subscriber in two processes. The other process is this program again, which
//! runs the same test and finds an address in its environment.

mod frames_common;

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use frames_common::{Address, LIMIT};
use tachyon::{End, ErrorKind, FrameMeta, Item, NoticeKind, Publisher, Subscriber};

const ADDRESS: &str = "TACHYON_TEST_ADDRESS";
const CAPS: &str = "application/x-test";
const COUNT: u32 = 300;

/// The other process; killed where a test ends before it does.
struct Other(Child);

impl Other {
    fn start(test: &str, address: &Address) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ADDRESS, address.as_ref())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();

        Self(child)
    }

    /// Waits until it has printed a line that ends so.
    fn wait_for(&mut self, text: &str) {
        let lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        let found = lines.map_while(Result::ok).any(|line| line.ends_with(text));

        assert!(found, "the other process ended without '{text}'");
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn finish(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In the other process, and only there.
fn address() -> Option<PathBuf> {
    env::var_os(ADDRESS).map(PathBuf::from)
}

/// In the other process: until the first one has finished with us, or is gone.
fn wait_for_the_first_process() {
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Sizes around what travels in the ring, a page, and beyond.
fn size_of(number: u32) -> usize {
    [0, 1, 255, 256, 257, 4095, 4096, 4097, 100_000][number as usize % 9]
}

fn content(number: u32) -> Vec<u8> {
    let bytes = number.wrapping_mul(0x9e37_79b9).to_le_bytes();

    bytes.into_iter().cycle().take(size_of(number)).collect()
}

fn send_all(publisher: &Publisher) {
    for number in 0..COUNT {
        let meta = FrameMeta::at(number.into());

        publisher
            .send_timeout(&content(number), &meta, LIMIT)
            .unwrap();
    }
    publisher.send_eos().unwrap();
}

fn receive_all(mut subscriber: Subscriber) {
    for number in 0..COUNT {
        let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();

        assert_eq!(frame.pts(), Some(number.into()));
        assert_eq!(frame.caps(), Some(CAPS));
        assert!(*frame == content(number), "frame {number}");
    }
    assert!(subscriber.recv_timeout(LIMIT).unwrap().is_none());
}

fn publish_all(address: &Path) {
    let publisher = Publisher::options().caps(CAPS).create(address).unwrap();

    publisher.wait_for_subscribers(1, LIMIT).unwrap();
    send_all(&publisher);
}

fn subscribe_to_all(address: &Path) {
    receive_all(Subscriber::connect(address).unwrap());
}

#[test]
fn frames_come_from_another_process() {
    if let Some(address) = address() {
        return publish_all(&address);
    }
    let address = Address::new("from");
    let other = Other::start("frames_come_from_another_process", &address);

    receive_all(Subscriber::connect(&address).unwrap());

    other.finish();
}

#[test]
fn frames_go_to_another_process() {
    if let Some(address) = address() {
        return subscribe_to_all(&address);
    }
    let address = Address::new("to");
    let publisher = Publisher::options().caps(CAPS).create(&address).unwrap();
    let other = Other::start("frames_go_to_another_process", &address);
    publisher.wait_for_subscribers(1, LIMIT).unwrap();

    send_all(&publisher);

    other.finish();
}

#[test]
fn two_other_processes_and_this_one_read_the_same_frames() {
    if let Some(address) = address() {
        return subscribe_to_all(&address);
    }
    let name = "two_other_processes_and_this_one_read_the_same_frames";
    let address = Address::new("all");
    let publisher = Publisher::options().caps(CAPS).create(&address).unwrap();
    let others = [Other::start(name, &address), Other::start(name, &address)];
    let subscriber = Subscriber::connect(&address).unwrap();
    publisher.wait_for_subscribers(3, LIMIT).unwrap();

    thread::scope(|scope| {
        scope.spawn(|| send_all(&publisher));
        receive_all(subscriber);
    });

    for other in others {
        other.finish();
    }
}

fn publish_one_frame(address: &Path) {
    let publisher = Publisher::create(address).unwrap();

    publisher.wait_for_subscribers(1, LIMIT).unwrap();
    publisher.send(&content(8), &FrameMeta::default()).unwrap();
    println!("\nsent");
    wait_for_the_first_process();
}

#[test]
fn a_publisher_that_died_is_an_error_after_its_last_frame() {
    if let Some(address) = address() {
        return publish_one_frame(&address);
    }
    let name = "a_publisher_that_died_is_an_error_after_its_last_frame";
    let address = Address::new("died");
    let mut other = Other::start(name, &address);
    let mut subscriber = Subscriber::connect(&address).unwrap();
    other.wait_for("sent");

    other.kill();

    let frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();
    let error = subscriber.recv_timeout(LIMIT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(subscriber.end(), Some(End::Died));
    // What it wrote is still there, and nobody writes to it.
    assert!(*frame == content(8) && frame.is_valid());
    let mut frames = subscriber.frames();
    let error = frames.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(frames.next().is_none());
}

fn hold_a_frame(address: &Path) {
    let mut subscriber = Subscriber::connect(address).unwrap();
    let _frame = subscriber.recv_timeout(LIMIT).unwrap().unwrap();

    println!("\nheld");
    wait_for_the_first_process();
}

#[test]
fn a_frame_that_a_dead_subscriber_held_comes_back() {
    if let Some(address) = address() {
        return hold_a_frame(&address);
    }
    let name = "a_frame_that_a_dead_subscriber_held_comes_back";
    let address = Address::new("held");
    let publisher = Publisher::create(&address).unwrap();
    let mut other = Other::start(name, &address);
    publisher.wait_for_subscribers(1, LIMIT).unwrap();
    publisher.send(&content(8), &FrameMeta::default()).unwrap();
    other.wait_for("held");
    let before = publisher.stats();

    other.kill();
    while publisher.subscribers() > 0 {
        publisher.wait_timeout(LIMIT).unwrap();
    }

    assert_eq!(publisher.stats().blocks_free, before.blocks_free + 1);
    let kinds: Vec<_> = publisher.notices().map(|notice| notice.kind).collect();
    assert_eq!(
        kinds,
        [NoticeKind::Joined, NoticeKind::Left(Some(End::Died))]
    );
}

fn publish_before_anybody_comes(address: &Path) {
    let publisher = Publisher::options().caps(CAPS).create(address).unwrap();

    publisher.send(&content(8), &FrameMeta::default()).unwrap();
    println!("\nsent");
    wait_for_the_first_process();
}

#[test]
fn who_joins_late_gets_the_caps_from_another_process() {
    if let Some(address) = address() {
        return publish_before_anybody_comes(&address);
    }
    let name = "who_joins_late_gets_the_caps_from_another_process";
    let address = Address::new("late");
    let mut other = Other::start(name, &address);
    other.wait_for("sent");

    let mut subscriber = Subscriber::connect(&address).unwrap();

    let item = subscriber.receive_timeout(LIMIT).unwrap();
    assert!(matches!(item, Item::Caps(caps) if caps == CAPS));
    other.finish();
    assert!(subscriber.recv_timeout(LIMIT).unwrap().is_none());
}
