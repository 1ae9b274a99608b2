#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A sender and a receiver in two processes, watched by GStreamer's own tracers."""

import os
import re
import sys

import media

ALIVE = re.compile(r"TRACE .*object-alive, type-name=\(string\)(\w+)")
LATENCY = re.compile(r"TRACE .* (latency|element-latency), (.*)")
FIELD = re.compile(r"([\w-]+)=\(\w+\)([^,;]*)")

VIDEO = ("videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=60/1 ! tee name=t t. ! queue ! ")
SINK = "tachyonsink name=sink wait-for-connection=true socket-path="
SOURCE = "tachyonsrc name=source socket-path="


def trace(tracers):
    """What the processes of a test are to be watched by."""
    os.environ.update(GST_TRACERS=tracers, GST_DEBUG="GST_TRACER:7", GST_DEBUG_NO_COLOR="1")


def records(process):
    """The latencies that a process was found to have: (kind, {field: value})."""
    found = [match for match in map(LATENCY.search, process.lines) if match]
    return [(match[1], dict(FIELD.findall(match[2]))) for match in found]


def check_nothing_is_left(test, *processes):
    """No object of a process outlived its pipeline; the tracer was there."""
    for process in processes:
        test.check(any("object-alive.class" in line for line in process.lines),
                   f"{process.name} was not watched")
        left = [match[1] for match in map(ALIVE.search, process.lines) if match]
        test.check(not left, f"{process.name} left {left}")


def cross(test, sink_options="", source_options="", receiver_end="fakesink name=end sync=false"):
    """Both of them, from the beginning to the end of a stream; (sender, receiver)."""
    sender = test.launch(f"{VIDEO}{SINK}{test.socket()} {sink_options} "
                         "t. ! queue ! fakesink sync=true", name="sender")
    receiver = test.launch(f"{SOURCE}{test.socket()} {source_options} ! queue ! {receiver_end}",
                           name="receiver")
    return sender.finish(), receiver.finish()


def start_receiver_that_tells(test, options=""):
    """It prints a line for each frame, of which it holds some."""
    line = f"{SOURCE}{test.socket()} {options} ! queue ! identity silent=false ! fakesink"
    return test.run("receiver", "gst-launch-1.0", "-v", *line.split())


def test_two_processes_leave_no_object(test):
    """Zero copy, as most use it."""
    trace("leaks")
    check_nothing_is_left(test, *cross(test))


def test_a_receiver_that_changes_what_it_gets_leaves_no_object(test):
    """Frames are held, converted, and dropped."""
    trace("leaks")
    check_nothing_is_left(test, *cross(
        test, "sync=false leaky-type=downstream max-buffers=2", "is-live=true",
        "queue min-threshold-buffers=4 ! videoconvert ! video/x-raw,format=RGB ! "
        "fakesink sync=false"))


@media.leaves_sockets
def test_a_receiver_whose_sender_is_killed_leaves_no_object(test):
    """It holds frames of a process that is no more."""
    trace("leaks")
    sender = test.launch(f"videotestsrc is-live=true ! {SINK}{test.socket()}", name="sender")
    receiver = start_receiver_that_tells(test, "on-disconnect=eos")
    receiver.expect("last-message = chain", 10)
    sender.kill()
    check_nothing_is_left(test, receiver.finish())


def test_a_sender_whose_receiver_is_killed_leaves_no_object(test):
    """What it held for the other comes back."""
    trace("leaks")
    sender = test.launch(f"{VIDEO}{SINK}{test.socket()} t. ! queue ! fakesink sync=true",
                         name="sender")
    receiver = start_receiver_that_tells(test)
    receiver.expect("last-message = chain", 10)
    receiver.kill()
    test.launch(f"{SOURCE}{test.socket()} ! fakesink sync=false", name="another").finish()
    check_nothing_is_left(test, sender.finish())


def need_latency_tracer(test):
    """That of GStreamer 1.26.2 hangs in a pipeline of two elements of its own."""
    alone = test.launch("videotestsrc num-buffers=2 ! fakesink", name="alone")
    try:
        alone.finish(timeout_s=15)
    except media.Failure as failure:
        raise media.Skip(f"the latency tracer hangs without Tachyon, too: {failure}") from None


def test_latencies_are_found_in_both_processes(test):
    """And each process measures its own: what the other's tracer sends along misleads nobody."""
    trace("leaks;latency(flags=pipeline+element)")
    need_latency_tracer(test)
    sender, receiver = cross(test)
    here = records(receiver)
    test.equal({fields["src-element"] for kind, fields in here if kind == "latency"}, {"source"},
               "where the receiver's latencies begin")
    test.check(sum(kind == "latency" for kind, _ in here) >= 50, "a latency for most frames")
    test.check(all(int(fields["time"]) < 10**10 for _, fields in here), "sane latencies")
    there = {(fields["src-element"], fields["sink-element"]) for kind, fields in records(sender)
             if kind == "latency"}
    test.check(("videotestsrc0", "sink") in there, f"the sender's latency up to its sink: {there}")
    check_nothing_is_left(test, sender, receiver)


def test_a_leak_would_be_seen(test):
    """A test that leaves a buffer fails, and says in its log what it left."""
    trace("leaks")
    leaky = test.run("leaky", os.environ["TACHYON_LEAKY"])
    leaky.finish(1)
    leaky.expect("^not ok 1 - a_buffer_is_left$")
    leaky.expect("^# a_buffer_is_left: .*Leaks detected")
    try:
        check_nothing_is_left(test, leaky)
    except media.Failure as failure:
        test.check("GstBuffer" in str(failure), str(failure))
    else:
        raise media.Failure("a leaked buffer went unseen")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
