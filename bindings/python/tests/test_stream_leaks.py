# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Nothing is left of streams: descriptors, mappings, memory, threads, words on stderr."""

import copy
import json
import multiprocessing
import pickle
import subprocess

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import PRELUDE, add_one, filled  # noqa: E402
from support import PATIENCE, environment, is_sanitized, program, run_program  # noqa: E402

MEASURE = (
    PRELUDE
    + """
import gc, json

def figures():
    gc.collect()
    with open("/proc/self/maps") as maps:
        count = sum(1 for _ in maps)
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "fds": len(os.listdir("/proc/self/fd")),
        "maps": count,
        "rss": resident,
        "threads": len(os.listdir("/proc/self/task")),
    }

def measure(repeat, warm_up, count):
    repeat(warm_up)
    before = figures()
    repeat(count)
    after = figures()
    print(json.dumps({key: after[key] - before[key] for key in after}))

def fails(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        return
    raise SystemExit(f"{call} {args} {kwargs} did not fail")
"""
)

#: What the interpreter's own allocator may take more, in bytes, without anything being lost.
NOISE = 2 << 20


def assert_nothing_grew(source, name):
    grown = json.loads(run_program(MEASURE + source, name))
    print(grown)
    assert grown["fds"] <= 0
    assert grown["threads"] <= 0
    # The C library may map another arena.
    assert grown["maps"] <= 4
    # A sanitizer keeps freed memory for a while.
    if not is_sanitized():
        assert grown["rss"] < NOISE


def test_3000_streams_leave_nothing(stream_name):
    assert_nothing_grew(
        """
def repeat(count):
    for turn in range(count):
        stream = streams.create(name, shape=(64, 64))
        other = streams.open(name)
        watched = streams.open(name, read_only=True)
        other.write(np.ones((64, 64)))
        stream.read_new(timeout=0)
        if turn % 16 == 0:
            watched.fileno()
        with other.locked():
            other.read(safe=False)[0] = 2
        if turn % 2:
            other.close()
        del other
        streams.stat(name)
        stream.unlink()
        if turn % 3:
            stream.close()

measure(repeat, 200, 3000)
""",
        stream_name,
    )


def test_10_000_openings_leave_nothing(stream_name):
    with streams.create(stream_name, shape=(64, 64)):
        assert_nothing_grew(
            """
def repeat(count):
    for turn in range(count):
        streams.open(name).read()

measure(repeat, 200, 10000)
""",
            stream_name,
        )


def test_calls_leave_nothing(stream_name):
    with streams.create(stream_name, shape=(64, 64)):
        assert_nothing_grew(
            """
stream, other = streams.open(name), streams.open(name)
value = np.ones((64, 64), np.float32)
doubles, lists = np.ones((64, 64)), np.ones((64, 64)).tolist()
out = np.empty_like(value)

def repeat(count):
    for turn in range(count):
        stream.write(value)
        stream.write(doubles)
        if turn % 20 == 0:
            stream.write(lists)
        stream.clear()
        stream.read(), stream.read(out=out), other.read_new(), other.snapshot()
        np.asarray(stream), np.from_dlpack(stream), stream.__dlpack__()
        stream.wait(1), stream.count, stream.write_time, stream.id, stream.shape, stream.dtype
        with stream.locked():
            stream.read(safe=False)[0, 0] = turn
        with stream.write_view() as view:
            view[0] = turn
        repr(stream), streams.stat(name)

measure(repeat, 300, 4000)
""",
            stream_name,
        )


def test_errors_leave_nothing(stream_name):
    with streams.create(stream_name, shape=(64, 64)):
        assert_nothing_grew(
            """
stream, other = streams.open(name), streams.open(name)
reader = streams.open(name, read_only=True)
closed = streams.open(name)
closed.close()
value = np.ones((64, 64), np.float32)
objects = np.ones((64, 64), object)
objects[63, 63] = "no number"
open("/dev/shm/tachyon.%d.%s-bad" % (os.getuid(), name), "w").write("no stream")

def rolled_back():
    with stream.write_view() as view:
        view[0] = 1
        raise LookupError

def repeat(count):
    for turn in range(count):
        fails(streams.create, name, shape=(64, 64))
        fails(streams.create, name + "-no", shape=(0,))
        fails(streams.create, name + "-no", shape=3, dtype=object)
        fails(streams.create, name + "-no", shape=2**44)
        fails(streams.create, name + "-no", shape=3, size=5)
        fails(streams.create, name + "-no", shape=3, gpu_device="cuda:99")
        fails(streams.open, name + "-no")
        fails(streams.open, name + "-bad")
        fails(streams.stat, name + "-bad")
        fails(streams.open, "x" * 300)
        fails(stream.write, value[:3])
        fails(stream.write, "text")
        fails(stream.write, objects)
        fails(stream.read, out=value[:3])
        fails(stream.read, safe=False)
        fails(stream.release)
        fails(stream.read_new, timeout=-1)
        fails(rolled_back)
        fails(reader.write, value)
        fails(lambda: reader.write_view().__enter__())
        fails(closed.read)
        fails(closed.write, value)
        fails(lambda: closed.write_view().__enter__())
        reader.read()
        fails(reader.read_new, timeout=0)
        fails(reader.snapshot, newer_than=1 << 40, timeout=1e-9)
        with other.locked():
            fails(stream.write, value, timeout=0)
            fails(stream.acquire, timeout=1e-9)
            fails(lambda: stream.write_view(timeout=0).__enter__())

measure(repeat, 200, 1500)
""",
            stream_name,
        )


def test_views_that_outlive_their_handles_leave_nothing(stream_name):
    with streams.create(stream_name, shape=(64, 64)):
        assert_nothing_grew(
            """
def repeat(count):
    for turn in range(count):
        stream = streams.open(name)
        with stream.locked():
            view = stream.read(safe=False)
            view[0] = turn
        with stream.write_view() as other:
            other[1] = turn
        part = view[3:]
        stream.close()
        del stream, view
        part[0] = 1
        del part, other

measure(repeat, 300, 4000)
""",
            stream_name,
        )


def test_async_waits_leave_nothing(stream_name):
    with streams.create(stream_name, shape=(4, 4)):
        assert_nothing_grew(
            """
import asyncio
stream, other = streams.open(name), streams.open(name)

async def turns(count):
    for turn in range(count):
        reading = asyncio.create_task(stream.read_new_async())
        await asyncio.sleep(0)
        other.write(np.ones((4, 4)))
        await reading
        cancelled = asyncio.create_task(stream.wait_async(1 << 40))
        await asyncio.sleep(0)
        cancelled.cancel()
        try:
            await stream.read_new_async(timeout=0)
        except TimeoutError:
            pass

def repeat(count):
    for _ in range(count // 50):
        asyncio.run(turns(50))

measure(repeat, 500, 3000)
""",
            stream_name,
        )


def test_the_class_is_not_kept_alive_by_its_objects(stream_name):
    source = """
def use():
    for _ in range(100):
        with streams.create(name, shape=3) as stream:
            stream.locked(), stream.write_view(), stream.snapshot(), stream.read()
            streams.stat(name)
        stream.unlink()

classes = (streams.SharedMemory, streams.Snapshot, streams.StreamInfo)
use()
gc.collect()
before = [sys.getrefcount(one) for one in classes]
use()
gc.collect()
print([sys.getrefcount(one) for one in classes] == before)
"""
    assert run_program(MEASURE + source, stream_name) == "True\n"


# --- threads and stderr ---


def test_nothing_starts_a_thread(stream_name):
    source = """
before = figures()["threads"]
stream, other = streams.create(name, shape=3), streams.open(name)
stream.write([1, 2, 3])
other.read_new(timeout=1)
fails(other.read_new, timeout=0.05)
fails(other.wait, 7, timeout=0.05)
with stream.locked():
    fails(other.write, [1, 2, 3], timeout=0.05)
    stream.read(safe=False)[0] = 5
other.fileno(), other.prepare(9)
print(figures()["threads"] - before, threading.active_count())
stream.delete()
"""
    assert run_program(MEASURE + source, stream_name) == "0 1\n"


ENDS = {
    "left open": "stream.write([1, 2, 3])",
    "under the lock": "stream.acquire(); stream.read(safe=False)[0] = 1",
    "in a transaction": "block = stream.write_view(); block.__enter__()",
    "with a view": "stream.acquire(); view = stream.read(safe=False); stream.release()",
    "with a descriptor": "stream.fileno(); stream.prepare(1)",
    "closed": "stream.close()",
    "deleted": "stream.delete()",
    "unlinked": "streams.unlink(name); again = streams.create(name, shape=4)",
    "with a cycle": "stream.write([1, 2, 3]); cycle = [stream]; cycle.append(cycle)",
    "with a waiting thread": "in_thread(stream.read_new); time.sleep(0.01)",
    "with a locking thread": "stream.acquire(); in_thread(streams.open(name).acquire)",
    "by sys.exit": "stream.acquire(); sys.exit(0)",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_program_ends_in_silence(end, stream_name):
    """No resource tracker, no warnings; and the stream is there unless the program removed it."""
    source = PRELUDE + "stream = streams.create(name, shape=3)\n" + ENDS[end] + "\n"
    command = program(source)
    finished = subprocess.run(
        [command[0], "-X", "dev", "-W", "always", *command[1:], stream_name],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment(),
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert (stream_name in streams.list()) == (end != "deleted")
    if end != "deleted":
        streams.open(stream_name).acquire(timeout=0)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_leaves_streams_alone_and_says_nothing(method, stream_name):
    """multiprocessing.shared_memory's tracker removes what others use, and complains."""
    source = """
import multiprocessing
from stream_support import add_one
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[2])
    stream = streams.create(name, shape=3)
    for turn in range(2):
        process = context.Process(target=add_one, args=(name, 5))
        process.start()
        process.join()
        assert process.exitcode == 0
    print(stream.read().tolist())
"""
    finished = subprocess.run(
        [*program(PRELUDE + source), stream_name, method],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment(),
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (
        0,
        "[10.0, 10.0, 10.0]\n",
        "",
    )
    assert streams.open(stream_name).read().tolist() == [10, 10, 10]


# --- no pickle ---


@pytest.fixture
def stream(stream_name):
    with streams.create(stream_name, shape=(64, 64)) as stream:
        yield stream


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_handle_cannot_be_pickled(protocol, stream):
    with pytest.raises(TypeError, match="name"):
        pickle.dumps(stream, protocol)


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
def test_a_handle_cannot_be_copied(copying, stream):
    with pytest.raises(TypeError):
        copying(stream)


def test_a_handle_is_no_argument_of_a_spawned_process(stream):
    context = multiprocessing.get_context("spawn")
    with pytest.raises(TypeError, match="name"):
        context.Process(target=print, args=(stream,)).start()


def test_a_name_is(stream):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=add_one, args=(stream.name, 1))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    process.close()
    assert (stream.read() == 1).all()


def test_values_and_snapshots_can_be_pickled(stream):
    stream.write(filled(3))
    snapshot = pickle.loads(pickle.dumps(stream.snapshot()))
    assert (snapshot.value == 3).all() and snapshot.count == 1
    assert pickle.loads(pickle.dumps(streams.stat(stream.name))) == streams.stat(stream.name)


def test_nothing_shared_is_executable(stream):
    with stream.locked():
        stream.read(safe=False)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        shared = [line.split()[1] for line in maps if "/dev/shm/" in line]
    assert shared
    assert not [permissions for permissions in shared if "x" in permissions]


def test_a_handle_says_what_it_is(stream):
    text = f"SharedMemory(name='{stream.name}', shape=(64, 64), dtype='float32', gpu_device=None)"
    assert repr(stream) == text
    name = stream.name
    stream.close()
    assert repr(stream) == f"<closed SharedMemory '{name}'>"


def test_a_handle_is_made_by_create_and_open_alone(stream):
    for arguments in ((), ("x",), (stream,)):
        with pytest.raises(TypeError):
            streams.SharedMemory(*arguments)


def test_with_closes_and_does_not_unlink(stream_name):
    with streams.create(stream_name, shape=3) as stream:
        stream.write([1, 2, 3])
    with pytest.raises(RuntimeError):
        stream.read()
    with pytest.raises(LookupError), streams.open(stream_name) as other:
        raise LookupError
    with pytest.raises(RuntimeError):
        other.read()
    assert streams.open(stream_name).read().tolist() == [1, 2, 3]
