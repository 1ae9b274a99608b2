#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Read frames where they were written, without GStreamer here.

    ./publish.py /tmp/picture 300
    ./subscribe.py /tmp/picture

Or read what a GStreamer pipeline sends:

    gst-launch-1.0 videotestsrc is-live=true ! tachyonsink socket-path=/tmp/picture
"""

import sys
import zlib

import tachyon

TIMEOUT = 10.0


def run(address):
    count = 0
    # Waits for the publisher to appear.
    with tachyon.Subscriber(address, timeout=TIMEOUT) as subscriber:
        while True:
            match subscriber.receive(timeout=TIMEOUT):
                case tachyon.Caps() as caps:
                    print(f"caps {caps}")
                case tachyon.Frame() as frame:
                    # The publisher may use the memory again when the block is left.
                    with frame:
                        # Adler-32: something that looks at each byte.
                        what = f"{frame.size} bytes, sum {zlib.adler32(frame):08x}"
                        print(f"frame {count}: pts {frame.pts} ns, {what}")
                    count += 1
                case tachyon.Eos():
                    break
    print(f"{count} frames")


def main():
    if len(sys.argv) != 2:
        print("subscribe.py ADDRESS", file=sys.stderr)
        return 2
    try:
        run(sys.argv[1])
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
