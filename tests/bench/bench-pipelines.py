#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What a frame costs that goes to another process: tachyon beside what GStreamer has.

Every round runs each variant once, in an order that rotates; a ratio is to `queue` in the same round,
and the table shows medians over the rounds. The producer runs freely. Each process is one
bench-runner: it takes CPU and clock when its sink gets frame number WARM_UP and at the end, so that
start-up, the first touch of memory and shutdown are excluded. CPU is that of both processes together.

A consumer `A` takes the frames (fakesink), `B` reads them (videoconvert to I420). A run counts only if
the consumer's sink rendered every frame; one that does not end in time is `hung`.

It is a benchmark, not a test: its exit status is 0 unless tachyon's own variant failed.
"""

import argparse
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = {
    "320x240": (320, 240, 4000),
    "640x480": (640, 480, 2000),
    "1080p": (1920, 1080, 400),
    "4k": (3840, 2160, 120),
}
SHM_FRAMES = 8
CONSUMERS = {
    "A": "fakesink sync=false enable-last-sample=false",
    "B": "videoconvert ! video/x-raw,format=I420 ! fakesink sync=false enable-last-sample=false",
}
# sink, source and what stands between the source and the consumer; the rules of a fair comparison:
# shm loses the caps, unixfd needs a queue behind it.
TRANSPORTS = {
    "shm": ("shmsink socket-path={path} shm-size={shm_size} wait-for-connection=true",
            "shmsrc socket-path={path} is-live=true ! {caps}"),
    "unixfd": ("unixfdsink socket-path={path} wait-for-connection=true",
               "unixfdsrc socket-path={path} ! queue"),
    "tachyon": ("tachyonsink socket-path={path} wait-for-connection=true",
                "tachyonsrc socket-path={path}"),
}
IN_PROCESS = ("source", "queue")


class Case:
    """One size and consumer: the descriptions of all its pipelines."""

    def __init__(self, size, frames, consumer, path):
        width, height, default_frames = SIZES[size]
        self.frames = frames or default_frames
        self.warm_up = min(100, self.frames // 4)
        self.consumer = CONSUMERS[consumer]
        self.path = path
        self.caps = f"video/x-raw,format=NV12,width={width},height={height},framerate=60/1"
        self.shm_size = SHM_FRAMES * (width * height * 3 // 2 + 4096)
        self.source = (f"videotestsrc pattern=solid-color num-buffers={self.frames} ! {self.caps}")

    def pipelines(self, variant):
        """Descriptions, the producer first."""
        if variant == "source":
            return [f"{self.source} ! {self.consumer}"]
        if variant == "queue":
            return [f"{self.source} ! queue ! {self.consumer}"]
        sink, source = (text.format(path=self.path, caps=self.caps, shm_size=self.shm_size)
                        for text in TRANSPORTS[variant])
        return [f"{self.source} ! {sink} sync=false", f"{source} ! {self.consumer}"]


class Failure(Exception):
    """A run that gives no figure, and why."""


class Process:
    """One bench-runner."""

    def __init__(self, runner, warm_up, description, cpus):
        self.lines = {}
        self.process = subprocess.Popen(
            [runner, str(warm_up), description], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def wait(self, deadline):
        """Its figures; Failure when there are none."""
        try:
            out, err = self.process.communicate(timeout=max(0.01, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure("hung") from None
        self.lines = dict(line.split(" ", 1) for line in out.splitlines() if " " in line)
        if self.process.returncode != 0:
            raise Failure((err.strip().splitlines() or ["failed"])[-1])
        return self.lines

    def end(self):
        """Leaves nothing behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def wait_for_socket(path, process, deadline):
    """Until the producer listens: some sources give up at once otherwise."""
    while not os.path.exists(path):
        if process.process.poll() is not None or time.monotonic() > deadline:
            raise Failure("the producer does not listen")
        time.sleep(0.005)


def measure(args, case, variant):
    """CPU of each process and elapsed time in µs per frame, and the producer's `copied`."""
    for name in (case.path, case.path + ".lock"):
        if os.path.exists(name):
            os.unlink(name)
    deadline = time.monotonic() + args.timeout
    descriptions = case.pipelines(variant)
    allowed = [set(args.cpus)] if len(descriptions) == 1 else [{cpu} for cpu in args.cpus]
    processes = []
    try:
        for description, cpus in zip(descriptions, allowed):
            if processes:
                wait_for_socket(case.path, processes[0], deadline)
            processes.append(Process(args.runner, case.warm_up, description, cpus))
        found = [process.wait(deadline) for process in reversed(processes)]
    except Failure:
        # Where the producer failed, the consumer waits in vain.
        for process in processes:
            if process.process.poll() not in (None, 0):
                process.wait(deadline)
        raise
    finally:
        for process in processes:
            process.end()

    frames = int(found[0]["frames"])
    if frames != case.frames:
        raise Failure(f"{frames} of {case.frames} frames: {found[0].get('error', 'no error')}")
    if any("cpu_ns" not in lines for lines in found):
        raise Failure("a producer without frames")
    count = 1000 * (case.frames - case.warm_up)
    cpu = [int(lines["cpu_ns"]) / count for lines in reversed(found)]
    copied = [part.split(")")[1] for part in found[-1].get("stats", "").rstrip(";").split(", ")
              if part.startswith("copied=")]
    return cpu, int(found[0]["elapsed_ns"]) / count, copied[0] if copied else ""


def run_rounds(args, case, variants):
    """{variant: [result or Failure of each round]}"""
    results = {variant: [] for variant in variants}
    for number in range(args.rounds):
        for index in range(len(variants)):
            variant = variants[(index + number) % len(variants)]
            # What hung or failed twice is believed: it would cost a timeout each round.
            if sum(isinstance(result, Failure) for result in results[variant]) >= 2:
                results[variant].append(results[variant][-1])
                continue
            try:
                results[variant].append(measure(args, case, variant))
            except Failure as failure:
                results[variant].append(failure)
    return results


def print_case(title, case, results):
    """One table."""
    print(f"\n{title}: {case.frames} frames, {case.warm_up} of them warm-up")
    print(f"{'variant':10} {'CPU µs/frame':>12} {'producer':>9} {'consumer':>9} "
          f"{'elapsed µs':>10} {'CPU/queue':>9}  note")
    for variant, rounds in results.items():
        good = [result for result in rounds if not isinstance(result, Failure)]
        bad = [result for result in rounds if isinstance(result, Failure)]
        note = f"{len(bad)} of {len(rounds)}: {bad[0]}" if bad else ""
        if not good:
            print(f"{variant:10} {'-':>12} {'-':>9} {'-':>9} {'-':>10} {'-':>9}  {note}")
            continue
        ratios = [sum(mine[0]) / sum(queue[0])
                  for mine, queue in zip(rounds, results.get("queue", []))
                  if not isinstance(mine, Failure) and not isinstance(queue, Failure)]
        both = statistics.median(sum(cpu) for cpu, _, _ in good)
        producer = statistics.median(cpu[0] for cpu, _, _ in good)
        consumer = statistics.median(cpu[1] if len(cpu) > 1 else 0.0 for cpu, _, _ in good)
        elapsed = statistics.median(elapsed for _, elapsed, _ in good)
        ratio = f"{statistics.median(ratios):.3f}" if ratios else "-"
        if good[-1][2]:
            note = f"copied {good[-1][2]}" + ("; " + note if note else "")
        if variant == "tachyon" and ratios:
            met = statistics.median(ratios) <= 1.05
            note = f"aim 1.05: {'met' if met else 'NOT met'}; {note}"
        alone = len(good[0][0]) == 1
        print(f"{variant:10} {both:12.1f} {'' if alone else f'{producer:.1f}':>9} "
              f"{'' if alone else f'{consumer:.1f}':>9} {elapsed:10.1f} {ratio:>9}  {note}")


def find_variants(args):
    """The version of GStreamer, and the variants that this installation can run."""
    wanted = [f"{name}{end}" for name in TRANSPORTS for end in ("sink", "src")]
    lines = subprocess.run([args.runner, "--check", *wanted], capture_output=True, check=True,
                           text=True).stdout.splitlines()
    there = [name for name in TRANSPORTS if {name + "sink", name + "src"} <= set(lines[1:])]
    return lines[0], [*IN_PROCESS, *there], [name for name in TRANSPORTS if name not in there]


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="320x240,1080p,4k", help="of " + ", ".join(SIZES))
    parser.add_argument("--frames", type=int, default=0, help="in each run, at every size")
    parser.add_argument("--consumers", default="A", help="A, B or A,B")
    parser.add_argument("--variants", default="", help="only these, of source, queue and "
                        + ", ".join(TRANSPORTS))
    parser.add_argument("--cpus", default="", help="of the producer and of the consumer: 0,1")
    parser.add_argument("--timeout", type=float, default=30, help="of one run, in seconds")
    parser.add_argument("--runner", default=os.environ.get("BENCH_RUNNER", "bench-runner"))
    parser.add_argument("--plugin-path", default=os.environ.get("BENCH_PLUGIN_PATH", ""))
    args = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    args.cpus = [int(cpu) for cpu in args.cpus.split(",")] if args.cpus else (cpus * 2)[:2]
    return args


def main():
    """Runs all cases; the exit status."""
    args = parse()
    failed = False
    with tempfile.TemporaryDirectory(prefix="tachyon-bench-") as place:
        os.environ["GST_REGISTRY"] = str(pathlib.Path(place) / "registry")
        if args.plugin_path:
            os.environ["GST_PLUGIN_PATH"] = args.plugin_path
        version, variants, missing = find_variants(args)
        if args.variants:
            variants = [name for name in args.variants.split(",") if name in variants]
        os.environ["GST_REGISTRY_UPDATE"] = "no"
        print(f"{version}, {platform.system()} {platform.release()}, CPUs {args.cpus}, "
              f"{args.rounds} rounds, medians; NV12, free-running")
        for name in missing:
            print(f"{name}: not installed")
        for size in args.sizes.split(","):
            for consumer in args.consumers.split(","):
                case = Case(size, args.frames, consumer, str(pathlib.Path(place) / "socket"))
                results = run_rounds(args, case, variants)
                print_case(f"{size}, consumer {consumer}", case, results)
                failed |= any(isinstance(result, Failure) for result in results.get("tachyon", []))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
