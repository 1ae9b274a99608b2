# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What ends a wait for a value or the lock, and what it costs meanwhile."""

import os
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import PRELUDE, filled, wait_until_asleep  # noqa: E402
from support import PATIENCE, in_thread, run_program  # noqa: E402


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


@pytest.fixture
def reader(stream):
    with streams.open(stream.name) as reader:
        yield reader


#: Every call that can wait: for a value, and for the lock, which another handle has.
WAITS = {
    "read_new": lambda one, timeout: one.read_new(timeout=timeout),
    "read_new, out": lambda one, timeout: one.read_new(timeout=timeout, out=filled(0)),
    "wait": lambda one, timeout: one.wait(1, timeout=timeout),
    "snapshot": lambda one, timeout: one.snapshot(newer_than=0, timeout=timeout),
    "acquire": lambda one, timeout: one.acquire(timeout=timeout),
    "locked": lambda one, timeout: one.locked(timeout=timeout).__enter__(),
    "write": lambda one, timeout: one.write(filled(1), timeout=timeout),
    "clear": lambda one, timeout: one.clear(timeout=timeout),
    "write_view": lambda one, timeout: one.write_view(timeout=timeout).__enter__(),
}


@pytest.mark.parametrize("timeout", [None, 1000])
@pytest.mark.parametrize("wait", WAITS)
def test_close_in_another_thread_ends_a_wait(wait, timeout, stream, reader):
    name = reader.name
    with stream.locked():
        waiting = in_thread(WAITS[wait], reader, timeout)
        wait_until_asleep(waiting.thread_id)
        reader.close()
        with pytest.raises(RuntimeError, match=f"closed shared memory '{name}'"):
            waiting.result(PATIENCE)
    stream.write(filled(1), timeout=0)
    assert stream.count == 1


def test_close_ends_every_wait_of_its_handle_and_no_other(stream, reader):
    other = streams.open(stream.name)
    ended = [in_thread(reader.read_new) for _ in range(3)]
    going_on = [in_thread(other.read_new), in_thread(stream.wait, 1)]
    for one in ended + going_on:
        wait_until_asleep(one.thread_id)
    reader.close()
    for one in ended:
        with pytest.raises(RuntimeError):
            one.result(PATIENCE)
    for one in going_on:
        wait_until_asleep(one.thread_id)
        assert not one.done()
    stream.write(filled(1))
    for one in going_on:
        one.result(PATIENCE)


def test_unlink_ends_no_wait(stream, reader):
    waiting = in_thread(reader.read_new)
    wait_until_asleep(waiting.thread_id)
    streams.unlink(stream.name)
    streams.create(stream.name, shape=(64, 64)).write(filled(9))
    wait_until_asleep(waiting.thread_id)
    assert not waiting.done()
    stream.write(filled(1))
    assert (waiting.result(PATIENCE) == 1).all()


INTERRUPTED = (
    PRELUDE
    + """
from test_stream_wait_ends import WAITS

receiver = sys.argv[2]
main = threading.main_thread()

def interrupt():
    wait_until_asleep(main.native_id)
    # By the process, or by this thread: then the main thread's sleep is not interrupted.
    thread = main if receiver == "main" else threading.current_thread()
    signal.pthread_kill(thread.ident, signal.SIGINT)

other, stream = streams.open(name), streams.open(name)
other.acquire()
for wait in sys.argv[3:]:
    for timeout in (None, 1000) if receiver == "main" else (None,):
        interrupting = in_thread(interrupt)
        try:
            WAITS[wait](stream, timeout)
        except KeyboardInterrupt:
            print(wait, flush=True)
        interrupting.result(20)
other.release()
stream.write(np.full((64, 64), 1), timeout=0)
assert (stream.read() == 1).all() and stream.count == 1
"""
)


def test_ctrl_c_ends_every_wait(stream):
    printed = run_program(INTERRUPTED, stream.name, "main", *WAITS)
    assert printed.splitlines() == [wait for wait in WAITS for _ in range(2)]


def test_ctrl_c_that_another_thread_took_ends_a_wait(stream):
    """It takes longer: the main thread's sleep is not interrupted."""
    printed = run_program(INTERRUPTED, stream.name, "other", "read_new", "acquire")
    assert printed.splitlines() == ["read_new", "acquire"]


def test_a_handler_that_returns_does_not_end_a_wait(stream):
    source = (
        PRELUDE
        + """
calls = 0

def count(*_):
    global calls
    calls += 1

signal.signal(signal.SIGUSR1, count)
stream, other = streams.open(name), streams.open(name)

def bother(last):
    before = calls
    for turn in range(3):
        wait_until_asleep(threading.main_thread().native_id)
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_until(lambda: calls == before + turn + 1)
    last()

bothering = in_thread(bother, lambda: other.write(np.full((64, 64), 5)))
print(stream.read_new()[0, 0], calls)
bothering.result(20)

taken = threading.Event()
def hold():
    other.acquire()
    taken.set()
    bother(other.release)
bothering = in_thread(hold)
taken.wait()
stream.acquire()
print(calls)
bothering.result(20)
"""
    )
    assert run_program(source, stream.name) == "5.0 3\n6\n"


# --- what waiting costs ---

IDLE = (
    PRELUDE
    + """
stream = streams.open(name)
calls = {
    "read_new": stream.read_new,
    "wait": lambda: stream.wait(1),
    "snapshot": lambda: stream.snapshot(newer_than=0),
    "acquire": stream.acquire,
}
print("ready", flush=True)
calls[sys.argv[2]]()
"""
)


def cost_of(process_id: int) -> tuple[int, int]:
    """Context switches and ticks of processor time that a process has had."""
    switches = 0
    for thread in os.listdir(f"/proc/{process_id}/task"):
        with open(f"/proc/{process_id}/task/{thread}/status", encoding="ascii") as status:
            switches += sum(int(line.split()[1]) for line in status if "_ctxt_switches" in line)
    with open(f"/proc/{process_id}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return switches, int(fields[11]) + int(fields[12])


def test_who_waits_for_a_value_or_the_lock_costs_nothing(stream, peer):
    with stream.locked():
        waiting = [peer(IDLE, stream.name, call) for call in ("read_new", "wait", "snapshot")]
        waiting.append(peer(IDLE, stream.name, "acquire"))
        for one in waiting:
            assert one.line() == "ready"
            wait_until_asleep(one.pid, one.pid)
        before = [cost_of(one.pid) for one in waiting]
        time.sleep(2)
        after = [cost_of(one.pid) for one in waiting]
        stream.write(filled(1))
    for one in waiting:
        one.finish()

    costs = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(before, after, strict=True)]
    print(costs)
    for switches, ticks in costs[:3]:
        assert switches <= 5
        # A tick goes to whoever runs when it comes.
        assert ticks <= 1
    # Nobody tells of a holder's death: who waits for the lock looks every few milliseconds.
    switches, ticks = costs[3]
    assert switches <= 1000
    assert ticks <= 10
