# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Streams, in short: each part once, so that a break shows in a second."""

import asyncio
import gc
import os

import pytest
from support import PATIENCE, in_thread

np = pytest.importorskip("numpy")

import tachyon.stream  # noqa: E402


@pytest.fixture
def name():
    name = f"smoke-{os.getpid()}"
    yield name
    tachyon.stream.unlink(name)


@pytest.fixture
def stream(name):
    with tachyon.stream.create(name, shape=(4, 4), dtype=np.float32) as stream:
        yield stream


def test_what_is_written_is_read_by_name(stream, name):
    value = np.arange(16, dtype=np.float32).reshape(4, 4)
    stream.write(value)
    with tachyon.stream.open(name) as reader:
        np.testing.assert_array_equal(reader.read(), value)
        assert (reader.count, reader.shape, reader.dtype) == (1, (4, 4), np.float32)


def test_another_type_and_order_is_converted(stream):
    value = np.arange(32).reshape(4, 8)[:, ::2]
    stream.write(value)
    np.testing.assert_array_equal(stream.read(), value)
    stream.write(value.tolist())
    np.testing.assert_array_equal(stream.read(), value)


def test_read_new_is_woken(stream, name):
    with tachyon.stream.open(name) as reader:
        reading = in_thread(reader.read_new, PATIENCE)
        stream.write(np.ones((4, 4), np.float32))
        assert reading.result(PATIENCE).sum() == 16
        with pytest.raises(TimeoutError, match="a new write on"):
            reader.read_new(timeout=0)


def test_a_live_view_is_published_at_release(stream, name):
    with tachyon.stream.open(name) as reader:
        with stream.locked():
            view = stream.read(safe=False)
            view[1, 2] = 5
            assert reader.count == 0
        assert (reader.count, reader.read()[1, 2]) == (1, 5)


def test_a_view_outlives_its_handle(stream):
    with stream.locked():
        view = stream.read(safe=False)
    stream.write(np.ones((4, 4), np.float32))
    stream.close()
    gc.collect()
    assert view.shape == (4, 4)
    assert view.sum() in (0, 16)


def test_a_write_view_is_published_or_rolled_back(stream):
    with stream.write_view() as view:
        view[:] = 3
    assert not view.flags.writeable
    with pytest.raises(ZeroDivisionError), stream.write_view() as view:
        view[:] = 4
        raise ZeroDivisionError
    assert stream.read().sum() == 48
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True


def test_close_ends_a_wait_in_another_thread(stream):
    waiting = in_thread(stream.wait, 1)
    stream.close()
    with pytest.raises(RuntimeError, match="reopen it with tachyon.stream.open"):
        waiting.result(PATIENCE)


def test_tasks_are_woken(stream, name):
    async def main():
        with tachyon.stream.open(name) as reader:
            both = asyncio.gather(reader.wait_async(1), reader.read_new_async(PATIENCE))
            await asyncio.sleep(0)
            stream.write(np.ones((4, 4)))
            count, value = await both
            assert (count, value.sum()) == (1, 16)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_a_task_is_woken_by_close(stream):
    async def main():
        waiting = asyncio.ensure_future(stream.wait_async(1))
        await asyncio.sleep(0)
        stream.close()
        with pytest.raises(RuntimeError, match="closed"):
            await waiting

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
