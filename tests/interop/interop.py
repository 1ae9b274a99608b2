#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Every endpoint of README.md sends to every other, in two processes; prints TAP.

An endpoint that is not given was not built: its tests are skipped. With --self-test the receivers
meet a sender that does one thing wrong, and must notice.
"""

import argparse
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import sequence

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("C", "Python", "Rust", "gst")
# When one process of a pair has failed, the other is given this long to say what it saw.
GRACE = 5

_WRONG = ("content", "size", "order", "number", "missing", "short", "extra", "crash")
SABOTAGES = {
    "messages": _WRONG,
    "buffers": (*_WRONG, "caps"),
    "frames": (*_WRONG, "caps"),
}


class Failure(Exception):
    """A pair did not do what it should; the arguments are lines of diagnostics."""


class Outcome(NamedTuple):
    """How a process ended. status: None when it had to be killed."""

    name: str
    status: int | None
    output: str
    errors: str

    def describe(self):
        """Lines of diagnostics."""
        status = "killed" if self.status is None else f"status {self.status}"
        lines = [f"{self.name}: {status}"]
        for text in (self.output, self.errors):
            lines += [f"{self.name}: {line}" for line in text.splitlines()]
        return lines


class Process:
    """A command that runs, or that could not be started."""

    def __init__(self, name, command, directory, environment):
        self.name = name
        # Files never fill up, as pipes do that nobody reads.
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(command, cwd=directory, env=environment,
                                             stdin=subprocess.DEVNULL, stdout=self._output,
                                             stderr=self._errors)
        except OSError as error:
            raise Failure(f"{command[0]}: {error.strerror}") from error
        self._pidfd = os.pidfd_open(self._process.pid)

    def fileno(self):
        """Readable when it has ended."""
        return self._pidfd

    def has_failed(self):
        """Whether it has ended, but not as it should."""
        return bool(self._process.poll())

    def finish(self):
        """Kill it unless it has ended. Returns how it did."""
        was_running = self._process.poll() is None
        if was_running:
            self._process.kill()
        status = self._process.wait()
        os.close(self._pidfd)
        texts = []
        for file in (self._output, self._errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
            file.close()
        return Outcome(self.name, None if was_running else status, *texts)


def await_all(processes, timeout):
    """Wait until all have ended, or one has failed and the others had time to notice."""
    deadline = time.monotonic() + timeout
    running = list(processes)
    while running:
        ended, _, _ = select.select(running, [], [], max(0, deadline - time.monotonic()))
        if not ended:
            return
        running = [process for process in running if process not in ended]
        if any(process.has_failed() for process in ended):
            deadline = min(deadline, time.monotonic() + GRACE)


def run_pair(commands, environment, timeout):
    """Start two processes, and wait until both have ended. Returns their outcomes."""
    processes = []
    with tempfile.TemporaryDirectory(prefix="tachyon-interop-") as directory:
        try:
            for name, command in commands.items():
                processes.append(Process(name, command, directory, environment))
            await_all(processes, timeout)
        finally:
            outcomes = [process.finish() for process in processes]
    return outcomes


def judge(outcomes, expected):
    """Fail unless both processes succeeded and reported what was expected."""
    if any(outcome.status != 0 or outcome.output != expected + "\n" for outcome in outcomes):
        raise Failure(f"expected: {expected}", *(line for outcome in outcomes
                                                 for line in outcome.describe()))


def judge_sabotage(outcomes, kind):
    """Fail unless the receiver noticed, and said so."""
    receiver = outcomes[1]
    if receiver.status != 1 or receiver.output or not receiver.errors:
        raise Failure(f"{kind} was not noticed", *(line for outcome in outcomes
                                                   for line in outcome.describe()))


class Matrix:
    """The endpoints, and what they do with each other."""

    def __init__(self, endpoints, timeout):
        self.endpoints = endpoints
        self._timeout = timeout
        self._expected = {}

    def _expect(self, noun, count):
        """The report for so many items; worked out once for all pairs."""
        if (noun, count) not in self._expected:
            self._expected[noun, count] = sequence.expected(noun, count)
        return self._expected[noun, count]

    def _run(self, pair, noun, count, roles=((), ()), sabotage=""):
        """The outcomes of a sender and a receiver."""
        environment = dict(os.environ, TACHYON_INTEROP_SABOTAGE=sabotage)
        commands = {
            f"{verb} {name}": [*self.endpoints[name], f"{verb}-{noun}", "s", str(count), *role]
            for verb, name, role in zip(("send", "receive"), pair, roles)}
        return run_pair(commands, environment, self._timeout)

    def cross(self, pair, noun, count, roles=((), ())):
        """Send so many items from one to the other."""
        judge(self._run(pair, noun, count, roles), self._expect(noun, count))

    def cross_messages(self, pair, count):
        """Messages over a bus, and some with the sender as listener; or over a publisher."""
        if "gst" in pair:
            self.cross(pair, "buffers", count)
            return
        self.cross(pair, "messages", count)
        self.cross(pair, "messages", count // 20, (("listen",), ("connect",)))

    def sabotage(self, receiver, noun, count):
        """See that a receiver notices each thing that a sender in C can do wrong."""
        pair = ("C", receiver)
        self.cross(pair, noun, count)
        for kind in SABOTAGES[noun]:
            judge_sabotage(self._run(pair, noun, count, sabotage=kind), kind)


def expect_failure(function, *arguments):
    """Call it; fail unless it fails."""
    try:
        function(*arguments)
    except Failure:
        return
    raise Failure(f"{function.__name__} did not notice: {arguments}")


def sabotage_driver():
    """See that this program notices."""
    good = Outcome("send", 0, "frames 1\n", "")
    noticed = Outcome("receive", 1, "", "frame 0 is wrong")
    bad = [
        good._replace(output="frames 2\n"),
        good._replace(output=""),
        good._replace(status=1),
        good._replace(status=-11),
        good._replace(status=None),
    ]
    judge([good, good], "frames 1")
    judge_sabotage([good, noticed], "content")
    for outcome in bad:
        expect_failure(judge, [good, outcome], "frames 1")
        expect_failure(judge, [outcome, good], "frames 1")
    for outcome in (good, *bad, noticed._replace(status=-6), noticed._replace(errors="")):
        expect_failure(judge_sabotage, [good, outcome], "content")

    commands = {"send": ["sleep", "60"], "receive": ["false"]}
    first, second = run_pair(commands, None, timeout=2)
    if first.status is not None or second.status != 1:
        raise Failure("a process that hangs was not killed", *first.describe(), *second.describe())
    expect_failure(run_pair, {"send": ["/nonexistent/endpoint"]}, None, 1)


class Tap:
    """The report."""

    def __init__(self, count):
        self._count = count
        self._number = 0
        self._failed = 0
        print(f"1..{count}", flush=True)

    def skip(self, name, reason):
        """A test that cannot run."""
        self._number += 1
        print(f"ok {self._number} - {name} # SKIP {reason}", flush=True)

    def test(self, name, function, *arguments):
        """Run one test."""
        self._number += 1
        try:
            function(*arguments)
            print(f"ok {self._number} - {name}", flush=True)
        except Failure as failure:
            self._failed += 1
            lines = [f"not ok {self._number} - {name}", *(f"# {line}" for line in failure.args)]
            print("\n".join(lines), flush=True)

    def end(self):
        """The exit status."""
        assert self._number == self._count
        return 1 if self._failed else 0


def run_matrix(matrix, messages, frames):
    """All pairs, both ways round."""
    tap = Tap(2 * len(NAMES) ** 2)
    for sender in NAMES:
        for receiver in NAMES:
            pair = (sender, receiver)
            missing = [name for name in NAMES if name in pair and name not in matrix.endpoints]
            titles = [f"{sender} to {receiver}: {messages} messages",
                      f"{sender} to {receiver}: {frames} frames"]
            if missing:
                for title in titles:
                    tap.skip(title, f"not built: the endpoint of {' and of '.join(missing)}")
                continue
            tap.test(titles[0], matrix.cross_messages, pair, messages)
            tap.test(titles[1], matrix.cross, pair, "frames", frames)
    return tap.end()


def run_self_test(matrix):
    """Everybody who checks, confronted with what is wrong."""
    cases = [(name, noun) for name in NAMES for noun in SABOTAGES
             if (name, noun) != ("gst", "messages")]
    tap = Tap(1 + len(cases))
    tap.test("the driver notices what is wrong", sabotage_driver)
    for name, noun in cases:
        title = f"{name} notices {noun} that are wrong"
        if "C" not in matrix.endpoints or name not in matrix.endpoints:
            tap.skip(title, f"not built: the endpoint of {name}, or of C")
            continue
        tap.test(title, matrix.sabotage, name, noun, 20 if noun == "frames" else 200)
    return tap.end()


def main():
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--c", help="interop-c")
    parser.add_argument("--gst", help="interop-gst")
    parser.add_argument("--rust", help="the example interop of the crate tachyon")
    parser.add_argument("--python", help="an interpreter that finds the package tachyon")
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--timeout", type=float, default=120, help="of a pair, in seconds")
    args = parser.parse_args()
    commands = {
        "C": args.c and [args.c],
        "Python": args.python and [args.python, str(HERE / "interop_python.py")],
        "Rust": args.rust and [args.rust],
        "gst": args.gst and [args.gst],
    }
    endpoints = {name: command for name, command in commands.items() if command}
    matrix = Matrix(endpoints, args.timeout)
    if args.self_test:
        return run_self_test(matrix)
    return run_matrix(matrix, args.messages, args.frames)


if __name__ == "__main__":
    sys.exit(main())
