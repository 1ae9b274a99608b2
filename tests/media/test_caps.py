#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Whatever the caps say: known or not, changing in mid-stream, with buffers of any size."""

import itertools
import sys

import media

FIELDS = ["pts", "dts", "duration", "offset", "offset_end", "flags", "size", "md5"]


def records(process):
    """The frames without where their memory is."""
    return [[frame[field] for field in FIELDS] for frame in process.frames()]


def order(process):
    """Caps, each time they change, and frames in the order in which they came."""
    found = []
    caps = None
    for line in process.lines:
        words = line.split(" ", 3)
        if words[0] == "frame":
            found.append(line.split("md5=")[1].split()[0])
        elif words[0] == "event" and words[2] == "caps" and words[3] != caps:
            caps = words[3]
            found.append(caps)
    return found


def segments(process):
    """The segments, each time they change."""
    return [text for text, _ in itertools.groupby(process.events("segment"))]


def crosses(test, elements):
    """Send what elements make for OUT, and compare with what one process sees; the receiver."""
    head, tail = elements.split(" ! OUT", 1)
    sink = ("tachyonsink name=sink sync=false wait-for-connection=true "
            f"socket-path={test.socket()}")
    sender = test.play(f"{head} ! {sink} {tail}", name="sender")
    receiver = test.play(f"tachyonsrc name=source timestamp-mode=passthrough "
                         f"socket-path={test.socket()} ! appsink name=frames sync=false",
                         name="receiver").finish()
    sender.finish()
    alone = test.play(f"{head} ! appsink name=frames sync=false {tail}", name="alone").finish()
    test.equal(records(receiver), records(alone), "frames")
    test.equal(order(receiver), order(alone), "caps and frames in their order")
    test.equal(segments(receiver), segments(alone), "segments")
    return receiver


# Quoted for gst_parse_launch().
FOO = ('"application/x-foo, answer=(int)42, text=(string)\\"a, b\\", list=(int)<1, 2>, '
       'part=(fraction)1/3"')


def test_caps_that_this_plugin_has_never_heard_of(test):
    """The bytes are somebody's; so are the fields."""
    receiver = crosses(test, "fakesrc num-buffers=20 sizetype=fixed sizemax=1000 "
                       f"filltype=pattern-span ! capsfilter caps={FOO} ! OUT")
    test.equal(len(receiver.frames()), 20, "frames")
    test.check("application/x-foo" in receiver.events("caps")[0], "the caps")
    test.check('text=(string)"a\\,\\ b"' in receiver.events("caps")[0], "the caps' fields")


def test_no_caps_at_all(test):
    """Bytes, in a segment of bytes."""
    receiver = crosses(test, "fakesrc num-buffers=20 sizetype=fixed sizemax=1000 "
                       "filltype=pattern-span ! OUT")
    test.equal(receiver.events("caps"), [], "caps")
    test.equal(len(receiver.frames()), 20, "frames")


def test_empty_buffers(test):
    """Neither memory nor block."""
    receiver = crosses(test, f"fakesrc num-buffers=20 sizetype=empty ! capsfilter caps={FOO} "
                       "! OUT")
    test.equal([frame["size"] for frame in receiver.frames()], ["0"] * 20, "sizes")
    test.equal({frame["memory"] for frame in receiver.frames()}, {"none"}, "memory")


def test_buffers_of_any_size(test):
    """Empty, in the ring, and in blocks, in one stream."""
    parts = ["sizetype=empty"]
    parts += [f"sizetype=fixed sizemax={size} filltype=pattern" for size in (1, 256, 257, 3000000)]
    parts += ["sizetype=empty"]
    receiver = crosses(test, "concat name=c ! OUT " + " ".join(
        f"fakesrc num-buffers=5 {part} ! capsfilter caps={FOO} ! c." for part in parts))
    sizes = [int(frame["size"]) for frame in receiver.frames()]
    test.equal(sizes, [0] * 5 + [1] * 5 + [256] * 5 + [257] * 5 + [3000000] * 5 + [0] * 5, "sizes")


def part(width, height, pixels="I420"):
    """A few frames of one format."""
    return (f"videotestsrc pattern=ball num-buffers=8 ! video/x-raw,format={pixels},"
            f"width={width},height={height},framerate=30/1 ! c.")


def test_renegotiation(test):
    """A, B, and A again: each frame follows its own caps."""
    receiver = crosses(test, f"concat name=c ! OUT {part(320, 240)} {part(642, 482)} "
                       f"{part(320, 240)}")
    caps = receiver.events("caps")
    test.equal(len(caps), 3, "caps")
    test.equal(caps[0], caps[2], "the first and the last caps")
    test.check("width=(int)642" in caps[1], "the caps between them")
    test.equal(len(receiver.frames()), 24, "frames")


def test_renegotiation_of_pixels(test):
    """The same size, other planes; and memory that grows."""
    receiver = crosses(test, f"concat name=c ! OUT {part(322, 242)} {part(322, 242, 'NV12')} "
                       f"{part(1920, 1080, 'RGB')} {part(322, 242)}")
    test.equal(len(receiver.events("caps")), 4, "caps")
    test.equal({frame["memory"] for frame in receiver.frames()}, {"shared"}, "memory")


def test_renegotiation_from_sound_to_picture(test):
    """Anything may follow anything."""
    receiver = crosses(test, "concat name=c ! OUT audiotestsrc num-buffers=8 ! c. "
                       f"{part(322, 242)} audiotestsrc num-buffers=8 ! c.")
    test.equal(len(receiver.frames()), 24, "frames")


def test_a_late_subscriber_sees_the_caps_of_now(test):
    """Not those from before."""
    sink = f"tachyonsink sync=false wait-for-connection=true socket-path={test.socket()}"
    live = "videotestsrc is-live=true num-buffers={} ! video/x-raw,framerate=60/1,format=I420"
    # The second part lasts until the other process is there, on a busy machine, too.
    sender = test.launch(f"concat name=c ! {sink} {live.format(30)},width=320,height=240 ! c. "
                         f"{live.format(240)},width=642,height=482 ! c.")
    source = f"tachyonsrc socket-path={test.socket()} ! appsink name=frames sync=false"
    first = test.play(source, name="first")
    first.expect("^frame", 35)
    late = test.play(source, name="late").finish()
    first.finish()
    sender.finish()
    test.equal(late.events("caps"), first.events("caps")[1:], "caps")
    test.check(len(late.frames()) < 240, "it came late")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
