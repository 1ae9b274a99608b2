// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Streams: waiting for values, and what ends a wait.

mod stream_common;

use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::thread::JoinHandleExt;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use stream_common::{LONG, Name, SHORT, Waiters, wait_until};
use tachyon::{ErrorKind, Stream, StreamOptions, StreamWatcher, system_calls};

fn pair(name: &Name) -> (Stream<u32>, Stream<u32>) {
    (
        Stream::create(name, &[1]).unwrap(),
        Stream::open(name).unwrap(),
    )
}

fn kind<T>(result: tachyon::Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

// --- for a value ---

#[test]
fn read_new_returns_what_was_written_since_the_previous_read() {
    let name = Name::new();
    let (writer, reader) = pair(&name);

    writer.write(&[1]).unwrap();
    writer.write(&[2]).unwrap();
    assert_eq!(reader.read_new(Duration::ZERO).unwrap(), [2]);
    assert_eq!(kind(reader.read_new(Duration::ZERO)), ErrorKind::WouldBlock);

    writer.write(&[3]).unwrap();
    assert_eq!(reader.read().unwrap(), [3]);
    assert_eq!(kind(reader.read_new(Duration::ZERO)), ErrorKind::WouldBlock);

    writer.write(&[4]).unwrap();
    // Which is the newest does not count as reading it.
    assert_eq!(reader.newest().unwrap().count, 4);
    let mut value = [0];
    let stamp = reader.read_new_into(&mut value, Duration::ZERO).unwrap();
    assert_eq!((value, stamp.count, stamp.missed), ([4], 4, 0));
}

#[test]
fn read_new_does_not_return_what_was_there_at_the_opening() {
    let name = Name::new();
    let writer = Stream::<u32>::create(&name, &[1]).unwrap();
    writer.write(&[1]).unwrap();
    let reader = Stream::<u32>::open(&name).unwrap();

    assert_eq!(kind(reader.read_new(SHORT)), ErrorKind::TimedOut);
    writer.write(&[2]).unwrap();
    assert_eq!(reader.read_new(SHORT).unwrap(), [2]);
}

#[test]
fn read_new_is_woken_by_a_write() {
    let (there, back) = (Name::new(), Name::new());
    let (writer, reader) = pair(&there);
    let (answerer, asker) = pair(&back);

    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=500 {
                assert_eq!(reader.read_new(LONG).unwrap(), [number]);
                answerer.write(&[number]).unwrap();
            }
        });
        for number in 1..=500 {
            writer.write(&[number]).unwrap();
            assert_eq!(asker.read_new(LONG).unwrap(), [number]);
        }
    });
}

#[test]
fn a_wait_for_a_count_that_is_there_returns_at_once() {
    let name = Name::new();
    let (writer, reader) = pair(&name);

    for number in 0..3 {
        writer.write(&[number]).unwrap();
    }

    for count in 0..=3 {
        assert_eq!(reader.wait(count, Duration::ZERO).unwrap(), 3);
    }
    assert_eq!(kind(reader.wait(4, Duration::ZERO)), ErrorKind::WouldBlock);
}

#[test]
fn a_wait_that_runs_out_takes_as_long_as_it_was_told() {
    let name = Name::new();
    let spinner = StreamOptions::new().spin(1000);
    let _stream = Stream::<u32>::create(&name, &[1]).unwrap();
    let stream: Stream<u32> = spinner.open(&name).unwrap();
    let start = Instant::now();

    assert_eq!(kind(stream.wait(1, SHORT)), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT);
}

// --- ending waits ---

#[test]
fn a_close_ends_every_wait_for_good() {
    let name = Name::new();
    let (holder, stream) = pair(&name);
    let guard = holder.lock(None).unwrap();
    let closer = stream.closer();
    let waiters = Waiters::default();

    thread::scope(|scope| {
        let calls: [fn(&Stream<u32>) -> ErrorKind; 5] = [
            |stream| kind(stream.read_new(None)),
            |stream| kind(stream.wait(7, None)),
            |stream| kind(stream.lock(None)),
            |stream| kind(stream.write(&[1])),
            |stream| kind(stream.write_with(|_| ())),
        ];
        let (waiters, stream) = (&waiters, &stream);
        let waits = calls.map(|call| {
            scope.spawn(move || {
                waiters.enter();
                call(stream)
            })
        });

        waiters.wait_until_asleep(waits.len());
        closer.close();
        for wait in waits {
            assert_eq!(wait.join().unwrap(), ErrorKind::Closed);
        }
    });
    guard.unlock().unwrap();
    closer.resume();
    assert_eq!(kind(stream.read()), ErrorKind::Closed);
    assert_eq!(kind(stream.write(&[1])), ErrorKind::Closed);
    assert_eq!(kind(stream.lock(None)), ErrorKind::Closed);
    assert_eq!(kind(stream.wait(0, None)), ErrorKind::Closed);
    assert_eq!(kind(stream.watcher()), ErrorKind::Closed);
    // What it is, it still says; and others go on.
    assert_eq!(stream.count(), 0);
    assert_eq!(stream.info().unwrap().id, holder.id());
    holder.write(&[1]).unwrap();
    drop(stream);
    closer.close();
}

#[test]
fn a_cancel_ends_waits_until_a_resume() {
    let name = Name::new();
    let (writer, stream) = pair(&name);
    let closer = stream.closer();
    let waiters = Waiters::default();

    thread::scope(|scope| {
        let wait = scope.spawn(|| {
            waiters.enter();
            kind(stream.read_new(None))
        });

        waiters.wait_until_asleep(1);
        closer.cancel();
        assert_eq!(wait.join().unwrap(), ErrorKind::Canceled);
    });
    assert_eq!(kind(stream.wait(1, None)), ErrorKind::Canceled);

    closer.resume();
    writer.write(&[5]).unwrap();
    assert_eq!(stream.read_new(LONG).unwrap(), [5]);
}

/// Its slice must not become another's while it is borrowed.
#[test]
fn a_guard_outlives_a_close_and_keeps_the_lock() {
    let name = Name::new();
    let (other, stream) = pair(&name);
    let guard = stream.lock(None).unwrap();
    let live = guard.live().unwrap();

    stream.closer().close();
    assert_eq!(kind(other.lock(SHORT)), ErrorKind::TimedOut);
    assert_eq!(live, [0]);
    assert_eq!(kind(guard.live()), ErrorKind::Closed);
    drop(guard);

    other.write_timeout(&[1], Duration::ZERO).unwrap();
}

#[test]
fn a_view_is_not_published_after_a_close() {
    let name = Name::new();
    let (other, mut stream) = pair(&name);
    let closer = stream.closer();
    let mut view = stream.write_view(None).unwrap();

    closer.close();
    view[0] = 3;
    assert_eq!(kind(other.lock(SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(view.commit()), ErrorKind::Closed);

    assert_eq!(other.count(), 0);
    other.write_timeout(&[1], Duration::ZERO).unwrap();
}

// --- signals ---

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Without SA_RESTART, so that each one interrupts the wait.
fn handle_signals() {
    // SAFETY: all zero is a valid sigaction; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();

        action.sa_sigaction = count_signal as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
    }
}

#[test]
fn signals_do_not_end_a_wait() {
    let name = Name::new();
    let writer = Stream::<u32>::create(&name, &[1]).unwrap();
    let reader = Stream::<u32>::open(&name).unwrap();
    let locker = Stream::<u32>::open(&name).unwrap();
    let guard = writer.lock(None).unwrap();

    handle_signals();
    let waiters = [
        thread::spawn(move || reader.read_new(LONG)),
        thread::spawn(move || locker.lock(LONG).map(|_| vec![])),
    ];
    for waiter in &waiters {
        for _ in 0..50 {
            let before = (SIGNALS.load(Ordering::Relaxed), system_calls());

            // SAFETY: the thread was not joined.
            let ret = unsafe { libc::pthread_kill(waiter.as_pthread_t(), libc::SIGUSR1) };
            assert_eq!(ret, 0);
            // Until it was handled, and a wait has begun again.
            wait_until(|| {
                waiter.is_finished()
                    || SIGNALS.load(Ordering::Relaxed) > before.0 && system_calls() > before.1
            });
            assert!(!waiter.is_finished());
        }
    }
    guard.unlock().unwrap();
    writer.write(&[9]).unwrap();

    let [value, locked] = waiters.map(|waiter| waiter.join().unwrap());
    assert_eq!(value.unwrap(), [9]);
    locked.unwrap();
}

// --- the descriptor ---

/// Whether it becomes readable in time.
fn poll(watcher: &StreamWatcher, limit: Duration) -> bool {
    let mut polled = libc::pollfd {
        fd: watcher.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };

    // SAFETY: there is one entry, and it is ours alone.
    unsafe { libc::poll(&mut polled, 1, limit.as_millis() as i32) == 1 }
}

fn poll_for(watcher: &mut StreamWatcher, count: u64) {
    let mut is_there = watcher.prepare(count).unwrap();

    while !is_there {
        assert!(poll(watcher, LONG), "the poll slept on");
        is_there = watcher.dispatch(count).unwrap();
    }
}

#[test]
fn a_watcher_is_readable_when_the_count_is_there() {
    let name = Name::new();
    let (writer, reader) = pair(&name);
    let mut watcher = reader.watcher().unwrap();

    assert!(watcher.prepare(0).unwrap());
    assert!(!watcher.prepare(1).unwrap());
    assert!(!poll(&watcher, SHORT));
    writer.write(&[1]).unwrap();
    assert!(poll(&watcher, LONG));
    assert!(watcher.dispatch(1).unwrap());
    assert!(watcher.prepare(1).unwrap());
}

#[test]
fn a_loop_of_polls_sees_every_value() {
    let name = Name::new();
    let (writer, reader) = pair(&name);

    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=300 {
                writer.write(&[number]).unwrap();
                writer.wait(u64::from(2 * number), LONG).unwrap();
            }
        });
        let mut watcher = reader.watcher().unwrap();
        for number in 1..=300 {
            poll_for(&mut watcher, u64::from(2 * number - 1));
            assert_eq!(reader.read().unwrap(), [number]);
            reader.write(&[0]).unwrap();
        }
    });
}

#[test]
fn there_is_one_watcher_at_a_time() {
    let name = Name::new();
    let (writer, reader) = pair(&name);
    let first = reader.watcher().unwrap();

    assert_eq!(kind(reader.watcher()), ErrorKind::Busy);
    drop(first);

    // It keeps what it watches.
    let mut second = reader.watcher().unwrap();
    drop(reader);
    thread::scope(|scope| {
        scope.spawn(|| writer.write(&[1]).unwrap());
        poll_for(&mut second, 1);
    });
}

#[test]
fn a_close_wakes_who_polls() {
    let name = Name::new();
    let (_writer, reader) = pair(&name);
    let mut watcher = reader.watcher().unwrap();

    assert!(!watcher.prepare(1).unwrap());
    thread::scope(|scope| {
        scope.spawn(|| reader.closer().close());
        assert!(poll(&watcher, LONG));
    });
    assert_eq!(kind(watcher.dispatch(1)), ErrorKind::Closed);
    assert_eq!(kind(watcher.prepare(1)), ErrorKind::Closed);
}
