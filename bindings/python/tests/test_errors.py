# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Errors: which class, which errno, and a text that says which thing it was."""

import errno
import os
import re
import socket
import struct

import pytest
import tachyon
from support import PATIENCE, in_thread, wait_until_asleep


def error_of(call, *args, **kwargs):
    with pytest.raises(Exception) as caught:
        call(*args, **kwargs)
    return caught.value


def test_a_closed_error_is_a_broken_pipe_error():
    assert issubclass(tachyon.ClosedError, BrokenPipeError)
    assert issubclass(tachyon.ClosedError, OSError)
    assert tachyon.ClosedError.__module__.startswith("tachyon")


# --- closed ---

CALLS = {
    "send": lambda bus: bus.send(b"x"),
    "send, without waiting": lambda bus: bus.send(b"x", timeout=0),
    "send_zero_copy": lambda bus: bus.send_zero_copy(10),
    "recv": lambda bus: bus.recv(),
    "recv, without waiting": lambda bus: bus.recv(0),
    "recv_zero_copy": lambda bus: bus.recv_zero_copy(),
    "drain_batch": lambda bus: bus.drain_batch(),
    "flush": lambda bus: bus.flush(),
    "fileno": lambda bus: bus.fileno(),
    "prepare": lambda bus: bus.prepare(),
    "dispatch": lambda bus: bus.dispatch(),
    "next": lambda bus: next(iter(bus)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_on_a_closed_bus_is_a_closed_error(call, pair):
    near, _ = pair
    near.close()
    error = error_of(call, near)
    assert type(error) is tachyon.ClosedError
    assert error.errno == errno.EPIPE
    assert "closed" in str(error)


def test_what_was_received_but_not_taken_before_our_own_close_is_not_given(pair):
    near, far = pair
    near.send(b"x")
    far.close()
    assert type(error_of(far.recv, 0)) is tachyon.ClosedError


def test_the_text_says_whether_the_bus_or_the_peer_was_closed(pair):
    near, far = pair
    near.close()
    ours = error_of(near.recv)
    theirs = error_of(far.recv)
    assert type(ours) is type(theirs) is tachyon.ClosedError
    assert str(ours) != str(theirs)
    assert "peer" in str(theirs)
    assert "peer" not in str(ours)
    assert theirs.errno == errno.EPIPE


def test_the_text_says_that_it_was_the_listener():
    listener = tachyon.Listener(f"@tachyon-test-{os.getpid()}")
    listener.close()
    error = error_of(listener.accept)
    assert type(error) is tachyon.ClosedError
    assert "listener" in str(error).lower()


def test_the_stats_of_a_closed_bus_are_still_told_or_a_closed_error(pair):
    near, _ = pair
    near.send(b"x")
    near.close()
    try:
        assert near.stats().messages_sent == 1
    except tachyon.ClosedError:
        pass
    assert near.closed
    assert near.end == "local"


# --- time ---


def test_timeouts_are_told_from_not_waiting(pair):
    _, far = pair
    not_there = error_of(far.recv, 0)
    too_late = error_of(far.recv, 0.01)
    assert type(not_there) is BlockingIOError
    assert not_there.errno == errno.EAGAIN
    assert type(too_late) is TimeoutError
    assert too_late.errno == errno.ETIMEDOUT
    assert str(not_there)
    assert str(too_late)


def calls_with_a_timeout(near, far, path):
    yield lambda timeout: near.send(b"x", timeout=timeout)
    yield lambda timeout: near.send_zero_copy(1, timeout=timeout)
    yield far.recv
    yield far.recv_zero_copy
    yield lambda timeout: far.drain_batch(timeout=timeout)
    yield lambda timeout: tachyon.Bus.listen(path, timeout=timeout)
    yield lambda timeout: tachyon.Bus.connect(path, timeout=timeout)
    with tachyon.Listener(path) as listener:
        yield listener.accept


@pytest.mark.parametrize("timeout", [float("nan"), -1, -0.001, float("-inf"), -(10**30)])
def test_a_timeout_that_is_none_is_a_value_error(timeout, pair, path):
    near, far = pair
    for call in calls_with_a_timeout(near, far, path):
        assert type(error_of(call, timeout)) in (ValueError, OverflowError)
    assert type(error_of(far.recv, 0)) is BlockingIOError


@pytest.mark.parametrize("timeout", ["1", b"1", [], 1j, object()])
def test_a_timeout_of_another_type_is_a_type_error(timeout, pair, path):
    near, far = pair
    for call in calls_with_a_timeout(near, far, path):
        assert type(error_of(call, timeout)) is TypeError
    assert type(error_of(far.recv, 0)) is BlockingIOError


# --- sizes ---


@pytest.mark.parametrize("call", ["send", "send_zero_copy"])
def test_what_would_never_fit_is_emsgsize_with_both_sizes(call, pair):
    near, far = pair
    size = near.max_message + 1
    error = error_of(getattr(near, call), bytes(size) if call == "send" else size)
    assert isinstance(error, OSError)
    assert error.errno == errno.EMSGSIZE
    numbers = re.findall(r"\d+", str(error))
    assert str(size) in numbers
    assert str(near.max_message) in numbers
    # Nothing was sent, and the bus goes on.
    assert type(error_of(far.recv, 0)) is BlockingIOError
    near.send(b"fits")
    assert far.recv().data == b"fits"


@pytest.mark.parametrize("size", [-1, -(1 << 63), 1 << 63, 1 << 64, 1 << 100])
def test_a_size_that_is_none_is_refused(size, pair):
    near, far = pair
    error = error_of(near.send_zero_copy, size)
    assert isinstance(error, (ValueError, OverflowError)) or error.errno == errno.EMSGSIZE
    assert type(error_of(near.send_zero_copy, "1")) is TypeError
    assert type(error_of(near.send_zero_copy, 1.0)) is TypeError
    assert type(error_of(far.recv, 0)) is BlockingIOError
    near.send(b"fits")
    assert far.recv().data == b"fits"


def test_sizes_between_the_ring_and_the_address_space_would_never_fit(pair):
    near, _ = pair
    for size in (1 << 20, (1 << 31) - 1, 1 << 32, (1 << 32) + 10, (1 << 63) - 1):
        error = error_of(near.send_zero_copy, size)
        assert isinstance(error, OSError)
        assert error.errno == errno.EMSGSIZE


@pytest.mark.parametrize("type_id", [-1, 1 << 32, (1 << 32) + 1, 1 << 64, -(1 << 64)])
def test_a_type_id_that_does_not_fit_is_an_overflow_error(type_id, pair):
    near, far = pair
    assert type(error_of(near.send, b"x", type_id)) is OverflowError
    assert type(error_of(near.send_zero_copy, 1, type_id)) is OverflowError
    assert type(error_of(far.recv, 0)) is BlockingIOError
    near.send(b"good", 1)
    assert far.recv() == tachyon.Message(1, b"good")


def test_a_type_id_is_an_integer(pair):
    near, far = pair
    for type_id in ("1", 1.0, None, b"1"):
        assert type(error_of(near.send, b"x", type_id)) is TypeError
        assert type(error_of(near.send_zero_copy, 1, type_id)) is TypeError
    assert type(error_of(far.recv, 0)) is BlockingIOError


def test_a_message_says_which_integer_it_was(pair):
    near, _ = pair
    assert "type_id" in str(error_of(near.send, b"x", 1 << 32))
    assert "type_id" in str(error_of(near.send_zero_copy, 1, -1))


# --- addresses ---

MAKERS = [tachyon.Listener, tachyon.Bus.listen, tachyon.Bus.connect]


@pytest.mark.parametrize("make", MAKERS)
def test_an_address_with_a_nul_is_a_value_error(make, path):
    for address in (path + "\0more", (path + "\0more").encode(), "\0", "@abstract\0name"):
        assert type(error_of(make, address)) is ValueError
    assert not os.path.exists(path)


@pytest.mark.parametrize("make", MAKERS)
def test_an_address_of_another_type_is_a_type_error(make):
    for address in (None, 5, [], object(), bytearray(b"/tmp/x")):
        assert type(error_of(make, address)) is TypeError


@pytest.mark.parametrize("make", MAKERS)
def test_an_empty_address_is_refused(make):
    assert isinstance(error_of(make, ""), (ValueError, OSError))


@pytest.mark.parametrize("make", MAKERS)
def test_an_address_too_long_for_a_socket_is_enametoolong(make, folder):
    error = error_of(make, folder + "/" + "x" * 120)
    assert isinstance(error, OSError)
    assert error.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("make", MAKERS[:2])
def test_an_address_in_a_directory_that_is_not_there_is_a_file_not_found_error(make, folder):
    error = error_of(make, folder + "/nowhere/bus")
    assert type(error) is FileNotFoundError
    assert folder + "/nowhere/bus" in str(error)


@pytest.mark.parametrize("make", MAKERS[:2])
def test_what_is_no_socket_is_left_alone(make, path):
    with open(path, "w", encoding="ascii") as file:
        file.write("precious")
    error = error_of(make, path)
    assert isinstance(error, OSError)
    assert error.errno == errno.ENOTSOCK
    with open(path, encoding="ascii") as file:
        assert file.read() == "precious"


@pytest.mark.parametrize("make", MAKERS[:2])
def test_an_address_that_a_live_listener_owns_is_eaddrinuse(make, path):
    with tachyon.Listener(path):
        error = error_of(make, path)
        assert isinstance(error, OSError)
        assert error.errno == errno.EADDRINUSE
        assert path in str(error)
        assert os.path.exists(path)


def test_a_socket_of_another_kind_is_refused(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(path)
        other.listen()
        for make in MAKERS:
            error = error_of(make, path)
            assert isinstance(error, OSError)
            assert error.errno in (errno.EPROTOTYPE, errno.EADDRINUSE)


def test_an_address_that_nobody_serves_is_named(path):
    error = error_of(tachyon.Bus.connect, path, timeout=0.01)
    assert type(error) is TimeoutError
    assert path in str(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be someone else")
def test_no_permission_is_a_permission_error(folder, path, peer):
    os.chmod(folder, 0o755)
    with tachyon.Listener(path):
        stranger = peer(
            """
            import os, sys, tachyon
            os.setuid(4242)
            for make in (tachyon.Bus.connect, tachyon.Listener):
                try:
                    make(sys.argv[1] + "x" * (make is tachyon.Listener))
                except PermissionError as error:
                    print(error.errno, flush=True)
            """,
            path,
        )
        assert stranger.finish() == f"{errno.EACCES}\n{errno.EACCES}\n"


# --- peers ---


def test_a_peer_that_is_none_of_ours_is_ebadmsg(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(path)
        other.listen()
        connecting = in_thread(tachyon.Bus.connect, path, timeout=PATIENCE)
        connection, _ = other.accept()
        with connection:
            connection.recv(1000)
            connection.send(b"HTTP/1.1 400 Bad Request, and more so that it is long enough....")
            error = connecting.exception(PATIENCE)
    assert isinstance(error, OSError)
    assert error.errno == errno.EBADMSG


def test_a_peer_of_another_protocol_is_eprotonosupport(path):
    """The first 16 bytes of a packet are the same in every version: magic, protocol, kind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(path)
        other.listen()
        connecting = in_thread(tachyon.Bus.connect, path, timeout=PATIENCE)
        connection, _ = other.accept()
        with connection:
            hello = connection.recv(1000)
            welcome = hello[:8] + struct.pack("<II", 77, 2)
            connection.send(welcome.ljust(128, b"\0"))
            error = connecting.exception(PATIENCE)
    assert isinstance(error, OSError)
    assert error.errno == errno.EPROTONOSUPPORT


def test_a_listener_left_during_the_handshake_is_a_closed_error_or_a_timeout(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(path)
        other.listen()
        connecting = in_thread(tachyon.Bus.connect, path, timeout=0.2)
        connection, _ = other.accept()
        connection.recv(1000)
        connection.close()
    error = connecting.exception(PATIENCE)
    assert isinstance(error, (tachyon.ClosedError, TimeoutError))


def test_a_stranger_costs_a_listener_nothing(path):
    with tachyon.Listener(path) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(path)
            stranger.send(b"nonsense")
            wait_until_asleep(accepting.thread_id)
            with tachyon.Bus.connect(path) as near, accepting.result() as far:
                near.send(b"one of ours")
                assert far.recv(PATIENCE).data == b"one of ours"


# --- other ---


def test_guards_say_what_they_were_ended_by(pair):
    near, far = pair
    for end in ("commit", "rollback"):
        guard = near.send_zero_copy(1)
        getattr(guard, end)()
        text = str(error_of(guard.commit))
        assert end in text or "rolled back" in text
    guard = far.recv_zero_copy()
    guard.release()
    assert "released" in str(error_of(guard.release))


def test_a_buffer_error_says_why(pair):
    near, far = pair
    near.send(b"x")
    for guard in (near.send_zero_copy(10), far.recv_zero_copy()):
        view = memoryview(guard)
        error = error_of(guard.commit)
        assert type(error) is BufferError
        assert str(error)
        view.release()


def test_errors_do_not_hide_behind_each_other(pair):
    near, _ = pair
    error = error_of(near.send, b"x", 1 << 32)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_arguments_are_checked_for_their_number_and_names(pair, path):
    near, far = pair
    for call in (
        lambda: near.send(),
        lambda: near.send(b"x", other=1),
        lambda: near.send_zero_copy(),
        lambda: far.recv(1, 2),
        lambda: far.recv(other=1),
        lambda: far.drain_batch(1, 2, 3),
        lambda: near.close(1),
        lambda: near.flush(1),
        lambda: near.stats(1),
        lambda: tachyon.Bus.listen(),
        lambda: tachyon.Bus.connect(path, 4096, 1),
        lambda: tachyon.Listener(path, 4096, None),
        lambda: tachyon.Listener(),
        lambda: tachyon.Listener(path, timeout=1),
    ):
        assert type(error_of(call)) is TypeError
    assert not os.path.exists(path)
