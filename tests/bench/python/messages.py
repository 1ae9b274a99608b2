# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Messages between two processes, one class a transport.

`a` sends the stream and begins a round trip, `b` receives it and answers. A class has

    __init__(side, size, place)   connected; place.path(name) is a name of this run alone,
                                  place.fds has an end of a multiprocessing.Pipe
    send, receive                 one message; what is received compares like bytes
    send_all(payloads)            many
    receive_all(count)            many, each touched: (sum of sizes, sum of first bytes)

The loops are written out for each, as its user would write them: a call in between would cost as
much as a message.
"""

import ctypes
import itertools
import os
import time
from multiprocessing import connection

QUEUE_BYTES = 1 << 20
QUEUE_MESSAGES = 1000


class Plain:
    """Loops over a send() and a receive() that gives bytes."""

    def send_all(self, payloads):
        """Many."""
        send = self.send
        for payload in payloads:
            send(payload)

    def receive_all(self, count):
        """Many."""
        total = check = 0
        receive = self.receive
        for _ in range(count):
            data = receive()
            total += len(data)
            check += data[0]
        return total, check


class Copied(Plain):
    """tachyon: Bus.send(), and iteration over the bus."""

    def __init__(self, side, size, place):
        import tachyon

        if side == "b":
            self.bus = tachyon.Bus.listen(place.path("bus"), QUEUE_BYTES, timeout=10)
        else:
            self.bus = tachyon.Bus.connect(place.path("bus"), QUEUE_BYTES, timeout=10)
        self.size = size
        self.send = self.bus.send

    def receive(self):
        """One message."""
        return self.bus.recv().data

    def receive_all(self, count):
        """Many."""
        total = check = 0
        for message in itertools.islice(self.bus, count):
            data = message.data
            total += len(data)
            check += data[0]
        return total, check


class InPlace(Copied):
    """tachyon: Bus.send_zero_copy(), and Bus.drain_batch()."""

    def send_all(self, payloads):
        """Many."""
        reserve, size = self.bus.send_zero_copy, self.size
        for payload in payloads:
            with reserve(size) as guard, memoryview(guard) as view:
                view[:] = payload

    def receive_all(self, count):
        """Many."""
        total = check = 0
        while count:
            with self.bus.drain_batch(min(count, 1024)) as batch:
                count -= len(batch)
                for message in batch:
                    with memoryview(message) as view:
                        total += len(view)
                        check += view[0]
        return total, check


class Batch(InPlace):
    """tachyon: Bus.send(), and Bus.drain_batch()."""

    send_all = Plain.send_all


class Torch(Copied):
    """tachyon: Bus.drain_batch(), each message a torch tensor of float32, in place."""

    def __init__(self, side, size, place):
        import torch

        self.torch = torch
        super().__init__(side, size, place)

    def receive_all(self, count):
        """Many."""
        total = check = 0
        from_dlpack, float32 = self.torch.from_dlpack, self.torch.float32
        while count:
            with self.bus.drain_batch(min(count, 1024)) as batch:
                count -= len(batch)
                for message in batch:
                    tensor = from_dlpack(message).view(float32)
                    total += 4 * tensor.numel()
                    with memoryview(message) as view:
                        check += view[0]
                    del tensor
        return total, check


class Pipe(Plain):
    """multiprocessing.Pipe: send_bytes(), recv_bytes()."""

    def __init__(self, side, size, place):
        del side, size
        self.end = connection.Connection(place.fds[0])
        self.send = self.end.send_bytes
        self.receive = self.end.recv_bytes



class ZeroMq(Plain):
    """pyzmq over ipc://: send() and recv() with its defaults, on a PAIR.

    That was no slower than PUSH and PULL here.
    """

    def __init__(self, side, size, place):
        del size
        import zmq

        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PAIR)
        address = "ipc://" + place.path("zmq")
        if side == "b":
            self.socket.bind(address)
        else:
            self.socket.connect(address)
        self.send = self.socket.send
        self.receive = self.socket.recv


class Iceoryx2:
    """iceoryx2: publish-subscribe of byte slices, where a full queue holds up the sender.

    Of the ways that its Python package has to write and to read a payload these were the fastest.
    Its receive() does not wait; what does is another service, and slower than to poll.
    """

    def __init__(self, side, size, place):
        import iceoryx2

        iceoryx2.set_log_level(iceoryx2.LogLevel.Fatal)
        self.api, self.size = iceoryx2, size
        self.node = iceoryx2.NodeBuilder.new().create(iceoryx2.ServiceType.Ipc)
        self.services = [self.open(place.path(name)) for name in "ab"]
        mine, other = self.services if side == "a" else reversed(self.services)
        self.publisher = (
            mine.publisher_builder()
            .backpressure_strategy(iceoryx2.BackpressureStrategy.RetryUntilDelivered)
            .initial_max_slice_len(size)
            .create()
        )
        self.subscriber = other.subscriber_builder().create()
        self.meet(side)

    def meet(self, side):
        """Until both are connected: who never looked for samples may miss the first ones."""
        hello = bytes(self.size)
        for turn in "ab":
            if turn != side:
                self.receive()
                continue
            while not self.send(hello):
                time.sleep(0.001)

    def open(self, name):
        """One direction."""
        queue = max(2, min(QUEUE_MESSAGES, QUEUE_BYTES // self.size))
        return (
            self.node.service_builder(self.api.ServiceName.new(name))
            .publish_subscribe(self.api.Slice[ctypes.c_uint8])
            .enable_safe_overflow(False)
            .subscriber_max_buffer_size(queue)
            .subscriber_max_borrowed_samples(2)
            .history_size(0)
            .max_publishers(1)
            .max_subscribers(1)
            .open_or_create()
        )

    def send(self, payload):
        """One message. To how many it went."""
        sample = self.publisher.loan_slice_uninit(self.size)
        ctypes.memmove(sample.payload_ptr, payload, self.size)
        return sample.assume_init().send()

    def receive(self):
        """One message."""
        receive = self.subscriber.receive
        while (sample := receive()) is None:
            pass
        return ctypes.string_at(sample.payload_ptr, self.size)

    def send_all(self, payloads):
        """Many."""
        loan, move, size = self.publisher.loan_slice_uninit, ctypes.memmove, self.size
        for payload in payloads:
            sample = loan(size)
            move(sample.payload_ptr, payload, size)
            sample.assume_init().send()

    def receive_all(self, count):
        """Many."""
        total = check = 0
        receive, string_at, size = self.subscriber.receive, ctypes.string_at, self.size
        while count:
            sample = receive()
            if sample is None:
                continue
            data = string_at(sample.payload_ptr, size)
            total += len(data)
            check += data[0]
            sample.delete()
            count -= 1
        return total, check


class TachyonIpc(Plain):
    """tachyon-ipc: Bus.send(), and iteration over the bus.

    A bus has one direction. A full one is an exception: who will not lose a message tries again.
    """

    def __init__(self, side, size, place):
        del size
        import tachyon

        def open_bus(name):
            if name != side:
                return tachyon.Bus.listen(place.path(name), QUEUE_BYTES)
            return place.retry(lambda: tachyon.Bus.connect(place.path(name)))

        self.full = tachyon.TachyonError
        # One after the other, in the same order on both sides: listen waits for its peer.
        buses = {name: open_bus(name) for name in "ab"}
        self.bus, self.source = buses[side], buses["b" if side == "a" else "a"]
        self.messages = iter(self.source)

    def send(self, payload):
        """One message."""
        while True:
            try:
                return self.bus.send(payload)
            except self.full:
                os.sched_yield()

    def receive(self):
        """One message."""
        return next(self.messages).data

    def send_all(self, payloads):
        """Many."""
        send, full = self.bus.send, self.full
        for payload in payloads:
            while True:
                try:
                    send(payload)
                    break
                except full:
                    os.sched_yield()

    def receive_all(self, count):
        """Many."""
        total = check = 0
        for message in itertools.islice(self.messages, count):
            data = message.data
            total += len(data)
            check += data[0]
        return total, check


class TachyonIpcDrain(TachyonIpc):
    """tachyon-ipc: Bus.send(), and Bus.drain_batch()."""

    def receive_all(self, count):
        """Many."""
        total = check = 0
        while count:
            with self.source.drain_batch(min(count, 1024)) as batch:
                count -= len(batch)
                for message in batch:
                    with memoryview(message) as view:
                        total += len(view)
                        check += view[0]
        return total, check
