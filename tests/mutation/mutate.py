#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Shows that the tests notice when a barrier, a zeroing, an armed check or a bounds check goes.

Each [[mutation]] of mutations/*.toml changes one place of lib/ in a copy; the tests that it names
must pass without it, and one of them must fail with it (is_slow: it takes seconds to, and is in no
sample). An [[equivalent]] says of a place why no
test can notice. Every place that sites.py finds has one or the other.

  mutate.py --sites [ROOT]   only that: which places have neither, in a second
  mutate.py --self-test      that it notices a new place, and a list that has gone stale
  mutate.py [ROOT]           a sample, drawn by chance, for as much CPU time as --seconds says
  mutate.py --all [ROOT]     every one
  mutate.py --only WORD ...  those whose name contains it
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import resource
import shlex
import shutil
import signal
import sys
import tempfile
import threading

try:
    import tomllib
except ImportError:
    print("needs Python 3.11, for tomllib")
    sys.exit(77)

import build
import sites

HERE = pathlib.Path(__file__).resolve().parent
FIELDS = {"mutation": {"name", "file", "text", "replacement", "tests", "build", "harm"},
          "equivalent": {"name", "file", "text", "why"}}


class Entry:
    """One of a list: where it is, and what it says."""

    def __init__(self, kind, fields, root):
        self.kind, self.fields = kind, fields
        self.name, self.file, self.text = fields["name"], fields["file"], fields["text"]
        self.replacement = fields.get("replacement", "")
        self.tests, self.build = fields.get("tests", []), fields.get("build", "plain")
        path = root / self.file
        self.source = path.read_text(encoding="utf-8") if path.is_file() else ""
        self.start = self.source.find(self.text)

    def missing_tests(self, root):
        """Tests that are named and do not exist."""
        for spec in self.tests:
            test, _, name = spec.partition(":")
            source = root / "tests" / (test + ".c")
            text = source.read_text(encoding="utf-8") if source.is_file() else ""
            if not text or not re.search(rf"TEST\w*\({name}\b", text):
                yield f"{self.name}: there is no test {spec}"

    def complaints(self):
        """Why the entry is of no use."""
        missing = FIELDS[self.kind] - set(self.fields) - {"build"}
        count = self.source.count(self.text)
        found = [f"{self.name}: lacks {field}" for field in sorted(missing)]
        if count != 1:
            found.append(f"{self.name}: its text stands {count} times in {self.file}, not once")
        if self.kind == "mutation" and (not self.tests or self.replacement == self.text):
            found.append(f"{self.name}: changes nothing, or names no test")
        if self.build not in build.OPTIONS:
            found.append(f"{self.name}: there is no build {self.build}")
        return found

    def span(self):
        """What it changes of the file: [start, end)."""
        if self.kind == "equivalent":
            return self.start, self.start + len(self.text)
        before = len(os.path.commonprefix([self.text, self.replacement]))
        after = len(os.path.commonprefix([self.text[before:][::-1],
                                          self.replacement[before:][::-1]]))
        return self.start + before, self.start + len(self.text) - after

    def covers(self, site):
        start, end = self.span()
        return self.file == site.name and start < site.end and site.start < max(end, start + 1)

    def mutated(self):
        return self.source.replace(self.text, self.replacement)


def load(root, folder):
    """All entries, and complaints about them."""
    entries, complaints = [], []
    for path in sorted(folder.glob("*.toml")):
        with path.open("rb") as stream:
            lists = tomllib.load(stream)
        for kind, items in lists.items():
            entries += [Entry(kind, fields, root) for fields in items]
    names = [entry.name for entry in entries]
    complaints += [f"{name}: two have this name" for name in sorted(set(names))
                   if names.count(name) > 1]
    for entry in entries:
        complaints += [*entry.complaints(), *entry.missing_tests(root)]
    return entries, complaints


def check_sites(root, folder):
    """Complaints: a list that is stale, a place that nobody thought of."""
    entries, complaints = load(root, folder)
    places = sites.find_all(root)
    if not places:
        complaints.append("lib/ has no place to mutate")
    for site in places:
        if not any(entry.covers(site) for entry in entries if entry.start >= 0):
            complaints.append(f"{site}: no mutation covers it, and no argument")
    count = sum(entry.kind == "mutation" for entry in entries)
    print(f"{len(places)} places, {count} mutations, {len(entries) - count} arguments")
    return complaints


# --- running ---

class Verdict:
    """What became of one mutation."""

    def __init__(self, entry, outcome, text):
        self.entry, self.outcome, self.text = entry, outcome, text


class Runner:
    """Builds, once of each kind, and tries mutations, some at a time."""

    def __init__(self, root, work, cc):
        self.root, self.work, self.cc = root, work, cc
        self.trees, self.passed = {}, {}
        self.lock = threading.Lock()
        self.number = 0

    def tree(self, kind):
        with self.lock:
            if kind not in self.trees:
                self.trees[kind] = build.Tree(self.root, self.work, kind, self.cc)
            return self.trees[kind]

    def folder(self):
        with self.lock:
            self.number += 1
            return self.work / f"m{self.number}"

    def status_without(self, tree, test, pattern):
        """Of a test of the lib/ that is not mutated: run once."""
        key = (tree.kind, test, pattern)
        with self.lock:
            lock = self.passed.setdefault(key, [threading.Lock(), None])
        with lock[0]:
            if lock[1] is None:
                program = tree.work / pathlib.Path(test).name
                with self.lock:
                    if not program.exists():
                        tree.program(test)
                lock[1] = build.run_test(tree, program, pattern)
        return lock[1]

    def try_tests(self, entry, tree, copy):
        skipped = None
        for spec in entry.tests:
            test, _, pattern = spec.partition(":")
            status, output = self.status_without(tree, test, pattern)
            if status == build.EXIT_SKIP:
                skipped = f"{spec} is skipped here"
                continue
            if status != 0:
                return Verdict(entry, "BROKEN", f"{spec} fails without it:\n{output}")
            program = copy.program(test)
            status, output = build.run_test(tree, program, pattern)
            # Twice: a test that fails by itself, on a busy machine, has noticed nothing.
            if status != 0 and build.run_test(tree, program, pattern)[0] != 0:
                return Verdict(entry, "caught", f"{test} {build.failed_test(output)}")
        if skipped:
            return Verdict(entry, "skipped", skipped)
        return Verdict(entry, "SURVIVED", ", ".join(entry.tests))

    def run(self, entry):
        folder = self.folder()
        try:
            tree = self.tree(entry.build)
            copy = build.Copy(tree, folder, entry.file, entry.mutated())
            try:
                return self.try_tests(entry, tree, copy)
            finally:
                copy.remove()
        except build.BuildError as error:
            return Verdict(entry, "BROKEN", str(error))


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(verdict):
    outcome = {"caught": "caught by"}.get(verdict.outcome, verdict.outcome)
    print(f"{verdict.entry.name}: {outcome} {verdict.text}", flush=True)


def snapshot(root, target):
    """A copy of what is compiled: others may be at work on the tree."""
    shutil.copytree(root / "lib", target / "lib")
    shutil.copytree(root / "tests", target / "tests",
                    ignore=lambda folder, names: [
                        name for name in names if not (pathlib.Path(folder) / name).is_dir()
                        and pathlib.Path(name).suffix not in (".c", ".h")])
    return target


def run_all(root, work, entries, seconds, cc):
    """Verdicts of as many as the time allows."""
    runner = Runner(root, work, cc)
    verdicts = []

    def attempt(entry):
        if seconds is None or cpu_seconds() < seconds:
            verdicts.append(runner.run(entry))
            show(verdicts[-1])

    pool = concurrent.futures.ThreadPoolExecutor(build.JOBS)
    try:
        list(pool.map(attempt, entries))
    finally:
        pool.shutdown(cancel_futures=True)
    return verdicts


def summary(verdicts, total):
    counts = {}
    for verdict in verdicts:
        counts[verdict.outcome] = counts.get(verdict.outcome, 0) + 1
    print(f"{len(verdicts)} of {total} mutations: " +
          ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) +
          f"; {cpu_seconds():.0f} s of CPU time")
    return 1 if not verdicts or counts.get("SURVIVED") or counts.get("BROKEN") else 0


# --- self-test ---

GOOD = {
    "lib/wait.c": "int f(void)\n{\n\tatomic_store_explicit(w, 1, memory_order_release);\n"
                  "\t/* return -EBADMSG; memory_order_acquire */\n"
                  "\tif (a > b || c)\n\t\treturn -EBADMSG;\n\treturn ret == -EBADMSG;\n}\n",
    "tests/lib/test-wait.c": "TEST(it_waits)\n{\n}\n",
    "lists/a.toml": """
[[mutation]]
name = "no release"
file = "lib/wait.c"
text = "memory_order_release"
replacement = "memory_order_relaxed"
tests = ["lib/test-wait:it_waits"]
harm = "some"
[[mutation]]
name = "no comparison"
file = "lib/wait.c"
text = "if (a > b || c)"
replacement = "if (c)"
tests = ["lib/test-wait"]
harm = "some"
[[equivalent]]
name = "c"
file = "lib/wait.c"
text = "|| c)"
why = "it cannot be"
""",
}


def with_change(old, new, name="lib/wait.c"):
    assert old in GOOD[name]
    return {name: GOOD[name].replace(old, new)}


DOCTORED = [
    ("a new release", with_change("return ret", "x(memory_order_acq_rel);\n\treturn ret"),
     "lib/wait.c:7: order: memory_order_acq_rel: no mutation"),
    ("a sequentially consistent operation", with_change("return ret", "atomic_load(&a);\nreturn"),
     "order: atomic_load(&a): no mutation"),
    ("a new fence", with_change("return ret", "atomic_thread_fence(memory_order_acquire);\nreturn"),
     "fence: atomic_thread_fence(memory_order_acquire): no mutation"),
    ("a fence for the compiler", with_change(
        "return ret", "atomic_signal_fence(memory_order_seq_cst);\nreturn"), "atomic_signal_fence"),
    ("a membarrier", with_change("return ret", "tach_os_membarrier();\n\treturn"),
     "membarrier: tach_os_membarrier(): no mutation"),
    ("a zeroing", with_change("return ret", "atomic_store_explicit(&cell->seq, 0, relaxed);\nreturn"),
     "zeroing: ->seq, 0,: no mutation"),
    ("an armed word", with_change("return ret", "return word & 1 || ret"), "armed: word & 1"),
    ("one more condition", with_change("a > b ||", "a > b || d == 3 ||"), "check: d == 3"),
    ("a check in a choice", with_change("return ret ==", "return x > 2 ? -EBADMSG :"),
     "check: x > 2: no mutation"),
    ("a good case in a choice", with_change("return ret ==", "return y && z ? 0 :"),
     "check: y: no mutation"),
    ("a check that says more", with_change(
        "return ret", "if (n > 9) {\n\t\tf();\n\t\treturn -EBADMSG;\n\t}\n\treturn ret"),
     "check: n > 9"),
    ("a refusal without a condition", with_change("return ret ==", "return"),
     "check: return -EBADMSG"),
    ("a text that is gone", with_change("a > b", "a >= b"), "stands 0 times"),
    ("a text that stands twice", with_change("\treturn ret", "\tg(memory_order_release);\nreturn"),
     "stands 2 times"),
    ("an argument that is gone", {"lists/a.toml": GOOD["lists/a.toml"].split("[[equi")[0]},
     "check: c: no mutation covers it"),
    ("a mutation without a test", with_change('tests = ["lib/test-wait"]\nharm = "some"\n[[e',
                                              'tests = []\nharm = "some"\n[[e', "lists/a.toml"),
     "names no test"),
    ("a test that is gone", {"tests/lib/test-wait.c": "TEST(it_does_not)"},
     "no test lib/test-wait:it_waits"),
    ("a mutation without its harm", with_change('harm = "some"\n[[e', "[[e", "lists/a.toml"),
     "lacks harm"),
    ("no library", {"lib/wait.c": None}, "no place to mutate"),
]


def make_tree(root, changes):
    for name, text in {**GOOD, **changes}.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")


def self_test():
    """Each doctored tree gives the complaint that it should, and the good one none."""
    failures = 0
    for what, changes, expected in [("the good tree", {}, None), *DOCTORED]:
        with tempfile.TemporaryDirectory() as root:
            make_tree(pathlib.Path(root), changes)
            found = check_sites(pathlib.Path(root), pathlib.Path(root) / "lists")
        if (found if expected is None else not any(expected in text for text in found)):
            print(f"{what}: {found} where {expected!r} was expected")
            failures += 1
    return 1 if failures else 0


def choose(entries, options):
    """What to run, and for how many seconds of CPU time."""
    mutations = [entry for entry in entries if entry.kind == "mutation"]
    if options.only:
        return [entry for entry in mutations
                if any(word in entry.name for word in options.only)], None
    if options.all or os.environ.get("TACHYON_TEST_LONG") == "1":
        return sorted(mutations, key=lambda entry: entry.build), None
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"a sample; again with --seed {seed}")
    cheap = [entry for entry in mutations
             if entry.build == "plain" and not entry.fields.get("is_slow")]
    random.Random(seed).shuffle(cheap)
    return cheap, options.seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default=HERE.parent.parent, type=pathlib.Path)
    parser.add_argument("--sites", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", action="append")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    options = parser.parse_args()
    # As an interrupt: what was made is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.self_test:
        return self_test()
    root = options.root.resolve()
    with tempfile.TemporaryDirectory(prefix="tachyon-m-") as work:
        work = pathlib.Path(work)
        tree = root if options.sites else snapshot(root, work / "tree")
        complaints = check_sites(tree, HERE / "mutations")
        for complaint in complaints:
            print(complaint)
        if complaints or options.sites:
            return 1 if complaints else 0
        entries, _ = load(tree, HERE / "mutations")
        chosen, seconds = choose(entries, options)
        verdicts = run_all(tree, work, chosen, seconds, shlex.split(options.cc))
        return summary(verdicts, len(chosen))


if __name__ == "__main__":
    sys.exit(main())
