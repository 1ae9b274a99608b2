# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""async for over a Subscriber."""

import asyncio
import gc
import os

import pytest
import tachyon
from media import CAPS, SIZE, pattern, threads, wait_until_subscribers
from support import PATIENCE, in_thread, run_program

PUBLISH = """
    import sys, tachyon
    publisher = tachyon.Publisher(sys.argv[1], max_buffers=1000)
    publisher.wait_for_subscribers(timeout=20)
    for number in range(int(sys.argv[2])):
        publisher.send(bytes([number]) * 5000, pts=number, timeout=20)
    print("sent", flush=True)
    input()
"""


def run(coroutine):
    """asyncio.run(), with a limit."""
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


async def collect(subscriber, count=None):
    seen = []
    async for frame in subscriber:
        seen.append((frame.pts, frame.data))
        if len(seen) == count:
            break
    return seen


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


def test_frames_come_until_the_end_of_the_stream(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()

    async def main():
        collecting = asyncio.create_task(collect(subscriber))
        for number in range(20):
            # Some find it asleep, some do not.
            await asyncio.sleep(0.001 if number % 4 == 0 else 0)
            publisher.send(pattern(SIZE, number), pts=number, timeout=PATIENCE)
        publisher.send_eos()
        return await collecting

    assert run(main()) == [(number, pattern(SIZE, number)) for number in range(20)]
    assert subscriber.end == "eos"
    assert str(subscriber.caps) == CAPS


def test_iteration_stops_when_the_publisher_closes(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(pattern(SIZE), pts=1)

    async def main():
        collecting = asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.01)
        publisher.send(pattern(SIZE), pts=2)
        publisher.close()
        return await collecting

    assert [pts for pts, _ in run(main())] == [1, 2]
    assert subscriber.end == "closed"


def test_a_publisher_that_died_is_a_connection_reset_after_its_frames(peer, subscribe, path):
    program = peer(PUBLISH, path, "7")
    subscriber = subscribe()
    assert program.line() == "sent"

    async def main():
        seen = []
        with pytest.raises(ConnectionResetError):
            async for frame in subscriber:
                seen.append(frame.pts)
                if frame.pts == 3:
                    program.kill()
        return seen

    assert run(main()) == list(range(7))


def test_it_takes_no_thread(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    before = threads()

    async def main():
        collecting = asyncio.create_task(collect(subscriber, 3))
        counts = []
        for number in range(3):
            await asyncio.sleep(0.005)
            counts.append(threads())
            publisher.send(b"x", pts=number)
        await collecting
        return counts

    assert run(main()) == [before] * 3


def test_other_tasks_run_while_it_waits(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    async def main():
        collecting = asyncio.create_task(collect(subscriber, 1))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not collecting.done()
        publisher.send(b"x", pts=1)
        return await collecting

    assert run(main()) == [(1, b"x")]


def test_it_sleeps_while_it_waits(publish, subscribe):
    publish()
    subscriber = subscribe()

    async def main():
        collecting = asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.05)
        before = os.times()
        await asyncio.sleep(0.5)
        after = os.times()
        collecting.cancel()
        return after.user + after.system - before.user - before.system

    # Not a busy loop; the limit is far above what sleeping costs.
    assert run(main()) < 0.25


def test_cancelling_leaves_the_subscriber_usable_and_the_loop_clean(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    async def main():
        loop = asyncio.get_running_loop()
        collecting = asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.01)
        collecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await collecting
        # Nobody reads the descriptor any more.
        assert loop.remove_reader(subscriber.fileno()) is False
        publisher.send(b"later", pts=1)
        return await collect(subscriber, 1)

    assert run(main()) == [(1, b"later")]
    publisher.send(b"last", pts=2)
    assert subscriber.recv(PATIENCE).data == b"last"


def test_a_frame_that_came_as_it_was_cancelled_is_not_lost(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    async def main():
        collecting = asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.01)
        publisher.send(b"kept", pts=1)
        collecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await collecting
        return await collect(subscriber, 1)

    assert run(main()) == [(1, b"kept")]


def test_a_timeout_around_the_next_frame_loses_nothing(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    async def main():
        frames = aiter(subscriber)
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(frames), 0.005)
        frames = aiter(subscriber)
        publisher.send(b"x", pts=1)
        return await asyncio.wait_for(anext(frames), PATIENCE)

    assert run(main()).data == b"x"


def test_a_break_leaves_the_rest_for_later(publish, subscribe):
    publisher = publish(max_buffers=100)
    subscriber = subscribe()
    for number in range(10):
        publisher.send(b"x", pts=number)
    publisher.send_eos()

    assert [pts for pts, _ in run(collect(subscriber, 4))] == [0, 1, 2, 3]
    # In another loop, and without one.
    assert [pts for pts, _ in run(collect(subscriber, 2))] == [4, 5]
    assert [frame.pts for frame in subscriber] == [6, 7, 8, 9]


def test_many_subscribers_share_a_loop(publish, subscribe):
    publisher = publish(max_buffers=4)
    subscribers = [subscribe() for _ in range(5)]
    count = 50

    async def send():
        for number in range(count):
            await until(lambda: publisher.stats().queued < 4)
            publisher.send(pattern(5000, number), pts=number, timeout=0)
        publisher.send_eos()

    async def main():
        results = await asyncio.gather(send(), *(collect(each) for each in subscribers))
        return results[1:]

    expected = [(number, pattern(5000, number)) for number in range(count)]
    assert run(main()) == [expected] * 5


def test_frames_can_be_held_over_an_await(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    async def main():
        held = []
        async for frame in subscriber:
            held.append((frame, memoryview(frame)))
            await asyncio.sleep(0)
            if len(held) < 5:
                publisher.send(pattern(5000, len(held)))
            else:
                return [bytes(view) for _, view in held]

    publisher.send(pattern(5000, 0))
    assert run(main()) == [pattern(5000, number) for number in range(5)]


def test_closing_ends_the_iteration(publish, subscribe):
    publish()
    subscriber = subscribe()

    async def main():
        collecting = asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.01)
        subscriber.close()
        try:
            return await collecting
        except tachyon.ClosedError:
            return []

    assert run(main()) == []


def test_closing_from_another_thread_ends_the_iteration(publish, subscribe):
    publish()
    subscriber = subscribe()

    async def main():
        collecting = asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.01)
        in_thread(subscriber.close)
        try:
            return await collecting
        except tachyon.ClosedError:
            return []

    assert run(main()) == []


def test_a_closed_subscriber_refuses(publish, subscribe):
    publish()
    subscriber = subscribe()
    subscriber.close()

    with pytest.raises(tachyon.ClosedError):
        run(collect(subscriber))


def test_a_loop_that_ends_while_it_waits_leaves_nothing_behind(publish, path):
    publisher = publish()

    async def main():
        subscriber = tachyon.Subscriber(path)
        asyncio.create_task(collect(subscriber))
        await asyncio.sleep(0.01)

    run(main())
    gc.collect()
    wait_until_subscribers(publisher, 0)


def test_after_a_reconnect_it_reads_the_new_descriptor(path, subscribe):
    first = tachyon.Publisher(path)
    subscriber = subscribe()

    async def main():
        first.send(b"x", pts=1)
        first.close()
        seen = await collect(subscriber)
        with tachyon.Publisher(path) as second:
            subscriber.connect(PATIENCE)
            collecting = asyncio.create_task(collect(subscriber, 1))
            await asyncio.sleep(0.01)
            second.send(b"y", pts=2)
            return seen + await collecting

    assert run(main()) == [(1, b"x"), (2, b"y")]


def test_without_a_loop_it_is_a_runtime_error(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(RuntimeError):
        aiter(subscriber).__anext__().send(None)
    publisher.send(b"x")
    assert subscriber.recv(PATIENCE).data == b"x"


def test_control_c_ends_it(publish, peer, path):
    import signal

    publisher = publish()
    program = peer(
        """
        import asyncio, sys, tachyon

        async def main():
            async for frame in subscriber:
                print("frame", flush=True)

        subscriber = tachyon.Subscriber(sys.argv[1])
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted", subscriber.closed)
        """,
        path,
    )
    wait_until_subscribers(publisher, 1)
    publisher.send(b"x")
    assert program.line() == "frame"
    os.kill(program.pid, signal.SIGINT)

    assert program.finish().split() == ["interrupted", "False"]


def test_many_loops_leave_nothing_behind(path):
    run_program(
        """
        import asyncio, os, sys, tachyon

        async def main():
            with tachyon.Subscriber(sys.argv[1]) as subscriber:
                async def read():
                    async for frame in subscriber:
                        return frame.data
                reading = asyncio.create_task(read())
                await asyncio.sleep(0)
                publisher.send(b"x" * 500)
                assert await reading == b"x" * 500

        def count_descriptors():
            # The publisher's half of the last connection is closed by its own thread.
            while publisher.subscribers > 0:
                publisher.wait(timeout=10)
            return len(os.listdir("/proc/self/fd"))

        publisher = tachyon.Publisher(sys.argv[1])
        asyncio.run(main())
        before = count_descriptors()
        for _ in range(200):
            asyncio.run(main())
        assert count_descriptors() <= before + 2
        """,
        path,
    )
