// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The examples of frames understand each other. cargo builds them with the tests, unless it is
//! told to build these tests alone.

mod frames_common;

use std::env;
use std::process::{Child, Command, Stdio};

use frames_common::Address;

fn start(name: &str, address: &Address, arguments: &[&str]) -> Child {
    // The tests are in `deps`, the examples in `examples` beside it.
    let mut path = env::current_exe().unwrap();

    path.pop();
    path.set_file_name("examples");
    path.push(name);
    Command::new(&path)
        .arg(address.as_ref())
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn output_of(child: Child) -> Vec<String> {
    let output = child.wait_with_output().unwrap();

    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn subscribe_reads_what_publish_draws() {
    let address = Address::new("picture");
    let subscriber = start("subscribe", &address, &[]);
    let publisher = start("publish", &address, &["3"]);

    let lines = output_of(subscriber);

    assert_eq!(output_of(publisher), ["3 frames"]);
    assert_eq!(
        lines,
        [
            "caps video/x-raw, format=GRAY8, width=320, height=240, framerate=30/1",
            "frame 0: pts 0 ns, 76800 bytes, sum a2428ccb",
            "frame 1: pts 33333333 ns, 76800 bytes, sum 638598cb",
            "frame 2: pts 66666666 ns, 76800 bytes, sum 0035a3cb",
            "3 frames",
        ]
    );
}
