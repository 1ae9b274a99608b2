# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Addresses, options and listeners: how two processes get a bus between them."""

import errno
import gc
import os
import pathlib
import select
import socket
import stat

import pytest
import tachyon
from support import PATIENCE, in_thread, wait_until

U32_MAX = 2**32 - 1


# --- addresses ---


@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path])
def test_an_address_is_text_or_bytes_or_a_path(kind, path):
    listening = in_thread(tachyon.Bus.listen, kind(path), timeout=PATIENCE)
    with tachyon.Bus.connect(kind(path)) as near, listening.result() as far:
        near.send(b"here")
        assert far.recv().data == b"here"


def test_an_address_with_an_at_sign_is_abstract():
    address = f"@tachyon-test-{os.getpid()}"
    with tachyon.Listener(address) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        with tachyon.Bus.connect(address) as near, accepting.result():
            assert not os.path.exists(address)
            assert near.end is None


def test_a_relative_path_is_relative_to_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with tachyon.Listener("bus"):
        assert stat.S_ISSOCK(os.stat(os.path.join(folder, "bus")).st_mode)


def test_listen_claims_an_address_waits_for_one_peer_and_gives_up_the_address(path):
    listening = in_thread(tachyon.Bus.listen, path, timeout=PATIENCE)
    wait_until(lambda: os.path.exists(path))
    assert stat.S_ISSOCK(os.stat(path).st_mode)

    near = tachyon.Bus.connect(path)
    far = listening.result()

    assert not os.path.exists(path)
    tachyon.Listener(path).close()
    near.close()
    far.close()


def test_listen_gives_up_the_address_when_nobody_came(path):
    with pytest.raises(TimeoutError):
        tachyon.Bus.listen(path, timeout=0.01)

    assert not os.path.exists(path)
    tachyon.Listener(path).close()


def test_connect_waits_for_a_listener_to_appear(path):
    connecting = in_thread(tachyon.Bus.connect, path, timeout=PATIENCE)
    far = tachyon.Bus.listen(path, timeout=PATIENCE)
    near = connecting.result()
    near.send(b"at last")
    assert far.recv().data == b"at last"
    near.close()
    far.close()


def test_connect_with_a_timeout_of_none_waits_for_ever(path):
    connecting = in_thread(tachyon.Bus.connect, path, timeout=None)
    with tachyon.Listener(path) as listener, listener.accept(PATIENCE), connecting.result():
        pass


@pytest.mark.parametrize("timeout", [0, 0.02])
def test_connect_gives_up_when_nobody_listens(timeout, path):
    with pytest.raises((TimeoutError, BlockingIOError)):
        tachyon.Bus.connect(path, timeout=timeout)


def test_a_stale_socket_is_replaced(path):
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stale.bind(path)
    stale.close()
    assert os.path.exists(path)

    with tachyon.Listener(path) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        tachyon.Bus.connect(path).close()
        accepting.result().close()


# --- options ---


def max_message_of(connect_pair, capacity):
    near, far = connect_pair(capacity)
    largest = near.max_message
    near.close()
    far.close()
    return largest


def test_capacity_is_rounded_up_to_a_power_of_two(connect_pair):
    largest = max_message_of(connect_pair, 8192)

    assert max_message_of(connect_pair, 4097) == largest
    assert max_message_of(connect_pair, 8191) == largest
    assert max_message_of(connect_pair, 4096) < largest < 8192


def test_the_default_capacity_is_64_kib(path, connect_pair):
    listening = in_thread(tachyon.Bus.listen, path, timeout=PATIENCE)
    with tachyon.Bus.connect(path) as near, listening.result() as far:
        assert near.max_message == far.max_message == max_message_of(connect_pair, 65536)


def test_a_peer_without_a_capacity_of_its_own_takes_the_listeners_where_that_is_larger(path):
    listening = in_thread(tachyon.Bus.listen, path, 1 << 20, timeout=PATIENCE)
    with tachyon.Bus.connect(path) as near, listening.result() as far:
        assert near.max_message == far.max_message > 1 << 19


def test_a_peer_without_a_capacity_of_its_own_takes_64_kib_where_the_listeners_is_smaller(path):
    listening = in_thread(tachyon.Bus.listen, path, 4096, timeout=PATIENCE)
    with tachyon.Bus.connect(path) as near, listening.result() as far:
        assert far.max_message < 4096
        assert 60000 < near.max_message < 65536


def test_each_side_has_a_capacity_of_its_own(path):
    listening = in_thread(tachyon.Bus.listen, path, 1 << 17, timeout=PATIENCE)
    with tachyon.Bus.connect(path, 4096) as near, listening.result() as far:
        assert near.max_message < 4096 < 1 << 16 < far.max_message
        far.send(bytes(100_000))
        assert len(near.recv()) == 100_000


@pytest.mark.parametrize("capacity", [0, -1, (1 << 30) + 1, 1 << 62, 1 << 64, -(1 << 70)])
def test_a_capacity_out_of_range_is_refused(capacity, path):
    for make in (tachyon.Listener, tachyon.Bus.listen, tachyon.Bus.connect):
        with pytest.raises((ValueError, OverflowError)):
            make(path, capacity)
        assert not os.path.exists(path)


@pytest.mark.parametrize("spin", [None, 0, 1, 100_000])
def test_spin_changes_nothing_but_how_a_wait_waits(spin, connect_pair):
    near, far = connect_pair(spin=spin)
    receiving = in_thread(far.recv)
    near.send(b"turn")
    assert receiving.result().data == b"turn"
    with pytest.raises(TimeoutError):
        far.recv(0.01)


def test_spin_0_sleeps_at_once(connect_pair):
    near, far = connect_pair(spin=0)
    receiving = in_thread(far.recv)
    wait_until(lambda: far.stats().sleeps == 1)
    near.send(b"wake up")
    receiving.result()
    assert near.stats().wakes == 1


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU: nobody spins")
def test_a_large_spin_does_not_sleep(connect_pair):
    _, far = connect_pair(spin=2**32 - 2)
    with pytest.raises(TimeoutError):
        far.recv(0.02)
    assert far.stats().sleeps == 0


@pytest.mark.parametrize("spin", [-1, 1 << 32, 1 << 64])
def test_a_spin_out_of_range_is_refused(spin, path):
    for make in (tachyon.Listener, tachyon.Bus.listen, tachyon.Bus.connect):
        with pytest.raises((ValueError, OverflowError)):
            make(path, spin=spin)


def test_a_listener_refuses_a_peer_with_a_larger_ring_than_max_peer_capacity(path):
    with tachyon.Listener(path, max_peer_capacity=65536) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        with pytest.raises(OSError) as refused:
            tachyon.Bus.connect(path, 1 << 20)
        assert refused.value.errno == errno.EMSGSIZE

        # It cost that peer only.
        tachyon.Bus.connect(path, 65536).close()
        accepting.result().close()


def test_a_connector_refuses_a_listener_with_a_larger_ring_than_max_peer_capacity(path):
    with tachyon.Listener(path, 1 << 20) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        with pytest.raises(OSError) as refused:
            tachyon.Bus.connect(path, 4096, max_peer_capacity=65536)
        assert refused.value.errno == errno.EMSGSIZE

    # The listener learns of it after the handshake, or during it.
    try:
        accepting.result().close()
    except tachyon.ClosedError:
        pass


@pytest.mark.parametrize("limit", [-1, 1 << 64])
def test_a_max_peer_capacity_out_of_range_is_refused(limit, path):
    for make in (tachyon.Listener, tachyon.Bus.listen, tachyon.Bus.connect):
        with pytest.raises((ValueError, OverflowError)):
            make(path, max_peer_capacity=limit)


def test_the_socket_file_is_its_owners_alone(path):
    with tachyon.Listener(path):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("perms", [0o660, 0o666, 0o620])
def test_perms_are_the_socket_files(perms, path):
    with tachyon.Listener(path, perms=perms):
        assert stat.S_IMODE(os.stat(path).st_mode) == perms


def test_listen_takes_perms_too(path):
    listening = in_thread(tachyon.Bus.listen, path, timeout=PATIENCE, perms=0o640)
    wait_until(lambda: os.path.exists(path))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    tachyon.Bus.connect(path).close()
    listening.result().close()


@pytest.mark.parametrize("perms", [-1, 1 << 32, 0o10000])
def test_perms_out_of_range_are_refused(perms, path):
    with pytest.raises((ValueError, OverflowError)):
        tachyon.Listener(path, perms=perms)


@pytest.mark.parametrize(
    ("uids", "error"),
    [
        ([-1], (ValueError, OverflowError)),
        ([1 << 32], (ValueError, OverflowError)),
        (["root"], TypeError),
        (0, TypeError),
    ],
)
def test_uids_are_checked(uids, error, path):
    for make in (tachyon.Listener, tachyon.Bus.listen, tachyon.Bus.connect):
        with pytest.raises(error):
            make(path, uids=uids)


def test_uids_may_be_any_sequence(path):
    for uids in ((), [], (1, 2), [U32_MAX - 1], range(3)):
        tachyon.Listener(path, uids=uids).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be someone else")
@pytest.mark.parametrize(
    ("perms", "uids", "any_uid", "outcome"),
    [
        (0o600, (4242,), True, "PermissionError"),
        (0o666, (), False, "PermissionError"),
        (0o666, (4243,), False, "PermissionError"),
        (0o666, (4242,), False, "connected"),
        (0o666, (), True, "connected"),
    ],
)
def test_who_may_connect(perms, uids, any_uid, outcome, folder, path, peer):
    os.chmod(folder, 0o755)
    with tachyon.Listener(path, perms=perms, uids=uids, any_uid=any_uid) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        stranger = peer(
            """
            import os, sys, tachyon
            os.setuid(4242)
            try:
                tachyon.Bus.connect(sys.argv[1], any_uid=True).close()
                print("connected")
            except OSError as error:
                print(type(error).__name__)
            """,
            path,
        )
        assert stranger.finish() == outcome + "\n"
        if outcome != "connected":
            tachyon.Bus.connect(path).close()
        accepting.result().close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be someone else")
@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [("", "PermissionError"), ("uids=[0]", "connected"), ("any_uid=True", "connected")],
)
def test_a_connector_says_whom_it_trusts_as_a_listener(arguments, outcome, folder, path, peer):
    os.chmod(folder, 0o755)
    with tachyon.Listener(path, perms=0o666, any_uid=True) as listener:
        accepting = in_thread(listener.accept, PATIENCE)
        stranger = peer(
            f"""
            import os, sys, tachyon
            os.setuid(4242)
            try:
                tachyon.Bus.connect(sys.argv[1], {arguments}).close()
                print("connected")
            except OSError as error:
                print(type(error).__name__)
            """,
            path,
        )
        assert stranger.finish() == outcome + "\n"
        if outcome != "connected":
            tachyon.Bus.connect(path).close()
        accepting.result().close()


# --- listeners ---


def test_a_listener_serves_many_peers_one_after_another(path):
    with tachyon.Listener(path) as listener:
        for turn in range(20):
            accepting = in_thread(listener.accept, PATIENCE)
            with tachyon.Bus.connect(path) as near, accepting.result() as far:
                far.send(str(turn).encode(), turn)
                assert near.recv() == tachyon.Message(turn, str(turn).encode())


def test_buses_outlive_their_listener(path):
    listener = tachyon.Listener(path)
    accepting = in_thread(listener.accept, PATIENCE)
    near = tachyon.Bus.connect(path)
    far = accepting.result()
    listener.close()
    del listener
    gc.collect()
    near.send(b"still")
    assert far.recv().data == b"still"
    near.close()
    far.close()


def test_several_peers_of_one_listener_are_apart(path):
    with tachyon.Listener(path) as listener:
        pairs = []
        for _ in range(5):
            accepting = in_thread(listener.accept, PATIENCE)
            pairs.append((tachyon.Bus.connect(path), accepting.result()))
        for index, (near, _) in enumerate(pairs):
            near.send(bytes([index]))
        for index, (near, far) in enumerate(pairs):
            assert far.recv().data == bytes([index])
            with pytest.raises(BlockingIOError):
                far.recv(0)
            near.close()
            far.close()


def test_accept_with_a_timeout_of_0_does_not_wait(path):
    with tachyon.Listener(path) as listener, pytest.raises(BlockingIOError):
        listener.accept(0)


def test_accept_ends_when_its_timeout_runs_out(path):
    with tachyon.Listener(path) as listener:
        with pytest.raises(TimeoutError):
            listener.accept(timeout=0.01)
        with pytest.raises(TimeoutError):
            listener.accept(0.01)


def test_a_listeners_fileno_is_readable_when_accept_may_succeed(path):
    with tachyon.Listener(path) as listener:
        assert select.select([listener], [], [], 0)[0] == []
        connecting = in_thread(tachyon.Bus.connect, path)
        assert select.select([listener], [], [], PATIENCE)[0] == [listener]
        listener.accept(PATIENCE).close()
        connecting.result().close()


def test_closing_a_listener_gives_up_the_address(path):
    listener = tachyon.Listener(path)
    assert listener.closed is False
    listener.close()
    assert listener.closed is True
    assert not os.path.exists(path)
    listener.close()


def test_a_listener_that_is_dropped_gives_up_the_address(path):
    listener = tachyon.Listener(path)
    del listener
    gc.collect()
    assert not os.path.exists(path)


def test_a_closed_listener_refuses_calls(path):
    listener = tachyon.Listener(path)
    listener.close()
    for call in (listener.accept, listener.fileno, lambda: listener.accept(0)):
        with pytest.raises(tachyon.ClosedError):
            call()


def test_a_listener_closes_at_the_end_of_its_block(path):
    with tachyon.Listener(path) as listener:
        pass
    assert listener.closed
    with pytest.raises(LookupError), tachyon.Listener(path) as listener:
        raise LookupError
    assert listener.closed
