# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Tasks that wait for a stream: on its descriptor, in the loop, without a thread."""

import asyncio
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from tachyon.stream import SharedMemory

# Values taken in a row before other tasks get their turn.
_IN_A_ROW = 16


class _Watch:
    """The tasks of one loop that wait for one stream: they share its descriptor."""

    def __init__(self, stream: "SharedMemory", loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self.loop = loop
        self._waiting: dict[asyncio.Future[None], int] = {}
        # From here on close() leaves the descriptor open, so that its number means nothing else.
        stream._watch(self._on_close)
        try:
            self._descriptor = stream.fileno()
            loop.add_reader(self._descriptor, self._on_readable)
        except BaseException:
            stream._unwatch()
            raise

    def end(self) -> None:
        self.loop.remove_reader(self._descriptor)
        self._stream._unwatch()

    def add(self, count: int) -> "asyncio.Future[None]":
        woken: asyncio.Future[None] = self.loop.create_future()
        self._waiting[woken] = count
        self._arm()
        return woken

    def discard(self, woken: "asyncio.Future[None]") -> bool:
        """Whether nobody waits any more."""
        self._waiting.pop(woken, None)
        return not self._waiting

    def _wake(self) -> None:
        """Whoever waits for what is there."""
        count = self._stream.count
        for woken, wanted in self._waiting.items():
            if wanted <= count and not woken.done():
                woken.set_result(None)

    def _fail(self, error: BaseException) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_exception(error)

    def _nearest(self) -> Optional[int]:
        counts = [count for woken, count in self._waiting.items() if not woken.done()]
        return min(counts, default=None)

    def _arm(self) -> None:
        """Ask to be told of the nearest count; of the next one, where that is there already."""
        try:
            while (nearest := self._nearest()) is not None and self._stream.prepare(nearest):
                self._wake()
        except (OSError, RuntimeError) as error:
            self._fail(error)

    def _on_readable(self) -> None:
        nearest = self._nearest()
        try:
            # It clears the descriptor also where all were woken meanwhile, and are not gone yet.
            if not self._stream.dispatch(self._stream.count + 1 if nearest is None else nearest):
                return
            self._wake()
        except (OSError, RuntimeError) as error:
            self._fail(error)
            return
        self._arm()

    def _on_close(self) -> None:
        """In any thread."""
        try:
            self.loop.call_soon_threadsafe(self._arm)
        except RuntimeError:  # the loop was closed: nobody waits
            pass


# By id() of a stream: they live as long as they stand here.
_watches: dict[int, _Watch] = {}


def _watch(stream: "SharedMemory") -> _Watch:
    loop = asyncio.get_running_loop()
    watch = _watches.get(id(stream))
    if watch is None:
        watch = _watches[id(stream)] = _Watch(stream, loop)
    elif watch.loop is not loop:
        raise RuntimeError(f"another event loop waits for shared memory {stream.name!r}")
    return watch


async def wait(stream: "SharedMemory", count: int, timeout: Optional[float]) -> None:
    """Until the count is there. Where it is, without letting other tasks run."""
    if timeout is not None and not timeout >= 0:
        raise ValueError("a timeout is None, or a number of seconds that is not negative")
    if stream.count >= count:
        return
    name = stream.name
    watch = _watch(stream)
    woken = watch.add(count)
    try:
        await asyncio.wait_for(woken, timeout)
    except asyncio.TimeoutError:
        raise TimeoutError(f"timed out waiting for a new write on {name!r}") from None
    finally:
        if watch.discard(woken):
            del _watches[id(stream)]
            watch.end()


class Values:
    """What ``async for value in stream`` iterates over; one that is left early leaves nothing."""

    def __init__(self, stream: "SharedMemory") -> None:
        self._stream = stream
        self._in_a_row = 0

    def __aiter__(self) -> "Values":
        return self

    async def __anext__(self) -> Any:
        # A writer that is faster than this task would keep the others from running.
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        return await self._stream.read_new_async()
