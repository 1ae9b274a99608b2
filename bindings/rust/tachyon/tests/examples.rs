// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The examples of buses and streams do what they say. cargo builds them with the tests, unless it is told to
//! build these tests alone.

use std::env;
use std::process::Command;

fn output_of(name: &str) -> String {
    // The tests are in `deps`, the examples in `examples` beside it.
    let mut path = env::current_exe().unwrap();

    path.pop();
    path.set_file_name("examples");
    path.push(name);
    let output = Command::new(&path)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bus_ping_plays_to_the_end() {
    assert_eq!(output_of("bus_ping"), "10000 pings, 10000 pongs\n");
}

#[test]
fn bus_zero_copy_finds_each_matrix_as_it_was_written() {
    assert_eq!(
        output_of("bus_zero_copy"),
        "100 matrices of 4096 cells, read where they were written\n"
    );
}

#[test]
fn stream_shows_the_newest_matrix_each_time() {
    let output = output_of("stream");
    let (seen, rest) = output.split_once(' ').unwrap();

    assert!((1..=1000).contains(&seen.parse::<u32>().unwrap()));
    assert_eq!(
        rest,
        "of 1000 matrices seen, the newest each time, each complete\n"
    );
}
