# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""DLPack and other protocols, both ways: tensors that are written, and streams that are tensors."""

import gc

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import filled  # noqa: E402
from support import is_sanitized  # noqa: E402

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")

#: NumPy 1.24 exports no bool and no long double; torch has no unsigned ones but uint8.
EXCHANGED = "bBhHiIlLefdFD"
TORCH = ("bool int8 uint8 int16 int32 int64 float16 float32 float64 complex64 complex128").split()


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


@pytest.fixture
def create(stream_name):
    def create(**options):
        streams.unlink(stream_name)
        return streams.create(stream_name, **options)

    return create


# --- a stream is a tensor of its newest value ---


def test_it_is_on_the_cpu(stream):
    assert stream.__dlpack_device__() == (1, 0)


@pytest.mark.parametrize("dtype", EXCHANGED)
def test_numpy_takes_a_stream(dtype, create):
    stream = create(shape=(3, 5), dtype=dtype)
    stream.write(np.arange(15).reshape(3, 5))
    value = np.from_dlpack(stream)
    assert value.dtype == np.dtype(dtype)
    assert value.tolist() == np.arange(15).reshape(3, 5).astype(dtype).tolist()


def test_it_is_a_snapshot(stream):
    stream.write(filled(1))
    one = np.from_dlpack(stream)
    for turn in range(10):
        stream.write(filled(turn))
    assert (one == 1).all()
    stream.close()
    gc.collect()
    assert (one == 1).all()


def test_a_single_element_is_a_tensor_too(create):
    stream = create(shape=(), dtype=np.int64)
    stream.write(7)
    assert np.from_dlpack(stream).shape == ()
    assert np.from_dlpack(stream) == 7


@needs_torch
@pytest.mark.parametrize("dtype", TORCH)
def test_torch_takes_a_stream(dtype, create):
    if dtype == "bool" and is_sanitized():
        pytest.skip("ASan ends the process at the C++ exception of a torch that takes no bool")
    stream = create(shape=(3, 5), dtype=dtype)
    values = (np.arange(15).reshape(3, 5) % 2).astype(dtype)
    stream.write(values)
    try:
        tensor = torch.from_dlpack(stream)
    except (RuntimeError, BufferError) as error:
        if dtype != "bool":
            raise
        # NumPy before 1.25, torch before 2.1.
        pytest.skip(f"NumPy {np.__version__}, torch {torch.__version__}: {error}")
    assert tensor.dtype == getattr(torch, dtype)
    assert tensor.shape == (3, 5)
    np.testing.assert_array_equal(tensor.numpy(), values)


@needs_torch
def test_a_tensor_outlives_the_stream_and_may_be_written(stream):
    stream.write(filled(1))
    tensor = torch.from_dlpack(stream)
    stream.write(filled(2))
    stream.delete()
    gc.collect()
    assert (tensor == 1).all()
    tensor += 1
    assert (tensor == 2).all()


# --- tensors are written ---


class Capsule:
    """What has __dlpack__ alone: no buffer, no __array__."""

    def __init__(self, of):
        self.of = of

    def __dlpack__(self, **options):
        return self.of.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.of.__dlpack_device__()


class Elsewhere(Capsule):
    """It says that it is on a GPU."""

    def __dlpack__(self, **options):
        raise BufferError("not for you")

    def __dlpack_device__(self):
        return (2, 0)


@pytest.mark.parametrize("dtype", EXCHANGED)
def test_anything_with_dlpack_is_written(dtype, create):
    stream = create(shape=(3, 5), dtype=dtype)
    values = np.arange(15).reshape(3, 5).astype(dtype)
    stream.write(Capsule(values))
    np.testing.assert_array_equal(stream.read(), values)


def test_dlpack_of_another_type_and_order_is_converted(stream):
    values = np.arange(64 * 64, dtype=np.int32).reshape(64, 64)
    stream.write(Capsule(values.T))
    np.testing.assert_array_equal(stream.read(), values.T)
    stream.write(Capsule(values[::-1]))
    np.testing.assert_array_equal(stream.read(), values[::-1])


def test_dlpack_of_another_shape_is_refused(stream):
    with pytest.raises(ValueError, match=r"expected shape \(64, 64\), got \(64, 63\)"):
        stream.write(Capsule(np.zeros((64, 63), np.float32)))
    assert stream.count == 0


def test_memory_of_another_device_is_refused(stream):
    with pytest.raises((ValueError, TypeError, BufferError, RuntimeError)):
        stream.write(Elsewhere(filled(1)))
    assert stream.count == 0
    with streams.open(stream.name) as other:
        other.write(filled(1), timeout=0)


@needs_torch
@pytest.mark.parametrize("dtype", TORCH)
def test_a_torch_tensor_is_written(dtype, create):
    stream = create(shape=(3, 5), dtype=dtype)
    tensor = (torch.arange(15).reshape(3, 5) % 2).to(getattr(torch, dtype))
    stream.write(tensor)
    np.testing.assert_array_equal(stream.read(), tensor.numpy())


@needs_torch
def test_a_torch_tensor_may_lie_in_memory_as_it_likes(stream):
    tensor = torch.arange(128 * 128, dtype=torch.float64).reshape(128, 128)
    for part in (tensor[::2, ::2], tensor.T[:64, :64], tensor[:1, :64].expand(64, 64)):
        stream.write(part)
        np.testing.assert_array_equal(stream.read(), part.numpy())


@needs_torch
def test_a_torch_tensor_that_wants_gradients_is_refused_or_written_without(stream):
    tensor = torch.ones(64, 64, requires_grad=True)
    try:
        stream.write(tensor)
    except (RuntimeError, BufferError, TypeError, ValueError):
        assert stream.count == 0
        stream.write(tensor.detach(), timeout=0)
    assert (stream.read() == 1).all()


@needs_torch
def test_a_stream_is_written_to_a_stream(stream, stream_name):
    stream.write(filled(3))
    with streams.create(stream_name + "-2", shape=(64, 64), dtype=np.float64) as other:
        other.write(stream)
        assert (other.read() == 3).all()


@needs_torch
def test_torch_and_numpy_in_two_processes(stream, fork):
    def write(connection):
        other = streams.open(stream.name)
        for turn in range(1, 51):
            other.write(torch.full((64, 64), float(turn)))
            connection.recv()

    writing = fork(write)
    for turn in range(1, 51):
        stream.wait(turn)
        tensor = torch.from_dlpack(stream)
        assert (tensor == turn).all()
        writing.send()
    writing.finish()


@needs_torch
def test_views_are_tensors_without_a_copy(stream):
    with stream.write_view() as view:
        torch.from_numpy(view)[:] = 5
    assert (stream.read() == 5).all()
    with stream.locked():
        torch.from_numpy(stream.read(safe=False)).add_(1)
    assert (stream.read() == 6).all()
