# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What several tests need that is no fixture: calls in threads, programs in processes."""

import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Future

#: Seconds after which a wait that should have ended is a failure.
PATIENCE = 20.0


def needs(*modules: str):
    """Skip a test whose program, in a process of its own, imports what is not installed."""
    # Not above: programs of tests import this file, too.
    import pytest

    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


def in_thread(function, /, *args, **kwargs) -> Future:
    """Call in a thread of its own; result() has what it returned or raised."""
    future = Future()

    def run():
        future.thread_id = threading.get_native_id()
        started.set()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    started = threading.Event()
    # A daemon: a call that never returns fails its test, and does not keep pytest from ending.
    threading.Thread(target=run, daemon=True).start()
    started.wait()
    return future


def wait_until(condition, what: str = "the condition", seconds: float = PATIENCE):
    """Poll what has no event to wait for; returns what condition() returned."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.0005)
    return result


def is_asleep(process_id: int, thread_id: int) -> bool:
    """Whether a thread sleeps in poll(), select() or epoll_wait(): not in a lock of Python's."""
    with open(f"/proc/{process_id}/task/{thread_id}/wchan", encoding="ascii") as wchan:
        place = wchan.read()
    return "poll" in place or "select" in place


def wait_until_asleep(thread_id: int, process_id: int | None = None):
    """Wait until a thread has got as far as the kernel, in a call that waits."""
    process_id = process_id or os.getpid()
    wait_until(lambda: is_asleep(process_id, thread_id), "a thread's sleep")


def program(source: str) -> list[str]:
    """The command line that runs a Python program in a process of its own."""
    return [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(source)]


def environment() -> dict[str, str]:
    """In which a program can import this file, too."""
    folders = [os.path.dirname(os.path.abspath(__file__)), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}


def run_program(source: str, *args: str, seconds: float = 60.0) -> str:
    """Run a Python program to its end, which must be a good one; returns what it printed."""
    finished = subprocess.run(
        [*program(source), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment(),
    )
    assert finished.returncode == 0, (
        f"exit status {finished.returncode}\n{finished.stdout}\n{finished.stderr}"
    )
    return finished.stdout


class Peer:
    """A Python program that runs beside the test."""

    def __init__(self, source: str, *args: str):
        self.process = subprocess.Popen(
            [*program(source), *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> str:
        """The next line it prints; empty when it ended."""
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, line: str = ""):
        """Hand it a line, which input() returns there."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def finish(self, seconds: float = 30.0) -> str:
        """Wait for its good end; returns the rest of what it printed."""
        stdout, stderr = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, (
            f"exit status {self.process.returncode}\n{stdout}\n{stderr}"
        )
        return stdout

    def discard(self):
        """Leave nothing of it behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


def is_sanitized() -> bool:
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return "libasan" in maps.read()
