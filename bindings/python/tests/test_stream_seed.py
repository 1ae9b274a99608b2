# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The page that streams began with: its programs run as printed, its calls have its signatures.

Its behaviour notes are tested, sentence by sentence, in test_stream_notes.py.
"""

import fcntl
import inspect
import os
import subprocess

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as pyshmem  # noqa: E402
from stream_support import filled, remove_all  # noqa: E402
from support import environment, program  # noqa: E402

CPU_QUICK_START = """\
import numpy as np
import pyshmem

writer = pyshmem.create("demo_frame", shape=(4, 4), dtype=np.float32)
reader = pyshmem.open("demo_frame")

writer.write(np.ones((4, 4), dtype=np.float32))
frame = reader.read()
next_frame = reader.read_new(timeout=1.0)
"""

GPU_QUICK_START = """\
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


def with_our_import(source):
    assert source.count("import pyshmem\n") == 1
    return source.replace("import pyshmem\n", "import tachyon.stream as pyshmem\n")


#: A process that writes fives over and over, once somebody has written.
OTHER_WRITER = """\
import sys, time
import numpy as np
import tachyon.stream as pyshmem

print("ready", flush=True)
while True:
    try:
        stream = pyshmem.open(sys.argv[1])
        break
    except FileNotFoundError:
        time.sleep(0.001)
stream.wait(1)
while True:
    stream.write(np.full((4, 4), 5.0))
    time.sleep(0.005)
"""

SHOW = """
print(frame.dtype, frame.shape, next_frame.dtype, next_frame.shape)
print(set(next_frame.ravel().tolist()))
assert set(frame.flat) in ({1.0}, {5.0}), frame
"""

SHOWN = "float32 (4, 4) float32 (4, 4)\n{5.0}\n"


@pytest.fixture
def alone():
    """The programs' own names serve one run of these tests at a time."""
    directory = os.open("/tmp", os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    remove_all("demo_")
    yield
    remove_all("demo_")
    os.close(directory)


def output_of(source, *args):
    finished = subprocess.run(
        [*program(source), *args], capture_output=True, text=True, timeout=50, env=environment()
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


@pytest.mark.usefixtures("alone")
def test_the_cpu_quick_start_runs_as_printed(peer):
    writing = peer(OTHER_WRITER, "demo_frame")
    assert writing.line() == "ready"

    assert output_of(with_our_import(CPU_QUICK_START) + SHOW) == SHOWN


@pytest.mark.usefixtures("alone")
def test_the_cpu_quick_start_alone_waits_for_a_value_that_never_comes():
    """The page's read_new() has nobody who would write: its timeout is what is seen."""
    source = with_our_import(CPU_QUICK_START).replace("timeout=1.0", "timeout=0.05")
    *before, last = source.splitlines(keepends=True)
    source = "".join(before) + f"try:\n    {last}except TimeoutError:\n    print(frame.sum())\n"

    assert output_of(source) == "16.0\n"


def test_the_cpu_quick_start_runs_with_the_two_ends_in_two_processes(stream_name, peer):
    lines = with_our_import(CPU_QUICK_START).replace('"demo_frame"', repr(stream_name)).splitlines()
    imports = lines[:2]
    # The reader has read before another value comes.
    writer = [line for line in lines if "writer" in line]
    again = ["print(flush=True)", "input()", "writer.write(np.full((4, 4), 5))"]
    reader = [line for line in lines if "reader" in line]
    told = ["print(frame.sum(), flush=True)", "input()"]

    one = peer("\n".join(imports + writer + again))
    one.line()
    other = peer("\n".join(imports + reader[:-1] + told + reader[-1:]) + SHOW)
    assert other.line() == "16.0"
    other.tell()
    one.tell()

    assert other.finish() == SHOWN
    one.finish()


def test_what_was_written_between_two_reads_is_new(stream_name):
    """The order of the page's calls, where the other value comes before read_new() is called."""
    writer = pyshmem.create(stream_name, shape=(4, 4), dtype=np.float32)
    reader = pyshmem.open(stream_name)

    writer.write(np.ones((4, 4), dtype=np.float32))
    frame = reader.read()
    writer.write(np.full((4, 4), 5, dtype=np.float32))
    next_frame = reader.read_new(timeout=1.0)

    assert set(frame.flat) == {1.0}
    assert set(next_frame.flat) == {5.0}


@pytest.mark.usefixtures("alone")
def test_the_gpu_quick_start_without_a_gpu_says_so():
    if pyshmem.gpu_available():
        pytest.skip("there is a GPU: the gpu suite runs it")
    first = with_our_import(GPU_QUICK_START).partition("writer.write")[0]

    finished = subprocess.run(
        program(first), capture_output=True, text=True, timeout=50, env=environment()
    )

    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith("RuntimeError: ")
    assert not os.path.exists(f"/dev/shm/tachyon.{os.getuid()}.demo_cuda")


# --- the public API, as the page lists it ---


def test_the_module_has_the_pages_names():
    for public in ("SharedMemory", "create", "open", "unlink", "gpu_available"):
        assert public in pyshmem.__all__
        assert hasattr(pyshmem, public)
    assert isinstance(pyshmem.SharedMemory, type)


def test_the_module_has_names_of_its_own():
    page = {"SharedMemory", "create", "open", "unlink", "gpu_available"}
    assert set(pyshmem.__all__) == page | {"Snapshot", "StreamInfo", "stat", "list"}


def test_numpy_is_imported_by_this_module_alone():
    source = "import sys, tachyon\nprint('numpy' in sys.modules)\n"
    assert output_of(source) == "False\n"


def signature(function, drop_self=False):
    """Name, kind and default of each parameter; no default for polling intervals."""
    parameters = list(inspect.signature(function).parameters.values())[1 if drop_self else 0 :]
    return [
        (one.name, one.kind, None if one.name == "poll_interval" else one.default)
        for one in parameters
    ]


POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
KEYWORD = inspect.Parameter.KEYWORD_ONLY
NONE = inspect.Parameter.empty

#: Ours may have more parameters behind the page's.
FUNCTIONS = {
    "create": [
        ("name", POSITIONAL, NONE),
        ("shape", KEYWORD, NONE),
        ("dtype", KEYWORD, np.float32),
        ("size", KEYWORD, None),
        ("gpu_device", KEYWORD, None),
        ("cpu_mirror", KEYWORD, None),
    ],
    "open": [("name", POSITIONAL, NONE), ("gpu_device", KEYWORD, None)],
    "unlink": [("name", POSITIONAL, NONE)],
    "gpu_available": [],
}

METHODS = {
    "acquire": [("timeout", POSITIONAL, None), ("poll_interval", POSITIONAL, None)],
    "release": [],
    "locked": [("timeout", POSITIONAL, None), ("poll_interval", POSITIONAL, None)],
    "write": [("value", POSITIONAL, NONE)],
    "read": [("safe", POSITIONAL, True), ("poll_interval", POSITIONAL, None)],
    "read_new": [
        ("timeout", POSITIONAL, None),
        ("safe", POSITIONAL, True),
        ("poll_interval", POSITIONAL, None),
    ],
    "clear": [],
    "close": [],
    "unlink": [],
    "delete": [],
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_pages_signature(function):
    page = FUNCTIONS[function]
    ours = signature(getattr(pyshmem, function))

    assert ours[: len(page)] == page
    assert all(default is not NONE for _, _, default in ours[len(page) :])


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_the_pages_signature(method):
    page = METHODS[method]
    ours = signature(getattr(pyshmem.SharedMemory, method), drop_self=True)

    assert ours[: len(page)] == page
    assert all(kind == KEYWORD or default is not NONE for _, kind, default in ours[len(page) :])


@pytest.fixture
def stream(stream_name):
    with pyshmem.create(stream_name, shape=(4, 4), dtype=np.float32) as stream:
        yield stream


def test_create_takes_everything_by_keyword(stream_name):
    made = pyshmem.create(
        name=stream_name,
        shape=(2, 3),
        dtype="int16",
        size=12,
        gpu_device=None,
        cpu_mirror=True,
    )
    assert (made.shape, made.dtype, made.size) == ((2, 3), np.int16, 12)
    assert pyshmem.open(name=stream_name, gpu_device=None).shape == (2, 3)
    pyshmem.unlink(name=stream_name)


def test_only_the_name_is_positional(stream_name):
    with pytest.raises(TypeError):
        pyshmem.create(stream_name, (4, 4))
    with pytest.raises(TypeError):
        pyshmem.create(stream_name)
    with pytest.raises(TypeError):
        pyshmem.open(stream_name, None)


def test_the_default_type_is_float32(stream_name):
    assert pyshmem.create(stream_name, shape=(4, 4)).dtype == np.float32


def test_calls_take_what_the_page_says_by_position(stream):
    stream.acquire(1.0, 1e-3)
    assert stream.read(False, 1e-6).shape == (4, 4)
    stream.release()
    with stream.locked(1.0, 1e-3):
        pass
    stream.write(filled(2, (4, 4)))
    assert stream.read(True, 1e-6).sum() == 32
    stream.write(filled(3, (4, 4)))
    assert stream.read_new(1.0, True, 1e-5).sum() == 48


def test_calls_take_what_the_page_says_by_keyword(stream):
    stream.acquire(timeout=None, poll_interval=1e-3)
    assert stream.read(safe=False, poll_interval=1e-6).shape == (4, 4)
    stream.release()
    with stream.locked(timeout=None, poll_interval=1e-3):
        pass
    stream.write(value=filled(2, (4, 4)))
    assert stream.read(safe=True, poll_interval=1e-6).sum() == 32
    stream.write(value=filled(3, (4, 4)))
    assert stream.read_new(timeout=None, safe=True, poll_interval=1e-5).sum() == 48


def test_metadata_is_what_the_page_lists(stream, stream_name):
    reader = pyshmem.open(stream_name)

    for one, owner in ((stream, True), (reader, False)):
        assert one.name == stream_name
        assert one.shape == (4, 4) and type(one.shape) is tuple
        assert one.dtype == np.dtype(np.float32) and isinstance(one.dtype, np.dtype)
        assert one.size == 64
        assert one.gpu_device is None
        assert one.cpu_mirror is True
        assert one.owner is owner
        assert (one.count, one.write_time, one.write_sequence) == (0, 0.0, 0)

    stream.write(filled(1, (4, 4)))
    stream.clear()
    assert (reader.count, reader.write_sequence) == (2, 4)
    assert type(reader.write_time) is float
    assert not reader.read().any()


def test_the_pages_lifecycle(stream, stream_name):
    assert stream.close() is None
    with pytest.raises(RuntimeError):
        stream.read()
    assert stream.unlink() is None
    with pytest.raises(FileNotFoundError):
        pyshmem.open(stream_name)

    again = pyshmem.create(stream_name, shape=(4, 4))
    assert again.delete() is None
    with pytest.raises(RuntimeError):
        again.read()
    with pytest.raises(FileNotFoundError):
        pyshmem.open(stream_name)
    assert pyshmem.unlink(stream_name) is None


# --- asking for a GPU ---


def test_whether_there_is_a_gpu_is_a_bool():
    assert type(pyshmem.gpu_available()) is bool


@pytest.mark.parametrize("device", [0, 3, "cuda", "cuda:0", "cuda:7"])
def test_a_stream_on_a_gpu_that_is_not_there_is_a_clear_error(device, stream_name):
    if pyshmem.gpu_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match=r"(?i)cuda|gpu|driver"):
        pyshmem.create(stream_name, shape=(4, 4), gpu_device=device)
    with pytest.raises(RuntimeError):
        pyshmem.create(stream_name, shape=(4, 4), gpu_device=device, cpu_mirror=True)
    with pytest.raises(FileNotFoundError):
        pyshmem.stat(stream_name)


@pytest.mark.parametrize(
    "device", ["", "cpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CUDA0", "0", "mps", -1]
)
def test_a_malformed_gpu_device_is_a_value_error(device, stream_name):
    with pytest.raises(ValueError):
        pyshmem.create(stream_name, shape=(4, 4), gpu_device=device)
    with pytest.raises(FileNotFoundError):
        pyshmem.stat(stream_name)


def test_a_torch_device_is_taken(stream_name):
    torch = pytest.importorskip("torch")
    if pyshmem.gpu_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError):
        pyshmem.create(stream_name, shape=(4, 4), gpu_device=torch.device("cuda:0"))
    with pytest.raises(ValueError):
        pyshmem.create(stream_name, shape=(4, 4), gpu_device=torch.device("cpu"))


def test_a_gpu_device_for_a_stream_of_the_cpu_is_ignored(stream, stream_name):
    stream.write(filled(2, (4, 4)))
    reader = pyshmem.open(stream_name, gpu_device="cuda:0")

    assert reader.gpu_device is None
    assert type(reader.read()) is np.ndarray


def test_a_stream_of_the_cpu_cannot_be_without_its_memory(stream_name):
    with pytest.raises(ValueError):
        pyshmem.create(stream_name, shape=(4, 4), cpu_mirror=False)
