#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""An application with PyGObject: one process makes pictures, another one takes them.

    GST_PLUGIN_PATH=build/gst ./gobject_app.py

It needs PyGObject with GStreamer's typelibs (on Debian: python3-gi, gir1.2-gstreamer-1.0 and
gir1.2-gst-plugins-base-1.0) and the elements, not the module tachyon.
"""

import os
import subprocess
import sys
import tempfile

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401 (GstApp: the appsink's methods)

FRAMES = 60
TIMEOUT_S = 30

CAPS = "video/x-raw,format=RGB,width=320,height=240,framerate=30/1"
PRODUCER = (
    f"videotestsrc num-buffers={FRAMES} pattern=ball ! {CAPS}"
    " ! tachyonsink name=end sync=false wait-for-connection=true"
)
CONSUMER = (
    "tachyonsrc name=begin connection-timeout=10000000000"
    " ! appsink name=end emit-signals=true sync=false"
)


class Application:
    """A pipeline and a main loop, until the end of the stream."""

    def __init__(self, description):
        self.loop = GLib.MainLoop()
        self.problem = None
        self.pipeline = Gst.parse_launch(description)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::eos", lambda *_: self.loop.quit())
        bus.connect("message::error", self.on_error)
        GLib.timeout_add_seconds(TIMEOUT_S, self.stop, "it takes too long")

    def stop(self, problem):
        self.problem = problem
        self.loop.quit()
        return GLib.SOURCE_REMOVE

    def on_error(self, _, message):
        error, details = message.parse_error()
        self.stop(f"{error.message}: {details}")

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        if self.problem:
            raise RuntimeError(self.problem)


def produce(path):
    application = Application(PRODUCER)
    sink = application.pipeline.get_by_name("end")
    sink.set_property("socket-path", path)
    application.run()


def consume(path):
    application = Application(CONSUMER)
    application.pipeline.get_by_name("begin").set_property("socket-path", path)
    pictures = []

    def take(sink):
        # Called in the thread of the stream.
        sample = sink.emit("pull-sample")
        caps = sample.get_caps().get_structure(0)
        buffer = sample.get_buffer()
        # A copy; what looks at each pixel in Python had better use tachyon.Subscriber.
        pixels = buffer.extract_dup(0, buffer.get_size())
        pictures.append((caps.get_value("width"), caps.get_value("height"), any(pixels)))
        return Gst.FlowReturn.OK

    application.pipeline.get_by_name("end").connect("new-sample", take)
    application.run()
    if pictures != [(320, 240, True)] * FRAMES:
        raise RuntimeError(f"{len(pictures)} of {FRAMES} frames arrived, or they are wrong")
    print(f"{len(pictures)} frames of 320 x 240")


def main():
    Gst.init(None)
    if len(sys.argv) == 3 and sys.argv[1] == "produce":
        produce(sys.argv[2])
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "picture")
        producer = subprocess.Popen([sys.executable, __file__, "produce", path])
        try:
            consume(path)
            return producer.wait(TIMEOUT_S)
        finally:
            producer.kill()
            producer.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, GLib.Error) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
