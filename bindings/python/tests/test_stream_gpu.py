# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Streams in device memory.

On a machine with a GPU: pytest -m gpu, with torch or without. `meson test pytest-gpu` runs the same
on a simulated driver, whose values are no torch tensors. Elsewhere all of it is skipped.
"""

import asyncio
import os

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from gpu_support import (  # noqa: E402
    GPU_PRELUDE,
    filled,
    make_torch_ready,
    to_device,
    to_host,
    torch_with_cuda,
)
from stream_support import file_of, remove_all  # noqa: E402
from support import PATIENCE, in_thread, run_program  # noqa: E402

if not streams.gpu_available():
    pytest.skip("there is no CUDA driver, or no GPU", allow_module_level=True)

pytestmark = pytest.mark.gpu

MODES = pytest.mark.parametrize("mirror", [False, True], ids=["performance", "mirrored"])


@pytest.fixture(scope="module", autouse=True)
def driver():
    """What it keeps is not a test's."""
    make_torch_ready()


@pytest.fixture
def make(stream_name):
    """Makes streams, which are deleted at the end: make(shape=…, …)."""
    made = []

    def create(name=stream_name, shape=(64, 64), dtype=np.float32, cpu_mirror=None):
        made.append(
            streams.create(
                name, shape=shape, dtype=dtype, gpu_device="cuda:0", cpu_mirror=cpu_mirror
            )
        )
        return made[-1]

    yield create
    for stream in made:
        stream.delete()


@pytest.fixture
def pair(make, mirror):
    """A stream, and a second handle to it."""
    writer = make(cpu_mirror=mirror)
    with streams.open(writer.name, gpu_device="cuda:0") as reader:
        yield writer, reader


def assert_filled(value, number):
    array = value if isinstance(value, np.ndarray) else to_host(value)
    assert (array == number).all()


# --- the page ---

QUICK_START = """\
import numpy as np
import pyshmem

writer = pyshmem.create(
    "demo_cuda",
    shape=(4, 4),
    dtype=np.float32,
    gpu_device="cuda:0",
)
writer.write(np.ones((4, 4), dtype=np.float32))

reader = pyshmem.open("demo_cuda", gpu_device="cuda:0")
frame = reader.read()
"""


def test_the_pages_quick_start_runs_as_printed():
    remove_all("demo_cuda")
    ours = QUICK_START.replace("import pyshmem\n", "import tachyon.stream as pyshmem\n")
    try:
        printed = run_program(ours + "from gpu_support import to_host; print(to_host(frame).sum())")
    finally:
        remove_all("demo_cuda")
    assert printed == "16.0\n"


def test_performance_mode_is_the_default(make):
    assert make().cpu_mirror is False


def test_compatibility_mode_is_asked_for(make):
    assert make(cpu_mirror=True).cpu_mirror is True


@MODES
def test_a_caller_with_a_device_reads_what_is_there(pair):
    """A torch.Tensor where torch has CUDA."""
    writer, reader = pair
    writer.write(filled(3))
    value = reader.read()
    torch = torch_with_cuda()
    if torch is not None:
        assert isinstance(value, torch.Tensor)
        assert value.device == torch.device("cuda:0")
        assert value.dtype == torch.float32
    assert tuple(value.shape) == (64, 64)
    assert_filled(value, 3)


@MODES
def test_a_caller_without_a_device_has_facts_and_the_lock(make, mirror):
    writer = make(cpu_mirror=mirror)
    writer.write(filled(3))
    with streams.open(writer.name) as reader:
        assert reader.gpu_device == "cuda:0"
        assert reader.shape == (64, 64)
        assert reader.count == 1
        assert reader.write_time > 0
        with reader.locked(timeout=0), pytest.raises(TimeoutError):
            writer.write(filled(4), timeout=0)


def test_a_caller_without_a_device_reads_no_values(make):
    writer = make()
    writer.write(filled(3))
    with streams.open(writer.name) as reader:
        for read in (reader.read, reader.snapshot):
            with pytest.raises(RuntimeError, match="gpu_device='cuda:0'.*cpu_mirror=True"):
                read()


def test_a_caller_without_a_device_reads_what_is_mirrored(make):
    writer = make(cpu_mirror=True)
    with streams.open(writer.name) as reader:
        for number in (1, 2, 3):
            writer.write(filled(number) if number != 2 else to_device(filled(2)))
            value = reader.read()
            assert isinstance(value, np.ndarray)
            assert_filled(value, number)


@MODES
def test_a_caller_without_a_device_writes_nothing(make, mirror):
    writer = make(cpu_mirror=mirror)
    with streams.open(writer.name) as other:
        with pytest.raises(RuntimeError, match="gpu_device='cuda:0'"):
            other.write(filled(1))
        assert other.count == 0


# --- values ---


@MODES
def test_what_was_never_written_is_zeros(pair):
    _, reader = pair
    snapshot = reader.snapshot()
    assert_filled(snapshot.value, 0)
    assert snapshot[1:] == (0, 0.0, 0)


@MODES
def test_values_come_from_the_host_and_from_the_device(pair):
    writer, reader = pair
    values = [filled(1), to_device(filled(2)), filled(3).tolist(), filled(4, dtype=np.int64)]
    for number, value in enumerate(values, 1):
        writer.write(value)
        assert reader.count == number
        assert_filled(reader.read(), number)
        assert_filled(np.asarray(reader), number)


@MODES
def test_what_was_read_can_be_written(pair):
    writer, reader = pair
    writer.write(filled(1))
    value = reader.read()
    writer.write(filled(2))
    reader.write(value)
    assert_filled(writer.read(), 1)
    assert writer.count == 3


@MODES
def test_what_was_read_is_the_callers_own(pair):
    writer, reader = pair
    writer.write(filled(1))
    value = reader.read()
    for number in range(2, 9):
        writer.write(filled(number))
    assert_filled(value, 1)


DTYPES = [
    np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
    np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble,
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_number(make, dtype):
    stream = make(shape=(3, 5), dtype=dtype)
    array = (np.arange(15).reshape(3, 5) % 2).astype(dtype)
    stream.write(array)
    value = stream.read()
    host = to_host(value)
    assert host.dtype == dtype
    assert (host == array).all()
    stream.clear()
    stream.write(value)
    assert (np.asarray(stream) == array).all()
    assert stream.count == 3


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3, 4), (1,) * 32])
def test_every_shape(make, shape):
    stream = make(shape=shape)
    stream.write(filled(5, shape))
    value = stream.read()
    assert tuple(value.shape) == shape
    assert_filled(value, 5)
    stream.write(value)
    assert stream.count == 2


def test_a_large_value(make):
    stream = make(shape=(1024, 2048))
    array = np.arange(2 << 20, dtype=np.float32).reshape(1024, 2048)
    stream.write(array)
    assert (to_host(stream.read()) == array).all()


@MODES
def test_clear_writes_zeros(pair):
    writer, reader = pair
    writer.write(filled(1))
    writer.clear()
    assert_filled(reader.read(), 0)
    assert reader.count == 2


def test_out_on_the_host_and_on_the_device(make):
    stream = make()
    stream.write(filled(6))
    for out in (filled(0), to_device(filled(0))):
        assert stream.read(out=out) is out
        assert_filled(out, 6)


def test_an_out_that_does_not_fit(make):
    stream = make()
    for out in (to_device(filled(0, (3, 3))), to_device(filled(0, dtype=np.float64))):
        with pytest.raises(ValueError, match="shape|float32"):
            stream.read(out=out)
    with pytest.raises(TypeError):
        stream.read(out=[])
    with pytest.raises(ValueError):
        stream.read(out=filled(0, (3, 3)))


@pytest.mark.parametrize("where", [np.asarray, to_device], ids=["host", "device"])
def test_a_value_of_another_shape_is_refused(make, where):
    stream = make()
    with pytest.raises(ValueError, match=r"expected shape \(64, 64\), got \(3, 4\)"):
        stream.write(where(filled(1, (3, 4))))
    assert stream.count == 0


# --- which value ---


@MODES
def test_a_snapshot_says_which_value_it_is(pair):
    writer, reader = pair
    for number in (1, 2, 3):
        writer.write(filled(number))
    snapshot = reader.snapshot()
    assert_filled(snapshot.value, 3)
    assert snapshot.count == 3
    assert snapshot.missed == 2
    assert snapshot.write_time == pytest.approx(reader.write_time, abs=1e-6)


@MODES
def test_read_new_returns_what_was_written_since(pair):
    writer, reader = pair
    reader.read()
    writer.write(filled(1))
    assert_filled(reader.read_new(timeout=0), 1)
    with pytest.raises(TimeoutError, match="timed out waiting for a new write"):
        reader.read_new(timeout=0)
    future = in_thread(reader.read_new, timeout=PATIENCE)
    writer.write(filled(2))
    assert_filled(future.result(), 2)


@MODES
def test_a_snapshot_waits_for_a_newer_value(pair):
    writer, reader = pair
    with pytest.raises(TimeoutError):
        reader.snapshot(newer_than=0, timeout=0.01)
    writer.write(filled(1))
    assert_filled(reader.snapshot(newer_than=0).value, 1)


@MODES
def test_tasks_wait_for_values(pair):
    writer, reader = pair

    async def read_two():
        task = asyncio.ensure_future(reader.read_new_async(timeout=PATIENCE))
        await asyncio.sleep(0)
        writer.write(filled(1))
        first = await task
        writer.write(filled(2))
        async for value in reader:
            return first, value

    first, second = asyncio.run(read_two())
    assert_filled(first, 1)
    assert_filled(second, 2)


# --- in place ---


@MODES
def test_in_place_needs_the_lock(pair):
    _, reader = pair
    for read in (reader.read, reader.read_new):
        with pytest.raises(RuntimeError, match="with shm.locked"):
            read(safe=False)


@MODES
def test_in_place_is_the_newest_value(pair):
    writer, reader = pair
    writer.write(filled(4))
    with reader.locked():
        value = reader.read(safe=False)
        assert_filled(value, 4)
        assert tuple(value.shape) == (64, 64)
    with pytest.raises(ValueError), reader.locked():
        reader.read(safe=False, out=filled(0))


def test_memory_in_place_outlives_its_handle(make):
    stream = make()
    stream.write(filled(4))
    with streams.open(stream.name, gpu_device=0) as other, other.locked():
        value = other.read(safe=False)
    del other
    assert_filled(value, 4)


@MODES
def test_the_host_has_no_view(pair):
    writer, _ = pair
    with pytest.raises(RuntimeError, match="on cuda:0.*use write"), writer.write_view():
        pass
    with writer.locked(timeout=0):
        pass


# --- handles ---


@pytest.mark.parametrize("device", [0, "cuda", "cuda:0"])
def test_a_device_can_be_said_in_several_ways(stream_name, device):
    stream = streams.create(stream_name, shape=4, gpu_device=device)
    try:
        assert stream.gpu_device == "cuda:0"
        with streams.open(stream_name, gpu_device=device) as other:
            assert other.gpu_device == "cuda:0"
            assert_filled(other.read(), 0)
    finally:
        stream.delete()


def test_a_device_that_is_not_there(stream_name):
    with pytest.raises(RuntimeError, match="cuda:99"):
        streams.create(stream_name, shape=4, gpu_device=99)
    assert not os.path.exists(file_of(stream_name))


def test_a_closed_handle_says_so(make):
    stream = make()
    stream.close()
    calls = [
        (stream.read, "read from"),
        (stream.snapshot, "read from"),
        (stream.read_new, "read from"),
        (lambda: stream.read(out=filled(0)), "read from"),
        (lambda: stream.write(filled(1)), "write to"),
        (lambda: stream.write(to_device(filled(1))), "write to"),
        (stream.write_view, "write to"),
    ]
    for call, verb in calls:
        with pytest.raises(RuntimeError, match=f"cannot {verb} closed shared memory .*open"):
            call()


def test_a_read_only_handle(make):
    writer = make()
    writer.write(filled(2))
    with streams.open(writer.name, gpu_device=0, read_only=True) as reader:
        assert_filled(reader.read(), 2)
        for value in (filled(3), to_device(filled(3))):
            with pytest.raises(PermissionError, match="read_only=True"):
                reader.write(value)


def test_to_close_the_handle_that_made_a_stream_leaves_the_stream(make, stream_name):
    writer = make()
    writer.write(filled(2))
    writer.close()
    with streams.open(stream_name, gpu_device=0) as reader:
        assert_filled(reader.read(), 2)


def test_stat_says_where_values_are(make):
    writer = make(cpu_mirror=True)
    info = streams.stat(writer.name)
    assert (info.gpu_device, info.cpu_mirror) == ("cuda:0", True)


# --- other libraries ---


def test_a_stream_is_taken_by_dlpack(make):
    stream = make()
    stream.write(filled(7))
    assert stream.__dlpack_device__() == (2, 0)
    with pytest.raises(BufferError):
        stream.__dlpack__(copy=False)
    torch = torch_with_cuda()
    if torch is not None:
        assert_filled(torch.from_dlpack(stream), 7)
    # A capsule that nobody takes frees what is in it.
    del [stream.__dlpack__()][:]


# --- processes ---


@MODES
def test_another_process_reads_and_writes(make, mirror, peer):
    writer = make(cpu_mirror=mirror)
    other = peer(
        GPU_PRELUDE
        + """
with streams.open(name, gpu_device="cuda:0") as stream:
    print("ready", flush=True)
    value = to_host(stream.read_new(timeout=20))
    assert (value == 1).all(), value
    stream.write(to_device(filled(2)))
    input()
    assert (to_host(stream.read()) == 3).all()
""",
        writer.name,
    )
    assert other.line() == "ready"
    writer.write(filled(1))
    assert writer.wait(2, timeout=PATIENCE) == 2
    assert_filled(writer.read(), 2)
    writer.write(to_device(filled(3)))
    other.tell()
    other.finish()


@MODES
def test_no_reader_sees_a_value_that_is_half_written(make, mirror, peer):
    shape = (1024, 1024)
    reader = make(shape=shape, cpu_mirror=mirror)
    writing = peer(
        GPU_PRELUDE
        + """
values = [to_device(filled(number, (1024, 1024))) for number in range(4)]
with streams.open(name, gpu_device="cuda:0") as stream:
    for number in range(int(sys.argv[2])):
        value = values[number % 4] if number % 2 else filled(number % 4, (1024, 1024))
        stream.write(value)
""",
        reader.name,
        "100",
    )
    while reader.count < 100:
        value = to_host(reader.read())
        assert (value == value[0, 0]).all()
        value = np.asarray(reader)
        assert (value == value[0, 0]).all()
        assert writing.process.poll() in (None, 0)
    writing.finish()


@pytest.fixture
def maker(stream_name, peer):
    """Another process that makes a stream: maker(mirror)."""

    def start(mirror):
        other = peer(
            GPU_PRELUDE
            + """
stream = streams.create(name, shape=(64, 64), gpu_device=0, cpu_mirror=sys.argv[2] == "True")
stream.write(filled(8))
print("ready", flush=True)
input()
""",
            stream_name,
            mirror,
        )
        assert other.line() == "ready"
        return other

    return start


GONE = "the process that owned the device memory of .* is gone: unlink it, and create it anew"


@MODES
def test_device_memory_goes_with_the_process_that_made_it(stream_name, maker, mirror):
    other = maker(mirror)
    with streams.open(stream_name, gpu_device=0) as attached:
        assert_filled(attached.read(), 8)
        other.kill()
        for call in (attached.read, attached.snapshot, lambda: attached.write(filled(9))):
            with pytest.raises(RuntimeError, match=GONE):
                call()
        assert attached.count == 1
        if mirror:
            assert_filled(np.asarray(attached), 8)
    with pytest.raises(RuntimeError, match=GONE):
        streams.open(stream_name, gpu_device=0)
    with streams.open(stream_name) as reader:
        assert reader.count == 1
        if mirror:
            assert_filled(reader.read(), 8)


def test_a_wait_goes_on_when_the_maker_dies(stream_name, maker):
    other = maker(False)
    with streams.open(stream_name, gpu_device=0) as attached:
        attached.read()
        future = in_thread(attached.read_new, timeout=0.5)
        other.kill()
        with pytest.raises(TimeoutError):
            future.result()


@MODES
def test_a_forked_child_cannot_use_the_device(pair, fork, mirror):
    writer, _ = pair
    writer.write(filled(1))

    value = writer.read()

    def use(connection):
        calls = [
            writer.read,
            writer.snapshot,
            lambda: writer.write(filled(2)),
            lambda: writer.write(value),
            lambda: writer.read(out=value),
        ]
        for call in calls:
            with pytest.raises(ChildProcessError):
                call()
        with pytest.raises(ChildProcessError, match="spawn"):
            writer.read()
        assert writer.count == 1
        with writer.locked(timeout=5):
            pass
        if mirror:
            assert_filled(np.asarray(writer), 1)

    fork(use).finish()
    assert_filled(writer.read(), 1)


# --- threads ---


def test_a_waiting_thread_is_woken(make):
    stream = make()
    future = in_thread(stream.read_new, timeout=PATIENCE)
    stream.write(filled(1))
    assert_filled(future.result(), 1)


def test_threads_share_a_handle(make):
    stream = make()

    def write(number):
        for _ in range(20):
            stream.write(filled(number))

    def read():
        while stream.count < 40:
            value = to_host(stream.read())
            assert (value == value[0, 0]).all()

    calls = [in_thread(write, 1), in_thread(write, 2), in_thread(read), in_thread(read)]
    for call in calls:
        call.result(PATIENCE)


# --- with torch ---


@pytest.fixture
def torch():
    torch = torch_with_cuda()
    if torch is None:
        pytest.skip("torch is missing, or has no CUDA")
    return torch


def test_a_torch_device_says_which(stream_name, torch):
    stream = streams.create(stream_name, shape=4, gpu_device=torch.device("cuda", 0))
    assert stream.gpu_device == "cuda:0"
    stream.delete()


def test_tensors_are_converted(make, torch):
    stream = make()
    base = torch.arange(64 * 64, device="cuda:0").reshape(64, 64)
    expected = base.cpu().numpy().astype(np.float32)
    for tensor, array in [
        (base, expected),
        (base.double(), expected),
        (base.t(), expected.T),
        (base.float().requires_grad_(), expected),
    ]:
        stream.write(tensor)
        assert (to_host(stream.read()) == array).all()


def test_work_that_is_queued_comes_first(make, torch):
    """On the default stream and on another: the value is what the kernels make."""
    size = (2048, 2048)
    stream = make(shape=size)
    for queue in (torch.cuda.default_stream(), torch.cuda.Stream()):
        with torch.cuda.stream(queue):
            tensor = torch.ones(size, device="cuda:0")
            for _ in range(50):
                tensor = (tensor @ tensor) * (1 / 2048)
            tensor += 1
            stream.write(tensor)
            value = stream.read()
            assert (value == 2).all().item()
            out = torch.zeros(size, device="cuda:0")
            for _ in range(50):
                out += 1
            stream.read(out=out)
            assert (out == 2).all().item()


def test_tensors_of_reads_are_not_used_twice(make, torch):
    stream = make(shape=(512, 512))
    side = torch.cuda.Stream()
    kept = []
    for number in range(1, 30):
        stream.write(filled(number, (512, 512)))
        with torch.cuda.stream(side):
            kept.append((number, stream.read() + 0))
    torch.cuda.synchronize()
    assert all((tensor == number).all().item() for number, tensor in kept)
