# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Signals: Ctrl-C ends every wait; a handler that returns does not."""

import pytest
from support import run_program

#: A program that is interrupted in its main thread's wait, and measures how long it takes to leave.
INTERRUPTED = """
import os, signal, sys, threading, time
import tachyon
from support import in_thread, is_asleep, wait_until

path, name, receiver = sys.argv[1:]

def pair(**options):
    listening = in_thread(tachyon.Bus.listen, path, **options)
    near = tachyon.Bus.connect(path, **options)
    return near, listening.result()

def fill(bus):
    while True:
        try:
            bus.send(bytes(1000), timeout=0)
        except BlockingIOError:
            return

def take_all(bus):
    while True:
        try:
            bus.recv(0)
        except BlockingIOError:
            return

def loop(bus):
    for message in bus:
        pass

near = far = listener = None
if name in ("listen", "connect"):
    wait = {
        "listen": lambda: tachyon.Bus.listen(path),
        "connect": lambda: tachyon.Bus.connect(path, timeout=None),
    }[name]
elif name == "accept":
    listener = tachyon.Listener(path)
    wait = listener.accept
else:
    near, far = pair(spin=2**32 - 2 if name == "spin" else 0)
    if name.startswith("send"):
        fill(near)
    wait = {
        "send": lambda: near.send(bytes(1000)),
        "send_zero_copy": lambda: near.send_zero_copy(1000),
        "recv": near.recv,
        "recv with a timeout": lambda: near.recv(50),
        "recv_zero_copy": near.recv_zero_copy,
        "drain_batch": near.drain_batch,
        "iteration": lambda: loop(near),
        "spin": near.recv,
    }[name]

sent_at = None
main_thread = threading.main_thread()

def interrupt():
    global sent_at
    if name in ("spin", "connect"):
        time.sleep(0.05)
    else:
        wait_until(lambda: is_asleep(os.getpid(), main_thread.native_id))
    sent_at = time.monotonic()
    if receiver == "main":
        os.kill(os.getpid(), signal.SIGINT)
    else:
        # Taken by this thread: the sleep of the main one is not interrupted.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

thread = threading.Thread(target=interrupt)
try:
    thread.start()
    wait()
except KeyboardInterrupt:
    left_at = time.monotonic()
else:
    sys.exit("was not interrupted")
thread.join()

# Nothing was lost or left half-way.
if near:
    take_all(far)
    near.send(b"after", 5)
    assert far.recv(10) == tachyon.Message(5, b"after")
    far.send(b"back", 6)
    assert near.recv(10) == tachyon.Message(6, b"back")
else:
    listening = in_thread(listener.accept) if listener else in_thread(tachyon.Bus.listen, path)
    tachyon.Bus.connect(path, timeout=10).close()
    listening.result().close()
print(left_at - sent_at)
"""

WAITS = [
    "recv",
    "recv with a timeout",
    "recv_zero_copy",
    "drain_batch",
    "iteration",
    "send",
    "send_zero_copy",
    "listen",
    "connect",
    "accept",
    "spin",
]


@pytest.mark.parametrize("receiver", ["main", "other"])
@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_a_wait(wait, receiver, path):
    seconds = float(run_program(INTERRUPTED, path, wait, receiver))
    print(f"{wait}: {seconds * 1000:.1f} ms")
    # 0.2 s is promised; a busy machine may be late.
    assert seconds < 1.0


PAIR = """
import os, signal, sys, threading, time
import tachyon
from support import in_thread, is_asleep, wait_until

path = sys.argv[1]
listening = in_thread(tachyon.Bus.listen, path)
near = tachyon.Bus.connect(path)
far = listening.result()
calls = 0

def count(*_):
    global calls
    calls += 1
"""


def test_a_handler_runs_and_the_wait_goes_on(path):
    source = (
        PAIR
        + """
signal.signal(signal.SIGUSR1, count)

def bother():
    for turn in range(5):
        wait_until(lambda: is_asleep(os.getpid(), threading.main_thread().native_id))
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_until(lambda: calls == turn + 1)
    far.send(b"at last")

thread = threading.Thread(target=bother)
thread.start()
print(near.recv().data, calls)
thread.join()
"""
    )
    assert run_program(source, path) == "b'at last' 5\n"


@pytest.mark.parametrize("wait", ["near.recv(0.3)", "near.send(bytes(60_000), timeout=0.3)"])
def test_signals_do_not_make_a_timeout_longer(wait, path):
    source = (
        PAIR
        + f"""
near.send(bytes(60_000))
signal.signal(signal.SIGALRM, count)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
try:
    {wait}
except TimeoutError:
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("ran out", calls > 0)
"""
    )
    assert run_program(source, path, seconds=20) == "ran out True\n"


def test_what_a_handler_raises_comes_out_of_the_wait(path):
    source = (
        PAIR
        + """
def complain(*_):
    raise LookupError("from the handler")

signal.signal(signal.SIGALRM, complain)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    near.recv()
except LookupError as error:
    print(error)
"""
    )
    assert run_program(source, path) == "from the handler\n"


def test_a_handler_may_use_the_bus_the_other_way(path):
    source = (
        PAIR
        + """
def answer(*_):
    far.send(b"from the handler")

signal.signal(signal.SIGALRM, answer)
signal.setitimer(signal.ITIMER_REAL, 0.02)
print(near.recv(20).data)
"""
    )
    assert run_program(source, path) == "b'from the handler'\n"


def test_a_handler_may_close_the_bus_that_waits(path):
    source = (
        PAIR
        + """
signal.signal(signal.SIGALRM, lambda *_: near.close())
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    near.recv(20)
except tachyon.ClosedError:
    print("closed")
"""
    )
    assert run_program(source, path) == "closed\n"


def test_a_signal_in_another_thread_does_not_disturb_it(path):
    source = (
        PAIR
        + """
signal.signal(signal.SIGUSR1, count)
receiving = in_thread(near.recv)
for turn in range(20):
    wait_until(lambda: is_asleep(os.getpid(), receiving.thread_id))
    os.kill(os.getpid(), signal.SIGUSR1)
    wait_until(lambda: calls == turn + 1)
far.send(b"undisturbed")
print(receiving.result(20).data)
"""
    )
    assert run_program(source, path) == "b'undisturbed'\n"


def test_sigpipe_is_never_raised(path):
    source = (
        PAIR
        + """
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
far.close()
try:
    while True:
        near.send(bytes(1000))
except tachyon.ClosedError:
    print("alive")
"""
    )
    assert run_program(source, path) == "alive\n"
