// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What a stream leaves behind. Alone in its file: it counts what the whole process has.

mod stream_common;

use std::fs;
use std::mem;
use std::time::Duration;

use stream_common::{Name, SHORT};
use tachyon::{Stream, StreamOptions, stream};

/// Descriptors, and mappings of shared memory.
fn count() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();

    (
        fs::read_dir("/proc/self/fd").unwrap().count(),
        maps.lines()
            .filter(|line| line.contains("/dev/shm"))
            .count(),
    )
}

fn open_use_and_close(name: &Name) {
    let mut a = Stream::<u32>::create(name, &[3000]).unwrap();
    let b = StreamOptions::new()
        .read_only(true)
        .open::<u32>(name)
        .unwrap();
    let closer = b.closer();
    let mut watcher = b.watcher().unwrap();

    a.write(&[1; 3000]).unwrap();
    a.lock(None).unwrap().live_mut().unwrap()[0] = 2;
    b.lock(None).unwrap().live().unwrap();
    assert!(b.read_new(SHORT).is_ok() && b.read_new(Duration::ZERO).is_err());
    watcher.prepare(9).unwrap();
    drop(b);
    drop(a.write_view(None).unwrap());
    mem::forget(a.write_view(None).unwrap());
    assert!(Stream::<f32>::open(name).is_err());
    assert!(Stream::<u32>::create(name, &[1]).is_err());
    stream::stat(name).unwrap();
    stream::list().unwrap();
    a.unlink().unwrap();
    closer.close();
}

#[test]
fn nothing_stays_of_a_stream_that_is_gone() {
    let name = Name::new();

    // The first one brings what the process keeps: memory of the allocator, of threads.
    open_use_and_close(&name);
    let before = count();

    for _ in 0..100 {
        open_use_and_close(&name);
    }

    assert_eq!(count(), before);
}
