#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# check.sh MODEL "-Dflags": explores one configuration of MODEL.pml with spin and prints "errors N, states N".
# 0: explored fully without error; 1: an error was found; 2: neither (no tools, time or memory ran out).
# A mutation (-DM_…) fails soon: it is not worth optimising for.
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" || exit 2
case $2 in *-DM_*) optimise=-O0 ;; *) optimise=-O1 ;; esac

# shellcheck disable=SC2086
spin -a $2 "$here/$1.pml" >spin.out 2>&1 || { sed 5q spin.out; exit 2; }
gcc $optimise -w -DSAFETY -DVECTORSZ=1024 -DMEMLIM=3000 ${PAN_CFLAGS:-} -o pan pan.c || exit 2
timeout -s INT "${SECONDS_MAX:-300}" ./pan -E -m200000 >pan.out 2>&1

errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.out)
states=$(awk '/states, stored/ {print $1; exit}' pan.out)
echo "errors ${errors:-?}, states ${states:-?}"
[ "${errors:-0}" -gt 0 ] && exit 1
grep -qiE 'max search depth too small|out of memory|search not completed' pan.out && exit 2
[ "$errors" = 0 ] || exit 2
