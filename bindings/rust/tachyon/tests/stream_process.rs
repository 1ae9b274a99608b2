// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Streams between processes, some of which are stopped, killed or forked. The other process is
//! this program again, which runs the same test and finds a name in its environment.

mod stream_common;

use std::mem;
use std::thread;
use std::time::Duration;

use stream_common::{
    LONG, Name, Other, SHORT, Waiters, others_name, say, wait_for_the_first_process,
};
use tachyon::{ErrorKind, Stream};

const SIZE: usize = 5000;

fn kind<T>(result: tachyon::Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

fn create(name: &Name) -> Stream<u32> {
    let stream = Stream::create(name, &[SIZE]).unwrap();

    stream.write(&[1; SIZE]).unwrap();
    stream
}

#[test]
fn two_processes_answer_each_other() {
    const ROUNDS: u32 = 500;

    if let Some(name) = others_name() {
        let stream = Stream::<u32>::open(name).unwrap();

        say("ready");
        for round in 1..=ROUNDS {
            stream.wait(u64::from(2 * round), LONG).unwrap();
            assert_eq!(stream.read().unwrap(), [2 * round; SIZE]);
            stream.write(&[2 * round + 1; SIZE]).unwrap();
        }
        return;
    }

    let name = Name::new();
    let stream = create(&name);
    let mut other = Other::start("two_processes_answer_each_other", &name);

    other.wait_for("ready");
    for round in 1..=ROUNDS {
        stream.write(&[2 * round; SIZE]).unwrap();
        stream.wait(u64::from(2 * round + 1), LONG).unwrap();
        assert_eq!(stream.read().unwrap(), [2 * round + 1; SIZE]);
    }
    other.finish();
}

/// Writes half of a value in place, says so, and stays there.
fn write_half(name: String) {
    let stream = Stream::<u32>::open(name).unwrap();

    stream
        .write_with(|value| {
            value[..SIZE / 2].fill(2);
            say("half");
            wait_for_the_first_process();
            value[SIZE / 2..].fill(2);
        })
        .unwrap();
}

#[test]
fn a_writer_that_is_killed_half_way_leaves_the_last_value_and_no_lock() {
    if let Some(name) = others_name() {
        return write_half(name);
    }

    let name = Name::new();
    let stream = create(&name);
    let mut other = Other::start(
        "a_writer_that_is_killed_half_way_leaves_the_last_value_and_no_lock",
        &name,
    );

    other.wait_for("half");
    assert_eq!(stream.read().unwrap(), [1; SIZE]);
    assert_eq!(kind(stream.lock(SHORT)), ErrorKind::TimedOut);
    other.kill();

    assert_eq!(stream.read().unwrap(), [1; SIZE]);
    assert_eq!(stream.count(), 1);
    stream.write_timeout(&[3; SIZE], LONG).unwrap();
    assert_eq!(stream.read().unwrap(), [3; SIZE]);
}

#[test]
fn who_waits_for_a_lock_gets_it_from_the_dead() {
    if let Some(name) = others_name() {
        let stream = Stream::<u32>::open(name).unwrap();
        let _guard = stream.lock(None).unwrap();

        say("locked");
        return wait_for_the_first_process();
    }

    let name = Name::new();
    let stream = create(&name);
    let mut other = Other::start("who_waits_for_a_lock_gets_it_from_the_dead", &name);

    let waiters = Waiters::default();

    other.wait_for("locked");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            waiters.enter();
            stream.write_timeout(&[2; SIZE], LONG)
        });

        waiters.wait_until_asleep(1);
        other.kill();
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(stream.count(), 2);
}

#[test]
fn what_the_dead_wrote_in_a_live_view_is_never_published() {
    if let Some(name) = others_name() {
        let stream = Stream::<u32>::open(name).unwrap();
        let mut guard = stream.lock(None).unwrap();

        guard.live_mut().unwrap().fill(2);
        say("written");
        return wait_for_the_first_process();
    }

    let name = Name::new();
    let stream = create(&name);
    let mut other = Other::start(
        "what_the_dead_wrote_in_a_live_view_is_never_published",
        &name,
    );

    other.wait_for("written");
    other.kill();
    assert_eq!(stream.lock(LONG).unwrap().live().unwrap(), [1; SIZE]);
    assert_eq!(stream.read().unwrap(), [1; SIZE]);
    assert_eq!(stream.count(), 1);
}

#[test]
fn a_writer_that_is_stopped_half_way_holds_up_no_reader() {
    if let Some(name) = others_name() {
        return write_half(name);
    }

    let name = Name::new();
    let stream = create(&name);
    let mut other = Other::start(
        "a_writer_that_is_stopped_half_way_holds_up_no_reader",
        &name,
    );

    other.wait_for("half");
    other.signal(libc::SIGSTOP);
    for _ in 0..1000 {
        assert_eq!(stream.read().unwrap(), [1; SIZE]);
    }
    assert_eq!(kind(stream.read_new(SHORT)), ErrorKind::TimedOut);
    assert_eq!(
        kind(stream.write_timeout(&[3; SIZE], SHORT)),
        ErrorKind::TimedOut
    );
    other.signal(libc::SIGCONT);
    other.finish();

    assert_eq!(stream.read_new(Duration::ZERO).unwrap(), [2; SIZE]);
}

#[test]
fn values_of_many_processes_are_whole_and_counted() {
    const WRITES: u32 = 300;

    if let Some(name) = others_name() {
        let stream = Stream::<u32>::open(name).unwrap();

        say("ready");
        for number in 0..WRITES {
            if number % 2 == 0 {
                stream.write(&[number; SIZE]).unwrap();
            } else {
                stream.write_with(|value| value.fill(number)).unwrap();
            }
        }
        return wait_for_the_first_process();
    }

    let name = Name::new();
    let stream = create(&name);
    let others: Vec<_> = (0..3)
        .map(|_| Other::start("values_of_many_processes_are_whole_and_counted", &name))
        .collect();
    let mut value = [0; SIZE];

    while stream.count() < u64::from(3 * WRITES + 1) {
        stream.read_new_into(&mut value, LONG).unwrap();
        assert!(value.iter().all(|number| *number == value[0]));
    }
    others.into_iter().for_each(Other::finish);
    assert_eq!(stream.count(), u64::from(3 * WRITES + 1));
}

#[test]
fn a_stream_stays_when_its_creator_has_gone() {
    if let Some(name) = others_name() {
        Stream::<u32>::create(&name, &[SIZE])
            .unwrap()
            .write(&[4; SIZE])
            .unwrap();
        return;
    }

    let name = Name::new();
    Other::start("a_stream_stays_when_its_creator_has_gone", &name).finish();

    let stream = Stream::<u32>::open(&name).unwrap();
    assert_eq!(stream.read().unwrap(), [4; SIZE]);
    assert_ne!(stream.info().unwrap().creator_pid, std::process::id());
}

// --- fork ---

/// Runs it in a forked child, which has only this thread. A child that panics fails.
fn in_forked_child(run: impl FnOnce()) {
    // SAFETY: the child calls what takes no lock that another thread may hold: of the library's,
    // what its own fork handlers make usable; it allocates, which glibc lets a forked child do.
    let pid = unsafe { libc::fork() };

    if pid == 0 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        // SAFETY: it ends the child without running what belongs to the parent.
        unsafe { libc::_exit(result.is_err().into()) }
    }
    let mut status = 0;
    // SAFETY: it is our child, and the status ours.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert_eq!(status, 0, "the child failed");
}

#[test]
fn a_forked_child_has_no_part_in_its_parents_lock() {
    let name = Name::new();
    let stream = create(&name);
    let third = Stream::<u32>::open(&name).unwrap();
    let guard = stream.lock(None).unwrap();

    in_forked_child(|| {
        assert_eq!(kind(stream.lock(SHORT)), ErrorKind::TimedOut);
        assert_eq!(stream.read().unwrap(), [1; SIZE]);
        assert!(guard.live().is_err());
        // As its drop would, in vain; unlock() says so.
        // SAFETY: the child does not use the guard again.
        let copy = unsafe { std::ptr::read(&guard) };
        assert_eq!(copy.unlock().unwrap_err().raw_os_error(), libc::EPERM);
    });
    // Nor did its end give the lock back.
    assert_eq!(kind(third.lock(SHORT)), ErrorKind::TimedOut);
    guard.unlock().unwrap();
    third.write_timeout(&[2; SIZE], Duration::ZERO).unwrap();
}

#[test]
fn a_forked_child_writes_with_a_lock_of_its_own() {
    let name = Name::new();
    let stream = create(&name);

    in_forked_child(|| {
        stream.write_timeout(&[2; SIZE], LONG).unwrap();
        mem::forget(stream.lock(LONG).unwrap());
    });

    assert_eq!(stream.read().unwrap(), [2; SIZE]);
    stream.write_timeout(&[3; SIZE], Duration::ZERO).unwrap();
}

#[test]
fn a_forked_child_does_not_commit_its_parents_view() {
    let name = Name::new();
    let mut stream = create(&name);
    let mut view = stream.write_view(None).unwrap();

    in_forked_child(|| {
        // SAFETY: the child does not use the view again.
        let copy = unsafe { std::ptr::read(&view) };
        assert_eq!(copy.commit().unwrap_err().raw_os_error(), libc::EPERM);
    });
    view.fill(5);
    view.commit().unwrap();

    assert_eq!(stream.read().unwrap(), [5; SIZE]);
    assert_eq!(stream.count(), 2);
}
