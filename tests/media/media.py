# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What the media tests share: a TAP runner, and processes that cannot outlive their test.

A test is a function whose name begins with test_ and whose argument is a Test. It works in a
directory of its own, and fails when it leaves a file there that is a socket.
"""

import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback

EXIT_SKIP = 77
TIMEOUT_S = 60.0


class Failure(Exception):
    """A check that did not hold."""


class Skip(Exception):
    """The reason why a test cannot run here."""


class Process:
    """A child process, its output taken line by line as it comes."""

    def __init__(self, name, args):
        self.name = name
        self._lines = []
        self._is_over = False
        self._changed = threading.Condition()
        self._child = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    @property
    def pid(self):
        """Its process id."""
        return self._child.pid

    @property
    def lines(self):
        """What it has printed so far."""
        with self._changed:
            return list(self._lines)

    def expect(self, pattern, count=1, timeout_s=TIMEOUT_S):
        """Wait until count lines match; the last of them, as a match."""
        def matches():
            return [found for found in map(re.compile(pattern).search, self._lines) if found]

        with self._changed:
            self._changed.wait_for(lambda: self._is_over or len(matches()) >= count, timeout_s)
            found = matches()
        if len(found) < count:
            raise Failure(f"{self.name}: {len(found)} of {count} lines with {pattern!r}")
        return found[count - 1]

    def send(self, number):
        """Send it a signal."""
        self._child.send_signal(number)

    def is_alive(self):
        """True until it has ended."""
        return self._child.poll() is None

    def wait(self, timeout_s=TIMEOUT_S):
        """Wait for its end; the exit status, or minus the signal that killed it."""
        try:
            status = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} still runs after {timeout_s} s") from None
        self._reader.join(TIMEOUT_S)
        return status

    def finish(self, status=0, timeout_s=TIMEOUT_S):
        """Wait for its end, which must be with this status."""
        got = self.wait(timeout_s)
        if got != status:
            raise Failure(f"{self.name} ended with {got}, not {status}")
        return self

    def kill(self):
        """SIGKILL it, and wait."""
        self._child.kill()
        return self.wait()

    def tail(self):
        """Its last words, for a message."""
        words = [line[:200] for line in self.lines[-3:]]
        return str(words) if words else "it said nothing"

    def records(self, kind):
        """The lines of `play` of one kind, as dicts; 'name' is the element's."""
        found = []
        for line in self.lines:
            words = line.split()
            if len(words) >= 2 and words[0] == kind:
                record = dict(word.split("=", 1) for word in words[2:] if "=" in word)
                found.append({**record, "name": words[1]})
        return found

    def frames(self, name=None):
        """The frames that an appsink of `play` printed."""
        return [frame for frame in self.records("frame") if name in (None, frame["name"])]

    def stats(self, name):
        """The stats that `play` printed of one element, numbers as int."""
        for record in self.records("stats"):
            if record["name"] == name:
                return {key: int(text) if re.fullmatch(r"-?\d+", text) else text
                        for key, text in record.items()}
        raise Failure(f"{self.name} printed no stats of {name}")

    def events(self, kind):
        """The content of the events of one type that appsinks of `play` printed."""
        return [line.split(" ", 3)[3] for line in self.lines
                if line.startswith("event ") and line.split(" ", 3)[2] == kind]


class Test:
    """One test: its directory, its processes, its checks."""

    def __init__(self, directory, sabotage=("", "")):
        self.dir = pathlib.Path(directory)
        self._processes = []
        self._sabotage = sabotage
        self.checks = 0

    def socket(self, name="s"):
        """The path of a socket of this test's own."""
        return self.dir / name

    def run(self, name, *args):
        """Start a process."""
        process = Process(name, args)
        self._processes.append(process)
        return process

    def _spoil(self, description):
        """A description as the saboteur wants it: see test_checks.py."""
        what, by_what = self._sabotage
        return description.replace(what, by_what) if what else description

    def play(self, description, *options, name="play"):
        """Start `play`: a pipeline that tells what it sees."""
        return self.run(name, os.environ["TACHYON_PLAY"], *options,
                        self._spoil(description))

    def launch(self, description, *options, name="gst-launch-1.0"):
        """Start gst-launch-1.0, as a user would."""
        return self.run(name, "gst-launch-1.0", "-q", *options,
                        *self._spoil(description).split())

    def check(self, condition, what):
        """Fail unless the condition holds."""
        self.checks += 1
        if not condition:
            raise Failure(what)

    def equal(self, got, expected, what):
        """Fail unless two values are equal; of two lists the first difference is named."""
        self.checks += 1
        if got == expected:
            return
        if isinstance(got, list) and isinstance(expected, list):
            for index, (one, other) in enumerate(zip(got, expected)):
                if one != other:
                    raise Failure(f"{what}: number {index} is {one}, not {other}")
            raise Failure(f"{what}: {len(got)}, not {len(expected)}")
        raise Failure(f"{what}: {got!r}, not {expected!r}")

    def check_processes(self):
        """Fail when a process still runs."""
        alive = [process.name for process in self._processes if process.is_alive()]
        if alive:
            raise Failure(f"still running: {alive}")

    def last_words(self):
        """What each process said last, for a message."""
        return "\n".join(f"{process.name}: {process.tail()}" for process in self._processes)

    def clean_up(self):
        """End what still runs."""
        for process in self._processes:
            if process.is_alive():
                process.kill()

    def check_sockets(self):
        """Fail when a socket is left."""
        left = [path.name for path in self.dir.rglob("*") if stat.S_ISSOCK(path.stat().st_mode)]
        if left:
            raise Failure(f"sockets left behind: {left}")


def ffmpeg(*args):
    """Run ffmpeg; what it wrote to stdout."""
    result = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, args)],
                            capture_output=True, check=False, text=True, timeout=TIMEOUT_S)
    if result.returncode:
        raise Failure(f"ffmpeg {args}: {result.stderr}")
    return result.stdout


def need(elements=(), programs=()):
    """Skip the test unless GStreamer has the elements and the machine the programs."""
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    for element in elements:
        if subprocess.run(["gst-inspect-1.0", element], check=False,
                          capture_output=True, timeout=TIMEOUT_S).returncode:
            raise Skip(f"this GStreamer has no {element}")


def run_test(function, sabotage=("", "")):
    """Run one test, its pipelines changed by a saboteur where there is one; (outcome, why)."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tachyon-media-") as directory:
        test = Test(directory, sabotage)
        try:
            function(test)
            if not test.checks:
                raise Failure("asserts nothing")
            test.check_processes()
            if not getattr(function, "leaves_sockets", False):
                test.check_sockets()
        except Skip as skip:
            return "skip", str(skip)
        except Failure as failure:
            return "fail", f"{failure}\n{test.last_words()}"
        except Exception:
            return "fail", traceback.format_exc()
        finally:
            test.clean_up()
    return "pass", f"{time.monotonic() - began:.1f} s"


def leaves_sockets(function):
    """Mark a test that kills a publisher: its socket stays, as it must."""
    function.leaves_sockets = True
    return function


def find_plugin():
    """Let GStreamer look through its plugins once, before timeouts count; ours must be there."""
    for element in ("tachyonsink", "tachyonsrc"):
        result = subprocess.run(["gst-inspect-1.0", element], capture_output=True, check=False,
                                text=True, timeout=300)
        if result.returncode:
            sys.exit(f"Bail out! no {element}: {result.stdout}{result.stderr}")


def main(module):
    """Run the tests of a module, or those that the arguments name; prints TAP."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tests = {name[5:]: function for name, function in vars(module).items()
             if name.startswith("test_") and callable(function)}
    wanted = sys.argv[1:] or list(tests)
    find_plugin()
    failed = 0
    print(f"1..{len(wanted)}", flush=True)
    for number, name in enumerate(wanted, 1):
        outcome, why = run_test(tests[name])
        failed += outcome == "fail"
        skip = f" # SKIP {why}" if outcome == "skip" else ""
        print(f"{'not ' if outcome == 'fail' else ''}ok {number} - {name}{skip}")
        if outcome != "skip":
            print("\n".join(f"# {name}: {line}" for line in why.splitlines()))
        sys.stdout.flush()
    return 1 if failed else 0
