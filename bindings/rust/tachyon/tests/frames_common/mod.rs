// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What the tests of frames share.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::env;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tachyon::{FrameMeta, Item, Publisher, Subscriber};

/// Catches a test that hangs; nothing takes so long.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Ends the process where a test hangs: some waits have no limit of their own.
fn limit_time() {
    static START: Once = Once::new();

    START.call_once(|| {
        thread::spawn(|| {
            thread::sleep(4 * LIMIT);
            eprintln!("a test hangs");
            process::abort();
        });
    });
}

/// A path in a directory of its own, which goes with it.
pub struct Address {
    directory: PathBuf,
    path: PathBuf,
}

impl Address {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("tachyon-{}-{number}", process::id()));

        limit_time();
        fs::create_dir_all(&directory).unwrap();
        Self {
            path: directory.join(name),
            directory,
        }
    }
}

impl AsRef<Path> for Address {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A subscriber that gets what is sent from now on.
pub fn connect(publisher: &Publisher, address: &Address) -> Subscriber {
    let before = publisher.subscribers();
    let subscriber = Subscriber::connect(address).unwrap();

    publisher.wait_for_subscribers(before + 1, LIMIT).unwrap();
    subscriber
}

pub fn next(subscriber: &mut Subscriber) -> Item {
    subscriber.receive_timeout(LIMIT).unwrap()
}

/// Whether the descriptor becomes readable in time.
pub fn poll(source: &impl AsFd, limit: Duration) -> bool {
    let mut polled = libc::pollfd {
        fd: source.as_fd().as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };

    // SAFETY: there is one entry, and it is ours alone.
    unsafe { libc::poll(&mut polled, 1, limit.as_millis() as i32) == 1 }
}

/// Larger than what travels in the ring.
pub const SIZE: usize = 4096;

pub const CAPS: &str = "video/x-raw, format=GRAY8, width=64, height=64";

pub fn pair(name: &str) -> (Address, Publisher, Subscriber) {
    let address = Address::new(name);
    let publisher = Publisher::create(&address).unwrap();
    let subscriber = connect(&publisher, &address);

    (address, publisher, subscriber)
}

/// A frame that is full of its number. Returns how many got it.
pub fn send_numbered(publisher: &Publisher, number: u8) -> u32 {
    publisher
        .send_timeout(&[number; SIZE], &FrameMeta::at(number.into()), LIMIT)
        .unwrap()
}
