// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The program of `src/main.rs` stands there as it was printed, for another library of the same
//! calls: here it runs, and its calls do the same in two processes.

use std::env;
use std::fs;
use std::process::{self, Command, Stdio};
use std::thread;

use tachyon_ipc::Bus;

const CAP: usize = 1 << 16;

#[test]
fn the_program_runs_as_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_seed")).output().unwrap();

    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "received 13 bytes, type_id=1\n"
    );
}

#[test]
fn its_calls_do_the_same_in_two_processes() {
    if let Ok(address) = env::var("SEED_ADDRESS") {
        let bus = Bus::connect(&address).unwrap();
        bus.send(b"hello tachyon", 1).unwrap();
        return;
    }

    let directory = env::temp_dir().join(format!("tachyon-seed-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let address = directory.join("demo_rust.sock");

    let other = address.clone();
    let srv = thread::spawn(move || {
        let bus = Bus::listen(other, CAP).unwrap();
        let guard = bus.acquire_rx(10_000).unwrap();
        assert_eq!((guard.actual_size, guard.type_id), (13, 1));
        assert_eq!(guard.data(), b"hello tachyon");
        guard.commit().unwrap();
    });
    let status = Command::new(env::current_exe().unwrap())
        .args(["its_calls_do_the_same_in_two_processes", "--exact"])
        .env("SEED_ADDRESS", &address)
        .stdout(Stdio::null())
        .status()
        .unwrap();

    srv.join().unwrap();
    assert!(status.success());
    fs::remove_dir_all(directory).unwrap();
}

/// The calls of the page that its program does not make.
#[test]
fn the_other_calls_of_the_page_have_their_names() {
    let address = format!("@tachyon-seed-{}", process::id());
    let other = address.clone();
    let srv = thread::spawn(move || {
        let bus = Bus::listen(other, CAP).unwrap();
        let mut sum = 0;

        while sum < 4 {
            let batch = bus.drain_batch(8, 10_000).unwrap();

            for message in &batch {
                assert_eq!(message.data().len(), message.actual_size);
                assert_eq!(message.type_id, 2);
                sum += message.actual_size;
            }
            batch.commit().unwrap();
        }
    });

    let mut bus = Bus::connect(&address).unwrap();
    let mut guard = bus.acquire_tx(32).unwrap();
    guard.write(b"one");
    guard.commit_unflushed(3, 2).unwrap();
    drop(bus.acquire_tx(32).unwrap());
    bus.flush().unwrap();
    let mut guard = bus.acquire_tx(32).unwrap();
    guard.write(b"2");
    guard.commit(1, 2).unwrap();
    srv.join().unwrap();
}
