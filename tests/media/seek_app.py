#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A viewer with PyGObject that asks how long the stream is, and seeks in it.

    seek_app.py SOCKET SECONDS...

Prints the duration, whether one can seek, and the first picture after each seek.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401 (GstApp: the appsink's methods)

PATIENCE_NS = 10 * Gst.SECOND


def pull(sink):
    """The stream time of the next picture."""
    sample = sink.try_pull_sample(PATIENCE_NS)
    if sample is None:
        return None
    segment = sample.get_segment()
    return segment.to_stream_time(Gst.Format.TIME, sample.get_buffer().pts)


def main():
    """All seeks, in their order."""
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"tachyonsrc socket-path={sys.argv[1]} is-live=false timestamp-mode=passthrough"
        " ! h264parse ! avdec_h264 ! appsink name=end sync=false max-buffers=1")
    sink = pipeline.get_by_name("end")
    pipeline.set_state(Gst.State.PLAYING)
    print("first", pull(sink), flush=True)
    _, duration = pipeline.query_duration(Gst.Format.TIME)
    print("duration", duration, flush=True)
    query = Gst.Query.new_seeking(Gst.Format.TIME)
    print("seekable", pipeline.query(query) and query.parse_seeking()[1], flush=True)
    for second in map(float, sys.argv[2:]):
        done = pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE,
                                    int(second * Gst.SECOND))
        print("seek", second, done, pull(sink), flush=True)
    pipeline.set_state(Gst.State.NULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
