#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A message is made in the memory that its receiver reads: nothing is copied on the way.

    ./bus_zero_copy.py
"""

import os
import sys

import numpy
import tachyon

MATRICES = 100
CELLS = 4096
TYPE_MATRIX = 1
TIMEOUT = 5.0

INDEX = numpy.arange(CELLS, dtype=numpy.uint32)


def send_matrix(bus, number):
    # Leaving the block sends it; an exception would take it back.
    with bus.send_zero_copy(INDEX.nbytes, TYPE_MATRIX, timeout=TIMEOUT) as message:
        matrix = numpy.frombuffer(message, numpy.uint32)
        numpy.multiply(INDEX, number, out=matrix)
        # The last one that looks at the memory has to let go of it.
        del matrix


def receive_matrix(bus, number):
    with bus.recv_zero_copy(timeout=TIMEOUT) as message:
        if message.type_id != TYPE_MATRIX or message.size != INDEX.nbytes:
            raise ValueError(f"not what was expected: type {message.type_id}")
        matrix = numpy.frombuffer(message, numpy.uint32)
        wrong = numpy.count_nonzero(matrix != INDEX * numpy.uint32(number))
        del matrix
    # The sender may overwrite it from here on.
    if wrong:
        raise ValueError(f"matrix {number}: {wrong} cells are wrong")


def produce(address):
    # Room for a few messages of 16 KiB. What was sent is still received after this closes.
    with tachyon.Bus.connect(address, 256 * 1024, timeout=TIMEOUT) as bus:
        for number in range(MATRICES):
            send_matrix(bus, number)


def consume(address):
    with tachyon.Bus.listen(address, timeout=TIMEOUT) as bus:
        for number in range(MATRICES):
            receive_matrix(bus, number)
    print(f"{MATRICES} matrices of {CELLS} cells, read where they were written")


def main():
    address = f"@tachyon-bus-zero-copy-{os.getpid()}"
    child = os.fork()
    if child == 0:
        produce(address)
        return 0
    try:
        consume(address)
    finally:
        status = os.waitpid(child, 0)[1]
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main())
