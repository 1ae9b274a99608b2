# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Waiting for values: read_new, wait, snapshot(newer_than=…). test_stream_wait_ends.py ends it."""

import threading
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import filled, is_whole, wait_until_asleep  # noqa: E402
from support import PATIENCE, in_thread  # noqa: E402

NO_WRITE = "timed out waiting for a new write on '{}'"


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


@pytest.fixture
def reader(stream):
    with streams.open(stream.name) as reader:
        yield reader


# --- what read_new() takes for new ---


def test_a_value_written_since_the_opening_is_new(stream, reader):
    stream.write(filled(1))
    assert (reader.read_new(timeout=0) == 1).all()


def test_a_value_written_before_the_opening_is_not(stream):
    stream.write(filled(1))
    reader = streams.open(stream.name)
    with pytest.raises(TimeoutError):
        reader.read_new(timeout=0)
    stream.write(filled(2))
    assert (reader.read_new(timeout=0) == 2).all()


@pytest.mark.parametrize("way", ["read", "read_new", "snapshot", "out"])
def test_a_value_that_was_read_is_not_new(way, stream, reader):
    stream.write(filled(1))
    {
        "read": reader.read,
        "read_new": reader.read_new,
        "snapshot": reader.snapshot,
        "out": lambda: reader.read(out=filled(0)),
    }[way]()
    with pytest.raises(TimeoutError):
        reader.read_new(timeout=0)
    stream.write(filled(2))
    assert (reader.read_new(timeout=0) == 2).all()


def test_each_value_is_new_once_and_the_newest_wins(stream, reader):
    for turn in range(5):
        stream.write(filled(turn))
    assert (reader.read_new(timeout=0) == 4).all()
    with pytest.raises(TimeoutError):
        reader.read_new(timeout=0)


def test_a_handle_sees_its_own_writes_as_new(stream):
    stream.write(filled(1))
    assert (stream.read_new(timeout=0) == 1).all()


def test_equal_values_are_new_all_the_same(stream, reader):
    stream.write(filled(1))
    reader.read()
    stream.write(filled(1))
    assert (reader.read_new(timeout=0) == 1).all()


def test_zeros_by_clear_are_new(stream, reader):
    stream.write(filled(1))
    reader.read()
    stream.clear()
    assert not reader.read_new(timeout=0).any()
    assert reader.count == 2


def test_handles_keep_apart_what_they_have_read(stream, reader):
    other = streams.open(stream.name)
    stream.write(filled(1))
    reader.read()
    assert (other.read_new(timeout=0) == 1).all()


@pytest.mark.parametrize("look", ["count", "write_time", "wait", "stat", "prepare"])
def test_looking_at_the_count_is_no_read(look, stream, reader):
    reader.fileno()
    stream.write(filled(1))
    {
        "count": lambda: reader.count,
        "write_time": lambda: reader.write_time,
        "wait": lambda: reader.wait(1),
        "stat": lambda: streams.stat(stream.name),
        "prepare": lambda: reader.prepare(1),
    }[look]()
    assert (reader.read_new(timeout=0) == 1).all()


def test_it_waits_for_another_processs_write(stream, reader, fork):
    def write(connection):
        other = streams.open(stream.name)
        connection.recv()
        other.write(filled(3))

    writing = fork(write)
    waiting = in_thread(reader.read_new)
    wait_until_asleep(waiting.thread_id)
    writing.send()
    assert (waiting.result(PATIENCE) == 3).all()
    writing.finish()


def test_it_fills_what_it_is_given(stream, reader):
    out = filled(0)
    stream.write(filled(1))
    assert reader.read_new(timeout=0, out=out) is out
    assert (out == 1).all()


def test_unsafe_it_is_the_live_view_where_there_is_a_new_value(stream, reader):
    stream.write(filled(1))
    with reader.locked():
        view = reader.read_new(timeout=0, safe=False)
        assert (view == 1).all()
        assert np.shares_memory(view, reader.read(safe=False))
        with pytest.raises(TimeoutError):
            reader.read_new(timeout=0.01, safe=False)


# --- timeouts ---

#: What waits for a value, with its timeout.
WAITS = {
    "read_new": lambda one, timeout: one.read_new(timeout=timeout),
    "read_new, out": lambda one, timeout: one.read_new(timeout=timeout, out=filled(0)),
    "wait": lambda one, timeout: one.wait(1, timeout=timeout),
    "snapshot": lambda one, timeout: one.snapshot(newer_than=0, timeout=timeout),
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_timeout_is_honoured(wait, stream):
    for timeout in (0, 1e-9, 0.03):
        before = time.monotonic()
        with pytest.raises(TimeoutError) as caught:
            WAITS[wait](stream, timeout)
        assert f"'{stream.name}'" in str(caught.value)
        if wait.startswith("read_new"):
            assert NO_WRITE.format(stream.name) in str(caught.value)
        assert time.monotonic() - before >= timeout


@pytest.mark.parametrize("wait", WAITS)
def test_a_timeout_is_honoured_while_another_has_the_lock(wait, stream, reader):
    with stream.locked():
        with pytest.raises(TimeoutError):
            WAITS[wait](reader, 0.01)
        stream.write(filled(1))
        WAITS[wait](reader, 0)


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("timeout", [-1, float("nan"), float("-inf")])
def test_a_timeout_that_is_none_is_a_value_error(wait, timeout, stream):
    stream.write(filled(1))
    with pytest.raises(ValueError):
        WAITS[wait](stream, timeout)


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_for_a_value_that_is_there_needs_no_time(wait, stream):
    stream.write(filled(1))
    WAITS[wait](stream, 0)


@pytest.mark.parametrize("timeout", [None, 1, 1e18])
def test_a_wait_ends_with_the_write(timeout, stream, reader):
    waiting = in_thread(reader.read_new, timeout=timeout and timeout * PATIENCE)
    wait_until_asleep(waiting.thread_id)
    stream.write(filled(1))
    assert (waiting.result(PATIENCE) == 1).all()


def test_writes_that_do_not_suffice_do_not_make_a_timeout_longer(stream, reader):
    stop = threading.Event()

    def write():
        while not stop.wait(0.001):
            stream.write(filled(1))

    writing = in_thread(write)
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.wait(1 << 40, timeout=0.1)
    assert 0.1 <= time.monotonic() - before < PATIENCE
    stop.set()
    writing.result(PATIENCE)


# --- wait() and snapshot() ---


def test_wait_is_level_triggered(stream, reader):
    assert reader.wait(0) == 0
    for turn in range(1, 4):
        stream.write(filled(turn))
    for count in (0, 1, 2, 3, 3, 1):
        assert reader.wait(count, timeout=0) == 3
    with pytest.raises(TimeoutError):
        reader.wait(4, timeout=0)


def test_wait_waits_for_the_count_and_not_for_the_first_write(stream, reader):
    waiting = in_thread(reader.wait, 3)
    for turn in range(2):
        wait_until_asleep(waiting.thread_id)
        stream.write(filled(turn))
    wait_until_asleep(waiting.thread_id)
    assert not waiting.done()
    stream.write(filled(3))
    assert waiting.result(PATIENCE) == 3


@pytest.mark.parametrize("count", [-1, 2**64, 2**70])
def test_a_count_that_cannot_be_is_refused(count, stream):
    with pytest.raises((ValueError, OverflowError)):
        stream.wait(count, timeout=0)
    with pytest.raises((ValueError, OverflowError)):
        stream.snapshot(newer_than=count, timeout=0)


@pytest.mark.parametrize("count", ["1", 1.5, None])
def test_a_count_that_is_no_integer_is_a_type_error(count, stream):
    with pytest.raises(TypeError):
        stream.wait(count, timeout=0)


def test_a_snapshot_is_of_one_generation(stream, reader, fork):
    """Value, count and time belong together, whatever is written meanwhile."""

    def write(connection):
        other = streams.open(stream.name)
        for turn in range(1, 3001):
            other.write(filled(turn))

    writing = fork(write)
    seen, missed, last_time = 0, 0, 0.0
    while seen < 3000:
        snapshot = reader.snapshot(newer_than=seen, timeout=PATIENCE)
        assert is_whole(snapshot.value)
        assert snapshot.value[0, 0] == snapshot.count > seen
        assert snapshot.missed == snapshot.count - seen - 1
        assert snapshot.write_time >= last_time
        seen, last_time = snapshot.count, snapshot.write_time
        missed += snapshot.missed
    writing.finish()
    print(f"missed {missed} of 3000")


def test_a_snapshot_before_the_first_write(stream):
    value, count, write_time, missed = stream.snapshot()
    assert not value.any() and value.shape == (64, 64) and value.dtype == np.float32
    assert (count, write_time, missed) == (0, 0.0, 0)


def test_a_snapshot_has_the_time_of_its_write(stream):
    before = time.time()
    stream.write(filled(1))
    after = time.time()
    assert before - 0.1 <= stream.snapshot().write_time <= after + 0.1
    assert stream.snapshot().write_time == stream.write_time


def test_missed_counts_what_was_never_read(stream, reader):
    for _ in range(3):
        stream.write(filled(1))
    assert reader.snapshot().missed == 2
    assert reader.snapshot().missed == 0
    stream.write(filled(1))
    assert reader.snapshot().missed == 0
    for _ in range(3):
        stream.write(filled(1))
    reader.read()
    assert reader.snapshot().missed == 0
    # What was written before the opening was not missed.
    assert streams.open(stream.name).snapshot().missed == 0


def test_a_snapshots_value_is_the_callers_own(stream, reader):
    stream.write(filled(1))
    snapshot = reader.snapshot()
    stream.write(filled(2))
    stream.write(filled(3))
    assert snapshot.value.flags.writeable and snapshot.value.flags.owndata
    assert (snapshot.value == 1).all()


def test_a_snapshot_is_a_named_tuple(stream):
    snapshot = stream.snapshot()
    assert isinstance(snapshot, streams.Snapshot) and isinstance(snapshot, tuple)
    assert snapshot._fields == ("value", "count", "write_time", "missed")
