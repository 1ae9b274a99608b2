# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Writing into received memory: no crash, and nobody else sees it.

A library may ignore that a buffer is read-only; torch does.
"""

import pytest
from support import needs, run_program

#: Ways to get at memory that was received and to write to it, each by a name.
SCRIBBLERS = """
import ctypes, warnings
import numpy, torch

warnings.filterwarnings("ignore", message=".*not writable.*")

def by_dlpack(message):
    torch.from_dlpack(message).fill_(0xEE)

def by_frombuffer(message):
    torch.frombuffer(message, dtype=torch.uint8).fill_(0xEE)

def by_from_numpy(message):
    torch.from_numpy(numpy.asarray(message)).fill_(0xEE)

def by_address(message):
    array = numpy.asarray(message)
    ctypes.memset(array.ctypes.data, 0xEE, array.nbytes)

WAYS = (by_dlpack, by_frombuffer, by_from_numpy, by_address)
"""
SIZES = [16, 5000, 300_000]

PAIR = """
import random, sys, tachyon
from support import in_thread

# Rings that hold about three messages of the size, so that their memory is soon used again.
capacity = {"16": 4096, "5000": 16384}.get(sys.argv[-1], 1 << 20)
listening = in_thread(tachyon.Bus.listen, sys.argv[1], capacity)
near = tachyon.Bus.connect(sys.argv[1], capacity)
far = listening.result()

def assert_unharmed(room):
    # What lies there from the lap before is what the sender itself wrote.
    assert b"\\xee" * 16 not in bytes(room), "a reader's writing reached the sender"
"""


@pytest.fixture
def run_scribbler(path):
    """Runs a program in a process of its own, so that its crash is one failed test."""
    needs("torch", "numpy")

    def run(source, *args):
        assert run_program(SCRIBBLERS + PAIR + source, path, *args).endswith("good\n")

    return run


@pytest.mark.parametrize("size", SIZES)
def test_writing_into_a_received_message_harms_nobody(size, run_scribbler):
    run_scribbler(
        """
size = int(sys.argv[2])
for turn in range(2000 if size < 100 else 100):
    way = WAYS[turn % len(WAYS)]
    with near.send_zero_copy(size, turn) as room, memoryview(room) as view:
        assert_unharmed(view)
        view[:] = bytes([turn % 200]) * size
    with far.recv_zero_copy(10) as guard:
        assert guard.type_id == turn
        assert guard.data == bytes([turn % 200]) * size, "a message came changed"
        way(guard)
print("good")
""",
        size,
    )


@pytest.mark.parametrize("size", SIZES)
def test_writing_into_a_batch_harms_nobody(size, run_scribbler):
    run_scribbler(
        """
size = int(sys.argv[2])
number = 0
for turn in range(800 if size < 100 else 80):
    way = WAYS[turn % len(WAYS)]
    for index in range(3):
        with near.send_zero_copy(size, number + index) as room, memoryview(room) as view:
            assert_unharmed(view)
            view[:] = bytes([(number + index) % 200]) * size
    with far.drain_batch(timeout=10) as batch:
        assert len(batch) == 3
        for message in batch:
            assert message.type_id == number
            assert message.data == bytes([number % 200]) * size, "a message came changed"
            way(message)
            number += 1
print("good")
""",
        size,
    )


@pytest.mark.parametrize("size", SIZES)
def test_messages_that_come_beside_one_written_to_are_right(size, run_scribbler):
    """They may share a page with it, and come before or after it was copied."""
    run_scribbler(
        """
size = int(sys.argv[2])
for turn in range(200):
    way = WAYS[turn % len(WAYS)]
    near.send(bytes([turn]) * size)
    with far.recv_zero_copy(10) as first:
        view = memoryview(first)
        way(first)
        near.send(bytes([turn + 1]) * size)
        with far.recv_zero_copy(10) as second:
            assert second.data == bytes([turn + 1]) * size
            assert bytes(second) == bytes([turn + 1]) * size
            with memoryview(second) as other:
                assert bytes(other) == bytes([turn + 1]) * size
            assert (torch.from_dlpack(second) == turn + 1).all()
            way(second)
        bytes(view)
        view.release()
    near.send(bytes([turn + 2]) * size)
    near.send(bytes([turn + 3]) * size)
    with far.recv_zero_copy(10) as third:
        way(third)
        assert far.recv(10).data == bytes([turn + 3]) * size
print("good")
""",
        size,
    )


def test_what_is_written_through_a_tensor_stays_there_until_it_is_released(run_scribbler):
    run_scribbler(
        """
for size in (16, 5000, 300_000):
    near.send(bytes(size))
    with far.recv_zero_copy() as guard:
        tensor = torch.from_dlpack(guard)
        tensor += 5
        assert (tensor == 5).all()
        del tensor
print("good")
"""
    )


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_stays_there_while_messages_beside_it_come_and_are_written_to(
    size, run_scribbler
):
    run_scribbler(
        """
size = int(sys.argv[2])
for turn in range(50):
    near.send(bytes(size))
    with far.recv_zero_copy(10) as first:
        tensor = torch.from_dlpack(first)
        tensor += 5
        for _ in range(2):
            near.send(bytes(size))
            with far.recv_zero_copy(10) as second:
                other = torch.from_dlpack(second)
                assert (other == 0).all()
                assert (tensor == 5).all(), "what was written is lost before its guard"
                other += 7
                tensor += 1
                assert (other == 7).all()
                assert (tensor == 6).all()
                tensor -= 1
                del other
        assert (tensor == 5).all(), "what was written is lost before its guard"
        del tensor
print("good")
""",
        size,
    )


def test_writing_after_the_bus_is_closed_harms_nobody(run_scribbler):
    run_scribbler(
        """
for size in (16, 5000, 300_000):
    near.send(b"a" * size)
guards = [far.recv_zero_copy() for _ in range(3)]
tensors = [torch.from_dlpack(guard) for guard in guards]
far.close()
near.close()
for tensor in tensors:
    assert (tensor == ord("a")).all()
    tensor.fill_(0xEE)
late = torch.from_dlpack(guards[0])
late.fill_(0xEE)
del tensors, tensor, late
for guard in guards:
    by_dlpack(guard)
    guard.release()
print("good")
"""
    )


def test_writing_while_the_sender_goes_on_harms_nobody(run_scribbler):
    run_scribbler(
        """
count = 3000
chance = random.Random(3)
sizes = [chance.choice((0, 16, 48, 49, 700, 4096, 5000, 60_000)) for _ in range(count)]

def send_all():
    for index, size in enumerate(sizes):
        near.send(bytes([index % 200]) * size, index)

sending = in_thread(send_all)
held = []
for index, size in enumerate(sizes):
    guard = far.recv_zero_copy(20)
    assert guard.type_id == index
    assert guard.data == bytes([index % 200]) * size
    if index % 3:
        by_dlpack(guard)
    held.append(guard)
    if len(held) > 5:
        held.pop(chance.randrange(len(held))).release()
for guard in held:
    guard.release()
sending.result()
print("good")
"""
    )


def test_writing_into_what_another_process_sent_harms_nobody(path, peer):
    needs("torch", "numpy")
    child = peer(
        """
        import sys, tachyon
        with tachyon.Bus.listen(sys.argv[1], 1 << 20, timeout=20) as bus:
            for turn in range(60):
                for size in (16, 5000, 300_000):
                    with bus.send_zero_copy(size, turn) as room, memoryview(room) as view:
                        assert b"\\xee" * 16 not in bytes(view)
                        view[:] = bytes([turn]) * size
                bus.recv()
        print("good")
        """,
        path,
    )
    reader = peer(
        SCRIBBLERS
        + """
import sys, tachyon
with tachyon.Bus.connect(sys.argv[1], timeout=20) as bus:
    for turn in range(60):
        for size in (16, 5000, 300_000):
            with bus.recv_zero_copy(20) as guard:
                assert guard.data == bytes([turn]) * size
                by_dlpack(guard)
        bus.send(b"done")
print("good")
""",
        path,
    )
    assert (child.finish(), reader.finish()) == ("good\n", "good\n")
