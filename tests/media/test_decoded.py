#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Clips decoded in one process and received in another: each frame is the one that ffmpeg sees."""

import sys

import clips
import media

# Whatever else a frame carries has to be what one process alone would see.
FIELDS = ["pts", "dts", "duration", "running", "offset", "offset_end", "flags", "size", "md5"]


def fields(process):
    """The frames without where their memory is; a stream that is joined begins with DISCONT."""
    frames = [[frame[field] for field in FIELDS] for frame in process.frames()]
    frames[0][FIELDS.index("flags")] = "40"
    return frames


def ticks(process, per_second):
    """The frames as ffmpeg counts them."""
    return [(round(int(frame["running"]) * per_second / 1e9), int(frame["size"]), frame["md5"])
            for frame in process.frames()]


def tags(process):
    """The tags in force at the end; those of before a source joins are not its own."""
    return sorted({text.split(",")[0]: text for text in process.events("tag")}.values())


def crosses(clip):
    """A test that sends a clip from gst-launch-1.0 to another process."""
    def run(test):
        media.need(clip.elements(), ["ffmpeg"])
        reference, per_second = clip.framemd5(test.dir)
        test.check(len(reference) >= clip.frames, f"ffmpeg decodes {len(reference)} frames")
        alone = test.play(f"{clip.decoder(test.dir)} ! appsink name=frames sync=false")
        alone.finish()

        sender = test.launch(f"{clip.decoder(test.dir)} ! tachyonsink sync=false "
                             f"wait-for-connection=true socket-path={test.socket()}")
        receiver = test.play(f"tachyonsrc timestamp-mode=passthrough socket-path={test.socket()} "
                             "! appsink name=frames sync=false", name="receiver")
        receiver.finish()
        sender.finish()

        test.equal(ticks(receiver, per_second), reference, "frames, as ffmpeg sees them")
        test.equal(fields(receiver), fields(alone), "frames, as one process sees them")
        for kind in ("caps", "segment", "eos"):
            test.equal(receiver.events(kind), alone.events(kind), kind)
        test.equal(tags(receiver), tags(alone), "tags")

    return run


for CLIP in clips.CLIPS.values():
    vars()["test_" + CLIP.name] = crosses(CLIP)

if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
