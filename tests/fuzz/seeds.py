#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Writes the seeds that a fuzzer is slow to find: whole texts, for the element target.

The first byte of an input is what it is (fuzz_one() in fuzz-element.c).
"""

import pathlib

CAPS, STRUCTURE, WISH, MESSAGE = 2, 3, 4, 5
FLUSH, REQUEST, ANSWER, NEEDS = 0, 1, 2, 3

TEXTS = {
    "caps-video": (CAPS, "video/x-raw, format=(string)I420, width=(int)16, height=(int)16, "
                         "framerate=(fraction)30/1"),
    "caps-features": (CAPS, "video/x-raw(memory:DMABuf), drm-format=(string)NV12:0x01"),
    "caps-nested": (CAPS, 'a/b, list=(int){ 1, 2 }, array=(string)< "x\\" y", z >, '
                          "range=(structure)[inner, n=(double)1.5];"),
    "caps-buffer": (CAPS, "audio/x-opus, streamheader=(buffer)< 00ff, 1234 >, mask=(bitmask)0x3"),
    "structure-types": (STRUCTURE, "s, i=(int)-1, g=(gint64)-5, b=(boolean)true, d=(date)2026-11-22, "
                                   "t=(datetime)2026-11-22T10:00:00Z, f=(fraction)1/2"),
    "structure-deep": (STRUCTURE, "a, x=(int){ 1, 2, 3 }, y=(int)< < 1 >, < 2 > >"),
    "wish-ranges": (WISH, "video/x-raw, format=(string){ I420, NV12 }, width=(int)[ 1, 100, 2 ]; "
                          "video/x-raw(memory:DMABuf)"),
    "wish-fractions": (WISH, "audio/x-raw, framerate=(fraction)[ 0/1, 60/1 ], rate=(int)48000"),
}
MESSAGES = {
    "message-seek": (REQUEST, 1, 2, 0, 0,
                     "seek, rate=(double)1.0, format=(int)3, flags=(uint)1, start-type=(int)1, "
                     "start=(gint64)0, stop-type=(int)0, stop=(gint64)-1, interval=(guint64)0, "
                     "seqnum=(uint)7"),
    "message-query": (REQUEST, 1, 1, 5126, 0, "query, format=(int)3"),
    "message-answer": (ANSWER, 1, 1, "answer, format=(int)3, value=(gint64)5"),
    "message-needs": (NEEDS, 3, 15, 1, 0, "video/x-raw, width=(int)[ 1, 100 ]"),
}


def main():
    folder = pathlib.Path(__file__).resolve().parent / "corpus" / "element"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (kind, text) in TEXTS.items():
        (folder / name).write_bytes(bytes([kind]) + text.encode())
    for name, (kind, *words) in MESSAGES.items():
        head = b"".join(word.to_bytes(4, "little") for word in words[:-1])
        # No change; then all of it.
        (folder / name).write_bytes(bytes([MESSAGE, kind, 0]) + head + words[-1].encode())


if __name__ == "__main__":
    main()
