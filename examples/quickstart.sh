#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Plays a clip from one process to another, and proves that every frame arrived: builds what is
# needed, on a Debian 12 machine, from nothing; as root or with sudo.
#
# One process decodes the clip into shared memory, the other reads the frames there. The last line
# says what was seen; so does the exit status.
set -euo pipefail
cd "$(dirname "$0")/.."

clip_seconds=10
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
export GST_PLUGIN_PATH=$PWD/build/gst GST_REGISTRY=$work/registry

say() {
    printf 'quickstart: %s\n' "$*"
}

quietly() {
    "$@" >"$work/log" 2>&1 || {
        tail -n 40 "$work/log"
        say "this failed: $*"
        exit 1
    }
}

# play PIPELINE: gst-launch-1.0 with eyes; prints each frame that arrives, and figures at the end.
play() {
    timeout 120 build/tests/media/play "$1"
}

say "installing what is missing"
tests/need.sh ffmpeg gcc gstreamer1.0-libav gstreamer1.0-plugins-bad gstreamer1.0-plugins-base \
    gstreamer1.0-plugins-good libc6-dev libgstreamer-plugins-base1.0-dev libgstreamer1.0-dev \
    meson ninja-build pkg-config python3

say "building"
[ -d build/meson-private ] || quietly meson setup build -Dgst=enabled
quietly ninja -C build gst/libgsttachyon.so tests/media/play

say "making a clip: $clip_seconds s of 720p H.264 and stereo AAC"
quietly ffmpeg -nostdin -v error \
    -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 \
    -t "$clip_seconds" -pix_fmt yuv420p -c:v libx264 -preset veryfast -bf 3 -ac 2 -c:a aac \
    "$work/clip.mp4"

# decode VIDEO-SINK AUDIO-SINK: the pipeline that decodes the clip into two sinks.
decode() {
    echo "filesrc location=$work/clip.mp4 ! qtdemux name=demux
        demux.video_0 ! queue ! h264parse ! avdec_h264 ! $1
        demux.audio_0 ! queue ! aacparse ! avdec_aac ! $2"
}
video="appsink name=video sync=false"
audio="appsink name=audio sync=false"
sink="tachyonsink sync=false wait-for-connection=true socket-path=$work"
source="tachyonsrc timestamp-mode=passthrough socket-path=$work"

say "playing it from one process to another"
play "$(decode "$sink/video" "$sink/audio")" >"$work/sent" &
sender=$!
play "$source/video ! $video  $source/audio ! $audio" >"$work/received" &
receiver=$!
while kill -0 $receiver 2>/dev/null; do
    sleep 0.2
    printf '\rquickstart: %d frames ' "$(grep -c '^frame video ' "$work/received")"
done
printf '\n'
wait $receiver
wait $sender

say "decoding it again, in one process"
play "$(decode "$video" "$audio")" >"$work/reference"

# frames FILE ELEMENT: time stamp and checksum of each frame that the element received.
frames() {
    grep "^frame $2 " "$1" | grep -o ' \(pts\|md5\)=[^ ]*'
}
checksums=equal
for element in video audio; do
    cmp -s <(frames "$work/received" $element) <(frames "$work/reference" $element) ||
        checksums=different
done
count=$(grep -c '^frame video ' "$work/received")
# Two elements in each process say what they copied.
copied=$(grep -ho ' copied=[0-9]*' "$work/sent" "$work/received" |
    awk -F= '{ sum += $2 } END { print NR == 4 ? sum : "unknown" }')

say "$count frames, $copied copied, checksums $checksums"
[ "$count frames, $copied copied, $checksums" = "$((clip_seconds * 30)) frames, 0 copied, equal" ]
