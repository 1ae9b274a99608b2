#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What a frame costs in system calls of the library, start-up excluded."""

import sys

import media

SKIP = 50


def video(count, extra=""):
    """1080p, drawn once."""
    return (f"videotestsrc pattern=solid-color num-buffers={count} {extra} ! "
            "video/x-raw,format=NV12,width=1920,height=1080,framerate=60/1")


def costs(test, source, sink="", consumer=""):
    """Calls a frame of the sender and of the receiver."""
    sender = test.play(f"{source} ! tachyonsink name=sink sync=false wait-for-connection=true "
                       f"socket-path={test.socket()} {sink}", "--skip", SKIP, name="sender")
    receiver = test.play(f"tachyonsrc name=source socket-path={test.socket()} ! {consumer} "
                         "appsink name=frames sync=false", "--skip", SKIP, "--no-hash",
                         name="receiver").finish()
    sender.finish()
    found = []
    for process, element in ((sender, "sink"), (receiver, "source")):
        cost = process.records("cost")[0]
        test.check(int(cost["buffers"]) > SKIP, f"buffers counted: {cost}")
        found.append(int(cost["calls"]) / int(cost["buffers"]))
        print(f"# {element}: {cost['calls']} system calls for {cost['buffers']} buffers")
    return found


def test_free_running_1080p(test):
    """Both sides are busy: the path has no system call, nor a wait for the slower side."""
    sender, receiver = costs(test, video(6000), "leaky-type=upstream",
                             "identity sleep-time=2000 !")
    test.check(sender < 0.1, f"{sender:.3f} calls a frame at the sender")
    test.check(receiver < 0.1, f"{receiver:.3f} calls a frame at the receiver")


def test_a_full_queue_costs_a_sleep_each_frame_at_the_most(test):
    """The producer is the faster side and loses nothing: it sleeps until there is room."""
    sender, receiver = costs(test, video(1500), consumer="identity sleep-time=2000 !")
    test.check(sender <= 4, f"{sender:.3f} calls a frame at the sender")
    test.check(receiver <= 1, f"{receiver:.3f} calls a frame at the receiver")


def test_a_sleeping_consumer_costs_the_producer_two(test):
    """Live: the consumer sleeps before each frame, and the producer wakes it."""
    sender, receiver = costs(test, video(300, "is-live=true"))
    test.check(sender <= 2, f"{sender:.3f} calls a frame at the sender")
    test.check(receiver >= 1, f"{receiver:.3f} calls a frame: the receiver did sleep")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
