#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Encoded streams cross as they are: muxed in another process, ffprobe finds the same packets."""

import json
import subprocess
import sys

import clips
import media

FIELDS = ["pts_time", "dts_time", "size", "flags", "data_hash"]


def packets(path, stream):
    """[FIELDS] of the packets of one stream of a file."""
    result = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_packets",
                             "-show_data_hash", "md5", "-of", "json", path],
                            capture_output=True, check=True, text=True, timeout=media.TIMEOUT_S)
    return [[packet.get(field) for field in FIELDS]
            for packet in json.loads(result.stdout)["packets"]]


def without_headers(path):
    """A copy without delimiters and parameter sets, which parsers put in and take out."""
    clean = path.with_suffix(".clean.mp4")
    media.ffmpeg("-i", path, "-c", "copy", "-an", "-bsf:v", "filter_units=remove_types=7-9", clean)
    return clean


def make_clip(test):
    """H.264 and AAC in one file, the AAC without samples to skip, and its elementary stream."""
    video = clips.CLIPS["h264-1080p.mp4"].source(test.dir)
    audio = clips.CLIPS["stereo.aac"].source(test.dir)
    media.ffmpeg("-i", audio, "-c", "copy", test.dir / "audio.mp4")
    return video, audio


def send(test, elements, mux):
    """Parse here, mux there, and mux all in one process; both files."""
    media.need(["h264parse", "aacparse", "qtdemux", mux], ["ffmpeg", "ffprobe"])
    video, audio = make_clip(test)
    video_source = f"filesrc location={video} ! qtdemux ! {elements}"
    audio_source = f"filesrc location={audio} ! aacparse"
    there, here = test.dir / "there.mp4", test.dir / "here.mp4"

    sink = "tachyonsink sync=false wait-for-connection=true socket-path="
    sender = test.launch(f"{video_source} ! {sink}{test.socket('v')} "
                         f"{audio_source} ! {sink}{test.socket('a')}", name="sender")
    source = "tachyonsrc timestamp-mode=passthrough socket-path="
    receiver = test.launch(f"{mux} name=mux ! filesink location={there} "
                           f"{source}{test.socket('v')} ! h264parse ! queue ! mux. "
                           f"{source}{test.socket('a')} ! aacparse ! queue ! mux.",
                           name="receiver")
    receiver.finish()
    sender.finish()
    test.launch(f"{mux} name=mux ! filesink location={here} "
                f"{video_source} ! h264parse ! queue ! mux. "
                f"{audio_source} ! aacparse ! queue ! mux.").finish()
    return there, here, video


def check_audio(test, there):
    """The AAC packets are those of the elementary stream."""
    expected = packets(test.dir / "audio.mp4", "a")
    test.check(len(expected) >= clips.CLIPS["stereo.aac"].frames, f"{len(expected)} AAC packets")
    test.equal(packets(there, "a"), expected, "AAC packets")


def test_h264_byte_stream_and_aac_are_muxed_in_the_other_process(test):
    """As cameras and encoders send it."""
    there, here, video = send(test, "h264parse ! video/x-h264,stream-format=byte-stream,"
                              "alignment=au", "mp4mux")
    test.equal(packets(there, "v"), packets(here, "v"), "packets, as one process muxes them")
    test.equal(packets(without_headers(there), "v"), packets(without_headers(video), "v"),
               "packets, as ffmpeg made them")
    check_audio(test, there)


def test_h264_as_it_lies_in_a_file_is_muxed_in_the_other_process(test):
    """With codec_data in the caps; from 1.26 on the parser repeats it in the first packet."""
    there, here, video = send(test, "h264parse ! video/x-h264,stream-format=avc,alignment=au",
                              "mp4mux")
    test.equal(packets(there, "v"), packets(here, "v"), "packets, as one process muxes them")
    test.equal(packets(without_headers(there), "v"), packets(without_headers(video), "v"),
               "packets without headers, as ffmpeg made them")
    test.equal(packets(there, "v")[1:], packets(video, "v")[1:], "packets, as ffmpeg made them")
    check_audio(test, there)


def test_streams_are_muxed_into_matroska(test):
    """Another muxer, which wants other things of its input."""
    there, here, _ = send(test, "h264parse ! video/x-h264,stream-format=avc,alignment=au",
                          "matroskamux")
    test.check(packets(here, "v"), "packets are found")
    test.equal(packets(there, "v"), packets(here, "v"), "H.264 packets")
    test.equal(packets(there, "a"), packets(here, "a"), "AAC packets")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
