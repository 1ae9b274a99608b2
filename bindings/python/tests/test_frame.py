# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Frame: the buffer, what is said about it, and how long its memory lives."""

import ctypes
import gc
import sys

import pytest
import tachyon
from media import CAPS, SIZE, pattern, picture_caps, wait_until_subscribers
from support import PATIENCE, in_thread, run_program, wait_until

FIELDS = ["pts", "dts", "duration", "offset", "offset_end", "flags", "size"]


@pytest.fixture
def receive(publish, subscribe):
    """Sends a frame and receives it: receive(data, caps=…, …)."""
    publisher = publish()
    subscriber = subscribe()

    def send_and_receive(data, caps=None, **options):
        if caps is not None:
            publisher.caps = caps
        publisher.send(data, **options)
        return subscriber.recv(PATIENCE)

    send_and_receive.publisher = publisher
    send_and_receive.subscriber = subscriber
    return send_and_receive


# --- what a frame is ---


def test_frames_are_not_made_by_hand():
    with pytest.raises(TypeError):
        tachyon.Frame()
    with pytest.raises(TypeError):
        type("MyFrame", (tachyon.Frame,), {})


@pytest.mark.parametrize("size", [0, 200, SIZE])
def test_without_caps_a_frame_is_bytes(receive, size):
    frame = receive(pattern(size))

    view = memoryview(frame)
    assert (view.format, view.ndim, view.shape, view.readonly) == ("B", 1, (size,), True)
    assert bytes(frame) == frame.data == pattern(size)
    assert isinstance(frame.data, bytes)
    assert len(frame) == frame.size == size


def test_the_buffer_has_shape_strides_and_format_of_the_caps(receive):
    # Lines of 33 pixels take 100 bytes.
    frame = receive(pattern(1000), caps=picture_caps("RGB", 33, 10))

    view = memoryview(frame)
    assert (view.shape, view.strides) == ((10, 33, 3), (100, 3, 1))
    assert (view.format, view.itemsize, view.nbytes) == ("B", 1, 990)
    assert view[9, 32, 2] == pattern(1000)[9 * 100 + 32 * 3 + 2]
    assert frame.size == 1000
    assert frame.data == pattern(1000)


def test_a_request_for_contiguous_memory_is_met_or_refused(receive):
    padded = receive(pattern(1000), caps=picture_caps("RGB", 33, 10))
    with pytest.raises(BufferError):
        # Wants plain bytes, one after another.
        (ctypes.c_char * 1).from_buffer_copy(padded)
    # With copies it is fine: the picture without padding.
    lines = [pattern(1000)[line * 100 : line * 100 + 99] for line in range(10)]
    assert memoryview(padded).tobytes() == b"".join(lines)

    plain = receive(pattern(SIZE), caps=CAPS)
    assert memoryview(plain).c_contiguous
    assert (ctypes.c_char * SIZE).from_buffer_copy(plain).raw == pattern(SIZE)


def test_a_received_frame_is_not_given_out_as_writable(receive):
    frame = receive(pattern(SIZE), caps=CAPS)

    with pytest.raises(TypeError):
        memoryview(frame).cast("B")[0] = 1
    with pytest.raises((TypeError, BufferError)):
        (ctypes.c_char * SIZE).from_buffer(frame)


def test_an_acquired_frame_is_given_out_as_writable(publish):
    frame = publish(CAPS).acquire()

    whole = (ctypes.c_char * SIZE).from_buffer(frame)
    whole[:] = pattern(SIZE)
    assert frame.data == pattern(SIZE)


@pytest.mark.parametrize("name", FIELDS)
def test_what_a_received_frame_says_is_read_only(receive, name):
    frame = receive(pattern(SIZE), caps=CAPS, pts=1)

    with pytest.raises(AttributeError):
        setattr(frame, name, 0)
    with pytest.raises((AttributeError, TypeError)):
        delattr(frame, name)


@pytest.mark.parametrize(
    "name", ["caps", "layout", "scarce", "after_drop", "records", "planes", "data"]
)
def test_the_rest_is_read_only_for_all(publish, subscribe, name):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))

    for frame in (publisher.acquire(), subscriber.recv(PATIENCE)):
        with pytest.raises(AttributeError):
            setattr(frame, name, None)


def test_a_frame_takes_no_other_attributes(receive):
    with pytest.raises(AttributeError):
        receive(b"x").colour = "red"


def test_an_acquired_frame_knows_the_caps_and_the_layout(publish):
    publisher = publish(CAPS)
    publisher.layout = tachyon.Layout(64, 48, (0,), (80,))
    frame = publisher.acquire(80 * 48)

    assert str(frame.caps) == CAPS
    assert frame.layout == (64, 48, (0,), (80,))
    assert memoryview(frame).strides[:2] == (80, 1)


def test_a_layout_places_the_picture(publish, subscribe):
    publisher = publish(CAPS)
    publisher.layout = tachyon.Layout(64, 48, (100,), (80,))
    subscriber = subscribe()
    publisher.send(pattern(100 + 80 * 48))

    frame = subscriber.recv(PATIENCE)
    view = memoryview(frame)
    assert view.shape[:2] == (48, 64)
    assert view.strides[:2] == (80, 1)
    lines = [pattern(4000)[100 + line * 80 : 164 + line * 80] for line in range(48)]
    assert view.tobytes() == b"".join(lines)


@pytest.mark.parametrize(
    "layout",
    [
        (64, 48, (1,), (64,)),
        (64, 48, (0,), (65,)),
        (64, 48, (0,), (2**31 - 1,)),
        (64, 48, (2**63,), (64,)),
        (64, 48, (2**64 - 1,), (64,)),
        (64, 48, (0,), (-64,)),
        (64, 48, (), ()),
        (2**32 - 1, 2**32 - 1, (0,), (64,)),
        (0, 0, (0,), (64,)),
    ],
)
def test_a_layout_that_reaches_beyond_the_payload_reads_nothing_there(publish, subscribe, layout):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.layout = tachyon.Layout(*layout)
    publisher.send(pattern(SIZE))

    frame = subscriber.recv(PATIENCE)
    assert frame.data == pattern(SIZE)
    for look in (lambda: memoryview(frame).tobytes(), lambda: [p.copy() for p in frame.planes]):
        try:
            look()
        except (BufferError, ValueError):
            pass


@pytest.mark.parametrize("size", [0, 1, 100, 256, 257, SIZE - 1])
def test_a_payload_too_small_for_its_caps_is_not_read_beyond(receive, size):
    frame = receive(pattern(size), caps=CAPS)

    assert frame.data == pattern(size)
    try:
        assert memoryview(frame).nbytes <= size
    except (BufferError, ValueError):
        pass


@pytest.mark.parametrize(
    "caps",
    [
        "video/x-raw, format=RGB, width=2147483647, height=2147483647",
        "video/x-raw, format=RGB, width=-1, height=-1",
        "video/x-raw, format=RGB, width=0, height=0",
        "video/x-raw, format=RGB, width=99999999999999999999, height=1",
        "video/x-raw, format=RGB",
        "video/x-raw, format=NOSUCH, width=4, height=4",
        "video/x-raw, format={ RGB, BGR }, width=[ 1, 8 ], height=4",
        "video/x-raw(memory:DMABuf), format=RGB, width=4, height=4",
        "audio/x-raw, format=S16LE, channels=0, layout=interleaved, rate=1",
        "audio/x-raw, format=S16LE, channels=2147483647, layout=interleaved, rate=1",
        "audio/x-raw, format=S16LE, channels=3, layout=interleaved, rate=1",
        "audio/x-raw, format=S16LE, channels=7, layout=non-interleaved, rate=1",
        "image/jpeg",
        "not caps at all",
        "=,;\"'\\(){}[]<>",
        "video/x-raw, format=(string",
        "video/x-raw, format=(string)RGB, width=(int)4, height=(int)",
        "ANY",
        "EMPTY",
    ],
)
def test_caps_that_describe_no_picture_leave_bytes(receive, caps):
    frame = receive(pattern(1000), caps=caps)

    assert frame.data == pattern(1000)
    assert str(frame.caps) == caps
    try:
        assert memoryview(frame).nbytes <= 1000
        memoryview(frame).tobytes()
        assert all(plane.nbytes <= 1000 for plane in frame.planes)
    except (BufferError, ValueError):
        pass


def test_without_numpy_there_is_the_buffer_and_no_planes(path):
    run_program(
        """
        import sys
        sys.modules["numpy"] = None
        import tachyon
        caps = "video/x-raw, format=RGB, width=33, height=10, framerate=30/1"
        with tachyon.Publisher(sys.argv[1], caps) as publisher:
            with tachyon.Subscriber(sys.argv[1]) as subscriber:
                with publisher.acquire() as frame:
                    with memoryview(frame) as view:
                        view[9, 32, 2] = 7
                with subscriber.recv(10) as frame:
                    with memoryview(frame) as view:
                        assert view.shape == (10, 33, 3) and view[9, 32, 2] == 7
                    try:
                        frame.planes
                    except ImportError:
                        print("no planes")
        """,
        path,
    )


def test_scarce_tells_that_memory_is_short(publish, subscribe):
    publisher = publish(max_bytes=1 << 20, max_buffers=100)
    subscriber = subscribe()
    held, scarce = [], []
    with pytest.raises(BlockingIOError):
        while True:
            publisher.send(bytes(100_000), timeout=0)
            held.append(subscriber.recv(PATIENCE))
            scarce.append(held[-1].scarce)

    assert scarce[0] is False
    assert scarce[-1] is True


def test_a_frame_is_valid_until_its_memory_is_used_again(publish, subscribe):
    publisher = publish(CAPS, policy="disconnect", max_buffers=1)
    slow = subscribe()
    publisher.send(pattern(SIZE, 1))
    frame = slow.recv(PATIENCE)
    assert frame.is_valid() is True
    view = memoryview(frame)

    # It is dropped for not reading on, and what it holds is given to others.
    publisher.send(pattern(SIZE, 2))
    publisher.send(pattern(SIZE, 3))
    wait_until_subscribers(publisher, 0)
    frames = [publisher.acquire(SIZE) for _ in range(publisher.stats().blocks)]
    for each in frames:
        memoryview(each).cast("B")[:] = bytes(SIZE)

    assert frame.is_valid() is False
    # Readable all the same.
    assert view.nbytes == SIZE


# --- how long it lives ---


def test_release_gives_the_memory_back_to_the_publisher(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    frame = subscriber.recv(PATIENCE)
    assert publisher.stats().blocks_free == publisher.stats().blocks - 1
    frame.release()

    wait_until(lambda: publisher.stats().blocks_free == publisher.stats().blocks)
    assert subscriber.stats().held == 0


def test_leaving_the_with_block_releases(receive):
    with receive(pattern(SIZE)) as frame:
        assert isinstance(frame, tachyon.Frame)
        assert receive.subscriber.stats().held == 1

    assert receive.subscriber.stats().held == 0


def test_dropping_a_frame_releases(receive):
    frame = receive(pattern(SIZE))
    del frame
    gc.collect()

    assert receive.subscriber.stats().held == 0


def test_a_frame_in_a_cycle_is_collected(receive):
    frame = receive(pattern(SIZE))
    cycle = [frame, memoryview(frame)]
    cycle.append(cycle)
    del frame, cycle
    gc.collect()

    assert receive.subscriber.stats().held == 0


@pytest.mark.parametrize("size", [200, SIZE])
def test_release_while_a_view_lives_is_a_buffer_error(receive, size):
    frame = receive(pattern(size))
    view = memoryview(frame)

    with pytest.raises(BufferError):
        frame.release()
    assert view.tobytes() == pattern(size)
    second = memoryview(frame)
    view.release()
    with pytest.raises(BufferError):
        frame.release()
    second.release()
    frame.release()
    assert receive.subscriber.stats().held == 0


def test_leaving_the_with_block_while_a_view_lives_is_a_buffer_error(receive):
    with pytest.raises(BufferError):
        with receive(pattern(SIZE)) as frame:
            view = memoryview(frame)

    assert view.tobytes() == frame.data == pattern(SIZE)
    view.release()
    frame.release()


def test_after_an_exception_it_is_given_back_when_the_last_view_is_gone(receive):
    with pytest.raises(ZeroDivisionError):
        with receive(pattern(SIZE)) as frame:
            view = memoryview(frame)
            raise ZeroDivisionError

    assert view.tobytes() == pattern(SIZE)
    assert receive.subscriber.stats().held == 1
    view.release()
    assert receive.subscriber.stats().held == 0
    with pytest.raises(ValueError):
        memoryview(frame)


def test_a_released_frame_refuses(receive):
    frame = receive(pattern(SIZE), caps=CAPS, pts=1)
    frame.release()

    for use in (
        lambda: memoryview(frame),
        lambda: frame.data,
        lambda: frame.planes,
        lambda: frame.__dlpack__(),
        lambda: frame.__enter__(),
    ):
        with pytest.raises(ValueError):
            use()


def test_looking_at_a_released_frame_does_no_harm(receive):
    frame = receive(pattern(SIZE), caps=CAPS, pts=1, records=[(64, b"x")])
    frame.release()

    for look in (
        lambda: [getattr(frame, name) for name in FIELDS],
        lambda: (frame.caps, frame.layout, frame.scarce, frame.after_drop, frame.records),
        frame.is_valid,
        frame.release,
        lambda: len(frame),
        lambda: repr(frame),
    ):
        try:
            look()
        except ValueError:
            pass


def test_a_received_frame_cannot_be_committed(receive):
    frame = receive(pattern(SIZE))

    with pytest.raises(ValueError):
        frame.commit()
    assert frame.data == pattern(SIZE)


def test_release_inside_the_with_block_is_fine(receive):
    with receive(pattern(SIZE)) as frame:
        frame.release()

    assert receive.subscriber.stats().held == 0


@pytest.mark.parametrize("size", [200, SIZE, 3_110_400])
def test_frames_are_released_in_any_order_by_any_thread(publish, subscribe, size):
    publisher = publish(max_buffers=8)
    subscriber = subscribe()
    for number in range(6):
        publisher.send(pattern(size, number))
    frames = [subscriber.recv(PATIENCE) for _ in range(6)]

    for number in (3, 0, 5, 1, 4, 2):
        assert frames[number].data == pattern(size, number)
        in_thread(frames[number].release).result(PATIENCE)
    assert subscriber.stats().held == 0


@pytest.mark.parametrize("size", [200, SIZE])
def test_a_frame_is_readable_after_its_subscriber_closed(publish, subscribe, size):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(pattern(size), pts=5, records=[(64, b"record")])
    frame = subscriber.recv(PATIENCE)
    view = memoryview(frame)
    subscriber.close()
    publisher.send(bytes(size))

    assert view.tobytes() == frame.data == pattern(size)
    assert (frame.pts, frame.records) == (5, ((64, b"record"),))
    del view
    frame.release()


PUBLISH_ONE = """
    import sys, tachyon
    publisher = tachyon.Publisher(sys.argv[1])
    publisher.wait_for_subscribers(timeout=20)
    for size in sys.argv[2:]:
        publisher.send(bytes(range(250)) * (int(size) // 250))
    print("sent", flush=True)
    input()
"""


def test_a_frame_is_readable_after_its_publisher_was_killed(peer, subscribe, path):
    program = peer(PUBLISH_ONE, path, "250", "75000", "3000000")
    subscriber = subscribe()
    assert program.line() == "sent"
    frames = [subscriber.recv(PATIENCE) for _ in range(2)]
    view = memoryview(frames[1])
    program.kill()
    with pytest.raises(ConnectionResetError):
        while True:
            frames.append(subscriber.recv(PATIENCE))
    subscriber.close()

    assert [frame.size for frame in frames] == [250, 75000, 3000000]
    for frame in frames:
        assert frame.data == bytes(range(250)) * (frame.size // 250)
    assert view.tobytes() == bytes(range(250)) * 300


@pytest.mark.parametrize("size", [200, SIZE])
def test_no_view_outlives_its_memory_in_any_order_of_dropping(path, size):
    # In a process of its own: a collection is quick there.
    run_program(
        """
        import gc, itertools, sys, tachyon
        names = ["publisher", "subscriber", "frame", "view", "slice", "acquired", "filled"]
        size = int(sys.argv[2])
        expected = {"view": bytes(number % 251 for number in range(size))}
        expected["filled"] = expected["view"]
        expected["slice"] = expected["view"][10:20]
        gc.freeze()
        for order in itertools.islice(itertools.permutations(names), 0, None, 41):
            held = {"publisher": tachyon.Publisher(sys.argv[1])}
            held["subscriber"] = tachyon.Subscriber(sys.argv[1])
            held["publisher"].send(expected["view"])
            held["frame"] = held["subscriber"].recv(20)
            held["view"] = memoryview(held["frame"])
            held["slice"] = held["view"][10:20]
            held["acquired"] = held["publisher"].acquire(size)
            held["filled"] = memoryview(held["acquired"])
            held["filled"][:] = expected["view"]
            for name in order:
                del held[name]
                gc.collect()
                for view in expected:
                    assert view not in held or bytes(held[view]) == expected[view], (order, name)
        """,
        path,
        size,
    )


def test_a_view_keeps_the_memory_when_the_frame_is_dropped(receive):
    view = memoryview(receive(pattern(SIZE, 1)))
    gc.collect()
    assert receive.subscriber.stats().held == 1
    for number in range(2, 30):
        receive(pattern(SIZE, number)).release()

    assert view.tobytes() == pattern(SIZE, 1)
    del view
    gc.collect()
    assert receive.subscriber.stats().held == 0


def test_frames_hold_references_that_go_away(receive):
    subscriber = receive.subscriber
    before = sys.getrefcount(subscriber), sys.getrefcount(receive.publisher)
    for _ in range(200):
        frame = receive(pattern(SIZE), caps=CAPS)
        assert frame.caps and memoryview(frame).nbytes and frame.data
        acquired = receive.publisher.acquire(SIZE)
        acquired.pts = 5
    del frame, acquired
    gc.collect()

    assert (sys.getrefcount(subscriber), sys.getrefcount(receive.publisher)) == before


# --- writing where nobody should ---

SCRIBBLE = """
    import ctypes, sys, zlib, tachyon
    subscriber = tachyon.Subscriber(sys.argv[1], timeout=20)
    subscriber.set_need(2)
    print("joined", flush=True)
    keep = None
    for frame in subscriber:
        view = memoryview(frame)
        # What it scribbled on this memory before is gone.
        assert zlib.crc32(view) == frame.offset, frame.pts
        import numpy
        address = numpy.asarray(frame).__array_interface__["data"][0]
        ctypes.memset(address, 0xEE, frame.size)
        assert bytes(view) == b"\\xee" * frame.size
        if frame.pts % 3 == 0:
            keep = view
    print("scribbled")
"""

READ = """
    import sys, zlib, tachyon
    subscriber = tachyon.Subscriber(sys.argv[1], timeout=20)
    print("joined", flush=True)
    count = 0
    for frame in subscriber:
        assert zlib.crc32(memoryview(frame)) == frame.offset, frame.pts
        count += 1
    print(count)
"""


def send_and_be_scribbled_on(publisher, size, count):
    """Frames through few blocks; each of them is scribbled on by a subscriber."""
    import zlib

    content = [pattern(size, number) for number in range(3)]
    sums = [zlib.crc32(data) for data in content]
    for number in range(count):
        if size <= 256:
            publisher.send(
                content[number % 3], pts=number, offset=sums[number % 3], timeout=PATIENCE
            )
            continue
        with publisher.acquire(size, timeout=PATIENCE) as frame:
            with memoryview(frame) as view:
                # What it was before, or nothing yet; never what a subscriber wrote.
                assert view[0] == view[size // 2] == 0 or b"\xee" * 64 not in bytes(view[:4096])
                view[:] = content[number % 3]
            frame.pts, frame.offset = number, sums[number % 3]
            if number % 2:
                assert frame.commit() == 2
    assert publisher.stats().payload_bytes <= 8 * max(size, 4096) + (64 << 10)


@pytest.mark.parametrize("size, count", [(200, 300), (76_800, 200), (3_110_400, 40)])
def test_scribbling_on_received_memory_reaches_nobody_else(publish, peer, path, size, count):
    publisher = publish(max_buffers=2, max_bytes=8 * max(size, 4096))
    programs = [peer(SCRIBBLE, path), peer(READ, path)]
    for program in programs:
        assert program.line() == "joined"

    send_and_be_scribbled_on(publisher, size, count)
    publisher.send_eos()

    assert programs[0].finish().strip() == "scribbled"
    assert int(programs[1].finish()) == count
