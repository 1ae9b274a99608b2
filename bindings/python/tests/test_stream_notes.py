# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Every sentence of the notes on the page that streams began with, across processes.

Each test quotes the sentence that it tests. Those about a GPU are in the gpu suite.
"""

import multiprocessing
import os
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as pyshmem  # noqa: E402
from stream_support import PRELUDE, add_one, filled, is_whole  # noqa: E402
from support import PATIENCE, run_program  # noqa: E402

SHAPE = (64, 64)


@pytest.fixture
def stream(stream_name):
    with pyshmem.create(stream_name, shape=SHAPE, dtype=np.float32) as stream:
        yield stream


# --- "Behavior Notes" ---


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_writes_are_serialized(method, stream):
    """Writes are serialized with a cross-platform file lock backend."""
    context = multiprocessing.get_context(method)
    adding = [context.Process(target=add_one, args=(stream.name, 200)) for _ in range(3)]
    for one in adding:
        one.start()
    for one in adding:
        one.join(PATIENCE)
        assert one.exitcode == 0
        one.close()

    assert stream.count == 600
    assert is_whole(stream.read()) and stream.read()[0, 0] == 600


def test_a_plain_write_waits_for_the_lock(stream, fork):
    """Writes are serialized with a cross-platform file lock backend."""

    def write(connection):
        other = pyshmem.open(stream.name)
        connection.send("ready")
        other.write(filled(2))
        connection.send(stream.count)

    with stream.locked():
        writing = fork(write)
        assert writing.recv() == "ready"
        assert not writing.connection.poll(0.1)
        stream.write(filled(1))
        assert stream.count == 1
    assert writing.recv() == 2
    writing.finish()
    assert stream.read()[0, 0] == 2


def test_a_safe_read_is_consistent_while_others_write(stream, fork):
    """read(safe=True) returns a consistent snapshot of the most recent completed write"""

    def write(connection):
        other = pyshmem.open(stream.name)
        for turn in range(1, 2001):
            other.write(filled(turn))

    writing = fork(write)
    last = 0.0
    while last < 2000:
        value = stream.read(safe=True)
        assert is_whole(value)
        assert value[0, 0] >= last
        last = value[0, 0]
    writing.finish()


def test_a_safe_read_is_of_the_most_recent_completed_write(stream, fork):
    """read(safe=True) returns a consistent snapshot of the most recent completed write"""

    def write(connection):
        other = pyshmem.open(stream.name)
        other.write(filled(1))
        with other.write_view() as view:
            view[:32] = 2
            connection.send("half-way")
            connection.recv()
            view[32:] = 2
        connection.send("completed")

    writing = fork(write)
    assert writing.recv() == "half-way"
    assert (stream.read(safe=True) == 1).all()
    writing.send()
    assert writing.recv() == "completed"
    assert (stream.read(safe=True) == 2).all()
    writing.finish()


def test_a_safe_read_is_the_callers_own(stream):
    """read(safe=True) returns a consistent snapshot of the most recent completed write"""
    stream.write(filled(1))
    value = stream.read(safe=True)
    stream.write(filled(2))
    assert (value == 1).all()
    value[:] = 7
    assert (stream.read(safe=True) == 2).all()


def test_an_unsafe_read_needs_the_lock(stream, fork):
    """read(safe=False) exposes the live backing storage and therefore requires with
    shm.locked():
    """
    told = r"safe=False requires an active 'with shm\.locked\(\)' block"
    with pytest.raises(RuntimeError, match=told):
        stream.read(safe=False)
    with pytest.raises(RuntimeError, match=told):
        stream.read_new(timeout=1, safe=False)

    with stream.locked():
        assert stream.read(safe=False).shape == SHAPE

        def read(connection):
            # That another process has it is not enough.
            with pytest.raises(RuntimeError, match=told):
                pyshmem.open(stream.name).read(safe=False)
            # And it is no child's that its parent has it.
            with pytest.raises(RuntimeError, match=told):
                stream.read(safe=False)

        fork(read).finish()
    with pytest.raises(RuntimeError, match=told):
        stream.read(safe=False)


def test_an_unsafe_read_is_live(stream, fork):
    """read(safe=False) exposes the live backing storage and therefore requires with
    shm.locked():
    """

    def change(connection):
        other = pyshmem.open(stream.name)
        with other.locked():
            other.read(safe=False)[:] = 3

    stream.write(filled(1))
    with stream.locked():
        view = stream.read(safe=False)
        assert (view == 1).all()
        stream.write(filled(2))
        assert (view == 2).all()
        assert np.shares_memory(view, stream.read(safe=False))
    fork(change).finish()
    assert (stream.read() == 3).all()
    with stream.locked():
        assert (view == 3).all()


def test_close_releases_only_the_local_handle(stream, fork):
    """close() releases only the local handle"""

    def go_on(connection):
        other = pyshmem.open(stream.name)
        connection.send("open")
        connection.recv()
        assert (other.read() == 1).all()
        other.write(filled(2))

    writing = fork(go_on)
    assert writing.recv() == "open"
    second = pyshmem.open(stream.name)
    stream.write(filled(1))
    stream.close()
    writing.send()
    writing.finish()

    assert (second.read() == 2).all()
    assert (pyshmem.open(second.name).read() == 2).all()


def test_unlink_destroys_the_stream(stream, fork):
    """unlink() destroys the underlying shared-memory stream"""

    def destroy(connection):
        pyshmem.open(stream.name).unlink()

    stream.write(filled(1))
    fork(destroy).finish()

    assert not os.path.exists(f"/dev/shm/tachyon.{os.getuid()}.{stream.name}")
    with pytest.raises(FileNotFoundError):
        pyshmem.open(stream.name)
    # Who has it open may go on, and a new stream has nothing of it.
    assert (stream.read() == 1).all()
    assert not pyshmem.create(stream.name, shape=SHAPE).read().any()


# --- closed handles ---

CALLS = {
    "read": lambda one: one.read(),
    "read_new": lambda one: one.read_new(),
    "read unsafe": lambda one: one.read(safe=False),
    "write": lambda one: one.write(filled(1)),
    "acquire": lambda one: one.acquire(),
    "release": lambda one: one.release(),
    "locked": lambda one: one.locked().__enter__(),
    "clear": lambda one: one.clear(),
    "snapshot": lambda one: one.snapshot(),
    "wait": lambda one: one.wait(0),
    "write_view": lambda one: one.write_view().__enter__(),
    "fileno": lambda one: one.fileno(),
    "prepare": lambda one: one.prepare(1),
    "dispatch": lambda one: one.dispatch(1),
    "__array__": np.asarray,
    "__dlpack__": lambda one: one.__dlpack__(),
    "with": lambda one: one.__enter__(),
}

METADATA = (
    "name shape dtype size gpu_device cpu_mirror owner read_only count write_time write_sequence id"
).split()


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_handle_is_guarded(call, stream):
    """Closed handles are guarded explicitly. After close(), methods such as read, write, acquire,
    clear, and metadata access raise a RuntimeError that instructs the caller to reopen the stream.
    """
    name = stream.name
    stream.close()
    with pytest.raises(RuntimeError) as caught:
        CALLS[call](stream)

    assert f"closed shared memory '{name}'" in str(caught.value)
    assert f"reopen it with tachyon.stream.open('{name}')" in str(caught.value)


@pytest.mark.parametrize("fact", METADATA)
def test_a_closed_handles_metadata_is_guarded(fact, stream):
    """After close(), methods such as read, write, acquire, clear, and metadata access raise a
    RuntimeError that instructs the caller to reopen the stream.
    """
    name = stream.name
    stream.close()
    with pytest.raises(RuntimeError) as caught:
        getattr(stream, fact)

    assert str(caught.value) == (
        f"cannot read {fact} from closed shared memory '{name}'; "
        f"reopen it with tachyon.stream.open('{name}')"
    )


@pytest.mark.parametrize("verb, call", [("read", "read"), ("write", "write")])
def test_the_error_of_a_closed_handle_has_a_fitting_verb(verb, call, stream):
    """... raise a RuntimeError that instructs the caller to reopen the stream."""
    stream.close()
    with pytest.raises(RuntimeError, match=f"^cannot {verb} "):
        CALLS[call](stream)


def test_close_and_its_likes_may_be_repeated(stream):
    """Closed handles are guarded explicitly."""
    name = stream.name
    stream.close()
    stream.close()
    stream.unlink()
    stream.unlink()
    stream.delete()
    assert repr(stream) == f"<closed SharedMemory '{name}'>"


# --- missing segments ---


def test_a_missing_stream_points_to_create(stream_name):
    """Missing segments raise FileNotFoundError with a pyshmem-specific message that points the
    caller toward pyshmem.create(...).
    """
    with pytest.raises(FileNotFoundError) as caught:
        pyshmem.open(stream_name)

    text = str(caught.value)
    assert f"shared memory '{stream_name}' does not exist" in text
    assert f"tachyon.stream.create('{stream_name}'" in text


def test_a_name_that_is_taken_points_to_open(stream, fork):
    """The same the other way round, in any process."""

    def create(connection):
        try:
            pyshmem.create(stream.name, shape=SHAPE)
        except FileExistsError as error:
            connection.send(str(error))

    creating = fork(create)
    text = creating.recv()
    assert f"shared memory '{stream.name}' already exists" in text
    assert f"tachyon.stream.open('{stream.name}')" in text
    creating.finish()


# --- "Platform Notes" ---


def test_a_segment_outlives_its_creator(stream_name):
    """a segment outliving its creator when no other process still has it open"""
    run_program(
        PRELUDE
        + """
stream = streams.create(name, shape=(64, 64))
stream.write(np.full((64, 64), 7))
""",
        stream_name,
    )
    assert (pyshmem.open(stream_name).read() == 7).all()


def test_a_segment_outlives_its_last_handle(stream):
    """close() followed by pyshmem.open(...) when that close() dropped the final live handle"""
    name = stream.name
    stream.write(filled(3))
    stream.close()

    again = pyshmem.open(name)
    assert again.count == 1 and not again.owner
    assert (again.read() == 3).all()


# --- "Why pyshmem" and the rest of the page ---


def test_lock_ownership_is_explicit(stream, fork):
    """cross-process write locking with explicit lock ownership"""

    def steal(connection):
        other = pyshmem.open(stream.name)
        with pytest.raises(RuntimeError, match="cannot release an unlocked shared memory lock"):
            other.release()
        with pytest.raises(TimeoutError):
            other.acquire(timeout=0)
        connection.send(other.count)
        connection.recv()
        other.acquire(timeout=PATIENCE)
        other.release()

    with pytest.raises(RuntimeError, match="cannot release an unlocked shared memory lock"):
        stream.release()
    stream.acquire()
    stealing = fork(steal)
    stealing.recv()
    stream.release()
    stealing.send()
    stealing.finish()
    with pytest.raises(RuntimeError, match="cannot release an unlocked shared memory lock"):
        stream.release()


def test_metadata_tells_of_each_write(stream, fork):
    """SharedMemory instances expose metadata: count, write_time, write_sequence"""

    def write(connection):
        other = pyshmem.open(stream.name)
        for turn in range(3):
            other.write(filled(turn))

    before = time.time()
    fork(write).finish()
    after = time.time()

    assert (stream.count, stream.write_sequence) == (3, 6)
    # The clock of the kernel's ticks may be behind by one.
    assert before - 0.1 <= stream.write_time <= after + 0.1


def test_one_object_per_process_is_enough_for_many_processes(stream, fork):
    """named shared-memory streams for NumPy arrays"""

    def follow(connection):
        reader = pyshmem.open(stream.name)
        connection.send("open")
        for _ in range(5):
            connection.send(reader.read_new(timeout=PATIENCE)[0, 0])
            connection.recv()

    following = [fork(follow) for _ in range(4)]
    for one in following:
        assert one.recv() == "open"
    for turn in range(1, 6):
        stream.write(filled(turn))
        for one in following:
            assert one.recv() == turn
        for one in following:
            one.send()
    for one in following:
        one.finish()
