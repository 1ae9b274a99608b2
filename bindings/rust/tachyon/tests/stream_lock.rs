// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Streams: the lock, and values written and looked at in place.

mod stream_common;

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use stream_common::{LONG, Name, SHORT, Waiters};
use tachyon::{ErrorKind, Stream};

fn pair(name: &Name) -> (Stream<u32>, Stream<u32>) {
    (
        Stream::create(name, &[2000]).unwrap(),
        Stream::open(name).unwrap(),
    )
}

fn kind<T>(result: tachyon::Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

// --- the lock ---

#[test]
fn a_lock_keeps_the_writes_of_others_out() {
    let name = Name::new();
    let (a, mut b) = pair(&name);
    let guard = a.lock(None).unwrap();

    assert_eq!(kind(b.lock(SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(b.lock(Duration::ZERO)), ErrorKind::WouldBlock);
    assert_eq!(
        kind(b.write_timeout(&[1; 2000], SHORT)),
        ErrorKind::TimedOut
    );
    assert_eq!(
        kind(b.write_timeout(&[1; 2000], Duration::ZERO)),
        ErrorKind::WouldBlock
    );
    assert_eq!(kind(b.write_view(SHORT)), ErrorKind::TimedOut);
    assert_eq!(b.read().unwrap(), [0; 2000]);

    guard.unlock().unwrap();
    b.write_timeout(&[1; 2000], Duration::ZERO).unwrap();
    assert_eq!(a.count(), 1);
}

#[test]
fn a_lock_belongs_to_one_thread_of_a_handle() {
    let name = Name::new();
    let (a, _b) = pair(&name);
    let guard = a.lock(None).unwrap();

    thread::scope(|scope| {
        let other = scope.spawn(|| kind(a.write_timeout(&[1; 2000], SHORT)));

        assert_eq!(other.join().unwrap(), ErrorKind::TimedOut);
    });
    drop(guard);
    thread::scope(|scope| {
        scope.spawn(|| a.write_timeout(&[1; 2000], LONG).unwrap());
    });
    assert_eq!(a.count(), 1);
}

#[test]
fn who_waits_gets_the_lock_when_it_is_given_back() {
    let name = Name::new();
    let (a, b) = pair(&name);
    let guard = a.lock(None).unwrap();

    let waiters = Waiters::default();

    thread::scope(|scope| {
        for stream in [&a, &b] {
            let waiters = &waiters;

            scope.spawn(move || {
                waiters.enter();
                stream.write(&[2; 2000]).unwrap();
            });
        }
        waiters.wait_until_asleep(2);
        drop(guard);
    });
    assert_eq!(a.count(), 2);
}

/// Through these the memory could change that a guard lends out.
#[test]
fn under_a_guard_only_the_guard_writes() {
    let name = Name::new();
    let (a, _b) = pair(&name);
    let mut guard = a.lock(None).unwrap();

    assert_eq!(kind(a.lock(None)), ErrorKind::Busy);
    assert_eq!(kind(a.write(&[1; 2000])), ErrorKind::Busy);
    assert_eq!(kind(a.write_timeout(&[1; 2000], None)), ErrorKind::Busy);
    assert_eq!(kind(a.write_with(|_| ())), ErrorKind::Busy);
    guard.write(&[2; 2000]).unwrap();
    guard.unlock().unwrap();
    a.write(&[3; 2000]).unwrap();

    assert_eq!(a.snapshot().unwrap().stamp.count, 2);
}

#[test]
fn a_guard_that_is_forgotten_keeps_the_lock_as_long_as_the_handle() {
    let name = Name::new();
    let (a, b) = pair(&name);

    mem::forget(a.lock(None).unwrap());
    assert_eq!(kind(a.lock(None)), ErrorKind::Busy);
    assert_eq!(kind(b.lock(SHORT)), ErrorKind::TimedOut);
    drop(a);

    b.write_timeout(&[1; 2000], LONG).unwrap();
}

// --- the live view ---

#[test]
fn a_live_view_shows_the_newest_value() {
    let name = Name::new();
    let (a, b) = pair(&name);

    for number in 1..10 {
        b.write(&[number; 2000]).unwrap();
        assert_eq!(a.lock(None).unwrap().live().unwrap(), [number; 2000]);
    }
    let mut guard = a.lock(None).unwrap();
    let first = guard.live().unwrap().as_ptr();
    guard.write(&[77; 2000]).unwrap();
    assert_eq!(guard.live().unwrap(), [77; 2000]);
    assert_eq!(guard.live().unwrap().as_ptr(), first);
    guard.unlock().unwrap();
    assert_eq!(a.count(), 10);
}

#[test]
fn what_is_written_in_a_live_view_is_published_with_the_lock() {
    let name = Name::new();
    let (a, b) = pair(&name);
    let mut guard = a.lock(None).unwrap();

    guard.live_mut().unwrap()[1999] = 5;
    assert_eq!(guard.live().unwrap()[1999], 5);
    assert_eq!(b.read().unwrap(), [0; 2000]);
    assert_eq!(b.count(), 0);
    guard.unlock().unwrap();

    assert_eq!(b.count(), 1);
    assert_eq!(b.read().unwrap()[1998..], [0, 5]);
    // And by dropping the guard, on top of what is the newest then.
    b.write(&[1; 2000]).unwrap();
    a.lock(None).unwrap().live_mut().unwrap()[0] += 9;
    assert_eq!(b.read().unwrap()[..2], [10, 1]);
    assert_eq!(b.count(), 3);
}

#[test]
fn where_nothing_is_written_nothing_is_published() {
    let name = Name::new();
    let (a, b) = pair(&name);

    a.write(&[3; 2000]).unwrap();
    for _ in 0..8 {
        let mut guard = a.lock(None).unwrap();
        assert_eq!(guard.live_mut().unwrap()[7], 3);
        guard.unlock().unwrap();
        drop(a.lock(None).unwrap());
    }

    assert_eq!(b.count(), 1);
}

// --- a write in place ---

#[test]
fn a_write_view_is_published_by_its_commit() {
    let name = Name::new();
    let (mut a, b) = pair(&name);

    for number in 1..10 {
        let mut view = a.write_view(None).unwrap();

        assert_eq!(view.len(), 2000);
        view.fill(number);
        assert_eq!(b.read().unwrap(), [number - 1; 2000]);
        view.commit().unwrap();
        assert_eq!(b.read().unwrap(), [number; 2000]);
    }
    assert_eq!(b.count(), 9);
}

#[test]
fn a_write_view_that_is_dropped_leaves_the_last_value_the_newest() {
    let name = Name::new();
    let (mut a, b) = pair(&name);

    a.write(&[1; 2000]).unwrap();
    a.write_view(None).unwrap().fill(2);
    let mut view = a.write_view(None).unwrap();
    view.fill(3);
    view.rollback();

    assert_eq!(b.read().unwrap(), [1; 2000]);
    assert_eq!(b.count(), 1);
    b.write_timeout(&[4; 2000], Duration::ZERO).unwrap();
}

#[test]
fn write_with_publishes_what_was_filled_in() {
    let name = Name::new();
    let (a, b) = pair(&name);

    let sum: u32 = a
        .write_with(|value| {
            for (place, number) in value.iter_mut().zip(0..) {
                *place = number;
            }
            value.iter().sum()
        })
        .unwrap();

    assert_eq!(sum, b.read().unwrap().iter().sum());
    assert!(b.read().unwrap().iter().copied().eq(0..2000));
}

#[test]
fn a_panic_leaves_the_last_value_the_newest_and_frees_the_lock() {
    let name = Name::new();
    let (a, b) = pair(&name);

    a.write(&[1; 2000]).unwrap();
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        a.write_with(|value| {
            value.fill(2);
            panic::resume_unwind(Box::new("on purpose"));
        })
    }));

    assert!(result.is_err());
    assert_eq!(b.read().unwrap(), [1; 2000]);
    b.write_timeout(&[4; 2000], Duration::ZERO).unwrap();
}

#[test]
fn within_write_with_there_is_no_other_write() {
    let name = Name::new();
    let (a, b) = pair(&name);

    a.write_with(|value| {
        assert_eq!(kind(a.write(&[1; 2000])), ErrorKind::Busy);
        assert_eq!(kind(a.write_with(|_| ())), ErrorKind::Busy);
        assert_eq!(kind(a.lock(None)), ErrorKind::Busy);
        assert_eq!(kind(b.lock(SHORT)), ErrorKind::TimedOut);
        value.fill(6);
    })
    .unwrap();

    assert_eq!(b.read().unwrap(), [6; 2000]);
}

#[test]
fn a_view_under_a_guard_leaves_it_the_lock() {
    let name = Name::new();
    let (a, b) = pair(&name);
    let mut guard = a.lock(None).unwrap();

    for number in 1..4 {
        let mut view = guard.write_view().unwrap();
        view.fill(number);
        view.commit().unwrap();
        guard.write_view().unwrap().fill(99);
        assert_eq!(guard.live().unwrap(), [number; 2000]);
        assert_eq!(kind(b.lock(Duration::ZERO)), ErrorKind::WouldBlock);
    }
    guard.unlock().unwrap();

    assert_eq!(b.read().unwrap(), [3; 2000]);
    assert_eq!(b.count(), 3);
}

#[test]
fn a_view_that_is_forgotten_ends_with_the_handle() {
    let name = Name::new();
    let (mut a, b) = pair(&name);

    mem::forget(a.write_view(None).unwrap());
    assert_eq!(kind(a.write_view(None)), ErrorKind::Busy);
    assert_eq!(kind(b.lock(SHORT)), ErrorKind::TimedOut);
    drop(a);

    b.write_timeout(&[1; 2000], LONG).unwrap();
    assert_eq!(b.count(), 1);
}

#[test]
fn a_view_that_is_forgotten_under_a_guard_ends_with_it() {
    let name = Name::new();
    let (a, b) = pair(&name);
    let mut guard = a.lock(None).unwrap();

    mem::forget(guard.write_view().unwrap());
    assert_eq!(kind(guard.live()), ErrorKind::Busy);
    assert_eq!(kind(guard.write(&[1; 2000])), ErrorKind::Busy);
    assert_eq!(kind(guard.write_view()), ErrorKind::Busy);
    guard.unlock().unwrap();

    assert_eq!(b.count(), 0);
    b.write_timeout(&[1; 2000], Duration::ZERO).unwrap();
}

/// Threads that write through one handle and another, and one that reads: no value is torn, and
/// none is lost.
#[test]
fn values_of_many_threads_are_whole() {
    const WRITES: u32 = 300;
    let name = Name::new();
    let (a, b) = pair(&name);

    thread::scope(|scope| {
        for (stream, number) in [(&a, 1), (&a, 2), (&b, 3), (&b, 4)] {
            scope.spawn(move || {
                for _ in 0..WRITES / 2 {
                    stream.write(&[number; 2000]).unwrap();
                    stream.write_with(|value| value.fill(number)).unwrap();
                }
            });
        }
        scope.spawn(|| {
            while a.count() < u64::from(4 * WRITES) {
                let value = a.read_new(LONG).unwrap();
                assert!(value.iter().all(|number| *number == value[0]));
            }
        });
    });
    assert_eq!(b.count(), u64::from(4 * WRITES));
}

#[test]
fn a_count_under_the_lock_loses_nothing() {
    const ROUNDS: u32 = 200;
    let name = Name::new();
    let (a, b) = pair(&name);

    thread::scope(|scope| {
        for stream in [&a, &a, &b] {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let mut guard = stream.lock(LONG).unwrap();
                    guard.live_mut().unwrap()[1000] += 1;
                    guard.unlock().unwrap();
                }
            });
        }
    });
    assert_eq!(a.read().unwrap()[1000], 3 * ROUNDS);
    assert_eq!(a.count(), u64::from(3 * ROUNDS));
}
