#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Who joins in the middle of ten seconds between key frames asks for one, and has a picture."""

import sys

import media

# Ten seconds at 30 frames a second from one key frame to the next.
GROUP = 300
ENCODER = (f"x264enc key-int-max={GROUP} tune=zerolatency speed-preset=ultrafast "
           "option-string=scenecut=0")
CAMERA = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1"
LIMIT_NS = 200_000_000
DELTA_UNIT = 0x2000


def join(test, name, frames):
    """A consumer that prints what it receives, and what it can show of it."""
    return test.play(
        f"tachyonsrc socket-path={test.socket()} timestamp-mode=passthrough ! tee name=t "
        "t. ! queue ! appsink name=received sync=false async=false "
        "t. ! queue ! h264parse ! avdec_h264 ! appsink name=shown sync=false async=false",
        "--stop-after", frames, name=name)


def delay_ns(test, process):
    """From the first buffer to the first picture, in stream time."""
    received = process.frames("received")
    shown = process.frames("shown")
    test.check(received, "something was received")
    delay = int(shown[0]["pts"]) - int(received[0]["pts"]) if shown else None
    print(f"# {process.name}: {len(received)} received, {len(shown)} shown, the first {delay} ns "
          "after the first that was received")
    return delay


def await_middle(test):
    """Another consumer, until it is a second since the last key frame."""
    first = join(test, "first", 1000)
    first.expect("^frame received", 45)
    return first


def camera(test, between="h264parse config-interval=-1"):
    """A live camera and its encoder."""
    return test.launch(f"{CAMERA} ! {ENCODER} ! {between} ! "
                       f"tachyonsink name=sink sync=false socket-path={test.socket()}",
                       "-e", name="camera")


def end(test, *processes):
    """Those that run for ever."""
    for process in processes:
        process.kill()
    test.check(True, "they ran")


@media.leaves_sockets
def test_a_late_consumer_of_h264_shows_a_picture_within_a_fifth_of_a_second(test):
    """Its join asks the encoder for a key frame."""
    media.need(["x264enc", "h264parse", "avdec_h264"])
    sender = camera(test)
    first = await_middle(test)
    late = join(test, "late", 60)
    late.expect("^event received caps")
    joined = int(first.frames("received")[-1]["pts"])
    late.finish()
    delay = delay_ns(test, late)
    test.check(delay is not None, "the late one shows something")
    test.check(delay <= LIMIT_NS, f"the first picture comes {delay} ns after the first buffer")
    delay = int(late.frames("shown")[0]["pts"]) - joined
    test.check(delay <= LIMIT_NS, f"the first picture comes {delay} ns after the join")
    keys = [frame for frame in first.frames("received")
            if not int(frame["flags"], 16) & DELTA_UNIT]
    test.check(len(keys) <= 4, f"{len(keys)} key frames for two who joined")
    end(test, sender, first)


@media.leaves_sockets
def test_without_a_request_it_would_wait_for_the_next_key_frame(test):
    """A recording hears no request: the measure can fail."""
    media.need(["x264enc", "h264parse", "avdec_h264", "qtdemux"])
    path = test.dir / "clip.mkv"
    test.launch(f"{CAMERA.replace('is-live=true', 'num-buffers=310')} ! {ENCODER} ! h264parse ! "
                f"matroskamux ! filesink location={path}", name="recorder").finish()
    sender = test.launch(f"filesrc location={path} ! matroskademux ! h264parse config-interval=-1 "
                         "! video/x-h264,stream-format=byte-stream,alignment=au ! "
                         f"tachyonsink socket-path={test.socket()} wait-for-connection=true",
                         name="recording")
    first = await_middle(test)
    late = join(test, "late", 60).finish()
    delay = delay_ns(test, late)
    test.check(delay is None or delay > LIMIT_NS, f"the first picture comes after {delay} ns")
    end(test, sender, first)


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
