# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Received messages as tensors: DLPack capsules, and how NumPy and torch take them.

Of DLPack: https://dmlc.github.io/dlpack/latest/ and the Python array API's __dlpack__.
"""

import ctypes
import gc
import threading

import pytest
from support import in_thread, run_program

CPU = (1, 0)
CUDA = (2, 0)
UINT = 1
FLAG_READ_ONLY = 1
FLAG_IS_COPIED = 2

Destroy = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Tensor(ctypes.Structure):
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


class Managed(ctypes.Structure):
    _fields_ = [
        ("tensor", Tensor),
        ("context", ctypes.c_void_p),
        ("destroy", ctypes.c_void_p),
    ]


class ManagedVersioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("destroy", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


capsule_name = ctypes.pythonapi.PyCapsule_GetName
capsule_name.restype = ctypes.c_char_p
capsule_name.argtypes = [ctypes.py_object]
capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
capsule_pointer.restype = ctypes.c_void_p
capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
capsule_set_name = ctypes.pythonapi.PyCapsule_SetName
capsule_set_name.restype = ctypes.c_int
capsule_set_name.argtypes = [ctypes.py_object, ctypes.c_char_p]

USED = {b"dltensor": b"used_dltensor", b"dltensor_versioned": b"used_dltensor_versioned"}
KINDS = {b"dltensor": Managed, b"dltensor_versioned": ManagedVersioned}


def look_into(capsule):
    """The structure that a capsule points to."""
    name = capsule_name(capsule)
    managed = KINDS[name].from_address(capsule_pointer(capsule, name))
    managed.capsule = capsule
    return managed


def consume(capsule):
    """Take what a capsule has, as a library does: whoever did must call destroy."""
    managed = look_into(capsule)
    capsule_set_name(capsule, USED[capsule_name(capsule)])
    del managed.capsule
    return managed


def destroy(managed):
    Destroy(managed.destroy)(ctypes.addressof(managed))


def content(tensor):
    return ctypes.string_at(tensor.data + tensor.byte_offset, tensor.shape[0])


@pytest.fixture(params=["guard", "message"])
def received(request, pair):
    """A message received, as a guard, and as an element of a batch: (what to export, its owner)."""
    near, far = pair
    near.send(b"content", 7)
    if request.param == "guard":
        guard = far.recv_zero_copy()
        return guard, guard
    batch = far.drain_batch()
    return batch[0], batch


@pytest.fixture
def message(received):
    return received[0]


@pytest.fixture
def owner(received):
    return received[1]


# --- capsules ---


def test_the_device_is_the_cpu(message):
    assert message.__dlpack_device__() == CPU


@pytest.mark.parametrize("arguments", [{}, {"max_version": None}, {"max_version": (0, 8)}])
def test_a_consumer_of_old_gets_a_legacy_capsule(arguments, message):
    capsule = message.__dlpack__(**arguments)

    assert capsule_name(capsule) == b"dltensor"
    tensor = look_into(capsule).tensor
    assert (tensor.device_type, tensor.device_id) == CPU
    assert (tensor.code, tensor.bits, tensor.lanes) == (UINT, 8, 1)
    assert (tensor.ndim, tensor.shape[0]) == (1, 7)
    assert not tensor.strides or tensor.strides[0] == 1
    assert content(tensor) == b"content"


@pytest.mark.parametrize("version", [(1, 0), (1, 1), (1, 99), (2, 0)])
def test_a_consumer_of_version_1_gets_a_versioned_capsule(version, message):
    capsule = message.__dlpack__(max_version=version)

    assert capsule_name(capsule) == b"dltensor_versioned"
    managed = look_into(capsule)
    assert managed.major == 1
    assert (managed.major, managed.minor) <= version
    tensor = managed.tensor
    assert (tensor.device_type, tensor.device_id) == CPU
    assert (tensor.code, tensor.bits, tensor.lanes) == (UINT, 8, 1)
    assert (tensor.ndim, tensor.shape[0]) == (1, 7)
    assert content(tensor) == b"content"


def test_received_memory_is_flagged_read_only(message):
    capsule = message.__dlpack__(max_version=(1, 0))
    assert look_into(capsule).flags & (FLAG_READ_ONLY | FLAG_IS_COPIED) == FLAG_READ_ONLY


def test_copy_false_never_copies(message):
    capsule = message.__dlpack__(max_version=(1, 0), copy=False)
    assert look_into(capsule).flags & (FLAG_READ_ONLY | FLAG_IS_COPIED) == FLAG_READ_ONLY


def test_copy_true_always_copies(message, owner):
    capsule = message.__dlpack__(max_version=(1, 0), copy=True)
    managed = look_into(capsule)
    assert managed.flags & (FLAG_READ_ONLY | FLAG_IS_COPIED) == FLAG_IS_COPIED
    assert content(managed.tensor) == b"content"

    # A copy holds nothing, and is its consumer's own.
    owner.release()
    assert content(managed.tensor) == b"content"
    ctypes.memset(managed.tensor.data, 0, 7)


def test_a_legacy_copy_holds_nothing_either(message, owner):
    capsule = message.__dlpack__(copy=True)
    assert capsule_name(capsule) == b"dltensor"
    owner.release()
    assert content(look_into(capsule).tensor) == b"content"


def test_a_copy_is_apart_from_what_was_received(message):
    managed = look_into(message.__dlpack__(max_version=(1, 0), copy=True))
    ctypes.memset(managed.tensor.data, 0, 7)
    assert message.data == b"content"


@pytest.mark.parametrize("arguments", [{}, {"max_version": (1, 0)}])
def test_the_device_asked_for_is_the_cpu(arguments, message):
    capsule = message.__dlpack__(dl_device=CPU, **arguments)
    assert content(look_into(capsule).tensor) == b"content"
    message.__dlpack__(dl_device=None, **arguments)


@pytest.mark.parametrize("device", [CUDA, (1, 1), (13, 0)])
def test_another_device_is_a_buffer_error(device, message, owner):
    for arguments in ({}, {"max_version": (1, 0)}, {"copy": True}):
        with pytest.raises(BufferError):
            message.__dlpack__(dl_device=device, **arguments)
    owner.release()


def test_a_stream_makes_no_sense_on_the_cpu(message, owner):
    assert capsule_name(message.__dlpack__(stream=None)) == b"dltensor"
    for stream in (0, 1, 2, -1, "1"):
        with pytest.raises((BufferError, ValueError, TypeError)):
            message.__dlpack__(stream=stream)
    gc.collect()
    owner.release()


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_version": 1},
        {"max_version": (1,)},
        {"max_version": (1, 0, 0)},
        {"max_version": ("1", 0)},
        {"max_version": (1 << 70, 0)},
        {"dl_device": 1},
        {"dl_device": (1,)},
        {"dl_device": ("cpu", 0)},
        {"other": 1},
    ],
)
def test_arguments_are_checked(arguments, message, owner):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        message.__dlpack__(**arguments)
    owner.release()


def test_arguments_are_by_name_only(message):
    with pytest.raises(TypeError):
        message.__dlpack__(None)


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_while_a_capsule_lives_the_memory_cannot_be_released(version, message, owner):
    capsule = message.__dlpack__(max_version=version)
    with pytest.raises(BufferError):
        owner.release()
    assert content(look_into(capsule).tensor) == b"content"
    del capsule
    owner.release()


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_capsule_never_consumed_is_no_leak(version, message, owner):
    for _ in range(100):
        message.__dlpack__(max_version=version)
        message.__dlpack__(max_version=version, copy=True)
    owner.release()


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_capsule_consumed_hands_over_the_memory(version, message, owner):
    capsule = message.__dlpack__(max_version=version)
    managed = consume(capsule)
    del capsule
    gc.collect()
    with pytest.raises(BufferError):
        owner.release()
    assert content(managed.tensor) == b"content"
    destroy(managed)
    owner.release()


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_tensor_may_end_in_another_thread(version, copy, message, owner):
    managed = consume(message.__dlpack__(max_version=version, copy=copy))
    in_thread(destroy, managed).result()
    owner.release()


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_tensor_may_end_in_a_thread_that_python_does_not_know(version, copy, message, owner):
    managed = consume(message.__dlpack__(max_version=version, copy=copy))
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    started = libc.pthread_create(
        ctypes.byref(thread),
        None,
        ctypes.c_void_p(managed.destroy),
        ctypes.c_void_p(ctypes.addressof(managed)),
    )
    assert started == 0
    # ctypes lets go of the GIL meanwhile.
    assert libc.pthread_join(thread, None) == 0
    owner.release()


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_tensor_outlives_guard_and_bus(version, path):
    assert (
        run_program(
            """
        import ctypes, gc, sys, tachyon
        from support import in_thread
        from test_dlpack import consume, content, destroy

        listening = in_thread(tachyon.Bus.listen, sys.argv[1])
        near = tachyon.Bus.connect(sys.argv[1])
        far = listening.result()
        del listening
        near.send(b"content")
        managed = consume(far.recv_zero_copy().__dlpack__(max_version=eval(sys.argv[2])))
        far.close()
        del far
        near.close()
        gc.collect()
        assert content(managed.tensor) == b"content"
        ctypes.memset(managed.tensor.data, 0, 7)
        destroy(managed)
        gc.collect()
        with open("/proc/self/maps") as maps:
            print("left:", sum("memfd:" in line for line in maps))
        """,
            path,
            version,
        )
        == "left: 0\n"
    )


def test_an_empty_message_is_an_empty_tensor(pair):
    near, far = pair
    near.send(b"")
    with far.recv_zero_copy() as guard:
        for version in (None, (1, 0)):
            tensor = look_into(guard.__dlpack__(max_version=version)).tensor
            assert (tensor.ndim, tensor.shape[0]) == (1, 0)
            del tensor


def test_large_messages_are_64_byte_aligned(pair):
    near, far = pair
    for size in (49, 64, 100, 30_000):
        near.send(bytes(size))
        with far.recv_zero_copy() as guard:
            tensor = look_into(guard.__dlpack__()).tensor
            assert (tensor.data + tensor.byte_offset) % 64 == 0
            del tensor


def test_small_messages_are_16_byte_aligned(pair):
    near, far = pair
    for size in (1, 16, 48):
        near.send(bytes(size))
        with far.recv_zero_copy() as guard:
            tensor = look_into(guard.__dlpack__()).tensor
            assert (tensor.data + tensor.byte_offset) % 16 == 0
            del tensor


# --- libraries ---


def test_numpy_from_dlpack(message, owner):
    numpy = pytest.importorskip("numpy")
    array = numpy.from_dlpack(message)
    assert array.tobytes() == b"content"
    with pytest.raises(BufferError):
        owner.release()
    del array
    owner.release()


def test_torch_from_dlpack(message, owner):
    torch = pytest.importorskip("torch")
    tensor = torch.from_dlpack(message)
    assert (tensor.dtype, tuple(tensor.shape)) == (torch.uint8, (7,))
    assert bytes(tensor.tolist()) == b"content"
    part = tensor[2:]
    del tensor
    with pytest.raises(BufferError):
        owner.release()
    del part
    owner.release()


def test_torch_tensors_that_end_in_another_thread(pair):
    torch = pytest.importorskip("torch")
    near, far = pair
    tensors = []
    for index in range(200):
        near.send(bytes([index]) * 100)
        tensors.append(torch.from_dlpack(far.recv_zero_copy()))

    def drop():
        while tensors:
            try:
                tensor = tensors.pop()
            except IndexError:
                break
            assert len(set(tensor.tolist())) == 1

    threads = [threading.Thread(target=drop) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    near.send(bytes(60_000), timeout=0)


def test_rx_messages_are_tensors_of_numbers(pair):
    torch = pytest.importorskip("torch")
    near, far = pair
    values = torch.arange(1000, dtype=torch.float32)
    near.send(values.numpy())
    with far.drain_batch() as batch:
        tensor = torch.from_dlpack(batch[0]).view(torch.float32)
        assert torch.equal(tensor, values)
        del tensor
