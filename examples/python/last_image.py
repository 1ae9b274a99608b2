#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Look at a camera's last image, whenever it suits: a stream has a name, and no queue.

    gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=RGB \\
        ! tachyonsink socket-path=/tmp/camera stream-name=camera
    ./last_image.py camera 5

The pipeline never waits for this program, and this one misses what it does not look at.
numpy_camera.py, a subscriber, gets every picture.
"""

import sys

import tachyon.stream

TIMEOUT = 10.0


def describe(image):
    shape = " x ".join(map(str, image.shape))
    return f"{shape}, mean {image.mean():.2f}"


def run(name, count):
    with tachyon.stream.open(name, read_only=True) as camera:
        # What is there, now: this waits for nobody.
        image, newest, _, _ = camera.snapshot()
        print(f"last image: {describe(image)}")

        for _ in range(count):
            # Sleeps until there is one that is newer.
            image, newest, _, missed = camera.snapshot(newer_than=newest, timeout=TIMEOUT)
            print(f"image {newest}: {describe(image)}, {missed} missed")


def main():
    if not 2 <= len(sys.argv) <= 3:
        print("last_image.py NAME [IMAGES]", file=sys.stderr)
        return 2
    try:
        run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 5)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
