#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The other tests can fail: each is run on a pipeline that a saboteur changed, and must notice."""

import sys

import media
import test_caps
import test_decoded
import test_encoded
import test_lifecycle
import test_peers
import test_programs
import test_system_calls
import test_zero_copy

SINK = " ! tachyonsink"


def notices(function, what, by_what, reason):
    """A test that another test fails, for this reason, when `what` is replaced in pipelines."""
    def run(test):
        outcome, why = media.run_test(function, (what, by_what))
        if outcome == "skip":
            raise media.Skip(why)
        test.equal(outcome, "fail", "the outcome")
        test.check(reason in why, f"another reason than {reason!r}: {why}")

    return run


def decoded(name):
    """The test of a clip."""
    return getattr(test_decoded, f"test_{name}")


test_a_changed_pixel = notices(
    decoded("h264-322x242.mp4"), SINK, " ! videobalance brightness=0.01" + SINK,
    "frames, as ffmpeg sees them: number 0 ")
test_a_missing_frame = notices(
    decoded("h264-322x242.mp4"), SINK, " ! identity eos-after=60" + SINK,
    "frames, as ffmpeg sees them: 59, not 60")
test_another_time = notices(
    decoded("h264-322x242.mp4"), SINK, " ! videorate rate=2.0" + SINK,
    "frames, as ffmpeg sees them: ")
test_a_changed_sample = notices(
    decoded("pcm-8k.wav"), SINK, " ! volume volume=0.99" + SINK,
    "frames, as ffmpeg sees them: number 0 ")
test_another_segment = notices(
    decoded("h264-322x242.mp4"), SINK, " ! identity single-segment=true" + SINK,
    "frames, as one process sees them: number 0 ")
test_another_tag = notices(
    decoded("nv12.yuv"), SINK, " ! taginject tags=title=x" + SINK, "tags: ")
test_a_missing_packet = notices(
    test_encoded.test_h264_as_it_lies_in_a_file_is_muxed_in_the_other_process,
    SINK, " ! identity eos-after=50" + SINK, "packets, as one process muxes them: ")
test_an_added_header = notices(
    test_encoded.test_h264_as_it_lies_in_a_file_is_muxed_in_the_other_process,
    "stream-format=avc", "stream-format=byte-stream", "packets, as ffmpeg made them: number ")
test_a_copy = notices(
    test_zero_copy.test_videotestsrc_1080p, SINK, " ! tee" + SINK, "frames that the sink copied")
test_a_copy_of_sound = notices(
    test_zero_copy.test_audiotestsrc, SINK, " ! tee" + SINK, "frames that the sink copied")
test_a_copy_by_the_receiver = notices(
    test_zero_copy.test_videotestsrc_1080p, " ! appsink", " ! videobalance hue=0.1 ! appsink",
    "memory")
test_system_calls_of_the_sender = notices(
    test_system_calls.test_free_running_1080p, "leaky-type=upstream", "max-buffers=1",
    "calls a frame at the sender")
test_a_receiver_that_does_not_sleep = notices(
    test_system_calls.test_a_sleeping_consumer_costs_the_producer_two,
    " appsink", " identity sleep-time=30000 ! appsink", "calls a frame")
test_lost_caps = notices(
    test_caps.test_renegotiation, "tachyonsink",
    "videoscale ! video/x-raw,width=320,height=240 ! tachyonsink", "frames")
test_restamped_frames = notices(
    test_lifecycle.test_source_first, "timestamp-mode=passthrough", "timestamp-mode=arrival",
    "frames")
test_frames_lost_by_one_of_four = notices(
    test_lifecycle.test_four_subscribers_see_every_frame, "tachyonsink",
    "tachyonsink leaky-type=upstream max-buffers=1", "frames of receiver")
test_a_leaky_sink_that_waits = notices(
    test_lifecycle.test_a_stopped_subscriber_of_a_leaky_sink_loses_only_its_own_frames,
    "leaky-type=upstream", "leaky-type=none", "lines with '^frame'")
test_the_wrong_end = notices(
    test_lifecycle.test_a_killed_publisher_is_an_error, "on-disconnect=error",
    "on-disconnect=eos", "ended with 0, not 1")
test_no_wait = notices(
    test_lifecycle.test_sink_first, "wait-for-connection=true", "wait-for-connection=false",
    "the sink waits")

test_another_picture_through_a_pipe = notices(
    test_programs.test_ffmpeg_reads_raw_pictures_from_a_pipe, SINK,
    " ! videobalance brightness=0.1" + SINK, "pictures: number 0 ")
test_another_picture_in_a_player = notices(
    test_programs.test_playbin_plays_a_uri, SINK, " ! videobalance brightness=0.1" + SINK,
    "pictures shown: number 0 ")
test_a_frame_less_for_an_application = notices(
    test_programs.test_an_application_in_python_reads_every_picture, SINK,
    " ! identity eos-after=40" + SINK, "pictures: 39, not 40")
test_a_sink_that_complains = notices(
    test_peers.test_ctrl_c_at_the_sink_ends_both_quietly, "framerate=60/1",
    "framerate=60/1 ! identity error-after=3", "lines with '^frame'")

if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
