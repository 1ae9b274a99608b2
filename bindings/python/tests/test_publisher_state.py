# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Publisher: caps, layout, clock, events and the end of the stream."""

import pytest
import tachyon
from media import CAPS, ORDER_EOS, SIZE, pattern
from support import PATIENCE, in_thread, wait_until_asleep

# --- state ---


def test_caps_of_the_constructor_reach_who_subscribes(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()

    item = subscriber.receive(PATIENCE)

    assert isinstance(item, tachyon.Caps)
    assert str(item) == str(publisher.caps) == CAPS
    assert str(subscriber.caps) == CAPS


def test_without_caps_there_are_none(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(b"x")

    assert isinstance(subscriber.receive(PATIENCE), tachyon.Frame)
    assert publisher.caps is None
    assert subscriber.caps is None


def test_assigning_caps_sends_them_in_order_with_the_frames(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))
    publisher.caps = "video/x-raw, format=RGB, width=4, height=4, framerate=30/1"
    publisher.send(pattern(48))

    before, after = subscriber.recv(), subscriber.recv()
    assert "GRAY8" in str(before.caps)
    assert "RGB" in str(after.caps)
    assert str(subscriber.caps) == str(publisher.caps)


@pytest.mark.parametrize("caps", [7, b"video/x-raw", ["video/x-raw"]])
def test_caps_that_are_no_text_are_refused(publish, caps):
    publisher = publish(CAPS)

    with pytest.raises(TypeError):
        publisher.caps = caps

    assert str(publisher.caps) == CAPS


@pytest.mark.parametrize("caps", ["", "video/x-raw\0, format=RGB", "\ud800"])
def test_caps_that_cannot_be_sent_are_refused(publish, path, caps):
    publisher = publish(CAPS)

    with pytest.raises(ValueError):
        publisher.caps = caps

    assert str(publisher.caps) == CAPS


def test_caps_of_the_subscriber_can_be_given_on(publish, subscribe, folder):
    publish(CAPS)
    subscriber = subscribe()
    subscriber.receive(PATIENCE)

    with tachyon.Publisher(folder + "/second", subscriber.caps) as second:
        assert str(second.caps) == CAPS


def test_a_layout_reaches_subscribers_now_and_later(publish, subscribe):
    layout = tachyon.Layout(64, 48, (0, 4096), (80, 96))
    publisher = publish(CAPS)
    early = subscribe()
    publisher.layout = layout
    publisher.send(pattern(8192))
    late = subscribe()
    publisher.send(pattern(8192))

    for subscriber in (early, late):
        with subscriber.recv(PATIENCE) as frame:
            assert frame.layout == subscriber.layout == layout
            assert isinstance(frame.layout, tachyon.Layout)
    assert publisher.layout == layout
    assert layout.width == 64 and layout.height == 48
    assert layout.offsets == (0, 4096) and layout.strides == (80, 96)


def test_a_layout_can_be_taken_back(publish, subscribe):
    publisher = publish(CAPS)
    publisher.layout = tachyon.Layout(64, 48, (0,), (80,))
    subscriber = subscribe()
    publisher.layout = None
    publisher.send(pattern(SIZE))

    assert subscriber.recv(PATIENCE).layout is None
    assert subscriber.layout is None
    assert publisher.layout is None


@pytest.mark.parametrize(
    "layout",
    [
        (64, 48, (0,), (64, 64)),
        (64, 48, (0,) * 5, (64,) * 5),
        (-1, 48, (0,), (64,)),
        (2**32, 48, (0,), (64,)),
        (64, 48, (-1,), (64,)),
        (64, 48, (2**64,), (64,)),
        (64, 48, (0,), (2**31,)),
        (64, 48, 0, 64),
        (64, 48, (0,)),
        "layout",
        7,
    ],
)
def test_a_layout_that_is_none_is_refused(publish, layout):
    publisher = publish(CAPS)

    with pytest.raises((ValueError, OverflowError, TypeError)):
        publisher.layout = tachyon.Layout(*layout) if isinstance(layout, tuple) else layout

    assert publisher.layout is None


def test_a_clock_reaches_subscribers_now_and_later(publish, subscribe):
    publisher = publish(CAPS)
    early = subscribe()
    publisher.clock = tachyon.Clock(123456789, 40_000_000)
    late = subscribe()
    publisher.send(pattern(SIZE))

    for subscriber in (early, late):
        subscriber.recv(PATIENCE)
        assert subscriber.clock == (123456789, 40_000_000)
        assert subscriber.clock.base_time == 123456789
        assert subscriber.clock.latency == 40_000_000
    assert publisher.clock == tachyon.Clock(123456789, 40_000_000)


def test_a_clock_may_have_no_base_time(publish, subscribe):
    publisher = publish(CAPS)
    publisher.clock = tachyon.Clock(None, 7)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))

    subscriber.recv(PATIENCE)
    assert subscriber.clock == tachyon.Clock(base_time=None, latency=7)


@pytest.mark.parametrize("clock", [(-1, 0), (0, -1), (2**64, 0), (0, 2**64), (0, None), ("0", 0)])
def test_a_clock_that_is_none_is_refused(publish, clock):
    publisher = publish(CAPS)

    with pytest.raises((ValueError, OverflowError, TypeError)):
        publisher.clock = tachyon.Clock(*clock)

    assert publisher.clock is None


# --- events and the end ---


def test_an_event_arrives_in_order_with_the_frames(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()
    publisher.send(b"before")
    publisher.send_event(77, b"data")
    publisher.send(b"after")

    assert subscriber.receive(PATIENCE).data == b"before"
    event = subscriber.receive(PATIENCE)
    assert isinstance(event, tachyon.Event)
    assert (event.type, event.data, event.sticky) == (77, b"data", False)
    assert subscriber.receive(PATIENCE).data == b"after"


def test_an_event_goes_to_those_who_have_joined(publish, subscribe):
    publisher = publish()
    early = subscribe()
    publisher.send_event(1, b"once")
    late = subscribe()
    publisher.send(b"x")

    assert early.receive(PATIENCE) == tachyon.Event(1, b"once")
    assert early.receive(PATIENCE).data == b"x"
    assert late.receive(PATIENCE).data == b"x"


def test_a_sticky_event_goes_to_those_who_join_later(publish, subscribe):
    publisher = publish(CAPS)
    publisher.send_event(5, b"old", sticky=True, order=60, id=3)
    publisher.send_event(5, b"new", sticky=True, order=60, id=3)
    publisher.send_event(5, b"other", sticky=True, order=60, id=4)
    publisher.send_event(9, b"first of all", sticky=True, order=10)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))

    items = [subscriber.receive(PATIENCE) for _ in range(5)]
    # In the order of their places; caps have place 50. What was replaced does not come.
    assert items[0] == tachyon.Event(9, b"first of all", True, 10, 0)
    assert isinstance(items[1], tachyon.Caps)
    assert items[2] == tachyon.Event(type=5, data=b"new", sticky=True, order=60, id=3)
    assert items[3] == tachyon.Event(5, b"other", True, 60, 4)
    assert isinstance(items[4], tachyon.Frame)


def test_a_large_event_arrives(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    publisher.send_event(1, memoryview(pattern(200_000)))

    assert subscriber.receive(PATIENCE).data == pattern(200_000)


def test_an_event_without_data_arrives(publish, subscribe):
    publisher = publish()
    subscriber = subscribe()

    publisher.send_event(2**32 - 1)

    assert subscriber.receive(PATIENCE) == tachyon.Event(2**32 - 1, b"")


@pytest.mark.parametrize("name", ["type", "order", "id"])
def test_numbers_of_an_event_have_32_bits(publish, name):
    numbers = {"type": 1, "sticky": True, **{name: 2**32}}
    with pytest.raises(OverflowError):
        publish().send_event(**numbers)


def test_an_event_waits_for_room_under_the_policy_block(publish, subscribe):
    publisher = publish(ring_size=4096)
    subscriber = subscribe()
    with pytest.raises(BlockingIOError):
        for _ in range(10_000):
            publisher.send_event(1, bytes(500), timeout=0)
    with pytest.raises(TimeoutError):
        publisher.send_event(1, bytes(500), timeout=0.02)

    waiting = in_thread(publisher.send_event, 2, b"at last")
    wait_until_asleep(waiting.thread_id)
    for _ in range(10_000):
        event = subscriber.receive(PATIENCE)
        if event.type == 2:
            break

    assert event.data == b"at last"
    waiting.result(PATIENCE)


def test_the_end_of_the_stream_arrives_after_the_frames(publish, subscribe):
    publisher = publish(CAPS)
    subscriber = subscribe()
    for number in range(3):
        publisher.send(pattern(SIZE), pts=number)
    publisher.send_eos()

    assert [frame.pts for frame in subscriber] == [0, 1, 2]
    assert subscriber.end == "eos"


def test_who_joins_after_the_end_is_told(publish, subscribe):
    publisher = publish(CAPS)
    publisher.send_eos()
    subscriber = subscribe()

    assert isinstance(subscriber.receive(PATIENCE), tachyon.Caps)
    assert isinstance(subscriber.receive(PATIENCE), tachyon.Eos)


def test_frames_may_follow_an_end_that_was_forgotten(publish, subscribe):
    publisher = publish(CAPS)
    early = subscribe()
    publisher.send_eos()
    with pytest.raises(EOFError):
        early.recv(PATIENCE)

    publisher.forget(ORDER_EOS)
    late = subscribe()
    assert publisher.send(pattern(SIZE), pts=1) == 2

    assert early.recv(PATIENCE).pts == 1
    assert late.recv(PATIENCE).pts == 1


def test_forget_forgets_state_of_this_order_and_later(publish, subscribe):
    publisher = publish(CAPS)
    publisher.send_event(1, sticky=True, order=49)
    publisher.send_event(2, sticky=True, order=60)
    publisher.forget(50)
    subscriber = subscribe()
    publisher.send(pattern(SIZE))

    assert subscriber.receive(PATIENCE).type == 1
    assert isinstance(subscriber.receive(PATIENCE), tachyon.Frame)


def test_forget_without_an_order_forgets_all(publish, subscribe):
    publisher = publish(CAPS)
    publisher.send_event(1, sticky=True)
    publisher.forget()
    subscriber = subscribe()
    publisher.send(pattern(SIZE))

    assert isinstance(subscriber.receive(PATIENCE), tachyon.Frame)
    assert subscriber.caps is None


def test_what_is_told_comes_as_named_tuples():
    assert tachyon.Layout._fields == ("width", "height", "offsets", "strides")
    assert tachyon.Clock._fields == ("base_time", "latency")
    assert tachyon.Event._fields == ("type", "data", "sticky", "order", "id")
    assert tachyon.Notice._fields == ("kind", "subscriber", "pid", "end", "event")
    assert tachyon.Event(1, b"") == tachyon.Event(1, b"", sticky=False, order=0, id=0)
    assert tachyon.Event(1, b"")._replace(order=5).order == 5
    for kind in (tachyon.PublisherStats, tachyon.SubscriberStats):
        assert issubclass(kind, tuple) and "frames" in kind._fields
