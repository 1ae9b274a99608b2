# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Frames as torch tensors, and DLPack, which they come through."""

import ctypes
import gc

import pytest
import tachyon
from media import address_of, pattern, picture_caps, planes_of, sound_caps
from support import PATIENCE, run_program

numpy = pytest.importorskip("numpy")


@pytest.fixture
def receive(publish, subscribe):
    """Sends a frame and receives it."""
    publisher = publish()
    subscriber = subscribe()

    def send_and_receive(data, caps="image/jpeg"):
        publisher.caps = caps
        publisher.send(data)
        return subscriber.recv(PATIENCE)

    send_and_receive.subscriber = subscriber
    return send_and_receive


# --- DLPack ---


class Tensor(ctypes.Structure):
    """DLTensor of dlpack.h."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class Versioned(ctypes.Structure):
    """DLManagedTensorVersioned of dlpack.h."""

    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


READ_ONLY, IS_COPIED = 1, 2


def pointer_of(capsule, name: bytes) -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get(capsule, name)


def opened(capsule) -> Versioned:
    return Versioned.from_address(pointer_of(capsule, b"dltensor_versioned"))


def test_a_frame_lies_on_the_cpu(receive):
    assert receive(pattern(100)).__dlpack_device__() == (1, 0)


def test_without_a_version_the_capsule_is_the_legacy_one(receive):
    frame = receive(pattern(2500), picture_caps("RGB", 33, 25))

    for capsule in (frame.__dlpack__(), frame.__dlpack__(max_version=(0, 8))):
        tensor = Tensor.from_address(pointer_of(capsule, b"dltensor"))
        assert tensor.data + tensor.byte_offset == address_of(frame)
        assert tensor.shape[: tensor.ndim] == [25, 33, 3]


@pytest.mark.parametrize("max_version", [(1, 0), (1, 1), (2, 0)])
def test_with_version_1_the_capsule_says_that_it_is_read_only(receive, max_version):
    frame = receive(pattern(2500), picture_caps("RGB", 33, 25))

    capsule = frame.__dlpack__(max_version=max_version, copy=None, dl_device=None, stream=None)

    tensor = opened(capsule)
    assert tensor.major == 1
    assert tensor.flags & READ_ONLY
    assert not tensor.flags & IS_COPIED
    assert tensor.tensor.data + tensor.tensor.byte_offset == address_of(frame)
    assert (tensor.tensor.device_type, tensor.tensor.device_id) == (1, 0)
    assert tensor.tensor.shape[:3] == [25, 33, 3]
    assert tensor.tensor.strides[:3] == [100, 3, 1]
    assert (tensor.tensor.code, tensor.tensor.bits, tensor.tensor.lanes) == (1, 8, 1)


@pytest.mark.parametrize(
    "name, code, bits", [("S16LE", 0, 16), ("U8", 1, 8), ("F32LE", 2, 32), ("F64LE", 2, 64)]
)
def test_the_type_is_that_of_the_caps(receive, name, code, bits):
    frame = receive(pattern(bits // 8 * 2 * 10), sound_caps(name, 2))

    capsule = frame.__dlpack__(max_version=(1, 0))

    tensor = opened(capsule).tensor
    assert (tensor.code, tensor.bits, tensor.lanes) == (code, bits, 1)
    # Strides count elements.
    assert tensor.shape[:2] == [10, 2]
    assert tensor.strides[:2] == [2, 1]


def test_an_acquired_frame_is_not_read_only(publish):
    frame = publish().acquire(1000)

    assert not opened(frame.__dlpack__(max_version=(1, 0))).flags & READ_ONLY


def test_what_dlpack_cannot_say_is_a_buffer_error(receive):
    frame = receive(pattern(2500), picture_caps("GRAY16_BE", 33, 25))

    with pytest.raises(BufferError):
        frame.__dlpack__(max_version=(1, 0))


def test_a_copy_is_a_copy(receive):
    frame = receive(pattern(2500), picture_caps("RGB", 33, 25))

    capsule = frame.__dlpack__(max_version=(1, 0), copy=True)
    tensor = opened(capsule)

    assert tensor.flags & IS_COPIED
    assert not tensor.flags & READ_ONLY
    begin = tensor.tensor.data + tensor.tensor.byte_offset
    assert not address_of(frame) <= begin < address_of(frame) + 2500
    assert tensor.tensor.shape[:3] == [25, 33, 3]
    # It does not hold the frame.
    frame.release()
    strides = tensor.tensor.strides[:3]
    last = begin + 24 * strides[0] + 32 * strides[1] + 2 * strides[2]
    assert ctypes.c_uint8.from_address(last).value == pattern(2500)[24 * 100 + 32 * 3 + 2]


def test_other_devices_and_streams_are_refused(receive):
    frame = receive(pattern(100))

    frame.__dlpack__(dl_device=(1, 0), copy=False)
    with pytest.raises(BufferError):
        frame.__dlpack__(dl_device=(2, 0))
    with pytest.raises((BufferError, ValueError, TypeError)):
        frame.__dlpack__(stream=7)
    with pytest.raises(TypeError):
        frame.__dlpack__(None)
    with pytest.raises(TypeError):
        frame.__dlpack__(max_version=1)
    frame.release()


@pytest.mark.parametrize("max_version", [None, (1, 0)])
def test_a_capsule_that_nobody_took_gives_the_memory_back(receive, max_version):
    frame = receive(pattern(1000))
    capsule = frame.__dlpack__(max_version=max_version)

    with pytest.raises(BufferError):
        frame.release()
    del capsule
    frame.release()
    assert receive.subscriber.stats().held == 0


# --- torch ---


def test_a_tensor_is_the_memory_of_the_frame(receive):
    torch = pytest.importorskip("torch")
    (plane,), size = planes_of("RGB", 33, 25)
    frame = receive(pattern(size), picture_caps("RGB", 33, 25))

    tensor = torch.from_dlpack(frame)

    assert tensor.shape == (25, 33, 3)
    assert tensor.stride() == (100, 3, 1)
    assert tensor.dtype == torch.uint8
    assert tensor.data_ptr() == address_of(frame)
    assert numpy.array_equal(tensor.numpy(), plane.pixels(pattern(size)))


@pytest.mark.parametrize("name, dtype", [("S16LE", "int16"), ("F32LE", "float32")])
def test_audio_is_a_tensor_of_samples_x_channels(receive, name, dtype):
    torch = pytest.importorskip("torch")
    sound = (numpy.arange(882) % 100).astype(dtype).reshape(441, 2)
    frame = receive(sound.tobytes(), sound_caps(name, 2))

    tensor = torch.from_dlpack(frame)

    assert tensor.dtype == getattr(torch, dtype)
    assert torch.equal(tensor, torch.from_numpy(sound))


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writ")
def test_from_numpy_is_the_memory_of_the_frame(receive):
    torch = pytest.importorskip("torch")
    frame = receive(pattern(2500), picture_caps("RGB", 33, 25))

    tensor = torch.from_numpy(numpy.asarray(frame))

    assert tensor.data_ptr() == address_of(frame)
    assert numpy.array_equal(tensor.numpy(), numpy.asarray(frame))


def test_release_while_a_tensor_lives_is_a_buffer_error(receive):
    torch = pytest.importorskip("torch")
    frame = receive(pattern(1000))

    tensor = torch.from_dlpack(frame)
    with pytest.raises(BufferError):
        frame.release()
    part = tensor[10:20]
    del tensor
    with pytest.raises(BufferError):
        frame.release()
    assert bytes(part.tolist()) == pattern(1000)[10:20]
    del part
    frame.release()


def test_a_tensor_keeps_the_memory_when_all_else_is_dropped(path):
    torch = pytest.importorskip("torch")
    publisher = tachyon.Publisher(path)
    subscriber = tachyon.Subscriber(path)
    publisher.send(pattern(100_000))
    tensor = torch.from_dlpack(subscriber.recv(PATIENCE))
    publisher.close()
    subscriber.close()
    del publisher, subscriber
    gc.collect()

    assert bytes(tensor.tolist()) == pattern(100_000)


def test_an_acquired_frame_can_be_filled_by_a_tensor(publish, subscribe):
    torch = pytest.importorskip("torch")
    publisher = publish(picture_caps("RGB", 33, 25))
    subscriber = subscribe()
    picture = torch.randint(0, 256, (25, 33, 3), dtype=torch.uint8)

    with publisher.acquire() as frame:
        torch.from_dlpack(frame)[:] = picture

    assert torch.equal(torch.from_dlpack(subscriber.recv(PATIENCE)), picture)


def test_what_is_written_to_a_tensor_stays_in_it_and_is_lost_with_the_frame(path):
    pytest.importorskip("torch")
    # In a process of its own: it might crash.
    run_program(
        """
        import sys, torch, tachyon
        for size in (200, 75_000, 700_000):
            # Few blocks, used over and over.
            publisher = tachyon.Publisher(sys.argv[1], max_bytes=1 << 20, max_buffers=1)
            first, second = tachyon.Subscriber(sys.argv[1]), tachyon.Subscriber(sys.argv[1])
            addresses = set()
            for number in range(30):
                data = bytes([number]) * size
                publisher.send(data, timeout=20)
                scribbled, other = first.recv(20), second.recv(20)
                assert scribbled.data == data
                tensor = torch.from_dlpack(scribbled)
                addresses.add(tensor.data_ptr())
                tensor[number % 2 :: 2] = 0xEE
                assert other.data == data
                # One memory, however it is looked at.
                assert scribbled.data == bytes(memoryview(scribbled)) == bytes(tensor.numpy())
                assert scribbled.data.count(b"\\xee") == size // 2
                del tensor, scribbled, other
            assert size < 256 or len(addresses) < 20
            publisher.close()
        """,
        path,
    )


SCRIBBLE = """
    import sys, warnings, zlib, numpy, torch, tachyon
    warnings.simplefilter("ignore")
    kept = None
    for path in sys.argv[1:]:
        subscriber = tachyon.Subscriber(path, timeout=20)
        print("joined", flush=True)
        for frame in subscriber:
            # Nothing is left of what was written to this memory before.
            assert zlib.crc32(frame.data) == frame.offset, (path, frame.pts)
            if frame.pts % 2:
                tensor = torch.from_dlpack(frame)
            else:
                tensor = torch.from_numpy(numpy.asarray(frame))
            tensor.fill_(0xEE)
            assert int(tensor.sum()) == 0xEE * tensor.numel()
            if frame.pts % 3 == 0:
                # Reads on while its memory might be given to a later frame.
                if kept is not None:
                    assert int(kept.sum()) == 0xEE * kept.numel()
                kept = tensor
        print(frame.pts + 1, flush=True)
"""

READ = """
    import sys, zlib, tachyon
    for path in sys.argv[1:]:
        subscriber = tachyon.Subscriber(path, timeout=20)
        print("joined", flush=True)
        for frame in subscriber:
            assert zlib.crc32(frame.data) == frame.offset, (path, frame.pts)
        print(frame.pts + 1, flush=True)
"""


def test_scribbling_through_tensors_reaches_nobody_else(peer, path):
    import zlib

    pytest.importorskip("torch")
    sizes = {200: 200, 76_800: 150, 3_110_400: 30}
    paths = [f"{path}-{size}" for size in sizes]
    programs = [peer(SCRIBBLE, *paths), peer(READ, *paths)]

    for address, (size, count) in zip(paths, sizes.items(), strict=True):
        content = [pattern(size, number) for number in range(3)]
        sums = [zlib.crc32(data) for data in content]
        # Few blocks, so that each is used often.
        options = {"max_buffers": 2, "max_bytes": 8 * max(size, 4096)}
        with tachyon.Publisher(address, **options) as publisher:
            assert [program.line() for program in programs] == ["joined"] * 2
            for number in range(count):
                which = number % 3
                publisher.send(content[which], pts=number, offset=sums[which], timeout=PATIENCE)
            publisher.send_eos()
            assert [program.line() for program in programs] == [str(count)] * 2
    for program in programs:
        program.finish()


def test_no_tensor_outlives_its_memory_in_any_order_of_dropping(path):
    pytest.importorskip("torch")
    run_program(
        """
        import gc, itertools, sys, numpy, torch, tachyon
        names = ["publisher", "subscriber", "frame", "tensor", "part", "array"]
        data = bytes(range(250)) * 40
        # A collection looks at what comes now, not at all of torch.
        gc.freeze()
        for order in itertools.islice(itertools.permutations(names), 0, None, 7):
            held = {}
            held["publisher"] = tachyon.Publisher(sys.argv[1])
            held["subscriber"] = tachyon.Subscriber(sys.argv[1])
            held["publisher"].send(data)
            held["frame"] = held["subscriber"].recv(10)
            held["tensor"] = torch.from_dlpack(held["frame"])
            held["part"] = held["tensor"][100:200]
            held["array"] = held["part"].numpy()
            held["publisher"].send(bytes(len(data)))
            for name in order:
                del held[name]
                gc.collect()
                if "tensor" in held:
                    assert held["tensor"].numpy().tobytes() == data
                if "part" in held:
                    assert held["part"].numpy().tobytes() == data[100:200]
                if "array" in held:
                    assert held["array"].tobytes() == data[100:200]
        """,
        path,
    )


@pytest.mark.parametrize("size", [0, 1])
def test_a_tensor_of_a_frame_lets_go_of_it_also_where_it_is_empty(publish, subscribe, size):
    torch = pytest.importorskip("torch")
    publisher = publish()
    subscriber = subscribe()
    publisher.send(bytes(size))
    frame = subscriber.recv()
    tensor = torch.from_dlpack(frame)
    assert tensor.numel() == size
    del tensor
    frame.release()


def test_planes_that_run_backwards_are_no_tensor_and_no_crash(publish, subscribe):
    torch = pytest.importorskip("torch")
    publisher = publish("video/x-raw, format=RGBA, width=4, height=3, framerate=30/1")
    publisher.layout = tachyon.Layout(4, 3, (32,), (-16,))
    subscriber = subscribe()
    publisher.send(bytes(48))
    frame = subscriber.recv()
    assert numpy.asarray(frame).shape == (3, 4, 4)
    with pytest.raises(BufferError):
        torch.from_dlpack(frame)
