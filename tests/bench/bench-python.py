#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What Python and Rust programs get out of tachyon, beside the other ways between two processes.

Every round runs each variant once, in an order that rotates; a ratio is to another variant of the
same round. The tables show medians over the rounds, and the least and most. A variant's first run
is not counted: it tells how many messages take --seconds. Each run is two processes of their own,
which begin together when both are connected; python/worker.py says what they check.

Messages: timed at the receiver, from when it begins to wait to the last. The sender has them ready
in memory, the receiver takes size and first byte of each; the loops are plain Python, or Rust. What
must be asked to hold up the sender and to lose nothing is; each may queue 1 MiB or 1000 messages, a
Pipe and a socket what the kernel gives them.
Round trips: from before the send to the answer, median.
Pictures: 1920 x 1080 RGB, timed at the consumer, behind 100 in which memory is made and touched. It
gets an array of height x width x 3, reads 8 bytes of it and sums up one line; the producer writes
as much. So it is the way that is timed, not painting, and not reading the rest. `tachyon, send` and
Pipe take a picture that lies elsewhere, the others one that lies where it can be shared.

It is a benchmark, not a test: its exit status is 0 unless a variant of tachyon failed.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import platform
import selectors
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent / "python"
sys.path.insert(0, str(HERE))

from peers import Peers  # noqa: E402

CALIBRATION = {"stream": 3000, "trips": 500, "numpy": 20, "torch": 20}
OURS = "tachyon"


class Variant:
    """A transport: its name in the table, its class in the worker, the environment it lives in."""

    def __init__(self, name, kind, peers=None, rust="", program="rust"):
        self.name, self.kind, self.peers = name, kind, peers
        # The sides that a program in Rust plays, and which.
        self.rust, self.program = rust, program
        self.is_ours = name.split(",")[0] == OURS


MESSAGES = [
    Variant("tachyon, send and iterate", "Copied"),
    Variant("tachyon, in place", "InPlace"),
    Variant("tachyon, send and drain", "Batch"),
    Variant("Pipe", "Pipe"),
    Variant("pyzmq", "ZeroMq", "peers"),
    Variant("iceoryx2", "Iceoryx2", "peers"),
    Variant("tachyon-ipc", "TachyonIpc", "tachyon-ipc"),
    Variant("tachyon-ipc, drain", "TachyonIpcDrain", "tachyon-ipc"),
]
FRAMES = [
    Variant("tachyon, acquire", "Acquired"),
    Variant("tachyon, send", "Sent"),
    Variant("Pipe", "Pipe"),
    Variant("pyzmq", "ZeroMq", "peers"),
    Variant("iceoryx2", "Iceoryx2", "peers"),
    Variant("shared_memory and Pipe", "SharedMemory"),
    Variant("tachyon-ipc", "TachyonIpc", "tachyon-ipc"),
]
RUST = [
    Variant("tachyon, send and acquire_rx", "Tachyon", rust="ab"),
    Variant("tachyon, batches of 32", "Batches", rust="ab"),
    Variant("Unix socket", "Socket", rust="ab"),
    Variant("zmq", "ZeroMq", rust="ab"),
    Variant("iceoryx2", "Iceoryx2", rust="ab"),
    Variant("tachyon-ipc", "TachyonIpc", rust="ab", program="rust_tachyon_ipc"),
]


def choose(variants, *kinds):
    """Those of these classes."""
    return [variant for variant in variants if variant.kind in kinds]


class Table:
    """One comparison. Its aim: how many times, and of whom: None is the best peer."""

    def __init__(self, title, work, size, variants, unit, aim=None, seed=None):
        self.title, self.work, self.size = title, work, size
        self.variants, self.unit, self.aim, self.seed = variants, unit, aim, seed


TABLES = {
    "32": Table("messages of 32 B, Python to Python", "stream", 32, MESSAGES, "K messages/s",
                aim=(2, None)),
    "4k": Table("messages of 4 KiB, Python to Python", "stream", 4096, MESSAGES, "K messages/s",
                aim=(2, None)),
    "trips": Table("round trips of 32 B, Python to Python", "trips", 32,
                   choose(MESSAGES, "Copied", "Pipe", "ZeroMq", "Iceoryx2", "TachyonIpc"), "µs"),
    "numpy": Table("1080p pictures to NumPy", "numpy", 0, FRAMES, "pictures/s", aim=(10, "pyzmq")),
    "torch": Table("1080p pictures to torch", "torch", 0, FRAMES, "pictures/s", aim=(10, "pyzmq")),
    "rust-32": Table("messages of 32 B, Rust to Rust", "stream", 32, RUST, "K messages/s",
                     aim=(2, None)),
    "rust-4k": Table("messages of 4 KiB, Rust to Rust", "stream", 4096, RUST, "K messages/s",
                     aim=(2, None)),
    "rust-trips": Table("round trips of 32 B, Rust to Rust", "trips", 32,
                        choose(RUST, "Tachyon", "Socket", "ZeroMq", "Iceoryx2", "TachyonIpc"),
                        "µs"),
    "to-rust": Table("messages of 32 B, Python to Rust", "stream", 32,
                     [Variant("tachyon, send", "Copied", rust="b"),
                      Variant("tachyon, in place", "InPlace", rust="b")],
                     "K messages/s", seed="1 060 K messages/s"),
    "from-rust": Table("messages of 1 KiB, Rust to torch tensors in Python", "stream", 1024,
                       [Variant("tachyon, drain", "Torch", rust="a")],
                       "K messages/s", seed="466 K frames/s"),
}


class Failure(Exception):
    """A run that gives no figure, and why."""


class Worker:
    """One process of a run."""

    def __init__(self, command, environment, fd, cpu):
        self.process = subprocess.Popen(
            [*command, str(fd)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment, pass_fds=[fd],
            preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, {cpu}))
        self.buffer = b""

    def read(self):
        """Takes what it said; Failure when it ended."""
        part = os.read(self.process.stdout.fileno(), 4096)
        if not part:
            raise Failure(self.last_words())
        self.buffer += part

    def last_words(self):
        """Of a process that ended."""
        lines = self.process.stderr.read().decode().strip().splitlines()
        return lines[-1] if lines else f"exit status {self.process.wait()}"

    def go(self):
        """Lets it begin, or leave."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()

    def end(self, grace):
        """Leaves nothing behind."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def expect(workers, word, deadline):
    """What each worker says after this word; Failure as soon as one says something else, or nothing
    in time."""
    told = []
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        while len(told) < len(workers):
            events = selector.select(max(0, deadline - time.monotonic()))
            if not events:
                raise Failure("hung")
            for key, _ in events:
                worker = key.data
                worker.read()
                if b"\n" not in worker.buffer:
                    continue
                first, _, rest = worker.buffer.decode().strip().partition(" ")
                if first != word:
                    raise Failure(rest)
                worker.buffer = b""
                told.append(rest)
                selector.unregister(worker.process.stdout)
    return told


def is_absent(args, variant):
    """Whether it needs a program that the command line does not name."""
    return variant.rust and not getattr(args, variant.program)


def start(args, table, variant, count, place):
    """The workers of one run: the receiving side first."""
    if is_absent(args, variant):
        raise Failure(f"--{variant.program.replace('_', '-')} was not given")
    python = args.peers.python(variant.peers) if variant.peers else sys.executable
    environment = dict(os.environ)
    if variant.peers:
        environment.pop("PYTHONPATH", None)
    duplex = table.work == "trips" or variant.kind == "SharedMemory"
    ends = dict(zip("ba", multiprocessing.Pipe(duplex)))
    workers = []
    for side, cpu in zip("ba", args.cpus[::-1]):
        command, kind = [python, HERE / "worker.py"], variant.kind
        if side in variant.rust:
            command = [getattr(args, variant.program), "worker"]
            kind = kind if variant.rust == "ab" else "Tachyon"
        workers.append(Worker(
            [*command, table.work, kind, side, str(table.size), str(count), place],
            environment, ends[side].fileno(), cpu))
    for end in ends.values():
        end.close()
    return workers


def measure(args, table, variant, count):
    """The figure of one run: a rate, or a time."""
    deadline = time.monotonic() + args.timeout
    with tempfile.TemporaryDirectory(prefix="tb-") as place:
        workers = start(args, table, variant, count, place)
        grace = 0
        try:
            expect(workers, "ready", deadline)
            for worker in workers:
                worker.go()
            told = expect(workers, "done", deadline)
            for worker in workers:
                worker.go()
            grace = 5
        finally:
            for worker in workers:
                worker.end(grace)
    figures = {name: int(value) for name, value in
               (word.split("=") for line in told for word in line.split())}
    if table.work == "trips":
        return figures["p50_ns"] / 1e3
    scale = 1e6 if table.unit.startswith("K") else 1e9
    return count * scale / figures["elapsed_ns"]


def calibrate(args, table, variant):
    """How many messages take as long as asked for; Failure where it does not work at all."""
    count = CALIBRATION[table.work]
    while True:
        figure = measure(args, table, variant, count)
        if table.work == "trips":
            return max(500, round(args.seconds * 1e6 / figure))
        rate = figure * (1e3 if table.unit.startswith("K") else 1)
        wanted = max(count, round(args.seconds * rate))
        if wanted < 10 * count:
            return wanted
        count *= 10


class Results:
    """What the rounds of one table gave."""

    def __init__(self, table):
        self.figures = {variant.name: [] for variant in table.variants}
        self.failures = {}
        self.failed = dict.fromkeys(self.figures, 0)

    def attempt(self, name, run):
        """What it returns, or None. What failed twice is believed: each time may cost a timeout."""
        if self.failed[name] >= 2:
            return None
        try:
            return run()
        except Failure as failure:
            self.failed[name] += 1
            self.failures[name] = str(failure)
            return None

    def median(self, name):
        """Of the rounds that gave one."""
        good = [figure for figure in self.figures[name] if figure]
        return statistics.median(good) if good else None


def run_rounds(args, table):
    """All rounds."""
    results, counts = Results(table), {}
    variants = table.variants
    for variant in variants:
        for _ in range(2):
            counts[variant.name] = counts.get(variant.name) or results.attempt(
                variant.name, lambda: calibrate(args, table, variant))
    for number in range(args.rounds):
        for index in range(len(variants)):
            variant = variants[(index + number) % len(variants)]
            count = counts[variant.name]
            results.figures[variant.name].append(count and results.attempt(
                variant.name, lambda: measure(args, table, variant, count)))
    return results


def median_ratio(mine, other, is_time):
    """How many times as good, of the rounds in which both ran."""
    ratios = [b / a if is_time else a / b for a, b in zip(mine, other) if a and b]
    return statistics.median(ratios) if ratios else None


def find_best(table, results, ours):
    """The name of the best variant of ours, or of the peers; None where there is none."""
    medians = {variant.name: results.median(variant.name) for variant in table.variants
               if variant.is_ours == ours and results.median(variant.name)}
    better = min if table.work == "trips" else max
    return better(medians, key=medians.get) if medians else None


def show(number, unit):
    """As wide as a column."""
    return f"{number:.2f}" if unit == "µs" else f"{number:,.0f}".replace(",", " ")


def print_variant(table, results, name, bases):
    """One line."""
    rounds = results.figures[name]
    good = [figure for figure in rounds if figure]
    why = results.failures.get(name, "")
    if not good:
        print(f"{name:28} {'-':>14}  {why}")
        return
    ratios = [median_ratio(rounds, results.figures.get(base, []), table.work == "trips")
              for base in bases]
    texts = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
    note = f"{len(good)} of {len(rounds)} rounds: {why}" if why else ""
    print(f"{name:28} {show(results.median(name), table.unit):>14} "
          f"{show(min(good), table.unit):>10} {show(max(good), table.unit):>10} "
          f"{texts[0]:>12} {texts[1]:>8}  {note}".rstrip())


def print_aim(table, results, best):
    """Whether it is met."""
    times, base = table.aim
    base = base or best
    ours = find_best(table, results, ours=True)
    ratio = median_ratio(results.figures.get(ours, []), results.figures.get(base, []),
                         table.work == "trips")
    missing = [variant.name for variant in table.variants if not results.median(variant.name)]
    if ratio is None:
        print(f"aim: {times} times {base or 'the best peer'}: no figures")
        return
    print(f"aim: {times} times {base}: {ratio:.2f} ({ours}): "
          f"{'met' if ratio >= times else 'NOT met'}"
          f"{', without ' + ', '.join(missing) if missing else ''}")


def print_table(table, results):
    """One table, and whether its aim is met."""
    best = find_best(table, results, ours=False)
    zmq = next((name for name in results.figures if name.endswith("zmq")), None)
    print(f"\n{table.title}")
    print(f"{'variant':28} {table.unit:>14} {'least':>10} {'most':>10} {'× best peer':>12} "
          f"{'× zmq':>8}")
    for variant in table.variants:
        print_variant(table, results, variant.name, (best, zmq))
    if table.seed:
        print(f"for scale, the seed page's figure, of its own machine (i7-12650H): {table.seed}")
    if table.aim:
        print_aim(table, results, best)


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one run, about")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.1 s")
    parser.add_argument("--tables", default=",".join(TABLES), help="only these")
    parser.add_argument("--variants", default="", help="only those whose name has one of these")
    parser.add_argument("--peers", default=os.environ.get("BENCH_PEERS", ""), metavar="FOLDER",
                        help="with the environments of the other transports")
    parser.add_argument("--install", action="store_true",
                        help="fill that folder from the package registry first")
    parser.add_argument("--rust", default=os.environ.get("BENCH_RUST", ""), metavar="PROGRAM",
                        help="bench-rust, of rust/")
    parser.add_argument("--rust-tachyon-ipc", default=os.environ.get("BENCH_RUST_TACHYON_IPC", ""),
                        metavar="PROGRAM", help="bench-tachyon-ipc, of rust/tachyon-ipc/")
    parser.add_argument("--cpus", default="", help="of the sender and of the receiver: 0,1")
    parser.add_argument("--nice", type=int, default=0,
                        help="of all its processes, where others run (see set_priority)")
    parser.add_argument("--timeout", type=float, default=30, help="of one run, in seconds")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 3, 0.1
    if args.install and not args.peers:
        parser.error("--install needs --peers")
    args.cpus = [int(cpu) for cpu in args.cpus.split(",")] if args.cpus else [None, None]
    args.peers = Peers(args.peers)
    return args


def drop_variants(args, table):
    """All but those that the command line leaves."""
    wanted = args.variants.split(",")
    table.variants = [variant for variant in table.variants
                      if any(part in variant.name for part in wanted)]


def set_priority(nice):
    """Of all our processes: where the kernel groups them by session, a session of our own is needed
    (none is to be had as leader of a job: `setsid -w bench-python.py …`)."""
    os.nice(nice)
    with contextlib.suppress(PermissionError, FileNotFoundError):
        os.setsid()
        pathlib.Path("/proc/self/autogroup").write_text(str(nice), "ascii")


def main():
    """Runs all tables; the exit status."""
    args = parse()
    if args.install:
        args.peers.install("peers", "tachyon-ipc")
    if args.nice:
        set_priority(args.nice)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.release()}, "
          f"{os.cpu_count()} CPUs, {args.rounds} rounds of {args.seconds} s, medians")
    failed = False
    for name in args.tables.split(","):
        table = TABLES[name]
        drop_variants(args, table)
        if all(is_absent(args, variant) for variant in table.variants):
            print(f"\n{table.title}: --rust was not given")
            continue
        results = run_rounds(args, table)
        print_table(table, results)
        failed |= any(variant.is_ours and variant.name in results.failures
                      and not is_absent(args, variant) for variant in table.variants)
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
