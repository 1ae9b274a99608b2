#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Each public header compiles alone, and twice, as C11 and as C++17, without a warning."""

import argparse
import pathlib
import subprocess
import sys

import sources

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wshadow", "-Wundef"]
LANGUAGES = {"c11": "c", "c++17": "c++"}


def check_header(compiler, standard, root, header):
    """Complaints about one header in one language."""
    # A header may hold macros only, and C wants something more than that.
    program = f"#include <{header}>\n" * 2 + "extern int something;\n"
    command = [*compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only", "-I", root,
               "-x", LANGUAGES[standard], "-"]
    result = subprocess.run(command, input=program, capture_output=True, check=False, text=True)
    return [f"{header} as {standard}: {result.stderr}"] if result.returncode else []


def check(compilers, root):
    """All complaints about the headers below root."""
    headers = sorted(path.relative_to(root) for path in root.rglob("*.h"))
    complaints = [] if headers else ["no headers"]
    for header in headers:
        for standard, compiler in compilers.items():
            complaints += check_header(compiler, standard, root, header)
    return complaints


GOOD = {
    "tachyon.h": "#include <tachyon/bus.h>\n",
    "tachyon/bus.h": """#ifndef A_H
#define A_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
struct tachyon_bus { size_t size; };
int tachyon_f(struct tachyon_bus *bus);
#ifdef __cplusplus
}
#endif
#endif
""",
}

BUS = GOOD["tachyon/bus.h"]

DOCTORED = [
    ("a missing include", {"tachyon/bus.h": BUS.replace("#include <stddef.h>\n", "")}, "size_t"),
    ("no include guard", {"tachyon/bus.h": "struct tachyon_bus { int size; };\n"}, "redefinition"),
    ("a word that C++ keeps", {"tachyon/bus.h": BUS.replace("*bus);", "*class);")}, "c++17"),
    ("an atomic", {"tachyon/bus.h": BUS.replace("size_t size;", "_Atomic int size;")}, "c++17"),
    ("C++ in C", {"tachyon/bus.h": BUS.replace("struct tachyon_bus *", "tachyon_bus *")}, "c11"),
    ("an extension", {"tachyon/bus.h": BUS.replace("size_t size;", "size_t size; int a[0];")},
     "zero"),
    ("no headers", {name: None for name in GOOD}, "no headers"),
]


def main():
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--cc", required=True, help="the C compiler, with its arguments")
    parser.add_argument("--cxx", default="", help="the C++ compiler, with its arguments")
    parser.add_argument("root", type=pathlib.Path, nargs="?")
    args = parser.parse_args()
    if not args.cxx:
        print("no C++ compiler is installed")
        return sources.EXIT_SKIP
    compilers = {"c11": args.cc.split(), "c++17": args.cxx.split()}
    if args.self_test:
        return sources.self_test(lambda root: check(compilers, root), GOOD, DOCTORED)
    return sources.report(check(compilers, args.root))


if __name__ == "__main__":
    sys.exit(main())
