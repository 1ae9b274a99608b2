# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The endpoint in Python of the streams between languages: README.md says what it writes, reads and
prints."""

import select
import sys

import numpy
import sequence
import streams
from tachyon import stream

TIMEOUT = 60


def check(condition, text):
    """Say what is wrong, in one line, and end."""
    if not condition:
        sys.exit(text)


def create_or_open(name, dtype, shape):
    """Whoever comes first creates it."""
    try:
        return stream.create(name, shape=shape, dtype=dtype)
    except FileExistsError:
        found = stream.open(name)
    check((found.dtype, found.shape) == (numpy.dtype(dtype), shape),
          f"{name}: another type or shape: {found.dtype}, {found.shape}")
    return found


def open_pair(name, kind):
    """A stream of values, and what their reader has seen of them."""
    return (create_or_open(f"{name}-{kind}", kind, streams.SHAPE),
            create_or_open(f"{name}-{kind}-seen", "uint64", ()))


def value_of(kind, number):
    """A value, as an array."""
    dtype = numpy.dtype(kind)
    return numpy.frombuffer(streams.value(kind, dtype.itemsize, number), dtype).reshape(
        streams.SHAPE)


def write_value(values, value, number):
    """Each way to write, in turn."""
    if number % 3 == 0:
        values.write(value, timeout=TIMEOUT)
    elif number % 3 == 1:
        with values.write_view(timeout=TIMEOUT) as view:
            view[...] = value
    else:
        with values.locked(timeout=TIMEOUT):
            values.read(safe=False)[...] = value


def write_kind(name, kind, count, tally):
    """All values of one type, each after the one before was seen."""
    values, seen = open_pair(name, kind)
    with values, seen:
        for number in range(1, count + 1):
            value = value_of(kind, number)
            write_value(values, value, number)
            tally.add(value.tobytes())
            seen.wait(number, timeout=TIMEOUT)
        # The reader has both open.
        values.unlink()
        seen.unlink()


def await_by_descriptor(values, number):
    """What an event loop does."""
    is_there = values.prepare(number)
    while not is_there:
        check(select.select([values], [], [], TIMEOUT)[0], "the select slept on")
        is_there = values.dispatch(number)


def read_value(values, number):
    """Each way to read, in turn. The first value may have been there at the opening."""
    if number % 2 == 0:
        values.fileno()
        await_by_descriptor(values, number)
    if number % 3 == 0:
        values.wait(number, timeout=TIMEOUT)
        with values.locked(timeout=TIMEOUT):
            values.read(safe=False).copy()
    if number % 3 == 1 and number > 1:
        value = values.read_new(timeout=TIMEOUT)
        check(values.count == number, f"value {number} came as {values.count}")
        return value
    snapshot = values.snapshot(newer_than=number - 1, timeout=TIMEOUT)
    check((snapshot.count, snapshot.missed) == (number, 0),
          f"value {number} came as {snapshot.count}, {snapshot.missed} missed")
    return snapshot.value


def read_kind(name, kind, count, tally):
    """All values of one type."""
    values, seen = open_pair(name, kind)
    with values, seen:
        for number in range(1, count + 1):
            # Floats that are no numbers are not equal to themselves; their bytes are.
            content = read_value(values, number).tobytes()
            check(content == value_of(kind, number).tobytes(), f"{kind}: value {number} is wrong")
            tally.add(content)
            seen.write(number, timeout=TIMEOUT)


def add(name, count, total):
    """Add one, so many times, under the lock. Returns the sum when all have added theirs."""
    with create_or_open(name, "uint64", ()) as number:
        for _ in range(count):
            with number.locked(timeout=TIMEOUT):
                number.read(safe=False)[...] += numpy.uint64(1)
        number.wait(total, timeout=TIMEOUT)
        return int(number.read())


def main(arguments):
    """Do what the command line says."""
    what, name, *numbers = arguments
    if what == "add":
        print(f"sum {add(name, *map(int, numbers))}")
        return 0
    tally = sequence.Tally()
    for kind in streams.KINDS:
        {"write": write_kind, "read": read_kind}[what](name, kind, int(numbers[0]), tally)
    print(tally.line("values"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
