// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What a bus leaves behind. Alone in its file: it counts what the whole process has.

mod common;

use std::fs;
use std::mem;

use common::pair;

/// Descriptors, and mappings of shared memory.
fn count() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();

    (
        fs::read_dir("/proc/self/fd").unwrap().count(),
        maps.lines().filter(|line| line.contains("memfd:")).count(),
    )
}

fn open_use_and_close() {
    let (mut a, b) = pair();
    let closer = b.closer();

    a.send(b"kept", 1).unwrap();
    a.acquire_tx(100).unwrap().commit_unflushed(50, 2).unwrap();
    a.flush().unwrap();
    drop(b.acquire_rx(0).unwrap());
    drop(b.drain_batch(8, 0).unwrap());
    mem::forget(b.acquire_rx(0).unwrap());
    mem::forget(a.acquire_tx(100).unwrap());

    let (sender, receiver) = a.into_split();
    drop(sender);
    drop(b);
    closer.close();
    drop(receiver);
}

#[test]
fn nothing_stays_of_a_bus_that_is_gone() {
    // The first one brings what the process keeps: memory of the allocator, of threads.
    open_use_and_close();
    let before = count();

    for _ in 0..200 {
        open_use_and_close();
    }

    assert_eq!(count(), before);
}
