// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Buses whose two ends are in one process.

mod common;

use std::io::{self, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use common::{LONG, Place, SHORT, fill, pair, pair_with, small_pair, wait_until};
use tachyon::{Bus, End, ErrorKind, Listener, Receiver, Sender};

// --- messages ---

#[test]
fn a_message_arrives_with_its_size_and_type() {
    let (a, b) = pair();

    a.send(b"hello tachyon", 7).unwrap();

    let guard = b.acquire_rx(10_000).unwrap();
    assert_eq!(guard.actual_size, 13);
    assert_eq!(guard.type_id, 7);
    assert_eq!(guard.data(), b"hello tachyon");
    assert_eq!(&guard[..5], b"hello");
    guard.commit().unwrap();
}

#[test]
fn both_ends_send() {
    let (a, b) = pair();

    a.send(b"there", 1).unwrap();
    b.send(b"back", 2).unwrap();

    assert_eq!(b.acquire_rx(0).unwrap().data(), b"there");
    assert_eq!(a.acquire_rx(0).unwrap().data(), b"back");
}

#[test]
fn an_empty_message_arrives() {
    let (a, b) = pair();

    a.send(b"", u32::MAX).unwrap();

    let guard = b.acquire_rx(0).unwrap();
    assert_eq!((guard.actual_size, guard.type_id), (0, u32::MAX));
    assert!(guard.data().is_empty());
}

#[test]
fn the_largest_message_arrives_and_a_larger_one_is_too_big() {
    let (mut a, b) = pair();
    let size = a.max_message();
    let data: Vec<u8> = (0..size).map(|i| i as u8).collect();

    a.send(&data, 1).unwrap();
    let guard = b.acquire_rx(0).unwrap();
    assert!(guard.data() == data);
    guard.commit().unwrap();

    let larger = vec![0; size + 1];
    assert_eq!(a.send(&larger, 1).unwrap_err().kind(), ErrorKind::TooBig);
    assert_eq!(
        a.acquire_tx(size + 1).unwrap_err().kind(),
        ErrorKind::TooBig
    );
    assert_eq!(
        a.acquire_tx(usize::MAX).unwrap_err().kind(),
        ErrorKind::TooBig
    );
}

#[test]
fn messages_arrive_in_order_and_once_past_the_ring_s_end() {
    let (a, b) = small_pair();

    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..10_000u32 {
                let data = vec![number as u8; number as usize % 300];

                a.send(&data, number).unwrap();
            }
        });
        for number in 0..10_000u32 {
            let guard = b.acquire_rx(100).unwrap();

            assert_eq!(guard.type_id, number);
            assert_eq!(guard.actual_size, number as usize % 300);
            assert!(guard.iter().all(|byte| *byte == number as u8));
            guard.commit().unwrap();
        }
        assert!(b.acquire_rx(0).unwrap_err().is_closed());
    });
}

#[test]
fn where_nothing_is_there_a_receive_would_block_or_times_out() {
    let (a, _b) = pair();

    assert!(a.try_acquire_rx().unwrap_err().would_block());
    assert!(a.try_drain_batch(8).unwrap_err().would_block());
    assert!(a.acquire_rx_timeout(SHORT).unwrap_err().is_timeout());
    assert!(a.drain_batch_timeout(8, SHORT).unwrap_err().is_timeout());
    assert!(
        a.acquire_rx_timeout(Duration::ZERO)
            .unwrap_err()
            .would_block()
    );
}

#[test]
fn where_no_room_is_a_send_would_block_or_times_out() {
    let (mut a, _b) = small_pair();

    assert!(fill(&a) > 10);
    assert!(a.try_send(b"x", 0).unwrap_err().would_block());
    assert!(a.send_timeout(b"x", 0, SHORT).unwrap_err().is_timeout());
    assert!(a.try_acquire_tx(1).unwrap_err().would_block());
    assert!(a.acquire_tx_timeout(1, SHORT).unwrap_err().is_timeout());
}

#[test]
fn a_send_waits_until_there_is_room() {
    let (a, b) = small_pair();
    let count = fill(&a);

    let (mut sender, other_half) = a.into_split();
    thread::scope(|scope| {
        let sender = scope.spawn(|| sender.send(b"at last", count));

        wait_until(|| other_half.stats().sleeps == 1);
        for number in 0..=count {
            let guard = b.acquire_rx(0).unwrap();

            assert_eq!(guard.type_id, number);
            guard.commit().unwrap();
        }
        sender.join().unwrap().unwrap();
    });
}

#[test]
fn what_was_sent_before_a_drop_is_received_then_comes_the_end() {
    let (a, b) = pair();

    a.send(b"last words", 1).unwrap();
    assert_eq!(b.end(), None);
    drop(a);

    let guard = b.acquire_rx(0).unwrap();
    assert_eq!(guard.data(), b"last words");
    guard.commit().unwrap();
    assert!(b.acquire_rx(0).unwrap_err().is_closed());
    assert_eq!(b.end(), Some(End::Closed));
    assert!(b.send(b"", 0).unwrap_err().is_closed());
}

// --- TxGuard ---

#[test]
fn a_message_written_in_place_arrives() {
    let (mut a, b) = pair();

    let mut guard = a.acquire_tx(100).unwrap();
    assert_eq!(guard.len(), 100);
    assert_eq!(guard.as_ptr() as usize % 64, 0);
    assert_eq!(guard.write(b"one "), 4);
    assert_eq!(guard.write(b"two"), 3);
    assert_eq!(guard.written(), 7);
    guard.bytes_mut()[0] = b'O';
    guard[7] = b'!';
    guard.commit(8, 42).unwrap();

    let guard = b.acquire_rx(0).unwrap();
    assert_eq!(guard.data(), b"One two!");
    assert_eq!(guard.type_id, 42);
}

#[test]
fn a_tx_guard_takes_what_it_has_room_for_and_no_more() {
    let (mut a, _b) = pair();
    let mut guard = a.acquire_tx(10).unwrap();

    assert_eq!(guard.write(b"12345678"), 8);
    assert_eq!(guard.write(b"90ab"), 2);
    assert_eq!(guard.write(b"c"), 0);
    assert_eq!(&guard[..], b"1234567890");
    assert_eq!(
        guard.write_all(b"d").unwrap_err().kind(),
        io::ErrorKind::WriteZero
    );
}

#[test]
fn a_tx_guard_is_an_io_write() {
    let (mut a, b) = pair();
    let mut guard = a.acquire_tx(64).unwrap();

    let number = 12;
    write!(guard, "{number}-ab").unwrap();
    let size = guard.written();
    guard.commit(size, 0).unwrap();

    assert_eq!(b.acquire_rx(0).unwrap().data(), b"12-ab");
}

#[test]
fn a_dropped_tx_guard_sends_nothing() {
    let (mut a, b) = pair();

    a.acquire_tx(8).unwrap().write(b"unsent");
    assert!(b.try_acquire_rx().unwrap_err().would_block());

    a.send(b"sent", 1).unwrap();
    assert_eq!(b.acquire_rx(0).unwrap().data(), b"sent");
}

#[test]
fn a_commit_of_more_than_there_is_room_for_sends_nothing() {
    let (mut a, b) = pair();

    let guard = a.acquire_tx(8).unwrap();
    assert_eq!(guard.commit(9, 1).unwrap_err().kind(), ErrorKind::Invalid);
    let guard = a.acquire_tx(8).unwrap();
    assert_eq!(
        guard.commit_unflushed(9, 1).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert!(b.try_acquire_rx().unwrap_err().would_block());

    a.acquire_tx(8).unwrap().commit(8, 2).unwrap();
    assert_eq!(b.acquire_rx(0).unwrap().type_id, 2);
}

#[test]
fn a_leaked_tx_guard_keeps_its_room() {
    let (mut a, _b) = pair();

    mem::forget(a.acquire_tx(8).unwrap());

    assert_eq!(a.send(b"", 0).unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(a.acquire_tx(8).unwrap_err().kind(), ErrorKind::Busy);
}

#[test]
fn a_tx_guard_may_be_committed_by_another_thread() {
    let (mut a, b) = pair();
    let guard = a.acquire_tx(8).unwrap();

    thread::scope(|scope| {
        scope.spawn(|| guard.commit(0, 3).unwrap());
    });

    assert_eq!(b.acquire_rx(0).unwrap().type_id, 3);
}

// --- batches of messages sent ---

fn commit_unflushed(bus: &mut Bus, type_id: u32) {
    bus.acquire_tx(8)
        .unwrap()
        .commit_unflushed(8, type_id)
        .unwrap();
}

#[test]
fn a_batch_is_seen_at_its_flush() {
    let (mut a, b) = pair();

    commit_unflushed(&mut a, 1);
    commit_unflushed(&mut a, 2);
    assert!(b.try_acquire_rx().unwrap_err().would_block());

    a.flush().unwrap();
    assert_eq!(b.drain_batch(8, 0).unwrap().len(), 2);
}

#[test]
fn a_send_flushes_the_batch_before_it() {
    let (mut a, b) = pair();

    commit_unflushed(&mut a, 1);
    a.send(b"", 2).unwrap();

    assert_eq!(b.drain_batch(8, 0).unwrap().len(), 2);
}

#[test]
fn a_batch_is_flushed_before_a_wait_for_a_message() {
    let (mut a, b) = pair();

    commit_unflushed(&mut a, 1);
    assert!(a.try_acquire_rx().unwrap_err().would_block());

    assert_eq!(b.try_acquire_rx().unwrap().type_id, 1);
}

/// The library flushes what the waiting thread committed; here another one did.
#[test]
fn a_batch_is_flushed_before_a_wait_on_another_thread() {
    let (mut a, b) = pair();

    commit_unflushed(&mut a, 1);
    thread::spawn(move || {
        assert!(a.acquire_rx_timeout(SHORT).unwrap_err().is_timeout());
        assert_eq!(b.try_acquire_rx().unwrap().type_id, 1);

        commit_unflushed(&mut a, 2);
        (a, b)
    })
    .join()
    .map(|(a, b)| {
        assert!(!a.prepare());
        a.dispatch();
        b.try_acquire_rx().unwrap().commit().unwrap();
        assert_eq!(b.try_acquire_rx().unwrap().type_id, 2);
    })
    .unwrap();
}

#[test]
fn messages_that_are_there_are_received_before_the_batch_is_flushed() {
    let (mut a, b) = pair();

    b.send(b"", 9).unwrap();
    commit_unflushed(&mut a, 1);
    assert_eq!(a.acquire_rx(0).unwrap().type_id, 9);

    assert!(b.try_acquire_rx().unwrap_err().would_block());
}

#[test]
fn a_batch_is_flushed_when_its_sender_goes() {
    let (mut a, b) = pair();

    commit_unflushed(&mut a, 1);
    let (sender, receiver) = a.into_split();
    thread::spawn(|| drop(sender)).join().unwrap();

    assert_eq!(b.try_acquire_rx().unwrap().type_id, 1);
    assert_eq!(b.end(), None);
    drop(receiver);
}

#[test]
fn a_batch_is_flushed_when_its_bus_goes_to_another_thread_and_ends() {
    let (mut a, b) = pair();

    commit_unflushed(&mut a, 1);
    thread::spawn(|| drop(a)).join().unwrap();

    assert_eq!(b.acquire_rx(0).unwrap().type_id, 1);
}

// --- RxGuard ---

#[test]
fn a_dropped_rx_guard_is_received_again() {
    let (a, b) = pair();

    a.send(b"first", 1).unwrap();
    a.send(b"second", 2).unwrap();

    drop(b.acquire_rx(0).unwrap());
    assert!(b.prepare());
    for expected in [b"first".as_slice(), b"second"] {
        let guard = b.acquire_rx(0).unwrap();

        assert_eq!(guard.data(), expected);
        guard.commit().unwrap();
    }
    assert!(b.try_acquire_rx().unwrap_err().would_block());
}

#[test]
fn a_dropped_rx_guard_makes_a_poll_needless() {
    let (a, b) = pair();

    a.send(b"", 1).unwrap();
    drop(b.acquire_rx(0).unwrap());
    assert!(b.prepare());

    b.acquire_rx(0).unwrap().commit().unwrap();
    assert!(!b.prepare());
    b.dispatch();
}

#[test]
fn a_dropped_rx_guard_keeps_its_room_in_the_ring() {
    let (a, b) = small_pair();

    fill(&a);
    drop(b.acquire_rx(0).unwrap());
    assert!(a.try_send(b"", 0).unwrap_err().would_block());

    b.acquire_rx(0).unwrap().commit().unwrap();
    a.try_send(b"", 0).unwrap();
}

#[test]
fn what_is_written_into_a_guard_s_fields_changes_nothing() {
    let (a, b) = pair();

    a.send(b"abc", 1).unwrap();
    let mut guard = b.acquire_rx(0).unwrap();
    guard.actual_size = usize::MAX;

    assert_eq!(guard.data(), b"abc");
    assert_eq!(guard.len(), 3);
}

#[test]
fn a_second_receive_while_a_guard_lives_is_busy() {
    let (a, b) = pair();

    a.send(b"", 1).unwrap();
    a.send(b"", 2).unwrap();
    let guard = b.acquire_rx(0).unwrap();
    assert_eq!(b.acquire_rx(0).unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(b.drain_batch(8, 0).unwrap_err().kind(), ErrorKind::Busy);
    guard.commit().unwrap();

    let batch = b.drain_batch(8, 0).unwrap();
    assert_eq!(b.try_acquire_rx().unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(batch[0].type_id, 2);
}

#[test]
fn a_leaked_rx_guard_keeps_its_bus_busy() {
    let (a, b) = pair();

    a.send(b"", 1).unwrap();
    mem::forget(b.acquire_rx(0).unwrap());

    assert_eq!(b.acquire_rx(0).unwrap_err().kind(), ErrorKind::Busy);
}

#[test]
fn a_message_is_answered_while_it_is_held() {
    let (mut a, b) = pair();

    b.send(b"question", 1).unwrap();
    let (sender, receiver) = a.split();
    let question = receiver.acquire_rx(0).unwrap();
    let mut answer = sender.acquire_tx(question.actual_size).unwrap();
    answer.copy_from_slice(&question);
    answer.make_ascii_uppercase();
    answer.commit(question.actual_size, 2).unwrap();
    question.commit().unwrap();

    assert_eq!(b.acquire_rx(0).unwrap().data(), b"QUESTION");
}

// --- RxBatch ---

#[test]
fn a_batch_has_what_is_there_in_order() {
    let (a, b) = pair();

    for number in 0..5u32 {
        a.send(&number.to_ne_bytes(), number).unwrap();
    }
    let batch = b.drain_batch(100, 0).unwrap();

    assert_eq!(batch.len(), 5);
    for (number, message) in (0..).zip(&batch) {
        assert_eq!(message.type_id, number);
        assert_eq!(message.actual_size, 4);
        assert_eq!(message.data(), number.to_ne_bytes());
        assert_eq!(&message[..], number.to_ne_bytes());
    }
    batch.commit().unwrap();
    assert!(b.try_drain_batch(1).unwrap_err().would_block());
}

#[test]
fn a_batch_is_as_long_as_was_asked_for_at_the_most() {
    let (a, b) = pair();

    for number in 0..1000 {
        a.send(b"", number).unwrap();
    }
    for (max, expected) in [(1, 1), (256, 256), (257, 257), (usize::MAX, 486)] {
        let batch = b.drain_batch(max, 0).unwrap();

        assert_eq!(batch.len(), expected);
        batch.commit().unwrap();
    }
}

#[test]
fn a_batch_of_none_is_invalid() {
    let (_a, b) = pair();

    assert_eq!(b.drain_batch(0, 0).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_committed_batch_gives_all_its_room_back() {
    let (a, b) = small_pair();
    let count = fill(&a);

    let batch = b.drain_batch(usize::MAX, 0).unwrap();
    assert!(a.try_send(b"", 0).unwrap_err().would_block());
    batch.commit().unwrap();

    assert_eq!(fill(&a), count);
}

#[test]
fn a_dropped_batch_is_received_again_in_order() {
    let (a, b) = pair();

    for number in 0..6 {
        a.send(b"", number).unwrap();
    }
    drop(b.drain_batch(4, 0).unwrap());
    drop(b.acquire_rx(0).unwrap());
    let guard = b.acquire_rx(0).unwrap();
    assert_eq!(guard.type_id, 0);
    guard.commit().unwrap();
    drop(b.drain_batch(2, 0).unwrap());

    let batch = b.drain_batch(100, 0).unwrap();
    let numbers: Vec<_> = batch.iter().map(|message| message.type_id).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn a_batch_may_be_read_by_several_threads() {
    let (a, b) = pair();

    for number in 0..4u8 {
        a.send(&[number; 32], 0).unwrap();
    }
    let batch = b.drain_batch(100, 0).unwrap();
    let sum: usize = thread::scope(|scope| {
        let readers: Vec<_> = batch
            .iter()
            .map(|message| scope.spawn(|| message.iter().map(|byte| *byte as usize).sum::<usize>()))
            .collect();

        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum()
    });
    assert_eq!(sum, 32 * (1 + 2 + 3));
}

// --- two halves ---

#[test]
fn the_halves_of_a_bus_work_in_two_threads() {
    let (mut a, mut b) = small_pair();

    thread::scope(|scope| {
        for bus in [&mut a, &mut b] {
            let (sender, receiver) = bus.split();

            scope.spawn(|| {
                for number in 0..5000 {
                    sender.send(&[0; 100], number).unwrap();
                }
            });
            scope.spawn(|| {
                for number in 0..5000 {
                    let guard = receiver.acquire_rx(0).unwrap();

                    assert_eq!(guard.type_id, number);
                    guard.commit().unwrap();
                }
            });
        }
    });
    assert_eq!(a.stats().messages_received, 5000);
}

#[test]
fn a_connection_lasts_until_both_halves_are_gone() {
    let (a, b) = pair();
    let (sender, mut receiver) = a.into_split();

    drop(sender);
    b.send(b"", 1).unwrap();
    assert_eq!(receiver.acquire_rx(0).unwrap().type_id, 1);

    drop(receiver);
    assert!(b.acquire_rx(0).unwrap_err().is_closed());
}

#[test]
fn what_was_rolled_back_goes_with_the_receiver() {
    let (a, b) = pair();

    a.send(b"", 1).unwrap();
    drop(b.acquire_rx(0).unwrap());
    let (_sender, mut receiver) = b.into_split();

    assert_eq!(receiver.try_acquire_rx().unwrap().type_id, 1);
}

#[test]
fn what_may_go_to_another_thread_may() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}

    is_send::<Bus>();
    is_send::<Sender>();
    is_send::<Receiver>();
    is_send::<Listener>();
    is_send::<tachyon::TxGuard>();
    is_sync::<tachyon::TxGuard>();
    is_send::<tachyon::Closer>();
    is_sync::<tachyon::Closer>();
    is_sync::<tachyon::RxMessage>();
}

// --- closing and canceling ---

#[test]
fn a_closer_ends_a_receive_under_way() {
    let (a, _b) = pair();
    let closer = a.closer();
    let (sender, mut receiver) = a.into_split();

    thread::scope(|scope| {
        let waiting = scope.spawn(|| receiver.acquire_rx(0).map(drop));

        wait_until(|| sender.stats().sleeps == 1);
        closer.clone().close();
        assert!(waiting.join().unwrap().unwrap_err().is_closed());
    });
    assert_eq!(receiver.end(), Some(End::Local));
}

#[test]
fn a_closer_ends_a_send_under_way() {
    let (a, _b) = small_pair();
    let closer = a.closer();

    fill(&a);
    let (mut sender, receiver) = a.into_split();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sender.send(b"", 0));

        wait_until(|| receiver.stats().sleeps == 1);
        closer.close();
        assert!(waiting.join().unwrap().unwrap_err().is_closed());
    });
}

#[test]
fn a_cancel_ends_a_receive_under_way_and_nothing_else() {
    let (a, b) = pair();
    let closer = a.closer();
    let (sender, mut receiver) = a.into_split();

    thread::scope(|scope| {
        let waiting = scope.spawn(|| receiver.acquire_rx(0).map(drop));

        wait_until(|| sender.stats().sleeps == 1);
        closer.cancel();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Canceled);
    });
    closer.resume();
    b.send(b"", 1).unwrap();
    assert_eq!(receiver.acquire_rx(0).unwrap().type_id, 1);
}

#[test]
fn after_a_close_nothing_is_received_not_even_again() {
    let (a, b) = pair();

    a.send(b"", 1).unwrap();
    a.send(b"", 2).unwrap();
    drop(b.acquire_rx(0).unwrap());
    let closer = b.closer();
    closer.close();

    assert!(b.acquire_rx(0).unwrap_err().is_closed());
    assert!(b.drain_batch(8, 0).unwrap_err().is_closed());
    assert!(b.send(b"", 0).unwrap_err().is_closed());
}

#[test]
fn a_guard_is_readable_after_a_close() {
    let (a, mut b) = pair();

    a.send(b"still there", 1).unwrap();
    drop(a);
    let closer = b.closer();
    let (sender, receiver) = b.split();
    let guard = receiver.acquire_rx(0).unwrap();
    closer.close();

    assert_eq!(guard.data(), b"still there");
    guard.commit().unwrap();
    assert!(sender.acquire_tx(8).unwrap_err().is_closed());
}

#[test]
fn a_commit_after_a_close_sends_nothing() {
    let (mut a, b) = pair();
    let closer = a.closer();
    let mut guard = a.acquire_tx(8).unwrap();

    closer.close();
    guard.write(b"lost");
    assert!(guard.commit(4, 1).unwrap_err().is_closed());

    assert!(b.acquire_rx(0).unwrap_err().is_closed());
}

#[test]
fn a_closer_keeps_no_bus_alive() {
    let (a, b) = pair();
    let closer = a.closer();

    drop(a);
    assert!(b.acquire_rx(0).unwrap_err().is_closed());
    closer.close();
    closer.cancel();
    closer.resume();
}

#[test]
fn waits_are_canceled_until_they_are_resumed() {
    let (a, _b) = pair();
    let closer = a.closer();

    closer.cancel();
    for _ in 0..2 {
        let error = a.acquire_rx(10_000).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Canceled);
    }

    closer.resume();
    assert!(a.acquire_rx_timeout(SHORT).unwrap_err().is_timeout());
}

// --- opening ---

#[test]
fn listen_and_connect_find_each_other() {
    let place = Place::new();
    let address = place.address();

    thread::scope(|scope| {
        scope.spawn(|| {
            let bus = Bus::listen(&address, 1 << 16).unwrap();

            bus.send(b"", 1).unwrap();
        });
        let bus = Bus::connect(&address).unwrap();

        assert_eq!(bus.acquire_rx(0).unwrap().type_id, 1);
    });
    assert!(!address.exists());
}

#[test]
fn an_abstract_name_is_an_address() {
    let address = format!("@tachyon-rust-test-{}", std::process::id());
    let listener = Listener::create(&address, 4096).unwrap();

    thread::scope(|scope| {
        scope.spawn(|| Bus::connect(&address).unwrap());
        listener.accept_timeout(LONG).unwrap();
    });
}

#[test]
fn a_connection_to_nobody_times_out() {
    let place = Place::new();

    for timeout in [SHORT, Duration::ZERO] {
        let error = Bus::options()
            .timeout(Some(timeout))
            .connect(place.address())
            .unwrap_err();

        assert!(error.is_timeout());
    }
    let error = Bus::options().timeout(Some(SHORT)).listen(place.address());
    assert!(error.unwrap_err().is_timeout());
}

#[test]
fn a_listen_or_connect_that_is_canceled_ends() {
    let place = Place::new();
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let options = Bus::options()
        .timeout(None)
        .is_canceled(move || count.fetch_add(1, Ordering::Relaxed) >= 1);

    let error = options.listen(place.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    asked.store(0, Ordering::Relaxed);
    let error = options.clone().connect(place.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
}

#[test]
fn capacities_are_what_was_asked_for() {
    let (a, b) = pair_with(
        Bus::options().capacity(1 << 20),
        Bus::options().capacity(5000),
    );

    assert!((1 << 19..1 << 20).contains(&a.max_message()));
    assert!((4096..8192).contains(&b.max_message()));
}

#[test]
fn a_connector_without_a_capacity_takes_the_listener_s() {
    for (listener, expected) in [(1 << 20, 1 << 20), (4096, 1 << 16)] {
        let (a, b) = pair_with(Bus::options().capacity(listener), Bus::options());

        assert!((listener / 2..listener).contains(&a.max_message()));
        assert!((expected / 2..expected).contains(&b.max_message()));
    }
}

#[test]
fn a_ring_beyond_the_limit_is_refused() {
    let place = Place::new();
    let listener = Listener::create(place.address(), 4096).unwrap();

    thread::scope(|scope| {
        scope.spawn(move || {
            let _ = listener.accept_timeout(SHORT * 50);
        });
        let error = Bus::options()
            .capacity(4096)
            .max_peer_capacity(1)
            .connect(place.address())
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::TooBig);
    });
}

#[test]
fn what_cannot_be_an_argument_is_invalid() {
    let place = Place::new();
    let invalid = |result: tachyon::Result<Bus>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Invalid);
    };

    invalid(Bus::listen(place.address(), 0));
    invalid(Bus::listen(place.address(), usize::MAX));
    invalid(Bus::options().max_peer_capacity(0).connect(place.address()));
    invalid(Bus::connect("nul\0within"));
    assert!(Bus::connect("x".repeat(200)).is_err());
}

#[test]
fn the_options_for_spinning_and_access_are_taken() {
    let options = || Bus::options().perms(0o666).uids([0, 1]).any_uid(true);

    for spin in [0, 1, 100_000, u32::MAX] {
        let (a, b) = pair_with(options().spin(spin), options().spin(spin));

        a.send(b"", spin).unwrap();
        assert_eq!(b.acquire_rx(10_000).unwrap().type_id, spin);
    }
}

#[test]
fn a_receive_that_polls_long_still_sleeps_in_the_end() {
    let (a, b) = pair();
    let (sender, mut receiver) = a.into_split();

    thread::scope(|scope| {
        let waiting = scope.spawn(|| receiver.acquire_rx(10_000).unwrap().type_id);

        wait_until(|| sender.stats().sleeps == 1);
        b.send(b"", 1).unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    });
}

#[test]
fn figures_count_messages() {
    let (a, b) = pair();

    a.send(b"abc", 1).unwrap();
    b.acquire_rx(0).unwrap().commit().unwrap();

    assert_eq!(a.stats().peer_pid, Some(std::process::id()));
    assert_eq!((a.stats().messages_sent, a.stats().bytes_sent), (1, 64));
    assert_eq!(
        (b.stats().messages_received, b.stats().bytes_received),
        (1, 64)
    );
}

// --- Listener ---

#[test]
fn a_listener_accepts_one_after_another() {
    let place = Place::new();
    let listener = Listener::create(place.address(), 1 << 16).unwrap();
    let mut accepted = Vec::new();

    for number in 0..3 {
        thread::scope(|scope| {
            let other = scope.spawn(|| Bus::connect(place.address()).unwrap());

            accepted.push((listener.accept().unwrap(), other.join().unwrap()));
        });
        accepted[number].1.send(b"", number as u32).unwrap();
    }
    drop(listener);
    for (number, (a, _b)) in accepted.iter().enumerate() {
        assert_eq!(a.acquire_rx(0).unwrap().type_id, number as u32);
    }
}

#[test]
fn a_listener_nobody_came_to_would_block_or_times_out() {
    let place = Place::new();
    let listener = Listener::create(place.address(), 4096).unwrap();

    assert!(listener.try_accept().unwrap_err().would_block());
    assert!(listener.accept_timeout(SHORT).unwrap_err().is_timeout());
}

#[test]
fn a_closer_ends_an_accept_under_way() {
    let place = Place::new();
    let listener = Listener::create(place.address(), 4096).unwrap();
    let closer = listener.closer();

    thread::scope(|scope| {
        let waiting = scope.spawn(move || listener.accept().map(drop));

        closer.close();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Canceled);
    });
    closer.close();
}

#[test]
fn an_address_has_one_listener() {
    let place = Place::new();
    let _first = Listener::create(place.address(), 4096).unwrap();

    let error = Listener::create(place.address(), 4096).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
}

// --- descriptors ---

fn is_readable(object: &impl AsRawFd) -> bool {
    let mut poll = libc::pollfd {
        fd: object.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };

    // SAFETY: one entry, as is said.
    unsafe { libc::poll(&mut poll, 1, 0) == 1 }
}

#[test]
fn a_descriptor_is_readable_when_a_message_came() {
    let (a, mut b) = pair();

    assert!(!b.prepare());
    assert!(!is_readable(&b));
    a.send(b"", 1).unwrap();
    assert!(is_readable(&b));
    b.dispatch();
    assert!(!is_readable(&b));
    assert!(b.prepare());
    b.try_acquire_rx().unwrap().commit().unwrap();

    let (_sender, receiver) = b.split();
    assert!(!receiver.prepare());
    drop(a);
    assert!(is_readable(receiver));
    receiver.dispatch();
    assert!(receiver.try_acquire_rx().unwrap_err().is_closed());
}

#[test]
fn a_listener_s_descriptor_is_readable_when_somebody_came() {
    let place = Place::new();
    let listener = Listener::create(place.address(), 4096).unwrap();

    assert!(!is_readable(&listener));
    thread::scope(|scope| {
        let other = scope.spawn(|| Bus::connect(place.address()).unwrap());

        while !is_readable(&listener) {
            thread::yield_now();
        }
        listener.accept().unwrap();
        other.join().unwrap();
    });
}

// --- what is printed ---

#[test]
fn everything_can_be_printed() {
    let (mut a, b) = pair();

    a.send(b"abc", 7).unwrap();
    let guard = format!("{:?}", b.acquire_rx(0).unwrap());
    assert_eq!(guard, "RxGuard { actual_size: 3, type_id: 7, .. }");
    let batch = format!("{:?}", b.drain_batch(8, 0).unwrap());
    assert_eq!(batch, "[RxMessage { actual_size: 3, type_id: 7, .. }]");
    let guard = format!("{:?}", a.acquire_tx(8).unwrap());
    assert_eq!(guard, "TxGuard { size: 8, written: 0, .. }");
    assert!(format!("{a:?}").starts_with("Bus { max_message: "));
    assert!(format!("{:?}", a.closer()).starts_with("Closer"));
    assert!(format!("{:?}", a.split()).contains("Sender"));
}
