#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""C, Python and Rust write streams that the others read, as README.md says; prints TAP.

An endpoint that is not given was not built: its tests are skipped.
"""

import argparse
import os
import pathlib
import subprocess
import sys

import interop
import sequence

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("C", "Python", "Rust")
SHAPE = (33, 17)
# As NumPy calls them, and their bytes.
KINDS = {"bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint8": 1, "uint16": 2,
         "uint32": 4, "uint64": 8, "float16": 2, "float32": 4, "float64": 8, "longdouble": 16,
         "complex64": 8, "complex128": 16, "clongdouble": 32}


def value(kind, item_size, number):
    """The bytes of value number of a type."""
    content = sequence.picture(number)[:item_size * SHAPE[0] * SHAPE[1]]
    return bytes(byte & 1 for byte in content) if kind == "bool" else content


def expected(count):
    """The report that both ends must give."""
    tally = sequence.Tally()
    for kind, item_size in KINDS.items():
        for number in range(1, count + 1):
            tally.add(value(kind, item_size, number))
    return tally.line("values")


def clean_up(name):
    """Remove what processes that failed have left."""
    for path in pathlib.Path("/dev/shm").glob(f"tachyon.{os.getuid()}.{name}*"):
        path.unlink(missing_ok=True)


def run(commands, timeout, name, report):
    """Start processes that share a name, and see that all give this report."""
    try:
        outcomes = interop.run_pair(commands, None, timeout)
    finally:
        clean_up(name)
    interop.judge(outcomes, report)


def cross(endpoints, pair, count, timeout):
    """One writes, the other reads."""
    name = f"interop-{os.getpid()}-{pair[0]}-{pair[1]}"
    commands = {f"{verb} {end}": [*endpoints[end], verb, name, str(count)]
                for verb, end in zip(("write", "read"), pair)}
    run(commands, timeout, name, expected(count))


def add(endpoints, count, timeout):
    """All add to one number, under its lock."""
    name = f"interop-{os.getpid()}-sum"
    total = 2 * count * len(endpoints)
    commands = {f"add {end} {turn}": [*command, "add", name, str(count), str(total)]
                for end, command in endpoints.items() for turn in range(2)}
    run(commands, timeout, name, f"sum {total}")


def has_numpy(python):
    """Whether this interpreter has NumPy, without which there are no streams in Python."""
    command = [python, "-c", "import numpy"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def run_all(endpoints, count, adds, timeout):
    """All pairs, both ways round; then all at once."""
    tap = interop.Tap(len(NAMES) ** 2 + 1)
    for writer in NAMES:
        for reader in NAMES:
            missing = [name for name in NAMES
                       if name in (writer, reader) and name not in endpoints]
            title = f"{writer} to {reader}: {count} values of {len(KINDS)} types"
            if missing:
                tap.skip(title, f"not built: the endpoint of {' and of '.join(missing)}")
                continue
            tap.test(title, cross, endpoints, (writer, reader), count, timeout)
    tap.test(f"{', '.join(endpoints)}: nothing added under the lock is lost", add, endpoints, adds,
             timeout)
    return tap.end()


def main():
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--c", help="interop-stream-c")
    parser.add_argument("--rust", help="the example interop_stream of the crate tachyon")
    parser.add_argument("--python", help="an interpreter that finds the package tachyon")
    parser.add_argument("--values", type=int, default=30, help="of each type")
    parser.add_argument("--adds", type=int, default=1000, help="of each process")
    parser.add_argument("--timeout", type=float, default=120, help="of a test, in seconds")
    args = parser.parse_args()
    commands = {
        "C": args.c and [args.c],
        "Python": args.python and has_numpy(args.python)
        and [args.python, str(HERE / "interop_stream_python.py")],
        "Rust": args.rust and os.path.exists(args.rust) and [args.rust],
    }
    endpoints = {name: command for name, command in commands.items() if command}
    return run_all(endpoints, args.values, args.adds, args.timeout)


if __name__ == "__main__":
    sys.exit(main())
