#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Look at a pipeline's pictures as NumPy arrays, over the memory they were made in.

    gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=RGB \\
        ! tachyonsink socket-path=/tmp/camera
    ./numpy_camera.py /tmp/camera 100

This process needs no GStreamer. Use latest_only=True to look at the newest picture only.
"""

import sys

import numpy
import tachyon

TIMEOUT = 10.0


def describe(frame):
    # One array for packed video and audio; one a plane for planar video, luma first.
    picture = numpy.asarray(frame) if len(frame.planes) == 1 else frame.planes[0]
    shape = " x ".join(map(str, picture.shape))
    return f"{shape}, pts {frame.pts} ns, mean {picture.mean():.2f}"


def run(address, count):
    seen = 0
    with tachyon.Subscriber(address, timeout=TIMEOUT) as subscriber:
        for frame in subscriber:
            if seen == 0:
                print(f"caps {frame.caps}")
            print(f"frame {seen}: {describe(frame)}")
            seen += 1
            if seen == count:
                break
    print(f"{seen} frames")
    return seen > 0


def main():
    if not 2 <= len(sys.argv) <= 3:
        print("numpy_camera.py ADDRESS [FRAMES]", file=sys.stderr)
        return 2
    try:
        return int(not run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else None))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
