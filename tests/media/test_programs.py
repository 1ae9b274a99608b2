#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Programs that people have: a player, an application in Python, ffmpeg behind a pipe.

ffplay needs a display: ffmpeg and ffprobe, which read and decode as it does, stand for it.
"""

import hashlib
import pathlib
import subprocess
import sys

import media

# A width whose lines have no padding: ffmpeg reads pictures packed.
WIDTH, HEIGHT, COUNT = 320, 240, 40
PICTURE = (f"videotestsrc pattern=ball num-buffers={COUNT} ! "
           f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=30/1")
WAIT = "sync=false wait-for-connection=true"
APP = pathlib.Path(__file__).with_name("appsink_app.py")
FRAME_SIZE = WIDTH * HEIGHT * 3 // 2


def expected(test, source=PICTURE):
    """The md5 of each picture, as one process sees it."""
    alone = test.play(f"{source} ! appsink name=frames sync=false", name="alone").finish()
    return [frame["md5"] for frame in alone.frames()]


def send(test, source=PICTURE, socket="s"):
    """A producer."""
    return test.launch(f"{source} ! tachyonsink {WAIT} socket-path={test.socket(socket)}",
                       name="sender")


def pipe(test, elements, command):
    """What a program says of what comes through `tachyonsrc ! fdsink` into its standard input."""
    line = f"tachyonsrc socket-path={test.socket()} ! {elements} fdsink fd=1 sync=false"
    with subprocess.Popen(["gst-launch-1.0", "-q", *line.split()], stdout=subprocess.PIPE) as feed:
        try:
            result = subprocess.run(command, stdin=feed.stdout, capture_output=True, check=False,
                                    text=True, timeout=media.TIMEOUT_S)
            feed.stdout.close()
            test.equal(feed.wait(media.TIMEOUT_S), 0, "the end of gst-launch-1.0")
        finally:
            feed.kill()
    test.equal(result.returncode, 0, f"the end of {command[0]}: {result.stderr}")
    return result.stdout


def md5_lines(text):
    """The md5 of each frame of a framemd5."""
    return [line.split(",")[-1].strip() for line in text.splitlines() if line[:1] not in ("#", "")]


# --- a player ---


def play_uri(test, player):
    """A player writes what it shows into a file: that is what was sent."""
    shown = test.dir / "shown.yuv"
    sender = send(test)
    show = f"videoconvert ! video/x-raw,format=I420 ! filesink location={shown} sync=false"
    process = test.run("player", "gst-launch-1.0", "-q", player, f"uri=tachyon://{test.socket()}",
                       f'video-sink="{show}"')
    process.finish()
    sender.finish()
    data = shown.read_bytes()
    frames = [hashlib.md5(data[at:at + FRAME_SIZE]).hexdigest()
              for at in range(0, len(data), FRAME_SIZE)]
    test.equal(frames, expected(test), "pictures shown")


def test_playbin_plays_a_uri(test):
    """As any player does that is built on it."""
    play_uri(test, "playbin")


def test_playbin3_plays_a_uri(test):
    """The newer one, with streams and collections."""
    play_uri(test, "playbin3")


def test_uridecodebin_decodes_what_a_uri_has(test):
    """An encoded stream behind it is decoded by whatever decodes it."""
    media.need(["x264enc", "h264parse", "avdec_h264"])
    encoded = f"{PICTURE} ! x264enc tune=zerolatency speed-preset=ultrafast qp-min=20"
    sender = send(test, f"{encoded} ! h264parse")
    receiver = test.play(f"uridecodebin uri=tachyon://{test.socket()} ! videoconvert ! "
                         "video/x-raw,format=I420 ! appsink name=frames sync=false").finish()
    sender.finish()
    test.equal([frame["md5"] for frame in receiver.frames()],
               expected(test, f"{encoded} ! h264parse ! avdec_h264 ! videoconvert ! "
                        "video/x-raw,format=I420"), "pictures")


# --- an application in Python ---


def test_an_application_in_python_reads_every_picture(test):
    """PyGObject's appsink, in a process of its own."""
    python = find_gobject_python()
    receiver = test.run("app", python, APP, test.socket())
    sender = send(test)
    receiver.finish()
    sender.finish()
    frames = [line.split()[1:] for line in receiver.lines if line.startswith("frame ")]
    test.equal([frame[4] for frame in frames], expected(test), "pictures")
    test.equal([int(frame[0]) for frame in frames], list(range(COUNT)), "numbers")
    test.equal({(frame[2], frame[3]) for frame in frames}, {(str(WIDTH), str(HEIGHT))}, "sizes")
    receiver.expect("^copied 0$")


def find_gobject_python():
    """A python3 with PyGObject and GStreamer's typelibs, or a skip."""
    look = "import gi; gi.require_version('GstApp', '1.0'); from gi.repository import GstApp"
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", look], capture_output=True, check=False).returncode == 0:
            return python
    raise media.Skip("no python3 has PyGObject and GStreamer's typelibs")


# --- ffmpeg ---


def test_ffmpeg_reads_raw_pictures_from_a_pipe(test):
    """Each has the checksum that it had at its source."""
    media.need(programs=["ffmpeg"])
    sender = send(test)
    text = pipe(test, "", ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s",
                           f"{WIDTH}x{HEIGHT}", "-r", "30", "-i", "-", "-f", "framemd5", "-"])
    sender.finish()
    test.equal(md5_lines(text), expected(test), "pictures")


def test_ffmpeg_decodes_h264_from_a_pipe(test):
    """To the pictures that it makes of the same stream in a file."""
    media.need(["x264enc", "h264parse"], ["ffmpeg"])
    path = test.dir / "clip.h264"
    encoded = (f"{PICTURE} ! x264enc tune=zerolatency speed-preset=ultrafast ! h264parse ! "
               "video/x-h264,stream-format=byte-stream")
    test.launch(f"{encoded} ! filesink location={path}", name="file").finish()
    sender = send(test, f"filesrc location={path} ! h264parse")
    decode = ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
    text = pipe(test, "h264parse ! video/x-h264,stream-format=byte-stream !",
                ["ffmpeg", "-v", "error", "-f", "h264", "-i", "-", *decode])
    sender.finish()
    reference = md5_lines(media.ffmpeg("-f", "h264", "-i", path, *decode))
    test.equal(len(reference), COUNT, "pictures of the file")
    test.equal(md5_lines(text), reference, "pictures")


def test_ffprobe_counts_the_frames_of_a_muxed_stream(test):
    """Sound and picture, muxed at the far end."""
    media.need(["matroskamux", "x264enc", "h264parse"], ["ffprobe"])
    picture = test.launch(f"{PICTURE} ! x264enc tune=zerolatency ! h264parse ! tachyonsink {WAIT} "
                          f"socket-path={test.socket('picture')}", name="picture")
    sound = test.launch("audiotestsrc num-buffers=63 ! audio/x-raw,rate=48000,channels=2,"
                        f"format=S16LE ! tachyonsink {WAIT} socket-path={test.socket('sound')}",
                        name="sound")
    path = test.dir / "both.mkv"
    test.launch(f"matroskamux name=mux ! filesink location={path} "
                f"tachyonsrc timestamp-mode=passthrough socket-path={test.socket('picture')} ! "
                "h264parse ! mux. "
                f"tachyonsrc timestamp-mode=passthrough socket-path={test.socket('sound')} ! "
                "audio/x-raw ! mux.", name="muxer").finish()
    picture.finish()
    sound.finish()
    text = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries",
                           "stream=codec_name,nb_read_frames", "-of", "csv=p=0", path],
                          capture_output=True, check=True, text=True,
                          timeout=media.TIMEOUT_S).stdout
    test.equal(text.split(), [f"h264,{COUNT}", "pcm_s16le,63"], "what ffprobe sees")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
