#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A moving picture for whoever subscribes, without GStreamer here.

Acquire a block, write the frame into it, send it to everyone at once:

    ./publish.py /tmp/picture 300
    ./subscribe.py /tmp/picture
    gst-launch-1.0 tachyonsrc socket-path=/tmp/picture ! videoconvert ! autovideosink
"""

import sys
import time

import numpy
import tachyon

WIDTH = 320
HEIGHT = 240
FRAME_NS = 33333333
TIMEOUT = 10.0

CAPS = f"video/x-raw, format=GRAY8, width={WIDTH}, height={HEIGHT}, framerate=30/1"

SLOPE = numpy.add.outer(numpy.arange(HEIGHT), numpy.arange(WIDTH)).astype(numpy.uint8)


def publish(publisher, number):
    # Leaving the block sends the frame; an exception would take it back.
    with publisher.acquire(timeout=TIMEOUT) as frame:
        # height x width x 1, as the caps say.
        numpy.asarray(frame)[:, :, 0] = SLOPE + numpy.uint8(number % 256)
        frame.pts = number * FRAME_NS
        frame.duration = FRAME_NS


def run(address, count):
    # Nobody is there yet; whoever comes late is told the caps all the same.
    with tachyon.Publisher(address, CAPS) as publisher:
        publisher.wait_for_subscribers(timeout=TIMEOUT)
        for number in range(count):
            publish(publisher, number)
            time.sleep(FRAME_NS / 1e9)
        publisher.send_eos()
        print(f"{count} frames")
    # What was sent is still received.


def main():
    if not 2 <= len(sys.argv) <= 3:
        print("publish.py ADDRESS [FRAMES]", file=sys.stderr)
        return 2
    try:
        run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 300)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
