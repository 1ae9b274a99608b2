# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Streams in device memory, where only a simulated driver can show what happens.

`meson test pytest-gpu` puts it in front: tests/simulated-driver.
"""

import ctypes
import gc
import os
import signal
import sys
import types

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from gpu_support import (  # noqa: E402
    GPU_PRELUDE,
    filled,
    simulated_driver,
    to_device,
    to_host,
)
from support import run_program  # noqa: E402
from tachyon import _ext, _stream_gpu  # noqa: E402

driver = simulated_driver()
if driver is None:
    pytest.skip("there is no simulated driver: meson test pytest-gpu", allow_module_level=True)

#: CUresult
UNKNOWN = 999


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Of the driver, once a test's streams are gone."""
    yield
    driver.simulated_cuda_fail(0, 0)
    driver.simulated_cuda_slow(0, 0)
    gc.collect()
    assert driver.simulated_cuda_live() == 0
    assert driver.simulated_cuda_depth() == 0


@pytest.fixture
def stream(nothing_is_left, stream_name):
    stream = streams.create(stream_name, shape=(64, 64), gpu_device=0)
    yield stream
    driver.simulated_cuda_fail(0, 0)
    stream.delete()


# --- the order of work ---


class Producer:
    """An array in device memory whose making is queued when somebody asks for it, as torch's is."""

    def __init__(self, array):
        self.array = to_device(array)
        self.streams = []

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, *, stream=None, **_):
        self.streams.append(stream)
        driver.simulated_cuda_queue_fill(self.array._memory.address, 0x40, self.array.nbytes)
        return self.array.__dlpack__(stream=stream)


def test_a_producer_is_asked_to_be_ready_for_the_legacy_default_stream(stream):
    producer = Producer(filled(0))
    stream.write(producer)
    assert producer.streams == [1]
    # 0x40404040 as a float
    assert (np.asarray(stream) == 3.0039215087890625).all()


class CudaArray:
    """An array that says __cuda_array_interface__, and no DLPack, as Numba's."""

    def __init__(self, array, **changes):
        self.array = to_device(array)
        self.changes = changes

    @property
    def __cuda_array_interface__(self):
        return self.array.__cuda_array_interface__ | self.changes


def test_arrays_of_the_cuda_array_interface(stream):
    stream.write(CudaArray(filled(5)))
    assert (np.asarray(stream) == 5).all()
    stream.write(CudaArray(filled(6), strides=(256, 4), stream=1))
    assert (np.asarray(stream) == 6).all()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"stream": 7}, "synchronize it"),
        ({"mask": object()}, "mask"),
        ({"strides": (4, 256)}, "not C-contiguous"),
        ({"shape": (4, 4)}, r"expected shape \(64, 64\), got \(4, 4\)"),
        ({"typestr": "<i4"}, "expected an array of float32"),
    ],
)
def test_arrays_of_the_cuda_array_interface_that_do_not_fit(stream, changes, text):
    with pytest.raises(ValueError, match=text):
        stream.write(CudaArray(filled(5), **changes))
    assert stream.count == 0


def test_without_torch_nothing_is_converted_on_the_device(stream):
    with pytest.raises(ValueError, match="expected an array of float32 .*, got one of float64"):
        stream.write(to_device(filled(1, dtype=np.float64)))
    assert stream.count == 0


# --- capsules ---


def test_a_capsule_keeps_its_memory(stream):
    stream.write(filled(1))
    before = driver.simulated_cuda_live()
    capsule = stream.read().__dlpack__()
    assert driver.simulated_cuda_live() > before
    taken = _ext.gpu_import(capsule)
    with pytest.raises(ValueError):
        _ext.gpu_import(capsule)
    assert taken[1:] == (2, 32, 1, (64, 64), (64, 1))
    array = np.empty((64, 64), np.float32)
    taken[0].copy_to(array)
    assert (array == 1).all()
    del taken, capsule
    assert driver.simulated_cuda_live() == before


def test_what_dlpack_may_be_asked_for(stream):
    array = to_device(filled(1))
    assert array.__dlpack_device__() == (2, 0)
    for good in ({}, {"stream": 1}, {"stream": -1}, {"max_version": (1, 0)}, {"dl_device": (2, 0)}):
        assert "dltensor" in repr(array.__dlpack__(**good))
    for bad in ({"copy": True}, {"dl_device": (2, 1)}, {"dl_device": (1, 0), "copy": False}):
        with pytest.raises(BufferError):
            array.__dlpack__(**bad)
    with pytest.raises(ValueError):
        array.__dlpack__(stream=0)
    with pytest.raises(BufferError, match="complex256"):
        to_device(filled(1, dtype=np.clongdouble)).__dlpack__()


def test_a_device_array_as_others_see_it(stream):
    array = to_device(filled(1, (2, 3)))
    assert repr(array) == "DeviceArray(shape=(2, 3), dtype='float32', device='cuda:0')"
    assert (array.ndim, array.size, array.nbytes) == (2, 6, 24)
    assert np.asarray(array, np.int32).tolist() == [[1, 1, 1]] * 2
    facts = array.__cuda_array_interface__
    assert facts["data"] == (array._memory.address, False)
    assert (facts["shape"], facts["typestr"], facts["version"]) == ((2, 3), "<f4", 3)


# --- failures ---


def calls_of(function) -> int:
    before = driver.simulated_cuda_calls()
    function()
    return driver.simulated_cuda_calls() - before


@pytest.mark.parametrize("what", ["read", "write", "write_device", "asarray"])
def test_each_call_of_the_driver_fails_once(stream, what):
    value = to_device(filled(1))
    function = {
        "read": stream.read,
        "write": lambda: stream.write(filled(1)),
        "write_device": lambda: stream.write(value),
        "asarray": lambda: np.asarray(stream),
    }[what]
    failures = 0
    for number in range(1, calls_of(function) + 1):
        driver.simulated_cuda_fail(number, UNKNOWN)
        before = stream.count
        try:
            function()
        except OSError as error:
            failures += 1
            assert stream.count == before
            assert "stream" in str(error) or "memory" in str(error)
        driver.simulated_cuda_fail(0, 0)
        function()
    assert failures > 3


def test_creation_fails_call_by_call(nothing_is_left, stream_name):
    number = 0
    while True:
        number += 1
        driver.simulated_cuda_fail(number, UNKNOWN)
        try:
            stream = streams.create(stream_name, shape=4, gpu_device=0)
        except (OSError, RuntimeError) as error:
            assert stream_name in str(error) or "there is none" in str(error)
            assert streams.list().count(stream_name) == 0
            continue
        failed = driver.simulated_cuda_failed()
        driver.simulated_cuda_fail(0, 0)
        stream.delete()
        if failed is None:
            break
    assert number > 15


def test_memory_runs_out(nothing_is_left, stream_name):
    with pytest.raises(OSError, match="memory"):
        streams.create(stream_name, shape=1 << 29, gpu_device=0)


# --- processes ---


def test_a_writer_that_is_killed_half_way_leaves_the_last_value(stream, peer):
    stream.write(filled(1))
    other = peer(
        GPU_PRELUDE
        + """
from gpu_support import simulated_driver
with streams.open(name, gpu_device=0) as stream:
    simulated_driver().simulated_cuda_stop(1)
    stream.write(filled(2))
""",
        stream.name,
    )
    _, status = os.waitpid(other.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert (to_host(stream.read()) == 1).all()
    with pytest.raises(TimeoutError):
        stream.write(filled(3), timeout=0.01)
    os.kill(other.pid, signal.SIGKILL)
    other.process.wait()
    stream.write(filled(3), timeout=20)
    assert (to_host(stream.read()) == 3).all()
    assert stream.count == 2


def test_a_machine_without_a_driver(tmp_path):
    """As this one would be."""
    source = """
import tachyon.stream as streams
assert not streams.gpu_available()
for device in (0, "cuda:0"):
    try:
        streams.create("test-none", shape=4, gpu_device=device)
    except RuntimeError as error:
        print(error)
print(streams.list().count("test-none"))
"""
    # A library of that name that is none.
    (tmp_path / "libcuda.so.1").write_bytes(b"")
    environ = {"LD_LIBRARY_PATH": str(tmp_path)}
    printed = run_with(environ, source)
    first, second, count = printed.splitlines()
    assert first == second
    assert "needs a CUDA driver and a GPU, and there is none" in first and "'spawn'" in first
    assert count == "0"


def run_with(environ, source, *args):
    """run_program() with other variables."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environ.items():
            patch.setenv(key, value)
        return run_program(source, *args)


def test_a_driver_without_devices():
    source = "import tachyon.stream as streams; print(streams.gpu_available())"
    assert run_with({"SIMULATED_CUDA_DEVICES": "0"}, source) == "False\n"
    assert run_with({"SIMULATED_CUDA_INIT": "999"}, source) == "False\n"


def test_streams_on_two_devices(stream_name):
    run_with(
        {"SIMULATED_CUDA_DEVICES": "2"},
        GPU_PRELUDE
        + """
stream = streams.create(name, shape=(4, 4), gpu_device="cuda:1")
try:
    assert stream.gpu_device == "cuda:1"
    stream.write(filled(1, (4, 4)))
    value = stream.read()
    assert value.device == "cuda:1"
    assert stream.__dlpack_device__() == (2, 1)
    try:
        streams.open(name, gpu_device=0)
    except RuntimeError as error:
        print(error)
    try:
        stream.write(to_device(filled(1, (4, 4))))
    except ValueError as error:
        print(error)
    stream.write(value)
    assert stream.count == 2
finally:
    stream.delete()
""",
        stream_name,
    )


# --- torch, or what stands in for it ---


def to_device_array(array):
    memory = _ext.gpu_allocate(0, array.nbytes)
    data = array.tobytes()
    pointer = ctypes.c_char_p(data)
    driver.simulated_cuda_poke(ctypes.c_uint64(memory.address), pointer, ctypes.c_size_t(len(data)))
    return _stream_gpu.DeviceArray(memory, array.shape, array.dtype)


class Queue:
    """A torch.cuda.Stream."""

    def __init__(self, log, name):
        self.log = log
        self.name = name

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for {other.name}")


class Tensor:
    """A torch.Tensor in device memory."""

    is_cuda = True

    def __init__(self, torch, array):
        self.torch = torch
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype.name
        self.device = types.SimpleNamespace(type="cuda", index=0)

    def data_ptr(self):
        return self.array._memory.address

    def record_stream(self, queue):
        self.torch.log.append(f"used on {queue.name}")

    def detach(self):
        self.torch.log.append("detach")
        return self

    def to(self, *, device, dtype):
        assert device == ("cuda", 0)
        if dtype == self.dtype:
            return self
        self.torch.log.append(f"to {dtype}")
        return Tensor(self.torch, to_device_array(self.array.numpy().astype(dtype)))

    def contiguous(self):
        return self

    def is_contiguous(self):
        return True

    def view(self, dtype):
        self.torch.log.append(f"view as {dtype}")
        array = _stream_gpu.DeviceArray(self.array._memory, self.shape, np.dtype(dtype))
        return Tensor(self.torch, array)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, *, stream):
        self.torch.log.append(f"dlpack for {stream}")
        assert self.dtype != "bool"
        return self.array.__dlpack__(stream=stream)


class StandIn(types.ModuleType):
    """Stands in for torch, which has no use for the simulated driver: what is called of it."""

    def __init__(self):
        super().__init__("torch")
        self.log = []
        self.Tensor = Tensor
        default = Queue(self.log, "default")
        self.current = default
        self.cuda = types.SimpleNamespace(
            is_available=lambda: True,
            default_stream=lambda device: default,
            current_stream=lambda device: self.current,
            stream=self.on,
        )
        for name in ("bool", "uint8", "int32", "float32", "float64"):
            setattr(self, name, name)

    def device(self, kind, index):
        return (kind, index)

    def on(self, queue):
        self.log.append(f"on {queue.name}")
        return pytest.MonkeyPatch.context()

    def empty(self, shape, *, dtype, device):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = _ext.gpu_allocate(device[1], size)
        return Tensor(self, _stream_gpu.DeviceArray(memory, shape, np.dtype(dtype)))

    def from_dlpack(self, array):
        array.__dlpack__(stream=1)
        return Tensor(self, array)


@pytest.fixture
def torch(monkeypatch):
    torch = StandIn()
    monkeypatch.setitem(sys.modules, "torch", torch)
    _stream_gpu._torch.cache_clear()
    yield torch
    _stream_gpu._torch.cache_clear()


def test_a_read_gives_a_tensor_of_torchs_own_memory(stream, torch):
    stream.write(filled(3))
    tensor = stream.read()
    assert isinstance(tensor, Tensor)
    assert (tensor.array.numpy() == 3).all()
    assert torch.log == ["on default"]


def test_a_tensor_is_used_where_the_thread_works(stream, torch):
    torch.current = Queue(torch.log, "side")
    stream.snapshot()
    assert torch.log == ["on default", "used on side"]


def test_a_tensor_is_written_as_the_stream_has_them(stream, torch):
    stream.write(Tensor(torch, to_device_array(filled(4, dtype=np.float64))))
    assert torch.log == ["detach", "to float32", "dlpack for 1"]
    assert (np.asarray(stream) == 4).all()


def test_truth_values_go_out_and_come_in_as_bytes(nothing_is_left, stream_name, torch):
    stream = streams.create(stream_name, shape=(4,), dtype=bool, gpu_device=0)
    try:
        value = np.array([True, False, True, True])
        stream.write(Tensor(torch, to_device_array(value)))
        assert "view as uint8" in torch.log
        assert (np.asarray(stream) == value).all()
        with stream.locked():
            tensor = stream.read(safe=False)
        assert torch.log[-1] == "view as bool"
        assert (tensor.array.numpy() == value).all()
        del tensor
    finally:
        stream.delete()


def test_a_tensor_of_another_shape_is_refused(stream, torch):
    with pytest.raises(ValueError, match="expected shape"):
        stream.write(Tensor(torch, to_device_array(filled(4, (3, 3)))))


def test_others_arrays_are_converted_by_torch(stream, torch):
    stream.write(to_device_array(filled(4, dtype=np.float64)))
    assert "to float32" in torch.log
    assert (np.asarray(stream) == 4).all()


def test_out_is_filled_in_the_order_of_the_threads_work(stream, torch):
    torch.current = Queue(torch.log, "side")
    stream.write(filled(2))
    out = Tensor(torch, to_device_array(filled(0)))
    assert stream.read(out=out) is out
    assert torch.log == ["default waits for side"]
    assert (out.array.numpy() == 2).all()
    for shape, dtype in (((3, 3), np.float32), ((64, 64), np.float64)):
        with pytest.raises(ValueError, match="out is to be"):
            stream.read(out=Tensor(torch, to_device_array(filled(0, shape, dtype))))


def test_types_that_torch_lacks_are_read_as_device_arrays(nothing_is_left, stream_name, torch):
    stream = streams.create(stream_name, shape=4, dtype=np.complex64, gpu_device=0)
    try:
        assert isinstance(stream.read(), _stream_gpu.DeviceArray)
        with stream.locked():
            assert isinstance(stream.read(safe=False), _stream_gpu.DeviceArray)
    finally:
        stream.delete()
