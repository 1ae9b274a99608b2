# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""One process of a run: worker.py WORK VARIANT SIDE SIZE COUNT FOLDER [FD...]

It says `ready` when it is connected and waits for a line; then it works, says `done` and its
figures, and waits for another line before it leaves: what it sent must outlive it. `failed` and a
reason stand instead of either where there is one.

Every run begins with messages whose every byte is compared. Those that are timed are counted, the
sum of their sizes and of their first bytes must be right, and the last one must be the last: a
transport that loses, repeats or mixes up messages has no figure.
"""

import itertools
import pathlib
import statistics
import sys
import time
import warnings

VERIFIED = 300
LAST = 255
# Few, so that they stay in the cache as a message just made would; and a prime, so that a slip by a
# queue's length is seen.
PAYLOADS = 13


class Place:
    """What belongs to one run: names in a folder of its own, and descriptors."""

    def __init__(self, folder, fds):
        self.folder = pathlib.Path(folder)
        self.fds = fds

    def path(self, name):
        """A name that nobody else has."""
        return str(self.folder / name)

    @staticmethod
    def retry(connect):
        """Until the other side listens, for a transport that does not wait by itself."""
        while True:
            try:
                return connect()
            except ConnectionError:
                time.sleep(0.01)


def make_payloads(size):
    """Number i counts up from i."""
    return [bytes((i + j) % 256 for j in range(size)) for i in range(PAYLOADS)]


def check_equal(what, got, expected):
    """ValueError where it is not."""
    if got != expected:
        raise ValueError(f"{what} {got!r:.60}, not {expected!r:.60}")


def send_stream(transport, size, count):
    """Messages one way."""
    payloads = make_payloads(size)
    for payload in itertools.islice(itertools.cycle(payloads), VERIFIED):
        transport.send(payload)
    transport.send_all(itertools.islice(itertools.cycle(payloads), count))
    transport.send(bytes([LAST]) * size)
    return {}


def receive_stream(transport, size, count):
    """From the first timed message, or the moment it was first waited for, to the last."""
    payloads = make_payloads(size)
    for payload in itertools.islice(itertools.cycle(payloads), VERIFIED):
        check_equal("message", transport.receive(), payload)
    begin = time.perf_counter_ns()
    total, check = transport.receive_all(count)
    elapsed = time.perf_counter_ns() - begin
    check_equal("bytes", total, size * count)
    check_equal("content", check, sum(i % PAYLOADS for i in range(count)))
    check_equal("last message", transport.receive(), bytes([LAST]) * size)
    return {"elapsed_ns": elapsed}


def begin_round_trips(transport, size, count):
    """Each time from before the send until the answer is there."""
    payloads = make_payloads(size)
    send, receive, clock = transport.send, transport.receive, time.perf_counter_ns
    times = []
    for payload in itertools.islice(itertools.cycle(payloads), count):
        begin = clock()
        send(payload)
        answer = receive()
        times.append(clock() - begin)
        if answer != payload:
            check_equal("answer", answer, payload)
    return {"p50_ns": round(statistics.median(times))}


def answer_round_trips(transport, size, count):
    """The other side of them."""
    send, receive = transport.send, transport.receive
    for _ in range(count):
        send(receive())
    return {}


def do_messages(work, variant, side, size, count, place):
    """A stream, or round trips."""
    import messages

    transport = getattr(messages, variant)(side, size, place)
    steps = {
        "stream": {"a": send_stream, "b": receive_stream},
        "trips": {"a": begin_round_trips, "b": answer_round_trips},
    }
    return lambda: steps[work][side](transport, size, count)


def do_frames(work, variant, side, size, count, place):
    """Pictures; they have one size."""
    import frames

    del size
    transport = getattr(frames, variant)(side, place)
    if side == "a":
        return lambda: transport.produce(frames.WARM_UP + count) or {}
    look = frames.LOOKS[work]()

    def consume():
        watch = frames.Watch(look, count)
        transport.consume(watch)
        return {"elapsed_ns": watch.elapsed_ns()}

    return consume


def say(line):
    """To who started us."""
    print(line, flush=True)


def main():
    """See above."""
    work, variant, side, size, count, folder, *fds = sys.argv[1:]
    place = Place(folder, [int(fd) for fd in fds])
    # torch's word on memory that is not writable: true of every variant that copies nothing.
    warnings.filterwarnings("ignore", message="The given (NumPy array|buffer) is not writable")
    try:
        prepare = do_messages if work in ("stream", "trips") else do_frames
        run = prepare(work, variant, side, int(size), int(count), place)
        say("ready")
        sys.stdin.readline()
        figures = run()
    except Exception as error:  # whatever a transport thinks of: it is the variant's result
        say(f"failed {type(error).__name__}: {error}".splitlines()[0])
        sys.exit(1)
    say(" ".join(["done", *(f"{name}={value}" for name, value in figures.items())]))
    sys.stdin.readline()


if __name__ == "__main__":
    main()
