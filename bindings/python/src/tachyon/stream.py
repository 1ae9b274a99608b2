# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The newest value of one array, by name, for every process of a user.

    import numpy as np
    import tachyon.stream

    writer = tachyon.stream.create("frame", shape=(480, 640), dtype=np.uint8)
    writer.write(image)

    reader = tachyon.stream.open("frame")  # in any process
    image = reader.read()
    image = reader.read_new(timeout=1.0)

A stream outlives every process, until it is unlinked. Reading takes no lock and waits for no
writer; writers take turns under a lock that the death of its holder frees. Whoever waits sleeps,
and is woken. In depth: <tachyon/stream.h>, lib/PROTOCOL.md 9.
"""

import builtins
import math
import operator
import re
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tachyon import _ext

__all__ = [
    "SharedMemory",
    "Snapshot",
    "StreamInfo",
    "create",
    "gpu_available",
    "list",
    "open",
    "stat",
    "unlink",
]


class Snapshot(NamedTuple):
    """One value, and what is known of it."""

    value: Any
    #: Which write it was, from 1; 0: never written, all zeros.
    count: int  # type: ignore[assignment]
    #: When it was completed, in seconds since the epoch; 0.0: never written.
    write_time: float
    #: Writes since this handle's previous read, or its opening, that it never read.
    missed: int


class StreamInfo(NamedTuple):
    """What a stream is."""

    name: str
    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"
    #: Bytes of a value.
    size: int
    #: Bytes of shared memory.
    file_size: int
    count: int  # type: ignore[assignment]
    write_time: float
    create_time: float
    creator_pid: int
    gpu_device: Optional[str]
    cpu_mirror: bool
    #: Random: a name that was unlinked and created anew has another.
    id: bytes
    is_unlinked: bool


# --- arrays ---

# NumPy's kinds of numbers, as <tachyon/stream.h> has them: enum tachyon_scalar.
_SCALARS = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}


def _scalar_of(dtype: "np.dtype[Any]") -> int:
    # Only NumPy's own types are what their kind and size say.
    if dtype.kind not in _SCALARS or not dtype.isnative or dtype.isbuiltin != 1:
        raise ValueError(f"unsupported dtype: {dtype!r}")
    return _SCALARS[dtype.kind]


def _shape_of(shape: Union[int, Sequence[int]]) -> tuple[int, ...]:
    lengths: tuple[int, ...]
    if isinstance(shape, (Sequence, np.ndarray)):
        lengths = tuple(operator.index(length) for length in shape)
    else:
        lengths = (operator.index(shape),)
    if any(length < 1 for length in lengths):
        raise ValueError("shape dimensions must be positive")
    return lengths


# DLPack's kDLCPU and kDLCUDAHost.
_HOST = (1, 3)


def _array_of(value: Any) -> "NDArray[Any]":
    # A torch tensor may be followed by autograd, or on a GPU: NumPy refuses both.
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        if value.__dlpack_device__()[0] not in _HOST:
            raise BufferError("the value is in memory of a device, not of the CPU")
        return np.from_dlpack(value)
    return np.asarray(value)


# --- devices ---

_CUDA = re.compile(r"cuda(?::([0-9]{1,4}))?")


def _device_index(gpu_device: Any) -> int:
    """N of N, "cuda:N", "cuda", or a torch.device."""
    if isinstance(gpu_device, str):
        match = _CUDA.fullmatch(gpu_device)
        if match:
            return int(match[1] or 0)
    elif getattr(gpu_device, "type", None) == "cuda":
        return int(gpu_device.index or 0)
    elif hasattr(gpu_device, "__index__") and not isinstance(gpu_device, bool):
        index = operator.index(gpu_device)
        if 0 <= index < 10000:
            return index
    raise ValueError(f"gpu_device is 'cuda:N', or N, not {gpu_device!r}")


# _ext's word for none.
_NO_DEVICE = -1


# --- handles ---


class _Locked:
    """What SharedMemory.locked() returns."""

    __slots__ = ("_stream", "_timeout")

    def __init__(self, stream: "SharedMemory", timeout: Optional[float]) -> None:
        self._stream = stream
        self._timeout = timeout

    def __enter__(self) -> "SharedMemory":
        self._stream.acquire(self._timeout)
        return self._stream

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._stream._leave_lock()


class _WriteView:
    """What SharedMemory.write_view() returns."""

    __slots__ = ("_array", "_stream", "_timeout")

    def __init__(self, stream: "SharedMemory", timeout: Optional[float]) -> None:
        self._stream = stream
        self._timeout = timeout

    def __enter__(self) -> "NDArray[Any]":
        self._array = self._stream._begin(self._timeout)
        return self._array

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        del self._array
        if kind is None:
            self._stream._commit()
            return
        try:
            self._stream._rollback()
        except RuntimeError:
            # Closed meanwhile, which rolled it back, too: the block's own exception says more.
            pass


class SharedMemory(_ext.Stream):
    """A handle to a stream: made by create() and open(), given up by close().

    Any thread may use it. The lock belongs to a thread, which may take it several times. After a
    fork the child's handle works, and holds no lock.
    """

    __slots__ = ("__weakref__",)

    def locked(
        self, timeout: Optional[float] = None, poll_interval: Optional[float] = None
    ) -> _Locked:
        """Hold the lock in a with block, which gives this handle."""
        return _Locked(self, timeout)

    def write_view(self, *, timeout: Optional[float] = None) -> _WriteView:
        """Write the next value in place: a with block gives an array over its memory.

        The array holds some older value. Leaving the block publishes it, an exception does not.
        The lock is held meanwhile. Afterwards the array is read-only; do not write into slices of
        it that were kept, since others read that memory.
        """
        return _WriteView(self, timeout)

    def snapshot(
        self, *, newer_than: Optional[int] = None, timeout: Optional[float] = None
    ) -> Snapshot:
        """The newest value, which it is, and how many were missed; all of the same write.

        newer_than: wait until more writes than that were completed.
        """
        return Snapshot(*self._snapshot(newer_than, timeout))

    def _convert_and_write(self, value: Any, timeout: Optional[float]) -> None:
        """For write(): what is not an array that can be copied as it is."""
        array = _array_of(value)
        if array.shape != self.shape:
            raise ValueError(f"expected shape {self.shape}, got {array.shape}")
        if array.dtype == self.dtype and array.flags.c_contiguous:
            self._write_array(array, timeout=timeout)
        elif self.gpu_device is not None:
            self._write_array(array.astype(self.dtype, order="C"), timeout=timeout)
        else:
            with _WriteView(self, timeout) as view:
                np.copyto(view, array, casting="unsafe")

    # --- asyncio ---

    async def wait_async(self, count: int, timeout: Optional[float] = None) -> int:
        """wait() for a task: in the loop, by the stream's descriptor, without a thread."""
        from tachyon import _stream_asyncio

        await _stream_asyncio.wait(self, operator.index(count), timeout)
        return self.count

    async def read_new_async(self, timeout: Optional[float] = None) -> Any:
        """read_new() for a task."""
        from tachyon import _stream_asyncio

        await _stream_asyncio.wait(self, self._seen + 1, timeout)
        return self.read()

    def __aiter__(self) -> AsyncIterator[Any]:
        """The newest value, whenever there is one that this handle has not read."""
        from tachyon import _stream_asyncio

        self._check_open("read from")
        return _stream_asyncio.Values(self)

    # --- other libraries ---

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> "NDArray[Any]":
        if copy is False:
            raise ValueError("an array of a stream's newest value is always a copy")
        # Of a GPU's stream, too: from its memory.
        array: NDArray[Any] = _ext.Stream.read(self)
        return array if dtype is None else array.astype(dtype, copy=False)

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
        if dl_device not in (None, self.__dlpack_device__()):
            raise BufferError(f"the values of a stream on the CPU are not on device {dl_device}")
        # Not max_version, which older versions of NumPy do not know: the array may be written to,
        # so that the older kind of capsule says all there is to say.
        array = self.read()
        if array.dtype == np.bool_:
            # Before 1.25 NumPy does not export them.
            return _ext.dlpack_as_bool(array.view(np.uint8).__dlpack__(stream=stream))
        return array.__dlpack__(stream=stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


# --- what is there ---


def create(
    name: str,
    *,
    shape: Union[int, Sequence[int]],
    dtype: DTypeLike = np.float32,
    size: Optional[int] = None,
    gpu_device: Any = None,
    cpu_mirror: Optional[bool] = None,
) -> SharedMemory:
    """Create a stream, which must not exist yet.

    size: bytes of a value, as a check.
    gpu_device: keep values in the memory of a CUDA device: "cuda:N" or N.
    cpu_mirror: with a gpu_device, keep every value in shared memory, too.
    """
    lengths = _shape_of(shape)
    numbers = np.dtype(dtype)
    scalar = _scalar_of(numbers)
    expected = math.prod(lengths) * numbers.itemsize
    if size is not None and operator.index(size) != expected:
        raise ValueError(f"size does not match shape and dtype: expected {expected}, got {size}")

    bits = 8 * numbers.itemsize
    if gpu_device is None:
        if cpu_mirror is not None and not cpu_mirror:
            raise ValueError("cpu_mirror=False is for streams with a gpu_device")
        return _ext.stream_create(SharedMemory, name, lengths, scalar, bits, _NO_DEVICE, False)
    index = _device_index(gpu_device)
    return _ext.stream_create(_gpu_class(), name, lengths, scalar, bits, index, bool(cpu_mirror))


def open(name: str, *, gpu_device: Any = None, read_only: bool = False) -> SharedMemory:
    """Open a stream that exists.

    gpu_device: where its values live on that device, attach to them; without it, only its state,
    its lock and what it mirrors can be had. Streams in shared memory ignore it.
    """
    if gpu_device is None:
        return _ext.stream_open(SharedMemory, name, read_only, _NO_DEVICE)
    index = _device_index(gpu_device)
    stream = _ext.stream_open(SharedMemory, name, read_only, _NO_DEVICE)
    if stream.gpu_device is None:
        return stream
    stream.close()
    return _ext.stream_open(_gpu_class(), name, read_only, index)


def unlink(name: str) -> None:
    """Destroy a stream; it is no error where there is none. Open handles go on with its memory."""
    _ext.stream_unlink(name)


def stat(name: str) -> StreamInfo:
    """What a stream is, without opening it."""
    return StreamInfo(*_ext.stream_stat(name))


def list() -> builtins.list[str]:
    """The names of this user's streams, sorted."""
    return _ext.stream_list()


def gpu_available() -> bool:
    """Whether there is a CUDA device, so that gpu_device can be used."""
    return _ext.gpu_count() > 0


# tachyon._stream_gpu is imported only where a value lives on a GPU. It supplies GpuSharedMemory, a
# class derived from SharedMemory for handles that are attached to device memory, which overrides
# read, read_new, snapshot, write, __dlpack__ and __dlpack_device__. What it needs of _ext.Stream:
# _read_device, _write_device, _live_device, _wait_newer, _device. The rest works on both sides as
# it is: read() and write() of _ext.Stream copy from and to the host, wherever values live.
def _gpu_class() -> type[SharedMemory]:
    if not gpu_available():
        raise RuntimeError(
            "gpu_device needs a CUDA driver and a GPU, and there is none (nor is there in a child "
            "forked off a process that used one: start it by 'spawn')"
        )
    from tachyon import _stream_gpu

    return _stream_gpu.GpuSharedMemory
