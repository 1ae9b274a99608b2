#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Runs numpy_camera.py on a pipeline; fails unless it sees every picture it asks for.
# Usage: camera.sh INTERPRETER SCRIPT
set -eu

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

gst-launch-1.0 -q videotestsrc num-buffers=30 ! video/x-raw,format=RGB,width=320,height=240 \
    ! tachyonsink sync=false wait-for-connection=true socket-path="$directory/camera" &
pipeline=$!
"$1" "$2" "$directory/camera" 20 >"$directory/log" || {
    kill $pipeline
    cat "$directory/log"
    exit 1
}
kill $pipeline 2>/dev/null || true
wait $pipeline || true
cat "$directory/log"
[ "$(grep -c '240 x 320 x 3, pts ' "$directory/log")" -eq 20 ]
