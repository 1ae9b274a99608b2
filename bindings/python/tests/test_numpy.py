# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Frames as NumPy arrays: shape, strides and type from the caps, over the same memory."""

import gc

import pytest
import tachyon
from media import PACKED, PLANAR, address_of, pattern, picture_caps, planes_of, sound_caps
from support import PATIENCE

numpy = pytest.importorskip("numpy")

#: Of which 33 x 25 has padding behind its lines, and half a pixel of chroma.
SIZES = [(64, 48), (33, 25), (1, 1), (2, 3)]

SOUNDS = {
    "U8": "u1",
    "S8": "i1",
    "S16LE": "<i2",
    "U16LE": "<u2",
    "S16BE": ">i2",
    "S32LE": "<i4",
    "F32LE": "<f4",
    "F32BE": ">f4",
    "F64LE": "<f8",
}


@pytest.fixture
def receive(publish, subscribe):
    """Sends a frame and receives it."""
    publisher = publish()
    subscriber = subscribe()

    def send_and_receive(caps, data, **options):
        publisher.caps = caps
        publisher.send(data, **options)
        return subscriber.recv(PATIENCE)

    send_and_receive.publisher = publisher
    send_and_receive.subscriber = subscriber
    return send_and_receive


def is_within(array, frame) -> bool:
    """Whether an array lies in the memory that the frame's first plane begins."""
    begin = address_of(frame)
    low, high = numpy.lib.array_utils.byte_bounds(array) if hasattr(
        numpy.lib, "array_utils"
    ) else numpy.byte_bounds(array)
    return begin <= low and high <= begin + frame.size


# --- packed video ---


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("name", PACKED)
def test_packed_video_is_height_x_width_x_channels(receive, name, width, height):
    (plane,), size = planes_of(name, width, height)
    data = pattern(size)

    frame = receive(picture_caps(name, width, height), data)
    array = numpy.asarray(frame)

    assert array.shape == (height, width, PACKED[name][1])
    assert array.dtype == PACKED[name][2]
    assert height == 1 or array.strides[0] == plane.stride
    assert numpy.array_equal(array, plane.pixels(data))
    assert frame.size == size


@pytest.mark.parametrize("name", PACKED)
def test_packed_video_is_one_plane_alone(receive, name):
    (plane,), size = planes_of(name, 33, 25)
    data = pattern(size)

    frame = receive(picture_caps(name, 33, 25), data)

    (array,) = frame.planes
    assert isinstance(array, numpy.ndarray)
    assert array.strides[0] == plane.stride
    assert numpy.array_equal(array.reshape(25, 33, -1), plane.pixels(data))
    assert numpy.shares_memory(array, numpy.asarray(frame))


# --- planar video ---


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("name", PLANAR)
def test_planar_video_has_one_array_a_plane_with_its_stride(receive, name, width, height):
    planes, size = planes_of(name, width, height)
    data = pattern(size)

    arrays = receive(picture_caps(name, width, height), data).planes

    assert len(arrays) == len(planes)
    for array, plane in zip(arrays, planes, strict=True):
        expected = plane.view(data)
        assert array.shape == expected.shape
        assert array.dtype == plane.dtype
        assert array.shape[0] == 1 or array.strides[0] == plane.stride
        assert numpy.array_equal(array, expected)


@pytest.mark.parametrize("name", PLANAR)
def test_planar_video_as_one_array_is_bytes(receive, name):
    _, size = planes_of(name, 33, 25)
    array = numpy.asarray(receive(picture_caps(name, 33, 25), pattern(size)))

    assert (array.dtype, array.shape) == (numpy.uint8, (size,))
    assert array.tobytes() == pattern(size)


def test_planes_lie_where_the_layout_says(publish, subscribe):
    publisher = publish(picture_caps("I420", 33, 25))
    publisher.layout = tachyon.Layout(33, 25, (128, 2048, 4096), (64, 48, 32))
    subscriber = subscribe()
    data = pattern(8192)
    publisher.send(data)

    luma, first, second = subscriber.recv(PATIENCE).planes

    assert (luma.shape, luma.strides) == ((25, 33), (64, 1))
    assert (first.shape, first.strides) == ((13, 17), (48, 1))
    assert (second.shape, second.strides) == ((13, 17), (32, 1))
    for array, offset, stride in ((luma, 128, 64), (first, 2048, 48), (second, 4096, 32)):
        rows = [data[offset + row * stride :][: array.shape[1]] for row in range(len(array))]
        assert array.tobytes() == b"".join(rows)


# --- audio ---


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("name", SOUNDS)
def test_audio_is_samples_x_channels(receive, name, channels):
    dtype = numpy.dtype(SOUNDS[name])
    sound = (numpy.arange(441 * channels) * 57 % 120).astype(dtype).reshape(441, channels)

    array = numpy.asarray(receive(sound_caps(name, channels), sound.tobytes()))

    assert array.shape == (441, channels)
    assert array.dtype == dtype
    assert numpy.array_equal(array, sound)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("name", SOUNDS)
def test_audio_that_is_not_interleaved_has_one_array_a_channel(receive, name, channels):
    dtype = numpy.dtype(SOUNDS[name])
    sound = (numpy.arange(441 * channels) * 57 % 120).astype(dtype).reshape(channels, 441)

    frame = receive(sound_caps(name, channels, "non-interleaved"), sound.tobytes())

    assert len(frame.planes) == channels
    for array, channel in zip(frame.planes, sound, strict=True):
        assert array.dtype == dtype
        assert numpy.array_equal(array, channel)
    whole = numpy.asarray(frame)
    assert whole.shape in [(441, channels), (sound.nbytes,)]
    assert whole.ndim == 1 or numpy.array_equal(whole, sound.T)


def test_interleaved_audio_is_one_plane_alone(receive):
    sound = numpy.arange(882, dtype="<i2").reshape(441, 2)

    (array,) = receive(sound_caps("S16LE", 2), sound.tobytes()).planes

    assert numpy.array_equal(array, sound)


@pytest.mark.parametrize("length", [0, 4, 4 * 100])
def test_audio_has_as_many_samples_as_its_payload(receive, length):
    array = numpy.asarray(receive(sound_caps("S16LE", 2), pattern(length)))

    assert array.size * array.itemsize == length
    assert length == 0 or array.shape == (length // 4, 2)


def test_half_a_sample_is_not_read_beyond(receive):
    frame = receive(sound_caps("S16LE", 2), pattern(403))

    assert numpy.asarray(frame).nbytes <= 403
    assert frame.data == pattern(403)


# --- anything else ---


def test_anything_else_is_bytes(receive):
    array = numpy.asarray(receive("image/jpeg, width=33, height=25", pattern(5000)))

    assert (array.shape, array.dtype) == ((5000,), numpy.uint8)
    assert array.tobytes() == pattern(5000)


# --- the same memory ---


@pytest.mark.parametrize(
    "caps, size",
    [
        (picture_caps("RGB", 33, 25), 2500),
        (picture_caps("I420", 33, 26), 36 * 26 + 2 * 20 * 13),
        (sound_caps("S16LE", 2), 4000),
        ("image/jpeg", 4000),
        ("image/jpeg", 200),
    ],
)
def test_arrays_lie_in_the_memory_of_the_frame(receive, caps, size):
    frame = receive(caps, pattern(size))

    first, second = numpy.asarray(frame), numpy.asarray(frame)
    assert address_of(first) == address_of(second)
    assert numpy.shares_memory(first, second)
    assert not first.flags.owndata
    assert is_within(first, frame)
    for plane in frame.planes:
        assert is_within(plane, frame)
        assert not plane.flags.owndata
    again = frame.planes
    assert address_of(again[0]) == address_of(frame.planes[0])


def test_memory_of_a_received_frame_is_the_publishers(receive):
    # Not a copy: mapped from the publisher's memory file.
    frame = receive("image/jpeg", pattern(100_000))

    address = address_of(frame)
    with open("/proc/self/maps", encoding="ascii") as maps:
        for line in maps:
            begin, end = (int(number, 16) for number in line.split()[0].split("-"))
            if begin <= address < end:
                assert "memfd:" in line
                return
    raise AssertionError("not mapped")


@pytest.mark.parametrize("caps", [picture_caps("RGB", 33, 25), picture_caps("NV12", 33, 25)])
def test_arrays_of_a_received_frame_are_read_only(receive, caps):
    frame = receive(caps, pattern(2500))

    for array in (numpy.asarray(frame), *frame.planes):
        assert not array.flags.writeable
        with pytest.raises(ValueError):
            array[...] = 0
        with pytest.raises(ValueError):
            array.flags.writeable = True


@pytest.mark.parametrize("name", [*PACKED, *PLANAR])
def test_arrays_of_an_acquired_frame_are_writable(publish, subscribe, name):
    planes, size = planes_of(name, 33, 25)
    publisher = publish(picture_caps(name, 33, 25))
    subscriber = subscribe()
    picture = [
        (numpy.arange(plane.height * plane.width * plane.components) * 3 % 251)
        .astype(plane.dtype)
        .reshape(plane.height, plane.width, plane.components)
        for plane in planes
    ]

    with publisher.acquire() as frame:
        assert frame.size == size
        for array, content in zip(frame.planes, picture, strict=True):
            assert array.flags.writeable
            array[...] = content.reshape(array.shape)
        del array

    received = subscriber.recv(PATIENCE)
    for plane, content in zip(planes, picture, strict=True):
        assert numpy.array_equal(plane.pixels(received.data), content)


def test_a_picture_can_be_assigned_to_an_acquired_frame(publish, subscribe):
    publisher = publish(picture_caps("BGRx", 33, 25))
    subscriber = subscribe()
    picture = numpy.random.default_rng(1).integers(0, 256, (25, 33, 4), dtype="u1")

    with publisher.acquire() as frame:
        numpy.asarray(frame)[:] = picture

    assert numpy.array_equal(numpy.asarray(subscriber.recv(PATIENCE)), picture)


def test_a_contiguous_array_can_be_sent(publish, subscribe):
    publisher = publish(picture_caps("RGB", 32, 24))
    subscriber = subscribe()
    picture = numpy.random.default_rng(2).integers(0, 256, (24, 32, 3), dtype="u1")

    publisher.send(picture)

    assert numpy.array_equal(numpy.asarray(subscriber.recv(PATIENCE)), picture)
    with pytest.raises((BufferError, ValueError)):
        publisher.send(picture[:, ::2])


def test_a_received_frame_can_be_sent_on(publish, subscribe, folder):
    publisher = publish(picture_caps("BGRx", 33, 25))
    subscriber = subscribe()
    publisher.send(pattern(33 * 25 * 4))
    with tachyon.Publisher(folder + "/second", publisher.caps) as second:
        with tachyon.Subscriber(folder + "/second") as far:
            second.send(subscriber.recv(PATIENCE))
            assert far.recv(PATIENCE).data == pattern(33 * 25 * 4)


# --- arrays and the life of the frame ---


def test_release_while_an_array_lives_is_a_buffer_error(receive):
    frame = receive(picture_caps("NV12", 33, 25), pattern(2500))

    array = numpy.asarray(frame)
    with pytest.raises(BufferError):
        frame.release()
    del array
    planes = frame.planes
    with pytest.raises(BufferError):
        frame.release()
    part = planes[1][2:4, 1:3]
    del planes
    with pytest.raises(BufferError):
        frame.release()
    del part
    frame.release()


LOOKS = {
    "array": numpy.asarray,
    "plane": lambda frame: frame.planes[0],
    "slice": lambda frame: frame.planes[0][:, :],
    "view": lambda frame: numpy.asarray(frame).view("u2").view("u1"),
}


@pytest.mark.parametrize("kind", LOOKS)
def test_an_array_keeps_the_memory_when_all_else_is_dropped(path, kind):
    publisher = tachyon.Publisher(path, picture_caps("I420", 64, 48))
    subscriber = tachyon.Subscriber(path)
    data = pattern(64 * 48 * 3 // 2)
    publisher.send(data)
    frame = subscriber.recv(PATIENCE)
    array = LOOKS[kind](frame)
    publisher.send(bytes(len(data)))
    publisher.close()
    subscriber.close()
    del frame, publisher, subscriber
    gc.collect()

    assert array.tobytes() == data[: array.size]


def test_planes_of_an_acquired_frame_keep_commit_away(publish, subscribe):
    publisher = publish(picture_caps("I420", 64, 48))
    subscriber = subscribe()
    frame = publisher.acquire()
    planes = frame.planes
    with pytest.raises(BufferError):
        frame.commit()
    del planes
    frame.commit()
    assert subscriber.recv(PATIENCE).size == 64 * 48 * 3 // 2


def test_arrays_through_dlpack(receive):
    if not hasattr(numpy, "from_dlpack"):
        pytest.skip("this numpy has no from_dlpack")
    frame = receive(picture_caps("RGB", 33, 25), pattern(2500))

    array = numpy.from_dlpack(frame)
    assert numpy.array_equal(array, numpy.asarray(frame))
    assert address_of(array) == address_of(frame)
    with pytest.raises(BufferError):
        frame.release()
    del array
    frame.release()
