# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Processes that are killed or stopped, wherever they were, disturb nobody else."""

import random
import signal

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import (  # noqa: E402
    PRELUDE,
    filled,
    is_whole,
    wait_until_asleep,
    wait_until_stopped,
)
from support import PATIENCE, in_thread, wait_until  # noqa: E402

#: 4 MiB, so that a copy takes a while to be interrupted in.
LARGE = (1024, 1024)


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


@pytest.fixture
def large(stream_name):
    with streams.create(stream_name, shape=LARGE) as stream:
        yield stream


# --- what a child does when it is killed or stopped ---


def half_a_transaction(connection, name):
    stream = streams.open(name)
    with stream.write_view() as view:
        view[: len(view) // 2] = 666
        connection.send("half-way")
        connection.recv()
        view[:] = 2


def hold_the_lock(connection, name):
    stream = streams.open(name)
    with stream.locked():
        connection.send("holding")
        connection.recv()
        stream.write(filled(2, stream.shape))


def half_a_live_view(connection, name):
    stream = streams.open(name)
    with stream.locked():
        view = stream.read(safe=False)
        view[: len(view) // 2] = 666
        connection.send("half-way")
        connection.recv()
        view[:] = 2


def write_for_ever(connection, name):
    stream = streams.open(name)
    connection.send("writing")
    number = 0.0
    while True:
        number += 1
        stream.write(filled(number, stream.shape))


HOLDING = [half_a_transaction, hold_the_lock, half_a_live_view]
HOLDERS = pytest.mark.parametrize("holder", HOLDING)


@HOLDERS
def test_a_holder_that_is_killed_leaves_the_last_value_and_no_lock(holder, stream, fork):
    stream.write(filled(1))
    holding = fork(holder, stream.name)
    holding.recv()
    holding.kill()

    assert stream.count == 1
    assert (stream.read() == 1).all()
    assert (streams.open(stream.name).read() == 1).all()
    stream.write(filled(3), timeout=PATIENCE)
    assert stream.count == 2
    assert (stream.read() == 3).all()
    with stream.locked(timeout=0):
        assert (stream.read(safe=False) == 3).all()
        # Both slots that the dead one may have begun are used again.
        for turn in range(8):
            stream.write(filled(turn))
            assert (stream.read() == turn).all()


@HOLDERS
def test_a_holder_that_is_stopped_keeps_no_reader_waiting(holder, stream, fork):
    stream.write(filled(1))
    reader = streams.open(stream.name)
    holding = fork(holder, stream.name)
    holding.recv()
    holding.kill(signal.SIGSTOP)

    assert (stream.read() == 1).all()
    assert (reader.read() == 1).all()
    assert streams.open(stream.name).snapshot().count == 1
    assert streams.stat(stream.name).count == 1
    assert stream.wait(1, timeout=0) == 1
    with pytest.raises(TimeoutError):
        reader.read_new(timeout=0.05)
    out = np.empty_like(filled(0))
    assert (stream.read(out=out) == 1).all()

    holding.kill(signal.SIGCONT)
    holding.send()
    holding.finish()
    assert stream.count == 2
    assert (stream.read() == 2).all()


@HOLDERS
def test_a_holder_that_is_stopped_keeps_no_writer_past_its_timeout(holder, stream, fork):
    holding = fork(holder, stream.name)
    holding.recv()
    holding.kill(signal.SIGSTOP)

    for call in (
        lambda timeout: stream.write(filled(1), timeout=timeout),
        lambda timeout: stream.clear(timeout=timeout),
        lambda timeout: stream.acquire(timeout=timeout),
        lambda timeout: stream.locked(timeout=timeout).__enter__(),
        lambda timeout: stream.write_view(timeout=timeout).__enter__(),
    ):
        for timeout in (0, 0.02):
            with pytest.raises(TimeoutError, match="lock"):
                call(timeout)
    assert stream.count == 0


@HOLDERS
def test_the_death_of_a_holder_lets_those_in_that_wait(holder, stream, fork):
    """In other processes, other threads, and through other handles of one process."""

    def wait_for_it(connection):
        other = streams.open(stream.name)
        connection.send("waiting")
        with other.locked():
            other.write(other.read() + 1)

    other_handle = streams.open(stream.name)
    stream.write(filled(1))
    holding = fork(holder, stream.name)
    holding.recv()
    processes = [fork(wait_for_it) for _ in range(2)]
    for one in processes:
        assert one.recv() == "waiting"
        wait_until_asleep(one.pid, one.pid)

    def add_in_thread(handle):
        with handle.locked():
            handle.write(handle.read() + 1)

    threads = [in_thread(add_in_thread, one) for one in (stream, stream, other_handle)]
    for one in threads:
        wait_until_asleep(one.thread_id)
    holding.kill()

    for one in threads:
        one.result(PATIENCE)
    for one in processes:
        one.finish()
    assert stream.count == 6
    assert (stream.read() == 6).all()


def test_those_that_wait_for_a_stopped_holder_get_in_when_it_dies(stream, fork):
    holding = fork(hold_the_lock, stream.name)
    holding.recv()
    holding.kill(signal.SIGSTOP)
    writing = in_thread(stream.write, filled(5))
    wait_until_asleep(writing.thread_id)
    assert not writing.done()
    holding.kill()

    writing.result(PATIENCE)
    assert (stream.read() == 5).all()


def test_one_of_many_that_wait_dies_and_the_others_get_their_turn(stream, fork):
    def wait_for_it(connection):
        other = streams.open(stream.name)
        connection.send("waiting")
        with other.locked():
            other.write(other.read() + 1)

    with stream.locked():
        waiting = [fork(wait_for_it) for _ in range(4)]
        for one in waiting:
            one.recv()
            wait_until_asleep(one.pid, one.pid)
        waiting[1].kill()
        waiting[2].kill()
    for one in (waiting[0], waiting[3]):
        one.finish()
    assert (stream.read() == 2).all()


def test_a_reader_that_dies_in_its_wait_leaves_the_others_theirs(stream, fork):
    def follow(connection):
        reader = streams.open(stream.name)
        connection.send("waiting")
        connection.send(reader.read_new()[0, 0])

    following = [fork(follow) for _ in range(3)]
    for one in following:
        one.recv()
        wait_until_asleep(one.pid, one.pid)
    following[1].kill()
    stream.write(filled(4))

    assert following[0].recv() == following[2].recv() == 4


def test_a_reader_that_is_stopped_in_its_wait_keeps_no_writer_waiting(stream, fork):
    def follow(connection):
        reader = streams.open(stream.name)
        connection.send("waiting")
        connection.send(reader.read_new()[0, 0])

    following = fork(follow)
    following.recv()
    wait_until_asleep(following.pid, following.pid)
    following.kill(signal.SIGSTOP)
    for turn in range(20):
        stream.write(filled(turn), timeout=0)
    following.kill(signal.SIGCONT)

    assert following.recv() == 19


@pytest.mark.parametrize("shape", [(64, 64), LARGE])
def test_a_writer_killed_anywhere_in_a_loop_leaves_whole_values(shape, stream_name, fork):
    stream = streams.create(stream_name, shape=shape)
    dice = random.Random(1)
    for _ in range(40 if shape != LARGE else 25):
        before = stream.count
        writing = fork(write_for_ever, stream_name)
        writing.recv()
        target = before + 1 + dice.randrange(5)
        wait_until(lambda target=target: stream.count >= target, "a write")
        # Anywhere in the next.
        for _ in range(dice.randrange(2000)):
            pass
        writing.kill()

        count = stream.count
        value = stream.read()
        assert count >= target
        assert is_whole(value)
        assert value[0, 0] == count - before
        stream.write(filled(-1, shape), timeout=PATIENCE)
        assert stream.count == count + 1
        assert (stream.read() == -1).all()


def test_a_writer_stopped_anywhere_in_a_large_write_keeps_no_reader_waiting(large, fork):
    reader = streams.open(large.name)
    writing = fork(write_for_ever, large.name)
    writing.recv()
    dice = random.Random(2)
    for _ in range(25):
        target = large.count + 1 + dice.randrange(3)
        wait_until(lambda target=target: large.count >= target, "a write")
        writing.kill(signal.SIGSTOP)

        snapshot = reader.snapshot()
        assert is_whole(snapshot.value)
        assert snapshot.value[0, 0] == snapshot.count == large.count
        assert (streams.open(large.name).read() == snapshot.value).all()
        writing.kill(signal.SIGCONT)


def test_two_writers_killed_one_after_the_other(large, fork):
    """The second begins where the first was killed."""
    for _ in range(10):
        for _ in range(2):
            writing = fork(half_a_transaction, large.name)
            writing.recv()
            writing.kill()
        before = large.count
        assert is_whole(large.read()) and large.read()[0, 0] == before
        large.write(filled(before + 1, LARGE), timeout=PATIENCE)


def test_a_reader_killed_in_a_large_read_disturbs_nobody(large, fork):
    def read_for_ever(connection):
        reader = streams.open(large.name)
        connection.send("reading")
        while True:
            assert is_whole(reader.read())

    for turn in range(10):
        reading = fork(read_for_ever)
        reading.recv()
        large.write(filled(turn, LARGE), timeout=0)
        reading.kill()
        large.write(filled(turn, LARGE), timeout=0)
        assert (large.read() == turn).all()


def test_the_death_of_the_creator_leaves_the_stream(stream_name, fork):
    def make(connection):
        made = streams.create(stream_name, shape=(64, 64))
        made.write(filled(9))
        connection.send("made")
        connection.recv()

    making = fork(make)
    making.recv()
    reader = streams.open(stream_name)
    making.kill()

    assert (reader.read() == 9).all()
    reader.write(filled(10), timeout=0)
    assert (streams.open(stream_name).read() == 10).all()


def test_a_creator_killed_anywhere_leaves_a_whole_stream_or_none(stream_name, fork):
    def make_for_ever(connection):
        connection.send("making")
        while True:
            streams.create(stream_name, shape=(64, 64)).close()
            streams.unlink(stream_name)

    dice = random.Random(3)
    for _ in range(30):
        making = fork(make_for_ever)
        making.recv()
        for _ in range(dice.randrange(20000)):
            pass
        making.kill()
        try:
            found = streams.open(stream_name)
        except FileNotFoundError:
            found = streams.create(stream_name, shape=(64, 64))
        found.write(filled(1), timeout=0)
        assert (found.read() == 1).all()
        found.delete()


def test_a_program_killed_while_it_holds_views_frees_the_lock(stream, peer):
    """The same from a program of its own, which shares nothing with this one."""
    holding = peer(
        PRELUDE
        + """
stream = streams.open(name)
stream.acquire()
view = stream.read(safe=False)
view[:] = 666
print("holding", flush=True)
stream.acquire()
input()
""",
        stream.name,
    )
    assert holding.line() == "holding"
    with pytest.raises(TimeoutError):
        stream.acquire(timeout=0)
    writing = in_thread(stream.write, filled(1))
    wait_until_asleep(writing.thread_id)
    holding.process.send_signal(signal.SIGSTOP)
    wait_until_stopped(holding.pid)
    assert not writing.done()
    assert not stream.read().any()
    holding.kill()

    writing.result(PATIENCE)
    assert (stream.read() == 1).all()
