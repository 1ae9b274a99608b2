#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What tachyon.stream takes to move an array, beside pyshmem, multiprocessing, and the bare copies.

Every round runs each variant once, in an order that rotates; a ratio is to another variant of the
same round. The tables show medians over the rounds. Each run is two processes of their own, and a
channel each way; python/streams.py says what they do. All run with one interpreter and one NumPy:
that of the environment `streams` in the folder of --peers, where there is one.

Arrays: `write` and `read` while the other side rests; `both`, a write and a read by one process;
`round trip`, written here, read_new() there, written back, read_new() here. `memcpys` are what
these cannot do without, numpy.copyto() into shared memory and out of it, in one process and always
the same arrays: one, one, two and four of them. Each process times them in turn with its calls.
tachyon and pyshmem return arrays of their own, whose memory the system makes at each read of the
largest; the other two read into one array again and again. `shared_memory` is multiprocessing's,
with a Condition.
Wakes: from before a write of 128 x 128 until read_new() has returned it in the other process, which
slept for some milliseconds before.
Idle: processor time of a process that waits in read_new(), where nothing comes.

It is a benchmark, not a test: its exit status is 0 unless a variant of tachyon failed.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import platform
import signal
import statistics
import sys
import time
from multiprocessing import connection

HERE = pathlib.Path(__file__).resolve().parent / "python"
sys.path.insert(0, str(HERE))

from peers import Peers  # noqa: E402

SIDES = {"128": (128, 128), "1000": (1000, 1000), "10000": (10000, 10000)}
OURS, OURS_OUT, PYSHMEM = "tachyon", "tachyon, out=", "pyshmem"
MULTIPROCESSING = "shared_memory"
KINDS = {OURS: "Tachyon", OURS_OUT: "TachyonOut", PYSHMEM: "Pyshmem",
         MULTIPROCESSING: "SharedMemory"}
WORK = {"times": ("time_a", "time_b"), "wakes": ("wake_a", "wake_b"), "idle": ("idle_a", "idle_b")}
COLUMNS = {"write": "write", "read": "read", "both": "both", "trip": "round trip"}
WAKES = 150


class Failure(Exception):
    """A run that gives no figure, and why."""


# --- one run ---


def set_cpu(cpu):
    """Of this process."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def play(work, kind, is_first, place, peer, report, amount, cpu):
    """One side of a run, in a process of its own."""
    import streams

    try:
        set_cpu(cpu)
        side = streams.Side(getattr(streams, kind), place, peer, is_first)
        figures = getattr(streams, WORK[work][0 if is_first else 1])(side, amount)
        report.send(figures)
        # What is shared must outlive its readers.
        report.recv()
    except EOFError:
        pass
    except Exception as error:  # whatever a variant thinks of: it is its result
        report.send(f"{type(error).__name__}: {error}")


def make_place(args, shape):
    """A name that nobody else has, and what both sides need."""
    import streams

    args.runs += 1
    locks = {"-there": args.context.Condition(), "-back": args.context.Condition()}
    return streams.Place(f"tachyon-bench-{os.getpid()}-{args.runs}", shape, locks)


def collect(args, reports):
    """What each says at its end."""
    figures, waiting, end = {}, list(reports), time.monotonic() + args.timeout
    while waiting:
        ready = connection.wait(waiting, max(0, end - time.monotonic()))
        if not ready:
            raise Failure("hung")
        for report in ready:
            figures |= receive(report)
            waiting.remove(report)
    return figures


def receive(report):
    """The figures of one side."""
    try:
        told = report.recv()
    except EOFError:
        raise Failure("died") from None
    if isinstance(told, str):
        raise Failure(told)
    return told


def finish(processes, reports):
    """Leaves none behind."""
    for report in reports:
        report.close()
    for process in processes:
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def run(args, work, name, shape, amount):
    """The figures of one run; Failure where there are none."""
    import streams

    place = make_place(args, shape)
    peers = args.context.Pipe()
    processes, reports = [], []
    try:
        for is_first, peer, cpu in zip((True, False), peers, args.cpus):
            report, theirs = args.context.Pipe()
            reports.append(report)
            processes.append(args.context.Process(
                target=play, daemon=True,
                args=(work, KINDS[name], is_first, place, peer, theirs, amount, cpu)))
            processes[-1].start()
            # Whoever dies is missed by the other side, and by us.
            peer.close()
            theirs.close()
        return collect(args, reports)
    finally:
        finish(processes, reports)
        # What cannot be imported made nothing.
        with contextlib.suppress(ImportError):
            for end in place.locks:
                getattr(streams, KINDS[name]).remove(place, end)


# --- all rounds ---


class Results:
    """What the rounds gave, for each variant: a list of figures, None where one failed."""

    def __init__(self, names):
        self.rounds = {name: [] for name in names}
        self.failures = {}

    def attempt(self, args, work, name, shape, amount):
        """One run. What failed twice is believed: each time may cost a timeout."""
        figures = None
        if self.rounds[name].count(None) < 2:
            try:
                figures = run(args, work, name, shape, amount)
            except Failure as failure:
                self.failures[name] = str(failure)
        self.rounds[name].append(figures)

    def figures(self, name, column):
        """Of each round."""
        return [figures and figures.get(column) for figures in self.rounds.get(name, [])]

    def median(self, name, column):
        """Of the rounds that gave one."""
        good = [figure for figure in self.figures(name, column) if figure is not None]
        return statistics.median(good) if good else None

    def median_of_all(self, column):
        """Whatever the variant."""
        good = [figure for name in self.rounds for figure in self.figures(name, column) if figure]
        return statistics.median(good) if good else None

    def ratio(self, name, other, column):
        """How much of the other's time: median of the rounds in which both ran."""
        ratios = [mine / theirs for mine, theirs in
                  zip(self.figures(name, column), self.figures(other, column)) if mine and theirs]
        return statistics.median(ratios) if ratios else None


def run_rounds(args, work, names, shape, amount):
    """All rounds of one table."""
    results = Results(names)
    for number in range(args.rounds):
        for index in range(len(names)):
            results.attempt(args, work, names[(index + number) % len(names)], shape, amount)
    return results


# --- what is printed ---


def show(number, digits=1):
    """As wide as a column."""
    return "-" if number is None else f"{number:,.{digits}f}".replace(",", " ")


def in_us(nanoseconds):
    """Microseconds, or None."""
    return None if nanoseconds is None else nanoseconds / 1e3


def print_line(title, cells, note=""):
    """One line of a table."""
    print(f"{title:36} " + " ".join(f"{cell:>12}" for cell in cells) + f"  {note}".rstrip())


def print_aim(what, ratio, limit, is_least=False):
    """Whether it is met: a ratio that is at most the limit, or at least."""
    if ratio is None:
        print(f"aim: {what}: no figures")
        return
    met = ratio >= limit if is_least else ratio <= limit
    print(f"aim: {what}, {'at least' if is_least else 'at most'} {limit:g}: {ratio:.2f}: "
          f"{'met' if met else 'NOT met'}")


def inverse(ratio):
    """How many times as fast."""
    return ratio and 1 / ratio


def print_arrays(results, key):
    """The table of one shape, and its aims."""
    size = 4 * SIDES[key][0] * SIDES[key][1]
    print(f"\narrays of {key} x {key} float32, {size / 2**20:.4g} MiB")
    print_line("µs", COLUMNS.values())
    print_line("memcpys", [show(in_us(results.median_of_all(column + " copies")))
                           for column in COLUMNS])
    for name in results.rounds:
        print_line(name, [show(in_us(results.median(name, column))) for column in COLUMNS],
                   results.failures.get(name, ""))
    for name in results.rounds:
        print_line(f"{name}: × memcpys", [show(results.median(name, column + " ratio"), 2)
                                         for column in COLUMNS])
    for name, peer in ((OURS, PYSHMEM), (OURS_OUT, MULTIPROCESSING)):
        print_line(f"{name}: times {peer}", [show(inverse(results.ratio(name, peer, column)), 2)
                                             for column in COLUMNS])
    if key == "128":
        print_aim("round trips, times pyshmem's", inverse(results.ratio(OURS, PYSHMEM, "trip")), 5,
                  is_least=True)
    else:
        for column, title in COLUMNS.items():
            print_aim(f"{title}, of the memcpys ({OURS_OUT})",
                      results.median(OURS_OUT, column + " ratio"), 1.05)


def print_wakes(results):
    """The table of wakes, and its aim."""
    print("\nwakes: from before a write until read_new() returned in the other process")
    print_line("µs", ["p50", "p90"])
    for name in results.rounds:
        print_line(name, [show(in_us(results.median(name, column))) for column in ("p50", "p90")],
                   results.failures.get(name, ""))
    print_aim("p50, of pyshmem's", results.ratio(OURS, PYSHMEM, "p50"), 0.2)


def print_idle(results, seconds):
    """The table of idle waiters, and its aim."""
    print(f"\nidle: processor time of who waits in read_new() for {seconds:g} s")
    print_line("ms/s", ["median", "most"])
    for name in results.rounds:
        good = [figure for figure in results.figures(name, "cpu") if figure is not None]
        print_line(name, [show(statistics.median(good) / 1e6, 2), show(max(good) / 1e6, 2)]
                   if good else ["-", "-"], results.failures.get(name, ""))
    cpu = results.median(OURS, "cpu")
    print_aim("ms/s of an idle waiter", None if cpu is None else cpu / 1e6, 1)


# --- the program ---


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.15, help="of each figure, about")
    parser.add_argument("--idle", type=float, default=1, help="seconds of an idle wait")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 0.05 s")
    parser.add_argument("--tables", default=",".join([*SIDES, "wakes", "idle"]), help="only these")
    parser.add_argument("--variants", default="", help="only those whose name has one of these")
    parser.add_argument("--peers", default=os.environ.get("BENCH_PEERS", ""), metavar="FOLDER",
                        help="with the environments of the other ways")
    parser.add_argument("--install", action="store_true",
                        help="fill that folder from the package registry first")
    parser.add_argument("--cpus", default="", help="of the two processes: 0,1")
    parser.add_argument("--timeout", type=float, default=120, help="of one run, in seconds")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds, args.idle = 2, 0.05, 0.5
    if args.install and not args.peers:
        parser.error("--install needs --peers")
    args.cpus = [int(cpu) for cpu in args.cpus.split(",")] if args.cpus else [None, None]
    return args


def move_to_environment(folder):
    """Goes on in the environment with the peers, where there is one."""
    python = Peers(pathlib.Path(folder).absolute()).python("streams") if folder else sys.executable
    if python != sys.executable:
        arguments = [word for word in sys.argv[1:] if word != "--install"]
        os.execv(python, [python, __file__, *arguments])


def choose(args, *names):
    """Those that the command line leaves."""
    parts = args.variants.split(",")
    return [name for name in names if any(part in name for part in parts)]


def run_table(args, table):
    """One table; whether a variant of tachyon failed."""
    if table in SIDES:
        names = choose(args, OURS, OURS_OUT, PYSHMEM, MULTIPROCESSING)
        results = run_rounds(args, "times", names, SIDES[table], args.seconds)
        print_arrays(results, table)
    elif table == "wakes":
        names = choose(args, OURS, PYSHMEM, MULTIPROCESSING)
        results = run_rounds(args, "wakes", names, SIDES["128"], WAKES)
        print_wakes(results)
    else:
        names = choose(args, OURS, PYSHMEM, MULTIPROCESSING)
        results = run_rounds(args, "idle", names, SIDES["128"], args.idle)
        print_idle(results, args.idle)
    sys.stdout.flush()
    return any(name in results.failures for name in (OURS, OURS_OUT))


def leave(number, frame):
    """At SIGTERM, which may come twice: what was made is removed."""
    del frame
    signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def main():
    """Runs all tables; the exit status."""
    args = parse()
    if args.install:
        Peers(args.peers).install("streams")
    move_to_environment(args.peers)
    import numpy

    signal.signal(signal.SIGTERM, leave)
    args.context = multiprocessing.get_context("spawn")
    args.runs = 0
    print(f"Python {platform.python_version()}, NumPy {numpy.__version__}, {platform.system()} "
          f"{platform.release()}, {os.cpu_count()} CPUs, {args.rounds} rounds, medians")
    return 1 if any([run_table(args, table) for table in args.tables.split(",")]) else 0


if __name__ == "__main__":
    sys.exit(main())
