# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The programs that the project began with run as they were printed, indentation restored."""

import fcntl
import os
import subprocess

import pytest
from support import environment, needs, program

HELLO = """\
import threading
import tachyon
def server():
    with tachyon.Bus.listen("/tmp/demo.sock", 1 << 16) as bus:
        msg = next(iter(bus))
        print(f"received type_id={msg.type_id} data={msg.data}")
t = threading.Thread(target=server)
t.start()
with tachyon.Bus.connect("/tmp/demo.sock") as bus:
    bus.send(b"hello tachyon", type_id=1)
t.join()
"""

ZERO_COPY = """\
import threading
import tachyon
payload = b"zero_copy_payload"
def server():
    with tachyon.Bus.listen("/tmp/demo_zc.sock", 1 << 16) as bus:
        with bus.recv_zero_copy() as rx:
            with memoryview(rx) as mv:
                data = mv.tobytes()
t = threading.Thread(target=server)
t.start()
with tachyon.Bus.connect("/tmp/demo_zc.sock") as bus:
    with bus.send_zero_copy(size=len(payload), type_id=42) as tx:
        with memoryview(tx) as mv:
            mv[:] = payload
        tx.actual_size = len(payload)
t.join()
"""

TENSOR = """\
import struct, threading
import torch, tachyon
data = struct.pack("4f", 1.0, 2.0, 3.0, 4.0)
def server():
    with tachyon.Bus.listen("/tmp/demo_dl.sock", 1 << 16) as bus:
        with bus.drain_batch() as batch:
            tensor = torch.from_dlpack(batch[0]).view(torch.float32)
            print(tensor) # tensor([1., 2., 3., 4.])
            del tensor
t = threading.Thread(target=server)
t.start()
with tachyon.Bus.connect("/tmp/demo_dl.sock") as bus:
    with bus.send_zero_copy(size=len(data), type_id=1) as tx:
        with memoryview(tx) as mv:
            mv[:] = data
        tx.actual_size = len(data)
t.join()
"""

#: The same calls, in the same order, with each program's two halves in a process of its own.
SERVERS = {
    "hello": """\
import sys, tachyon
with tachyon.Bus.listen(sys.argv[1], 1 << 16) as bus:
    msg = next(iter(bus))
    print(f"received type_id={msg.type_id} data={msg.data}")
""",
    "zero_copy": """\
import sys, tachyon
with tachyon.Bus.listen(sys.argv[1], 1 << 16) as bus:
    with bus.recv_zero_copy() as rx:
        with memoryview(rx) as mv:
            data = mv.tobytes()
        print(rx.type_id, rx.actual_size, data)
""",
    "tensor": """\
import sys, torch, tachyon
with tachyon.Bus.listen(sys.argv[1], 1 << 16) as bus:
    with bus.drain_batch() as batch:
        tensor = torch.from_dlpack(batch[0]).view(torch.float32)
        print(tensor)
        del tensor
""",
}

CLIENTS = {
    "hello": """\
import sys, tachyon
with tachyon.Bus.connect(sys.argv[1]) as bus:
    bus.send(b"hello tachyon", type_id=1)
""",
    "zero_copy": """\
import sys, tachyon
payload = b"zero_copy_payload"
with tachyon.Bus.connect(sys.argv[1]) as bus:
    with bus.send_zero_copy(size=len(payload), type_id=42) as tx:
        with memoryview(tx) as mv:
            mv[:] = payload
        tx.actual_size = len(payload)
""",
    "tensor": """\
import struct, sys, tachyon
data = struct.pack("4f", 1.0, 2.0, 3.0, 4.0)
with tachyon.Bus.connect(sys.argv[1]) as bus:
    with bus.send_zero_copy(size=len(data), type_id=1) as tx:
        with memoryview(tx) as mv:
            mv[:] = data
        tx.actual_size = len(data)
""",
}

OUTPUTS = {
    "hello": "received type_id=1 data=b'hello tachyon'\n",
    "zero_copy": "",
    "tensor": "tensor([1., 2., 3., 4.])\n",
}

PROGRAMS = {"hello": HELLO, "zero_copy": ZERO_COPY, "tensor": TENSOR}


@pytest.fixture(params=PROGRAMS)
def name(request):
    if request.param == "tensor":
        needs("torch")
    return request.param


@pytest.fixture
def alone():
    """The programs' own addresses serve one run of these tests at a time."""
    directory = os.open("/tmp", os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    yield
    os.close(directory)


def output_of(source, *args):
    finished = subprocess.run(
        [*program(source), *args], capture_output=True, text=True, timeout=50, env=environment()
    )
    # An exception in a thread shows on stderr alone.
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


@pytest.mark.usefixtures("alone")
def test_a_program_runs_as_printed(name):
    assert output_of(PROGRAMS[name]) == OUTPUTS[name]


def test_a_program_runs_at_another_address(name, folder):
    source = PROGRAMS[name].replace("/tmp/", folder + "/")

    assert source.count(folder) == 2
    assert output_of(source) == OUTPUTS[name]


def test_a_program_runs_many_times_at_one_address(folder):
    source = HELLO.replace("/tmp/", folder + "/")
    loop = f"source = {source!r}\nfor turn in range(20):\n    exec(source, {{}})\n"

    assert output_of(loop) == 20 * OUTPUTS["hello"]


@pytest.mark.parametrize("first", ["server", "client"])
def test_its_calls_run_in_two_processes(name, first, path, peer):
    sources = {"server": SERVERS[name], "client": CLIENTS[name]}
    one = peer(sources.pop(first), path)
    _, source = sources.popitem()
    other = peer(source, path)

    outputs = [one.finish(), other.finish()]

    expected = OUTPUTS[name] or "42 17 b'zero_copy_payload'\n"
    assert sorted(outputs) == ["", expected]
