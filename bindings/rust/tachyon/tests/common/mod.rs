// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What the tests of buses share: addresses, pairs, a limit for what hangs.

// Each test file has its own copy of this module, and uses some of it.
#![allow(dead_code)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tachyon::{Bus, BusOptions};

/// Longer than any wait that succeeds.
pub const LONG: Duration = Duration::from_secs(20);

/// For waits that should run out.
pub const SHORT: Duration = Duration::from_millis(20);

/// A directory of a test's own, removed with it.
pub struct Place(PathBuf);

impl Place {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("tachyon-rust-{}-{number}", process::id()));

        limit_time();
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    pub fn address(&self) -> PathBuf {
        self.0.join("bus.sock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Ends the process where a test hangs: some waits here have no limit of their own.
pub fn limit_time() {
    static START: Once = Once::new();

    START.call_once(|| {
        thread::spawn(|| {
            thread::sleep(Duration::from_secs(120));
            eprintln!("a test hangs");
            process::abort();
        });
    });
}

/// A bus's two ends: the listener's, the connector's.
pub fn pair() -> (Bus, Bus) {
    pair_with(Bus::options(), Bus::options())
}

pub fn pair_with(listener: BusOptions, connector: BusOptions) -> (Bus, Bus) {
    let place = Place::new();
    let listener = listener.listener(place.address()).unwrap();

    thread::scope(|scope| {
        let other = scope.spawn(|| connector.connect(place.address()).unwrap());

        (
            listener.accept_timeout(LONG).unwrap(),
            other.join().unwrap(),
        )
    })
}

/// The smallest ring, so that it is full soon.
pub fn small_pair() -> (Bus, Bus) {
    pair_with(Bus::options().capacity(4096), Bus::options().capacity(4096))
}

/// How many messages of a cell each a sender got rid of before its ring was full.
pub fn fill(bus: &Bus) -> u32 {
    let mut count = 0;

    while bus.try_send(b"", count).is_ok() {
        count += 1;
    }
    count
}

/// For what another thread does soon.
pub fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// The address in the process that [`spawn`] started.
pub fn child_address() -> Option<PathBuf> {
    limit_time();
    env::var_os("TACHYON_TEST_ADDRESS").map(PathBuf::from)
}

/// Another process that runs the same test, and there finds a [`child_address`].
pub fn command(test: &str, address: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());

    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("TACHYON_TEST_ADDRESS", address);
    command
}

/// The same, started. What its harness says of the test is not for ours; a panic is.
pub fn spawn(test: &str, address: &Path) -> Child {
    command(test, address)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
