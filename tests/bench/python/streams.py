# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The newest array between two processes, one class a way, and what is timed of them.

    __init__(place, name, is_first)   a channel; who is first makes it
    write(array)                      the newest from now on
    read()                            the newest
    read_new(timeout)                 one newer than what this side read last, once it is there

`a` and `b` are the sides of a run: each has a channel there, from a to b, and one back. A value
bears its number at both ends, which whoever gets it looks at.
"""

import itertools
import mmap
import statistics
import struct
import time
from multiprocessing import shared_memory

import numpy

PATIENCE = 60.0
# As many as any of them has slots: their memory is made, or mapped, in the first ones.
WARM_UP = 4
# Of a figure and of its copies, in turn.
LOOPS = 5
# The number that ends the round trips.
LAST = 1000
# Between the values whose wakes are timed: whoever waits sleeps by then.
GAPS = (0.002, 0.003, 0.004)


class Place:
    """What both sides of a run know of it."""

    def __init__(self, name, shape, locks):
        self.name, self.shape, self.locks = name, shape, locks
        self.array = None

    def empty(self):
        """An array, whose memory is made."""
        array = numpy.empty(self.shape, numpy.float32)
        array.fill(0)
        return array

    def get_array(self):
        """One for whatever is read on this side."""
        if self.array is None:
            self.array = self.empty()
        return self.array


class Tachyon:
    """tachyon.stream: write(), read(), read_new()."""

    def __init__(self, place, name, is_first):
        self.stream = self.attach(place, name, is_first)
        self.write, self.read = self.stream.write, self.stream.read

    @staticmethod
    def attach(place, name, is_first):
        """The stream."""
        import tachyon.stream

        name = place.name + name
        if is_first:
            return tachyon.stream.create(name, shape=place.shape, dtype=numpy.float32)
        return tachyon.stream.open(name)

    def read_new(self, timeout):
        """The newer one."""
        return self.stream.read_new(timeout=timeout)

    @staticmethod
    def remove(place, name):
        """Whatever became of the run."""
        import tachyon.stream

        tachyon.stream.unlink(place.name + name)


class TachyonOut(Tachyon):
    """tachyon.stream: write(), read(out=), read_new(out=) into one array again and again."""

    def __init__(self, place, name, is_first):
        super().__init__(place, name, is_first)
        self.array = place.get_array()
        self.read = self.read_out

    def read_out(self):
        """The newest."""
        return self.stream.read(out=self.array)

    def read_new(self, timeout):
        """The newer one."""
        return self.stream.read_new(timeout=timeout, out=self.array)


class Pyshmem:
    """pyshmem: write(), read(), read_new().

    Its read_new() wants a value that is written during the call, and so loses one that comes
    between two calls: the count tells of those.
    """

    def __init__(self, place, name, is_first):
        import pyshmem

        name = place.name + name
        if is_first:
            self.stream = pyshmem.create(name, shape=place.shape, dtype=numpy.float32)
        else:
            self.stream = pyshmem.open(name)
        self.write = self.stream.write
        self.seen = 0

    def read(self):
        """The newest."""
        self.seen = self.stream.count
        return self.stream.read()

    def read_new(self, timeout):
        """The newer one."""
        end = time.monotonic() + timeout
        while self.stream.count == self.seen:
            try:
                value = self.stream.read_new(timeout=min(timeout, 0.1))
            except TimeoutError:
                if time.monotonic() > end:
                    raise
                continue
            self.seen += 1
            return value
        return self.read()

    @staticmethod
    def remove(place, name):
        """Whatever became of the run."""
        import pyshmem

        pyshmem.unlink(place.name + name)


class SharedMemory:
    """multiprocessing.shared_memory under a multiprocessing.Condition, which wakes whoever waits.

    Reads are into one array again and again.
    """

    HEADER = 64

    def __init__(self, place, name, is_first):
        size = self.HEADER + 4 * place.shape[0] * place.shape[1]
        self.block = shared_memory.SharedMemory(place.name + name, is_first, size)
        self.count = numpy.ndarray((1,), numpy.int64, self.block.buf)
        self.value = numpy.ndarray(place.shape, numpy.float32, self.block.buf, self.HEADER)
        self.lock = place.locks[name]
        self.array = place.get_array()
        self.seen = 0

    def write(self, array):
        """The newest from now on."""
        with self.lock:
            numpy.copyto(self.value, array)
            self.count[0] += 1
            self.lock.notify_all()

    def read(self):
        """The newest."""
        with self.lock:
            numpy.copyto(self.array, self.value)
            self.seen = self.count[0]
        return self.array

    def read_new(self, timeout):
        """The newer one."""
        with self.lock:
            if not self.lock.wait_for(lambda: self.count[0] > self.seen, timeout):
                raise TimeoutError
            numpy.copyto(self.array, self.value)
            self.seen = self.count[0]
        return self.array

    @staticmethod
    def remove(place, name):
        """Whatever became of the run."""
        try:
            block = shared_memory.SharedMemory(place.name + name)
        except FileNotFoundError:
            return
        block.close()
        block.unlink()


# --- what is timed ---


class Copies:
    """The copies that a write and a read cannot do without, in one process, all warm."""

    def __init__(self, place, array):
        memory = mmap.mmap(-1, 4 * place.shape[0] * place.shape[1], mmap.MAP_SHARED)
        self.shared = numpy.ndarray(place.shape, numpy.float32, memory)
        self.array, self.other = array, place.get_array()

    def write(self):
        """Into shared memory."""
        numpy.copyto(self.shared, self.array)

    def read(self):
        """And out of it."""
        numpy.copyto(self.other, self.shared)

    def both(self):
        """One after the other."""
        self.write()
        self.read()

    def trip(self):
        """There and back."""
        self.both()
        self.both()


def time_loop(call, count):
    """Nanoseconds of one."""
    begin = time.perf_counter_ns()
    for _ in range(count):
        call()
    return (time.perf_counter_ns() - begin) / count


def time_beside(name, call, copies, seconds):
    """Nanoseconds of a call and of its copies, in turn, and how many times these it takes: what
    disturbs one disturbs the other."""
    estimate = time_loop(call, WARM_UP) + time_loop(copies, 2)
    count = max(1, round(seconds * 1e9 / LOOPS / estimate))
    calls, floors = [], []
    for _ in range(LOOPS if count > 1 else 3):
        calls.append(time_loop(call, count))
        floors.append(time_loop(copies, count))
    ratio = statistics.median(one / other for one, other in zip(calls, floors))
    return {name: statistics.median(calls), name + " copies": statistics.median(floors),
            name + " ratio": ratio}


def stamp(array, number):
    """Its number, in the first and the last cell."""
    array[0, 0] = array[-1, -1] = number


def check(array, number):
    """ValueError where it is another one."""
    if (array[0, 0], array[-1, -1]) != (number, number):
        raise ValueError(f"value {array[0, 0]}, {array[-1, -1]}, not {number}")


class Side:
    """One process of a run: its channels, and the other process."""

    def __init__(self, kind, place, peer, is_first):
        self.peer, self.place, self.is_first = peer, place, is_first
        if not is_first:
            self.wait()
        self.there = kind(place, "-there", is_first)
        self.back = kind(place, "-back", is_first)
        if is_first:
            self.say()
        self.value = place.empty()

    def say(self, what=None):
        """To the other side."""
        self.peer.send(what)

    def wait(self):
        """What the other side says."""
        if not self.peer.poll(PATIENCE):
            raise TimeoutError("the other side says nothing")
        return self.peer.recv()

    def meet(self):
        """Both are there, and have seen what was written so far."""
        self.say()
        self.wait()
        (self.back if self.is_first else self.there).read()
        self.say()
        self.wait()


def time_a(side, seconds):
    """Writes; both by one process; round trips."""
    copies = Copies(side.place, side.value)
    numbers = itertools.count(1)

    def write():
        side.there.write(side.value)

    def both():
        side.there.write(side.value)
        side.there.read()

    def trip():
        number = next(numbers) % LAST
        stamp(side.value, number)
        side.there.write(side.value)
        check(side.back.read_new(PATIENCE), number)

    figures = time_beside("write", write, copies.write, seconds)
    side.say()
    figures |= side.wait()
    figures |= time_beside("both", both, copies.both, seconds)
    side.say()
    side.meet()
    figures |= time_beside("trip", trip, copies.trip, seconds)
    stamp(side.value, LAST)
    side.there.write(side.value)
    return figures


def time_b(side, seconds):
    """The other side of it."""
    copies = Copies(side.place, side.value)
    side.wait()
    side.say(time_beside("read", side.there.read, copies.read, seconds))
    side.wait()
    side.meet()
    while (value := side.there.read_new(PATIENCE))[0, 0] != LAST:
        side.back.write(value)
    return {}


def wake_a(side, count):
    """From before a write until the other side has the value; it slept before."""
    times = []
    side.meet()
    for number in range(WARM_UP + count):
        time.sleep(GAPS[number % len(GAPS)])
        stamp(side.value, number)
        begin = time.perf_counter_ns()
        side.there.write(side.value)
        times.append(struct.unpack("q", side.peer.recv_bytes())[0] - begin)
    times = sorted(times[WARM_UP:])
    return {"p50": times[len(times) // 2], "p90": times[len(times) * 9 // 10]}


def wake_b(side, count):
    """The other side of it."""
    side.meet()
    for number in range(WARM_UP + count):
        value = side.there.read_new(PATIENCE)
        side.peer.send_bytes(struct.pack("q", time.perf_counter_ns()))
        check(value, number)
    return {}


def idle_a(side, seconds):
    """Does nothing."""
    del seconds
    side.meet()
    return side.wait()


def idle_b(side, seconds):
    """Waits for a value that never comes: nanoseconds of processor time a second."""
    side.meet()
    wall, used = time.monotonic_ns(), time.process_time_ns()
    try:
        side.there.read_new(seconds)
    except TimeoutError:
        pass
    used, wall = time.process_time_ns() - used, time.monotonic_ns() - wall
    side.say({"cpu": 1e9 * used / wall})
    return {}
