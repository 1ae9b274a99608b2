#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# Runs publish and subscribe against each other; fails unless every frame arrives.
# Usage: smoke.sh PUBLISH SUBSCRIBE [INTERPRETER]
set -eu

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

${3:-} "$1" "$directory/picture" 20 &
publisher=$!
${3:-} "$2" "$directory/picture" >"$directory/log" || {
    kill $publisher
    exit 1
}
wait $publisher
cat "$directory/log"
grep -q '^caps video/x-raw' "$directory/log"
[ "$(grep -c '^frame ' "$directory/log")" -eq 20 ]
