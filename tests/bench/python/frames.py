# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Pictures between two processes, one class a transport.

`a` produces: it stamps each picture with its number and paints one line of it, the same work for
all; what else the picture shows was there before. `b` gets an array of height x width x 3, of NumPy
or of torch, reads the stamp, sums up the line, and lets go of the picture.

    __init__(side, place)   connected
    produce(count)          of side a
    consume(watch)          of side b: watch(array, number) looks at each
"""

import ctypes
import os
import time
from multiprocessing import connection, resource_tracker, shared_memory

import numpy

WIDTH, HEIGHT = 1920, 1080
SHAPE = (HEIGHT, WIDTH, 3)
SIZE = WIDTH * HEIGHT * 3
LINE = HEIGHT // 2
CAPS = f"video/x-raw, format=RGB, width={WIDTH}, height={HEIGHT}, framerate=60/1"
# Pictures that may be on their way.
QUEUE = 3
WARM_UP = 100
# Of tachyon-ipc, see there.
RING = 1 << 29


def stamp(array, number):
    """What a producer does to each picture."""
    array.reshape(-1)[:8].view(numpy.uint64)[0] = number
    array[LINE] = number % 251


class Numpy:
    """Pictures as NumPy arrays."""

    def __init__(self):
        self.from_frame = numpy.asarray

    @staticmethod
    def from_buffer(buffer):
        """Of bytes."""
        return numpy.frombuffer(buffer, numpy.uint8).reshape(SHAPE)

    @staticmethod
    def read(array):
        """The stamp, and the sum of the line."""
        return int(array.reshape(-1)[:8].view(numpy.uint64)[0]), int(array[LINE].sum())


class Torch:
    """Pictures as torch tensors."""

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        self.torch = torch
        self.from_frame = torch.from_dlpack

    def from_buffer(self, buffer):
        """Of bytes."""
        return self.torch.frombuffer(buffer, dtype=self.torch.uint8).reshape(SHAPE)

    def read(self, array):
        """The stamp, and the sum of the line."""
        return int(array.reshape(-1)[:8].view(self.torch.int64)[0]), int(array[LINE].sum())


LOOKS = {"numpy": Numpy, "torch": Torch}


class Watch:
    """Looks at each picture, and takes the time of those behind WARM_UP: memory is made in it."""

    def __init__(self, look, count):
        self.look, self.count = look, WARM_UP + count
        self.begin = 0

    def __call__(self, array, number):
        found = self.look.read(array)
        if found != (number, number % 251 * WIDTH * 3):
            raise ValueError(f"picture {found}, not {number}")
        if number == WARM_UP - 1:
            self.begin = time.perf_counter_ns()

    def elapsed_ns(self):
        """After the last."""
        return time.perf_counter_ns() - self.begin


class Acquired:
    """tachyon: Publisher.acquire(), iteration over a Subscriber."""

    def __init__(self, side, place):
        import tachyon

        address = place.path("frames")
        if side == "a":
            self.publisher = tachyon.Publisher(address, CAPS, max_buffers=QUEUE)
            self.publisher.wait_for_subscribers(1, timeout=10)
        else:
            self.subscriber = tachyon.Subscriber(address, timeout=10)

    def produce(self, count):
        """All pictures."""
        acquire = self.publisher.acquire
        for number in range(count):
            with acquire() as frame:
                array = numpy.asarray(frame)
                stamp(array, number)
                del array

    def consume(self, watch):
        """All pictures."""
        get = watch.look.from_frame
        for number, frame in zip(range(watch.count), self.subscriber):
            watch(get(frame), number)


class Sent(Acquired):
    """tachyon: Publisher.send() of an array of the program's own, iteration over a Subscriber."""

    def produce(self, count):
        """All pictures."""
        array, send = numpy.zeros(SHAPE, numpy.uint8), self.publisher.send
        for number in range(count):
            stamp(array, number)
            send(array)


class Pipe:
    """multiprocessing.Pipe: send_bytes(), recv_bytes_into() one array again and again."""

    def __init__(self, side, place):
        del side
        self.end = connection.Connection(place.fds[0])

    def produce(self, count):
        """All pictures."""
        array, send = numpy.zeros(SHAPE, numpy.uint8), self.end.send_bytes
        for number in range(count):
            stamp(array, number)
            send(array.data.cast("B"))

    def consume(self, watch):
        """All pictures."""
        buffer = bytearray(SIZE)
        for number in range(watch.count):
            self.end.recv_bytes_into(buffer)
            watch(watch.look.from_buffer(buffer), number)


class ZeroMq:
    """pyzmq over ipc://: PUSH and PULL, send(copy=False) of arrays in turn, recv(copy=False)."""

    def __init__(self, side, place):
        import zmq

        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PUSH if side == "a" else zmq.PULL)
        self.socket.set_hwm(QUEUE)
        address = "ipc://" + place.path("zmq")
        if side == "a":
            self.socket.connect(address)
        else:
            self.socket.bind(address)

    def produce(self, count):
        """All pictures. An array is painted again when pyzmq says that it has left."""
        arrays = [numpy.zeros(SHAPE, numpy.uint8) for _ in range(QUEUE)]
        trackers = [None] * QUEUE
        for number in range(count):
            turn = number % QUEUE
            if trackers[turn]:
                trackers[turn].wait()
            stamp(arrays[turn], number)
            trackers[turn] = self.socket.send(arrays[turn], copy=False, track=True)

    def consume(self, watch):
        """All pictures."""
        for number in range(watch.count):
            message = self.socket.recv(copy=False)
            watch(watch.look.from_buffer(message.buffer), number)


class Iceoryx2:
    """iceoryx2: publish-subscribe of byte slices, written and read in place, the consumer polls."""

    def __init__(self, side, place):
        import iceoryx2

        iceoryx2.set_log_level(iceoryx2.LogLevel.Fatal)
        self.node = iceoryx2.NodeBuilder.new().create(iceoryx2.ServiceType.Ipc)
        service = (
            self.node.service_builder(iceoryx2.ServiceName.new(place.path("frames")))
            .publish_subscribe(iceoryx2.Slice[ctypes.c_uint8])
            .payload_alignment(iceoryx2.Alignment.new(8))
            .enable_safe_overflow(False)
            .subscriber_max_buffer_size(QUEUE)
            .subscriber_max_borrowed_samples(2)
            .history_size(0)
            .max_publishers(1)
            .max_subscribers(1)
            .open_or_create()
        )
        if side == "a":
            self.publisher = (
                service.publisher_builder()
                .backpressure_strategy(iceoryx2.BackpressureStrategy.RetryUntilDelivered)
                .initial_max_slice_len(SIZE)
                .create()
            )
        else:
            self.subscriber = service.subscriber_builder().create()
        self.memory = ctypes.c_uint8 * SIZE
        self.meet(side)

    def meet(self, side):
        """Until both are connected: who never looked for samples may miss the first ones."""
        if side == "b":
            while self.subscriber.receive() is None:
                time.sleep(0.001)
        else:
            while not self.publisher.loan_slice_uninit(SIZE).assume_init().send():
                time.sleep(0.001)

    def produce(self, count):
        """All pictures."""
        for number in range(count):
            sample = self.publisher.loan_slice_uninit(SIZE)
            memory = self.memory.from_address(sample.payload_ptr)
            stamp(numpy.frombuffer(memory, numpy.uint8).reshape(SHAPE), number)
            sample.assume_init().send()

    def consume(self, watch):
        """All pictures."""
        receive = self.subscriber.receive
        for number in range(watch.count):
            while (sample := receive()) is None:
                pass
            memory = self.memory.from_address(sample.payload_ptr)
            watch(watch.look.from_buffer(memory), number)
            del memory
            sample.delete()


class SharedMemory:
    """multiprocessing.shared_memory blocks, whose names go through a Pipe and come back."""

    def __init__(self, side, place):
        self.end = connection.Connection(place.fds[0])
        names = [f"tachyon-bench-{place.folder.name}-{i}" for i in range(QUEUE)]
        if side == "a":
            self.blocks = {
                name: shared_memory.SharedMemory(name, create=True, size=SIZE) for name in names
            }
            self.end.send_bytes(b"made")
            return
        self.end.recv_bytes()
        self.blocks = {name: shared_memory.SharedMemory(name) for name in names}
        for block in self.blocks.values():
            # Python before 3.13 would have each process that opened one remove it.
            resource_tracker.unregister(block._name, "shared_memory")

    def produce(self, count):
        """All pictures."""
        arrays = {
            name: numpy.frombuffer(block.buf, numpy.uint8, SIZE).reshape(SHAPE)
            for name, block in self.blocks.items()
        }
        free = list(arrays)
        for number in range(count):
            name = free.pop() if free else self.end.recv_bytes().decode()
            stamp(arrays[name], number)
            self.end.send_bytes(name.encode())
        for _ in range(min(count, QUEUE)):
            self.end.recv_bytes()
        del arrays
        for block in self.blocks.values():
            block.close()
            block.unlink()

    def consume(self, watch):
        """All pictures."""
        arrays = {
            name: watch.look.from_buffer(block.buf[:SIZE]) for name, block in self.blocks.items()
        }
        for number in range(watch.count):
            name = self.end.recv_bytes()
            watch(arrays[name.decode()], number)
            self.end.send_bytes(name)
        arrays.clear()


class TachyonIpc:
    """tachyon-ipc: Bus.send_zero_copy() and Bus.recv_zero_copy() on a ring of pictures.

    The ring must hold many more than may be on their way: the sender learns that there is room only
    once in 32 messages or so, and in one of 5 pictures neither side goes on.
    """

    def __init__(self, side, place):
        import tachyon

        self.full = tachyon.TachyonError
        if side == "a":
            self.bus = place.retry(lambda: tachyon.Bus.connect(place.path("bus")))
        else:
            self.bus = tachyon.Bus.listen(place.path("bus"), RING)

    def produce_one(self, number):
        """One picture. A full ring is an exception."""
        with self.bus.send_zero_copy(SIZE) as guard:
            with memoryview(guard) as view:
                array = numpy.frombuffer(view, numpy.uint8).reshape(SHAPE)
                stamp(array, number)
                del array
            guard.actual_size = SIZE

    def produce(self, count):
        """All pictures."""
        for number in range(count):
            while True:
                try:
                    self.produce_one(number)
                    break
                except self.full:
                    os.sched_yield()

    def consume(self, watch):
        """All pictures."""
        for number in range(watch.count):
            with self.bus.recv_zero_copy() as guard, memoryview(guard) as view:
                watch(watch.look.from_buffer(view), number)
