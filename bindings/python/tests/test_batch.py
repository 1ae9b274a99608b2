# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""RxBatch and RxMessage: messages received together, given back together."""

import gc

import pytest
import tachyon
from support import PATIENCE, in_thread, wait_until_asleep


def send_some(bus, count, size=10):
    for index in range(count):
        bus.send(bytes([index]) * size, index)


def test_a_batch_has_what_is_there(pair):
    near, far = pair
    send_some(near, 5)
    with far.drain_batch() as batch:
        assert type(batch) is tachyon.RxBatch
        assert len(batch) == 5
        for index in range(5):
            assert batch[index].type_id == index
            assert batch[index].data == bytes([index]) * 10
    with pytest.raises(BlockingIOError):
        far.drain_batch(timeout=0)


def test_a_batch_has_up_to_max_messages(pair):
    near, far = pair
    send_some(near, 5)
    sizes = []
    for _ in range(3):
        with far.drain_batch(2) as batch:
            sizes.append([message.type_id for message in batch])
    assert sizes == [[0, 1], [2, 3], [4]]


def test_a_batch_has_1024_messages_unless_told_otherwise(connect_pair):
    near, far = connect_pair(1 << 20)
    for index in range(1500):
        near.send(b"x", index)
    with far.drain_batch() as batch:
        assert len(batch) == 1024
    with far.drain_batch(5000) as batch:
        assert len(batch) == 1500 - 1024
        assert batch[-1].type_id == 1499


def test_draining_waits_for_one_message_then_takes_what_is_there(pair):
    near, far = pair
    draining = in_thread(far.drain_batch)
    wait_until_asleep(draining.thread_id)
    near.send(b"one")
    with draining.result() as batch:
        assert [message.data for message in batch] == [b"one"]


def test_draining_with_a_timeout(pair):
    near, far = pair
    with pytest.raises(BlockingIOError):
        far.drain_batch(timeout=0)
    with pytest.raises(TimeoutError):
        far.drain_batch(timeout=0.01)
    with pytest.raises(TimeoutError):
        far.drain_batch(10, 0.01)
    send_some(near, 1)
    far.drain_batch(10, PATIENCE).release()


@pytest.mark.parametrize("count", [0, -1, 1 << 63, 1 << 64, -(1 << 70)])
def test_max_messages_out_of_range_is_refused(count, pair):
    near, far = pair
    send_some(near, 1)
    with pytest.raises((ValueError, OverflowError)):
        far.drain_batch(count)
    assert far.recv(0).type_id == 0


def test_a_very_large_max_messages_is_no_trouble(pair):
    near, far = pair
    send_some(near, 3)
    for count in (10**6, 10**9, (1 << 63) - 1):
        try:
            with far.drain_batch(count, 0) as batch:
                assert len(batch) == 3
        except (ValueError, OverflowError):
            pass
        else:
            send_some(near, 3)
    assert far.recv(0).type_id == 0


def test_max_messages_is_an_integer(pair):
    _, far = pair
    for count in ("1", 1.0, None):
        with pytest.raises(TypeError):
            far.drain_batch(count)


def test_a_batch_is_a_sequence(pair):
    near, far = pair
    send_some(near, 4)
    with far.drain_batch() as batch:
        assert [message.type_id for message in batch] == [0, 1, 2, 3]
        assert [message.type_id for message in reversed(batch)] == [3, 2, 1, 0]
        assert batch[-1].type_id == 3
        assert batch[-4].type_id == 0
        for index in (4, -5, 1 << 62, -(1 << 62), 1 << 70):
            with pytest.raises(IndexError):
                batch[index]
        for index in ("0", 1.0, None):
            with pytest.raises(TypeError):
                batch[index]
        with pytest.raises(TypeError):
            batch[0] = 1
        with pytest.raises(TypeError):
            del batch[0]
        first, *_, last = batch
        assert (first.type_id, last.type_id) == (0, 3)


def test_an_element_shows_one_message(pair):
    near, far = pair
    near.send(b"content", 7)
    with far.drain_batch() as batch:
        message = batch[0]
        assert type(message) is tachyon.RxMessage
        assert (message.type_id, message.data) == (7, b"content")
        assert message.size == message.actual_size == len(message) == 7
        with memoryview(message) as view:
            assert view.readonly
            assert (view.format, view.shape, bytes(view)) == ("B", (7,), b"content")
        for name in ("type_id", "size", "actual_size", "data"):
            with pytest.raises(AttributeError):
                setattr(message, name, 1)


def test_the_data_of_an_element_is_a_copy(pair):
    near, far = pair
    near.send(b"content")
    with far.drain_batch() as batch:
        data = batch[0].data
    assert data == b"content"


def test_until_a_batch_is_released_the_sender_lacks_its_space(pair):
    near, far = pair
    send_some(near, 4, 15_000)
    with far.drain_batch(), pytest.raises(BlockingIOError):
        near.send(bytes(15_000), timeout=0)
    for _ in range(4):
        near.send(bytes(15_000), timeout=0)


@pytest.mark.parametrize("give_back", [tachyon.RxBatch.release, tachyon.RxBatch.commit])
def test_while_the_view_of_an_element_lives_a_batch_cannot_be_released(give_back, pair):
    near, far = pair
    send_some(near, 4, 15_000)
    batch = far.drain_batch()
    view = memoryview(batch[2])

    with pytest.raises(BufferError):
        give_back(batch)

    assert bytes(view) == b"\x02" * 15_000
    assert batch[0].data == bytes(15_000)
    with pytest.raises(BlockingIOError):
        near.send(bytes(15_000), timeout=0)
    view.release()
    give_back(batch)
    near.send(bytes(15_000), timeout=0)


def test_leaving_the_block_while_a_view_lives_is_a_buffer_error_and_the_batch_stays_open(pair):
    near, far = pair
    send_some(near, 2)
    with pytest.raises(BufferError), far.drain_batch() as batch:
        view = memoryview(batch[1])
    assert bytes(view) == batch[1].data == b"\x01" * 10
    view.release()
    batch.release()


def test_after_an_exception_a_batch_is_given_back_when_the_last_view_is_gone(pair):
    near, far = pair
    send_some(near, 4, 15_000)
    with pytest.raises(LookupError), far.drain_batch() as batch:
        views = [memoryview(message) for message in batch]
        raise LookupError
    assert bytes(views[3]) == b"\x03" * 15_000
    while views:
        with pytest.raises(BlockingIOError):
            near.send(bytes(15_000), timeout=0)
        views.pop().release()
    gc.collect()
    near.send(bytes(15_000), timeout=0)


def test_a_batch_that_is_dropped_gives_its_messages_back(pair):
    near, far = pair
    for _ in range(5):
        send_some(near, 4, 15_000)
        assert len(far.drain_batch()) == 4
        gc.collect()


def test_an_element_keeps_its_batch(pair):
    near, far = pair
    send_some(near, 4, 15_000)
    message = far.drain_batch()[3]
    gc.collect()
    with pytest.raises(BlockingIOError):
        near.send(bytes(15_000), timeout=0)
    assert message.data == b"\x03" * 15_000
    del message
    gc.collect()
    near.send(bytes(15_000), timeout=0)


def test_an_element_is_valid_until_the_batch_is_released(pair):
    near, far = pair
    send_some(near, 2)
    batch = far.drain_batch()
    message = batch[0]
    batch.release()
    for use in (
        lambda: message.data,
        lambda: memoryview(message),
        lambda: message.__dlpack__(),
        lambda: batch[0].data,
        batch.release,
        batch.commit,
        batch.__enter__,
    ):
        with pytest.raises(ValueError):
            use()


def test_a_batch_can_be_released_within_its_block(pair):
    near, far = pair
    send_some(near, 2)
    with far.drain_batch() as batch:
        batch.release()
    send_some(near, 2)
    with far.drain_batch() as batch:
        batch.commit()


def test_batches_and_guards_are_released_in_any_order(pair):
    near, far = pair
    send_some(near, 6, 10_000)
    first = far.drain_batch(2)
    guard = far.recv_zero_copy()
    second = far.drain_batch()
    assert (len(first), guard.type_id, len(second)) == (2, 2, 3)
    second.release()
    first.release()
    near.send(bytes(15_000), timeout=0)
    with pytest.raises(BlockingIOError):
        near.send(bytes(15_000), timeout=0)
    assert guard.data == b"\x02" * 10_000
    guard.release()
    near.send(bytes(30_000), timeout=0)


def test_a_batch_of_a_closed_bus_stays_valid(pair):
    near, far = pair
    send_some(near, 2)
    batch = far.drain_batch()
    view = memoryview(batch[1])
    far.close()
    near.close()
    assert bytes(view) == batch[1].data == b"\x01" * 10
    assert [message.type_id for message in batch] == [0, 1]
    view.release()
    batch.release()


def test_a_batch_has_what_was_sent_before_the_end(pair):
    near, far = pair
    send_some(near, 3)
    near.close()
    with far.drain_batch() as batch:
        assert len(batch) == 3
    with pytest.raises(tachyon.ClosedError):
        far.drain_batch()


def test_iteration_over_a_batch_keeps_it(pair):
    near, far = pair
    send_some(near, 3)
    messages = iter(far.drain_batch())
    gc.collect()
    assert [message.data for message in messages] == [bytes([i]) * 10 for i in range(3)]


def test_batches_stream_in_order(pair):
    near, far = pair
    count = 20_000

    def send_all():
        for index in range(count):
            near.send(index.to_bytes(4, "little") * (index % 30), index)

    sending = in_thread(send_all)
    seen = 0
    while seen < count:
        with far.drain_batch(timeout=PATIENCE) as batch:
            for message in batch:
                assert message.type_id == seen
                assert message.data == seen.to_bytes(4, "little") * (seen % 30)
                seen += 1
    sending.result()
