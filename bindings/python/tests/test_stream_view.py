# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Values in place: the live view under the lock, and the transaction of write_view()."""

import gc

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import filled, wait_until_asleep  # noqa: E402
from support import PATIENCE, in_thread  # noqa: E402

#: More than a page, and no multiple of one.
SHAPE = (33, 65)


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=SHAPE) as stream:
        yield stream


@pytest.fixture
def reader(stream):
    with streams.open(stream.name) as reader:
        yield reader


def full(number):
    return filled(number, SHAPE)


# --- the live view ---


def test_it_is_an_array_like_any_value(stream):
    stream.write(full(1))
    with stream.locked():
        view = stream.read(safe=False)
        assert type(view) is np.ndarray
        assert (view.shape, view.dtype) == (SHAPE, np.float32)
        assert view.flags.c_contiguous and view.flags.writeable and not view.flags.owndata
        assert (view == 1).all()


def test_it_is_no_copy(stream):
    with stream.locked():
        assert np.shares_memory(stream.read(safe=False), stream.read(safe=False))
        assert not np.shares_memory(stream.read(safe=False), stream.read())


def test_it_shows_zeros_before_the_first_write(stream):
    with stream.locked():
        assert not stream.read(safe=False).any()


def test_it_shows_this_handles_own_writes_at_once(stream):
    with stream.locked():
        view = stream.read(safe=False)
        for turn in range(10):
            stream.write(full(turn))
            assert (view == turn).all()
        stream.clear()
        assert not view.any()
        with stream.write_view() as inside:
            inside[:] = 5
        assert (stream.read(safe=False) == 5).all()


def test_what_is_written_there_is_published_with_the_lock(stream, reader):
    stream.write(full(1))
    with stream.locked():
        view = stream.read(safe=False)
        view[3, 4] = 7
        assert view[3, 4] == 7
        # Until then it is this handle's alone.
        assert (reader.read() == 1).all()
        assert reader.count == 1
    value = reader.read()
    assert value[3, 4] == 7
    value[3, 4] = 1
    assert (value == 1).all()
    assert reader.count == 2


def test_what_is_written_there_wakes_who_waits(stream, reader):
    waiting = in_thread(reader.read_new)
    wait_until_asleep(waiting.thread_id)
    with stream.locked():
        stream.read(safe=False)[:] = 4
    assert (waiting.result(PATIENCE) == 4).all()


def test_nothing_is_published_where_nothing_was_written(stream, reader):
    stream.write(full(1))
    with stream.locked():
        view = stream.read(safe=False)
        assert view.sum() == view.size
    assert reader.count == 1
    with stream.locked():
        pass
    assert reader.count == 1


def test_it_is_published_by_the_outermost_release(stream, reader):
    stream.acquire()
    with stream.locked():
        stream.read(safe=False)[:] = 1
    assert reader.count == 0 and not reader.read().any()
    stream.release()
    assert reader.count == 1 and (reader.read() == 1).all()


def test_it_is_published_where_the_block_ends_with_an_error(stream, reader):
    """It is storage, and no transaction: write_view() is one."""
    with pytest.raises(LookupError), stream.locked():
        stream.read(safe=False)[:] = 1
        raise LookupError
    assert (reader.read() == 1).all() and reader.count == 1


def test_changes_of_many_blocks_add_up(stream, reader):
    for _ in range(100):
        with stream.locked():
            stream.read(safe=False)[:] += 1
    assert (reader.read() == 100).all() and reader.count == 100


def test_the_same_array_shows_the_newest_value_under_a_later_lock(stream, reader):
    with stream.locked():
        view = stream.read(safe=False)
    for turn in range(1, 10):
        reader.write(full(turn))
        with stream.locked():
            assert (view == turn).all()
            assert np.shares_memory(view, stream.read(safe=False))


def test_a_value_that_was_changed_there_is_shown_changed_later(stream, reader):
    for turn in range(1, 6):
        with stream.locked():
            view = stream.read(safe=False)
            view[turn] = turn
        with stream.locked():
            assert (view[turn] == turn).all()
        with reader.locked():
            other = reader.read(safe=False)
            assert (other[turn] == turn).all()
            other[0] = turn
        assert (stream.read()[0] == turn).all()


def test_what_is_written_there_without_the_lock_reaches_nobody(stream, reader):
    stream.write(full(1))
    with stream.locked():
        view = stream.read(safe=False)
        view[0] = 2
    before = reader.read()
    view[:] = 666
    assert (reader.read() == before).all()
    with stream.locked():
        assert (stream.read(safe=False) == before).all()
        assert (view == before).all()
    assert reader.count == 2
    assert (reader.read() == before).all()


def test_parts_of_it_and_sums_over_it_work(stream, reader):
    with stream.locked():
        column = stream.read(safe=False)[:, 3]
        np.add(column, 2, out=column)
    assert (reader.read()[:, 3] == 2).all()
    assert reader.read().sum() == 2 * SHAPE[0]


def test_a_read_into_it_and_a_write_from_it_are_right(stream, reader):
    values = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    stream.write(values)
    with stream.locked():
        stream.write(stream.read(safe=False)[::-1])
    assert (reader.read() == values[::-1]).all()
    with stream.locked():
        stream.write(stream.read(safe=False) * 2)
    assert (reader.read() == values[::-1] * 2).all()


@pytest.mark.parametrize("end", ["close", "drop", "unlink", "delete"])
def test_it_outlives_its_handle(end, stream):
    other = streams.open(stream.name)
    stream.write(full(3))
    with other.locked():
        view = other.read(safe=False)
    part = view[5:]
    if end == "drop":
        del other
    else:
        getattr(other, end)()
        other = None
    gc.collect()

    assert (view == 3).all() and (part == 3).all()
    # It is nobody's storage any more.
    view[:] = 4
    assert (part == 4).all()
    assert (stream.read() == 3).all()
    del view
    gc.collect()
    assert (part == 4).all()


def test_it_outlives_a_handle_that_is_closed_under_the_lock(stream):
    other = streams.open(stream.name)
    other.acquire()
    view = other.read(safe=False)
    view[0] = 1
    other.close()
    assert (view[0] == 1).all()
    stream.write(full(2), timeout=0)
    assert (stream.read() == 2).all()


# --- write_view() ---


def test_a_transaction_is_published_at_its_end(stream, reader):
    stream.write(full(1))
    with stream.write_view() as view:
        assert type(view) is np.ndarray
        assert (view.shape, view.dtype) == (SHAPE, np.float32)
        assert view.flags.writeable and view.flags.c_contiguous and not view.flags.owndata
        view[:] = 2
        assert (reader.read() == 1).all()
        assert (stream.read() == 1).all()
        assert reader.count == 1
    assert (reader.read() == 2).all()
    assert reader.count == 2


def test_a_transaction_wakes_who_waits(stream, reader):
    waiting = in_thread(reader.read_new)
    wait_until_asleep(waiting.thread_id)
    with stream.write_view() as view:
        view[:] = 2
        wait_until_asleep(waiting.thread_id)
        assert not waiting.done()
    assert (waiting.result(PATIENCE) == 2).all()


@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_error_rolls_a_transaction_back(error, stream, reader):
    stream.write(full(1))
    waiting = in_thread(reader.wait, 2)
    with pytest.raises(error), stream.write_view() as view:
        view[:] = 666
        raise error
    assert reader.count == 1
    assert (reader.read() == 1).all()
    assert (stream.read() == 1).all()
    reader.acquire(timeout=0)
    reader.release()
    stream.write(full(2))
    assert waiting.result(PATIENCE) == 2
    assert (reader.read() == 2).all()


def test_its_array_cannot_be_written_afterwards(stream, reader):
    with stream.write_view() as view:
        view[:] = 2
    assert not view.flags.writeable
    with pytest.raises(ValueError):
        view[:] = 3
    with pytest.raises(LookupError), stream.write_view() as other:
        raise LookupError
    assert not other.flags.writeable
    assert (reader.read() == 2).all()


def test_its_array_outlives_everything(stream):
    with stream.write_view() as view:
        view[:] = 2
    stream.delete()
    gc.collect()
    assert view.sum() >= 0


def test_a_transaction_holds_the_lock(stream, reader):
    with stream.write_view():
        with pytest.raises(TimeoutError):
            reader.write(full(1), timeout=0)
        with pytest.raises(TimeoutError):
            in_thread(stream.acquire, timeout=0).result(PATIENCE)
    reader.write(full(1), timeout=0)


def test_a_transaction_can_be_had_under_the_lock(stream, reader):
    with stream.locked():
        with stream.write_view() as view:
            view[:] = 1
        assert (reader.read() == 1).all()
        with pytest.raises(TimeoutError):
            reader.acquire(timeout=0)
        with stream.write_view() as view:
            view[:] = 2
        assert (reader.read() == 2).all()
    reader.acquire(timeout=0)
    reader.release()


def test_a_transaction_allows_no_other_write(stream, reader):
    with stream.write_view() as view:
        view[:] = 1
        with pytest.raises(RuntimeError):
            stream.write(full(2))
        with pytest.raises(RuntimeError):
            stream.clear()
        with pytest.raises(RuntimeError):
            stream.write_view().__enter__()
        with pytest.raises(RuntimeError):
            stream.read(safe=False)
        with pytest.raises(RuntimeError):
            stream.release()
    assert (reader.read() == 1).all() and reader.count == 1
    reader.acquire(timeout=0)
    reader.release()


def test_reading_and_looking_go_on_in_a_transaction(stream):
    stream.write(full(1))
    with stream.write_view() as view:
        view[:] = 2
        assert (stream.read() == 1).all()
        assert stream.snapshot().count == stream.count == 1
        assert stream.wait(1, timeout=0) == 1
    assert (stream.read_new(timeout=0) == 2).all()


def test_close_rolls_a_transaction_back(stream, reader):
    stream.write(full(1))
    other = streams.open(stream.name)
    block = other.write_view()
    view = block.__enter__()
    view[:] = 666
    other.close()
    assert (reader.read() == 1).all() and reader.count == 1
    reader.write(full(2), timeout=0)
    # The memory is still there to be written: it is nobody's value.
    assert view.shape == SHAPE
    with pytest.raises(RuntimeError):
        block.__exit__(None, None, None)
    assert (reader.read() == 2).all() and reader.count == 2


def test_a_transaction_that_is_never_entered_takes_nothing(stream, reader):
    stream.write_view()
    reader.write(full(1), timeout=0)
    assert reader.count == 1


def test_many_transactions_use_memory_in_turns(stream, reader):
    addresses = set()
    for turn in range(50):
        with stream.write_view() as view:
            addresses.add(view.ctypes.data)
            view[:] = turn
        assert (reader.read() == turn).all()
    assert len(addresses) <= 4


# --- read-only handles ---


@pytest.fixture
def read_only(stream):
    with streams.open(stream.name, read_only=True) as read_only:
        yield read_only


def test_a_read_only_handle_reads(read_only, stream):
    assert read_only.read_only and not stream.read_only and not read_only.owner
    stream.write(full(1))
    assert (read_only.read() == 1).all()
    stream.write(full(2))
    assert (read_only.read_new(timeout=0) == 2).all()
    waiting = in_thread(read_only.read_new)
    wait_until_asleep(waiting.thread_id)
    stream.write(full(3))
    assert (waiting.result(PATIENCE) == 3).all()
    assert read_only.snapshot().count == 3


def test_a_read_only_handle_writes_nothing(read_only, stream):
    stream.write(full(1))
    for call in (
        lambda: read_only.write(full(2)),
        lambda: read_only.write(full(2), timeout=0),
        lambda: read_only.clear(),
        lambda: read_only.write_view().__enter__(),
    ):
        with pytest.raises(PermissionError):
            call()
    assert stream.count == 1
    assert (stream.read() == 1).all()
    stream.acquire(timeout=0)
    stream.release()


def test_a_read_only_handle_locks_and_its_view_cannot_be_written(read_only, stream):
    stream.write(full(1))
    with read_only.locked():
        view = read_only.read(safe=False)
        assert (view == 1).all()
        assert not view.flags.writeable
        with pytest.raises(ValueError):
            view[0] = 2
        with pytest.raises(ValueError):
            view.flags.writeable = True
        with pytest.raises(TimeoutError):
            stream.write(full(2), timeout=0)
    stream.write(full(2), timeout=0)
    with read_only.locked():
        assert (view == 2).all()
    assert stream.count == 2
