# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Publisher: sending, opening and closing."""

import errno
import gc
import os
import signal
import stat
import threading

import pytest
import tachyon
from media import CAPS, RECORD_USER, SIZE, TIME_NONE, address_of, pattern
from support import PATIENCE, in_thread, run_program, wait_until_asleep


def fill(publisher, **options):
    """Send until there is no room; returns how many frames went."""
    count = 0
    try:
        while True:
            publisher.send(pattern(SIZE, count), timeout=0, **options)
            count += 1
    except BlockingIOError:
        return count


# --- sending ---


def test_send_without_a_subscriber_goes_to_nobody(publish):
    publisher = publish(CAPS)

    assert publisher.subscribers == 0
    assert publisher.send(pattern(SIZE)) == 0
    assert publisher.stats().frames == 0


def test_send_returns_how_many_subscribers_got_it(publish, subscribe):
    publisher = publish(CAPS)
    first = subscribe()
    assert publisher.send(pattern(SIZE, 1)) == 1
    second = subscribe()

    assert publisher.send(pattern(SIZE, 2)) == 2
    assert [frame.data for frame in (first.recv(), first.recv(), second.recv())] == [
        pattern(SIZE, 1),
        pattern(SIZE, 2),
        pattern(SIZE, 2),
    ]


def test_send_copies(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    data = bytearray(pattern(SIZE))

    publisher.send(data)
    data[:] = bytes(SIZE)

    assert subscriber.recv().data == pattern(SIZE)


@pytest.mark.parametrize("size", [0, 1, 48, 49, 255, 256, 257, 4096, 4097, 100_000, 3_110_400])
def test_a_payload_of_any_size_arrives_whole(publish, subscribe, size):
    publisher = publish()
    subscriber = subscribe()

    assert publisher.send(pattern(size)) == 1

    with subscriber.recv(PATIENCE) as frame:
        assert frame.size == size
        assert frame.data == pattern(size)


def test_what_travels_with_a_frame_arrives(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()

    publisher.send(
        pattern(SIZE), pts=11, dts=12, duration=13, offset=14, offset_end=15, flags=1 << 6 | 1 << 20
    )

    frame = subscriber.recv()
    assert (frame.pts, frame.dts, frame.duration) == (11, 12, 13)
    assert (frame.offset, frame.offset_end) == (14, 15)
    assert frame.flags == 1 << 6 | 1 << 20


@pytest.mark.parametrize("size", [100, SIZE])
def test_what_does_not_travel_with_a_frame_is_none(publish, subscribe, size):
    publisher = publish()
    subscriber = subscribe()

    publisher.send(pattern(size))

    frame = subscriber.recv()
    assert (frame.pts, frame.dts, frame.duration) == (None, None, None)
    assert (frame.offset, frame.offset_end) == (None, None)
    assert frame.flags == 0
    assert frame.records == ()
    assert frame.caps is None
    assert frame.layout is None


@pytest.mark.parametrize("size", [100, SIZE])
@pytest.mark.parametrize("moment", [0, 1, 2**32, 2**63, TIME_NONE - 1])
def test_times_have_64_bits(publish, subscribe, size, moment):
    publisher = publish()
    subscriber = subscribe()

    publisher.send(pattern(size), pts=moment, dts=moment, duration=moment)
    publisher.send(pattern(size), offset=moment, offset_end=moment)

    timed, placed = subscriber.recv(), subscriber.recv()
    assert (timed.pts, timed.dts, timed.duration) == (moment, moment, moment)
    assert (placed.offset, placed.offset_end) == (moment, moment)


@pytest.mark.parametrize("name", ["pts", "dts", "duration", "offset", "offset_end", "flags"])
@pytest.mark.parametrize(
    "value, error",
    [(-1, (ValueError, OverflowError)), (2**64, OverflowError), (2**200, OverflowError),
     (1.5, TypeError), ("1", TypeError)],
)
def test_a_number_that_is_none_is_refused(publish, subscribe, name, value, error):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(error):
        publisher.send(b"x", **{name: value})

    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_a_time_that_means_none_in_c_is_not_lost_silently(publish, subscribe):
    publisher = publish()
    subscribe()

    with pytest.raises((ValueError, OverflowError)):
        publisher.send(b"x", pts=TIME_NONE)


def test_flags_have_32_bits(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(OverflowError):
        publisher.send(b"x", flags=1 << 32)
    publisher.send(b"x", flags=0xFFFFFFFF)

    # Those that the header does not name are dropped.
    assert subscriber.recv().flags == 0xFFFFFFFF & ~0x000E400F


def test_records_arrive_in_order(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    records = (
        (RECORD_USER, b"first"),
        (RECORD_USER + 7, b""),
        (RECORD_USER, bytes(range(256))),
        (2**32 - 1, b"last"),
    )

    publisher.send(pattern(SIZE), records=records)
    publisher.send(b"short", records=list(records))

    assert subscriber.recv().records == records
    assert subscriber.recv().records == records


def test_records_larger_than_the_ring_arrive(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    publisher.send(pattern(SIZE), records=[(RECORD_USER, pattern(300_000, 5))], pts=3)

    frame = subscriber.recv(PATIENCE)
    assert frame.records == ((RECORD_USER, pattern(300_000, 5)),)
    assert (frame.pts, frame.data) == (3, pattern(SIZE))


def test_records_above_16_mib_are_refused_as_too_big(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(OSError) as raised:
        publisher.send(b"x", records=[(RECORD_USER, bytes(1 << 24))])

    assert raised.value.errno == errno.EMSGSIZE
    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


@pytest.mark.parametrize(
    "records, error",
    [
        ([(RECORD_USER - 1, b"the protocol's own")], ValueError),
        ([(0, b"")], ValueError),
        ([(-1, b"")], (ValueError, OverflowError)),
        ([(2**32, b"")], OverflowError),
        ([(RECORD_USER,)], (TypeError, ValueError)),
        ([(RECORD_USER, b"", 1)], (TypeError, ValueError)),
        ([(RECORD_USER, "text")], TypeError),
        ([RECORD_USER], TypeError),
        (RECORD_USER, TypeError),
    ],
)
def test_records_that_are_none_are_refused(publish, subscribe, records, error):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises(error):
        publisher.send(b"x", records=records)

    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


def test_send_takes_any_contiguous_buffer(publish, subscribe):
    import array

    publisher = publish()
    subscriber = subscribe()
    numbers = array.array("d", [1.5, 2.5])

    publisher.send(numbers)
    publisher.send(memoryview(pattern(SIZE))[16:32])

    assert subscriber.recv().data == numbers.tobytes()
    assert subscriber.recv().data == pattern(SIZE)[16:32]


def test_a_buffer_that_is_not_contiguous_is_refused(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    with pytest.raises((BufferError, ValueError)):
        publisher.send(memoryview(pattern(SIZE))[::2])

    with pytest.raises(BlockingIOError):
        subscriber.recv(0)


@pytest.mark.parametrize("data", ["text", None, 7, [1, 2]])
def test_what_is_no_buffer_is_refused(publish, data):
    with pytest.raises(TypeError):
        publish().send(data)


def test_arguments_after_the_data_are_keywords(publish):
    publisher = publish()
    with pytest.raises(TypeError):
        publisher.send(b"x", 1)
    with pytest.raises(TypeError):
        publisher.send(b"x", sequence=1)


def test_a_payload_that_never_fits_is_too_big_and_both_sizes_are_told(publish, subscribe):
    publisher = publish(max_bytes=1 << 20)
    subscribe()

    for attempt in (
        lambda: publisher.send(bytes(3 << 20), timeout=PATIENCE),
        lambda: publisher.acquire(3 << 20, timeout=PATIENCE),
    ):
        with pytest.raises(OSError) as raised:
            attempt()
        assert raised.value.errno == errno.EMSGSIZE
        assert str(3 << 20) in str(raised.value)
        assert str(1 << 20) in str(raised.value)


def test_many_threads_may_send(publish, subscribe):
    publisher = publish(max_buffers=8)
    subscriber = subscribe()
    threads, each = 4, 100

    def send(thread):
        for number in range(each):
            publisher.send(pattern(400, thread), pts=thread, duration=number, timeout=PATIENCE)

    sending = [in_thread(send, thread) for thread in range(threads)]
    seen = {thread: [] for thread in range(threads)}
    for _ in range(threads * each):
        with subscriber.recv(PATIENCE) as frame:
            assert frame.data == pattern(400, frame.pts)
            seen[frame.pts].append(frame.duration)

    assert [each_sent.result(PATIENCE) for each_sent in sending] == [None] * threads
    assert all(numbers == list(range(each)) for numbers in seen.values())


# --- opening and closing ---


def test_an_address_is_claimed_once(publish, path):
    publish()

    with pytest.raises(OSError) as raised:
        tachyon.Publisher(path)
    assert raised.value.errno == errno.EADDRINUSE
    assert path in str(raised.value)


def test_what_is_no_socket_is_left_alone(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("mine")

    with pytest.raises(OSError) as raised:
        tachyon.Publisher(path)
    assert raised.value.errno == errno.ENOTSOCK
    with open(path, encoding="ascii") as file:
        assert file.read() == "mine"


@pytest.mark.parametrize("kind", ["str", "bytes", "path", "abstract"])
def test_an_address_is_text_bytes_a_path_or_abstract(path, kind):
    import pathlib

    address = {
        "str": path,
        "bytes": os.fsencode(path),
        "path": pathlib.Path(path),
        "abstract": f"@tachyon-test-{os.getpid()}",
    }[kind]

    with tachyon.Publisher(address, CAPS) as publisher:
        with tachyon.Subscriber(address, timeout=PATIENCE) as subscriber:
            publisher.send(pattern(SIZE))
            assert subscriber.recv(PATIENCE).data == pattern(SIZE)


@pytest.mark.parametrize("address", [7, None, ["x"]])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(TypeError):
        tachyon.Publisher(address)
    with pytest.raises(TypeError):
        tachyon.Subscriber(address, timeout=0)


def test_an_address_with_a_nul_or_too_long_is_refused(folder):
    for create in (tachyon.Publisher, lambda address: tachyon.Subscriber(address, timeout=0)):
        with pytest.raises(ValueError):
            create(folder + "/a\0b")
        with pytest.raises(OSError) as raised:
            create(folder + "/" + "a" * 200)
        assert raised.value.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize(
    "options",
    [
        {"max_buffers": -1},
        {"max_buffers": 2**32},
        {"max_subscribers": 65},
        {"max_subscribers": -1},
        {"max_bytes": -1},
        {"max_bytes": 2**64},
        {"ring_size": -1},
        {"ring_size": 2**64},
        {"stall_timeout": -1},
        {"stall_timeout": float("nan")},
        {"perms": -1},
        {"perms": 2**32},
        {"uids": [-1]},
        {"uids": [2**32]},
        {"uids": 7},
        {"unknown": 1},
    ],
)
def test_an_option_out_of_range_is_refused(path, options):
    with pytest.raises((ValueError, OverflowError, TypeError, OSError)):
        tachyon.Publisher(path, **options)
    assert not os.path.exists(path)


def test_perms_are_those_of_the_socket(publish, path):
    publish(perms=0o640)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640


def test_without_perms_only_the_owner_may_connect(publish, path):
    publish()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


AS_NOBODY = """
    import os, sys, tachyon
    os.setresgid(65534, 65534, 65534)
    os.setresuid(1234, 1234, 1234)
    try:
        tachyon.Subscriber(sys.argv[1], timeout=5, any_uid=True).close()
        print("joined")
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    "options, outcome",
    [({}, "refused"), ({"uids": [1, 1234]}, "joined"), ({"any_uid": True}, "joined")],
)
def test_another_user_is_let_in_when_the_options_say_so(options, outcome):
    address = f"@tachyon-test-uid-{os.getpid()}"
    with tachyon.Publisher(address, **options):
        assert run_program(AS_NOBODY, address).strip() == outcome


def test_closing_gives_up_the_address(path):
    publisher = tachyon.Publisher(path)
    assert not publisher.closed
    publisher.close()

    assert publisher.closed
    assert not os.path.exists(path)
    tachyon.Publisher(path).close()


def test_closing_twice_is_fine(publish):
    publisher = publish()
    publisher.close()
    publisher.close()


def test_the_with_statement_closes(path):
    with tachyon.Publisher(path) as publisher:
        assert isinstance(publisher, tachyon.Publisher)
    assert publisher.closed


def test_dropping_a_publisher_closes_it(path, subscribe):
    publisher = tachyon.Publisher(path, CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    del publisher
    gc.collect()

    assert [frame.data for frame in subscriber] == [pattern(SIZE)]
    assert not os.path.exists(path)


def test_a_publisher_in_a_cycle_is_collected(path):
    class Application(tachyon.Publisher):
        pass

    publisher = Application(path)
    publisher.itself = publisher
    publisher.frame = publisher.acquire(1000)
    del publisher
    gc.collect()

    assert not os.path.exists(path)


def test_what_was_sent_before_it_was_closed_is_received(publish, subscribe):
    publisher = publish(CAPS, max_buffers=100)
    subscriber = subscribe()
    for number in range(50):
        publisher.send(pattern(SIZE, number))
    publisher.close()

    assert [frame.data for frame in subscriber] == [pattern(SIZE, number) for number in range(50)]
    assert subscriber.end == "closed"


def test_a_closed_publisher_refuses(publish):
    publisher = publish(CAPS)
    publisher.close()

    for call in (
        lambda: publisher.send(b"x"),
        lambda: publisher.acquire(1),
        lambda: publisher.acquire(),
        lambda: publisher.send_event(1),
        lambda: publisher.send_eos(),
        lambda: publisher.wait(0),
        lambda: publisher.wait_for_subscribers(),
        lambda: setattr(publisher, "caps", CAPS),
        lambda: setattr(publisher, "layout", tachyon.Layout(1, 1, (0,), (4,))),
        lambda: setattr(publisher, "clock", tachyon.Clock(1, 1)),
    ):
        with pytest.raises(tachyon.ClosedError) as raised:
            call()
        assert isinstance(raised.value, BrokenPipeError)


def test_looking_at_a_closed_publisher_does_no_harm(publish):
    publisher = publish(CAPS)
    publisher.close()

    for look in (
        lambda: publisher.subscribers,
        lambda: publisher.need,
        lambda: publisher.caps,
        lambda: publisher.layout,
        lambda: publisher.clock,
        publisher.notices,
        publisher.stats,
        publisher.forget,
        publisher.disconnect,
        lambda: repr(publisher),
    ):
        try:
            look()
        except tachyon.ClosedError:
            pass


def make_wait(publisher, subscribe, what):
    """A call on the publisher that waits for ever."""
    if what == "acquire":
        held = []
        with pytest.raises(BlockingIOError):
            while True:
                held.append(publisher.acquire(200_000, timeout=0))
        return held, lambda: publisher.acquire(200_000)
    if what == "send":
        subscribe()
        fill(publisher)
        return None, lambda: publisher.send(pattern(SIZE))
    if what == "commit":
        subscribe()
        frame = publisher.acquire(SIZE)
        fill(publisher)
        return None, frame.commit
    if what == "wait_for_subscribers":
        return None, publisher.wait_for_subscribers

    def wait():
        while True:
            publisher.wait()

    return None, wait


WAITS = ["acquire", "send", "commit", "wait", "wait_for_subscribers"]


@pytest.mark.parametrize("what", WAITS)
def test_close_ends_calls_of_other_threads(publish, subscribe, what):
    publisher = publish(max_bytes=1 << 20, max_buffers=2)
    held, wait = make_wait(publisher, subscribe, what)

    waiting = [in_thread(wait)]
    wait_until_asleep(waiting[0].thread_id)
    if what in ("acquire", "send", "wait"):
        waiting.append(in_thread(wait))
        waiting.append(in_thread(wait))
    publisher.close()

    for thread in waiting:
        assert isinstance(thread.exception(PATIENCE), tachyon.ClosedError)
    del held, wait


def test_close_races_with_everything_else(path):
    for _ in range(30):
        publisher = tachyon.Publisher(path, CAPS, max_buffers=2, max_bytes=1 << 20)
        subscriber = tachyon.Subscriber(path, timeout=PATIENCE)

        def send(publisher=publisher):
            while True:
                publisher.send(pattern(SIZE))

        def acquire(publisher=publisher):
            while True:
                with publisher.acquire(SIZE) as frame:
                    memoryview(frame).cast("B")[:2] = b"ab"

        def look(publisher=publisher):
            while not publisher.closed:
                publisher.stats(), publisher.notices(), publisher.caps, publisher.subscribers
            raise tachyon.ClosedError

        running = [in_thread(call) for call in (send, acquire, look)]
        for _ in range(10):
            subscriber.recv(PATIENCE)
        publisher.close()
        for thread in running:
            assert isinstance(thread.exception(PATIENCE), tachyon.ClosedError)
        subscriber.close()


INTERRUPTED = """
    import sys, signal, threading, os, tachyon
    path, what = sys.argv[1:]
    publisher = tachyon.Publisher(path, max_bytes=1 << 20, max_buffers=1)
    if what == "acquire":
        held = []
        try:
            while True:
                held.append(publisher.acquire(200_000, timeout=0))
        except BlockingIOError:
            pass
        wait = lambda: publisher.acquire(200_000)
    elif what == "send":
        subscriber = tachyon.Subscriber(path)
        publisher.send(b"x")
        wait = lambda: publisher.send(b"y")
    elif what == "wait":
        def wait():
            while True:
                publisher.wait()
    else:
        wait = publisher.wait_for_subscribers
    print("ready", threading.get_native_id(), flush=True)
    try:
        wait()
        print("returned")
    except KeyboardInterrupt:
        print("interrupted", publisher.closed)
    publisher.close()
"""


@pytest.mark.parametrize("what", ["acquire", "send", "wait", "wait_for_subscribers"])
def test_control_c_ends_a_wait(peer, path, what):
    program = peer(INTERRUPTED, path, what)
    thread_id = int(program.line().removeprefix("ready "))
    wait_until_asleep(thread_id, program.pid)

    os.kill(program.pid, signal.SIGINT)

    assert program.finish().split() == ["interrupted", "False"]


def test_a_signal_handler_that_returns_does_not_end_a_wait(publish):
    publisher = publish()
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        sending = in_thread(lambda: wait_and_kill(threading.main_thread().native_id))
        with pytest.raises(TimeoutError):
            publisher.wait_for_subscribers(timeout=0.5)
        sending.result(PATIENCE)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [1]


def wait_and_kill(thread_id):
    wait_until_asleep(thread_id)
    os.kill(os.getpid(), signal.SIGUSR1)


@pytest.mark.forks_beside_a_thread
def test_a_forked_child_is_refused_and_leaves_the_parent_alone(path):
    run_program(
        """
        import os, sys, tachyon
        publisher = tachyon.Publisher(sys.argv[1])
        subscriber = tachyon.Subscriber(sys.argv[1])
        frame = publisher.acquire(1000)
        child = os.fork()
        if child == 0:
            refused = 0
            for call in (
                lambda: publisher.send(b"x"),
                lambda: publisher.acquire(1),
                lambda: publisher.send_event(1),
                lambda: publisher.send_eos(),
                lambda: publisher.wait_for_subscribers(2),
                lambda: publisher.wait(1),
                lambda: setattr(publisher, "caps", "x/y"),
                frame.commit,
            ):
                try:
                    call()
                except ChildProcessError:
                    refused += 1
            del frame
            publisher.close()
            os._exit(0 if refused == 8 else 1 + refused)
        assert os.waitpid(child, 0)[1] == 0
        assert publisher.subscribers == 1
        memoryview(frame)[:] = bytes(range(250)) * 4
        assert frame.commit() == 1
        assert subscriber.recv(5).data == bytes(range(250)) * 4
        assert os.path.exists(sys.argv[1])
        publisher.close()
        """,
        path,
    )


@pytest.mark.forks_beside_a_thread
def test_a_forked_child_may_have_publishers_of_its_own(path):
    run_program(
        """
        import os, sys, tachyon
        parent = tachyon.Publisher(sys.argv[1] + "-parent")
        child = os.fork()
        if child == 0:
            with tachyon.Publisher(sys.argv[1] + "-child") as publisher:
                with tachyon.Subscriber(sys.argv[1] + "-child", timeout=10) as subscriber:
                    publisher.send(b"hello")
                    assert subscriber.recv(10).data == b"hello"
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        tachyon.Subscriber(sys.argv[1] + "-parent", timeout=10).close()
        """,
        path,
    )


def test_a_publisher_left_open_does_not_keep_the_interpreter_from_ending(path):
    run_program(
        """
        import sys, threading, tachyon
        publisher = tachyon.Publisher(sys.argv[1])
        subscriber = tachyon.Subscriber(sys.argv[1])
        frame = publisher.acquire(1000)
        publisher.send(b"x" * 1000)
        received = subscriber.recv()
        view = memoryview(received)
        # One thread still waits.
        threading.Thread(target=publisher.wait_for_subscribers, args=(5,), daemon=True).start()
        """,
        path,
    )


def test_two_frames_of_a_publisher_lie_apart(publish):
    publisher = publish()
    first, second = publisher.acquire(1000), publisher.acquire(1000)

    assert abs(address_of(first) - address_of(second)) >= 1000


@pytest.mark.parametrize("kind", [tachyon.Publisher, tachyon.Subscriber])
def test_an_object_without_init_is_closed(kind):
    class Careless(kind):
        def __init__(self):
            pass

    for thing in (Careless(), kind.__new__(kind)):
        assert thing.closed
        thing.close()
        for name in ("send", "acquire", "send_eos", "wait", "recv", "receive", "connect", "stats"):
            call = getattr(thing, name, None)
            if call is None:
                continue
            with pytest.raises(tachyon.ClosedError):
                call(b"x") if name == "send" else call(1) if name == "acquire" else call()


def test_init_a_second_time_leaves_one_publisher_or_the_first(publish, path, folder):
    publisher = publish(CAPS)
    try:
        publisher.__init__(folder + "/second")
    except Exception:
        assert os.path.exists(path)
    publisher.close()

    assert not os.path.exists(path)
    assert not os.path.exists(folder + "/second")


@pytest.mark.parametrize("timeout", [1e9, 1e18, 1e300, float("inf"), 2**100])
def test_a_very_long_timeout_is_for_ever_or_refused(publish, timeout):
    publisher = publish()
    try:
        publisher.wait_for_subscribers(0, timeout)
    except (OverflowError, ValueError):
        return
    waiting = in_thread(publisher.wait_for_subscribers, 1, timeout)
    wait_until_asleep(waiting.thread_id)
    assert not waiting.done()
    publisher.close()
    assert isinstance(waiting.exception(PATIENCE), tachyon.ClosedError)


def test_a_signal_handler_may_close(publish):
    publisher = publish()
    before = signal.signal(signal.SIGUSR1, lambda *_: publisher.close())
    try:
        sending = in_thread(wait_and_kill, threading.main_thread().native_id)
        with pytest.raises(tachyon.ClosedError):
            publisher.wait_for_subscribers(timeout=PATIENCE)
        sending.result(PATIENCE)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.forks_beside_a_thread
def test_a_forked_child_that_ends_its_interpreter_leaves_the_parent_alone(path):
    run_program(
        """
        import os, sys, tachyon
        publisher = tachyon.Publisher(sys.argv[1])
        subscriber = tachyon.Subscriber(sys.argv[1])
        publisher.send(b"1" * 1000)
        received = subscriber.recv()
        acquired = publisher.acquire(1000)
        child = os.fork()
        if child == 0:
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert os.path.exists(sys.argv[1])
        assert bytes(received) == b"1" * 1000
        memoryview(acquired)[:] = b"2" * 1000
        assert acquired.commit() == 1
        assert subscriber.recv(10).data == b"2" * 1000
        tachyon.Subscriber(sys.argv[1], timeout=10).close()
        """,
        path,
    )
