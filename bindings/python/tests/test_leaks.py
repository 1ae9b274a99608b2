# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Nothing is left of connections, guards and errors, however many there were."""

import json

import pytest
from support import is_sanitized, run_program

COMMON = """
import gc, json, os, sys, time, tachyon
from support import in_thread

path = sys.argv[1]

def figures():
    gc.collect()
    with open("/proc/self/maps") as maps:
        count = sum(1 for _ in maps)
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {"fds": len(os.listdir("/proc/self/fd")), "maps": count, "rss": resident}

def measure(repeat, warm_up, count):
    repeat(warm_up)
    before = figures()
    repeat(count)
    after = figures()
    # A listener's thread tells the other side first, and then closes what it refused.
    deadline = time.monotonic() + 10
    while after["fds"] > before["fds"] and time.monotonic() < deadline:
        time.sleep(0.001)
        after = figures()
    print(json.dumps({key: after[key] - before[key] for key in after}))
"""

#: What the interpreter's own allocator may take more, in bytes, without anything being lost.
NOISE = 2 << 20


def assert_nothing_grew(source, path, seconds=60):
    grown = json.loads(run_program(COMMON + source, path, seconds=seconds))
    print(grown)
    assert grown["fds"] <= 0
    # The C library may map another arena.
    assert grown["maps"] <= 4
    # A sanitizer keeps freed memory for a while.
    if not is_sanitized():
        assert grown["rss"] < NOISE


@pytest.mark.time_limit(120)
def test_10_000_connections_leave_nothing(path):
    assert_nothing_grew(
        """
listener = tachyon.Listener(path, 4096)

def accept(count):
    for _ in range(count):
        with listener.accept(20) as bus:
            with bus.recv_zero_copy(20) as guard, memoryview(guard) as view:
                bus.send(view)
            bus.recv_zero_copy(20).__dlpack__()

def repeat(count):
    accepting = in_thread(accept, count)
    for _ in range(count):
        bus = tachyon.Bus.connect(path, 4096)
        with bus.send_zero_copy(100):
            pass
        bus.send(b"x")
        assert bus.recv(20).size == 100
    accepting.result(20)

measure(repeat, 500, 10_000)
""",
        path,
        seconds=110,
    )


def test_connections_refused_leave_nothing(path):
    assert_nothing_grew(
        """
import socket
listener = tachyon.Listener(path, 4096, max_peer_capacity=4096)

def accept():
    try:
        listener.accept()
    except tachyon.ClosedError:
        pass

accepting = in_thread(accept)

def repeat(count):
    for _ in range(count):
        try:
            tachyon.Bus.connect(path, 65536)
            raise SystemExit("not refused")
        except OSError:
            pass
        try:
            tachyon.Listener(path)
            raise SystemExit("not in use")
        except OSError:
            pass
        try:
            tachyon.Bus.connect(path + "x", timeout=0)
            raise SystemExit("nobody was there")
        except OSError:
            pass

measure(repeat, 100, 1000)
""",
        path,
    )


def test_listeners_leave_nothing(path):
    assert_nothing_grew(
        """
def repeat(count):
    for _ in range(count):
        listener = tachyon.Listener(path)
        try:
            listener.accept(0)
        except BlockingIOError:
            pass
        del listener

measure(repeat, 200, 3000)
""",
        path,
    )


PAIR = """
listening = in_thread(tachyon.Bus.listen, path)
near = tachyon.Bus.connect(path)
far = listening.result()
"""


def test_messages_and_guards_leave_nothing(path):
    assert_nothing_grew(
        PAIR
        + """
def repeat(count):
    for index in range(count):
        with near.send_zero_copy(200, index) as room, memoryview(room) as view:
            view[0] = 1
        near.send_zero_copy(300).rollback()
        near.send_zero_copy(300)
        near.send(b"x" * 100)
        near.send(b"y" * 100)
        near.send(b"z" * 100)
        message = far.recv()
        assert message == tachyon.Message(index & 0xFFFFFFFF, message.data)
        hash(message), repr(message)
        with far.recv_zero_copy() as guard, memoryview(guard) as view:
            view[0], guard.data, len(guard)
        with far.drain_batch() as batch:
            for element in batch:
                bytes(element)
                element.__dlpack__(max_version=(1, 0))
                element.__dlpack__(copy=True)
            batch[0]
        near.send(b"x")
        next(iter(far))
        near.stats()

measure(repeat, 1000, 30_000)
""",
        path,
    )


def test_errors_leave_nothing(path):
    assert_nothing_grew(
        PAIR
        + """
gone_near, gone_far = None, None
listening = in_thread(tachyon.Bus.listen, path)
gone = tachyon.Bus.connect(path)
other = listening.result()
gone.close()

def fails(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        return
    raise SystemExit(f"{call} {args} {kwargs} did not fail")

def repeat(count):
    for _ in range(count):
        fails(near.send, b"x" * 70_000)
        fails(near.send, "text")
        fails(near.send, memoryview(b"every other")[::2])
        fails(near.send, b"x", -1)
        fails(near.send, b"x", timeout=float("nan"))
        fails(near.send_zero_copy, 1 << 62)
        fails(far.recv, 0)
        fails(far.recv, 1e-9)
        fails(far.drain_batch, 0)
        fails(far.drain_batch, timeout=0)
        fails(gone.send, b"x")
        fails(gone.recv)
        fails(other.recv)
        fails(other.drain_batch)
        fails(tachyon.Bus.connect, "x" * 200)
        fails(tachyon.Bus.connect, path, -1)
        fails(tachyon.Bus.connect, path, uids=["x"])
        fails(tachyon.Bus.connect, "a\\0b")
        fails(tachyon.Message, -1, b"")
        room = near.send_zero_copy(10)
        view = memoryview(room)
        fails(room.commit)
        fails(room.commit, 11)
        view.release()
        room.rollback()
        fails(room.commit)
        near.send(b"x")
        guard = far.recv_zero_copy()
        view = memoryview(guard)
        fails(guard.release)
        fails(guard.__dlpack__, dl_device=(2, 0))
        fails(guard.__dlpack__, max_version=1)
        view.release()
        guard.release()
        fails(guard.release)
        fails(memoryview, guard)

measure(repeat, 300, 5000)
""",
        path,
    )


def test_views_that_outlive_their_guards_leave_nothing(path):
    assert_nothing_grew(
        PAIR
        + """
def repeat(count):
    for _ in range(count):
        near.send(b"x" * 5000)
        view = memoryview(far.recv_zero_copy())
        part = view[3:]
        del view
        near.send(b"x" * 5000)
        element = memoryview(far.drain_batch()[0])
        room = memoryview(near.send_zero_copy(10))
        del part, element, room
        try:
            with near.send_zero_copy(10) as room:
                view = memoryview(room)
                raise LookupError
        except LookupError:
            del view

measure(repeat, 1000, 20_000)
""",
        path,
    )


def test_classes_are_not_kept_alive_by_their_objects(path):
    """Objects of heap types hold their type: one that forgets to let go leaks a reference."""
    source = (
        COMMON
        + PAIR
        + """
def use():
    for _ in range(100):
        near.send(b"x")
        near.send(b"x")
        near.send(b"x")
        far.recv()
        far.recv_zero_copy().release()
        with far.drain_batch() as batch:
            iter(batch), batch[0]
        near.send_zero_copy(1).rollback()
        iter(far)
        tachyon.Listener(path).close()
        near.stats()

classes = (tachyon.Bus, tachyon.Listener, tachyon.Message, tachyon.TxGuard, tachyon.RxGuard,
           tachyon.RxBatch, tachyon.RxMessage, tachyon.BusStats)
use()
gc.collect()
before = [sys.getrefcount(one) for one in classes]
use()
gc.collect()
after = [sys.getrefcount(one) for one in classes]
assert before == after, (before, after)
print("good")
"""
    )
    assert run_program(source, path) == "good\n"
