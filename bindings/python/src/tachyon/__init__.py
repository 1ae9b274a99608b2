# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Audio and video frames, and any other data, between processes without a copy.

Bus, Listener     messages between two processes
Publisher         frames to many: a tachyonsrc, a Subscriber
Subscriber        frames from a tachyonsink, or a Publisher
tachyon.stream    the newest value of an array, by name: a module of its own, which needs NumPy
"""

from tachyon._caps import Caps
from tachyon._ext import (
    Bus,
    BusStats,
    Clock,
    ClosedError,
    Eos,
    Event,
    Frame,
    Layout,
    Listener,
    Message,
    Notice,
    Publisher,
    PublisherStats,
    RxBatch,
    RxGuard,
    RxMessage,
    Subscriber,
    SubscriberStats,
    TxGuard,
    __version__,
    system_calls,
)

__all__ = [
    "Bus",
    "BusStats",
    "Caps",
    "Clock",
    "ClosedError",
    "Eos",
    "Event",
    "Frame",
    "Layout",
    "Listener",
    "Message",
    "Notice",
    "Publisher",
    "PublisherStats",
    "RxBatch",
    "RxGuard",
    "RxMessage",
    "Subscriber",
    "SubscriberStats",
    "TxGuard",
    "__version__",
    "system_calls",
]
