#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Run another framework's tests and report them as TAP, so that each is counted.

tap.py pytest INTERPRETER ARGUMENT...     runs INTERPRETER -m pytest
tap.py cargo ARGUMENT...                  runs cargo test
tap.py --self-test

A command that fails without a failed test, or that runs none, is a failure, too.
"""

import contextlib
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

CARGO_TEST = re.compile(r"^test (.+?) \.\.\. (ok|FAILED|ignored)(?:, (.*))?$", re.M)


def one_line(text):
    """What may stand in a line of TAP."""
    return " ".join((text or "").split()).replace("#", "no.") or "no reason given"


def read_cargo(output):
    """(name, verdict, reason) of each test in the output of cargo test."""
    verdicts = {"ok": "ok", "FAILED": "not ok", "ignored": "skip"}
    return [(name, verdicts[word], reason) for name, word, reason in CARGO_TEST.findall(output)]


def read_junit(text):
    """The same of a JUnit report."""
    tests = []
    for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        name = f"{case.get('classname', '').split('.')[-1]}: {case.get('name')}"
        skipped = case.find("skipped")
        failed = case.find("failure") is not None or case.find("error") is not None
        reason = skipped.get("message") if skipped is not None else ""
        tests.append((name, "not ok" if failed else "skip" if skipped is not None else "ok", reason))
    return tests


def report(tests, status, what):
    """Print TAP; the exit status."""
    is_bad = any(verdict == "not ok" for _, verdict, _ in tests)
    if not tests:
        tests = [(f"{what} ran no test, status {status}", "not ok", "")]
    elif status != 0 and not is_bad:
        tests = tests + [(f"{what} ended with status {status}", "not ok", "")]
    print(f"1..{len(tests)}")
    for number, (name, verdict, reason) in enumerate(tests, 1):
        skip = f" # SKIP {one_line(reason)}" if verdict == "skip" else ""
        print(f"{'not ok' if verdict == 'not ok' else 'ok'} {number} - {one_line(name)}{skip}")
    return 1 if any(verdict == "not ok" for _, verdict, _ in tests) else 0


def run(command):
    """The exit status and the output, which is shown on standard error as it comes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        lines = []
        for line in process.stdout:
            sys.stderr.write(line)
            lines.append(line)
    return process.returncode, "".join(lines)


def run_pytest(interpreter, arguments):
    """pytest says in a report of its own what it did."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "report.xml"
        status, _ = run([interpreter, "-m", "pytest", f"--junitxml={path}", *arguments])
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return report(read_junit(text) if text else [], status, "pytest")


def run_cargo(arguments):
    """cargo test says it in words."""
    status, output = run(["cargo", "test", *arguments])
    return report(read_cargo(output), status, "cargo test")


def quiet_report(tests, status):
    """What report() makes of it, without a word."""
    with contextlib.redirect_stdout(io.StringIO()):
        return report(tests, status, "x")


def self_test():
    """Show that bad news comes through."""
    cargo = "test a ... ok\ntest b - c (line 3) ... FAILED\ntest d ... ignored, no peer\n"
    junit = ('<testsuites><testsuite><testcase classname="x.y" name="a"/><testcase name="b">'
             '<failure message="m"/></testcase><testcase name="c"><skipped message="w#y"/></testcase>'
             '<testcase name="d"><error/></testcase></testsuite></testsuites>')
    checks = [
        ([verdict for _, verdict, _ in read_cargo(cargo)], ["ok", "not ok", "skip"]),
        ([verdict for _, verdict, _ in read_junit(junit)], ["ok", "not ok", "skip", "not ok"]),
        (quiet_report(read_cargo(cargo), 101), 1),
        (quiet_report(read_cargo("test a ... ok\n"), 0), 0),
        (quiet_report(read_cargo("test a ... ok\n"), 101), 1),
        (quiet_report([], 0), 1),
    ]
    for got, expected in checks:
        if got != expected:
            sys.exit(f"expected {expected}, got {got}")
    return 0


def main():
    """Choose the framework."""
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if sys.argv[1] == "pytest":
        return run_pytest(sys.argv[2], sys.argv[3:])
    return run_cargo(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
