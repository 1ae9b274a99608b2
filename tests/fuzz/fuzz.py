#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Runs the fuzz targets of a build (clang, -Dfuzz=enabled), and says what came of it.

    tests/fuzz/fuzz.py BUILD [TARGET...]

The short form runs each target for some seconds; --long, or TACHYON_TEST_LONG=1, ten million times.
It fails on a crash, a leak, an input that takes more than 5 s, and on a target that was executed
less often than asked for. What was found stays in the folder --keep names.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TARGETS = ("peer", "handshake", "stream", "element", "wire", "ring")
LONG_RUNS = 10_000_000
SHORT_SECONDS = 4
# Any machine does that many in its seconds; far fewer would mean that a target hangs at its door.
SHORT_RUNS_LEAST = 2000
PATIENCE_SECONDS = 120
INPUT_SECONDS = 5
# A machine that is busy with other things may keep an input waiting: it is tried again, alone.
RETRIES = 20
MAX_LEN = {"peer": 192, "handshake": 192, "stream": 256, "element": 1024, "wire": 512, "ring": 512}
HERE = pathlib.Path(__file__).resolve().parent


class Outcome:
    def __init__(self, target):
        self.target = target
        self.executions = 0
        self.seconds = 0.0
        self.edges = 0
        self.new = 0
        self.findings = []

    def line(self):
        rate = self.executions / self.seconds if self.seconds > 0 else 0
        return (f"fuzz {self.target}: {self.executions} executions, {rate:.0f}/s, "
                f"{self.edges} edges, {self.new} new inputs, "
                f"{len(self.findings)} findings")


def environment(target):
    env = dict(os.environ)
    options = "detect_leaks=1:abort_on_error=0"
    # GLib outgrows a table of its own, which LSan takes for a leak.
    if target == "element":
        options = "detect_leaks=0:abort_on_error=0"
    env["ASAN_OPTIONS"] = options
    env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    return env


def command_for(program, target, work, limits):
    options = [
        f"-max_len={MAX_LEN[target]}",
        f"-timeout={INPUT_SECONDS}",
        "-rss_limit_mb=3072",
        "-print_final_stats=1",
        f"-artifact_prefix={work}/found-",
    ]
    if target == "element":
        options.append("-detect_leaks=0")
    words = HERE / "dictionary" / (target + ".dict")
    if words.exists():
        options.append(f"-dict={words}")
    folders = [str(work / "corpus")]
    seeds = HERE / "corpus" / target
    if seeds.is_dir():
        folders.append(str(seeds))
    return [str(program), *options, *limits, *folders]


def statistic(text, name):
    found = re.findall(r"^stat::" + name + r":\s*(\d+)", text, re.MULTILINE)
    return int(found[-1]) if found else 0


def takes_long(program, target, path):
    """Whether an input alone takes as long: one that only waited for a processor does not."""
    for _ in range(3):
        try:
            subprocess.run([str(program), "-timeout=0", str(path)], env=environment(target),
                           check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=INPUT_SECONDS)
            return False
        except subprocess.TimeoutExpired:
            pass
    return True


def run_once(program, target, work, limits, outcome):
    """One libFuzzer process; True when it went on to its end."""
    done = subprocess.run(command_for(program, target, work, limits), env=environment(target),
                          cwd=work, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="replace")
    outcome.executions += statistic(text, "number_of_executed_units")
    outcome.new += statistic(text, "new_units_added")
    edges = re.findall(r"\bcov: (\d+)", text)
    if edges:
        outcome.edges = max(outcome.edges, int(edges[-1]))
    if done.returncode == 0:
        return True
    found = re.findall(r"Test unit written to (\S+)", text)
    if "libFuzzer: timeout" in text and found and not takes_long(program, target, found[-1]):
        return False
    outcome.findings.append(found[-1] if found else f"exit status {done.returncode}")
    said = [line for line in text.splitlines() if not line.startswith("#")]
    print("\n".join(said[-60:]), file=sys.stderr)
    return True


def fuzz(build, target, options):
    program = build / "tests" / "fuzz" / ("fuzz-" + target)
    outcome = Outcome(target)
    work = options.keep / target
    (work / "corpus").mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    for _ in range(RETRIES):
        if options.runs:
            limits = [f"-runs={options.runs - outcome.executions}"]
        else:
            limits = [f"-max_total_time={options.seconds}"]
        if run_once(program, target, work, limits, outcome):
            break
        if options.runs and outcome.executions >= options.runs:
            break
    least = options.runs or SHORT_RUNS_LEAST
    # On a machine that is busy with other things the seconds are over too soon.
    if not options.runs and not outcome.findings and outcome.executions < least:
        limits = [f"-runs={least}", f"-max_total_time={PATIENCE_SECONDS}"]
        run_once(program, target, work, limits, outcome)
    outcome.seconds = time.monotonic() - begun
    if not outcome.findings and outcome.executions < least:
        outcome.findings.append(f"only {outcome.executions} executions of {least}")
    return outcome


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--long", action="store_true", help=f"{LONG_RUNS} executions of each")
    parser.add_argument("--runs", type=int, default=0, help="so many executions of each")
    parser.add_argument("--seconds", type=int, default=SHORT_SECONDS, help="or so long")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--keep", type=pathlib.Path, help="the folder for what is found")
    options = parser.parse_args()
    if not options.runs and (options.long or os.environ.get("TACHYON_TEST_LONG") == "1"):
        options.runs = LONG_RUNS
    return options


def main():
    options = parse()
    build = options.build.resolve()
    there = [target for target in TARGETS if (build / "tests" / "fuzz" / f"fuzz-{target}").exists()]
    wanted = options.targets or there
    missing = sorted(set(wanted) - set(there))
    if missing or not wanted:
        print(f"not built: {' '.join(missing) or 'any target'}; "
              "CC=clang meson setup BUILD -Dfuzz=enabled")
        return 1

    temporary = None if options.keep else tempfile.mkdtemp(prefix="tachyon-fuzz-")
    options.keep = (options.keep or pathlib.Path(temporary)).resolve()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outcomes = []
        for outcome in pool.map(lambda target: fuzz(build, target, options), wanted):
            print(outcome.line(), flush=True)
            for finding in outcome.findings:
                print(f"  {finding}", flush=True)
            outcomes.append(outcome)
    findings = sum(len(outcome.findings) for outcome in outcomes)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(outcomes)} targets, {sum(outcome.executions for outcome in outcomes)} executions, "
          f"{findings} findings, {used.ru_utime + used.ru_stime:.0f} s of processor time")
    if temporary and findings == 0:
        shutil.rmtree(temporary)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
