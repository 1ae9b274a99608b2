# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Publisher: who joins and leaves, and what happens to the slow ones."""

import errno
import os
import threading
import time

import pytest
import tachyon
from media import CAPS, SIZE, pattern, wait_until_error, wait_until_subscribers
from support import PATIENCE, in_thread, wait_until, wait_until_asleep

SUBSCRIBE_AND_WAIT = """
    import sys, tachyon
    subscriber = tachyon.Subscriber(sys.argv[1], timeout=20)
    print("joined", flush=True)
    input()
"""


def fill(publisher, **options):
    """Send until there is no room; returns how many frames went."""
    count = 0
    try:
        while True:
            publisher.send(pattern(SIZE, count), timeout=0, **options)
            count += 1
    except BlockingIOError:
        return count


# --- policies ---


def test_the_policy_block_makes_send_wait_for_the_slowest(publish, subscribe):
    publisher = publish(CAPS, policy="block", max_buffers=2)
    quick, slow = subscribe(), subscribe()
    assert fill(publisher) == 2
    assert [quick.recv().data, quick.recv().data] == [pattern(SIZE, 0), pattern(SIZE, 1)]

    with pytest.raises(BlockingIOError):
        publisher.send(pattern(SIZE, 2), timeout=0)
    with pytest.raises(TimeoutError):
        publisher.send(pattern(SIZE, 2), timeout=0.02)
    # Nobody got what could not go to all.
    with pytest.raises(BlockingIOError):
        quick.recv(0)
    sending = in_thread(publisher.send, pattern(SIZE, 2))
    wait_until_asleep(sending.thread_id)
    slow.recv()

    assert sending.result(PATIENCE) == 2
    assert quick.recv().data == pattern(SIZE, 2)
    assert [slow.recv().data, slow.recv().data] == [pattern(SIZE, 1), pattern(SIZE, 2)]
    assert publisher.stats().dropped == 0


def test_the_policy_block_loses_no_frame(publish, subscribe):
    publisher = publish(CAPS, policy="block", max_buffers=3)
    subscriber = subscribe()

    def send():
        for number in range(500):
            publisher.send(pattern(SIZE, number), pts=number, timeout=PATIENCE)
        publisher.send_eos()

    sending = in_thread(send)
    count = 0
    for frame in subscriber:
        assert (frame.pts, frame.data) == (count, pattern(SIZE, count))
        assert not frame.after_drop
        count += 1
    sending.result(PATIENCE)
    assert count == 500


def test_a_subscriber_that_stalls_is_dropped_after_the_stall_timeout(publish, subscribe):
    publisher = publish(CAPS, policy="block", max_buffers=1, stall_timeout=0.05)
    stalled = subscribe()
    publisher.send(pattern(SIZE, 1))

    # It waits for the one that stalls, then goes on without it.
    publisher.send(pattern(SIZE, 2), timeout=PATIENCE)

    wait_until_subscribers(publisher, 0)
    assert stalled.recv(PATIENCE).data == pattern(SIZE, 1)
    wait_until_error(lambda: stalled.recv(0.01), tachyon.ClosedError)


def test_the_policy_drop_lets_that_subscriber_miss_the_frame(publish, subscribe):
    publisher = publish(CAPS, policy="drop", max_buffers=2)
    quick, slow = subscribe(), subscribe()

    for number in range(6):
        publisher.send(pattern(SIZE, number), pts=number, timeout=0)
        with quick.recv(PATIENCE) as frame:
            assert (frame.pts, frame.after_drop) == (number, False)
    assert [slow.recv().pts, slow.recv().pts] == [0, 1]
    with pytest.raises(BlockingIOError):
        slow.recv(0)
    assert publisher.send(pattern(SIZE, 6), pts=6) == 2

    with slow.recv(PATIENCE) as frame:
        assert (frame.pts, frame.after_drop) == (6, True)
    assert publisher.stats().dropped == 4


def test_the_policy_drop_tells_how_many_got_the_frame(publish, subscribe):
    publisher = publish(CAPS, policy="drop", max_buffers=1)
    subscribe()

    assert [publisher.send(pattern(SIZE)) for _ in range(3)] == [1, 0, 0]


def test_the_policy_disconnect_drops_the_subscriber(publish, subscribe):
    publisher = publish(CAPS, policy="disconnect", max_buffers=2)
    quick, slow = subscribe(), subscribe()

    for number in range(4):
        publisher.send(pattern(SIZE, number), pts=number, timeout=0)
        quick.recv(PATIENCE)

    wait_until_subscribers(publisher, 1)
    # What it had been sent is still received, then comes the end.
    assert [slow.recv(PATIENCE).pts, slow.recv(PATIENCE).pts] == [0, 1]
    with pytest.raises(tachyon.ClosedError):
        slow.recv(PATIENCE)
    assert publisher.send(pattern(SIZE, 4), pts=4) == 1
    assert quick.recv(PATIENCE).pts == 4


@pytest.mark.parametrize("policy", ["", "leaky", None, 0, b"drop"])
def test_a_policy_that_is_none_is_refused(path, policy):
    with pytest.raises((ValueError, TypeError)):
        tachyon.Publisher(path, policy=policy)
    assert not os.path.exists(path)


# --- subscribers ---


def test_a_subscriber_joins_while_the_program_sleeps(publish, peer, path):
    publish(CAPS)

    program = peer(SUBSCRIBE_AND_WAIT, path)
    # A peer whose publisher does not answer prints nothing for longer than this.
    reading = in_thread(program.line)
    deadline = time.monotonic() + PATIENCE
    while not reading.done() and time.monotonic() < deadline:
        time.sleep(0.2)

    assert reading.result(0) == "joined"
    program.tell()
    program.finish()


def test_a_subscriber_joins_while_no_python_code_can_run(publish, peer, path):
    import ctypes

    publisher = publish(CAPS)
    program = peer(
        """
        import sys, tachyon
        print("ready", flush=True)
        input()
        # Less than the other side sleeps with the GIL held.
        subscriber = tachyon.Subscriber(sys.argv[1], timeout=0.5)
        print("joined", flush=True)
        input()
        """,
        path,
    )
    assert program.line() == "ready"
    program.tell()
    # PyDLL keeps the GIL.
    ctypes.PyDLL(None).usleep(3_000_000)

    assert publisher.subscribers == 1
    assert program.line() == "joined"
    program.tell()
    program.finish()


def test_wait_for_subscribers_returns_when_they_are_there(publish, subscribe):
    publisher = publish()
    one = in_thread(publisher.wait_for_subscribers)
    wait_until_asleep(one.thread_id)
    two = in_thread(publisher.wait_for_subscribers, 2, PATIENCE)

    subscribe()
    assert one.result(PATIENCE) is None
    assert not two.done()
    subscribe()
    assert two.result(PATIENCE) is None
    publisher.wait_for_subscribers(2, timeout=0)
    publisher.wait_for_subscribers(0, timeout=0)


def test_wait_for_subscribers_times_out(publish, subscribe):
    publisher = publish()
    with pytest.raises(BlockingIOError):
        publisher.wait_for_subscribers(timeout=0)
    with pytest.raises(TimeoutError):
        publisher.wait_for_subscribers(timeout=0.02)
    subscribe()
    publisher.wait_for_subscribers(timeout=PATIENCE)
    with pytest.raises(TimeoutError):
        publisher.wait_for_subscribers(count=2, timeout=0.02)


@pytest.mark.parametrize("count", [-1, 2**64, "1", 1.5])
def test_wait_for_subscribers_takes_no_count_that_is_none(publish, count):
    with pytest.raises((ValueError, OverflowError, TypeError)):
        publish().wait_for_subscribers(count, timeout=0)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", -0.001])
def test_a_timeout_that_is_none_is_refused(publish, timeout):
    publisher = publish()
    for call in (
        lambda: publisher.wait(timeout),
        lambda: publisher.wait_for_subscribers(1, timeout),
        lambda: publisher.acquire(1, timeout=timeout),
        lambda: publisher.send(b"", timeout=timeout),
    ):
        with pytest.raises((ValueError, TypeError)):
            call()


def drain(publisher):
    """Take note of what happened so far, so that the next wait() waits."""
    wait_until_error(lambda: publisher.wait(0.005), TimeoutError)


def test_wait_times_out_when_nothing_changes(publish):
    publisher = publish()
    drain(publisher)

    with pytest.raises(TimeoutError):
        publisher.wait(0.01)


def test_wait_ends_when_a_subscriber_comes_or_goes(publish, subscribe):
    publisher = publish()

    def wait():
        drain(publisher)
        asleep.set()
        publisher.wait(PATIENCE)

    asleep = threading.Event()
    waiting = in_thread(wait)
    asleep.wait()
    subscriber = subscribe()
    assert waiting.result(PATIENCE) is None

    asleep.clear()
    waiting = in_thread(wait)
    asleep.wait()
    subscriber.close()
    assert waiting.result(PATIENCE) is None


def test_wait_ends_when_a_frame_comes_back(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    frame = subscriber.recv()

    def wait():
        drain(publisher)
        asleep.set()
        publisher.wait(PATIENCE)

    asleep = threading.Event()
    waiting = in_thread(wait)
    asleep.wait()
    frame.release()
    assert waiting.result(PATIENCE) is None


def test_need_is_the_most_that_a_subscriber_wants_to_hold(publish, subscribe):
    publisher = publish()
    first, second = subscribe(), subscribe()
    first.set_need(3)
    second.set_need(7)

    wait_until(lambda: publisher.need == 7)


def test_notices_tell_who_joined_said_something_and_left(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    subscriber.send_event(5, b"hello")
    subscriber.close()
    wait_until_subscribers(publisher, 0)

    joined, event, left = publisher.notices()

    assert isinstance(joined, tachyon.Notice)
    assert (joined.kind, joined.pid) == ("joined", os.getpid())
    assert (joined.end, joined.event) == (None, None)
    assert (event.kind, event.subscriber, event.end) == ("event", joined.subscriber, None)
    assert event.event == tachyon.Event(5, b"hello")
    assert (left.kind, left.subscriber, left.end) == ("left", joined.subscriber, "closed")
    assert left.event is None
    assert publisher.notices() == []


def test_notices_tell_subscribers_apart(publish, subscribe):
    publisher = publish()
    subscribe()
    subscribe()
    publisher.wait_for_subscribers(2, PATIENCE)

    first, second = publisher.notices()
    assert first.subscriber != second.subscriber


def test_a_notice_tells_that_a_subscriber_died(publish, peer, path):
    publisher = publish()
    program = peer(SUBSCRIBE_AND_WAIT, path)
    assert program.line() == "joined"
    program.kill()
    wait_until_subscribers(publisher, 0)

    joined, left = publisher.notices()
    assert (joined.kind, joined.pid) == ("joined", program.pid)
    assert (left.kind, left.end, left.subscriber) == ("left", "died", joined.subscriber)


def test_a_subscriber_that_dies_gives_its_frames_back(publish, peer, path):
    publisher = publish(max_bytes=1 << 20)
    program = peer(
        """
        import sys, tachyon
        subscriber = tachyon.Subscriber(sys.argv[1])
        print("joined", flush=True)
        held = [subscriber.recv() for _ in range(2)]
        print("held", flush=True)
        input()
        """,
        path,
    )
    assert program.line() == "joined"
    publisher.send(bytes(200_000))
    publisher.send(bytes(200_000))
    assert program.line() == "held"
    assert publisher.stats().blocks_free == publisher.stats().blocks - 2

    program.kill()
    wait_until(lambda: publisher.stats().blocks_free == publisher.stats().blocks)


def test_only_so_many_subscribers_are_taken(publish, subscribe, path):
    publisher = publish(max_subscribers=1)
    first = subscribe()

    with pytest.raises(OSError) as raised:
        tachyon.Subscriber(path, timeout=0.1)
    assert raised.value.errno == errno.EBUSY
    first.close()
    wait_until_subscribers(publisher, 0)
    subscribe()


def test_disconnect_ends_all_connections_and_takes_new_ones(publish, subscribe):
    publisher = publish(CAPS)
    subscribers = [subscribe(), subscribe()]
    publisher.send(pattern(SIZE), pts=1)
    publisher.disconnect()

    assert not publisher.closed
    for subscriber in subscribers:
        assert subscriber.recv(PATIENCE).pts == 1
        with pytest.raises(tachyon.ClosedError):
            subscriber.recv(PATIENCE)
        assert subscriber.end == "closed"
        subscriber.connect(PATIENCE)
    assert publisher.send(pattern(SIZE), pts=2) == 2
    assert [subscriber.recv(PATIENCE).pts for subscriber in subscribers] == [2, 2]


def test_the_figures_add_up(publish, subscribe):
    publisher = publish(CAPS)
    subscribe()
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    publisher.acquire(SIZE).commit()

    figures = publisher.stats()
    assert isinstance(figures, tachyon.PublisherStats)
    assert (figures.subscribers, figures.frames, figures.bytes) == (2, 2, 2 * SIZE)
    assert (figures.copied, figures.dropped, figures.queued) == (1, 0, 2)
    assert figures.blocks - figures.blocks_free == 2
    assert figures.payload_bytes >= figures.blocks * SIZE
    assert figures.waits == 0 and figures.wakes >= 0
    assert len(figures) == 11

    subscriber.recv()
    assert publisher.stats().queued == 2
