# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
#
# The C extension. What a call does in depth: <tachyon/bus.h>, <tachyon/frame.h>, lib/PROTOCOL.md.
#
# Times are in seconds where they say how long to wait (float; None waits for ever, 0 not at all)
# and in nanoseconds (int) where they belong to a frame.
#
# Errors are OSError, or its subclasses as errno gives them:
#   BlockingIOError       timeout=0, and nothing is there, or there is no room
#   TimeoutError          the timeout ran out; nothing else changed
#   ClosedError           (a BrokenPipeError) the object was closed here, before or during the call,
#                         or the peer closed and everything was received: the text says which
#   ConnectionResetError  the peer died; everything it had sent was received
#   PermissionError       the peer's user or the file's mode does not allow it (EACCES)
#   ChildProcessError     the object belongs to the parent of this forked process
#   OSError EBADMSG       the peer broke the protocol; EPROTONOSUPPORT it speaks another one
#   OSError EMSGSIZE      it would never fit; the text has both sizes
#   OSError EADDRINUSE    a live listener owns the address
# Beside them: TypeError, ValueError (an argument, or a guard that was already committed, rolled
# back or released), OverflowError (an integer that its C type cannot hold), BufferError (a view of
# the memory still lives).
#
# Threads: one thread at a time sends, one receives, as in C; others that try meanwhile wait their
# turn, with their timeout. While a TxGuard is open nobody else sends: ValueError. close() may be
# called from any thread. Every wait releases the GIL and looks for signals at least every 0.1 s.
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, TypeVar, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer, CapsuleType, Self

from tachyon._caps import Caps

__version__: Final[str]

class ClosedError(BrokenPipeError): ...

def system_calls() -> int:
    """System calls that libtachyon has made in this process so far: diagnostics."""

# For tachyon._asyncio: an object that is watched keeps its descriptor over a close(), which then
# calls back a Subscriber's watcher (a Bus's descriptor becomes readable).
def _watch(source: Bus | Subscriber, callback: Callable[[], None], /) -> None: ...
def _unwatch(source: Bus | Subscriber, /) -> None: ...

# --- messages ---

@final
class Message:
    """A received message, copied out: `data` is bytes. Equal when both fields are."""

    __match_args__ = ("type_id", "data")
    def __new__(cls, type_id: int, data: bytes) -> Self: ...
    @property
    def type_id(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def size(self) -> int: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

class BusStats(NamedTuple):
    peer_pid: int
    messages_sent: int
    bytes_sent: int
    messages_received: int
    bytes_received: int
    sleeps: int
    wakes: int
    full: int

class Bus:
    """A connected pair of processes, and a ring of messages each way between them."""

    @classmethod
    def listen(
        cls,
        address: str | bytes | os.PathLike[str],
        capacity: int = 65536,
        *,
        timeout: float | None = None,
        spin: int | None = None,
        max_peer_capacity: int = 67108864,
        perms: int = 0o600,
        uids: Sequence[int] = (),
        any_uid: bool = False,
    ) -> Self:
        """Claim an address, wait for one peer, give up the address.

        capacity: bytes of the ring we send on, rounded up to a power of two (4096 .. 1 GiB). A peer
        that connects without a capacity of its own takes the larger of 64 KiB and ours.
        spin: polls of the ring before a wait sleeps; None for the library's default, 0 for none.
        """
    @classmethod
    def connect(
        cls,
        address: str | bytes | os.PathLike[str],
        capacity: int | None = None,
        *,
        timeout: float | None = 5.0,
        spin: int | None = None,
        max_peer_capacity: int = 67108864,
        uids: Sequence[int] = (),
        any_uid: bool = False,
    ) -> Self:
        """Connect to a listener, waiting for it to appear."""
    def send(self, data: Buffer, type_id: int = 0, *, timeout: float | None = None) -> None:
        """Copy a message into the ring and make it visible. Waits for space. data must be contiguous."""
    def send_zero_copy(
        self, size: int, type_id: int = 0, *, timeout: float | None = None
    ) -> TxGuard:
        """Take room for a message of up to size bytes, to write it in place. One at a time."""
    def recv(self, timeout: float | None = None) -> Message:
        """The next message, copied out."""
    def recv_zero_copy(self, timeout: float | None = None) -> RxGuard:
        """The next message, in place, until the guard is released. Guards are released in any order."""
    def drain_batch(self, max_messages: int = 1024, timeout: float | None = None) -> RxBatch:
        """Wait for one message, then take what is there, up to max_messages, in place."""
    def flush(self) -> None: ...
    def close(self) -> None:
        """End the connection; what was sent is still received. Threads in a call leave it with
        ClosedError. Guards and views of received memory stay valid. Closing twice is fine."""
    @property
    def closed(self) -> bool: ...
    @property
    def end(self) -> Literal["closed", "died", "corrupt", "local"] | None:
        """How the connection ended so far."""
    @property
    def max_message(self) -> int: ...
    def stats(self) -> BusStats: ...
    def fileno(self) -> int:
        """For a poll of your own: prepare(), poll it for input, dispatch(), recv(timeout=0)."""
    def prepare(self) -> bool:
        """True when something is known to be there: do not poll. False when armed: the descriptor
        is, or becomes, readable when a message or the end is there."""
    def dispatch(self) -> None: ...
    def __iter__(self) -> Iterator[Message]:
        """Messages, until the peer closes (iteration stops) or dies (ConnectionResetError)."""
    def __next__(self) -> Message: ...
    def __aiter__(self) -> AsyncIterator[Message]:
        """The same with asyncio, on fileno(): no thread."""
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

class Listener:
    """An address, for many peers one after another. Arguments as for Bus.listen()."""

    def __init__(
        self,
        address: str | bytes | os.PathLike[str],
        capacity: int = 65536,
        *,
        spin: int | None = None,
        max_peer_capacity: int = 67108864,
        perms: int = 0o600,
        uids: Sequence[int] = (),
        any_uid: bool = False,
    ) -> None: ...
    def accept(self, timeout: float | None = None) -> Bus: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

@final
class TxGuard:
    """Room for one message. A writable buffer of bytes.

    Leaving the with block commits actual_size bytes; leaving it by an exception rolls back. While a
    view lives, commit raises BufferError, nothing is sent, and the guard stays open; rolling back
    by an exception takes effect when the last view is gone. A guard that is dropped is rolled back.
    """

    type_id: int
    actual_size: int
    @property
    def size(self) -> int:
        """Bytes reserved."""
    def commit(self, size: int | None = None, type_id: int | None = None) -> None: ...
    def commit_unflushed(self, size: int | None = None, type_id: int | None = None) -> None:
        """Part of a batch: the peer sees it with the next flush()."""
    def rollback(self) -> None: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

@final
class RxMessage:
    """One message of a batch, or what a RxGuard shows. Valid until the batch is released."""

    @property
    def type_id(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def actual_size(self) -> int: ...
    @property
    def data(self) -> bytes:
        """A copy."""
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __dlpack__(self, *, stream: None = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> CapsuleType: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...

@final
class RxGuard:
    """A received message, in place. A read-only buffer of bytes.

    Views may be written to where a library ignores that they are read-only (torch does): that never
    reaches the sender or another reader, and is lost with the guard. Leaving the with block gives
    the message back to the sender; BufferError while a view lives, and the guard stays open; after
    an exception it is given back when the last view is gone. A guard that is dropped gives it back.
    """

    @property
    def type_id(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def actual_size(self) -> int: ...
    @property
    def data(self) -> bytes:
        """A copy."""
    def commit(self) -> None:
        """Give it back. release() by the name of the guard's other half."""
    def release(self) -> None: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __dlpack__(self, *, stream: None = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> CapsuleType: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

@final
class RxBatch:
    """Messages received together, given back together. As RxGuard, with a sequence of messages."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> RxMessage: ...
    def __iter__(self) -> Iterator[RxMessage]: ...
    def commit(self) -> None: ...
    def release(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

# --- frames ---

class Layout(NamedTuple):
    """Planes of a picture: offsets in the payload and strides, in bytes."""

    width: int
    height: int
    offsets: tuple[int, ...]
    strides: tuple[int, ...]

class Clock(NamedTuple):
    """base_time: the producer's running time 0 on CLOCK_MONOTONIC, ns, or None. latency: ns."""

    base_time: int | None
    latency: int

class Event(NamedTuple):
    type: int
    data: bytes
    sticky: bool = False
    order: int = 0
    id: int = 0

class Notice(NamedTuple):
    """What a subscriber did: kind is "joined", "left" or "event"."""

    kind: Literal["joined", "left", "event"]
    subscriber: int
    pid: int
    end: Literal["closed", "died", "corrupt", "local"] | None
    event: Event | None

class PublisherStats(NamedTuple):
    subscribers: int
    frames: int
    bytes: int
    copied: int
    dropped: int
    waits: int
    wakes: int
    queued: int
    blocks: int
    blocks_free: int
    payload_bytes: int

class SubscriberStats(NamedTuple):
    peer_pid: int
    frames: int
    bytes: int
    copied: int
    dropped: int
    held: int
    sleeps: int
    connects: int
    mapped_bytes: int

@final
class Frame:
    """A frame received, or acquired to be filled in.

    A buffer whose shape, strides and format come from the caps: height x width x channels for
    packed video, samples x channels for audio, bytes for anything else. Received: read-only, as
    RxGuard. Acquired: writable; leaving the with block sends it, leaving it by an exception gives
    it back unsent.
    """

    pts: int | None
    dts: int | None
    duration: int | None
    offset: int | None
    offset_end: int | None
    flags: int
    """Received: read-only (AttributeError), as are the times."""
    size: int
    """Bytes of payload; acquired: may be lowered."""
    @property
    def caps(self) -> Caps | None: ...
    @property
    def layout(self) -> Layout | None: ...
    @property
    def scarce(self) -> bool:
        """Received: the publisher is short of memory; copy and release this one soon."""
    @property
    def after_drop(self) -> bool:
        """Received: frames before this one were skipped for this subscriber."""
    @property
    def records(self) -> tuple[tuple[int, bytes], ...]:
        """Metadata, as (type, content)."""
    @property
    def planes(self) -> tuple[Any, ...]:
        """One numpy array a plane, with its stride: of planar video (height x width, or x
        components), of non-interleaved audio (samples). One alone where there is one plane."""
    @property
    def data(self) -> bytes:
        """A copy of the payload as it lies there, padding included."""
    def is_valid(self) -> bool:
        """Whether what was read so far was still this frame's: false after the publisher dropped
        this subscriber and used the memory again."""
    def commit(self, timeout: float | None = ...) -> int:
        """Acquired: send it. Returns how many subscribers it went to. Waits for room as long as
        acquire() was told to wait, or for timeout; when that runs out it is still to be sent."""
    def release(self) -> None:
        """Give the memory back: unsent, where it was acquired. BufferError while a view lives."""
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __dlpack__(self, *, stream: None = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> CapsuleType: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

@final
class Eos:
    """The end of the stream."""

class Subscriber:
    """Reads what a publisher (a tachyonsink, a tachyon.Publisher, …) sends."""

    def __init__(
        self,
        address: str | bytes | os.PathLike[str],
        *,
        timeout: float | None = 5.0,
        latest_only: bool = False,
        spin: int = 0,
        ring_size: int = 65536,
        max_bytes: int = 4294967296,
        any_uid: bool = False,
    ) -> None:
        """Connects, waiting up to timeout for the publisher to appear."""
    def connect(self, timeout: float | None = 5.0) -> None:
        """Connect anew; the connection there was is left first."""
    def receive(self, timeout: float | None = None) -> Frame | Caps | Layout | Clock | Event | Eos:
        """The next frame or piece of state, in order."""
    def recv(self, timeout: float | None = None) -> Frame:
        """The next frame; state before it is taken note of. EOFError at the end of the stream."""
    def send_event(self, type: int, data: Buffer = b"") -> None:
        """Send the publisher an event of at most 4 KiB. BlockingIOError when there is no room."""
    def set_need(self, blocks: int) -> None:
        """Say how many frames this side wants to hold at a time."""
    @property
    def caps(self) -> Caps | None: ...
    @property
    def layout(self) -> Layout | None: ...
    @property
    def clock(self) -> Clock | None: ...
    @property
    def end(self) -> Literal["eos", "closed", "died", "corrupt", "local"] | None: ...
    def stats(self) -> SubscriberStats: ...
    def fileno(self) -> int: ...
    def prepare(self) -> bool: ...
    def dispatch(self) -> None: ...
    def close(self) -> None:
        """Leave. Frames received stay readable until released."""
    @property
    def closed(self) -> bool: ...
    def __iter__(self) -> Iterator[Frame]:
        """Frames, until the end of the stream or until the publisher closes (iteration stops); a
        publisher that died is ConnectionResetError."""
    def __aiter__(self) -> AsyncIterator[Frame]:
        """The same with asyncio, on fileno(): no thread."""
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

class Publisher:
    """Sends frames to many subscribers (a tachyonsrc, a tachyon.Subscriber, …).

    A thread of the extension, which runs no Python code, lets subscribers join while the program
    does something else.
    """

    def __init__(
        self,
        address: str | bytes | os.PathLike[str],
        caps: str | None = None,
        *,
        policy: Literal["block", "drop", "disconnect"] = "block",
        max_buffers: int = 0,
        max_subscribers: int = 64,
        max_bytes: int = 1073741824,
        stall_timeout: float | None = None,
        ring_size: int = 65536,
        perms: int = 0o600,
        uids: Sequence[int] = (),
        any_uid: bool = False,
    ) -> None: ...
    caps: Caps | None
    """Assigning sends it."""
    layout: Layout | None
    """Where planes stand, unless as GStreamer lays them out. Assigning sends it."""
    clock: Clock | None
    """Assigning sends it."""
    def send(
        self,
        data: Buffer,
        *,
        pts: int | None = None,
        dts: int | None = None,
        duration: int | None = None,
        offset: int | None = None,
        offset_end: int | None = None,
        flags: int = 0,
        records: Sequence[tuple[int, bytes]] = (),
        timeout: float | None = None,
    ) -> int:
        """Copy a contiguous buffer to every subscriber; returns how many got it."""
    def acquire(self, size: int | None = None, *, timeout: float | None = None) -> Frame:
        """Memory to write the next frame into. size: bytes; None for a raw picture of the caps.
        timeout: how long to wait for memory, and then for room where a subscriber is behind."""
    def send_event(self, type: int, data: Buffer = b"", *, sticky: bool = False, order: int = 0,
                   id: int = 0, timeout: float | None = None) -> None: ...
    def send_eos(self) -> None: ...
    def forget(self, order: int = 0) -> None:
        """Forget sticky state of this order and later, so that frames may follow an end."""
    def wait(self, timeout: float | None = None) -> None:
        """Sleep until a frame came back, or a subscriber came or went."""
    def wait_for_subscribers(self, count: int = 1, timeout: float | None = None) -> None: ...
    @property
    def subscribers(self) -> int: ...
    @property
    def need(self) -> int: ...
    def notices(self) -> list[Notice]:
        """What subscribers did since the last call."""
    def stats(self) -> PublisherStats: ...
    def disconnect(self) -> None: ...
    def close(self) -> None:
        """End. What was sent is still received. Threads in a call leave it with ClosedError."""
    @property
    def closed(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None: ...

# --- streams: see stream.py, which is what users import ---
#
# Errors: RuntimeError a closed handle, a lock that is not held, a GPU that is not there; TimeoutError
# also for timeout=0; ValueError, TypeError; FileExistsError, FileNotFoundError, PermissionError and
# other OSErrors as <tachyon/stream.h> has them. Who waits sleeps until it is woken, and looks for
# signals when one comes.

_S = TypeVar("_S", bound=Stream)

# device_index: -1 for none. scalar: enum tachyon_scalar.
def stream_create(
    type: type[_S],
    name: str,
    shape: tuple[int, ...],
    scalar: int,
    bits: int,
    device_index: int,
    has_mirror: bool,
    /,
) -> _S: ...
def stream_open(type: type[_S], name: str, read_only: bool, device_index: int, /) -> _S: ...
def stream_unlink(name: str, /) -> None: ...
def stream_stat(name: str, /) -> tuple[Any, ...]: ...
def stream_list() -> list[str]: ...
# The capsule of bytes says from now on that they are booleans.
def dlpack_as_bool(capsule: CapsuleType, /) -> CapsuleType: ...
def gpu_count() -> int: ...

@final
class GpuMemory:
    """Memory of a CUDA device."""

    @property
    def address(self) -> int: ...
    @property
    def device_index(self) -> int: ...
    def copy_to(self, buffer: Any, /) -> None:
        """Copies as much as fits into memory of the host."""
    def dlpack(self, shape: tuple[int, ...], code: int, bits: int, /) -> Any:
        """A DLPack capsule of an array that stands there, C-contiguous."""

def gpu_allocate(device_index: int, size: int, /) -> GpuMemory:
    """New memory."""

def gpu_import(
    capsule: Any, /
) -> tuple[GpuMemory, int, int, int, tuple[int, ...], tuple[int, ...] | None]:
    """What is in a DLPack capsule of device memory, which it takes over.

    (memory, code, bits, lanes, shape, strides in elements or None)
    """

def gpu_view(stream: Stream, address: int, /) -> GpuMemory:
    """A stream's memory, which stays as long as this lives."""

class Stream:
    """The newest value of one array, by name. See tachyon.stream."""

    # After close() all of these, but closed, raise RuntimeError.
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def size(self) -> int: ...
    @property
    def gpu_device(self) -> str | None: ...
    @property
    def cpu_mirror(self) -> bool: ...
    @property
    def owner(self) -> bool: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def id(self) -> bytes: ...
    @property
    def count(self) -> int: ...
    @property
    def write_time(self) -> float: ...
    @property
    def write_sequence(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def write(self, value: Any, *, timeout: float | None = None) -> None:
        """Make an array of the stream's shape its newest value.

        The one copy is the one into shared memory. Another type is converted, as
        astype(casting="unsafe") does.
        """
    def read(
        self,
        safe: bool = True,
        poll_interval: float | None = None,
        out: NDArray[Any] | None = None,
    ) -> Any:
        """The newest value, copied; with safe=False, under the lock, in place.

        What is written into the array in place is published when the lock is given back.
        poll_interval is ignored: nothing polls.
        """
    def read_new(
        self,
        timeout: float | None = None,
        safe: bool = True,
        poll_interval: float | None = None,
        out: NDArray[Any] | None = None,
    ) -> Any:
        """The same, once there is one that this handle has not read. TimeoutError."""
    def wait(self, count: int, *, timeout: float | None = None) -> int:
        """Wait until so many writes were completed: how many were. TimeoutError."""
    def clear(self, *, timeout: float | None = None) -> None:
        """Write zeros."""
    def acquire(self, timeout: float | None = None, poll_interval: float | None = None) -> None:
        """Take the writers' lock; a thread that has it may take it again. TimeoutError."""
    def release(self) -> None:
        """Give it back. What was written into a live view is published."""
    def fileno(self) -> int:
        """For a poll of your own: prepare(count), poll it, dispatch(count)."""
    def prepare(self, count: int, /) -> bool:
        """True when the count is there: do not poll. False when armed."""
    def dispatch(self, count: int, /) -> bool:
        """After a poll of your own: whether the count is there."""
    def close(self) -> None:
        """Give up this handle. The stream stays, and so do arrays."""
    def unlink(self) -> None:
        """Destroy the stream: its name is free. Handles go on with its memory."""
    def delete(self) -> None:
        """close() and unlink()."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    # For stream.py and its parts.
    @property
    def _seen(self) -> int: ...
    @property
    def _device(self) -> int: ...
    def _check_open(self, verb: str, /) -> None: ...
    def _leave_lock(self) -> None: ...
    def _write_array(self, value: NDArray[Any], *, timeout: float | None = None) -> None: ...
    # value, count, seconds, missed
    def _snapshot(
        self, newer_than: int | None = None, timeout: float | None = None
    ) -> tuple[NDArray[Any], int, float, int]: ...
    def _wait_newer(self, timeout: float | None, /) -> None: ...
    def _begin(self, timeout: float | None, /) -> NDArray[Any]: ...
    def _commit(self) -> None: ...
    def _rollback(self) -> None: ...
    # A watched stream keeps its descriptor over a close(), which calls back.
    def _watch(self, callback: Callable[[], None], /) -> None: ...
    def _unwatch(self) -> None: ...
    # memory: a device pointer. count, nanoseconds, missed
    def _write_device(self, memory: int, *, timeout: float | None = None) -> None: ...
    def _read_device(self, memory: int, /) -> tuple[int, int, int]: ...
    def _live_device(self) -> int: ...
