#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Runs last_image.py on a pipeline; fails unless it sees every image it asks for.
# Usage: last_image.sh INTERPRETER SCRIPT
set -eu

name=last-image-$$
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

gst-launch-1.0 -q videotestsrc is-live=true ! video/x-raw,format=RGB,width=320,height=240 \
    ! tachyonsink socket-path="$directory/camera" stream-name="$name" &
pipeline=$!

# The stream is there when the pipeline knows what its pictures look like.
tries=100
until [ -e "/dev/shm/tachyon.$(id -u).$name" ] || [ $tries -eq 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
status=0
"$1" "$2" "$name" 5 >"$directory/log" || status=$?
# So that it goes down in order, and takes the stream with it.
kill -INT $pipeline || true
wait $pipeline || true

cat "$directory/log"
[ $status -eq 0 ]
[ "$(grep -c '^image .*240 x 320 x 3, mean ' "$directory/log")" -eq 5 ]
[ ! -e "/dev/shm/tachyon.$(id -u).$name" ]
