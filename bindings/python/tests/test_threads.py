# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Threads: turns, close() from another thread, and the GIL."""

import queue
import threading
import time
import zlib

import pytest
import tachyon
from support import PATIENCE, in_thread, run_program, wait_until, wait_until_asleep


def fill(bus):
    while True:
        try:
            bus.send(bytes(1000), timeout=0)
        except BlockingIOError:
            return


def test_threads_that_send_at_once_take_turns(pair):
    near, far = pair
    threads, count = 4, 1500

    def send_all(number):
        for index in range(count):
            data = bytes([number]) * (index * 7 % 3000)
            near.send(data + zlib.crc32(data).to_bytes(4, "little"), number << 16 | index)

    sending = [in_thread(send_all, number) for number in range(threads)]
    seen = [0] * threads
    for _ in range(threads * count):
        message = far.recv(PATIENCE)
        data, checksum = message.data[:-4], message.data[-4:]
        number, index = message.type_id >> 16, message.type_id & 0xFFFF
        assert zlib.crc32(data).to_bytes(4, "little") == checksum
        assert data == bytes([number]) * (index * 7 % 3000)
        assert index == seen[number], "out of order, lost, or twice"
        seen[number] += 1
    for future in sending:
        future.result()
    with pytest.raises(BlockingIOError):
        far.recv(0)


def test_threads_that_try_to_send_leave_one_that_waits_alone(path, peer):
    """It sleeps and copies without the GIL: tries with it must keep out meanwhile."""
    child = peer(
        """
        import sys, tachyon
        seen = {}
        with tachyon.Bus.listen(sys.argv[1], timeout=20) as bus:
            for message in bus:
                number, index = message.type_id >> 16, message.type_id & 0xFFFF
                assert message.data == bytes([number, index % 251]) * 10_000
                assert index == seen.get(number, 0), "out of order, lost, or twice"
                seen[number] = index + 1
        print(sum(seen.values()))
        """,
        path,
    )
    count = 4000

    def send_all(bus, number, timeout):
        for index in range(count):
            data = bytes([number, index % 251]) * 10_000
            while True:
                try:
                    bus.send(data, number << 16 | index, timeout=timeout)
                    break
                except BlockingIOError:
                    time.sleep(0)

    with tachyon.Bus.connect(path, 65536, timeout=PATIENCE) as bus:
        sending = [
            in_thread(send_all, bus, number, None if number < 2 else 0) for number in range(4)
        ]
        for future in sending:
            future.result(PATIENCE)
    assert child.finish() == f"{4 * count}\n"


def test_threads_that_try_to_receive_leave_one_that_waits_alone(path, peer):
    child = peer(
        """
        import sys, tachyon
        with tachyon.Bus.listen(sys.argv[1], timeout=20) as bus:
            for index in range(60_000):
                bus.send(index.to_bytes(4, "little") * 30, index)
        """,
        path,
    )

    def receive_all(bus, timeout):
        got = []
        while True:
            try:
                message = bus.recv(timeout)
            except BlockingIOError:
                time.sleep(0)
                continue
            except tachyon.ClosedError:
                return got
            assert message.data == message.type_id.to_bytes(4, "little") * 30
            got.append(message.type_id)

    with tachyon.Bus.connect(path, timeout=PATIENCE) as bus:
        receiving = [in_thread(receive_all, bus, timeout) for timeout in (None, None, 0)]
        got = [future.result(PATIENCE) for future in receiving]
    for one in got:
        assert one == sorted(one)
    assert sorted(sum(got, [])) == list(range(60_000))
    child.finish()


def test_threads_that_write_in_place_at_once_take_turns(pair):
    near, far = pair
    threads, count = 3, 500

    def send_all(number):
        for index in range(count):
            while True:
                try:
                    guard = near.send_zero_copy(1000, number << 16 | index, timeout=PATIENCE)
                    break
                except ValueError:
                    # Another thread's guard is open.
                    time.sleep(0)
            with guard, memoryview(guard) as view:
                view[:] = bytes([number]) * 1000

    sending = [in_thread(send_all, number) for number in range(threads)]
    seen = [0] * threads
    for _ in range(threads * count):
        message = far.recv(PATIENCE)
        number, index = message.type_id >> 16, message.type_id & 0xFFFF
        assert message.data == bytes([number]) * 1000
        assert index == seen[number]
        seen[number] += 1
    for future in sending:
        future.result()


def test_threads_that_receive_at_once_take_turns(pair):
    near, far = pair
    count = 4000

    def receive_all():
        got = []
        try:
            for message in far:
                assert message.data == message.type_id.to_bytes(4, "little") * 20
                got.append(message.type_id)
        except tachyon.ClosedError:
            pass
        return got

    receiving = [in_thread(receive_all) for _ in range(3)]
    for index in range(count):
        near.send(index.to_bytes(4, "little") * 20, index)
    near.close()
    got = [future.result(PATIENCE) for future in receiving]
    for one in got:
        assert one == sorted(one)
    assert sorted(sum(got, [])) == list(range(count))


def test_a_thread_that_waits_for_its_turn_has_its_timeout(pair):
    near, far = pair
    receiving = in_thread(far.recv)
    wait_until_asleep(receiving.thread_id)
    with pytest.raises(TimeoutError):
        far.recv(0.05)
    with pytest.raises((BlockingIOError, TimeoutError)):
        far.recv(0)
    near.send(b"for the first")
    assert receiving.result().data == b"for the first"


def test_sending_and_receiving_go_on_beside_each_other(pair):
    near, far = pair
    receiving = in_thread(near.recv)
    wait_until_asleep(receiving.thread_id)
    near.send(b"ping")
    far.send(b"pong " + far.recv(PATIENCE).data)
    assert receiving.result().data == b"pong ping"


def test_guards_that_many_threads_release_are_given_back(pair):
    near, far = pair
    guards = []
    for _ in range(20):
        for index in range(50):
            near.send(bytes(1000), index, timeout=0)
        guards.extend(far.recv_zero_copy(0) for _ in range(50))
        barrier = threading.Barrier(4)

        def release():
            barrier.wait()
            while guards:
                try:
                    guards.pop().release()
                except IndexError:
                    return

        for future in [in_thread(release) for _ in range(4)]:
            future.result()
    near.send(bytes(60_000), timeout=0)


def test_a_release_reaches_the_sender_while_another_thread_waits_for_messages(pair):
    near, far = pair
    for _ in range(20):
        near.send(bytes(40_000))
        guard = far.recv_zero_copy()
        receiving = in_thread(far.recv)
        wait_until_asleep(receiving.thread_id)
        sending = in_thread(near.send, bytes(40_000), 7)
        wait_until_asleep(sending.thread_id)
        guard.release()
        assert sending.exception(PATIENCE) is None
        assert receiving.result(PATIENCE).type_id == 7


def test_guards_are_released_in_other_threads_than_the_receivers(pair):
    near, far = pair
    count = 3000
    guards = queue.SimpleQueue()

    def send_all():
        for index in range(count):
            near.send(index.to_bytes(4, "little") * 250, index)

    def release_all():
        while (guard := guards.get()) is not None:
            assert guard.data == guard.type_id.to_bytes(4, "little") * 250
            guard.release()

    working = [in_thread(send_all), in_thread(release_all), in_thread(release_all)]
    for index in range(count):
        guard = far.recv_zero_copy(PATIENCE)
        assert guard.type_id == index
        guards.put(guard)
        del guard
    guards.put(None)
    guards.put(None)
    for future in working:
        future.result(PATIENCE)
    near.send(bytes(60_000), timeout=0)


def test_one_guard_that_two_threads_release_is_released_once(pair):
    near, far = pair
    for _ in range(200):
        near.send(bytes(100))
        guard = far.recv_zero_copy()
        outcomes = [in_thread(guard.release) for _ in range(2)]
        errors = [future.exception(PATIENCE) for future in outcomes]
        assert sorted(type(error).__name__ for error in errors) == ["NoneType", "ValueError"]


# --- the GIL ---


@pytest.mark.parametrize("spin", [0, None, 2**32 - 2])
def test_a_wait_lets_other_threads_run(spin, connect_pair):
    near, far = connect_pair(spin=spin)
    for call in (far.recv, far.recv_zero_copy, far.drain_batch):
        waiting = in_thread(call)
        # In pure Python, long past any switch interval.
        assert sum(range(3_000_000)) > 0
        assert not waiting.done()
        near.send(b"go on")
        guard = waiting.result(PATIENCE)
        if hasattr(guard, "release"):
            guard.release()


def test_waiting_for_space_lets_other_threads_run(pair):
    near, far = pair
    fill(near)
    for call in (lambda: near.send(bytes(1000)), lambda: near.send_zero_copy(1000).commit()):
        waiting = in_thread(call)
        assert sum(range(3_000_000)) > 0
        assert not waiting.done()
        while not waiting.done():
            try:
                far.recv(0.001)
            except TimeoutError:
                pass
        waiting.result()
        fill(near)


def test_waiting_for_a_peer_lets_other_threads_run(path):
    for wait in (
        lambda: tachyon.Bus.listen(path, timeout=PATIENCE),
        lambda: tachyon.Listener(path).accept(PATIENCE),
    ):
        waiting = in_thread(wait)
        assert sum(range(1_000_000)) > 0
        tachyon.Bus.connect(path).close()
        waiting.result().close()


# --- close() from another thread ---

CLOSERS = """
import sys, tachyon
from support import in_thread, wait_until, wait_until_asleep

PATH = sys.argv[1]

def pair():
    listening = in_thread(tachyon.Bus.listen, PATH)
    near = tachyon.Bus.connect(PATH)
    return near, listening.result()

def fill(bus):
    while True:
        try:
            bus.send(bytes(1000), timeout=0)
        except BlockingIOError:
            return

def next_of(bus):
    return next(iter(bus))

def loop(bus):
    for message in bus:
        pass

def send(bus):
    fill(bus)
    bus.send(bytes(1000))

def send_zero_copy(bus):
    fill(bus)
    bus.send_zero_copy(1000)

def recv(bus):
    bus.recv()

def recv_with_a_timeout(bus):
    bus.recv(20)

def recv_zero_copy(bus):
    bus.recv_zero_copy()

def drain_batch(bus):
    bus.drain_batch()

def close_in_a_round(call, turn):
    near, far = pair()
    waiting = in_thread(call, near)
    if turn % 5:
        wait_until_asleep(waiting.thread_id)
    # Else somewhere before the call, or in it.
    near.close()
    error = waiting.exception(10)
    assert type(error) is tachyon.ClosedError, error
    far.close()
"""


@pytest.mark.parametrize(
    "call",
    [
        "recv",
        "recv_with_a_timeout",
        "recv_zero_copy",
        "drain_batch",
        "next_of",
        "loop",
        "send",
        "send_zero_copy",
    ],
)
def test_close_from_another_thread_is_a_closed_error_there(call, path):
    rounds = f"for turn in range(50):\n    close_in_a_round({call}, turn)\nprint('good')\n"
    source = CLOSERS + rounds
    assert run_program(source, path) == "good\n"


def test_close_from_another_thread_ends_accept(path):
    source = (
        CLOSERS
        + """
for turn in range(50):
    listener = tachyon.Listener(PATH)
    waiting = in_thread(listener.accept)
    if turn % 5:
        wait_until_asleep(waiting.thread_id)
    listener.close()
    error = waiting.exception(10)
    assert type(error) is tachyon.ClosedError, error
print("good")
"""
    )
    assert run_program(source, path) == "good\n"


def test_close_ends_a_sender_and_a_receiver_and_those_that_wait_for_their_turn(path):
    source = (
        CLOSERS
        + """
for turn in range(50):
    near, far = pair()
    fill(near)
    calls = [lambda: near.send(bytes(1000)), near.recv, near.recv_zero_copy, near.drain_batch,
             lambda: near.send_zero_copy(1000), lambda: near.recv(20)]
    waiting = [in_thread(call) for call in calls]
    if turn % 5:
        wait_until_asleep(waiting[0].thread_id)
        wait_until_asleep(waiting[1].thread_id)
    near.close()
    for future in waiting:
        error = future.exception(10)
        assert type(error) is tachyon.ClosedError, error
    far.close()
print("good")
"""
    )
    assert run_program(source, path) == "good\n"


def test_many_threads_may_close_at_once(path):
    source = (
        CLOSERS
        + """
for turn in range(50):
    near, far = pair()
    waiting = in_thread(near.recv)
    closing = [in_thread(bus.close) for bus in (near, far, near, far, near)]
    for future in closing:
        assert future.exception(10) is None
    assert type(waiting.exception(10)) is tachyon.ClosedError
print("good")
"""
    )
    assert run_program(source, path) == "good\n"


def test_close_beside_a_busy_sender_and_a_busy_receiver(path):
    source = (
        CLOSERS
        + """
def send_all(bus):
    while True:
        with bus.send_zero_copy(300) as guard, memoryview(guard) as view:
            view[:] = b"x" * 300

def receive_all(bus):
    while True:
        with bus.drain_batch() as batch:
            for message in batch:
                with memoryview(message) as view:
                    assert bytes(view) == b"x" * 300

for turn in range(50):
    near, far = pair()
    sending, receiving = in_thread(send_all, near), in_thread(receive_all, far)
    wait_until(lambda: far.stats().messages_received > 20)
    (near, far)[turn % 2].close()
    for future in (sending, receiving):
        error = future.exception(10)
        assert type(error) is tachyon.ClosedError, error
    near.close()
    far.close()
print("good")
"""
    )
    assert run_program(source, path) == "good\n"


def test_dropping_a_bus_after_close_beside_a_call_is_no_trouble(path):
    source = (
        CLOSERS
        + """
import gc
for turn in range(50):
    near, far = pair()
    waiting = in_thread(near.recv)
    wait_until_asleep(waiting.thread_id)
    near.close()
    del near
    gc.collect()
    assert type(waiting.exception(10)) is tachyon.ClosedError
    far.close()
print("good")
"""
    )
    assert run_program(source, path) == "good\n"


def test_a_program_may_end_while_threads_wait(path):
    source = (
        CLOSERS
        + """
near, far = pair()
fill(near)
for call in (near.recv, lambda: near.send(bytes(1000)), far.send):
    in_thread(call)
waiting = in_thread(tachyon.Listener(PATH).accept)
wait_until_asleep(waiting.thread_id)
print("good", flush=True)
"""
    )
    assert run_program(source, path) == "good\n"


def test_close_wakes_the_peer(pair):
    near, far = pair
    receiving = in_thread(lambda: list(far))
    wait_until_asleep(receiving.thread_id)
    near.send(b"last")
    near.close()
    assert [message.data for message in receiving.result(PATIENCE)] == [b"last"]


def test_closing_in_one_thread_is_seen_in_another(pair):
    near, _ = pair
    in_thread(near.close).result()
    wait_until(lambda: near.closed)
    with pytest.raises(tachyon.ClosedError):
        near.send(b"x")
