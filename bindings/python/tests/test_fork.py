# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A child made by fork() has no part in its parent's connections, and cannot disturb them."""

import sys

import pytest
from support import run_program

PAIR = """
import gc, os, sys, tachyon
from support import in_thread

path = sys.argv[1]
listening = in_thread(tachyon.Bus.listen, path)
near = tachyon.Bus.connect(path)
far = listening.result()
del listening

def in_child(function):
    \"\"\"Run in a forked child; returns its exit status.\"\"\"
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        function()
        status = 0
    except BaseException:
        import traceback
        traceback.print_exc()
        status = 1
    finally:
        os._exit(status)

def kind_of_error(call):
    try:
        call()
    except Exception as error:
        return type(error)
    return None
"""


@pytest.fixture
def run_forking(path):
    if not sys.platform.startswith("linux"):
        pytest.skip("fork() as Linux has it")

    def run(source):
        assert run_program(PAIR + source, path) == "good\n"

    return run


def test_the_parents_bus_is_a_child_process_error(run_forking):
    run_forking(
        """
def use():
    calls = {
        "send": lambda: near.send(b"from the child"),
        "send, no wait": lambda: near.send(b"from the child", timeout=0),
        "send_zero_copy": lambda: near.send_zero_copy(10),
        "recv": near.recv,
        "recv, no wait": lambda: near.recv(0),
        "recv_zero_copy": near.recv_zero_copy,
        "drain_batch": near.drain_batch,
        "flush": near.flush,
        "prepare": near.prepare,
        "next": lambda: next(iter(near)),
    }
    wrong = {name: kind_of_error(call) for name, call in calls.items()}
    wrong = {name: kind for name, kind in wrong.items() if kind is not ChildProcessError}
    assert not wrong, wrong

far.send(b"for the parent")
assert in_child(use) == 0
assert near.recv(10).data == b"for the parent"
near.send(b"still whole")
assert far.recv(10).data == b"still whole"
print("good")
"""
    )


def test_the_parents_listener_is_a_child_process_error(run_forking):
    run_forking(
        """
listener = tachyon.Listener(path)

def use():
    assert kind_of_error(listener.accept) is ChildProcessError
    assert kind_of_error(lambda: listener.accept(0)) is ChildProcessError

assert in_child(use) == 0
accepting = in_thread(listener.accept, 10)
tachyon.Bus.connect(path).close()
accepting.result().close()
print("good")
"""
    )


@pytest.mark.parametrize(
    "way", ["os._exit(0)", "near.close(); far.close()", "del near, far; gc.collect()"]
)
def test_the_end_of_a_child_leaves_the_parents_bus_alone(way, run_forking):
    run_forking(
        f"""
def leave():
    global near, far
    try:
        {way}
    except ChildProcessError:
        pass

near.send(b"before")
for _ in range(5):
    assert in_child(leave) == 0
assert far.recv(10).data == b"before"
for turn in range(100):
    near.send(bytes(2000), turn)
    assert far.recv(10).type_id == turn
    far.send(bytes(2000), turn)
    assert near.recv(10).type_id == turn
assert near.end is None and far.end is None
print("good")
"""
    )


def test_a_child_that_ends_as_programs_do_leaves_the_parents_bus_alone(run_forking):
    run_forking(
        """
listener = tachyon.Listener(path)
near.send(b"one")
near.send(b"two" * 5000)
guard = far.recv_zero_copy()
batch = far.drain_batch()
room = near.send_zero_copy(10, 7)
child = os.fork()
if child == 0:
    # Finalizers and destructors run, of everything above.
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert os.path.exists(path)
assert guard.data == b"one"
assert batch[0].data == b"two" * 5000
with memoryview(room) as view:
    view[:] = b"0123456789"
room.commit()
guard.release()
batch.release()
assert far.recv(10) == tachyon.Message(7, b"0123456789")
print("good")
"""
    )


def test_guards_in_a_child_leave_the_parents_alone(run_forking):
    run_forking(
        """
near.send(b"one" * 10_000)
guard = far.recv_zero_copy()
view = memoryview(guard)
room = near.send_zero_copy(10)

def end_them():
    global guard, view, room
    for call in (room.commit, room.rollback):
        kind = kind_of_error(call)
        assert kind in (ChildProcessError, None, ValueError), kind
    view.release()
    kind_of_error(guard.release)
    del guard, view, room
    gc.collect()

assert in_child(end_them) == 0
assert bytes(view) == b"one" * 10_000
with room:
    memoryview(room)[:] = b"0123456789"
assert kind_of_error(lambda: near.send(bytes(40_000), timeout=0)) is BlockingIOError
view.release()
guard.release()
assert far.recv(10).data == b"0123456789"
near.send(bytes(40_000), timeout=0)
print("good")
"""
    )


def test_a_child_makes_connections_of_its_own(run_forking):
    run_forking(
        """
def make():
    listening = in_thread(tachyon.Bus.listen, path + "2")
    with tachyon.Bus.connect(path + "2") as one, listening.result() as other:
        one.send(b"between us")
        assert other.recv(10).data == b"between us"

assert in_child(make) == 0
make()
print("good")
"""
    )


def test_a_child_talks_to_its_parent_over_a_new_bus(run_forking):
    run_forking(
        """
def talk():
    with tachyon.Bus.connect(path + "2") as bus:
        for message in bus:
            bus.send(message.data.upper())

child = os.fork()
if child == 0:
    try:
        talk()
    finally:
        os._exit(0)
with tachyon.Bus.listen(path + "2", timeout=10) as bus:
    bus.send(b"child")
    assert bus.recv(10).data == b"CHILD"
os.waitpid(child, 0)
print("good")
"""
    )


def test_a_child_does_not_keep_a_connection_open(run_forking):
    """It has copies of the sockets: the parent's end must be seen all the same."""
    run_forking(
        """
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.close(writer)
    os.read(reader, 1)
    os._exit(0)
near.send(b"last")
near.close()
assert far.recv(10).data == b"last"
assert kind_of_error(lambda: far.recv(10)) is tachyon.ClosedError
os.close(writer)
os.waitpid(child, 0)
print("good")
"""
    )
