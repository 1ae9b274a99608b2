# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Many threads and processes at once: no value is torn, lost or goes back."""

import random
import threading
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import PRELUDE, filled, is_whole  # noqa: E402
from support import PATIENCE, in_thread, run_program  # noqa: E402

SMALL = (32, 32)
LARGE = (1024, 1024)


def write_values(name, shape, writer, turns):
    """Numbers that say who wrote them; every way of writing takes its turn."""
    stream = streams.open(name)
    dice = random.Random(writer)
    for turn in range(turns):
        number = writer * 100_000 + turn
        way = dice.randrange(5)
        if way == 0:
            with stream.write_view(timeout=PATIENCE) as view:
                view[: len(view) // 2] = number
                view[len(view) // 2 :] = number
        elif way == 1:
            with stream.locked():
                stream.read(safe=False)[:] = number
        elif way == 2:
            stream.write(filled(number, shape, np.int64), timeout=PATIENCE)
        else:
            stream.write(filled(number, shape), timeout=PATIENCE)
        if way == 3:
            try:
                with stream.write_view(timeout=PATIENCE) as view:
                    view[: len(view) // 2] = -1
                    raise LookupError
            except LookupError:
                pass


def read_values(name, shape, until):
    """Every way of reading; what one writer wrote never goes back."""
    stream = streams.open(name)
    out = np.empty(shape, np.float32)
    newest = {}
    last_count = reads = 0
    while not until():
        way = reads % 4
        if way == 0:
            value = stream.read()
        elif way == 1:
            value = stream.read(out=out)
        elif way == 2:
            snapshot = stream.snapshot()
            assert snapshot.count >= last_count
            last_count = snapshot.count
            value = snapshot.value
        else:
            try:
                value = stream.read_new(timeout=0.01)
            except TimeoutError:
                continue
        reads += 1
        assert is_whole(value), value
        writer, turn = divmod(int(value.flat[0]), 100_000)
        assert turn >= newest.get(writer, 0), (writer, turn, newest)
        newest[writer] = turn
    return reads


@pytest.mark.parametrize(
    "shape, writers, readers, turns",
    [(SMALL, 3, 4, 500), (LARGE, 2, 2, 60)],
    ids=["small", "large"],
)
def test_processes_see_whole_values(shape, writers, readers, turns, stream_name, fork):
    def read(connection):
        connection.send("reading")
        reads = read_values(stream_name, shape, lambda: connection.poll(0))
        connection.send(reads)

    def write(connection, writer):
        write_values(stream_name, shape, writer, turns)

    with streams.create(stream_name, shape=shape) as stream:
        reading = [fork(read) for _ in range(readers)]
        for one in reading:
            assert one.recv() == "reading"
        writing = [fork(write, writer) for writer in range(writers)]
        for one in writing:
            one.finish()
        for one in reading:
            one.send()
        reads = [one.recv() for one in reading]
        for one in reading:
            one.finish()
        print(f"{stream.count} writes, {reads} reads")
        assert stream.count == writers * turns
        assert is_whole(stream.read())


@pytest.mark.parametrize("shape, turns", [(SMALL, 300), (LARGE, 15)], ids=["small", "large"])
def test_threads_see_whole_values(shape, turns, stream_name):
    """Writers and readers through handles of their own, in one process."""
    with streams.create(stream_name, shape=shape) as stream:
        done = threading.Event()
        reading = [in_thread(read_values, stream_name, shape, done.is_set) for _ in range(2)]
        writing = [in_thread(write_values, stream_name, shape, one, turns) for one in range(2)]
        for one in writing:
            one.result(PATIENCE)
        done.set()
        print(f"{stream.count} writes, {[one.result(PATIENCE) for one in reading]} reads")
        assert stream.count == 2 * turns


def test_threads_share_one_handle(stream_name):
    with streams.create(stream_name, shape=SMALL) as stream:
        done = threading.Event()

        def read():
            reads = 0
            while not done.is_set():
                snapshot = stream.snapshot()
                assert is_whole(snapshot.value)
                reads += 1
            return reads

        def write(number):
            for turn in range(200):
                if turn % 3 == 0:
                    with stream.write_view() as view:
                        view[:] = number
                elif turn % 3 == 1:
                    with stream.locked():
                        stream.read(safe=False)[:] = number
                else:
                    stream.write(filled(number, SMALL))

        reading = [in_thread(read) for _ in range(2)]
        writing = [in_thread(write, number) for number in range(1, 5)]
        for one in writing:
            one.result(PATIENCE)
        done.set()
        print([one.result(PATIENCE) for one in reading])
        assert stream.count == 800


def test_handles_come_and_go_beside_others(stream_name, fork):
    def come_and_go(connection, index):
        for turn in range(150):
            with streams.open(stream_name) as one:
                if (turn + index) % 2:
                    one.write(filled(turn, SMALL))
                else:
                    assert is_whole(one.read())

    with streams.create(stream_name, shape=SMALL) as stream:
        coming = [fork(come_and_go, index) for index in range(4)]
        for one in coming:
            one.finish()
        assert stream.count == 300


def test_close_beside_every_call(stream_name):
    """Threads in all kinds of calls, whose handle another closes at any moment."""

    def use(one, dice):
        try:
            while True:
                way = dice.randrange(6)
                if way == 0:
                    one.write(filled(1, SMALL))
                elif way == 1:
                    assert is_whole(one.read())
                elif way == 2:
                    with one.locked():
                        view = one.read(safe=False)
                        assert view.shape == SMALL
                elif way == 3:
                    with one.write_view() as view:
                        view[:] = 2
                elif way == 4:
                    one.wait(1, timeout=PATIENCE)
                else:
                    assert is_whole(one.snapshot().value)
        except RuntimeError as error:
            assert "closed" in str(error) or "unlocked" in str(error) or "active" in str(error), (
                error
            )

    with streams.create(stream_name, shape=SMALL) as stream:
        dice = random.Random(5)
        for _ in range(40):
            one = streams.open(stream_name)
            using = [in_thread(use, one, random.Random(dice.random())) for _ in range(3)]
            time.sleep(dice.random() * 0.005)
            one.close()
            for thread in using:
                thread.result(PATIENCE)
            stream.write(filled(3, SMALL), timeout=PATIENCE)
        assert (stream.read() == 3).all()


def test_a_round_trip_between_two_processes_loses_nothing(stream_name, fork):
    """Each answers the other's value: a wake that is lost is a hang."""
    there = streams.create(stream_name + "-there", shape=SMALL)
    back = streams.create(stream_name + "-back", shape=SMALL)

    def answer(connection):
        there, back = streams.open(stream_name + "-there"), streams.open(stream_name + "-back")
        connection.send("ready")
        for turn in range(1, 3001):
            there.wait(turn)
            back.write(there.read())

    answering = fork(answer)
    answering.recv()
    for turn in range(1, 3001):
        there.write(filled(turn, SMALL))
        assert (back.read_new(timeout=PATIENCE) == turn).all()
    answering.finish()


def test_programs_of_their_own_take_turns(stream_name, peer):
    source = (
        PRELUDE
        + """
stream = streams.open(name)
for turn in range(300):
    with stream.locked(timeout=20):
        stream.read(safe=False)[:] += 1
print(stream.count)
"""
    )
    with streams.create(stream_name, shape=SMALL) as stream:
        adding = [peer(source, stream_name) for _ in range(3)]
        for one in adding:
            one.finish()
        assert stream.count == 900
        assert (stream.read() == 900).all()


@pytest.mark.parametrize("call", ["write(value)", "read()", "read(out=value)", "write(other)"])
def test_copying_much_lets_other_threads_run(call, stream_name):
    """The interpreter's lock is let go of: nothing else here gives the other thread its turn."""
    source = f"""
stream = streams.create(name, shape=(1024, 1024))
value, other = np.ones((1024, 1024), np.float32), np.ones((1024, 1024))
turns = 0
stop = False

def turn():
    global turns
    while not stop:
        turns += 1
        time.sleep(0)

turning = in_thread(turn)
sys.setswitchinterval(1000)
deadline = time.monotonic() + 20
while True:
    before = turns
    stream.{call}
    if turns != before:
        break
    assert time.monotonic() < deadline, "it never ran"
stop = True
turning.result(20)
print("it ran")
"""
    assert run_program(PRELUDE + source, stream_name) == "it ran\n"
