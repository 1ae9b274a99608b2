# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The writers' lock: whose it is, how long one waits for it, and what ends a wait."""

import gc
import signal
import threading
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import PRELUDE, filled, wait_until_asleep  # noqa: E402
from support import PATIENCE, in_thread, run_program  # noqa: E402

UNLOCKED = "^cannot release an unlocked shared memory lock$"


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


def is_locked(stream) -> bool:
    """Whether somebody has the lock, as a handle of its own sees it."""
    with streams.open(stream.name) as other:
        try:
            other.acquire(timeout=0)
        except TimeoutError:
            return True
        other.release()
        return False


# --- whose it is ---


def test_it_is_taken_and_given_back(stream):
    assert not is_locked(stream)
    assert stream.acquire() is None
    assert is_locked(stream)
    assert stream.release() is None
    assert not is_locked(stream)


def test_locked_gives_the_stream_and_gives_it_back(stream):
    with stream.locked() as inside:
        assert inside is stream
        assert is_locked(stream)
    assert not is_locked(stream)


def test_locked_gives_it_back_whatever_happens(stream):
    with pytest.raises(LookupError), stream.locked():
        raise LookupError
    assert not is_locked(stream)


def test_locked_takes_nothing_before_it_is_entered(stream):
    block = stream.locked()
    assert not is_locked(stream)
    with block:
        assert is_locked(stream)


def test_it_is_reentrant_for_one_thread(stream):
    stream.acquire()
    stream.acquire(timeout=0)
    with stream.locked(timeout=0):
        stream.write(filled(1), timeout=0)
        stream.clear(timeout=0)
    stream.release()
    assert is_locked(stream)
    stream.release()
    assert not is_locked(stream)
    with pytest.raises(RuntimeError, match=UNLOCKED):
        stream.release()


def test_writing_does_not_need_it(stream):
    stream.write(filled(1))
    assert not is_locked(stream)


def test_another_thread_of_the_same_handle_waits(stream):
    stream.acquire()
    for call in (
        lambda: stream.acquire(timeout=0.01),
        lambda: stream.write(filled(1), timeout=0.01),
        lambda: stream.clear(timeout=0.01),
        lambda: stream.write_view(timeout=0.01).__enter__(),
    ):
        with pytest.raises(TimeoutError):
            in_thread(call).result(PATIENCE)

    writing = in_thread(stream.write, filled(2))
    wait_until_asleep(writing.thread_id)
    assert not stream.read().any()
    stream.release()
    writing.result(PATIENCE)
    assert (stream.read() == 2).all()


def test_another_thread_of_the_same_handle_cannot_release_it(stream):
    stream.acquire()
    with pytest.raises(RuntimeError, match=UNLOCKED):
        in_thread(stream.release).result(PATIENCE)
    assert is_locked(stream)
    with pytest.raises(RuntimeError):
        in_thread(stream.read, safe=False).result(PATIENCE)
    stream.release()


def test_another_handle_of_the_same_thread_is_another_owner(stream):
    other = streams.open(stream.name)
    with stream.locked():
        with pytest.raises(TimeoutError):
            other.acquire(timeout=0.01)
        with pytest.raises(RuntimeError, match=UNLOCKED):
            other.release()
    with other.locked(timeout=0):
        assert is_locked(stream)


def test_streams_have_locks_of_their_own(stream):
    with streams.create(stream.name + "-2", shape=3) as other:
        with stream.locked(), other.locked(timeout=0):
            other.write([1, 2, 3])
            assert is_locked(stream) and is_locked(other)


# --- what gives it back ---


def test_close_of_one_handle_leaves_anothers_lock_alone(stream, fork):
    """Also of one in this process: a lock of the process's would be gone with any descriptor."""
    other = streams.open(stream.name)
    with stream.locked():
        other.close()
        assert is_locked(stream)
        streams.open(stream.name).close()
        streams.stat(stream.name)
        streams.list()
        del other
        gc.collect()
        assert is_locked(stream)

        def open_and_close(connection):
            streams.open(stream.name).close()
            # And what it inherited.
            stream.close()

        fork(open_and_close).finish()
        assert is_locked(stream)
    assert not is_locked(stream)


def test_close_gives_back_what_the_handle_had(stream):
    other = streams.open(stream.name)
    other.acquire()
    other.acquire()
    other.close()
    assert not is_locked(stream)


def test_a_handle_that_is_dropped_gives_it_back(stream):
    other = streams.open(stream.name)
    other.acquire()
    del other
    gc.collect()
    assert not is_locked(stream)


def test_unlink_leaves_it_alone(stream):
    with stream.locked():
        other = streams.open(stream.name)
        stream.unlink()
        with pytest.raises(TimeoutError):
            other.acquire(timeout=0)
    other.acquire(timeout=0)
    other.close()


def test_a_thread_that_ends_with_it_blocks_nobody_for_ever(stream):
    """Its handle still has it, and gives it back when it is closed."""
    in_thread(stream.acquire).result(PATIENCE)
    assert is_locked(stream)
    other = streams.open(stream.name)
    stream.close()
    other.acquire(timeout=0)
    other.close()


# --- how long one waits ---

#: What waits for the lock, with its timeout.
WAITS = {
    "acquire": lambda one, timeout: one.acquire(timeout=timeout),
    "locked": lambda one, timeout: one.locked(timeout=timeout).__enter__(),
    "write": lambda one, timeout: one.write(filled(1), timeout=timeout),
    "write, converted": lambda one, timeout: one.write(filled(1, dtype="i8"), timeout=timeout),
    "clear": lambda one, timeout: one.clear(timeout=timeout),
    "write_view": lambda one, timeout: one.write_view(timeout=timeout).__enter__(),
}


@pytest.fixture(params=["process", "thread", "handle"])
def contended(request, stream, fork):
    """A handle whose lock another has."""
    if request.param == "process":

        def hold(connection):
            other = streams.open(stream.name)
            with other.locked():
                connection.send("holding")
                connection.recv()

        holding = fork(hold)
        holding.recv()
        yield stream
        holding.send()
        holding.finish()
    elif request.param == "thread":
        done = threading.Event()
        has_it = threading.Event()

        def hold_in_thread():
            with stream.locked():
                has_it.set()
                done.wait()

        holding = in_thread(hold_in_thread)
        has_it.wait()
        yield stream
        done.set()
        holding.result(PATIENCE)
    else:
        with streams.open(stream.name) as other, other.locked():
            yield stream


@pytest.mark.parametrize("wait", WAITS)
def test_a_timeout_is_honoured_whoever_has_the_lock(wait, contended):
    text = f"timed out waiting for the lock of '{contended.name}'"
    for timeout in (0, 1e-9, 0.03):
        before = time.monotonic()
        with pytest.raises(TimeoutError) as caught:
            WAITS[wait](contended, timeout)
        assert text in str(caught.value)
        # No sooner; that it is no hang, the test's limit sees.
        assert time.monotonic() - before >= timeout
    # Readers do not wait for it at all.
    assert not contended.read().any()
    assert contended.snapshot().count == 0


def test_a_timeout_may_be_positional(contended):
    with pytest.raises(TimeoutError):
        contended.acquire(0)
    with pytest.raises(TimeoutError), contended.locked(0.01, 1e-3):
        pass


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), float("-inf")])
def test_a_timeout_that_is_none_is_a_value_error(wait, timeout, stream):
    with pytest.raises(ValueError):
        WAITS[wait](stream, timeout)
    assert not is_locked(stream)
    assert stream.count == 0


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("timeout", ["1", [], 1j])
def test_a_timeout_that_is_no_number_is_a_type_error(wait, timeout, stream):
    with pytest.raises(TypeError):
        WAITS[wait](stream, timeout)
    assert not is_locked(stream)


@pytest.mark.parametrize("timeout", [None, 5, 1e18, np.float64(2), True])
def test_a_long_timeout_for_a_free_lock_is_fine(timeout, stream):
    stream.acquire(timeout=timeout)
    stream.release()


def test_signals_do_not_make_a_timeout_longer(stream):
    source = (
        PRELUDE
        + """
stream, other = streams.open(name), streams.open(name)
other.acquire()
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
for call in (lambda: stream.acquire(timeout=0.1), lambda: stream.read_new(timeout=0.1)):
    assert kind_of_error(call) is TimeoutError
signal.setitimer(signal.ITIMER_REAL, 0)
print("ran out")
"""
    )
    assert run_program(source, stream.name, seconds=20) == "ran out\n"


def test_a_lock_that_changes_hands_does_not_make_a_timeout_longer(stream, fork):
    def take_turns(connection):
        one = streams.open(stream.name)
        connection.send("begun")
        while not connection.poll(0):
            with one.locked():
                one.write(filled(1))

    others = [fork(take_turns) for _ in range(2)]
    for one in others:
        one.recv()
    taken = 0
    begun = time.monotonic()
    for _ in range(50):
        try:
            stream.acquire(timeout=0.01)
        except TimeoutError:
            continue
        taken += 1
        stream.release()
    assert time.monotonic() - begun < PATIENCE
    for one in others:
        one.send()
    for one in others:
        one.finish()
    print(f"{taken} of 50")
    assert not is_locked(stream)


def test_nobody_starves_beside_a_busy_holder(stream, fork):
    """One that takes it again at once leaves others a chance."""

    def hog(connection):
        one = streams.open(stream.name)
        connection.send("begun")
        while not connection.poll(0):
            with one.locked():
                for _ in range(20):
                    one.write(filled(1))

    hogging = fork(hog)
    hogging.recv()
    for turn in range(5):
        stream.write(filled(turn), timeout=PATIENCE)
    hogging.send()
    hogging.finish()


# --- threads ---


def test_many_threads_of_one_handle_take_turns(stream):
    def add(turns):
        for _ in range(turns):
            with stream.locked():
                stream.write(stream.read() + 1)

    adding = [in_thread(add, 50) for _ in range(6)]
    for one in adding:
        one.result(PATIENCE)
    assert (stream.read() == 300).all()
    assert stream.count == 300
    assert not is_locked(stream)


def test_threads_processes_and_handles_take_turns(stream, fork):
    def add(one, turns):
        for _ in range(turns):
            with one.locked():
                one.read(safe=False)[:] += 1

    def add_in_child(connection):
        with streams.open(stream.name) as one:
            adding = [in_thread(add, one, 50) for _ in range(2)]
            for thread in adding:
                thread.result(PATIENCE)

    children = [fork(add_in_child) for _ in range(2)]
    others = [streams.open(stream.name) for _ in range(2)]
    threads = [in_thread(add, one, 50) for one in (stream, stream, *others)]
    for one in threads:
        one.result(PATIENCE)
    for one in children:
        one.finish()
    assert (stream.read() == 400).all()
    assert stream.count == 400


def test_waiting_for_it_lets_other_threads_run(stream):
    def take(one):
        one.acquire()
        one.release()

    other, another = streams.open(stream.name), streams.open(stream.name)
    with stream.locked():
        waiting = [in_thread(other.write, filled(1)), in_thread(take, another)]
        for one in waiting:
            wait_until_asleep(one.thread_id)
            # With the interpreter's lock kept, this thread would not have come here.
            assert not one.done()
    for one in waiting:
        one.result(PATIENCE)


def test_a_handler_that_raises_ends_the_wait_and_takes_nothing(stream):
    def complain(*_):
        raise LookupError("from the handler")

    before = signal.signal(signal.SIGUSR1, complain)
    try:
        with streams.open(stream.name) as other, other.locked():
            main = threading.main_thread().native_id

            def interrupt():
                wait_until_asleep(main)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

            interrupting = in_thread(interrupt)
            with pytest.raises(LookupError, match="from the handler"):
                stream.acquire()
            interrupting.result(PATIENCE)
            with pytest.raises(RuntimeError, match=UNLOCKED):
                stream.release()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not is_locked(stream)
