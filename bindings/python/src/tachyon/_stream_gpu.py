# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Streams whose values are in the memory of a CUDA device, where a handle is attached to it.

torch is imported when the first value is read, and only if it is there and has CUDA: values are
tensors then, and a DeviceArray otherwise.
"""

import errno
import importlib
import math
import os
import sys
from functools import cache
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from tachyon import _ext
from tachyon.stream import SharedMemory, Snapshot

# DLPack's device types, of which the managed one is memory of a device as well.
_CPU = 1
_CUDA = 2
_CUDA_MANAGED = 13

# Its type codes, and NumPy's kinds.
_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
_KINDS = {code: kind for kind, code in _CODES.items()}

# Of __dlpack__() and __cuda_array_interface__: the legacy default stream, whose work comes before
# our copies.
_LEGACY_STREAM = 1


# --- processes ---

# The one that began to use the driver: this module is imported by what needs it.
_process = os.getpid()


def _check_process() -> None:
    """Before torch is asked, which says it less clearly."""
    if os.getpid() != _process:
        raise ChildProcessError(
            errno.ECHILD,
            "a CUDA driver does not survive fork(): start processes that use a GPU by 'spawn'",
        )


# --- torch ---


@cache
def _torch() -> Any:
    """torch with CUDA, or None."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def _torch_dtype(torch: Any, dtype: "np.dtype[Any]") -> Any:
    """None: it has no such numbers. Their names are NumPy's."""
    return getattr(torch, dtype.name, None)


def _let_default_stream_wait(torch: Any, device: Any) -> None:
    """What this thread has queued on its current stream comes before what we copy."""
    default = torch.cuda.default_stream(device)
    default.wait_stream(torch.cuda.current_stream(device))


def _new_tensor(torch: Any, stream: "GpuSharedMemory", dtype: Any) -> Any:
    device = torch.device("cuda", stream._device)
    default = torch.cuda.default_stream(device)
    current = torch.cuda.current_stream(device)
    # What used the memory before was queued there: a copy waits for that.
    with torch.cuda.stream(default):
        tensor = torch.empty(stream.shape, dtype=dtype, device=device)
    if current != default:
        # And this thread will use it where it works now.
        tensor.record_stream(current)
    return tensor


# --- arrays ---


class DeviceArray:
    """An array in the memory of a CUDA device, C-contiguous: what is read where torch is not.

    CuPy, Numba, JAX and torch take it without a copy: by DLPack, or __cuda_array_interface__.
    """

    __slots__ = ("__weakref__", "_memory", "dtype", "shape")

    def __init__(
        self, memory: _ext.GpuMemory, shape: tuple[int, ...], dtype: "np.dtype[Any]"
    ) -> None:
        self._memory = memory
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def device(self) -> str:
        return f"cuda:{self._memory.device_index}"

    def numpy(self) -> NDArray[Any]:
        """A copy in memory of the host."""
        array = np.empty(self.shape, self.dtype)
        # As bytes, since not every type of number is one of the buffer protocol.
        self._memory.copy_to(array.reshape(-1).view(np.uint8))
        return array

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an array of what is in device memory is always a copy")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self._memory.address, False),
            "version": 3,
            "strides": None,
            # Complete: nothing is to be waited for.
            "stream": None,
        }

    def __dlpack__(
        self,
        *,
        stream: Optional[int] = None,
        max_version: Optional[tuple[int, int]] = None,
        dl_device: Optional[tuple[int, int]] = None,
        copy: Optional[bool] = None,
    ) -> Any:
        """Without a copy, save for the host. It is complete, whatever the stream."""
        if dl_device is not None and dl_device[0] == _CPU:
            if copy is False:
                raise BufferError("the host has device memory only as a copy")
            return self.numpy().__dlpack__()
        if dl_device not in (None, self.__dlpack_device__()):
            raise BufferError(f"the array is on device {self.__dlpack_device__()}")
        if copy:
            raise BufferError("a copy in device memory is for the consumer to make")
        if stream == 0:
            raise ValueError("stream 0 says nothing: 1 is the legacy default stream, 2 a thread's")
        bits = 8 * self.dtype.itemsize
        if bits > 255:
            raise BufferError(f"DLPack cannot say {self.dtype}")
        return self._memory.dlpack(self.shape, _CODES[self.dtype.kind], bits)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (_CUDA, self._memory.device_index)

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={str(self.dtype)!r}, device={self.device!r})"


# --- what is written ---


class _Source:
    """An array in device memory, as others describe it."""

    __slots__ = ("address", "device_index", "dtype", "is_contiguous", "keeper", "shape")

    def __init__(
        self,
        keeper: Any,
        address: int,
        device_index: int,
        shape: tuple[int, ...],
        dtype: "Optional[np.dtype[Any]]",
        strides: Optional[tuple[int, ...]],
    ) -> None:
        # As long as it is referred to, so long the memory stays.
        self.keeper = keeper
        self.address = address
        self.device_index = device_index
        self.shape = shape
        # None: NumPy has no such numbers.
        self.dtype = dtype
        # strides: in elements.
        self.is_contiguous = strides is None or _are_contiguous(shape, strides)

    def __str__(self) -> str:
        order = "" if self.is_contiguous else " that is not C-contiguous"
        return f"one of {self.dtype} on cuda:{self.device_index}{order}"


def _are_contiguous(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    expected = 1
    for length, stride in zip(reversed(shape), reversed(strides)):
        # Along a single element nobody steps.
        if length != 1 and stride != expected:
            return False
        expected *= length
    return True


def _dtype_of(code: int, bits: int, lanes: int) -> "Optional[np.dtype[Any]]":
    if lanes != 1 or code not in _KINDS:
        return None
    try:
        return np.dtype(f"{_KINDS[code]}{bits // 8}")
    except TypeError:
        return None


def _is_on_device(value: Any) -> bool:
    if hasattr(value, "__dlpack_device__"):
        return value.__dlpack_device__()[0] in (_CUDA, _CUDA_MANAGED)
    return hasattr(value, "__cuda_array_interface__")


def _from_device_array(array: DeviceArray) -> _Source:
    # As it is: DLPack does not know every type of number.
    memory = array._memory
    return _Source(memory, memory.address, memory.device_index, array.shape, array.dtype, None)


def _from_dlpack(value: Any) -> _Source:
    # Its owner makes the legacy default stream wait for what is queued elsewhere.
    capsule = value.__dlpack__(stream=_LEGACY_STREAM)
    memory, code, bits, lanes, shape, strides = _ext.gpu_import(capsule)
    dtype = _dtype_of(code, bits, lanes)
    return _Source(memory, memory.address, memory.device_index, shape, dtype, strides)


def _from_cuda_array(value: Any, device_index: int) -> _Source:
    # It says no device: a copy finds it by the address.
    facts = value.__cuda_array_interface__
    if facts.get("mask") is not None:
        raise ValueError("an array with a mask is no plain array")
    if facts.get("stream") not in (None, _LEGACY_STREAM):
        raise ValueError("the array is still being made on a stream of its own: synchronize it")
    dtype = np.dtype(facts["typestr"])
    strides = facts.get("strides")
    if strides is not None:
        strides = tuple(stride // dtype.itemsize for stride in strides)
    return _Source(value, facts["data"][0], device_index, tuple(facts["shape"]), dtype, strides)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _fitting_tensor(torch: Any, tensor: Any, stream: "GpuSharedMemory") -> Any:
    """A tensor like this one, as the stream has them, if torch can make one."""
    dtype = _torch_dtype(torch, stream.dtype)
    tensor = tensor.detach()
    if dtype is None or tuple(tensor.shape) != stream.shape:
        return tensor
    tensor = tensor.to(device=torch.device("cuda", stream._device), dtype=dtype).contiguous()
    # Older ones do not export truth values: the bytes are the same.
    return tensor.view(torch.uint8) if dtype == torch.bool else tensor


# --- handles ---


class GpuSharedMemory(SharedMemory):
    """A handle that is attached to device memory."""

    __slots__ = ()

    # --- reading ---

    def _read_device_array(self) -> tuple[DeviceArray, tuple[int, int, int]]:
        memory = _ext.gpu_allocate(self._device, self.size)
        return DeviceArray(memory, self.shape, self.dtype), self._read_device(memory.address)

    def _read_value(self) -> tuple[Any, tuple[int, int, int]]:
        """A snapshot; which it is: its count, its time in nanoseconds, how many were missed."""
        self._check_open("read from")
        _check_process()
        torch = _torch()
        dtype = torch and _torch_dtype(torch, self.dtype)
        if dtype is None:
            return self._read_device_array()
        tensor = _new_tensor(torch, self, dtype)
        return tensor, self._read_device(tensor.data_ptr())

    def _read_into(self, out: Any) -> None:
        self._check_open("read from")
        if isinstance(out, np.ndarray):
            _ext.Stream.read(self, out=out)
            return
        _check_process()
        if isinstance(out, DeviceArray):
            self._check_fits(_from_device_array(out))
            self._read_device(out._memory.address)
        elif _is_tensor(out) and out.is_cuda:
            torch = sys.modules["torch"]
            is_fit = out.dtype == _torch_dtype(torch, self.dtype) and out.is_contiguous()
            if not is_fit or tuple(out.shape) != self.shape or out.device.index != self._device:
                raise ValueError(f"out is to be a C-contiguous tensor like {self._wanted()}")
            _let_default_stream_wait(torch, out.device)
            self._read_device(out.data_ptr())
        else:
            raise TypeError("out is an ndarray, a CUDA tensor or a DeviceArray")

    def _in_place(self) -> Any:
        """The newest value where it stands. To be read only, and only while the lock is held."""
        address = self._live_device()
        _check_process()
        memory = _ext.gpu_view(self, address)
        array = DeviceArray(memory, self.shape, self.dtype)
        torch = _torch()
        if torch is None or _torch_dtype(torch, self.dtype) is None:
            return array
        if self.dtype == np.bool_:
            as_bytes = DeviceArray(memory, self.shape, np.dtype(np.uint8))
            return torch.from_dlpack(as_bytes).view(torch.bool)
        return torch.from_dlpack(array)

    def read(
        self, safe: bool = True, poll_interval: Optional[float] = None, out: Optional[Any] = None
    ) -> Any:
        """The newest value: a CUDA tensor of torch, or a DeviceArray where torch is not.

        safe=False, under the lock: where it stands, to be looked at until the lock is given back.
        out: an ndarray, a CUDA tensor or a DeviceArray to copy it to.
        """
        if not safe:
            if out is not None:
                raise ValueError("out is for a copy, which safe=False does not make")
            return self._in_place()
        if out is not None:
            self._read_into(out)
            return out
        return self._read_value()[0]

    def read_new(
        self,
        timeout: Optional[float] = None,
        safe: bool = True,
        poll_interval: Optional[float] = None,
        out: Optional[Any] = None,
    ) -> Any:
        """The same, once there is one that this handle has not read. TimeoutError."""
        if not safe:
            # Without the lock that is an error at once.
            self._live_device()
        self._wait_newer(timeout)
        return self.read(safe, out=out)

    def snapshot(
        self, *, newer_than: Optional[int] = None, timeout: Optional[float] = None
    ) -> Snapshot:
        """The newest value, which it is, and how many were missed; all of the same write."""
        if newer_than is not None:
            self.wait(newer_than + 1, timeout=timeout)
        value, (count, time_ns, missed) = self._read_value()
        return Snapshot(value, count, time_ns / 1e9, missed)

    # --- writing ---

    def _wanted(self) -> str:
        return f"{self.dtype} of shape {self.shape} on {self.gpu_device}"

    def _check_fits(self, source: _Source) -> None:
        if source.shape != self.shape:
            raise ValueError(f"expected shape {self.shape}, got {source.shape}")
        if not self._is_like(source):
            raise ValueError(f"expected an array of {self._wanted()}, got {source}")

    def _is_like(self, source: _Source) -> bool:
        """In all but its shape."""
        is_same_type = source.dtype == self.dtype or (
            self.dtype == np.bool_ and source.dtype == np.uint8
        )
        return is_same_type and source.is_contiguous and source.device_index == self._device

    def write(self, value: Any, *, timeout: Optional[float] = None) -> None:
        """Make an array of the stream's shape its newest value.

        What is in device memory goes from there, in the order of the caller's work: what was queued
        before is done first. The copy is complete at the return.
        """
        self._check_open("write to")
        if not _is_on_device(value):
            super().write(value, timeout=timeout)
            return
        _check_process()
        source = _source_of(value, self)
        self._check_fits(source)
        self._write_device(source.address, timeout=timeout)

    def write_view(self, *, timeout: Optional[float] = None) -> Any:
        """RuntimeError: the host has no view of device memory."""
        self._check_open("write to")
        raise RuntimeError(
            f"the values of shared memory {self.name!r} are on {self.gpu_device}, and the host has "
            "no view of them: use write()"
        )

    # --- other libraries ---

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: Optional[tuple[int, int]] = None,
        dl_device: Optional[tuple[int, int]] = None,
        copy: Optional[bool] = None,
    ) -> Any:
        """A snapshot of the newest value."""
        if copy is False:
            raise BufferError("a tensor of a stream's newest value is always a copy")
        array, _ = self._read_device_array()
        return array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (_CUDA, self._device)


def _source_of(value: Any, stream: GpuSharedMemory) -> _Source:
    """What is in device memory; converted, if need be and torch is there."""
    if isinstance(value, DeviceArray) and value.dtype == stream.dtype:
        return _from_device_array(value)
    if _is_tensor(value):
        return _from_dlpack(_fitting_tensor(sys.modules["torch"], value, stream))
    if not hasattr(value, "__dlpack__"):
        return _from_cuda_array(value, stream._device)
    source = _from_dlpack(value)
    torch = None if stream._is_like(source) or source.shape != stream.shape else _torch()
    if torch is None:
        return source
    return _from_dlpack(_fitting_tensor(torch, torch.from_dlpack(value), stream))
