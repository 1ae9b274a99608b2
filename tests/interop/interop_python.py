#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The endpoint in Python of the interop matrix: README.md says what it sends and reports."""

import fractions
import sys

import sequence
import tachyon

try:
    import numpy
except ImportError:
    numpy = None

CONNECT = 30
TIMEOUT = 60
# The largest message takes more than 1 MiB of it, and it is a power of two.
RING_SIZE = 4 << 20


def check(condition, text):
    """End the process with status 1 unless the condition holds."""
    if not condition:
        sys.exit(text)


def check_number(tally, count, noun, field, expected, number):
    """See that it is this item's turn."""
    check(tally.count < count, f"{noun} {tally.count} came, after the last")
    check(number == expected,
          f"{noun} {tally.count}: its {field} is {number}, not {expected}")


def check_content(tally, content):
    """See that this is what message or buffer tally.count holds, and count it."""
    expected = sequence.message(tally.count)
    check(len(content) == len(expected),
          f"item {tally.count}: {len(content)} bytes came, not {len(expected)}")
    # bytes compare as memcmp() does, a memoryview item by item.
    check(bytes(content) == expected, f"item {tally.count}: its content is wrong")
    tally.add(content)


def check_end(tally, count, end, orderly):
    """See that everything came, and then the end that the sender meant."""
    check(end == orderly, f"after {tally.count} items: the end is {end}, not {orderly}")
    check(tally.count == count, f"the end came after {tally.count} items, not {count}")


# --- messages ---


def open_bus(address, is_listener):
    """A bus, whoever comes first."""
    if is_listener:
        return tachyon.Bus.listen(address, RING_SIZE, timeout=CONNECT)
    return tachyon.Bus.connect(address, RING_SIZE, timeout=CONNECT)


def send_message(bus, piece, number):
    """Each way to send, in turn. Room taken may be more than is used, which shows on the wire."""
    way = number % 3
    if way == 0:
        bus.send(piece, number, timeout=TIMEOUT)
        return
    if way == 1:
        with bus.send_zero_copy(len(piece), number, timeout=TIMEOUT) as guard:
            with memoryview(guard) as view:
                view[:] = piece
        return
    guard = bus.send_zero_copy(len(piece) + 100, number, timeout=TIMEOUT)
    with memoryview(guard) as view:
        view[:len(piece)] = piece
    guard.commit_unflushed(len(piece))


def send_messages(address, count, is_listener):
    """The sender of a bus."""
    tally = sequence.Tally()
    with open_bus(address, is_listener) as bus:
        for number in range(count):
            piece = sequence.message(number)
            tally.add(piece)
            send_message(bus, piece, number)
    return tally


def received(bus):
    """All messages, as type and content. Each way to receive, in turn."""
    while True:
        message = bus.recv(TIMEOUT)
        yield message.type_id, message.data
        with bus.recv_zero_copy(TIMEOUT) as guard:
            with memoryview(guard) as view:
                yield guard.type_id, view
        with bus.drain_batch(16, TIMEOUT) as batch:
            for message in batch:
                with memoryview(message) as view:
                    yield message.type_id, view


def receive_messages(address, count, is_listener):
    """The receiver of a bus."""
    tally = sequence.Tally()
    with open_bus(address, is_listener) as bus:
        try:
            for type_id, content in received(bus):
                check_number(tally, count, "message", "type", tally.count, type_id)
                check_content(tally, content)
        except tachyon.ClosedError:
            check_end(tally, count, bus.end, "closed")
    return tally


# --- buffers and frames ---


def send_buffer(publisher, piece, number):
    """Copied by the library, or written in place: in turn, but an empty one has no block."""
    if number % 2 == 1 or not piece:
        sent = publisher.send(piece, pts=number, offset=number, timeout=TIMEOUT)
        check(sent == 1, f"buffer {number} went to {sent} subscribers")
        return
    with publisher.acquire(len(piece), timeout=TIMEOUT) as frame:
        with memoryview(frame) as view:
            view[:] = piece
        frame.pts = number
        frame.offset = number


def send_buffers(address, count):
    """The publisher of buffers."""
    tally = sequence.Tally()
    with tachyon.Publisher(address, sequence.BUFFER_CAPS) as publisher:
        publisher.wait_for_subscribers(1, timeout=CONNECT)
        for number in range(count):
            piece = sequence.message(number)
            tally.add(piece)
            send_buffer(publisher, piece, number)
        publisher.send_eos()
    return tally


def receive_buffers(address, count):
    """The subscriber of buffers."""
    tally = sequence.Tally()
    with tachyon.Subscriber(address, timeout=CONNECT) as subscriber:
        for frame in subscriber:
            with frame:
                check(frame.caps.media_type == sequence.BUFFER_CAPS,
                      f"these caps came: {frame.caps}")
                check_number(tally, count, "buffer", "pts", tally.count, frame.pts)
                check_number(tally, count, "buffer", "offset", tally.count, frame.offset)
                with memoryview(frame) as view:
                    check_content(tally, view)
        check_end(tally, count, subscriber.end, "eos")
    return tally


def rows_of(layout):
    """Slices of a picture: row after row, plane after plane."""
    places = [plane[:2] for plane in sequence.PLANES]
    if layout:
        check((layout.width, layout.height) == (322, 242), f"this layout came: {layout}")
        places = list(zip(layout.offsets, layout.strides, strict=True))
    return [slice(offset + row * stride, offset + row * stride + width)
            for (offset, stride), (_, _, width, height) in zip(places, sequence.PLANES, strict=True)
            for row in range(height)]


def send_frame(publisher, pixels, number):
    """Copied by the library, or written in place, in turn."""
    times = {"pts": sequence.pts(number), "duration": sequence.duration(number)}
    begin = 0
    picture = bytearray(sequence.PICTURE_SIZE)
    for row in rows_of(None):
        end = begin + row.stop - row.start
        picture[row] = pixels[begin:end]
        begin = end
    if number % 2 == 1:
        sent = publisher.send(picture, **times, timeout=TIMEOUT)
        check(sent == 1, f"frame {number} went to {sent} subscribers")
        return
    with publisher.acquire(timeout=TIMEOUT) as frame:
        with memoryview(frame) as view:
            view[:] = picture
        frame.pts = times["pts"]
        frame.duration = times["duration"]


def send_frames(address, count):
    """The publisher of video."""
    tally = sequence.Tally()
    with tachyon.Publisher(address, sequence.FRAME_CAPS) as publisher:
        publisher.wait_for_subscribers(1, timeout=CONNECT)
        for number in range(count):
            pixels = sequence.picture(number)
            tally.add(pixels)
            send_frame(publisher, pixels, number)
        publisher.send_eos()
    return tally


def check_frame_caps(caps):
    """See that the video is what it should be."""
    found = (caps.media_type, caps["format"], caps["width"], caps["height"], caps["framerate"])
    expected = ("video/x-raw", "I420", 322, 242, fractions.Fraction(30000, 1001))
    check(found == expected, f"these caps came: {caps}")


def check_picture(tally, frame):
    """See that these are the pixels of frame tally.count, and count them."""
    expected = sequence.picture(tally.count)
    with memoryview(frame) as view:
        check(view.nbytes >= sequence.PICTURE_SIZE,
              f"frame {tally.count}: {view.nbytes} bytes came")
        pixels = b"".join(view[row] for row in rows_of(frame.layout))
    check(pixels == expected, f"frame {tally.count}: its pixels are wrong")
    if numpy:
        planes = b"".join(plane.tobytes() for plane in frame.planes)
        check(planes == expected, f"frame {tally.count}: its planes are wrong")
    tally.add(pixels)


def receive_frames(address, count):
    """The subscriber of video."""
    tally = sequence.Tally()
    with tachyon.Subscriber(address, timeout=CONNECT) as subscriber:
        for frame in subscriber:
            with frame:
                check_frame_caps(frame.caps)
                check_number(tally, count, "frame", "pts", sequence.pts(tally.count), frame.pts)
                check_number(tally, count, "frame", "duration", sequence.duration(tally.count),
                             frame.duration)
                check_picture(tally, frame)
        check_end(tally, count, subscriber.end, "eos")
    return tally


# --- the command line ---

USAGE = """\
interop_python.py send-messages|receive-messages ADDRESS COUNT [listen|connect]
interop_python.py send-buffers|receive-buffers|send-frames|receive-frames ADDRESS COUNT"""

COMMANDS = {
    "send-messages": send_messages,
    "receive-messages": receive_messages,
    "send-buffers": send_buffers,
    "receive-buffers": receive_buffers,
    "send-frames": send_frames,
    "receive-frames": receive_frames,
}


def main(arguments):
    """Do what the command line says."""
    if len(arguments) not in (3, 4) or arguments[0] not in COMMANDS:
        print(USAGE, file=sys.stderr)
        return 2
    command, address, count, *role = arguments
    options = []
    if command.endswith("-messages"):
        options = [role[0] == "listen" if role else command == "receive-messages"]
    try:
        tally = COMMANDS[command](address, int(count), *options)
    except (OSError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(tally.line(command.split("-")[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
