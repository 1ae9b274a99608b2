# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Pictures, sounds and pipelines for the tests of frames."""

import functools
import os
import shutil
import subprocess
import time

import numpy
import pytest
from support import PATIENCE, wait_until

#: One frame of the pictures that most tests send.
CAPS = "video/x-raw, format=GRAY8, width=64, height=48, framerate=30/1"
SIZE = 64 * 48

#: What the header says of sticky state.
ORDER_EOS = 110

#: Record types below this one are the protocol's own.
RECORD_USER = 64

#: Nanoseconds: no time at all, in C.
TIME_NONE = 2**64 - 1


def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes of which no two neighbouring seeds share a page."""
    line = bytes((i * 7 + i // 251 + seed * 31) & 0xFF for i in range(4093))
    return (line * (size // len(line) + 1))[:size]


def picture_caps(name: str, width: int, height: int) -> str:
    return f"video/x-raw, format={name}, width={width}, height={height}, framerate=30/1"


def sound_caps(name: str, channels: int, layout: str = "interleaved", rate: int = 48000) -> str:
    mask = f", channel-mask=(bitmask)0x{(1 << channels) - 1:x}" if channels > 2 else ""
    return (
        f"audio/x-raw, format={name}, rate={rate}, channels={channels}, layout={layout}{mask}"
    )


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


class Plane:
    """One plane of a picture: what numpy needs to show it."""

    def __init__(self, offset, stride, height, width, components, dtype):
        self.offset = offset
        self.stride = stride
        self.height = height
        self.width = width
        self.components = components
        self.dtype = dtype

    def pixels(self, memory):
        """The plane in memory, height x width x components."""
        dtype = numpy.dtype(self.dtype)
        strides = (self.stride, dtype.itemsize * self.components, dtype.itemsize)
        shape = (self.height, self.width, self.components)
        return numpy.ndarray(shape, dtype, memory, self.offset, strides)

    def view(self, memory):
        """The plane in memory, height x width where it has one component."""
        pixels = self.pixels(memory)
        return pixels[..., 0] if self.components == 1 else pixels


#: Bytes a pixel, components, and their type. As documented for GStreamer's raw video formats.
PACKED = {
    "RGB": (3, 3, "u1"),
    "BGR": (3, 3, "u1"),
    "RGBx": (4, 4, "u1"),
    "BGRx": (4, 4, "u1"),
    "xRGB": (4, 4, "u1"),
    "RGBA": (4, 4, "u1"),
    "BGRA": (4, 4, "u1"),
    "ARGB": (4, 4, "u1"),
    "GRAY8": (1, 1, "u1"),
    "GRAY16_LE": (2, 1, "<u2"),
    "GRAY16_BE": (2, 1, ">u2"),
}

PLANAR = ("I420", "YV12", "NV12", "NV21", "Y42B", "Y444", "I420_10LE", "P010_10LE")


def planes_of(name: str, width: int, height: int) -> tuple[list[Plane], int]:
    """The planes of a picture as GStreamer lays them out by default, and its bytes."""
    if name in PACKED:
        pixel, components, dtype = PACKED[name]
        stride = _up(width * pixel, 4)
        return [Plane(0, stride, height, width, components, dtype)], stride * height

    half_width, half_height = _up(width, 2) // 2, _up(height, 2) // 2
    if name in ("NV12", "NV21", "P010_10LE"):
        dtype = "<u2" if name == "P010_10LE" else "u1"
        stride = _up(width * int(dtype[-1]), 4)
        chroma = stride * half_height * 2
        return [
            Plane(0, stride, height, width, 1, dtype),
            Plane(chroma, stride, half_height, half_width, 2, dtype),
        ], chroma + stride * half_height

    dtype = "<u2" if name.endswith("10LE") else "u1"
    item = int(dtype[-1])
    stride = _up(width * item, 4)
    if name == "Y444":
        rows, columns, chroma_stride, chroma = height, width, stride, stride * height
    elif name == "Y42B":
        rows, columns = height, half_width
        chroma_stride, chroma = _up(width, 8) // 2, stride * height
    else:
        rows, columns = half_height, half_width
        chroma_stride = _up(half_width * item, 4)
        chroma = stride * half_height * 2
    return [
        Plane(0, stride, height, width, 1, dtype),
        Plane(chroma, chroma_stride, rows, columns, 1, dtype),
        Plane(chroma + chroma_stride * rows, chroma_stride, rows, columns, 1, dtype),
    ], chroma + 2 * chroma_stride * rows


def address_of(buffer) -> int:
    """Where the first element of a buffer lies."""
    return numpy.asarray(buffer).__array_interface__["data"][0]


# --- pipelines ---


@functools.cache
def why_no_pipelines() -> str | None:
    """What keeps gst-launch-1.0 from using the elements here; None if nothing does."""
    for tool in ("gst-launch-1.0", "gst-inspect-1.0"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    for element in ("tachyonsink", "videotestsrc", "audiotestsrc", "videoconvert"):
        # Not --exists: it wants a plugin as new as GStreamer itself.
        seen = subprocess.run(["gst-inspect-1.0", element], capture_output=True, timeout=60)
        if seen.returncode != 0:
            return f"GStreamer has no {element}: is GST_PLUGIN_PATH set?"
    return None


@functools.cache
def why_no_gobject() -> str | None:
    """What keeps PyGObject from using GStreamer here; None if nothing does."""
    try:
        import gi

        gi.require_version("Gst", "1.0")
        gi.require_version("GstVideo", "1.0")
        gi.require_version("GstApp", "1.0")
    except (ImportError, ValueError) as error:
        return f"PyGObject: {error}"
    return why_no_pipelines()


def needs_pipelines():
    reason = why_no_pipelines()
    if reason:
        pytest.skip(reason)


def needs_gobject():
    reason = why_no_gobject()
    if reason:
        pytest.skip(reason)


class Pipeline:
    """A gst-launch-1.0 that runs beside the test; its output goes to a file."""

    def __init__(self, log: str, *words: str):
        self._log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                ["gst-launch-1.0", *" ".join(words).split()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        with open(self._log, encoding="utf-8", errors="replace") as output:
            return output.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def finish(self) -> str:
        """Wait for its good end; returns what it printed."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the pipeline did not end:\n{self.output}") from None
        assert self.process.returncode == 0, self.output
        return self.output

    def discard(self):
        if self.process.poll() is None:
            self.kill()


def threads() -> int:
    """Threads of this process, Python's and any others."""
    return len(os.listdir("/proc/self/task"))


def wait_until_subscribers(publisher, count: int):
    wait_until(lambda: publisher.subscribers == count, f"{count} subscribers")


def wait_until_error(function, error, seconds: float = PATIENCE):
    """Call until it raises this error: what a peer's end leads to takes a moment."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            function()
        except error as raised:
            return raised
        time.sleep(0.0005)
    raise AssertionError(f"no {error}")
