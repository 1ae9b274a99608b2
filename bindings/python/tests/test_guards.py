# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""TxGuard and RxGuard: messages in place, and what keeps their memory."""

import ctypes
import gc

import pytest
import tachyon
from support import PATIENCE, in_thread, needs, run_program, wait_until


def assert_nothing_came(bus):
    bus.flush()
    with pytest.raises(BlockingIOError):
        bus.recv(0)


def assert_nothing_was_sent(near, far):
    """Neither now nor by the next flush, and the ring goes on."""
    near.flush()
    assert_nothing_came(far)
    near.send(b"next", 99)
    assert far.recv(0) == tachyon.Message(99, b"next")
    assert_nothing_came(far)


def fill(bus):
    count = 0
    while True:
        try:
            bus.send(bytes(1000), count, timeout=0)
        except BlockingIOError:
            return count
        count += 1


# --- TxGuard ---


def test_a_tx_guard_is_a_writable_buffer_of_bytes(pair):
    near, _ = pair
    with near.send_zero_copy(100) as guard:
        assert type(guard) is tachyon.TxGuard
        assert len(guard) == guard.size == 100
        with memoryview(guard) as view:
            assert not view.readonly
            assert (view.format, view.itemsize, view.ndim) == ("B", 1, 1)
            assert (view.shape, view.nbytes, view.contiguous) == ((100,), 100, True)
            view[0] = 255
            view[1:3] = b"ab"
            assert bytes(view[:3]) == b"\xffab"


def test_leaving_the_block_commits_what_was_reserved(pair):
    near, far = pair
    with near.send_zero_copy(5, 42) as guard:
        assert guard.actual_size == 5
        assert guard.type_id == 42
        memoryview(guard)[:] = b"whole"
    assert far.recv(0) == tachyon.Message(42, b"whole")


def test_leaving_the_block_commits_actual_size_bytes(pair):
    near, far = pair
    for actual_size in (0, 1, 48, 49, 63, 999, 1000):
        with near.send_zero_copy(1000) as guard:
            with memoryview(guard) as view:
                view[:] = b"x" * 1000
            guard.actual_size = actual_size
            assert guard.actual_size == actual_size
            assert guard.size == 1000
        assert far.recv(0).data == b"x" * actual_size


def test_type_id_can_be_set_until_the_guard_is_committed(pair):
    near, far = pair
    with near.send_zero_copy(1, 1) as guard:
        guard.type_id = 2**32 - 1
        assert guard.type_id == 2**32 - 1
    assert far.recv(0).type_id == 2**32 - 1


def test_type_id_is_0_unless_given(pair):
    near, far = pair
    near.send_zero_copy(1).commit()
    assert far.recv(0).type_id == 0


def test_commit_takes_size_and_type_id(pair):
    near, far = pair
    guard = near.send_zero_copy(10, 1)
    memoryview(guard)[:4] = b"four"
    gc.collect()
    guard.commit(4, 2)
    assert far.recv(0) == tachyon.Message(2, b"four")

    guard = near.send_zero_copy(10, 1)
    guard.actual_size = 3
    guard.type_id = 5
    guard.commit()
    message = far.recv(0)
    assert (message.size, message.type_id) == (3, 5)


def test_values_out_of_range_are_refused_and_the_guard_stays_open(pair):
    near, far = pair
    guard = near.send_zero_copy(10, 1)
    for size in (11, -1, 1 << 63, 1 << 64, -(1 << 64)):
        with pytest.raises((ValueError, OverflowError)):
            guard.actual_size = size
        with pytest.raises((ValueError, OverflowError)):
            guard.commit(size)
        with pytest.raises((ValueError, OverflowError)):
            guard.commit_unflushed(size)
    for type_id in (-1, 1 << 32, 1 << 64):
        with pytest.raises(OverflowError):
            guard.type_id = type_id
        with pytest.raises(OverflowError):
            guard.commit(10, type_id)
        with pytest.raises(OverflowError):
            guard.commit_unflushed(10, type_id)
    for value in ("1", 1.0, None):
        with pytest.raises(TypeError):
            guard.actual_size = value
        with pytest.raises(TypeError):
            guard.type_id = value
    with pytest.raises((AttributeError, TypeError)):
        del guard.actual_size
    with pytest.raises((AttributeError, TypeError)):
        del guard.type_id
    with pytest.raises(AttributeError):
        guard.size = 5

    assert (guard.actual_size, guard.type_id) == (10, 1)
    assert_nothing_came(far)
    guard.commit()
    message = far.recv(0)
    assert (message.size, message.type_id) == (10, 1)


def test_an_exception_in_the_block_rolls_back(pair):
    near, far = pair
    with pytest.raises(LookupError), near.send_zero_copy(10) as guard:
        raise LookupError
    assert_nothing_was_sent(near, far)
    with pytest.raises(ValueError):
        guard.commit()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_any_exception_rolls_back(kind, pair):
    near, far = pair
    with pytest.raises(kind), near.send_zero_copy(10):
        raise kind
    assert_nothing_was_sent(near, far)


def test_rollback_sends_nothing(pair):
    near, far = pair
    near.send_zero_copy(10).rollback()
    assert_nothing_was_sent(near, far)


def test_a_guard_that_is_dropped_is_rolled_back(pair):
    near, far = pair
    guard = near.send_zero_copy(10)
    del guard
    gc.collect()
    assert_nothing_was_sent(near, far)


def test_a_guard_can_be_committed_within_its_block(pair):
    near, far = pair
    with near.send_zero_copy(10) as guard:
        guard.commit(3)
    assert far.recv(0).size == 3
    assert_nothing_came(far)


def test_a_guard_can_be_rolled_back_within_its_block(pair):
    near, far = pair
    with near.send_zero_copy(10) as guard:
        guard.rollback()
    assert_nothing_was_sent(near, far)


@pytest.mark.parametrize("first", ["commit", "commit_unflushed", "rollback"])
def test_a_guard_is_ended_once(first, pair):
    near, far = pair
    guard = near.send_zero_copy(10)
    getattr(guard, first)()

    for again in (
        guard.commit,
        guard.commit_unflushed,
        guard.rollback,
        lambda: memoryview(guard),
        lambda: bytes(guard),
    ):
        with pytest.raises(ValueError):
            again()
    with pytest.raises(ValueError):
        guard.__enter__()

    near.flush()
    if first != "rollback":
        assert far.recv(0).size == 10
    assert_nothing_was_sent(near, far)


def test_commit_unflushed_is_seen_with_the_next_flush(pair):
    near, far = pair
    for index in range(5):
        guard = near.send_zero_copy(10, index)
        guard.commit_unflushed(index)
    with pytest.raises(BlockingIOError):
        far.recv(0)

    near.flush()

    with far.drain_batch(timeout=0) as batch:
        assert [(message.type_id, message.size) for message in batch] == [(i, i) for i in range(5)]


def test_commit_sends_what_was_committed_before_it(pair):
    near, far = pair
    near.send_zero_copy(1, 1).commit_unflushed()
    near.send_zero_copy(1, 2).commit()
    assert [far.recv(0).type_id, far.recv(0).type_id] == [1, 2]


def test_close_sends_what_was_committed(pair):
    near, far = pair
    near.send_zero_copy(1, 1).commit_unflushed()
    near.close()
    assert [message.type_id for message in far] == [1]


def test_close_sends_what_another_thread_committed(pair):
    near, far = pair
    in_thread(lambda: near.send_zero_copy(1, 1).commit_unflushed()).result()
    near.close()
    assert [message.type_id for message in far] == [1]


@pytest.mark.parametrize("end", ["commit", "commit_unflushed", "rollback"])
def test_while_a_view_lives_a_tx_guard_cannot_be_ended(end, pair):
    near, far = pair
    guard = near.send_zero_copy(10, 7)
    view = memoryview(guard)
    part = view[2:5]
    view.release()

    with pytest.raises(BufferError):
        getattr(guard, end)()

    # Nothing was sent, and the guard is open.
    near.flush()
    assert_nothing_came(far)
    part[:] = b"abc"
    part.release()
    guard.commit()
    message = far.recv(0)
    assert (message.type_id, message.data[2:5]) == (7, b"abc")
    assert_nothing_came(far)


def test_leaving_the_block_while_a_view_lives_is_a_buffer_error_and_sends_nothing(pair):
    near, far = pair
    with pytest.raises(BufferError), near.send_zero_copy(4, 7) as guard:
        view = memoryview(guard)
    near.flush()
    assert_nothing_came(far)

    view[:] = b"open"
    view.release()
    guard.commit()
    assert far.recv(0) == tachyon.Message(7, b"open")


def test_an_exception_while_a_view_lives_rolls_back_when_the_last_view_is_gone(pair):
    near, far = pair
    # The block's own exception comes out, not one about the view.
    with pytest.raises(LookupError), near.send_zero_copy(4) as guard:
        view = memoryview(guard)
        other = memoryview(guard)
        raise LookupError

    view[:] = b"safe"
    assert bytes(other) == b"safe"
    with pytest.raises(ValueError):
        guard.commit()
    other.release()
    with pytest.raises(ValueError, match="open"):
        near.send(b"the reservation is not given up yet", timeout=0)
    view.release()
    assert_nothing_was_sent(near, far)


def test_a_tx_guard_that_is_dropped_while_a_view_lives_is_rolled_back_with_the_view(pair):
    near, far = pair
    view = memoryview(near.send_zero_copy(4))
    gc.collect()
    view[:] = b"safe"
    assert bytes(view) == b"safe"
    assert_nothing_came(far)
    view.release()
    del view
    gc.collect()
    assert_nothing_was_sent(near, far)


def test_numpy_writes_into_a_tx_guard(pair):
    numpy = pytest.importorskip("numpy")
    near, far = pair
    with near.send_zero_copy(400) as guard:
        array = numpy.frombuffer(guard, dtype="<f4")
        array[:] = numpy.arange(100)
        with pytest.raises(BufferError):
            guard.commit()
        del array
    assert (numpy.frombuffer(far.recv(0).data, "<f4") == numpy.arange(100)).all()


def test_a_file_reads_into_a_tx_guard(pair, folder):
    near, far = pair
    with open(folder + "/file", "wb+") as file:
        file.write(b"from a file")
        file.seek(0)
        with near.send_zero_copy(100) as guard:
            guard.actual_size = file.readinto(guard)
    assert far.recv(0).data == b"from a file"


def test_one_tx_guard_at_a_time(pair):
    near, far = pair
    guard = near.send_zero_copy(10, 1)
    for call in (
        lambda: near.send(b"meanwhile", timeout=0),
        lambda: near.send(b"meanwhile", timeout=0.01),
        lambda: near.send_zero_copy(10, timeout=0),
        lambda: near.send_zero_copy(10, timeout=0.01),
    ):
        with pytest.raises(ValueError, match="open"):
            call()
    guard.commit()
    assert far.recv(0).type_id == 1
    assert_nothing_was_sent(near, far)


def test_receiving_goes_on_while_a_tx_guard_is_open(pair):
    near, far = pair
    far.send(b"other way")
    with near.send_zero_copy(10):
        assert near.recv(0).data == b"other way"


def test_an_empty_tx_guard(pair):
    near, far = pair
    with near.send_zero_copy(0, 3) as guard:
        assert len(guard) == guard.size == guard.actual_size == 0
        assert memoryview(guard).nbytes == 0
        gc.collect()
    assert far.recv(0) == tachyon.Message(3, b"")


def test_the_largest_tx_guard_is_max_message(pair):
    near, far = pair
    for turn in range(5):
        with near.send_zero_copy(near.max_message) as guard, memoryview(guard) as view:
            view[:] = bytes([turn]) * near.max_message
        assert far.recv(0).data == bytes([turn]) * near.max_message


def test_a_tx_guard_of_a_closed_bus_is_lost_and_harmless(pair):
    near, far = pair
    guard = near.send_zero_copy(10)
    view = memoryview(guard)
    near.close()
    view[:] = bytes(10)
    view.release()
    with pytest.raises(tachyon.ClosedError):
        guard.commit()
    with pytest.raises(tachyon.ClosedError):
        far.recv()


def test_leaving_the_block_of_a_closed_bus_is_a_closed_error(pair):
    near, far = pair
    with pytest.raises(tachyon.ClosedError), near.send_zero_copy(10):
        near.close()
    with pytest.raises(tachyon.ClosedError):
        far.recv()


def test_a_tx_guard_may_be_ended_in_another_thread(pair):
    near, far = pair
    guard = near.send_zero_copy(10, 5)
    in_thread(guard.commit).result()
    assert far.recv(0).type_id == 5


# --- RxGuard ---


def test_an_rx_guard_is_a_read_only_buffer_of_bytes(pair):
    near, far = pair
    near.send(b"content", 7)
    with far.recv_zero_copy() as guard:
        assert type(guard) is tachyon.RxGuard
        assert (guard.type_id, guard.data) == (7, b"content")
        assert guard.size == guard.actual_size == len(guard) == 7
        assert type(guard.data) is bytes
        with memoryview(guard) as view:
            assert view.readonly
            assert (view.format, view.itemsize, view.ndim) == ("B", 1, 1)
            assert (view.shape, view.nbytes, view.contiguous) == ((7,), 7, True)
            assert bytes(view) == b"content"
            with pytest.raises(TypeError):
                view[0] = 1
        assert bytes(guard) == b"content"


def test_an_rx_guard_refuses_to_be_written_to(pair):
    near, far = pair
    near.send(b"content")
    with far.recv_zero_copy() as guard:
        with pytest.raises((BufferError, TypeError)):
            (ctypes.c_char * 7).from_buffer(guard)
        for name in ("type_id", "size", "actual_size", "data"):
            with pytest.raises(AttributeError):
                setattr(guard, name, 1)


def test_numpy_sees_an_rx_guard_read_only(pair):
    numpy = pytest.importorskip("numpy")
    near, far = pair
    near.send(b"content")
    with far.recv_zero_copy() as guard:
        array = numpy.asarray(guard)
        assert (array.dtype, array.shape) == (numpy.uint8, (7,))
        assert not array.flags.writeable
        assert not array.flags.owndata
        with pytest.raises(ValueError):
            array[0] = 1
        with pytest.raises(ValueError):
            array.flags.writeable = True
        del array


def test_data_is_a_copy(pair):
    near, far = pair
    near.send(b"content")
    with far.recv_zero_copy() as guard:
        data = guard.data
    assert data == b"content"


def test_until_an_rx_guard_is_released_the_sender_lacks_its_space(pair):
    near, far = pair
    near.send(bytes(40_000), 1)
    with far.recv_zero_copy() as guard:
        with pytest.raises(BlockingIOError):
            near.send(bytes(40_000), 2, timeout=0)
        assert guard.type_id == 1
    near.send(bytes(40_000), 2, timeout=0)
    assert far.recv(0).type_id == 2


def give_back_by_block(guard):
    with guard:
        pass


def give_back_by_exception(guard):
    with pytest.raises(LookupError), guard:
        raise LookupError


@pytest.mark.parametrize(
    "give_back",
    [tachyon.RxGuard.release, tachyon.RxGuard.commit, give_back_by_block, give_back_by_exception],
)
def test_giving_back_lets_the_sender_go_on(give_back, pair):
    near, far = pair
    for turn in range(10):
        near.send(bytes(40_000), turn, timeout=0)
        guard = far.recv_zero_copy(0)
        assert guard.type_id == turn
        give_back(guard)


def test_a_guard_that_is_dropped_gives_its_message_back(pair):
    near, far = pair
    for turn in range(10):
        near.send(bytes(40_000), turn, timeout=0)
        assert far.recv_zero_copy(0).type_id == turn
        gc.collect()


def test_a_sender_that_waits_for_space_goes_on_when_a_guard_is_released(pair):
    near, far = pair
    near.send(bytes(40_000), 1)
    guard = far.recv_zero_copy()
    sending = in_thread(near.send, bytes(40_000), 2)
    wait_until(lambda: near.stats().sleeps)
    guard.release()
    sending.result()
    assert far.recv(0).type_id == 2


@pytest.mark.parametrize("give_back", [tachyon.RxGuard.release, tachyon.RxGuard.commit])
def test_while_a_view_lives_an_rx_guard_cannot_be_released(give_back, pair):
    near, far = pair
    near.send(b"content" + bytes(40_000))
    guard = far.recv_zero_copy()
    view = memoryview(guard)
    part = view[:7]
    view.release()

    with pytest.raises(BufferError):
        give_back(guard)

    assert bytes(part) == guard.data[:7] == b"content"
    with pytest.raises(BlockingIOError):
        near.send(bytes(40_000), timeout=0)
    part.release()
    give_back(guard)
    near.send(bytes(40_000), timeout=0)


def test_leaving_the_block_while_a_view_lives_is_a_buffer_error_and_the_guard_stays_open(pair):
    near, far = pair
    near.send(b"content")
    with pytest.raises(BufferError), far.recv_zero_copy() as guard:
        view = memoryview(guard)
    assert bytes(view) == guard.data == b"content"
    view.release()
    guard.release()


def test_after_an_exception_a_message_is_given_back_when_the_last_view_is_gone(pair):
    near, far = pair
    near.send(b"content" + bytes(40_000))
    with pytest.raises(LookupError), far.recv_zero_copy() as guard:
        view = memoryview(guard)
        raise LookupError
    assert bytes(view[:7]) == b"content"
    with pytest.raises(BlockingIOError):
        near.send(bytes(40_000), timeout=0)
    view.release()
    gc.collect()
    near.send(bytes(40_000), timeout=0)
    with pytest.raises(ValueError):
        guard.release()


@pytest.mark.parametrize("first", ["release", "commit"])
def test_a_guard_is_released_once(first, pair):
    near, far = pair
    near.send(b"content")
    guard = far.recv_zero_copy()
    getattr(guard, first)()
    for again in (
        guard.release,
        guard.commit,
        lambda: guard.data,
        lambda: memoryview(guard),
        lambda: guard.__dlpack__(),
        guard.__enter__,
    ):
        with pytest.raises(ValueError):
            again()


def test_a_guard_can_be_released_within_its_block(pair):
    near, far = pair
    near.send(b"content")
    with far.recv_zero_copy() as guard:
        guard.release()
    near.send(b"content")
    with far.recv_zero_copy() as guard:
        guard.commit()


@pytest.mark.parametrize(
    "order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1), (1, 2, 3, 0)]
)
def test_guards_are_released_in_any_order(order, pair):
    near, far = pair
    for turn in range(5):
        for index in range(4):
            near.send(bytes([turn, index]) * 7000, index, timeout=0)
        with pytest.raises(BlockingIOError):
            near.send(bytes(14_000), timeout=0)
        guards = {index: far.recv_zero_copy(0) for index in range(4)}
        for index in order:
            for other, guard in guards.items():
                assert guard.type_id == other
                assert guard.data == bytes([turn, other]) * 7000
            guards.pop(index).release()


def test_space_comes_back_up_to_the_oldest_guard_held(pair):
    near, far = pair
    for index in range(4):
        near.send(bytes(14_000), index)
    first, second, third, fourth = (far.recv_zero_copy(0) for _ in range(4))
    second.release()
    third.release()
    with pytest.raises(BlockingIOError):
        near.send(bytes(14_000), timeout=0)
    first.release()
    for _ in range(3):
        near.send(bytes(14_000), timeout=0)
    with pytest.raises(BlockingIOError):
        near.send(bytes(14_000), timeout=0)
    fourth.release()
    near.send(bytes(14_000), timeout=0)


def test_recv_goes_on_while_guards_are_held(pair):
    near, far = pair
    near.send(b"held")
    guard = far.recv_zero_copy()
    for turn in range(10):
        near.send(b"copied %d" % turn)
        assert far.recv(0).data == b"copied %d" % turn
    # What was copied is not given back past what is held.
    with pytest.raises(BlockingIOError):
        for _ in range(100):
            near.send(bytes(1000), timeout=0)
            far.recv(0)
    assert guard.data == b"held"
    guard.release()
    for _ in range(10):
        near.send(bytes(30_000), timeout=0)
        far.recv(0)


def test_a_guard_of_a_closed_bus_stays_valid(pair):
    near, far = pair
    near.send(b"content")
    guard = far.recv_zero_copy()
    view = memoryview(guard)
    far.close()
    near.close()
    assert bytes(view) == guard.data == b"content"
    other = memoryview(guard)
    assert bytes(other) == b"content"
    other.release()
    view.release()
    guard.release()


def test_a_guard_of_a_peer_that_died_stays_valid(path, peer):
    child = peer(
        "import sys, tachyon; b = tachyon.Bus.listen(sys.argv[1]); b.send(b'up' * 9000); input()",
        path,
    )
    bus = tachyon.Bus.connect(path, timeout=PATIENCE)
    guard = bus.recv_zero_copy()
    child.kill()
    with pytest.raises(ConnectionResetError):
        bus.recv()
    assert bytes(guard) == b"up" * 9000
    bus.close()
    assert bytes(guard) == b"up" * 9000


def test_an_empty_message_in_place(pair):
    near, far = pair
    near.send(b"", 4)
    with far.recv_zero_copy() as guard:
        assert (guard.type_id, guard.size, guard.data, bytes(guard)) == (4, 0, b"", b"")


def test_an_rx_guard_may_be_released_in_another_thread(pair):
    near, far = pair
    near.send(bytes(40_000))
    in_thread(far.recv_zero_copy().release).result()
    near.send(bytes(40_000), timeout=0)


# --- what keeps memory, in any order of its end ---


def test_views_outlive_guards_and_buses_in_any_order():
    assert (
        run_program(
            """
        import gc, itertools, os, tempfile, tachyon
        from support import in_thread

        folder = tempfile.mkdtemp(prefix="tachyon-")
        path = folder + "/bus"

        def made():
            listening = in_thread(tachyon.Bus.listen, path)
            near = tachyon.Bus.connect(path)
            far = listening.result()
            near.send(b"first" * 2000, 1)
            near.send(b"second" * 20, 2)
            near.send(b"third", 3)
            guard = far.recv_zero_copy()
            batch = far.drain_batch()
            room = near.send_zero_copy(500)
            return {
                "near": near, "far": far, "guard": guard, "batch": batch, "element": batch[0],
                "view": memoryview(guard), "slice": memoryview(guard)[5:10],
                "batch view": memoryview(batch[1]), "room": room, "space": memoryview(room),
                "iterator": iter(far),
            }

        def check(held):
            if "guard" in held:
                assert held["guard"].data == b"first" * 2000
            if "view" in held:
                assert bytes(held["view"]) == b"first" * 2000
            if "slice" in held:
                assert bytes(held["slice"]) == b"first"
            if "element" in held:
                assert held["element"].data == b"second" * 20
            if "batch view" in held:
                assert bytes(held["batch view"]) == b"third"
            if "space" in held:
                held["space"][:] = b"x" * 500
                assert bytes(held["space"]) == b"x" * 500

        import random
        chance = random.Random(5)
        names = list(made())
        orders = [names, names[::-1]] + [chance.sample(names, len(names)) for _ in range(60)]
        for index, order in enumerate(orders):
            held = made()
            if index % 3 == 1:
                held["far"].close()
            if index % 3 == 2:
                held["near"].close()
                held["far"].close()
            for name in order:
                check(held)
                del held[name]
                if index % 2:
                    gc.collect()
            gc.collect()
        os.remove(path + ".lock")
        os.rmdir(folder)
        with open("/proc/self/maps") as maps:
            print("left:", sum("memfd:" in line for line in maps))
        """
        )
        == "left: 0\n"
    )


def test_a_bus_its_guard_and_its_view_end_in_every_order():
    assert (
        run_program(
            """
        import gc, itertools, os, tempfile, tachyon
        from support import in_thread

        with tempfile.TemporaryDirectory(prefix="tachyon-") as folder:
            for order in itertools.permutations(("bus", "guard", "view")):
                for is_closed in (False, True):
                    listening = in_thread(tachyon.Bus.listen, folder + "/bus")
                    near = tachyon.Bus.connect(folder + "/bus")
                    held = {"bus": listening.result()}
                    del listening
                    near.send(b"content" * 1000)
                    held["guard"] = held["bus"].recv_zero_copy()
                    held["view"] = memoryview(held["guard"])
                    if is_closed:
                        held["bus"].close()
                    for name in order:
                        del held[name]
                        gc.collect()
                        if "view" in held:
                            assert bytes(held["view"]) == b"content" * 1000
                        if "guard" in held:
                            assert held["guard"].data == b"content" * 1000
                    near.close()
        print("good")
        """
        )
        == "good\n"
    )


def test_reference_cycles_through_guards_are_no_trouble(pair):
    near, far = pair

    class Knot(list):
        pass

    near.send(b"content")
    knot = Knot()
    knot.extend((knot, far.recv_zero_copy(), near.send_zero_copy(10), near, far))
    knot.append(memoryview(knot[1]))
    knot.append(memoryview(knot[2]))
    del knot
    gc.collect()
    near.send(b"content")
    assert far.recv(0).data == b"content"


def test_cycles_through_a_derived_bus_are_collected(path):
    class MyBus(tachyon.Bus):
        pass

    listening = in_thread(tachyon.Bus.listen, path, timeout=PATIENCE)
    near = MyBus.connect(path)
    far = listening.result()
    far.send(b"content")
    near.itself = near
    near.guard = near.recv_zero_copy()
    near.room = near.send_zero_copy(10)
    near.view = memoryview(near.guard)
    del near
    gc.collect()
    with pytest.raises(tachyon.ClosedError):
        far.recv(PATIENCE)
    far.close()


def test_torch_tensors_outlive_guard_and_bus():
    needs("torch")
    assert (
        run_program(
            """
        import gc, os, tempfile, torch, tachyon
        from support import in_thread

        with tempfile.TemporaryDirectory(prefix="tachyon-") as folder:
            listening = in_thread(tachyon.Bus.listen, folder + "/bus")
            near = tachyon.Bus.connect(folder + "/bus")
            far = listening.result()
            del listening
        tensors = []
        for size in (16, 5000, 30000):
            near.send(bytes([size % 251]) * size)
            tensors.append(torch.from_dlpack(far.recv_zero_copy()))
        near.close()
        del near
        gc.collect()
        far.close()
        del far
        gc.collect()
        for size, tensor in zip((16, 5000, 30000), tensors):
            assert tensor.shape == (size,)
            assert (tensor == size % 251).all()
            tensor.fill_(7)
            assert (tensor == 7).all()
        part = tensors[1][10:20]
        del tensors, tensor
        gc.collect()
        assert part.tolist() == [7] * 10
        del part
        gc.collect()
        with open("/proc/self/maps") as maps:
            print("left:", sum("memfd:" in line for line in maps))
        """
        )
        == "left: 0\n"
    )
