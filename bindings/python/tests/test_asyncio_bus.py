# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""async for over a Bus: messages on asyncio's own loop, without a thread."""

import asyncio
import threading

import pytest
import tachyon
from support import PATIENCE, in_thread


def run(main):
    return asyncio.run(asyncio.wait_for(main, 30))


def has_reader(bus):
    """Whether the loop still watches the bus."""
    return asyncio.get_running_loop().remove_reader(bus.fileno())


async def until_it_waits(bus, task):
    """Let a task run until it waits for the bus."""
    for _ in range(50):
        await asyncio.sleep(0)
    assert not task.done()


async def collect(bus):
    return [message.data async for message in bus]


def test_async_for_gives_messages_until_the_peer_closes(pair):
    near, far = pair

    async def main():
        for index in range(100):
            near.send(b"%d" % index)
        near.close()
        return await collect(far)

    assert run(main()) == [b"%d" % index for index in range(100)]


def test_messages_that_come_while_it_waits(pair):
    near, far = pair

    async def main():
        collecting = asyncio.create_task(collect(far))
        for index in range(20):
            await until_it_waits(far, collecting)
            near.send(b"%d" % index)
        await until_it_waits(far, collecting)
        near.close()
        return await collecting

    assert run(main()) == [b"%d" % index for index in range(20)]


def test_async_for_gives_message_objects(pair):
    near, far = pair

    async def main():
        near.send(b"content", 7)
        async for message in far:
            return message

    assert run(main()) == tachyon.Message(7, b"content")


def test_no_thread_is_started(pair):
    near, far = pair

    async def main():
        before = threading.active_count()
        collecting = asyncio.create_task(collect(far))
        await until_it_waits(far, collecting)
        near.send(b"x")
        await asyncio.sleep(0)
        assert threading.active_count() == before
        near.close()
        return await collecting

    assert run(main()) == [b"x"]


def test_other_tasks_run_meanwhile(pair):
    near, far = pair

    async def main():
        collecting = asyncio.create_task(collect(far))
        turns = 0
        while turns < 1000:
            await asyncio.sleep(0)
            turns += 1
        assert not collecting.done()
        near.send(b"x")
        near.close()
        return await collecting

    assert run(main()) == [b"x"]


def test_a_stream_of_messages_does_not_keep_other_tasks_from_running(pair):
    near, far = pair

    async def main():
        turns = 0
        seen = 0

        async def receive():
            nonlocal seen
            async for message in far:
                near.send(message.data)
                seen += 1

        receiving = asyncio.create_task(receive())
        near.send(b"x")
        while turns < 100:
            await asyncio.sleep(0)
            turns += 1
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        assert seen > 0

    run(main())


def test_cancellation_leaves_the_loop_clean(pair):
    near, far = pair

    async def main():
        collecting = asyncio.create_task(collect(far))
        await until_it_waits(far, collecting)
        collecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await collecting
        assert not has_reader(far)
        # And the bus whole.
        near.send(b"after")
        assert far.recv(0).data == b"after"
        near.send(b"again")
        async for message in far:
            assert message.data == b"again"
            break

    run(main())


def test_a_time_limit_leaves_the_loop_clean(pair):
    near, far = pair

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(collect(far), 0.02)
        assert not has_reader(far)
        near.send(b"after")
        assert far.recv(0).data == b"after"

    run(main())


def test_leaving_the_loop_early_leaves_it_clean(pair):
    near, far = pair

    async def main():
        near.send(b"1")
        near.send(b"2")
        async for message in far:
            assert message.data == b"1"
            break
        for _ in range(10):
            await asyncio.sleep(0)
        assert not has_reader(far)
        assert far.recv(0).data == b"2"

    run(main())


def test_async_for_can_be_taken_up_again(pair):
    near, far = pair

    async def main():
        for turn in range(10):
            near.send(b"%d" % turn)
            async for message in far:
                assert message.data == b"%d" % turn
                break

    run(main())
    # In another loop, too.
    run(main())


def test_closing_while_it_waits_is_a_closed_error(pair):
    _, far = pair

    async def main():
        collecting = asyncio.create_task(collect(far))
        await until_it_waits(far, collecting)
        far.close()
        with pytest.raises(tachyon.ClosedError):
            await collecting

    run(main())


def test_closing_in_another_thread_while_it_waits_is_a_closed_error(pair):
    _, far = pair

    async def main():
        collecting = asyncio.create_task(collect(far))
        await until_it_waits(far, collecting)
        in_thread(far.close).result()
        with pytest.raises(tachyon.ClosedError):
            await collecting

    run(main())


def test_async_for_over_a_closed_bus_is_a_closed_error(pair):
    _, far = pair
    far.close()

    async def main():
        with pytest.raises(tachyon.ClosedError):
            await collect(far)

    run(main())


def test_our_own_close_is_an_error_also_after_the_peers(pair):
    near, far = pair
    near.close()
    with pytest.raises(tachyon.ClosedError):
        far.recv()
    assert far.end == "closed"
    far.close()

    async def main():
        with pytest.raises(tachyon.ClosedError):
            await collect(far)

    run(main())
    with pytest.raises(tachyon.ClosedError):
        next(iter(far))


def test_two_at_once_are_a_runtime_error(pair):
    near, far = pair

    async def main():
        first = asyncio.create_task(collect(far))
        await until_it_waits(far, first)
        with pytest.raises(RuntimeError):
            await collect(far)
        # The first is not disturbed.
        near.send(b"for the first")
        near.close()
        return await first

    assert run(main()) == [b"for the first"]


def test_two_buses_at_once(connect_pair):
    one, its_peer = connect_pair()
    two, other_peer = connect_pair()

    async def main():
        both = asyncio.gather(collect(its_peer), collect(other_peer))
        for index in range(10):
            one.send(b"one %d" % index)
            await asyncio.sleep(0)
            two.send(b"two %d" % index)
            await asyncio.sleep(0)
        one.close()
        two.close()
        return await both

    assert run(main()) == [
        [b"one %d" % index for index in range(10)],
        [b"two %d" % index for index in range(10)],
    ]


def test_a_peer_that_died_is_a_connection_reset(path, peer):
    child = peer(
        "import sys, tachyon; b = tachyon.Bus.listen(sys.argv[1]); b.send(b'up'); input()", path
    )
    got = []

    async def main(bus):
        async for message in bus:
            got.append(message.data)
            child.kill()

    with tachyon.Bus.connect(path, timeout=PATIENCE) as bus:
        with pytest.raises(ConnectionResetError):
            run(main(bus))
    assert got == [b"up"]


def test_a_peer_in_another_process(path, peer):
    child = peer(
        """
        import sys, tachyon
        with tachyon.Bus.connect(sys.argv[1]) as bus:
            for index in range(2000):
                bus.send(b"%d" % index, index)
        """,
        path,
    )

    async def main(bus):
        return [message.type_id async for message in bus]

    with tachyon.Bus.listen(path, timeout=PATIENCE) as bus:
        assert run(main(bus)) == list(range(2000))
    child.finish()


def test_an_exception_in_the_block_leaves_the_loop_clean(pair):
    near, far = pair

    async def main():
        near.send(b"x")
        with pytest.raises(LookupError):
            async for _ in far:
                raise LookupError
        for _ in range(10):
            await asyncio.sleep(0)
        assert not has_reader(far)

    run(main())


def test_a_loop_that_ends_while_it_waits_leaves_the_bus_whole(pair):
    near, far = pair

    async def main():
        collecting = asyncio.create_task(collect(far))
        await until_it_waits(far, collecting)
        # asyncio.run() cancels it.

    run(main())
    near.send(b"after")
    assert far.recv(0).data == b"after"


def test_an_asynchronous_iterator_is_its_own(pair):
    _, far = pair
    messages = far.__aiter__()
    assert messages.__aiter__() is messages
