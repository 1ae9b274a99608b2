# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Names: who has one, what stat and list say, races for one, and files that are no streams."""

import errno
import os
import shutil
import socket
import stat
import time

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import file_of, filled, is_whole  # noqa: E402


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


# --- names ---


@pytest.mark.parametrize(
    "end", ["", "-x", "_", ".", "/", "/../x", " ", "ü", "日本", "%41", "\n", "~", "\udcff"]
)
def test_a_name_may_be_any_text(end, stream_name):
    name = stream_name + end
    with streams.create(name, shape=3) as made:
        assert made.name == name
        assert os.path.exists(file_of(name))
        assert name in streams.list()
        made.write([1, 2, 3])
        assert streams.open(name).read().tolist() == [1, 2, 3]
        assert streams.stat(name).name == name
    streams.unlink(name)
    assert name not in streams.list()
    assert not os.path.exists(file_of(name))


def test_names_that_look_alike_are_different(stream_name):
    names = [stream_name + end for end in ("a", "A", "%61", "a%", "a/", "a.")]
    made = [streams.create(name, shape=1) for name in names]
    for index, one in enumerate(made):
        one.write([index])
    assert [int(streams.open(name).read()[0]) for name in names] == [0, 1, 2, 3, 4, 5]


CALLS = [lambda name: streams.create(name, shape=1), streams.open, streams.unlink, streams.stat]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name, error", [("", ValueError), ("a\0b", ValueError)])
def test_what_cannot_be_a_name_is_a_value_error(call, name, error):
    with pytest.raises(error):
        call(name)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", [None, 5, b"bytes", ["x"]])
def test_what_is_no_text_is_a_type_error(call, name):
    with pytest.raises(TypeError):
        call(name)


@pytest.mark.parametrize("length", [256, 300, 5000])
@pytest.mark.parametrize("call", CALLS[:2])
def test_a_name_may_be_too_long(call, length):
    with pytest.raises(OSError) as caught:
        call("x" * length)
    assert caught.value.errno == errno.ENAMETOOLONG


def test_the_file_is_the_users_own(stream):
    facts = os.stat(file_of(stream.name))
    assert stat.S_IMODE(facts.st_mode) == 0o600
    assert facts.st_uid == os.getuid()
    assert facts.st_nlink == 1


# --- unlink ---


def test_a_missing_name_may_be_unlinked(stream_name):
    assert streams.unlink(stream_name) is None
    assert streams.unlink(stream_name) is None


def test_unlink_leaves_a_recreated_name_alone(stream):
    stream.write(filled(1))
    streams.unlink(stream.name)
    again = streams.create(stream.name, shape=5)
    assert again.id != stream.id

    stream.unlink()
    assert streams.open(stream.name).shape == (5,)
    stream.close()
    stream.unlink()
    stream.delete()
    assert streams.open(again.name).shape == (5,)
    again.unlink()
    with pytest.raises(FileNotFoundError):
        streams.open(again.name)


def test_a_name_is_free_at_once(stream):
    for turn in range(50):
        streams.unlink(stream.name)
        with streams.create(stream.name, shape=turn + 1) as made:
            assert made.count == 0 and made.owner


def test_unlinked_handles_go_on_among_themselves(stream, fork):
    def answer(connection):
        other = streams.open(stream.name)
        connection.send("open")
        other.write(other.read_new() + 1)

    answering = fork(answer)
    answering.recv()
    stream.unlink()
    stream.write(filled(5))
    answering.finish()
    assert (stream.read() == 6).all()
    assert stream.count == 2


# --- stat and list ---


def test_stat_tells_everything_without_opening(stream):
    before = time.time()
    stream.write(filled(1))
    info = streams.stat(stream.name)

    assert isinstance(info, streams.StreamInfo) and isinstance(info, tuple)
    assert info._fields == (
        "name",
        "shape",
        "dtype",
        "size",
        "file_size",
        "count",
        "write_time",
        "create_time",
        "creator_pid",
        "gpu_device",
        "cpu_mirror",
        "id",
        "is_unlinked",
    )
    assert (info.name, info.shape, info.dtype) == (stream.name, (64, 64), np.dtype(np.float32))
    assert isinstance(info.dtype, np.dtype)
    assert info.size == 64 * 64 * 4
    assert info.file_size == os.stat(file_of(stream.name)).st_size > 4 * info.size
    assert info.count == 1
    assert info.write_time == stream.write_time
    assert before - 60 < info.create_time <= info.write_time
    assert info.creator_pid == os.getpid()
    assert info.gpu_device is None and info.cpu_mirror is True
    assert type(info.id) is bytes and len(info.id) == 16 and info.id == stream.id
    assert info.is_unlinked is False


def test_stat_of_a_missing_name_points_to_create(stream_name):
    with pytest.raises(FileNotFoundError, match=r"tachyon\.stream\.create\("):
        streams.stat(stream_name)


def test_ids_are_different_each_time(stream_name):
    ids = set()
    for _ in range(20):
        ids.add(streams.create(stream_name, shape=1).id)
        streams.unlink(stream_name)
    assert len(ids) == 20


def test_list_is_of_all_names_in_order(stream):
    names = [f"{stream.name}{end}" for end in ("-b", "-a", "-ü", "/c")]
    made = [streams.create(name, shape=1) for name in names]
    mine = [name for name in streams.list() if name.startswith(stream.name)]

    assert mine == sorted([stream.name, *names])
    assert streams.list() == sorted(streams.list())
    made[0].delete()
    assert names[0] not in streams.list()


# --- races ---


def test_one_of_many_creators_wins(stream_name, fork):
    def create(connection, index):
        for turn in range(60):
            connection.recv()
            try:
                made = streams.create(f"{stream_name}-{turn}", shape=2)
                made.write([index, turn])
                connection.send(True)
            except FileExistsError:
                connection.send(False)

    creating = [fork(create, index) for index in range(4)]
    for turn in range(60):
        for one in creating:
            one.send()
        won = [one.recv() for one in creating]
        assert won.count(True) == 1
        winner = streams.open(f"{stream_name}-{turn}").read()[0]
        assert won[int(winner)]
    for one in creating:
        one.finish()


def test_unlink_and_create_from_many_processes_make_one_owner_at_a_time(stream_name, fork):
    """All take the name from one another; every one that got it has a stream, lock and id alone."""

    def take(connection, index):
        made = []
        for turn in range(300):
            streams.unlink(stream_name)
            try:
                one = streams.create(stream_name, shape=2)
            except FileExistsError:
                continue
            # Nobody else has this one, so nobody else has its lock or writes to it.
            one.acquire(timeout=0)
            one.write([index, turn])
            assert one.owner and one.count == 1
            assert one.read().tolist() == [index, turn]
            one.release()
            made.append(one.id)
            one.close()
        connection.send(made)

    taking = [fork(take, index) for index in range(4)]
    ids = [one_id for one in taking for one_id in one.recv()]
    for one in taking:
        one.finish()
    print(f"{len(ids)} of 1200 were made")
    assert len(ids) == len(set(ids))
    # The last one made may have been unlinked by who could not make another.
    if stream_name in streams.list():
        assert streams.stat(stream_name).id in ids


def test_handles_that_unlink_theirs_never_unlink_anothers(stream_name, fork):
    """A name that was made anew while the old handle unlinks stays, however close it is."""

    def unlink_late(connection):
        while True:
            old = streams.open(stream_name)
            connection.send(None)
            connection.recv()
            old.unlink()
            connection.send(None)
            connection.recv()

    streams.create(stream_name, shape=1)
    unlinking = fork(unlink_late)
    for _ in range(300):
        unlinking.recv()
        streams.unlink(stream_name)
        unlinking.send()
        made = streams.create(stream_name, shape=1)
        unlinking.recv()
        assert streams.stat(stream_name).id == made.id
        unlinking.send()
    unlinking.kill()


def test_opening_while_another_creates_is_safe(stream_name, fork):
    def create_for_ever(connection):
        connection.send("begun")
        while not connection.poll(0):
            with streams.create(stream_name, shape=(16, 16)) as made:
                made.write(filled(1, (16, 16)))
            streams.unlink(stream_name)

    creating = fork(create_for_ever)
    creating.recv()
    seen = set()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        try:
            with streams.open(stream_name) as found:
                assert (found.shape, found.dtype) == ((16, 16), np.float32)
                value, count, _, _ = found.snapshot()
                assert is_whole(value) and value[0, 0] == count
                seen.add(count)
            streams.stat(stream_name)
            seen.add("stat")
        except FileNotFoundError:
            seen.add("missing")
    creating.send()
    creating.finish()
    print(seen)
    assert 1 in seen


# --- files that are no streams ---


def truncated(path, size):
    os.truncate(path, size)


def begun_with(data):
    def write(path):
        with open(path, "r+b") as file:
            file.write(data)

    return write


def replaced_by(data):
    def write(path):
        os.unlink(path)
        with open(path, "wb") as file:
            file.write(data)

    return write


DAMAGE = {
    "empty": lambda path: truncated(path, 0),
    "one byte": lambda path: truncated(path, 1),
    "half a header": lambda path: truncated(path, 100),
    "a header alone": lambda path: truncated(path, 4096),
    "half": lambda path: truncated(path, os.path.getsize(path) // 2),
    "a byte less": lambda path: truncated(path, os.path.getsize(path) - 1),
    "a page less": lambda path: truncated(path, os.path.getsize(path) - 4096),
    "zeros for a header": begun_with(bytes(4096)),
    "ones for a header": begun_with(b"\xff" * 4096),
    "noise for a header": begun_with(bytes(np.random.default_rng(1).bytes(4096))),
    "all zeros": lambda path: begun_with(bytes(os.path.getsize(path)))(path),
    "another magic": begun_with(b"PYSHMEM!"),
    "an empty file": replaced_by(b""),
    "some text": replaced_by(b"no stream\n" * 1000),
    "a pickle": replaced_by(b"\x80\x04\x95" + bytes(10000)),
    "a longer file of zeros": replaced_by(bytes(1 << 20)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_and_can_be_replaced(damage, stream_name):
    streams.create(stream_name, shape=(64, 64)).close()
    DAMAGE[damage](file_of(stream_name))
    os.chmod(file_of(stream_name), 0o600)

    for call in (streams.open, lambda name: streams.open(name, read_only=True), streams.stat):
        with pytest.raises(OSError) as caught:
            call(stream_name)
        assert caught.value.errno == errno.EBADMSG
        assert repr(stream_name) in str(caught.value) and "unlink" in str(caught.value)
    with pytest.raises(FileExistsError):
        streams.create(stream_name, shape=1)
    assert stream_name in streams.list()

    streams.unlink(stream_name)
    with streams.create(stream_name, shape=1) as made:
        made.write([1])
    assert streams.open(stream_name).read() == [1]


def make_socket(path):
    # A socket's path is short; this one's is renamed to.
    short = f"/dev/shm/{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(short)
    os.rename(short, path)


THINGS = {
    "directory": os.mkdir,
    "pipe": os.mkfifo,
    "socket": make_socket,
    "link to nothing": lambda path: os.symlink("/dev/shm/nothing-here", path),
    "link to itself": lambda path: os.symlink(path, path),
    "link to a device": lambda path: os.symlink("/dev/zero", path),
}


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_is_refused_at_once(thing, stream_name):
    THINGS[thing](file_of(stream_name))
    for call in (streams.open, streams.stat):
        with pytest.raises(OSError):
            call(stream_name)
    with pytest.raises(FileExistsError):
        streams.create(stream_name, shape=1)


def test_a_link_to_a_stream_is_refused(stream):
    os.symlink(file_of(stream.name), file_of(stream.name + "-link"))
    with pytest.raises(OSError):
        streams.open(stream.name + "-link")


def test_another_users_file_is_refused(stream):
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    path = file_of(stream.name)
    os.chown(path, 12345, 12345)
    for call in (streams.open, streams.stat, streams.unlink):
        with pytest.raises(PermissionError):
            call(stream.name)
    assert os.path.exists(path)


def test_a_copy_of_a_file_is_refused_or_a_stream_of_its_own(stream):
    """Somebody's backup: it must not share anything with what it was copied from."""
    stream.write(filled(1))
    shutil.copy(file_of(stream.name), file_of(stream.name + "-copy"))
    try:
        copy = streams.open(stream.name + "-copy")
    except OSError:
        return
    copy.write(filled(2))
    assert (stream.read() == 1).all()


def test_no_flipped_byte_of_the_header_is_believed_blindly(stream_name, fork):
    """Whatever stands there: an error, or a stream that reads and writes; never a crash or hang."""
    streams.create(stream_name, shape=(64, 64)).close()
    path = file_of(stream_name)
    with open(path, "rb") as file:
        header = file.read(4096)
    # Where nothing stands, nothing can be wrong.
    used = [at for at, byte in enumerate(header) if byte] + list(range(0, 512, 8))

    def try_all(connection):
        refused = 0
        for at in used:
            for value in (header[at] ^ 0xFF, header[at] ^ 1):
                with open(path, "r+b") as file:
                    file.seek(at)
                    file.write(bytes([value]))
                try:
                    with streams.open(stream_name) as one:
                        one.read()
                        one.write(np.zeros(one.shape), timeout=1)
                        one.read()
                except (OSError, MemoryError, RuntimeError):
                    refused += 1
                with open(path, "r+b") as file:
                    file.write(header)
        connection.send(refused)

    trying = fork(try_all)
    print(f"{trying.recv()} of {2 * len(used)} refused")
    trying.finish()
