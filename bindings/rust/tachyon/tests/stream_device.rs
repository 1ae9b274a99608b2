// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Streams in device memory. Where there is no device, or no driver, errors say so; the other tests
//! are skipped then. meson has a simulated driver, whose directory TACHYON_SIMULATED_DRIVER tells.

mod stream_common;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use stream_common::{LONG, Name, SHORT};
use tachyon::stream::{DeviceMemory, gpu_count};
use tachyon::{ErrorKind, Stream, StreamOptions};

fn is_no_device<T>(result: tachyon::Result<T>) -> bool {
    result.map(drop).unwrap_err().raw_os_error() == libc::ENODEV
}

/// One that no machine has.
const NO_DEVICE: u32 = 1000;

#[test]
fn a_device_that_there_is_not_has_no_streams() {
    let name = Name::new();
    let options = StreamOptions::new().cuda_device(NO_DEVICE);

    assert!(is_no_device(options.create::<f32>(&name, &[4])));
    assert!(is_no_device(
        options.clone().mirror(true).create::<f32>(&name, &[4])
    ));
    // And nothing is left of them.
    let stream = Stream::<f32>::create(&name, &[4]).unwrap();
    assert!(is_no_device(options.open::<f32>(&name)));
    assert_eq!(stream.info().unwrap().cuda_device, None);
}

#[test]
fn a_device_that_there_is_not_has_no_memory() {
    assert!(is_no_device(DeviceMemory::new(NO_DEVICE, 4096)));
}

#[test]
fn values_in_shared_memory_are_not_on_a_device() {
    let name = Name::new();
    let stream = Stream::<f32>::create(&name, &[4]).unwrap();

    // SAFETY: nothing is at these addresses; but the stream is on no device that would look.
    unsafe {
        assert!(is_no_device(stream.write_device(4096, SHORT)));
        assert!(is_no_device(stream.read_device(4096)));
    }
    assert!(is_no_device(stream.lock(None).unwrap().live_device()));
    assert_eq!(stream.count(), 0);
}

/// Whether a test is to be skipped, which it says.
fn is_skipped(why: &str, is_so: bool) -> bool {
    if is_so {
        // Past the harness, which shows nothing of tests that pass.
        let _ = writeln!(io::stderr(), "stream_device: skipped: {why}");
    }
    is_so
}

#[test]
fn where_there_is_no_driver_there_are_no_devices() {
    if is_skipped("there is a device", gpu_count() > 0) {
        return;
    }
    assert!(is_no_device(DeviceMemory::new(0, 4096)));
    assert!(is_no_device(
        StreamOptions::new()
            .cuda_device(0)
            .create::<f32>(Name::new(), &[4])
    ));
}

// --- on a device ---

#[test]
fn there_may_be_a_simulated_driver() {
    let directory = env::var_os("TACHYON_SIMULATED_DRIVER").map(PathBuf::from);
    let directory = directory.filter(|directory| directory.join("libcuda.so.1").exists());

    if is_skipped("there is a device", gpu_count() > 0)
        || is_skipped("there is no simulated driver", directory.is_none())
    {
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .env("LD_LIBRARY_PATH", directory.unwrap())
        // There it is the driver: not again.
        .env_remove("TACHYON_SIMULATED_DRIVER")
        .output()
        .unwrap();

    assert!(output.status.success(), "{output:?}");
    let skipped = String::from_utf8(output.stderr).unwrap();
    assert!(!skipped.contains("there is no device"), "{skipped}");
}

fn has_no_device() -> bool {
    is_skipped("there is no device", gpu_count() == 0)
}

const VALUE: [u32; 4] = [1, 2, 3, u32::MAX];

fn create_on_device(name: &Name, mirror: bool) -> Stream<u32> {
    StreamOptions::new()
        .cuda_device(0)
        .mirror(mirror)
        .create(name, &[4])
        .unwrap()
}

fn numbers_in(memory: &DeviceMemory) -> Vec<u32> {
    let mut bytes = vec![0; memory.size()];

    memory.read(&mut bytes).unwrap();
    bytes
        .chunks_exact(4)
        .map(|bytes| u32::from_ne_bytes(bytes.try_into().unwrap()))
        .collect()
}

#[test]
fn what_the_host_writes_on_a_device_is_read_there_and_here() {
    if has_no_device() {
        return;
    }
    let name = Name::new();
    let writer = create_on_device(&name, false);
    let reader = StreamOptions::new()
        .cuda_device(0)
        .open::<u32>(&name)
        .unwrap();
    let memory = DeviceMemory::new(0, 16).unwrap();

    writer.write(&VALUE).unwrap();
    assert_eq!(reader.read_new(LONG).unwrap(), VALUE);
    writer.write(&[7; 4]).unwrap();
    // SAFETY: it has as many bytes as a value, and is ours alone.
    let stamp = unsafe { reader.read_device(memory.as_raw()) }.unwrap();

    assert_eq!((stamp.count, stamp.missed), (2, 0));
    assert_eq!(numbers_in(&memory), [7; 4]);
    // It was read.
    assert_eq!(
        reader.read_new(SHORT).unwrap_err().kind(),
        ErrorKind::TimedOut
    );
    assert_eq!(writer.info().unwrap().cuda_device, Some(0));
    assert_eq!(
        memory.read(&mut [0; 17]).unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn what_is_written_from_device_memory_is_read_by_the_host() {
    if has_no_device() {
        return;
    }
    let name = Name::new();
    let stream = create_on_device(&name, true);
    let host = Stream::<u32>::open(&name).unwrap();
    let memory = DeviceMemory::new(0, 16).unwrap();

    stream.write(&VALUE).unwrap();
    // SAFETY: it has as many bytes as a value, and is ours alone.
    unsafe {
        stream.read_device(memory.as_raw()).unwrap();
        stream.write(&[0; 4]).unwrap();
        stream.write_device(memory.as_raw(), LONG).unwrap();
    }

    assert_eq!(stream.read().unwrap(), VALUE);
    // From the mirror.
    assert_eq!(host.read().unwrap(), VALUE);
    assert_eq!(host.count(), 3);
}

#[test]
fn a_value_on_a_device_is_not_written_in_place_by_the_host() {
    if has_no_device() {
        return;
    }
    let name = Name::new();
    let mut stream = create_on_device(&name, false);
    let unattached = Stream::<u32>::open(&name).unwrap();

    stream.write(&VALUE).unwrap();

    assert!(is_no_device(stream.write_view(None)));
    assert!(is_no_device(stream.write_with(|_| ())));
    let guard = stream.lock(None).unwrap();
    assert!(is_no_device(guard.live()));
    assert_ne!(guard.live_device().unwrap(), 0);
    guard.unlock().unwrap();
    // Without the device and without a mirror there is only what it is.
    assert!(is_no_device(unattached.read()));
    assert!(is_no_device(unattached.write(&VALUE)));
    assert_eq!(unattached.newest().unwrap().count, 1);
    unattached.lock(None).unwrap().unlock().unwrap();
}
