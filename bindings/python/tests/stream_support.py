# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What tests of streams need that is no fixture: files by name, children, values of one number."""

import contextlib
import glob
import multiprocessing
import os
import signal
import string
import sys
import time
import traceback

import numpy as np
import tachyon.stream
from support import PATIENCE, wait_until

#: Before each program that a test runs in another process: its first argument is the stream's name.
PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
import tachyon.stream as streams
from support import in_thread, wait_until
from stream_support import wait_until_asleep

name = sys.argv[1]

def kind_of_error(call):
    try:
        call()
    except Exception as error:
        return type(error)
    return None
"""

PLAIN = set(string.ascii_letters + string.digits + "-_")


def file_of(name: str) -> str:
    """The file that a stream is."""
    stored = "".join(
        chr(byte) if chr(byte) in PLAIN else f"%{byte:02X}" for byte in os.fsencode(name)
    )
    return f"/dev/shm/tachyon.{os.getuid()}.{stored}"


def remove_all(prefix: str):
    """Remove every stream whose name begins so, without the library's help."""
    for path in glob.glob(glob.escape(file_of(prefix)) + "*"):
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            # Another process may have been faster.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def is_whole(array) -> bool:
    """Whether all elements are equal, as in every value that these tests write beside readers."""
    flat = array.reshape(-1)
    return bool((flat == flat[0]).all())


def state_of(thread_id: int, process_id: int) -> str:
    """R, S, T, …, as ps says it; empty where there is no such thread any more."""
    try:
        with open(f"/proc/{process_id}/task/{thread_id}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until_asleep(thread_id: int, process_id: int | None = None):
    """Wait until a thread was seen asleep ten times in a row: no lock of Python's takes that."""
    process_id = process_id or os.getpid()
    in_a_row = 0
    deadline = time.monotonic() + PATIENCE
    while in_a_row < 10:
        assert time.monotonic() < deadline, "a thread's sleep did not come true"
        time.sleep(0.002)
        in_a_row = in_a_row + 1 if state_of(thread_id, process_id) == "S" else 0


def wait_until_stopped(process_id: int):
    wait_until(lambda: state_of(process_id, process_id) == "T", "a process's stop")


class Child:
    """A forked child that calls function(connection, *args) and ends; its error is status 1."""

    def __init__(self, function, *args):
        self.connection, theirs = multiprocessing.Pipe()
        self.status = None
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.connection.close()
            self._run(function, theirs, args)
        theirs.close()

    @staticmethod
    def _run(function, connection, args):
        status = 1
        try:
            # The test's own time limit stays with the test.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            function(connection, *args)
            status = 0
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)

    def recv(self):
        """What it sent next; EOFError when it ended."""
        assert self.connection.poll(PATIENCE), "the child says nothing"
        return self.connection.recv()

    def send(self, value=None):
        """Hand it a value, which its connection.recv() returns."""
        self.connection.send(value)

    def kill(self, number: int = signal.SIGKILL):
        os.kill(self.pid, number)
        if number == signal.SIGKILL:
            self.wait()
        elif number == signal.SIGSTOP:
            wait_until_stopped(self.pid)

    def wait(self) -> int:
        """Its exit status; negative: the signal that ended it."""
        if self.status is None:

            def has_ended():
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                return (status,) if pid else None

            self.status = os.waitstatus_to_exitcode(wait_until(has_ended, "a child's end")[0])
        return self.status

    def finish(self):
        assert self.wait() == 0

    def discard(self):
        """Leave nothing of it behind."""
        if self.status is None:
            # A stopped process dies of it, too.
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.connection.close()


def filled(number, shape=(64, 64), dtype=np.float32):
    """A value all of whose elements are one number."""
    return np.full(shape, number, dtype)


def add_one(name: str, turns: int):
    """Read, change, write, as multiprocessing's processes do: two at once must not lose any."""
    stream = tachyon.stream.open(name)
    for _ in range(turns):
        with stream.locked():
            stream.write(stream.read() + 1)
