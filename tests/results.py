#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Add up what tests/run.sh did: prints each failure and each skip, then one line of sums.

The argument is a file of lines, fields separated by tabs:
  step   STATUS  NAME                 a command and its exit status
  suite  STATUS  NAME  testlog.json   a `meson test`, its exit status and its log
"""

import json
import pathlib
import re
import sys
import tempfile

PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?", re.I | re.M)
SUBTEST = re.compile(r"^(not )?ok\b\s*\d*\s*(?:- )?([^#\n]*)(?:#\s*(skip|todo)\S*\s*(.*))?$",
                     re.I | re.M)


class Tally:
    """Sums, and the lines that explain them."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_test(self, suite, entry):
        """Count one test program: each TAP subtest where there are any."""
        name = f"{suite}: {entry['name'].split(' / ')[-1]}"
        output = entry.get("stdout", "")
        plan = PLAN.search(output)
        if plan is None:
            self.add_program(name, entry)
            return
        if plan.group(1) == "0":
            self.skipped.append(f"{name}: {plan.group(2) or 'no reason given'}")
        before = len(self.failed)
        ran = 0
        for bad, subtest, directive, reason in SUBTEST.findall(output):
            ran += 1
            what = f"{name}: {subtest.strip()}"
            if (directive or "").lower() == "skip":
                self.skipped.append(f"{what}: {reason.strip()}")
            elif bad and (directive or "").lower() != "todo":
                self.failed.append(what)
            else:
                self.passed += 1
        is_bad = entry["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
        if (is_bad and len(self.failed) == before) or ran != int(plan.group(1)):
            self.failed.append(f"{name}: {entry['result']}, {ran} of {plan.group(1)} tests ran")

    def add_program(self, name, entry):
        """Count a test that is one program and its exit status."""
        lines = (entry.get("stdout", "") + entry.get("stderr", "")).strip().splitlines()
        if entry["result"] in ("OK", "EXPECTEDFAIL"):
            self.passed += 1
        elif entry["result"] == "SKIP":
            self.skipped.append(f"{name}: {lines[-1] if lines else 'no reason given'}")
        else:
            self.failed.append(f"{name}: {entry['result']}")

    def add_suite(self, status, suite, log):
        """Count a `meson test`; one that ran nothing, or failed otherwise, is a failure."""
        before = len(self.failed)
        log = pathlib.Path(log)
        lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
        for line in lines:
            self.add_test(suite, json.loads(line))
        if not lines:
            self.failed.append(f"{suite}: no test ran")
        elif status != 0 and len(self.failed) == before:
            self.failed.append(f"{suite}: meson test ended with status {status}")

    def add_line(self, line):
        """Count one line of the file that run.sh wrote."""
        kind, status, name, *log = line.split("\t")
        if kind == "suite":
            self.add_suite(int(status), name, log[0])
        elif int(status) == 0:
            self.passed += 1
        else:
            self.failed.append(f"{name}: status {status}")

    def summary(self):
        """The line that ends everything."""
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {len(self.skipped)} skipped" if self.skipped else "")


def tally(text):
    """The sums of a file's text."""
    sums = Tally()
    for line in text.splitlines():
        sums.add_line(line)
    if not text:
        sums.failed.append("nothing ran")
    return sums


SELF_TESTS = [
    # what, exit status of meson, entries of its log, the sums
    ("a program", 0, [("OK", "")], (1, 0, 0)),
    ("a program that fails", 1, [("FAIL", "")], (0, 1, 0)),
    ("a program that skips", 0, [("SKIP", "because\n")], (0, 0, 1)),
    ("a program that hangs", 1, [("TIMEOUT", "")], (0, 1, 0)),
    ("subtests", 0, [("OK", "1..3\nok 1 - a\nok 2 - b # SKIP why\nok 3 - c\n")], (2, 0, 1)),
    ("a bad subtest", 1, [("ERROR", "1..2\nok 1 - a\nnot ok 2 - b\n# b: x.c:1\n")], (1, 1, 0)),
    ("a plan of nothing", 0, [("SKIP", "1..0 # SKIP not here\n")], (0, 0, 1)),
    ("subtests that stop early", 1, [("ERROR", "1..3\nok 1 - a\n")], (1, 1, 0)),
    ("subtests that hang", 1, [("TIMEOUT", "1..2\nok 1 - a\nok 2 - b\n")], (2, 1, 0)),
    ("a plan at the end", 0, [("OK", "ok 1 - a\nok 2\n1..2\n")], (2, 0, 0)),
    ("meson that fails by itself", 2, [("OK", "")], (1, 1, 0)),
    ("no test at all", 0, [], (0, 1, 0)),
]


def self_test():
    """Show that the sums are right, above all when something is wrong."""
    wrong = 0
    for what, status, entries, expected in SELF_TESTS:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
            for result, stdout in entries:
                log.write(json.dumps({"name": "x / y", "result": result, "stdout": stdout}) + "\n")
            log.flush()
            sums = tally(f"suite\t{status}\tgcc\t{log.name}")
        got = (sums.passed, len(sums.failed), len(sums.skipped))
        print(f"{what}: {sums.summary()}")
        if got != expected:
            print(f"{what}: expected {expected}, got {got}")
            wrong = 1
    if tally("step\t1\tbuild").summary() != "0 passed, 1 failed" or not tally("").failed:
        print("a failed step, or nothing at all, does not fail")
        wrong = 1
    return wrong


def main():
    """Print what the file given holds."""
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    sums = tally(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    for text in sums.skipped:
        print(f"skipped: {text}")
    for text in sums.failed:
        print(f"FAILED: {text}")
    print(sums.summary())
    return 1 if sums.failed else 0


if __name__ == "__main__":
    sys.exit(main())
