#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Two pipelines in two processes: what one would type in two terminals.
# Usage: pipeline.sh [SINK]    where the picture goes: autovideosink, or fakesink to see nothing
set -eu

export GST_PLUGIN_PATH="${GST_PLUGIN_PATH:-$(dirname "$0")/../build/gst}"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

gst-launch-1.0 -q videotestsrc num-buffers=90 pattern=ball \
    ! video/x-raw,format=I420,width=640,height=480,framerate=30/1 \
    ! tachyonsink socket-path="$directory/picture" wait-for-connection=true &
sender=$!

gst-launch-1.0 -q tachyonsrc socket-path="$directory/picture" \
    ! videoconvert ! "${1:-autovideosink}" || {
    kill $sender
    exit 1
}
wait $sender
