# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""async for over a Bus or a Subscriber: on its descriptor, in the loop, without a thread."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

from tachyon._ext import Bus, ClosedError, Frame, Message, Subscriber, _unwatch, _watch

T = TypeVar("T")

# Objects that a task waits for, by id(): they live as long as they stand here.
_waited: set[int] = set()

# Items taken in a row before other tasks get their turn.
_IN_A_ROW = 64


async def _readable(source: Any) -> None:
    """Sleep until recv(timeout=0) may have something, or close() was called, in any thread."""
    loop = asyncio.get_running_loop()
    if id(source) in _waited:
        raise RuntimeError("another task waits for this object")
    woken = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    def wake_from_anywhere() -> None:
        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:  # the loop was closed: nobody waits
            pass

    # From here on close() leaves the descriptor open, so that its number means nothing else.
    _watch(source, wake_from_anywhere)
    _waited.add(id(source))
    try:
        descriptor = source.fileno()
        if source.prepare():
            return
        loop.add_reader(descriptor, wake)
        try:
            await woken
        finally:
            loop.remove_reader(descriptor)
            if not source.closed:
                source.dispatch()
    finally:
        _waited.discard(id(source))
        _unwatch(source)


class _Iterator(Generic[T]):
    """An asynchronous iterator, not a generator: one that is left early leaves nothing behind."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._has_ended = False
        self._in_a_row = 0

    def __aiter__(self) -> "_Iterator[T]":
        return self

    async def __anext__(self) -> T:
        asyncio.get_running_loop()
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while not self._has_ended:
            try:
                item: T = self._source.recv(timeout=0)
                return item
            except BlockingIOError:
                self._in_a_row = 0
                await _readable(self._source)
            except EOFError:
                self._has_ended = True
            except ClosedError:
                # As in iter(): the peer's close is the end, our own is an error.
                if self._source.closed or self._source.end != "closed":
                    raise
                self._has_ended = True
        raise StopAsyncIteration


def messages(bus: Bus) -> AsyncIterator[Message]:
    """What ``async for message in bus`` iterates over."""
    return _Iterator[Message](bus)


def frames(subscriber: Subscriber) -> AsyncIterator[Frame]:
    """What ``async for frame in subscriber`` iterates over."""
    return _Iterator[Frame](subscriber)
