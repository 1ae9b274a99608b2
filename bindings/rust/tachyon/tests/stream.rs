// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Streams: values, their types and names.

mod stream_common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;

use stream_common::Name;
use tachyon::{ArrayType, Element, ElementType, ErrorKind, Stream, StreamOptions, stream};

/// Where the library keeps a stream whose name has nothing to escape.
fn file_of(name: &Name) -> PathBuf {
    // SAFETY: it takes nothing and cannot fail.
    let uid = unsafe { libc::geteuid() };
    let name = name.as_ref().to_str().unwrap();

    PathBuf::from(format!("/dev/shm/tachyon.{uid}.{name}"))
}

// --- values ---

#[test]
fn what_is_written_is_read_by_another_handle() {
    let name = Name::new();
    let writer = Stream::<f32>::create(&name, &[2, 3]).unwrap();
    let reader = Stream::<f32>::open(&name).unwrap();

    writer.write(&[1.0, 2.0, 3.0, 4.0, 5.0, -0.0]).unwrap();

    assert_eq!(reader.read().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, -0.0]);
    assert_eq!(reader.shape(), [2, 3]);
    assert_eq!(reader.element_count(), 6);
    assert_eq!(reader.value_size(), 24);
    assert_eq!(reader.id(), writer.id());
    assert_eq!(reader.name(), name.as_ref());
}

fn round_trip<T: Element + PartialEq + std::fmt::Debug>(values: &[T]) {
    let name = Name::new();
    let writer = Stream::<T>::create(&name, &[values.len()]).unwrap();
    let reader = Stream::<T>::open(&name).unwrap();
    let mut copy = values.to_vec();

    copy.reverse();
    writer.write(values).unwrap();
    reader.read_into(&mut copy).unwrap();

    assert_eq!(copy, values);
    assert_eq!(reader.read().unwrap(), values);
    assert_eq!(reader.array().element, T::TYPE);
}

#[test]
fn every_type_of_elements_travels() {
    round_trip(&[i8::MIN, -1, 0, i8::MAX]);
    round_trip(&[i16::MIN, -1, 0, i16::MAX]);
    round_trip(&[i32::MIN, -1, 0, i32::MAX]);
    round_trip(&[i64::MIN, -1, 0, i64::MAX]);
    round_trip(&[0, u8::MAX]);
    round_trip(&[0, u16::MAX]);
    round_trip(&[0, u32::MAX]);
    round_trip(&[0, u64::MAX]);
    round_trip(&[f32::MIN, f32::INFINITY, -0.0, f32::EPSILON]);
    round_trip(&[f64::MIN, f64::INFINITY, -0.0, f64::EPSILON]);
    round_trip(&[true, false, true]);
}

#[test]
fn what_was_never_written_is_zeros() {
    let name = Name::new();
    let stream = Stream::<f64>::create(&name, &[5]).unwrap();
    let snapshot = stream.snapshot().unwrap();

    assert_eq!(snapshot.value, [0.0; 5]);
    assert_eq!(snapshot.stamp.count, 0);
    assert_eq!(snapshot.stamp.time, None);
    assert_eq!(snapshot.stamp.missed, 0);
}

#[test]
fn a_single_element_has_no_dimensions() {
    let name = Name::new();
    let stream = Stream::<u64>::create(&name, &[]).unwrap();

    stream.write(&[42]).unwrap();

    assert_eq!(stream.shape(), []);
    assert_eq!(stream.read().unwrap(), [42]);
}

#[test]
fn a_snapshot_says_which_value_it_is() {
    let name = Name::new();
    let writer = Stream::<u32>::create(&name, &[1]).unwrap();
    let reader = Stream::<u32>::open(&name).unwrap();
    let before = SystemTime::now();

    for number in 1..=5 {
        writer.write(&[number]).unwrap();
    }
    let newest = reader.newest().unwrap();
    let first = reader.snapshot().unwrap();
    writer.write(&[6]).unwrap();
    let second = reader.snapshot().unwrap();

    assert_eq!(newest.count, 5);
    assert_eq!(first.value, [5]);
    assert_eq!((first.stamp.count, first.stamp.missed), (5, 4));
    // CLOCK_REALTIME may be read coarser there than here.
    let time = first.stamp.time.unwrap();
    assert!(time + std::time::Duration::from_millis(50) >= before);
    assert!(time <= SystemTime::now());
    assert_eq!((second.stamp.count, second.stamp.missed), (6, 0));
    assert_eq!(reader.count(), 6);
}

#[test]
fn a_value_of_another_size_is_refused() {
    let name = Name::new();
    let stream = Stream::<u16>::create(&name, &[4]).unwrap();
    let kind = |result: tachyon::Result<()>| result.unwrap_err().kind();

    assert_eq!(kind(stream.write(&[1; 3])), ErrorKind::Invalid);
    assert_eq!(kind(stream.write(&[1; 5])), ErrorKind::Invalid);
    assert_eq!(kind(stream.write(&[])), ErrorKind::Invalid);
    assert_eq!(
        kind(stream.read_into(&mut [0; 3]).map(drop)),
        ErrorKind::Invalid
    );
    assert_eq!(
        kind(stream.read_into(&mut []).map(drop)),
        ErrorKind::Invalid
    );
    assert_eq!(stream.count(), 0);
}

// --- types ---

#[test]
fn a_stream_of_another_type_is_not_opened() {
    let name = Name::new();
    let _stream = Stream::<f32>::create(&name, &[4]).unwrap();

    for result in [
        Stream::<i32>::open(&name).map(drop),
        Stream::<f64>::open(&name).map(drop),
        Stream::<u8>::open(&name).map(drop),
        Stream::<bool>::open(&name).map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert!(Stream::<f32>::open(&name).is_ok());
}

#[test]
fn types_that_rust_does_not_have_are_bytes() {
    for (element, size) in [
        (ElementType::F16, 2),
        (ElementType::LONG_DOUBLE, 16),
        (ElementType::COMPLEX64, 8),
        (ElementType::COMPLEX128, 16),
        (ElementType::COMPLEX_LONG_DOUBLE, 32),
    ] {
        let name = Name::new();
        let array = ArrayType::new(element, &[3, 2]);
        let writer = Stream::create_bytes(&name, &array).unwrap();
        let reader = Stream::open_bytes(&name).unwrap();
        let value: Vec<u8> = (0..6 * size).collect();

        writer.write(&value).unwrap();

        assert_eq!(reader.array(), &array);
        assert_eq!(reader.element_count(), value.len());
        assert_eq!(reader.read().unwrap(), value);
        assert_eq!(element.size(), usize::from(size));
        assert!(Stream::<u8>::open(&name).is_err());
    }
}

/// No byte that another process wrote may become a bool that is neither.
#[test]
fn a_bool_is_true_whatever_was_written() {
    let name = Name::new();
    let mut bools = Stream::<bool>::create(&name, &[4]).unwrap();
    let bytes = Stream::open_bytes(&name).unwrap();
    let mut copy = [false; 4];

    bytes.write(&[0, 1, 2, 255]).unwrap();
    bools.read_into(&mut copy).unwrap();

    assert_eq!(copy, [false, true, true, true]);
    assert_eq!(bools.read().unwrap(), [false, true, true, true]);
    let guard = bools.lock(None).unwrap();
    assert_eq!(guard.live().unwrap_err().kind(), ErrorKind::Corrupt);
    guard.unlock().unwrap();

    // Whichever slot comes next, it holds such bytes.
    for _ in 0..4 {
        bytes.write(&[2, 3, 4, 0]).unwrap();
    }
    let mut view = bools.write_view(None).unwrap();
    assert!(view[1] | !view[1]);
    view.fill(true);
    view.commit().unwrap();
    assert_eq!(bytes.read().unwrap(), [1; 4]);
    assert_eq!(bools.lock(None).unwrap().live().unwrap(), [true; 4]);
}

#[test]
fn shapes_that_cannot_be_are_refused() {
    let name = Name::new();
    let create = |shape: &[usize]| {
        let result = Stream::<f64>::create(&name, shape);
        result.map(drop).unwrap_err().kind()
    };

    assert_eq!(create(&[0]), ErrorKind::Invalid);
    assert_eq!(create(&[4, 0]), ErrorKind::Invalid);
    assert_eq!(create(&[1; 33]), ErrorKind::Invalid);
    assert_eq!(create(&[usize::MAX, 2]), ErrorKind::TooBig);
    assert!(Stream::<f64>::create(&name, &[1; 32]).is_ok());
}

// --- names ---

#[test]
fn a_stream_stays_when_its_handles_are_gone() {
    let name = Name::new();

    Stream::<u8>::create(&name, &[1])
        .unwrap()
        .write(&[7])
        .unwrap();

    assert_eq!(Stream::<u8>::open(&name).unwrap().read().unwrap(), [7]);
}

#[test]
fn a_name_is_taken_once() {
    let name = Name::new();
    let _stream = Stream::<u8>::create(&name, &[1]).unwrap();
    let again = Stream::<u8>::create(&name, &[1]);

    assert_eq!(again.unwrap_err().kind(), ErrorKind::Exists);
}

#[test]
fn a_name_that_nobody_created_is_not_found() {
    let name = Name::new();

    for result in [
        Stream::<u8>::open(&name).map(drop),
        Stream::open_bytes(&name).map(drop),
        stream::stat(&name).map(drop),
        stream::unlink(&name),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[test]
fn names_that_cannot_be_are_refused() {
    let create = |name: &str| Stream::<u8>::create(name, &[1]).map(drop).unwrap_err();

    assert_eq!(create("").kind(), ErrorKind::Invalid);
    assert_eq!(create("a\0b").kind(), ErrorKind::Invalid);
    assert_eq!(create(&"x".repeat(250)).raw_os_error(), libc::ENAMETOOLONG);
}

#[test]
fn a_name_may_be_any_bytes() {
    // A name within the test's own, so that it is unlinked with its like.
    let name = Name::new();
    let mut odd = name.as_ref().as_bytes().to_vec();
    odd.extend(b"/../ %\xff\n.");
    let odd = OsStr::from_bytes(&odd);
    let stream = Stream::<u8>::create(odd, &[1]).unwrap();

    let found = stream::list().unwrap().contains(&odd.to_owned());
    let stat = stream::stat(odd);
    stream.unlink().unwrap();

    assert!(found);
    assert_eq!(stat.unwrap().id, stream.id());
    assert!(!stream::list().unwrap().contains(&odd.to_owned()));
}

#[test]
fn unlinking_leaves_another_stream_of_the_name_alone() {
    let name = Name::new();
    let old = Stream::<u8>::create(&name, &[1]).unwrap();
    old.unlink().unwrap();
    let new = Stream::<u8>::create(&name, &[1]).unwrap();

    assert_eq!(old.unlink().unwrap_err().kind(), ErrorKind::NotFound);

    assert_ne!(old.id(), new.id());
    assert!(old.info().unwrap().is_unlinked);
    assert!(!new.info().unwrap().is_unlinked);
    assert_eq!(stream::stat(&name).unwrap().id, new.id());
    // Who has the old one goes on with it.
    old.write(&[1]).unwrap();
    assert_eq!((old.count(), new.count()), (1, 0));
}

#[test]
fn stat_says_what_a_stream_is() {
    let name = Name::new();
    let stream = Stream::<i16>::create(&name, &[480, 640]).unwrap();
    stream.write(&vec![3; 480 * 640]).unwrap();
    let info = stream::stat(&name).unwrap();

    assert_eq!(info, stream.info().unwrap());
    assert_eq!(info.array, ArrayType::new(ElementType::I16, &[480, 640]));
    assert_eq!(info.value_size, 480 * 640 * 2);
    assert!(info.file_size >= 4 * info.value_size as u64);
    assert_eq!(info.count, 1);
    assert_eq!(info.creator_pid, std::process::id());
    assert!(info.time.unwrap() >= info.create_time.unwrap());
    assert_eq!(info.cuda_device, None);
    assert!(info.has_mirror);
    assert!(!info.is_unlinked);
}

#[test]
fn a_file_that_is_no_stream_is_refused() {
    let name = Name::new();
    fs::write(file_of(&name), [0x5a; 8192]).unwrap();

    let opened = Stream::<u8>::open(&name).map(drop);
    let stat = stream::stat(&name).map(drop);

    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(stat.unwrap_err().kind(), ErrorKind::Corrupt);
    stream::unlink(&name).unwrap();
    assert!(!file_of(&name).exists());
}

// --- read-only handles ---

#[test]
fn a_read_only_handle_reads_and_locks_but_does_not_write() {
    let name = Name::new();
    let writer = Stream::<u32>::create(&name, &[2]).unwrap();
    let mut reader: Stream<u32> = StreamOptions::new().read_only(true).open(&name).unwrap();
    let kind = |result: tachyon::Result<()>| result.unwrap_err().kind();

    writer.write(&[1, 2]).unwrap();

    assert!(reader.is_read_only() && !writer.is_read_only());
    assert_eq!(reader.read().unwrap(), [1, 2]);
    assert_eq!(kind(reader.write(&[3, 4])), ErrorKind::Denied);
    assert_eq!(kind(reader.write_with(|_| ())), ErrorKind::Denied);
    assert_eq!(kind(reader.write_view(None).map(drop)), ErrorKind::Denied);
    let mut guard = reader.lock(None).unwrap();
    assert_eq!(guard.live().unwrap(), [1, 2]);
    assert_eq!(kind(guard.live_mut().map(drop)), ErrorKind::Denied);
    assert_eq!(kind(guard.write(&[3, 4])), ErrorKind::Denied);
    guard.unlock().unwrap();
    assert_eq!(writer.count(), 1);
}

#[test]
fn a_handle_is_for_all_threads() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let name = Name::new();
    let stream = Stream::<f32>::create(&name, &[1]).unwrap();

    is_send_and_sync(&stream);
    is_send_and_sync(&stream.closer());
    is_send_and_sync(&stream.watcher().unwrap());
    assert!(format!("{stream:?}").contains("count: 0"));
}
