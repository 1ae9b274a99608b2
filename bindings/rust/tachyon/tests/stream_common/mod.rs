// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What the tests of streams share.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};
use std::thread;
use std::time::Duration;

use tachyon::stream;

/// Longer than any wait that succeeds.
pub const LONG: Duration = Duration::from_secs(20);

/// For waits that should run out.
pub const SHORT: Duration = Duration::from_millis(20);

/// A name of a test's own, unlinked with it.
pub struct Name(String);

impl Name {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);

        limit_time();
        Self(format!("{}{number}", prefix()))
    }
}

impl AsRef<OsStr> for Name {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = stream::unlink(&self.0);
    }
}

fn prefix() -> String {
    format!("test-rust-{}-", process::id())
}

/// Ends the process where a test hangs: some waits here have no limit of their own.
fn limit_time() {
    static START: Once = Once::new();

    START.call_once(|| {
        thread::spawn(|| {
            thread::sleep(4 * LONG);
            eprintln!("a test hangs");
            for name in stream::list().unwrap_or_default() {
                if name.to_string_lossy().starts_with(&prefix()) {
                    let _ = stream::unlink(name);
                }
            }
            process::abort();
        });
    });
}

/// For what another thread does soon.
pub fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// Threads that are about to wait.
#[derive(Default)]
pub struct Waiters(Mutex<Vec<i32>>);

impl Waiters {
    /// In the thread, before the call that waits.
    pub fn enter(&self) {
        // SAFETY: it takes nothing and cannot fail.
        self.0.lock().unwrap().push(unsafe { libc::gettid() });
    }

    /// Until so many are asleep.
    pub fn wait_until_asleep(&self, count: usize) {
        wait_until(|| {
            let threads = self.0.lock().unwrap();

            threads.len() == count && threads.iter().all(|thread| is_asleep(*thread))
        });
    }
}

fn is_asleep(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat"));

    stat.is_ok_and(|stat| stat.rsplit(") ").next().unwrap().starts_with('S'))
}

// --- two processes: the other one is this program again, which runs the same test ---

const NAME: &str = "TACHYON_TEST_STREAM";

/// The other process; killed where a test ends before it does.
pub struct Other(Child);

impl Other {
    pub fn start(test: &str, name: &Name) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(NAME, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();

        Self(child)
    }

    /// Waits until it has called [`say()`].
    pub fn wait_for(&mut self, text: &str) {
        let lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        let found = lines.map_while(Result::ok).any(|line| line.ends_with(text));

        assert!(found, "the other process ended without '{text}'");
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: it is our child, which nobody has waited for yet.
        assert_eq!(unsafe { libc::kill(self.0.id() as i32, signal) }, 0);
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn finish(mut self) {
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

/// The name in the process that [`Other::start()`] started, and only there.
pub fn others_name() -> Option<String> {
    let name = env::var(NAME).ok();

    if name.is_some() {
        limit_time();
    }
    name
}

/// In the other process: for [`Other::wait_for()`].
pub fn say(text: &str) {
    println!("{text}");
    io::stdout().flush().unwrap();
}

/// In the other process: until the first one has finished with us, or is gone.
pub fn wait_for_the_first_process() {
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
