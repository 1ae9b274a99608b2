#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Nothing is copied: the sink says so, and the bytes received lie in the sink's memory."""

import sys

import clips
import media

COUNT = 60


def video(size, pixels):
    """A source that takes the memory it is offered."""
    width, height = size.split("x")
    return (f"videotestsrc num-buffers={COUNT} ! "
            f"video/x-raw,format={pixels},width={width},height={height},framerate=30/1")


def send(test, elements, *options):
    """Send it all to another process, which has these options; (sender, receiver)."""
    sender = test.play(f"{elements} ! tachyonsink name=sink sync=false wait-for-connection=true "
                       f"socket-path={test.socket()}", name="sender")
    receiver = test.play(f"tachyonsrc name=source timestamp-mode=passthrough "
                         f"socket-path={test.socket()} ! appsink name=frames sync=false",
                         *options, name="receiver").finish()
    sender.finish()
    return sender, receiver


def check_nothing_is_copied(test, elements, count):
    """All figures, and all addresses."""
    sender, receiver = send(test, elements)
    for process, element in ((sender, "sink"), (receiver, "source")):
        stats = process.stats(element)
        test.equal(stats["frames"], count, f"frames of the {element}")
        test.equal(stats["copied"], 0, f"frames that the {element} copied")
        test.equal(stats["dropped"], 0, f"frames that the {element} dropped")
    test.equal(sender.stats("sink")["bytes"], receiver.stats("source")["bytes"], "bytes")
    test.equal(len(receiver.frames()), count, "frames")
    test.equal({frame["memory"] for frame in receiver.frames()}, {"shared"}, "memory")


def test_videotestsrc_1080p(test):
    """The size that matters most."""
    check_nothing_is_copied(test, video("1920x1080", "NV12"), COUNT)


def test_videotestsrc_4k(test):
    """Few blocks make the 16 MiB that may wait."""
    check_nothing_is_copied(test, video("3840x2160", "NV12"), COUNT)


def test_videotestsrc_of_an_odd_size(test):
    """Lines with padding."""
    check_nothing_is_copied(test, video("322x242", "I420"), COUNT)


def test_videotestsrc_of_10_bits(test):
    """Two bytes a sample."""
    check_nothing_is_copied(test, video("322x242", "I420_10LE"), COUNT)


def test_audiotestsrc(test):
    """Sound has no pool: the allocator alone must do it."""
    check_nothing_is_copied(test, f"audiotestsrc num-buffers={COUNT} ! "
                            "audio/x-raw,format=S16LE,rate=48000,channels=2", COUNT)


def test_audiotestsrc_of_10_ms(test):
    """Small buffers, from the same allocator."""
    check_nothing_is_copied(test, f"audiotestsrc num-buffers={COUNT} samplesperbuffer=480 ! "
                            "audio/x-raw,format=S16LE,rate=48000,channels=2", COUNT)


def test_avdec_h264(test):
    """A decoder that keeps pictures to refer to, and gives them out of order."""
    clip = clips.CLIPS["h264-1080p.mp4"]
    media.need(clip.elements(), ["ffmpeg"])
    check_nothing_is_copied(test, clip.decoder(test.dir), clip.frames)


def test_avdec_h264_of_an_odd_size(test):
    """The decoder's own padding around each picture."""
    clip = clips.CLIPS["h264-322x242.mp4"]
    media.need(clip.elements(), ["ffmpeg"])
    check_nothing_is_copied(test, clip.decoder(test.dir), clip.frames)


def test_videoconvert(test):
    """A converter takes the memory that it is offered."""
    check_nothing_is_copied(test, f"{video('640x480', 'I420')} ! videoconvert ! "
                            "video/x-raw,format=RGB", COUNT)


# --- the measure can fail ---


def test_what_brings_memory_of_its_own_is_copied_once(test):
    """A tee hands no pool upstream; what arrives is in shared memory all the same."""
    sender, receiver = send(test, f"{video('1920x1080', 'NV12')} ! tee")
    test.equal(sender.stats("sink")["frames"], COUNT, "frames")
    test.equal(sender.stats("sink")["copied"], COUNT, "frames copied")
    test.equal(receiver.stats("source")["copied"], 0, "frames copied by the source")
    test.equal({frame["memory"] for frame in receiver.frames()}, {"shared"}, "memory")


def test_what_cannot_read_planes_and_strides_gets_a_packed_copy(test):
    """The decoder's padding is where an element without GstVideoMeta would look for a picture."""
    clip = clips.CLIPS["h264-322x242.mp4"]
    media.need(clip.elements(), ["ffmpeg"])
    sender, receiver = send(test, clip.decoder(test.dir), "--packed")
    test.equal(sender.stats("sink")["copied"], 0, "frames copied by the sink")
    # By the source, until the decoder hears of it, and packs them itself.
    copied = receiver.stats("source")["copied"]
    test.check(copied <= clip.frames, f"{copied} frames copied by the source")
    own = [frame["memory"] for frame in receiver.frames()].count("own")
    test.equal(own, copied, "frames in memory of the receiver's own")
    alone = test.play(f"{clip.decoder(test.dir)} ! appsink name=frames sync=false").finish()
    test.equal([frame["md5"] for frame in receiver.frames()],
               [frame["md5"] for frame in alone.frames()], "pictures")


def test_memory_of_ones_own_is_not_taken_for_shared(test):
    """What `play` looks for is not there in one process."""
    alone = test.play(f"{video('322x242', 'I420')} ! appsink name=frames sync=false").finish()
    test.equal({frame["memory"] for frame in alone.frames()}, {"own"}, "memory")


def test_a_copy_of_what_was_received_is_not_taken_for_shared(test):
    """An element between source and appsink that copies."""
    sender = test.launch(f"{video('322x242', 'I420')} ! tachyonsink sync=false "
                         f"wait-for-connection=true socket-path={test.socket()}")
    receiver = test.play(f"tachyonsrc socket-path={test.socket()} ! videobalance hue=0.5 ! "
                         "appsink name=frames sync=false").finish()
    sender.finish()
    test.equal({frame["memory"] for frame in receiver.frames()}, {"own"}, "memory")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
