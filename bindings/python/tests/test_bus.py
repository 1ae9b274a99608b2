# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Bus: messages that are copied, waits, ends, iteration, a poll of one's own, and figures."""

import array
import gc
import os
import random
import select
import zlib

import pytest
import tachyon
from support import PATIENCE, in_thread, run_program, wait_until, wait_until_asleep

U32_MAX = 2**32 - 1


# --- messages ---


def test_a_message_arrives_as_it_was_sent(pair):
    near, far = pair
    near.send(b"content", type_id=7)

    message = far.recv()

    assert type(message) is tachyon.Message
    assert (message.type_id, message.data) == (7, b"content")
    assert type(message.data) is bytes
    assert (message.size, len(message)) == (7, 7)


def test_type_id_is_0_unless_given(pair):
    near, far = pair
    near.send(b"x")
    assert far.recv().type_id == 0


@pytest.mark.parametrize("type_id", [0, 1, 0x7FFFFFFF, 0x80000000, U32_MAX])
def test_type_id_is_any_32_bits(type_id, pair):
    near, far = pair
    near.send(b"x", type_id)
    assert far.recv().type_id == type_id


def test_both_sides_send(pair):
    near, far = pair
    for turn in range(100):
        near.send(b"ping %d" % turn)
        assert far.recv().data == b"ping %d" % turn
        far.send(b"pong %d" % turn)
        assert near.recv().data == b"pong %d" % turn


@pytest.mark.parametrize("size", [0, 1, 15, 16, 47, 48, 49, 63, 64, 65, 4095, 4096, 30_000])
def test_messages_of_all_sizes_arrive(size, pair):
    near, far = pair
    data = random.Random(size).randbytes(size)
    for turn in range(20):
        near.send(data, turn)
        assert far.recv() == tachyon.Message(turn, data)


def test_the_largest_message_is_max_message(pair):
    near, far = pair
    data = random.Random(0).randbytes(near.max_message)
    for _ in range(5):
        near.send(data)
        assert far.recv().data == data


def test_messages_arrive_whole_in_order_exactly_once(pair):
    near, far = pair
    chance = random.Random(1)
    count = 3000
    sent = [
        (chance.randrange(2**32), chance.randbytes(chance.randrange(3000))) for _ in range(count)
    ]

    def send_all():
        for type_id, data in sent:
            near.send(data, type_id)

    sending = in_thread(send_all)
    for type_id, data in sent:
        message = far.recv(PATIENCE)
        assert (message.type_id, zlib.crc32(message.data)) == (type_id, zlib.crc32(data))
    sending.result()
    with pytest.raises(BlockingIOError):
        far.recv(0)


@pytest.mark.parametrize(
    "data",
    [
        b"bytes",
        bytearray(b"bytearray"),
        memoryview(b"memoryview"),
        memoryview(b"a part of it")[2:6],
        array.array("d", [1.0, 2.0, 3.0]),
        array.array("i"),
        b"",
    ],
)
def test_send_takes_any_contiguous_buffer(data, pair):
    near, far = pair
    near.send(data)
    assert far.recv().data == bytes(data)


def test_send_takes_numpy_arrays(pair):
    numpy = pytest.importorskip("numpy")
    near, far = pair
    for data in (
        numpy.arange(12, dtype="<f4").reshape(3, 4),
        numpy.zeros((0, 3)),
        numpy.array(5, dtype="i8"),
        numpy.arange(10, dtype="u1")[3:7],
        numpy.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
    ):
        near.send(data)
        assert far.recv().data == data.tobytes()


def test_send_takes_what_was_received(pair):
    near, far = pair
    near.send(b"round trip", 3)
    with far.recv_zero_copy() as guard:
        far.send(guard, guard.type_id)
    assert near.recv() == tachyon.Message(3, b"round trip")


def test_data_must_be_contiguous(pair):
    near, far = pair
    with pytest.raises((BufferError, ValueError)):
        near.send(memoryview(b"every other")[::2])
    numpy = pytest.importorskip("numpy")
    with pytest.raises((BufferError, ValueError)):
        near.send(numpy.zeros((4, 4))[:, 1:3])
    with pytest.raises(BlockingIOError):
        far.recv(0)


def test_data_must_be_a_buffer(pair):
    near, far = pair
    for data in ("text", 5, None, [1, 2], object()):
        with pytest.raises(TypeError):
            near.send(data)
    with pytest.raises(BlockingIOError):
        far.recv(0)


def test_send_holds_no_reference_to_its_data(pair):
    near, _ = pair
    data = bytearray(b"free to grow")
    near.send(data)
    data.extend(b"!")


def test_arguments_have_the_names_of_the_contract(pair):
    near, far = pair
    near.send(data=b"a", type_id=1, timeout=None)
    assert far.recv(timeout=None) == tachyon.Message(type_id=1, data=b"a")
    near.send_zero_copy(size=1, type_id=2, timeout=1.0).commit(size=1, type_id=3)
    far.recv_zero_copy(timeout=1).release()
    near.send(b"b")
    far.drain_batch(max_messages=1, timeout=1).release()


def test_timeouts_of_send_are_by_name_only(pair):
    near, _ = pair
    with pytest.raises(TypeError):
        near.send(b"x", 0, 1.0)
    with pytest.raises(TypeError):
        near.send_zero_copy(1, 0, 1.0)


# --- waiting ---


@pytest.mark.parametrize("call", ["recv", "recv_zero_copy"])
def test_receiving_with_a_timeout_of_0_does_not_wait(call, pair):
    _, far = pair
    for timeout in (0, 0.0, False):
        with pytest.raises(BlockingIOError):
            getattr(far, call)(timeout)


@pytest.mark.parametrize("call", ["recv", "recv_zero_copy"])
def test_receiving_ends_when_its_timeout_runs_out(call, pair):
    near, far = pair
    with pytest.raises(TimeoutError):
        getattr(far, call)(0.01)
    with pytest.raises(TimeoutError):
        getattr(far, call)(timeout=1e-9)
    # Nothing else changed.
    near.send(b"late")
    assert getattr(far, call)(PATIENCE).data == b"late"


def test_receiving_without_a_timeout_waits_for_ever(pair):
    near, far = pair
    receiving = in_thread(far.recv)
    wait_until_asleep(receiving.thread_id)
    near.send(b"there")
    assert receiving.result().data == b"there"


@pytest.mark.parametrize("timeout", [1e300, float("inf"), 2**63, 10**9])
def test_a_very_long_timeout_is_not_taken_for_a_short_one(timeout, pair):
    near, far = pair
    receiving = in_thread(far.recv, timeout)
    wait_until(lambda: receiving.done() or far.stats().sleeps)
    near.send(b"there")
    try:
        assert receiving.result().data == b"there"
    except (OverflowError, ValueError):
        pass


def fill(bus):
    """Send until there is no room; returns how many there were."""
    count = 0
    while True:
        try:
            bus.send(bytes(1000), count, timeout=0)
        except BlockingIOError:
            return count
        count += 1


def test_send_with_a_timeout_of_0_does_not_wait_for_space(pair):
    near, far = pair
    count = fill(near)
    assert count > 50
    for index in range(count):
        assert far.recv(0).type_id == index
    with pytest.raises(BlockingIOError):
        far.recv(0)


def test_send_ends_when_its_timeout_runs_out_and_nothing_is_sent(pair):
    near, far = pair
    count = fill(near)
    with pytest.raises(TimeoutError):
        near.send(bytes(1000), timeout=0.01)
    with pytest.raises(TimeoutError):
        near.send_zero_copy(1000, timeout=0.01)
    with pytest.raises(BlockingIOError):
        near.send_zero_copy(1000, timeout=0)
    for index in range(count):
        assert far.recv(0).type_id == index
    with pytest.raises(BlockingIOError):
        far.recv(0)


def test_send_waits_for_space(pair):
    near, far = pair
    count = fill(near)
    sending = in_thread(near.send, bytes(1000), 4242)
    wait_until(lambda: near.stats().sleeps)
    assert not sending.done()
    for _ in range(count):
        far.recv(0)
    sending.result()
    assert far.recv(PATIENCE).type_id == 4242


def test_flush_is_harmless_where_nothing_waits_for_it(pair):
    near, far = pair
    assert near.flush() is None
    near.send(b"x")
    near.flush()
    far.recv(0)


# --- ends ---


def test_what_was_sent_before_close_is_received_then_iteration_stops(pair):
    near, far = pair
    for index in range(40):
        near.send(bytes(1000), index)
    near.close()

    assert [message.type_id for message in far] == list(range(40))
    assert list(far) == []
    assert far.end == "closed"


def test_a_bus_that_is_dropped_ends_as_if_it_were_closed(connect_pair, path):
    listening = in_thread(tachyon.Bus.listen, path, timeout=PATIENCE)
    near = tachyon.Bus.connect(path)
    far = listening.result()
    near.send(b"last")
    del near
    gc.collect()
    assert [message.data for message in far] == [b"last"]
    far.close()


def test_receiving_past_the_peers_end_is_a_closed_error(pair):
    near, far = pair
    near.close()
    for call in (far.recv, far.recv_zero_copy, far.drain_batch):
        with pytest.raises(tachyon.ClosedError):
            call()
        with pytest.raises(tachyon.ClosedError):
            call(timeout=0)


def test_sending_to_a_peer_that_closed_is_a_closed_error(pair):
    near, far = pair
    far.close()

    # At the latest when the ring is full.
    with pytest.raises(tachyon.ClosedError):
        while True:
            near.send(bytes(1000), timeout=PATIENCE)


def test_a_sender_that_waits_for_space_learns_that_its_peer_closed(pair):
    near, far = pair
    fill(near)
    sending = in_thread(near.send, bytes(1000))
    wait_until(lambda: near.stats().sleeps)
    far.close()
    with pytest.raises(tachyon.ClosedError):
        sending.result()


def test_a_receiver_that_waits_learns_that_its_peer_closed(pair):
    near, far = pair
    receiving = in_thread(far.recv)
    wait_until_asleep(receiving.thread_id)
    near.close()
    with pytest.raises(tachyon.ClosedError):
        receiving.result()


def test_end_says_how_the_connection_ended(pair):
    near, far = pair
    assert near.end is None
    assert far.end is None
    near.close()
    assert near.end == "local"
    with pytest.raises(tachyon.ClosedError):
        far.recv()
    assert far.end == "closed"


def test_closing_twice_is_fine(pair):
    near, _ = pair
    assert near.closed is False
    assert near.close() is None
    assert near.closed is True
    assert near.close() is None
    assert near.closed is True


def test_a_bus_closes_at_the_end_of_its_block(pair):
    near, far = pair
    with near as entered:
        assert entered is near
    assert near.closed
    with pytest.raises(LookupError), far:
        raise LookupError
    assert far.closed


def test_a_bus_may_be_closed_within_its_block(pair):
    near, _ = pair
    with near:
        near.close()


def test_the_end_of_a_peer_that_was_closed_is_not_that_of_one_that_died(path, peer):
    child = peer(
        """
        import os, signal, sys, tachyon
        with tachyon.Listener(sys.argv[1]) as listener:
            print("ready", flush=True)
            for _ in range(2):
                bus = listener.accept(20)
                for index in range(50):
                    bus.send(bytes(500), index)
                if input() == "close":
                    bus.close()
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        path,
    )
    assert child.line() == "ready"

    with tachyon.Bus.connect(path) as bus:
        assert bus.recv().type_id == 0
        child.tell("close")
        assert [message.type_id for message in bus] == list(range(1, 50))
        assert bus.end == "closed"

    with tachyon.Bus.connect(path) as bus:
        assert bus.recv().type_id == 0
        child.tell("die")
        messages = iter(bus)
        assert [next(messages).type_id for _ in range(49)] == list(range(1, 50))
        with pytest.raises(ConnectionResetError):
            next(messages)
        assert bus.end == "died"


@pytest.mark.parametrize("call", ["recv", "recv_zero_copy", "drain_batch", "__next__"])
def test_a_peer_killed_while_we_wait_is_a_connection_reset(call, path, peer):
    child = peer(
        "import sys, tachyon; b = tachyon.Bus.listen(sys.argv[1]); b.send(b'up'); input()", path
    )
    with tachyon.Bus.connect(path, timeout=PATIENCE) as bus:
        assert bus.recv().data == b"up"
        receiving = in_thread(getattr(iter(bus) if call == "__next__" else bus, call))
        wait_until_asleep(receiving.thread_id)
        child.kill()
        with pytest.raises(ConnectionResetError):
            receiving.result()
        assert bus.end == "died"


def test_a_peer_killed_while_we_wait_for_space_is_a_connection_reset(path, peer):
    child = peer(
        "import sys, tachyon; b = tachyon.Bus.listen(sys.argv[1]); b.send(b'up'); input()", path
    )
    with tachyon.Bus.connect(path, timeout=PATIENCE) as bus:
        assert bus.recv().data == b"up"
        fill(bus)
        sleeps = bus.stats().sleeps
        sending = in_thread(bus.send, bytes(1000))
        wait_until(lambda: bus.stats().sleeps > sleeps)
        child.kill()
        with pytest.raises(ConnectionResetError):
            sending.result()


# --- iteration ---


def test_iteration_gives_messages(pair):
    near, far = pair
    messages = iter(far)
    for index in range(3):
        near.send(b"%d" % index, index)
        assert next(messages) == tachyon.Message(index, b"%d" % index)


def test_iteration_may_be_left_and_taken_up_again(pair):
    near, far = pair
    for index in range(4):
        near.send(b"", index)
    for message in far:
        if message.type_id == 1:
            break
    assert far.recv().type_id == 2
    assert next(iter(far)).type_id == 3


def test_an_iterator_keeps_its_bus(path):
    listening = in_thread(tachyon.Bus.listen, path, timeout=PATIENCE)
    near = tachyon.Bus.connect(path)
    messages = iter(listening.result())
    del listening
    gc.collect()
    near.send(b"kept")
    assert next(messages).data == b"kept"
    near.close()


def test_iterating_over_a_closed_bus_is_a_closed_error(pair):
    _, far = pair
    messages = iter(far)
    far.close()
    with pytest.raises(tachyon.ClosedError):
        next(messages)
    with pytest.raises(tachyon.ClosedError):
        next(iter(far))


# --- a poll of one's own ---


def test_a_poll_of_ones_own_is_prepare_poll_dispatch_recv(pair):
    near, far = pair
    poll = select.poll()
    poll.register(far.fileno(), select.POLLIN)

    for turn in range(5):
        assert far.prepare() is False
        assert poll.poll(0) == []
        near.send(b"%d" % turn)
        assert poll.poll(PATIENCE * 1000)
        assert far.dispatch() is None
        assert far.recv(timeout=0).data == b"%d" % turn

    assert far.prepare() is False
    far.dispatch()


def test_prepare_is_true_when_recv_would_not_wait(pair):
    near, far = pair
    near.send(b"x")
    assert far.prepare() is True
    assert far.recv(0).data == b"x"
    assert far.prepare() is False
    far.dispatch()


def test_after_the_end_the_descriptor_of_an_armed_bus_is_readable_at_once(pair):
    near, far = pair
    near.close()
    if far.prepare() is False:
        assert select.select([far], [], [], 0)[0] == [far]
        far.dispatch()
    assert far.prepare() is True
    with pytest.raises(tachyon.ClosedError):
        far.recv(0)


def test_the_end_wakes_a_poll_of_ones_own(pair):
    near, far = pair
    assert far.prepare() is False
    near.close()
    assert select.select([far], [], [], PATIENCE)[0] == [far]
    far.dispatch()
    with pytest.raises(tachyon.ClosedError):
        far.recv(0)


def test_one_epoll_serves_many_buses(path):
    pairs = []
    with tachyon.Listener(path) as listener, select.epoll() as epoll:
        for _ in range(4):
            accepting = in_thread(listener.accept, PATIENCE)
            pairs.append((tachyon.Bus.connect(path), accepting.result()))
        buses = {far.fileno(): far for _, far in pairs}
        for fileno, far in buses.items():
            epoll.register(fileno, select.EPOLLIN)
            assert far.prepare() is False
        pairs[2][0].send(b"me")
        ready = epoll.poll(PATIENCE)
        assert [fileno for fileno, _ in ready] == [pairs[2][1].fileno()]
        assert buses[ready[0][0]].recv(0).data == b"me"
    for near, far in pairs:
        near.close()
        far.close()


# --- figures ---


def test_stats_count_messages(pair):
    near, far = pair
    before = near.stats()
    assert isinstance(before, tachyon.BusStats)
    for index in range(10):
        near.send(bytes(index * 10))
    for _ in range(10):
        far.recv()

    sent, received = near.stats(), far.stats()

    assert sent.messages_sent - before.messages_sent == 10
    assert received.messages_received == 10
    assert sent.bytes_sent - before.bytes_sent == received.bytes_received >= 450
    assert sent.messages_received == received.messages_sent == 0
    assert sent.peer_pid == received.peer_pid == os.getpid()


def test_stats_are_a_named_tuple(pair):
    near, _ = pair
    stats = near.stats()
    assert stats._asdict() == dict(zip(tachyon.BusStats._fields, stats, strict=True))
    assert stats._replace(full=7).full == 7
    assert isinstance(stats, tuple)


def test_stats_count_times_without_room(pair):
    near, _ = pair
    fill(near)
    assert near.stats().full >= 1


def test_stats_say_who_the_peer_is(path, peer):
    child = peer(
        "import sys, tachyon; b = tachyon.Bus.listen(sys.argv[1]); b.send(b'up'); input()", path
    )
    with tachyon.Bus.connect(path, timeout=PATIENCE) as bus:
        assert bus.stats().peer_pid == child.pid
        child.tell()


def test_the_busy_path_makes_no_system_call(pair):
    near, far = pair
    near.send(b"x")
    far.recv()
    before = tachyon.system_calls()
    for _ in range(1000):
        near.send(b"x")
        far.recv()
        with near.send_zero_copy(100):
            pass
        with far.recv_zero_copy():
            pass
    assert tachyon.system_calls() == before


def test_system_calls_are_counted(path):
    before = tachyon.system_calls()
    tachyon.Listener(path).close()
    assert tachyon.system_calls() > before


# --- classes ---


def test_a_bus_is_made_by_listen_and_connect_only():
    with pytest.raises(TypeError):
        tachyon.Bus()
    with pytest.raises(TypeError):
        tachyon.Bus.__new__(tachyon.Bus)


@pytest.mark.parametrize("name", ["TxGuard", "RxGuard", "RxBatch", "RxMessage"])
def test_guards_and_batches_are_made_by_a_bus_only(name):
    with pytest.raises(TypeError):
        getattr(tachyon, name)()


@pytest.mark.parametrize("name", ["Message", "TxGuard", "RxGuard", "RxBatch", "RxMessage"])
def test_a_final_class_has_no_subclasses(name):
    with pytest.raises(TypeError):
        type("Sub", (getattr(tachyon, name),), {})


def test_a_subclass_of_bus_connects_to_itself(path):
    class MyBus(tachyon.Bus):
        pass

    listening = in_thread(MyBus.listen, path, timeout=PATIENCE)
    with MyBus.connect(path) as near, listening.result() as far:
        assert type(near) is type(far) is MyBus
        near.send(b"x")
        assert far.recv().data == b"x"


def test_two_processes_exchange_messages(path, peer):
    child = peer(
        """
        import sys, tachyon
        with tachyon.Bus.connect(sys.argv[1]) as bus:
            for message in bus:
                bus.send(message.data[::-1], message.type_id + 1)
        """,
        path,
    )
    with tachyon.Bus.listen(path, timeout=PATIENCE) as bus:
        for turn in range(500):
            data = os.urandom(turn * 7)
            bus.send(data, turn)
            assert bus.recv(PATIENCE) == tachyon.Message(turn + 1, data[::-1])
    child.finish()


def test_objects_left_at_the_end_of_a_program_are_no_trouble(path):
    run_program(
        """
        import sys, threading, tachyon
        made = []
        thread = threading.Thread(target=lambda: made.append(tachyon.Bus.listen(sys.argv[1])))
        thread.start()
        near = tachyon.Bus.connect(sys.argv[1])
        thread.join()
        far = made[0]
        near.send(b"1")
        near.send(b"2")
        guard = far.recv_zero_copy()
        view = memoryview(guard)
        batch = far.drain_batch()
        element = batch[0]
        room = near.send_zero_copy(100)
        space = memoryview(room)
        iterator = iter(far)
        listener = tachyon.Listener(sys.argv[1])
        """,
        path,
    )
