#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The newest value of an array, by name: one process writes a matrix again and again, another reads
whatever is the newest when it looks, and sleeps until there is one.

    ./stream.py
"""

import os
import sys

import numpy
import tachyon.stream

SHAPE = (64, 64)
WRITES = 1000
TIMEOUT = 5.0


def write_matrices(stream):
    for number in range(1, WRITES + 1):
        # In place, and nobody sees it before it is complete. stream.write(matrix) copies one.
        with stream.write_view(timeout=TIMEOUT) as matrix:
            matrix[:] = number


def read_matrices(name):
    seen = 0
    count = 0
    with tachyon.stream.open(name) as stream:
        while count < WRITES:
            # stream.read_new() is the same without the count.
            matrix, count, _, _ = stream.snapshot(newer_than=count, timeout=TIMEOUT)
            if not (matrix == count).all():
                raise ValueError(f"a mixture: {matrix}")
            seen += 1
    print(f"{seen} of {WRITES} matrices seen, the newest each time, each complete")


def main():
    name = f"example-{os.getpid()}"
    stream = tachyon.stream.create(name, shape=SHAPE, dtype=numpy.float64)
    child = os.fork()
    if child == 0:
        write_matrices(stream)
        return 0
    try:
        read_matrices(name)
    finally:
        status = os.waitpid(child, 0)[1]
        # Until here it would have outlived us.
        stream.delete()
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main())
