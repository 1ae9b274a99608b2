# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Subscriber: frames from a publisher."""

import errno
import gc
import os
import select
import signal
import threading

import pytest
import tachyon
from media import CAPS, SIZE, pattern, wait_until_error, wait_until_subscribers
from support import PATIENCE, in_thread, run_program, wait_until, wait_until_asleep

PUBLISH = """
    import sys, tachyon
    publisher = tachyon.Publisher(sys.argv[1], "video/x-raw, format=GRAY8, width=64, height=48",
                                  max_buffers=1000)
    publisher.wait_for_subscribers(timeout=20)
    for number in range(int(sys.argv[2])):
        publisher.send(bytes([number]) * 64 * 48, pts=number, timeout=20)
    print("sent", flush=True)
    input()
"""


# --- connecting ---


def test_a_subscriber_waits_for_the_publisher_to_appear(path):
    waiting = in_thread(tachyon.Subscriber, path, timeout=PATIENCE)
    wait_until_asleep(waiting.thread_id)

    with tachyon.Publisher(path, CAPS) as publisher:
        with waiting.result(PATIENCE) as subscriber:
            publisher.send(pattern(SIZE))
            assert subscriber.recv(PATIENCE).data == pattern(SIZE)


def test_nobody_there_is_a_timeout(path):
    with pytest.raises(TimeoutError) as raised:
        tachyon.Subscriber(path, timeout=0.02)
    assert path in str(raised.value)
    with pytest.raises(BlockingIOError):
        tachyon.Subscriber(path, timeout=0)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
def test_a_timeout_that_is_none_is_refused(publish, subscribe, path, timeout):
    with pytest.raises((ValueError, TypeError)):
        tachyon.Subscriber(path, timeout=timeout)
    publish()
    subscriber = subscribe()
    for call in (subscriber.recv, subscriber.receive, subscriber.connect):
        with pytest.raises((ValueError, TypeError)):
            call(timeout)


@pytest.mark.parametrize(
    "options",
    [
        {"spin": -1},
        {"spin": 2**32},
        {"ring_size": -1},
        {"ring_size": 2**64},
        {"max_bytes": -1},
        {"max_bytes": 2**64},
        {"unknown": 1},
    ],
)
def test_an_option_out_of_range_is_refused(publish, path, options):
    publish()
    with pytest.raises((ValueError, OverflowError, TypeError, OSError)):
        tachyon.Subscriber(path, timeout=PATIENCE, **options)


def test_a_connection_of_another_kind_is_refused(path):
    listening = in_thread(tachyon.Bus.listen, path, timeout=1)
    with pytest.raises(OSError) as raised:
        tachyon.Subscriber(path, timeout=PATIENCE)
    assert raised.value.errno in (errno.EPROTONOSUPPORT, errno.EPIPE)
    assert listening.exception(PATIENCE)


def test_control_c_ends_connecting(peer, path):
    program = peer(
        """
        import sys, threading, tachyon
        print(threading.get_native_id(), flush=True)
        try:
            tachyon.Subscriber(sys.argv[1], timeout=None)
        except KeyboardInterrupt:
            print("interrupted")
        """,
        path,
    )
    thread_id = int(program.line())
    wait_until_asleep(thread_id, program.pid)
    os.kill(program.pid, signal.SIGINT)

    assert program.finish().strip() == "interrupted"


def test_connect_again_after_the_publisher_closed(path, subscribe):
    first = tachyon.Publisher(path, CAPS)
    subscriber = subscribe()
    first.close()
    with pytest.raises(tachyon.ClosedError):
        subscriber.recv(PATIENCE)

    with pytest.raises(TimeoutError):
        subscriber.connect(0.02)
    with tachyon.Publisher(path, "x/y") as second:
        subscriber.connect(timeout=PATIENCE)
        second.send(b"hello", pts=1)
        assert subscriber.recv(PATIENCE).data == b"hello"
        assert str(subscriber.caps) == "x/y"
        assert subscriber.end is None
        assert subscriber.stats().connects == 2


def test_connect_leaves_the_connection_there_was(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE, 1))
    held = subscriber.recv(PATIENCE)
    view = memoryview(held)
    publisher.send(pattern(SIZE, 2))

    subscriber.connect(PATIENCE)

    wait_until_subscribers(publisher, 1)
    assert [notice.kind for notice in publisher.notices()].count("joined") == 2
    publisher.send(pattern(SIZE, 3))
    assert subscriber.recv(PATIENCE).data == pattern(SIZE, 3)
    assert view.tobytes() == pattern(SIZE, 1)


def test_connect_forgets_the_state_of_the_publisher_before(path, subscribe):
    with tachyon.Publisher(path, CAPS) as first:
        first.layout = tachyon.Layout(64, 48, (0,), (64,))
        first.clock = tachyon.Clock(1, 2)
        subscriber = subscribe()
        first.send(pattern(SIZE))
        subscriber.recv(PATIENCE)
    with tachyon.Publisher(path) as second:
        subscriber.connect(PATIENCE)
        second.send(b"x")
        frame = subscriber.recv(PATIENCE)

        assert (frame.caps, frame.layout) == (None, None)
        assert (subscriber.caps, subscriber.layout, subscriber.clock) == (None, None, None)


# --- receiving ---


def test_receive_gives_state_and_frames_in_order(publish, subscribe):
    publisher = publish(CAPS)
    publisher.clock = tachyon.Clock(1, 2)
    publisher.layout = tachyon.Layout(64, 48, (0,), (64,))
    publisher.send_event(5, b"event", sticky=True, order=60)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    publisher.send_eos()

    kinds = [type(subscriber.receive(PATIENCE)) for _ in range(6)]
    assert kinds == [
        tachyon.Clock,
        tachyon.Caps,
        tachyon.Layout,
        tachyon.Event,
        tachyon.Frame,
        tachyon.Eos,
    ]


def test_recv_takes_note_of_the_state_before_the_frame(publish, subscribe):
    publisher = publish(CAPS)
    publisher.clock = tachyon.Clock(1, 2)
    publisher.layout = tachyon.Layout(64, 48, (0,), (64,))
    publisher.send_event(5)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))

    frame = subscriber.recv(PATIENCE)

    assert str(subscriber.caps) == str(frame.caps) == CAPS
    assert subscriber.layout == frame.layout == (64, 48, (0,), (64,))
    assert subscriber.clock == (1, 2)


def test_a_frame_keeps_the_caps_it_came_with(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    publisher.caps = "video/x-raw, format=RGB, width=4, height=4, framerate=30/1"
    publisher.send(pattern(48))

    first = subscriber.recv(PATIENCE)
    subscriber.recv(PATIENCE)

    assert str(first.caps) == CAPS
    assert memoryview(first).shape[:2] == (48, 64)


def test_nothing_there_is_refused_or_a_timeout(publish, subscribe):
    publish(CAPS)
    subscriber = subscribe()

    for call in (subscriber.recv, subscriber.receive):
        wait_until_error(lambda call=call: call(0), BlockingIOError)
        with pytest.raises(TimeoutError):
            call(0.02)
        with pytest.raises(TimeoutError):
            call(timeout=0.02)


def test_recv_waits_for_a_frame(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    waiting = in_thread(subscriber.recv)
    wait_until_asleep(waiting.thread_id)
    publisher.clock = tachyon.Clock(1, 2)
    publisher.send(pattern(SIZE))

    assert waiting.result(PATIENCE).data == pattern(SIZE)


def test_state_does_not_make_recv_wait_longer_than_its_timeout(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    done = threading.Event()

    def talk():
        while not done.is_set():
            publisher.send_event(1)
            done.wait(0.005)

    talking = in_thread(talk)
    with pytest.raises(TimeoutError):
        subscriber.recv(0.1)
    done.set()
    talking.result(PATIENCE)


def test_the_end_of_the_stream_is_an_eof_error(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    publisher.send_eos()

    assert subscriber.end is None
    subscriber.recv(PATIENCE)
    with pytest.raises(EOFError):
        subscriber.recv(PATIENCE)
    assert subscriber.end == "eos"
    assert not subscriber.closed


def test_after_the_end_of_the_stream_comes_the_end_of_the_connection(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send_eos()
    publisher.close()

    with pytest.raises(EOFError):
        subscriber.recv(PATIENCE)
    with pytest.raises((EOFError, tachyon.ClosedError)):
        subscriber.recv(PATIENCE)
    assert list(subscriber) == []


def test_iteration_ends_at_the_end_of_the_stream(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    for number in range(5):
        publisher.send(pattern(SIZE), pts=number)
    publisher.send_eos()

    assert [frame.pts for frame in subscriber] == list(range(5))
    assert subscriber.end == "eos"


def test_iteration_ends_when_the_publisher_closes(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    for number in range(5):
        publisher.send(pattern(SIZE), pts=number)
    publisher.close()

    assert [frame.pts for frame in subscriber] == list(range(5))
    assert subscriber.end == "closed"
    with pytest.raises(tachyon.ClosedError):
        subscriber.recv(PATIENCE)


def test_a_publisher_that_died_is_a_connection_reset_after_its_frames(peer, subscribe, path):
    program = peer(PUBLISH, path, "9")
    subscriber = subscribe()
    assert program.line() == "sent"
    program.kill()

    seen = []
    with pytest.raises(ConnectionResetError):
        for frame in subscriber:
            seen.append((frame.pts, frame.data))
    assert seen == [(number, bytes([number]) * SIZE) for number in range(9)]
    assert subscriber.end == "died"
    with pytest.raises(ConnectionResetError):
        subscriber.recv(PATIENCE)
    with pytest.raises(ConnectionResetError):
        subscriber.receive(PATIENCE)


def test_a_publisher_that_dies_wakes_who_waits(peer, subscribe, path):
    program = peer(PUBLISH, path, "1")
    subscriber = subscribe()
    subscriber.recv(PATIENCE)
    waiting = in_thread(subscriber.recv)
    wait_until_asleep(waiting.thread_id)
    program.kill()

    assert isinstance(waiting.exception(PATIENCE), ConnectionResetError)


def test_a_publisher_that_ends_without_closing_closes_in_order(peer, subscribe, path):
    program = peer(PUBLISH, path, "3")
    subscriber = subscribe()
    assert program.line() == "sent"
    # The interpreter's end drops the publisher.
    program.tell()
    program.finish()

    assert [frame.pts for frame in subscriber] == [0, 1, 2]


def test_iteration_can_go_on_after_a_break(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    for number in range(5):
        publisher.send(pattern(SIZE), pts=number)
    publisher.send_eos()

    for frame in subscriber:
        if frame.pts == 1:
            break
    assert [frame.pts for frame in subscriber] == [2, 3, 4]


def test_latest_only_skips_to_the_newest(publish, subscribe):
    publisher = publish(CAPS, max_buffers=100)
    subscriber = subscribe(latest_only=True)
    for number in range(10):
        publisher.send(pattern(SIZE, number), pts=number)

    with subscriber.recv(PATIENCE) as frame:
        assert (frame.pts, frame.data) == (9, pattern(SIZE, 9))
        assert frame.after_drop
    assert subscriber.stats().dropped == 9
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)
    # Those skipped were given back.
    wait_until(lambda: publisher.stats().blocks_free == publisher.stats().blocks)


def test_latest_only_skips_no_state(publish, subscribe):
    publisher = publish(CAPS, max_buffers=100)
    subscriber = subscribe(latest_only=True)
    publisher.send(pattern(SIZE), pts=0)
    publisher.caps = "x/y"
    publisher.send(pattern(SIZE), pts=1)
    publisher.send_event(5, b"event")
    publisher.send(pattern(SIZE), pts=2)
    publisher.send_eos()

    seen = []
    while not seen or not isinstance(seen[-1], tachyon.Eos):
        seen.append(subscriber.receive(PATIENCE))
    assert [str(item) for item in seen if isinstance(item, tachyon.Caps)][-1] == "x/y"
    assert tachyon.Event(5, b"event") in seen
    assert [frame.pts for frame in seen if isinstance(frame, tachyon.Frame)][-1] == 2


def test_threads_take_turns_and_each_frame_comes_once(publish, subscribe):
    publisher = publish(CAPS, max_buffers=16)
    subscriber = subscribe()
    count = 400

    def receive():
        seen = []
        try:
            while True:
                with subscriber.recv(PATIENCE) as frame:
                    assert frame.data == pattern(SIZE, frame.pts)
                    seen.append(frame.pts)
        except tachyon.ClosedError:
            return seen

    receiving = [in_thread(receive) for _ in range(4)]
    for number in range(count):
        publisher.send(pattern(SIZE, number), pts=number, timeout=PATIENCE)
    publisher.close()

    seen = [thread.result(PATIENCE) for thread in receiving]
    assert sorted(sum(seen, [])) == list(range(count))
    assert all(numbers == sorted(numbers) for numbers in seen)


def test_a_thread_that_waits_its_turn_does_so_with_its_timeout(publish, subscribe):
    publish(CAPS)
    subscriber = subscribe()
    first = in_thread(subscriber.recv)
    wait_until_asleep(first.thread_id)

    with pytest.raises(TimeoutError):
        subscriber.recv(0.02)
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)
    assert not first.done()
    subscriber.close()
    assert isinstance(first.exception(PATIENCE), tachyon.ClosedError)


def test_a_payload_above_max_bytes_is_refused(publish, subscribe):
    publisher = publish()
    subscriber = subscribe(max_bytes=1 << 20)
    publisher.send(bytes(8 << 20), timeout=PATIENCE)

    with pytest.raises(OSError) as raised:
        subscriber.recv(PATIENCE)
    assert raised.value.errno == errno.EMSGSIZE


def test_the_ring_size_bounds_how_many_frames_can_be_held(publish, subscribe):
    publisher = publish(max_buffers=1000)
    subscriber = subscribe(ring_size=4096)
    held = []
    with pytest.raises((BlockingIOError, TimeoutError)):
        for number in range(1000):
            publisher.send(pattern(SIZE, number), timeout=0.2)
            held.append(subscriber.recv(PATIENCE))

    assert 1 <= len(held) <= 4096 // 128
    assert subscriber.stats().held == len(held)
    assert [frame.data for frame in held] == [pattern(SIZE, number) for number in range(len(held))]


# --- speaking back ---


def test_an_event_reaches_the_publisher(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    subscriber.send_event(2**32 - 1, bytearray(b"data"))
    subscriber.send_event(7)

    events = []

    def both():
        events.extend(notice.event for notice in publisher.notices() if notice.kind == "event")
        return len(events) == 2

    wait_until(both)
    assert events == [tachyon.Event(2**32 - 1, b"data"), tachyon.Event(7, b"")]


def test_an_event_above_4_kib_is_too_big(publish, subscribe):
    publish()
    subscriber = subscribe()
    subscriber.send_event(1, bytes(4096))

    with pytest.raises(OSError) as raised:
        subscriber.send_event(1, bytes(4097))
    assert raised.value.errno == errno.EMSGSIZE
    assert "4097" in str(raised.value) and "4096" in str(raised.value)


@pytest.mark.parametrize("type", [-1, 2**32, 1.5, "1"])
def test_an_event_type_that_is_none_is_refused(publish, subscribe, type):
    publish()
    with pytest.raises((ValueError, OverflowError, TypeError)):
        subscribe().send_event(type)


def test_events_without_end_find_no_room_and_do_no_harm(peer, subscribe, path):
    program = peer(PUBLISH, path, "1")
    subscriber = subscribe()
    assert program.line() == "sent"
    os.kill(program.pid, signal.SIGSTOP)
    try:
        with pytest.raises(BlockingIOError):
            for _ in range(10_000):
                subscriber.send_event(1, bytes(4000))
    finally:
        os.kill(program.pid, signal.SIGCONT)
    assert subscriber.recv(PATIENCE).pts == 0


@pytest.mark.parametrize("blocks", [-1, 2**32, 1.5, "1"])
def test_a_need_that_is_none_is_refused(publish, subscribe, blocks):
    publish()
    with pytest.raises((ValueError, OverflowError, TypeError)):
        subscribe().set_need(blocks)


def test_the_need_is_kept_over_a_reconnect(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    subscriber.set_need(9)
    wait_until(lambda: publisher.need == 9)
    subscriber.connect(PATIENCE)
    wait_until(lambda: publisher.need == 9)


# --- figures, descriptors ---


def test_the_figures_add_up(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(b"short")
    publisher.send(pattern(SIZE))
    first, second = subscriber.recv(PATIENCE), subscriber.recv(PATIENCE)

    figures = subscriber.stats()
    assert isinstance(figures, tachyon.SubscriberStats)
    assert figures.peer_pid == os.getpid()
    assert (figures.frames, figures.bytes, figures.copied) == (2, SIZE + 5, 1)
    assert (figures.dropped, figures.connects) == (0, 1)
    assert figures.mapped_bytes >= SIZE
    assert figures.sleeps >= 0
    assert len(figures) == 9
    assert figures.held >= 1

    first.release()
    second.release()
    assert subscriber.stats().held == 0


def test_fileno_can_be_polled_between_prepare_and_dispatch(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    poll = select.poll()
    poll.register(subscriber.fileno(), select.POLLIN)

    assert subscriber.prepare() is False
    assert poll.poll(20) == []
    subscriber.dispatch()

    assert subscriber.prepare() is False
    publisher.send(b"hello")
    assert poll.poll(PATIENCE * 1000) == [(subscriber.fileno(), select.POLLIN)]
    subscriber.dispatch()
    assert subscriber.recv(0).data == b"hello"


def test_prepare_tells_that_recv_would_not_wait(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(b"hello")

    assert subscriber.prepare() is True
    subscriber.dispatch()
    assert subscriber.recv(0).data == b"hello"


def test_fileno_becomes_readable_when_the_publisher_closes(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    poll = select.poll()
    poll.register(subscriber.fileno(), select.POLLIN)
    assert subscriber.prepare() is False
    publisher.close()

    assert poll.poll(PATIENCE * 1000)
    subscriber.dispatch()
    with pytest.raises(tachyon.ClosedError):
        subscriber.recv(0)


# --- closing ---


def test_closing_tells_the_publisher(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    assert not subscriber.closed
    subscriber.close()
    subscriber.close()

    assert subscriber.closed
    wait_until_subscribers(publisher, 0)


def test_the_with_statement_closes(publish, path):
    publisher = publish(CAPS)
    with tachyon.Subscriber(path) as subscriber:
        assert isinstance(subscriber, tachyon.Subscriber)
        assert publisher.send(pattern(SIZE)) == 1

    assert subscriber.closed
    wait_until_subscribers(publisher, 0)


def test_dropping_a_subscriber_closes_it(publish, path):
    publisher = publish()
    subscriber = tachyon.Subscriber(path)
    del subscriber
    gc.collect()

    wait_until_subscribers(publisher, 0)


def test_a_subscriber_in_a_cycle_is_collected(publish, path):
    class Reader(tachyon.Subscriber):
        pass

    publisher = publish(CAPS)
    reader = Reader(path)
    reader.itself = reader
    publisher.send(pattern(SIZE))
    reader.frame = reader.recv(PATIENCE)
    reader.view = memoryview(reader.frame)
    del reader
    gc.collect()

    wait_until_subscribers(publisher, 0)


def test_a_closed_subscriber_refuses(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    subscriber.close()

    for call in (
        subscriber.recv,
        subscriber.receive,
        subscriber.connect,
        lambda: subscriber.send_event(1),
        lambda: subscriber.set_need(1),
        lambda: subscriber.prepare(),
        lambda: subscriber.dispatch(),
        lambda: next(iter(subscriber)),
    ):
        with pytest.raises(tachyon.ClosedError):
            call()


def test_looking_at_a_closed_subscriber_does_no_harm(publish, subscribe):
    publish(CAPS)
    subscriber = subscribe()
    subscriber.close()

    for look in (
        lambda: subscriber.caps,
        lambda: subscriber.layout,
        lambda: subscriber.clock,
        lambda: subscriber.end,
        subscriber.stats,
        subscriber.fileno,
        lambda: repr(subscriber),
    ):
        try:
            look()
        except (tachyon.ClosedError, ValueError):
            pass


@pytest.mark.parametrize("what", ["recv", "receive", "next"])
def test_close_ends_calls_of_other_threads(publish, subscribe, what):
    publish()
    subscriber = subscribe()
    calls = {
        "recv": subscriber.recv,
        "receive": subscriber.receive,
        "next": lambda: next(iter(subscriber)),
    }
    waiting = [in_thread(calls[what])]
    wait_until_asleep(waiting[0].thread_id)
    waiting += [in_thread(calls[what]) for _ in range(2)]

    subscriber.close()

    for thread in waiting:
        assert isinstance(thread.exception(PATIENCE), (tachyon.ClosedError, StopIteration))


def test_close_ends_connecting(publish, subscribe, path):
    publisher = publish()
    subscriber = subscribe()
    publisher.close()
    waiting = in_thread(subscriber.connect, None)
    wait_until_asleep(waiting.thread_id)

    subscriber.close()

    assert isinstance(waiting.exception(PATIENCE), tachyon.ClosedError)


def test_close_races_with_recv(publish, path):
    publisher = publish(CAPS, policy="drop")
    done = threading.Event()

    def send():
        while not done.is_set():
            publisher.send(pattern(SIZE))

    sending = in_thread(send)
    try:
        for _ in range(50):
            subscriber = tachyon.Subscriber(path, timeout=PATIENCE)

            seen = threading.Event()

            def receive(subscriber=subscriber, seen=seen):
                while True:
                    frame = subscriber.recv()
                    view = memoryview(frame)
                    assert view.nbytes == SIZE
                    seen.set()

            receiving = [in_thread(receive) for _ in range(2)]
            seen.wait(PATIENCE)
            subscriber.close()
            for thread in receiving:
                assert isinstance(thread.exception(PATIENCE), tachyon.ClosedError)
    finally:
        done.set()
        sending.result(PATIENCE)


def test_control_c_ends_recv(publish, peer, path):
    publish()
    program = peer(
        """
        import sys, threading, tachyon
        subscriber = tachyon.Subscriber(sys.argv[1], timeout=20)
        print(threading.get_native_id(), flush=True)
        try:
            for frame in subscriber:
                pass
        except KeyboardInterrupt:
            print("interrupted", subscriber.closed)
        """,
        path,
    )
    thread_id = int(program.line())
    wait_until_asleep(thread_id, program.pid)
    os.kill(program.pid, signal.SIGINT)

    assert program.finish().split() == ["interrupted", "False"]


def test_nothing_is_lost_when_a_wait_is_interrupted(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()

    class InterruptError(Exception):
        pass

    def interrupt(*_):
        raise InterruptError

    def interrupt_then_send(number):
        wait_until_asleep(threading.main_thread().native_id)
        os.kill(os.getpid(), signal.SIGUSR1)
        interrupted.wait(PATIENCE)
        publisher.send(pattern(SIZE, number), pts=number, timeout=PATIENCE)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        for number in range(8):
            interrupted = threading.Event()
            sending = in_thread(interrupt_then_send, number)
            with pytest.raises(InterruptError):
                subscriber.recv(PATIENCE)
            interrupted.set()
            with subscriber.recv(PATIENCE) as frame:
                assert (frame.pts, frame.data) == (number, pattern(SIZE, number))
            sending.result(PATIENCE)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.forks_beside_a_thread
def test_a_forked_child_is_refused_and_leaves_the_parent_alone(path):
    run_program(
        """
        import os, sys, tachyon
        publisher = tachyon.Publisher(sys.argv[1])
        subscriber = tachyon.Subscriber(sys.argv[1])
        publisher.send(b"1" * 1000)
        frame = subscriber.recv()
        publisher.send(b"2" * 1000)
        child = os.fork()
        if child == 0:
            refused = 0
            for call in (
                lambda: subscriber.recv(1),
                lambda: subscriber.receive(1),
                lambda: next(iter(subscriber)),
                lambda: subscriber.connect(1),
                lambda: subscriber.send_event(1),
            ):
                try:
                    call()
                except ChildProcessError:
                    refused += 1
            del frame
            subscriber.close()
            os._exit(0 if refused == 5 else 1 + refused)
        assert os.waitpid(child, 0)[1] == 0
        assert bytes(frame) == b"1" * 1000
        assert subscriber.recv(5).data == b"2" * 1000
        assert publisher.send(b"3") == 1
        assert subscriber.recv(5).data == b"3"
        """,
        path,
    )


def test_many_connects_and_frames_leave_nothing_behind(path):
    run_program(
        """
        import gc, os, sys, time, tachyon

        def held():
            # The publisher's thread says goodbye to the last one when it gets to run.
            while publisher.subscribers > 0:
                time.sleep(0.001)
            with open("/proc/self/maps") as maps, open("/proc/self/statm") as statm:
                return (len(os.listdir("/proc/self/fd")), len(maps.readlines()),
                        int(statm.read().split()[1]) * 4096)

        def connect(times):
            for number in range(times):
                with tachyon.Subscriber(sys.argv[1]) as subscriber:
                    if number % 10 == 0:
                        publisher.send(b"x" * 5000)
                        frame = subscriber.recv()
                        view = memoryview(frame)
                if number % 100 == 0:
                    publisher.notices()

        def send(times):
            with tachyon.Subscriber(sys.argv[1]) as subscriber:
                for number in range(times):
                    publisher.send(data[number % 2], pts=number, records=[(64, b"x" * 40)])
                    frame = subscriber.recv()
                    assert frame.pts == number and frame.records
                    assert bytes(memoryview(frame))
                    publisher.acquire(5000).release()

        data = [b"x" * 100, b"x" * 5000]
        publisher = tachyon.Publisher(sys.argv[1], "video/x-raw, format=GRAY8, width=8, height=8")
        connect(200)
        send(2000)
        gc.collect()
        before = held()
        connect(2000)
        send(20000)
        gc.collect()
        after = held()
        print(before, after)
        assert after[0] <= before[0] + 2, (before, after)
        assert after[1] <= before[1] + 8, (before, after)
        with open("/proc/self/maps") as maps:
            # A sanitizer keeps freed memory for a while.
            room = 256 << 20 if "libasan" in maps.read() else 2 << 20
        assert after[2] <= before[2] + room, (before, after)
        """,
        path,
        seconds=120,
    )
