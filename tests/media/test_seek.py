#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A viewer in one process seeks in the file that another process plays."""

import os
import pathlib
import signal
import sys

import media
import test_programs

APP = pathlib.Path(__file__).with_name("seek_app.py")
SECOND = 1_000_000_000
FRAME = SECOND // 30
LENGTH_S = 10
# To and fro, into the middle of a group of pictures, to a key frame, to the start.
SEEKS = [7.31, 2, 0.5, 9.9, 0, 5.55, 5.55]


def clip(test):
    """Ten seconds, a key frame each second."""
    media.need(["qtdemux", "h264parse", "avdec_h264"], ["ffmpeg"])
    path = test.dir / "clip.mp4"
    media.ffmpeg(*(f"-f lavfi -i testsrc2=size=160x120:rate=30 -frames:v {30 * LENGTH_S} "
                   "-c:v libx264 -preset veryfast -bf 0 -g 30 -pix_fmt yuv420p").split(), path)
    return path


def file_player(test):
    """What plays the file, in its own time."""
    return test.launch(f"filesrc location={clip(test)} ! qtdemux ! h264parse ! tachyonsink "
                       f"wait-for-connection=true socket-path={test.socket()}", name="player")


def test_each_seek_shows_the_picture_that_it_names(test):
    """Duration and seekability come from the other process, too."""
    python = test_programs.find_gobject_python()
    player = file_player(test)
    viewer = test.run("viewer", python, APP, test.socket(), *SEEKS).finish()
    length = int(viewer.expect(r"^duration (\d+)$").group(1))
    test.check(abs(length - LENGTH_S * SECOND) < SECOND // 10, f"the duration is {length}")
    viewer.expect("^seekable True$")
    lines = [line.split() for line in viewer.lines if line.startswith("seek ")]
    test.equal(len(lines), len(SEEKS), "seeks")
    for (_, _, done, shown), wanted in zip(lines, SEEKS):
        test.equal(done, "True", f"the answer to a seek to {wanted} s")
        distance = int(shown) - int(wanted * SECOND)
        test.check(abs(distance) <= FRAME, f"the picture is {distance} ns from {wanted} s")
    player.send(signal.SIGINT)
    player.finish()


def test_what_comes_through_a_pipe_cannot_be_sought(test):
    """It says so, and goes on."""
    python = test_programs.find_gobject_python()
    path = test.dir / "clip.h264"
    pipe = test.dir / "pipe"
    media.ffmpeg("-i", clip(test), "-c", "copy", "-bsf:v", "h264_mp4toannexb", path)
    os.mkfifo(pipe)
    writer = test.run("cat", "sh", "-c", f"cat {path} >{pipe}")
    player = test.launch(f"filesrc location={pipe} ! h264parse ! tachyonsink "
                         f"wait-for-connection=true socket-path={test.socket()}", name="player")
    viewer = test.run("viewer", python, APP, test.socket(), 3).finish()
    viewer.expect("^seekable False$")
    shown = viewer.expect(r"^seek 3.0 False (\d+)$").group(1)
    test.check(0 < int(shown) < SECOND, f"the next picture is that of {shown}")
    player.send(signal.SIGINT)
    player.finish()
    writer.wait()


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
