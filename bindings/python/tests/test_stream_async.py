# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Waiting in event loops: asyncio, and the descriptor with prepare() and dispatch()."""

import asyncio
import os
import select
import selectors
import threading
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import PRELUDE, filled, is_whole  # noqa: E402
from support import PATIENCE, in_thread, run_program  # noqa: E402


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


@pytest.fixture
def reader(stream):
    with streams.open(stream.name) as reader:
        yield reader


def run(main):
    return asyncio.run(asyncio.wait_for(main, PATIENCE))


async def a_few_turns():
    """Let the loop go round, so that a task gets as far as its wait."""
    for _ in range(5):
        await asyncio.sleep(0.001)


# --- asyncio ---


def test_a_value_that_is_there_needs_no_wait(stream, reader):
    async def main():
        stream.write(filled(1))
        assert (await reader.read_new_async() == 1).all()
        assert await reader.wait_async(1) == 1
        assert await reader.wait_async(0, timeout=0) == 1

    run(main())


def test_a_task_waits_for_another_tasks_write(stream, reader):
    async def main():
        reading = asyncio.create_task(reader.read_new_async())
        await a_few_turns()
        assert not reading.done()
        stream.write(filled(1))
        assert (await reading == 1).all()
        waiting = asyncio.create_task(reader.wait_async(3))
        await a_few_turns()
        stream.write(filled(2))
        await a_few_turns()
        assert not waiting.done()
        stream.write(filled(3))
        assert await waiting == 3

    run(main())


def test_a_task_waits_for_another_processs_write(stream, reader, fork):
    def write(connection):
        other = streams.open(stream.name)
        for turn in range(1, 51):
            connection.recv()
            other.write(filled(turn))

    async def main():
        for turn in range(1, 51):
            reading = asyncio.create_task(reader.read_new_async(timeout=PATIENCE))
            if turn % 2:
                await a_few_turns()
            writing.send()
            assert (await reading == turn).all()

    writing = fork(write)
    run(main())
    writing.finish()


def test_it_reads_what_was_written_between_two_reads(stream, reader):
    async def main():
        for turn in range(3):
            stream.write(filled(turn))
        assert (await reader.read_new_async() == 2).all()
        with pytest.raises(TimeoutError):
            reader.read_new(timeout=0)

    run(main())


@pytest.mark.parametrize("timeout", [0, 1e-9, 0.03])
def test_a_timeout_is_honoured(timeout, reader):
    async def main():
        for call in (reader.read_new_async, lambda timeout: reader.wait_async(1, timeout=timeout)):
            before = time.monotonic()
            # asyncio's was another class before Python 3.11.
            with pytest.raises(TimeoutError):
                await call(timeout=timeout)
            assert time.monotonic() - before >= timeout

    run(main())


def test_writes_that_do_not_suffice_do_not_make_a_timeout_longer(stream, reader):
    async def write():
        while True:
            stream.write(filled(1))
            await asyncio.sleep(0.002)

    async def main():
        writing = asyncio.create_task(write())
        with pytest.raises(TimeoutError):
            await reader.wait_async(1 << 40, timeout=0.05)
        writing.cancel()

    run(main())


def test_a_cancelled_task_leaves_the_stream_usable(stream, reader):
    async def main():
        for _ in range(3):
            reading = asyncio.create_task(reader.read_new_async())
            await a_few_turns()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        reading = asyncio.create_task(reader.read_new_async())
        await a_few_turns()
        stream.write(filled(1))
        assert (await reading == 1).all()

    run(main())


def test_close_ends_a_tasks_wait(reader):
    async def main():
        reading = asyncio.create_task(reader.read_new_async())
        waiting = asyncio.create_task(reader.wait_async(5))
        await a_few_turns()
        reader.close()
        for one in (reading, waiting):
            with pytest.raises(RuntimeError, match="closed shared memory"):
                await one
        with pytest.raises(RuntimeError, match="closed shared memory"):
            await reader.read_new_async()

    run(main())


def test_many_tasks_wait_on_one_handle_and_on_many(stream, reader):
    async def main():
        others = [streams.open(stream.name) for _ in range(3)]
        waiting = [asyncio.create_task(reader.wait_async(count)) for count in (2, 1, 2, 1)]
        waiting += [asyncio.create_task(one.read_new_async()) for one in (*others, reader)]
        await a_few_turns()
        stream.write(filled(1))
        await waiting[1]
        await waiting[3]
        for one in waiting[4:]:
            assert (await one == 1).all()
        assert not waiting[0].done() and not waiting[2].done()
        stream.write(filled(2))
        assert [await waiting[0], await waiting[2]] == [2, 2]

    run(main())


def test_async_for_gives_newest_values(stream, reader, fork):
    def write(connection):
        other = streams.open(stream.name)
        connection.recv()
        for turn in range(1, 1001):
            other.write(filled(turn))

    async def main():
        writing.send()
        last = 0
        async for value in reader:
            assert is_whole(value)
            assert value[0, 0] > last
            last = value[0, 0]
            if last == 1000:
                break

    writing = fork(write)
    run(main())
    writing.finish()


def test_the_loop_runs_on_while_a_task_waits(stream, reader):
    async def main():
        reading = asyncio.create_task(reader.read_new_async())
        beats = 0
        for _ in range(20):
            await asyncio.sleep(0.001)
            beats += 1
        assert beats == 20 and not reading.done()
        stream.write(filled(1))
        await reading

    run(main())


def test_it_needs_no_thread(stream):
    printed = run_program(
        PRELUDE
        + """
import asyncio

async def main():
    stream, other = streams.open(name), streams.open(name)
    reading = asyncio.create_task(stream.read_new_async())
    await asyncio.sleep(0.01)
    threads.append(len(os.listdir("/proc/self/task")))
    other.write(np.ones((64, 64)))
    await reading

threads = [len(os.listdir("/proc/self/task"))]
asyncio.run(main())
print(threads[1] - threads[0], threading.active_count())
""",
        stream.name,
    )
    assert printed == "0 1\n"


def test_ctrl_c_ends_a_tasks_wait(stream):
    printed = run_program(
        PRELUDE
        + """
import asyncio

stream, other = streams.open(name), streams.open(name)

async def main():
    await stream.read_new_async()

def interrupt():
    wait_until_asleep(threading.main_thread().native_id)
    os.kill(os.getpid(), signal.SIGINT)

interrupting = in_thread(interrupt)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
interrupting.result(20)
other.write(np.ones((64, 64)))
print(asyncio.run(stream.read_new_async()).sum())
""",
        stream.name,
    )
    assert printed == "interrupted\n4096.0\n"


def test_a_handle_serves_one_loop_after_another(stream, reader):
    async def main(turn):
        reading = asyncio.create_task(reader.read_new_async())
        await a_few_turns()
        stream.write(filled(turn))
        assert (await reading == turn).all()

    for turn in range(3):
        run(main(turn))


def test_a_write_by_a_thread_wakes_a_task(stream, reader):
    async def main():
        for turn in range(20):
            writing = in_thread(stream.write, filled(turn))
            assert (await reader.read_new_async(timeout=PATIENCE) == turn).all()
            writing.result(PATIENCE)

    run(main())


# --- the descriptor ---


def wait_by_select(descriptor, seconds):
    return bool(select.select([descriptor], [], [], seconds)[0])


def wait_by_poll(descriptor, seconds):
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def wait_by_epoll(descriptor, seconds):
    with select.epoll() as epoll:
        epoll.register(descriptor, select.EPOLLIN)
        return bool(epoll.poll(seconds))


def wait_by_selector(descriptor, seconds):
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(seconds))


POLLING = pytest.mark.parametrize(
    "is_readable", [wait_by_select, wait_by_poll, wait_by_epoll, wait_by_selector]
)


def wait_for(one, count, is_readable):
    """The loop of the header: prepare, poll, dispatch."""
    if one.prepare(count):
        return
    while True:
        assert is_readable(one, PATIENCE)
        if one.dispatch(count):
            return


def test_the_descriptor_stays_the_same(stream, reader):
    descriptor = reader.fileno()
    assert type(descriptor) is int and descriptor > 2
    stream.write(filled(1))
    assert reader.fileno() == descriptor
    assert stream.fileno() != descriptor
    assert not os.get_inheritable(descriptor)


@POLLING
def test_polling_waits_for_a_write(is_readable, stream, reader, fork):
    def write(connection):
        other = streams.open(stream.name)
        for turn in range(1, 101):
            connection.recv()
            other.write(filled(turn))

    writing = fork(write)
    reader.fileno()
    for turn in range(1, 101):
        writing.send()
        wait_for(reader, turn, is_readable)
        assert reader.count == turn
        assert (reader.read_new(timeout=0) == turn).all()
    writing.finish()


@POLLING
def test_without_a_write_it_is_not_readable(is_readable, stream, reader):
    reader.fileno()
    assert reader.prepare(1) is False
    assert not is_readable(reader, 0.02)
    assert reader.dispatch(1) is False
    assert reader.prepare(1) is False
    stream.write(filled(1))
    assert is_readable(reader, PATIENCE)
    assert is_readable(reader, 0), "until dispatch()"
    assert reader.dispatch(1) is True
    assert reader.prepare(1) is True
    # Nothing is left over for the next.
    assert reader.prepare(2) is False
    assert not is_readable(reader, 0.02)


@POLLING
def test_a_count_that_is_not_there_yet_goes_on_polling(is_readable, stream, reader):
    reader.fileno()
    assert reader.prepare(3) is False
    for turn in range(2):
        stream.write(filled(turn))
        if is_readable(reader, 0.02):
            assert reader.dispatch(3) is False
    stream.write(filled(3))
    while not reader.dispatch(3):
        assert is_readable(reader, PATIENCE)


def test_what_there_is_already_needs_no_polling(stream, reader):
    reader.fileno()
    stream.write(filled(1))
    assert reader.prepare(0) is True
    assert reader.prepare(1) is True
    assert reader.prepare(2) is False
    assert reader.dispatch(2) is False


def test_a_poll_in_another_thread_is_woken(stream, reader):
    reader.fileno()
    waiting = [in_thread(wait_for, reader, 1, wait_by_poll)]
    with streams.open(stream.name) as other:
        other.fileno()
        waiting.append(in_thread(wait_for, other, 1, wait_by_select))
        for one in waiting:
            assert not one.done()
        stream.write(filled(1))
        for one in waiting:
            one.result(PATIENCE)


def test_one_selector_waits_for_many_streams(stream_name, fork):
    made = [streams.create(f"{stream_name}-{index}", shape=3) for index in range(5)]

    def write(connection):
        for index in (3, 0, 4, 1, 2):
            connection.recv()
            streams.open(f"{stream_name}-{index}").write([index] * 3)

    writing = fork(write)
    with selectors.DefaultSelector() as selector:
        for one in made:
            selector.register(one, selectors.EVENT_READ)
        for index in (3, 0, 4, 1, 2):
            waiting = [one for one in made if not one.prepare(one.count + 1)]
            assert len(waiting) == 5
            writing.send()
            told = set()
            while not told:
                for key, _ in selector.select(PATIENCE):
                    if key.fileobj.dispatch(1):
                        told.add(key.fileobj)
            assert told == {made[index]}
            assert made[index].read_new(timeout=0)[0] == index
    writing.finish()


def test_prepare_needs_the_descriptor(reader):
    with pytest.raises((ValueError, OSError, RuntimeError)):
        reader.prepare(1)


@pytest.mark.parametrize("call", ["prepare", "dispatch"])
@pytest.mark.parametrize("count", [-1, 2**64, "1", None])
def test_a_count_that_cannot_be_is_refused(call, count, reader):
    reader.fileno()
    with pytest.raises((ValueError, OverflowError, TypeError)):
        getattr(reader, call)(count)


def test_the_descriptor_is_closed_with_the_handle(reader):
    descriptor = reader.fileno()
    name = os.readlink(f"/proc/self/fd/{descriptor}")
    reader.close()
    try:
        assert os.readlink(f"/proc/self/fd/{descriptor}") != name
    except FileNotFoundError:
        pass


def test_polling_and_waiting_go_together(stream, reader):
    """A blocking wait in one thread, polling in another, of one handle."""
    stop = threading.Event()
    reader.fileno()
    waiting = in_thread(reader.wait, 200)
    polling = in_thread(wait_for, reader, 200, wait_by_poll)

    def write():
        while not stop.is_set() and stream.count < 200:
            stream.write(filled(1))

    writing = in_thread(write)
    assert waiting.result(PATIENCE) == 200
    polling.result(PATIENCE)
    stop.set()
    writing.result(PATIENCE)
