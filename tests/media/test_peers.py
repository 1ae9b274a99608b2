#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""From a user's terminal: Ctrl-C, two of one name, what a crash left, a path that cannot be."""

import os
import signal
import stat
import sys

import media

LIVE = "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=64,height=48,framerate=60/1"
SUBSCRIBERS = 64


def sink(test, name="s", extra=""):
    """A sink in a terminal."""
    return test.launch(f"{LIVE} ! tachyonsink name=sink sync=false socket-path={test.socket(name)} "
                       f"{extra}", "-e", name="sink")


def watch(test, name="s", extra=""):
    """Somebody who sees what arrives."""
    return test.play(f"tachyonsrc name=source socket-path={test.socket(name)} {extra} ! "
                     "appsink name=frames sync=false", "--no-hash", name="watcher")


def quiet(test, process, what):
    """It ended well, and said nothing."""
    process.finish()
    words = [line for line in process.lines
             if any(word in line.lower() for word in ("error", "warning", "critical"))]
    test.equal(words, [], f"complaints of {what}")


def refused(test, process, *parts):
    """It ended with an error that has these parts in one line."""
    test.check(process.wait() != 0, f"{process.name} fails")
    errors = [line for line in process.lines if line.startswith("ERROR: from element")]
    test.check(errors, f"{process.name} says why: {process.lines}")
    for part in parts:
        test.check(part.lower() in errors[0].lower(), f"{part!r} is in {errors[0]!r}")


# --- Ctrl-C ---


def test_ctrl_c_at_the_sink_ends_both_quietly(test):
    """gst-launch-1.0 -e: an end of stream, at both ends."""
    sender = sink(test)
    receiver = watch(test)
    receiver.expect("^frame", 5)
    sender.send(signal.SIGINT)
    quiet(test, sender, "the sink")
    quiet(test, receiver, "the source")
    receiver.expect("^end eos")


def test_ctrl_c_at_the_source_leaves_the_sink_alone(test):
    """The source ends quietly; the next one finds the sink as it was."""
    sender = sink(test)
    receiver = test.run("source", "gst-launch-1.0", "-e",
                        *f"tachyonsrc socket-path={test.socket()} ! fakesink sync=false".split())
    watcher = watch(test)
    watcher.expect("^frame", 5)
    # From here on it listens to signals.
    receiver.expect("PREROLL")
    receiver.send(signal.SIGINT)
    quiet(test, receiver, "the source")
    watcher.expect("^frame", len(watcher.frames()) + 5)
    another = watch(test)
    another.expect("^frame", 5)
    sender.send(signal.SIGINT)
    for process in (sender, watcher, another):
        quiet(test, process, process.name)


def test_ctrl_c_while_nobody_is_there(test):
    """Neither a source that waits for a sink nor a sink that waits for a source hangs."""
    sender = test.run("sink", "gst-launch-1.0", *f"{LIVE} ! tachyonsink wait-for-connection=true "
                      f"socket-path={test.socket('other')}".split())
    # Without -e: there is no stream that could end.
    receiver = test.run("source", os.environ["TACHYON_PLAY"],
                        f"tachyonsrc socket-path={test.socket()} ! fakesink")
    receiver.expect("^started")
    # From here on it listens to signals.
    sender.expect("PREROLL")
    receiver.send(signal.SIGTERM)
    quiet(test, receiver, "the source")
    sender.send(signal.SIGINT)
    quiet(test, sender, "the sink")


def test_ctrl_c_at_a_sink_whose_subscriber_is_stopped(test):
    """It waits for nobody."""
    sender = sink(test, extra="max-buffers=2 leaky-type=downstream")
    receiver = watch(test)
    receiver.expect("^frame", 5)
    receiver.send(signal.SIGSTOP)
    sender.send(signal.SIGINT)
    quiet(test, sender, "the sink")
    receiver.send(signal.SIGCONT)
    quiet(test, receiver, "the source")


# --- one name for two ---


def test_the_second_sink_of_a_path_is_told_so(test):
    """The first one goes on."""
    first = sink(test)
    watcher = watch(test)
    watcher.expect("^frame", 5)
    second = sink(test)
    refused(test, second, str(test.socket()), "in use")
    watcher.expect("^frame", len(watcher.frames()) + 5)
    first.send(signal.SIGINT)
    quiet(test, first, "the first")
    quiet(test, watcher, "the source")


def test_what_a_killed_sink_left_is_replaced(test):
    """Three times: the same path, and nothing beside it."""
    watcher = watch(test, extra="on-disconnect=none")
    for _ in range(3):
        sender = sink(test)
        watcher.expect("^frame", len(watcher.frames()) + 5)
        sender.kill()
        test.check(stat.S_ISSOCK(test.socket().stat().st_mode), "a socket is left")
    sender = sink(test)
    watcher.expect("^frame", len(watcher.frames()) + 5)
    sender.send(signal.SIGINT)
    quiet(test, sender, "the last")
    quiet(test, watcher, "the source")
    test.equal(sorted(path.name for path in test.dir.iterdir()), ["s.lock"], "files")


# --- a path that cannot be ---


def test_a_file_is_left_alone(test):
    """It is somebody's."""
    test.socket().write_text("precious", encoding="ascii")
    refused(test, sink(test), str(test.socket()))
    test.equal(test.socket().read_text(encoding="ascii"), "precious", "the file")


def test_a_folder_that_is_not_there(test):
    """The path and the reason."""
    refused(test, sink(test, "no/such/folder"), str(test.socket("no/such/folder")),
            "no such file or directory")


def test_a_path_that_is_too_long(test):
    """108 bytes are all that a socket's path may have."""
    name = "x" * 150
    refused(test, sink(test, name), name)
    refused(test, test.launch(f"tachyonsrc socket-path={test.socket(name)} ! fakesink"), name)


def test_a_folder_of_somebody_else(test):
    """Not even root may write below /proc."""
    process = test.launch(f"{LIVE} ! tachyonsink socket-path=/proc/tachyon")
    refused(test, process, "/proc/tachyon")


# --- one too many ---


def test_the_65th_subscriber_is_told_that_the_sink_is_busy(test):
    """64 are served; the place of one who leaves is free again."""
    sender = test.play(f"{LIVE} ! tachyonsink name=sink sync=false leaky-type=upstream "
                       f"socket-path={test.socket()}", "--clients", SUBSCRIBERS, name="sink")
    source = f"tachyonsrc socket-path={test.socket()} ! fakesink sync=false"
    crowd = test.play(" ".join([source] * (SUBSCRIBERS - 1)), name="crowd")
    last = watch(test)
    last.expect("^frame", 5)
    late = test.launch(f"tachyonsrc socket-path={test.socket()} connection-timeout=500000000 ! "
                       "fakesink", name="late")
    refused(test, late, str(test.socket()), "busy")
    last.send(signal.SIGTERM)
    quiet(test, last, "the last")
    another = watch(test)
    another.expect("^frame", 5)
    sender.send(signal.SIGTERM)
    for process in (sender, crowd, another):
        quiet(test, process, process.name)


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
