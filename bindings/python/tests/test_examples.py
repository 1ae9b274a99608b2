# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The programs of examples/python do what they say, and say so by their exit status."""

import pathlib
import re
import subprocess
import sys

import pytest
from media import needs_gobject
from support import PATIENCE

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples" / "python"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not here")


@pytest.fixture
def example():
    """Starts one of the examples: example("publish", …)."""
    started = []

    def start(name, *words):
        started.append(
            subprocess.Popen(
                [sys.executable, EXAMPLES / f"{name}.py", *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def finish(process) -> list[str]:
    output, _ = process.communicate(timeout=2 * PATIENCE)
    assert process.returncode == 0, output
    return output.splitlines()


def test_bus_ping(example):
    assert finish(example("bus_ping")) == ["10000 pings, 10000 pongs"]


def test_bus_zero_copy(example):
    (line,) = finish(example("bus_zero_copy"))
    assert line == "100 matrices of 4096 cells, read where they were written"


def test_stream(example):
    (line,) = finish(example("stream"))
    assert re.fullmatch(r"\d+ of 1000 matrices seen, the newest each time, each complete", line)


def test_publish_and_subscribe(example, path):
    publishing = example("publish", path, "20")
    lines = finish(example("subscribe", path))

    assert finish(publishing) == ["20 frames"]
    assert lines[0].startswith("caps video/x-raw, format=GRAY8, width=320, height=240")
    assert lines[-1] == "20 frames"
    assert len(lines) == 22
    for number, line in enumerate(lines[1:-1]):
        assert re.fullmatch(
            rf"frame {number}: pts {number * 33333333} ns, 76800 bytes, sum [0-9a-f]{{8}}", line
        )


@pytest.mark.parametrize(
    "format, shape", [("RGB", "240 x 320 x 3"), ("GRAY8", "240 x 320 x 1"), ("I420", "240 x 320")]
)
def test_numpy_camera(example, pipeline, path, format, shape):
    running = pipeline(
        f"videotestsrc num-buffers=10 pattern=white ! video/x-raw,format={format},width=320,"
        "height=240,framerate=30/1"
        f" ! tachyonsink sync=false wait-for-connection=true socket-path={path}"
    )

    lines = finish(example("numpy_camera", path))
    assert lines[0].startswith("caps video/x-raw")
    assert lines[-1] == "10 frames"
    mean = "255.00" if format == "RGB" else "235.00"
    assert lines[1] == f"frame 0: {shape}, pts 0 ns, mean {mean}"
    running.finish()


def test_numpy_camera_stops_after_so_many_frames(example, path):
    publishing = example("publish", path, "5")
    lines = finish(example("numpy_camera", path, "3"))

    assert [line.split(",")[0] for line in lines[1:-1]] == [
        f"frame {number}: 240 x 320 x 1" for number in range(3)
    ]
    assert lines[-1] == "3 frames"
    # The publisher goes on, to nobody.
    assert finish(publishing) == ["5 frames"]


def test_gobject_app(example):
    needs_gobject()
    assert finish(example("gobject_app")) == ["60 frames of 320 x 240"]


@pytest.mark.parametrize("name", ["publish", "subscribe", "numpy_camera"])
def test_an_example_that_fails_says_so(example, folder, name):
    process = example(name)
    process.wait(PATIENCE)
    assert process.returncode == 2

    process = example(name, folder + "/" + "x" * 200)
    process.wait(PATIENCE)
    assert process.returncode == 1
