#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Each .c and .h is as clang-format writes it: the root's style, and GStreamer's in gst/.

clang-format leaves comments as they are, so their width is looked at here. To put the rest right:
`ninja -C build clang-format`.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import sources

# Versions differ in small things; Debian 12's rules.
VERSION = "14"
COLUMNS = 100


def why_not(program):
    """Why the test cannot run, or None."""
    if shutil.which(program) is None:
        return "clang-format is not installed"
    text = subprocess.run([program, "--version"], capture_output=True, check=True, text=True).stdout
    found = re.search(r"version (\d+)", text)
    if not found or found.group(1) != VERSION:
        return f"clang-format {VERSION} is wanted, this is {text.strip()}"
    return None


def check_width(root, name):
    """Complaints about lines that are too long."""
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    return [f"{name}:{number}: longer than {COLUMNS} columns"
            for number, line in enumerate(lines, 1) if len(line.expandtabs(8)) > COLUMNS]


def check(program, root):
    """All complaints about the tree at root."""
    names = [name for name in sources.project_files(root) if name.suffix in (".c", ".h")]
    if not names:
        return ["no C files"]
    result = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *names], cwd=root,
                            capture_output=True, check=False, text=True)
    places = re.findall(r"^(\S+:\d+):\d+: error: code should be", result.stderr, re.M)
    complaints = [f"{place}: not as clang-format writes it" for place in dict.fromkeys(places)]
    if result.returncode and not places:
        complaints.append(f"clang-format failed: {result.stderr}")
    for name in names:
        complaints += check_width(root, name)
    return complaints


def self_test(program, root):
    """Show that each style takes its own, and refuses the other's."""
    kernel = "int f(int x)\n{\n\tif (x)\n\t\treturn 1;\n\treturn 0;\n}\n"
    gnome = "int\nf (int x)\n{\n  if (x)\n    return 1;\n  return 0;\n}\n"
    good = {
        ".clang-format": (root / ".clang-format").read_text(encoding="utf-8"),
        "gst/.clang-format": (root / "gst/.clang-format").read_text(encoding="utf-8"),
        "lib/a.c": kernel,
        "gst/a.c": gnome,
    }
    doctored = [
        ("GStreamer's style in lib/", {"lib/a.c": gnome}, "lib/a.c"),
        ("the kernel's style in gst/", {"gst/a.c": kernel}, "gst/a.c"),
        ("a line too long", {"lib/a.c": kernel.replace("return 1", "return " + "1 + " * 30 + "1")},
         "lib/a.c"),
        ("a comment too long", {"lib/a.c": "/* " + "word " * 20 + "*/\n" + kernel}, "lib/a.c:1:"),
        ("no files", {"lib/a.c": None, "gst/a.c": None}, "no C files"),
    ]
    return sources.self_test(lambda tree: check(program, tree), good, doctored)


def main():
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--clang-format", default="clang-format")
    parser.add_argument("root", type=pathlib.Path)
    args = parser.parse_args()
    reason = why_not(args.clang_format)
    if reason:
        print(reason)
        return sources.EXIT_SKIP
    if args.self_test:
        return self_test(args.clang_format, args.root)
    return sources.report(check(args.clang_format, args.root))


if __name__ == "__main__":
    sys.exit(main())
