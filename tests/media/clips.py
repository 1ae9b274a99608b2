# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Clips that ffmpeg makes at test time, how GStreamer decodes each, and what ffmpeg sees in it."""

import dataclasses

import media


@dataclasses.dataclass
class Clip:
    """How to make a clip, and two ways to decode it to the same frames."""

    name: str  # of the file
    make: str  # ffmpeg's arguments
    decode: str  # GStreamer's elements behind filesrc
    frames: int  # at least; some audio encoders add silence
    copied: bool = False  # the decoder brings memory of its own
    reference: str = "-fps_mode passthrough -enc_time_base -1"  # ffmpeg's arguments after -i
    reference_input: str = ""  # and before it

    def source(self, directory):
        """Make the clip; its path."""
        path = directory / self.name
        if not path.exists():
            media.ffmpeg(*self.make.split(), path)
        return path

    def decoder(self, directory):
        """The pipeline that decodes it."""
        return f"filesrc location={self.source(directory)} ! {self.decode}"

    def elements(self):
        """The elements that GStreamer must have."""
        return [part.split()[0] for part in self.decode.split("!") if "/" not in part.split()[0]]

    def framemd5(self, directory):
        """[(pts in ticks, size, md5)] of a decode by ffmpeg, and the ticks in a second."""
        text = media.ffmpeg(*self.reference_input.split(), "-i", self.source(directory),
                            *self.reference.split(), "-f", "framemd5", "-")
        frames = []
        ticks = 0
        for line in text.splitlines():
            if line.startswith("#tb 0:"):
                numerator, denominator = line.split(":")[1].split("/")
                ticks = int(denominator) / int(numerator)
            elif not line.startswith("#"):
                _, _, pts, _, size, md5 = [field.strip() for field in line.split(",")]
                frames.append((int(pts), int(size), md5))
        return frames, ticks


def picture(size, count, options):
    """ffmpeg's arguments for a moving picture."""
    return f"-f lavfi -i testsrc2=size={size}:rate=30 -frames:v {count} {options}"


def sound(channels, seconds, options):
    """ffmpeg's arguments for sound."""
    return f"-f lavfi -i sine=frequency=440:duration={seconds} -ac {channels} {options}"


H264 = "-c:v libx264 -preset veryfast -bf 3 -g 20 -threads 2 -pix_fmt "
TO_H264 = "qtdemux ! h264parse"
S16_FRAMES = "-af asetnsamples=n=160:p=0 -c:a pcm_s16le"

CLIPS = {clip.name: clip for clip in [
    Clip("h264-1080p.mp4", picture("1920x1080", 60, H264 + "yuv420p"),
         TO_H264 + " ! avdec_h264", 60),
    Clip("h264-322x242.mp4", picture("322x242", 60, H264 + "yuv420p"),
         TO_H264 + " ! avdec_h264", 60),
    Clip("h264-10bit.mp4", picture("322x242", 40, H264 + "yuv420p10le"),
         TO_H264 + " ! avdec_h264", 40),
    Clip("odd.mkv", picture("160x120", 25, "-vf scale=161:121 -pix_fmt yuv420p -c:v ffv1"),
         "matroskademux ! avdec_ffv1", 25),
    Clip("i420.y4m", picture("322x242", 25, "-pix_fmt yuv420p"), "y4mdec", 25, copied=True),
    Clip("nv12.yuv", picture("320x240", 25, "-pix_fmt nv12 -f rawvideo"),
         "rawvideoparse format=nv12 width=320 height=240 framerate=30/1", 25, copied=True,
         reference_input="-f rawvideo -pix_fmt nv12 -s 320x240 -r 30"),
    Clip("stereo.aac", sound(2, 2, "-c:a aac -f adts"), "aacparse ! avdec_aac", 86, copied=True,
         reference="-c:a pcm_f32le"),
    Clip("mulaw.wav", sound(1, 1, "-ar 8000 -c:a pcm_mulaw"),
         "wavparse ! mulawdec ! audiobuffersplit output-buffer-size=320", 50, copied=True,
         reference=S16_FRAMES),
    Clip("pcm-8k.wav", sound(1, 1, "-ar 8000 -c:a pcm_s16le"),
         "wavparse ! audiobuffersplit output-buffer-size=320", 50, copied=True,
         reference=S16_FRAMES),
]}
