# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Publisher.acquire(): memory to write a frame into."""

import gc
import random

import pytest
import tachyon
from media import CAPS, SIZE, pattern
from support import PATIENCE, in_thread, wait_until_asleep

FIELDS = ["pts", "dts", "duration", "offset", "offset_end", "flags", "size"]


def test_leaving_the_with_block_sends_the_frame(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()

    with publisher.acquire(SIZE) as frame:
        memoryview(frame).cast("B")[:] = pattern(SIZE)
        frame.pts, frame.duration = 5, 6

    received = subscriber.recv()
    assert (received.pts, received.duration, received.data) == (5, 6, pattern(SIZE))


def test_leaving_the_with_block_by_an_exception_sends_nothing(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()

    with pytest.raises(ZeroDivisionError):
        with publisher.acquire(SIZE) as frame:
            frame.pts = 5
            raise ZeroDivisionError

    with pytest.raises(BlockingIOError):
        subscriber.recv(0)
    assert publisher.stats().blocks_free == publisher.stats().blocks
    with pytest.raises(ValueError):
        frame.commit()


def test_commit_returns_how_many_subscribers_it_went_to(publish, subscribe):
    publisher = publish(CAPS)
    assert publisher.acquire(SIZE).commit() == 0
    subscribe()
    subscribe()
    assert publisher.acquire(SIZE).commit() == 2


def test_an_acquired_frame_can_be_written_to(publish):
    frame = publish().acquire(1000)

    view = memoryview(frame)
    assert not view.readonly
    assert (frame.size, view.nbytes) == (1000, 1000)
    view[:] = pattern(1000)
    assert frame.data == pattern(1000)


def test_an_acquired_frame_begins_without_times(publish):
    frame = publish(CAPS).acquire()

    assert (frame.pts, frame.dts, frame.duration) == (None, None, None)
    assert (frame.offset, frame.offset_end, frame.flags) == (None, None, 0)
    assert frame.records == ()


def test_all_that_can_be_set_on_an_acquired_frame_arrives(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with publisher.acquire(300) as frame:
        frame.pts, frame.dts, frame.duration = 1, 2, 3
        frame.offset, frame.offset_end, frame.flags = 4, 5, 1 << 13
        frame.dts = None

    received = subscriber.recv()
    assert (received.pts, received.dts, received.duration) == (1, None, 3)
    assert (received.offset, received.offset_end, received.flags) == (4, 5, 1 << 13)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [-1, 2**64, 2**100, 1.5, "1"])
def test_a_frame_takes_no_number_that_is_none(publish, name, value):
    frame = publish().acquire(100)
    before = getattr(frame, name)

    with pytest.raises((ValueError, OverflowError, TypeError)):
        setattr(frame, name, value)

    assert getattr(frame, name) == before


@pytest.mark.parametrize("name", FIELDS)
def test_what_a_frame_has_cannot_be_deleted(publish, name):
    frame = publish().acquire(100)

    with pytest.raises((TypeError, AttributeError, ValueError)):
        delattr(frame, name)


def test_the_size_of_an_acquired_frame_may_be_lowered(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with publisher.acquire(1000) as frame:
        memoryview(frame)[:] = pattern(1000)
        frame.size = 700

    assert subscriber.recv().data == pattern(1000)[:700]


def test_the_size_of_an_acquired_frame_cannot_exceed_what_was_acquired(publish):
    frame = publish().acquire(1000)

    with pytest.raises(ValueError):
        frame.size = 1001
    frame.size = 400
    assert frame.size == 400


@pytest.mark.parametrize("size", [1, 256, 257, 4096, 3_110_400])
def test_an_acquired_frame_of_any_size_arrives_whole(publish, subscribe, size):
    publisher = publish()
    subscriber = subscribe()

    with publisher.acquire(size) as frame:
        memoryview(frame)[:] = pattern(size)

    assert subscriber.recv(PATIENCE).data == pattern(size)


def test_acquire_without_a_size_has_room_for_a_picture_of_the_caps(publish):
    # Lines of 33 pixels take 100 bytes.
    publisher = publish("video/x-raw, format=RGB, width=33, height=10, framerate=30/1")

    assert publisher.acquire().size == 1000


def test_acquire_without_a_size_needs_caps_of_raw_video(publish):
    publisher = publish()
    with pytest.raises(ValueError):
        publisher.acquire()
    publisher.caps = "image/jpeg, width=33, height=10"
    with pytest.raises(ValueError):
        publisher.acquire()
    publisher.caps = "audio/x-raw, format=S16LE, rate=48000, channels=2, layout=interleaved"
    with pytest.raises(ValueError):
        publisher.acquire()


@pytest.mark.parametrize(
    "size, error",
    [(0, ValueError), (-1, (ValueError, OverflowError)), (2**70, OverflowError), ("1", TypeError),
     (1.0, TypeError)],
)
def test_acquire_takes_no_size_that_is_none(publish, size, error):
    with pytest.raises(error):
        publish().acquire(size)


def test_commit_while_a_view_lives_is_a_buffer_error_and_sends_nothing(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    frame = publisher.acquire(SIZE)
    view = memoryview(frame)

    with pytest.raises(BufferError):
        frame.commit()
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)
    view[:] = pattern(SIZE)
    view.release()

    assert frame.commit() == 1
    assert subscriber.recv().data == pattern(SIZE)


def test_leaving_the_with_block_while_a_view_lives_is_a_buffer_error_and_sends_nothing(
    publish, subscribe
):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(BufferError):
        with publisher.acquire(SIZE) as frame:
            view = memoryview(frame)
            view[:] = pattern(SIZE)
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)
    view.release()

    frame.commit()
    assert subscriber.recv().data == pattern(SIZE)


def test_an_exception_takes_the_frame_back_when_its_last_view_is_gone(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(ZeroDivisionError):
        with publisher.acquire(SIZE) as frame:
            view = memoryview(frame)
            raise ZeroDivisionError

    view[:] = pattern(SIZE)
    del frame
    gc.collect()
    assert bytes(view) == pattern(SIZE)
    assert publisher.stats().blocks_free == publisher.stats().blocks - 1
    view.release()
    gc.collect()
    assert publisher.stats().blocks_free == publisher.stats().blocks
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_a_frame_can_be_committed_once(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    frame = publisher.acquire(SIZE)
    frame.commit()

    with pytest.raises(ValueError):
        frame.commit()
    with pytest.raises((ValueError, BufferError)):
        memoryview(frame)

    subscriber.recv()
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_a_frame_released_is_not_sent(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    frame = publisher.acquire(SIZE)
    frame.release()
    with pytest.raises(ValueError):
        frame.commit()

    assert publisher.stats().blocks_free == publisher.stats().blocks
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_release_inside_the_with_block_sends_nothing(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with publisher.acquire(SIZE) as frame:
        frame.release()

    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_commit_inside_the_with_block_sends_once(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with publisher.acquire(SIZE) as frame:
        assert frame.commit() == 1

    subscriber.recv()
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_a_dropped_frame_is_taken_back_unsent(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    frame = publisher.acquire(SIZE)
    del frame
    gc.collect()

    assert publisher.stats().blocks_free == publisher.stats().blocks
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_frames_are_sent_in_any_order_of_acquiring(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    frames = [publisher.acquire(SIZE) for _ in range(8)]
    order = list(range(8))
    random.Random(3).shuffle(order)

    for number in order:
        memoryview(frames[number])[:] = pattern(SIZE, number)
        frames[number].pts = number
        frames[number].commit()

    for number in order:
        with subscriber.recv() as frame:
            assert (frame.pts, frame.data) == (number, pattern(SIZE, number))


def test_acquire_is_refused_when_memory_is_exhausted_and_recovers_after_a_release(publish):
    publisher = publish(max_bytes=1 << 20)
    held = []
    with pytest.raises(BlockingIOError):
        while True:
            held.append(publisher.acquire(200_000, timeout=0))
    assert 1 <= len(held) <= 5

    with pytest.raises(TimeoutError):
        publisher.acquire(200_000, timeout=0.02)
    held.pop().release()
    assert publisher.acquire(200_000, timeout=0).size == 200_000


def test_acquire_waits_until_a_subscriber_gives_a_frame_back(publish, subscribe):
    publisher = publish(max_bytes=1 << 20)
    subscriber = subscribe()
    held = []
    with pytest.raises(BlockingIOError):
        while True:
            publisher.acquire(200_000, timeout=0).commit()
            held.append(subscriber.recv())

    waiting = in_thread(publisher.acquire, 200_000)
    wait_until_asleep(waiting.thread_id)
    assert not waiting.done()
    held.pop().release()

    assert waiting.result(PATIENCE).size == 200_000


def test_acquire_waits_until_another_thread_gives_a_frame_back(publish):
    publisher = publish(max_bytes=1 << 20)
    held = []
    with pytest.raises(BlockingIOError):
        while True:
            held.append(publisher.acquire(200_000, timeout=0))

    waiting = in_thread(publisher.acquire, 200_000, timeout=PATIENCE)
    wait_until_asleep(waiting.thread_id)
    held.pop().release()

    assert waiting.result(PATIENCE).size == 200_000


def test_memory_outlives_the_publisher(publish):
    publisher = publish(CAPS)
    frame = publisher.acquire(SIZE)
    view = memoryview(frame).cast("B")
    publisher.close()

    view[:] = pattern(SIZE)
    assert frame.data == pattern(SIZE)
    view.release()
    with pytest.raises(tachyon.ClosedError):
        frame.commit()
    frame.release()


def test_what_a_lowered_size_cuts_off_is_not_shown(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    frame = publisher.acquire()
    memoryview(frame).cast("B")[:] = pattern(SIZE)
    frame.size = 100

    try:
        assert memoryview(frame).nbytes <= 100
    except BufferError:
        pass
    assert frame.data == pattern(SIZE)[:100]
    frame.commit()
    assert subscriber.recv(PATIENCE).data == pattern(SIZE)[:100]


def test_the_size_of_a_frame_stays_while_a_view_lives_or_the_view_stays_good(publish):
    frame = publish().acquire(1000)
    view = memoryview(frame)
    view[:] = pattern(1000)

    try:
        frame.size = 10
    except BufferError:
        assert frame.size == 1000
    assert view.tobytes() == pattern(1000)


def test_closing_inside_the_with_block_gives_the_frame_back(publish):
    publisher = publish()

    with pytest.raises(tachyon.ClosedError):
        with publisher.acquire(1000):
            publisher.close()
    assert publisher.closed


def test_an_acquired_frame_can_be_sent_as_data(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    frame = publisher.acquire(1000)
    memoryview(frame)[:] = pattern(1000)

    publisher.send(frame)
    memoryview(frame)[:] = bytes(1000)

    assert subscriber.recv(PATIENCE).data == pattern(1000)


def test_commit_waits_no_longer_than_acquire_was_told_to(publish, subscribe):
    publisher = publish(CAPS, max_buffers=1)
    subscriber = subscribe()
    assert publisher.send(pattern(SIZE)) == 1
    frame = publisher.acquire(SIZE, timeout=0.05)
    with pytest.raises(TimeoutError):
        frame.commit()
    with pytest.raises(BlockingIOError):
        frame.commit(timeout=0)
    subscriber.recv().release()
    assert frame.commit(timeout=5) == 1


def test_leaving_the_block_waits_no_longer_than_acquire_was_told_to(publish, subscribe):
    publisher = publish(CAPS, max_buffers=1)
    subscriber = subscribe()
    assert publisher.send(pattern(SIZE)) == 1
    with pytest.raises(TimeoutError):
        with publisher.acquire(SIZE, timeout=0.05):
            pass
    subscriber.recv().release()
    with pytest.raises(BlockingIOError):
        subscriber.recv(timeout=0)
