#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""An application with PyGObject that takes pictures from an appsink, and prints the md5 of each.

    appsink_app.py SOCKET
"""

import hashlib
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401 (GstApp: the appsink's methods)


def take(sink):
    """A picture: its bytes, in place, and what its caps say."""
    sample = sink.pull_sample()
    buffer = sample.get_buffer()
    format_ = sample.get_caps().get_structure(0)
    ok, info = buffer.map(Gst.MapFlags.READ)
    if not ok:
        return Gst.FlowReturn.ERROR
    print("frame", buffer.offset, buffer.pts, format_.get_value("width"),
          format_.get_value("height"), hashlib.md5(info.data).hexdigest(), flush=True)
    buffer.unmap(info)
    return Gst.FlowReturn.OK


def main():
    """Until the end of the stream."""
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"tachyonsrc name=source socket-path={sys.argv[1]} timestamp-mode=passthrough"
        " ! appsink name=end emit-signals=true sync=false")
    pipeline.get_by_name("end").connect("new-sample", take)
    loop = GLib.MainLoop()
    problems = []
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::eos", lambda *_: loop.quit())
    bus.connect("message::error", lambda _, message: (problems.append(message.parse_error()),
                                                      loop.quit()))
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    stats = pipeline.get_by_name("source").get_property("stats")
    print("copied", stats.get_value("copied"), flush=True)
    pipeline.set_state(Gst.State.NULL)
    if problems:
        print("error", problems[0], flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
