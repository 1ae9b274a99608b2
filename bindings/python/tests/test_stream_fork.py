# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A child made by fork() has a handle of its own: no lock and no transaction of its parent's."""

import gc
import os
import signal

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import filled, wait_until_asleep  # noqa: E402
from support import PATIENCE, in_thread  # noqa: E402


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


def test_the_childs_handle_reads_and_writes(stream, fork):
    def use(connection):
        assert (stream.read() == 1).all()
        stream.write(filled(2))
        assert (stream.read_new(timeout=0) == 2).all()
        connection.send("written")
        assert (stream.read_new(timeout=PATIENCE) == 3).all()
        with stream.write_view() as view:
            view[:] = 4

    stream.write(filled(1))
    using = fork(use)
    assert using.recv() == "written"
    assert (stream.read_new(timeout=0) == 2).all()
    stream.write(filled(3))
    using.finish()
    assert (stream.read() == 4).all()
    assert stream.count == 4


def test_the_child_has_no_lock_of_its_parents(stream, fork):
    def try_it(connection):
        with pytest.raises(RuntimeError, match="cannot release an unlocked"):
            stream.release()
        with pytest.raises(TimeoutError):
            stream.acquire(timeout=0)
        with pytest.raises(TimeoutError):
            stream.write(filled(9), timeout=0.01)
        connection.send("waiting")
        with stream.locked():
            stream.write(filled(2))

    stream.acquire()
    trying = fork(try_it)
    assert trying.recv() == "waiting"
    wait_until_asleep(trying.pid, trying.pid)
    stream.write(filled(1))
    assert stream.count == 1
    stream.release()
    trying.finish()
    assert (stream.read() == 2).all()


@pytest.mark.parametrize("way", ["_exit", "close", "drop", "kill"])
def test_the_end_of_a_child_leaves_its_parents_lock_alone(way, stream, fork):
    other = streams.open(stream.name)

    def leave(connection):
        nonlocal stream
        connection.send(None)
        if way == "close":
            stream.close()
        elif way == "drop":
            del stream
            gc.collect()
        elif way == "kill":
            signal.pause()

    with stream.locked():
        for _ in range(3):
            leaving = fork(leave)
            leaving.recv()
            if way == "kill":
                leaving.kill()
            else:
                leaving.finish()
            with pytest.raises(TimeoutError):
                other.acquire(timeout=0)
    other.acquire(timeout=0)
    other.release()


def test_the_death_of_a_parent_frees_its_lock_while_its_child_lives(stream, fork):
    """A lock that stands in what both have would live on."""

    def be_a_parent(connection):
        mine = streams.open(stream.name)
        mine.acquire()
        inherited = stream
        child = os.fork()
        if child == 0:
            # It keeps both handles, and says when it saw its parent's end.
            connection.recv()
            mine.write(filled(7))
            assert inherited.read()[0, 0] == 7
            connection.send("written")
            os._exit(0)
        connection.send(child)
        signal.pause()

    parent = fork(be_a_parent)
    child = parent.recv()
    with pytest.raises(TimeoutError):
        stream.acquire(timeout=0)
    waiting = in_thread(stream.acquire, timeout=PATIENCE)
    wait_until_asleep(waiting.thread_id)
    parent.kill()
    try:
        waiting.result(PATIENCE)
        # The lock belongs to the thread that took it: it is over with its handle.
        other = streams.open(stream.name)
        stream.close()
        other.acquire(timeout=0)
        other.release()
        parent.send()
        assert parent.recv() == "written"
        assert (other.read() == 7).all()
    finally:
        # It is nobody's child here.
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_the_death_of_a_child_frees_its_lock_while_its_parent_lives(stream, fork):
    def hold(connection):
        stream.acquire()
        connection.send("holding")
        signal.pause()

    holding = fork(hold)
    holding.recv()
    with pytest.raises(TimeoutError):
        stream.acquire(timeout=0)
    holding.kill()
    stream.acquire(timeout=PATIENCE)
    stream.release()


def test_parent_and_child_exclude_each_other(stream, fork):
    def add(connection=None):
        for _ in range(200):
            with stream.locked():
                stream.write(stream.read() + 1)

    children = [fork(add) for _ in range(2)]
    add()
    for one in children:
        one.finish()
    assert (stream.read() == 600).all()


def test_the_child_has_no_transaction_of_its_parents(stream, fork):
    stream.write(filled(1))
    with stream.write_view() as view:
        view[:] = 5

        def disturb(connection):
            # What it writes there, if it can be written at all, is no value.
            with pytest.raises(TimeoutError):
                stream.write(filled(666), timeout=0)
            assert (stream.read() == 1).all()
            connection.send("waiting")
            stream.write(filled(6))

        disturbing = fork(disturb)
        assert disturbing.recv() == "waiting"
    disturbing.finish()
    assert stream.count == 3
    assert (stream.read() == 6).all()


def test_a_child_that_leaves_a_transaction_of_its_parents_publishes_nothing(stream, fork):
    stream.write(filled(1))
    block = stream.write_view()
    view = block.__enter__()
    view[:] = 2

    def leave(connection):
        with pytest.raises(RuntimeError):
            block.__exit__(None, None, None)
        stream.close()

    fork(leave).finish()
    assert stream.count == 1
    block.__exit__(None, None, None)
    assert stream.count == 2
    assert (stream.read() == 2).all()


def test_a_live_view_of_the_parents_is_not_the_childs(stream, fork):
    stream.write(filled(1))
    with stream.locked():
        view = stream.read(safe=False)
        view[0] = 2

        def look(connection):
            with pytest.raises(RuntimeError, match="safe=False requires"):
                stream.read(safe=False)
            # Its copy of the pages, which nobody publishes.
            view[:] = 666
            assert (stream.read() == 1).all()

        fork(look).finish()
        assert (view[0] == 2).all() and (view[1:] == 1).all()
    value = stream.read()
    assert (value[0] == 2).all() and (value[1:] == 1).all()
    assert stream.count == 2


def test_a_child_has_a_live_view_of_its_own(stream, fork):
    with stream.locked():
        view = stream.read(safe=False)

    def change(connection):
        with stream.locked():
            own = stream.read(safe=False)
            own[:] += 1
            assert np.shares_memory(own, view)

    for _ in range(3):
        fork(change).finish()
    with stream.locked():
        assert (view == 3).all()
    assert stream.count == 3


def test_a_descriptor_of_the_parents_is_woken_all_the_same(stream, fork):
    """What the child reads of its own descriptor must not be missing in the parent's."""
    import select

    stream.fileno()
    assert stream.prepare(1) is False

    def take(connection):
        stream.fileno()
        if not stream.prepare(1):
            connection.send("polling")
            while not stream.dispatch(1):
                assert select.select([stream], [], [], PATIENCE)[0]
        connection.send("taken")

    taking = fork(take)
    assert taking.recv() == "polling"
    streams.open(stream.name).write(filled(1))
    assert taking.recv() == "taken"
    taking.finish()
    assert select.select([stream], [], [], PATIENCE)[0]
    assert stream.dispatch(1) is True


@pytest.mark.forks_beside_a_thread
def test_a_child_of_a_process_whose_threads_wait(stream, fork):
    other = streams.open(stream.name)
    reading = in_thread(other.read_new)
    wait_until_asleep(reading.thread_id)
    with stream.locked():
        locking = in_thread(other.acquire)
        wait_until_asleep(locking.thread_id)

        def use(connection):
            connection.recv()
            other.write(filled(1), timeout=PATIENCE)
            assert (stream.read() == 1).all()
            assert (other.read_new(timeout=PATIENCE) == 1).all()

        using = fork(use)
    locking.result(PATIENCE)
    # Of that thread's, which is gone: only its handle can give it back.
    assert not reading.done()
    other.close()
    using.send()
    using.finish()
    with pytest.raises(RuntimeError):
        reading.result(PATIENCE)


def test_children_of_children(stream, fork):
    def deeper(connection, depth):
        with stream.locked():
            stream.write(stream.read() + 1)
        if depth:
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    deeper(connection, depth - 1)
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    fork(deeper, 4).finish()
    assert (stream.read() == 5).all()


def test_a_closed_handle_stays_closed(stream, fork):
    other = streams.open(stream.name)
    other.close()

    def use(connection):
        with pytest.raises(RuntimeError, match="closed shared memory"):
            other.read()

    fork(use).finish()


def test_a_child_may_unlink_what_its_parent_made(stream, fork):
    fork(lambda connection: stream.delete()).finish()
    assert stream.name not in streams.list()
    stream.write(filled(1))
    assert (stream.read() == 1).all()
