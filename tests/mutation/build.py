#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Compiles lib/ and its tests by itself, and again, for a mutated copy of lib/, what changed."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

OPTIONS = {
    "plain": ["-O1"],
    "asan": ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "tsan": ["-O1", "-g", "-fsanitize=thread", "-Wno-tsan"],
}
COMMON = ["-std=c11", "-D_GNU_SOURCE", "-w", "-pthread"]
DRIVER = ("simulated-driver", "simulated-memory", "simulated-stream")
JOBS = 2
TIMEOUT_S = 300
TEST_TIMEOUT_S = 30
CPU_LIMIT_S = {"plain": 5, "asan": 30, "tsan": 60}
EXIT_SKIP = 77


class BuildError(Exception):
    """What the compiler said."""


def run_compiler(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(map(str, command))}\n{done.stderr}")


def included(depfile):
    """The names of what an object was made of, relative to its copy of lib/ where it is of it."""
    return set(re.findall(r"[^\s\\:]+", depfile.read_text(encoding="utf-8")))


class Tree:
    """One kind of build: objects of the whole of lib/ in place, and of the tests that were asked."""

    def __init__(self, root, work, kind, cc):
        self.root, self.kind, self.cc = root, kind, cc
        self.work = work / kind
        self.options = [*COMMON, *OPTIONS[kind]]
        self.lock = threading.Lock()
        self.locks = {}
        self.parts = {}  # of lib/, what a test is linked with
        self.lib = root / "lib"
        (self.work / "lib").mkdir(parents=True)
        self.sources = sorted(self.lib.glob("*.c"))
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda source: self.compile(source, self.work / "lib", self.lib),
                          self.sources))
        self.harness = self.compile(root / "tests/harness/harness.c", self.work, self.lib)
        self.memory = self.compile(root / "tests/mutation/weak.c", self.work, self.lib)
        self.archive = self.work / "tachyon.a"
        run_compiler(["ar", "rcs", self.archive, *sorted((self.work / "lib").glob("*.o"))])

    def compile(self, source, folder, lib):
        """The object of a source, which sees the headers of a copy of lib/."""
        target = folder / (source.stem + ".o")
        tests = self.root / "tests"
        run_compiler([
            *self.cc, *self.options, "-MMD", f"-I{lib}", f"-I{lib}/include",
            f"-I{tests}/harness", f"-I{tests}/lib", f"-I{tests}/mutation",
            f"-I{tests}/simulated-driver", "-c", source, "-o", target])
        return target

    def test_source(self, test):
        return self.root / "tests" / (test + ".c")

    def test_object(self, test):
        """Of the lib/ that is not mutated; made once."""
        target = self.work / (pathlib.Path(test).name + ".o")
        with self.lock:
            lock = self.locks.setdefault(test, threading.Lock())
        with lock:
            if not target.exists():
                self.compile(self.test_source(test), self.work, self.lib)
        return target

    def driver(self):
        """The simulated CUDA driver."""
        target = self.work / "libcuda.so.1"
        with self.lock:
            if not target.exists():
                tests = self.root / "tests/simulated-driver"
                run_compiler([*self.cc, *self.options, "-shared", "-fPIC", f"-I{self.lib}",
                              f"-I{self.lib}/include", *[tests / f"{name}.c" for name in DRIVER],
                              "-Wl,-soname,libcuda.so.1", "-o", target])
        return target

    def link(self, objects, target, test):
        libraries = ["-ldl", "-lm"]
        if test.startswith("mutation/"):
            objects = [*objects, self.memory]
        if test.startswith("gpu/"):
            libraries += [self.driver(), f"-Wl,-rpath,{self.work}"]
        run_compiler([*self.cc, *self.options, *objects, self.harness, self.archive, *libraries,
                      f"-Wl,-Map={target}.map", "-o", target])

    def program(self, test):
        """The test with lib/ as it is."""
        target = self.work / pathlib.Path(test).name
        self.link([self.test_object(test)], target, test)
        linked = pathlib.Path(f"{target}.map").read_text(encoding="utf-8")
        self.parts[test] = set(re.findall(r"tachyon\.a\(([\w-]+)\.o\)", linked))
        return target


class Copy:
    """A mutated copy of lib/, and what has to be compiled for it."""

    def __init__(self, tree, folder, name, text):
        self.tree, self.folder = tree, folder
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tree.lib, folder / "lib")
        (folder / name).write_text(text, encoding="utf-8")
        self.changed = str(tree.root / name)
        self.objects = {}
        self.sources = [
            source for source in tree.sources
            if self.changed in included(tree.work / "lib" / (source.stem + ".d"))]

    def parts(self, test):
        """Objects of what has changed, as far as the test has it."""
        for source in self.sources:
            if source.stem in self.tree.parts[test] and source.stem not in self.objects:
                self.objects[source.stem] = self.tree.compile(
                    self.folder / "lib" / source.name, self.folder, self.folder / "lib")
        return [self.objects[stem] for stem in self.objects if stem in self.tree.parts[test]]

    def program(self, test):
        """The test with this lib/; after Tree.program()."""
        made = self.tree.test_object(test)
        if self.changed in included(made.with_suffix(".d")):
            made = self.tree.compile(self.tree.test_source(test), self.folder, self.folder / "lib")
        target = self.folder / pathlib.Path(test).name
        self.tree.link([made, *self.parts(test)], target, test)
        return target

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def failed_test(output):
    """The name of the first test that failed, in TAP."""
    found = re.search(r"^not ok \d+ - (\S+)", output, re.M)
    return found.group(1) if found else "the program"


def run_test(tree, program, pattern):
    """Its exit status, and what it printed until a test failed."""
    fixed = ["setarch", "-R"] if tree.kind == "tsan" and shutil.which("setarch") else []
    # A mutant may spin until its test's time is over.
    limited = ["sh", "-c", f'ulimit -t {CPU_LIMIT_S[tree.kind]}; exec "$@"', "sh"]
    folder = tempfile.mkdtemp(prefix="t", dir=program.parent)
    limit = TEST_TIMEOUT_S if tree.kind == "plain" else 3 * TEST_TIMEOUT_S
    environment = {**os.environ, "TMPDIR": folder, "TEST_TIMEOUT": str(limit),
                   "TSAN_OPTIONS": "halt_on_error=1"}
    environment.pop("MESON_TEST_ITERATION", None)
    output = ""
    with subprocess.Popen([*limited, *fixed, program, *([pattern] if pattern else [])],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, errors="replace") as process:
        killer = threading.Timer(TIMEOUT_S, process.terminate)
        killer.start()
        for line in process.stdout:
            output += line
            # One is enough. The harness cleans up when it is told to end.
            if line.startswith("not ok") and process.poll() is None:
                process.terminate()
        process.wait()
        killer.cancel()
    shutil.rmtree(folder, ignore_errors=True)
    return process.returncode, output
