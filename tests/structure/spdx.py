#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Each source file begins with the two SPDX lines, after a #! line at most."""

import sources

LINES = ["SPDX-License-Identifier: MIT", "SPDX-FileCopyrightText: 2026 The Tachyon authors"]

SUFFIXES = {".c", ".cc", ".cpp", ".h", ".map", ".pml", ".py", ".pyi", ".rs", ".sh", ".toml", ".yml"}
NAMES = {"meson.build", "meson_options.txt", ".clang-format", ".editorconfig", ".gitignore"}

FRAMES = ["/* {} */", "// {}", "# {}"]


def is_source(root, name):
    """True for what a person wrote as code: by its name, or a script by its first bytes."""
    if name.suffix in SUFFIXES or name.name in NAMES:
        return True
    if name.suffix:
        return False
    with open(root / name, "rb") as file:
        return file.read(2) == b"#!"


def check_file(root, name):
    """Complaints about one file."""
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("#!") and not lines[0].startswith("#!["):
        lines = lines[1:]
    for frame in FRAMES:
        if lines[:2] == [frame.format(line) for line in LINES]:
            return []
    return [f"{name}: does not begin with '{LINES[0]}' and '{LINES[1]}'"]


def check(root):
    """All complaints about the tree at root."""
    names = [name for name in sources.project_files(root) if is_source(root, name)]
    complaints = [] if names else ["no source files"]
    for name in names:
        complaints += check_file(root, name)
    return complaints


def header(frame):
    """The two lines as a comment."""
    return "".join(frame.format(line) + "\n" for line in LINES)


GOOD = {
    "lib/a.c": header("/* {} */") + "int a;\n",
    "run.sh": "#!/bin/sh\n" + header("# {}"),
    "src/lib.rs": header("// {}") + "#![no_std]\n",
    "script": "#!/bin/sh\n" + header("# {}"),
    "README.md": "prose\n",
}

DOCTORED = [
    ("no lines", {"lib/b.c": "int b;\n"}, "lib/b.c"),
    ("an empty file", {"lib/b.h": ""}, "lib/b.h"),
    ("another licence", {"lib/b.c": header("/* {} */").replace("MIT", "BSD-3-Clause")}, "lib/b.c"),
    ("another owner", {"lib/b.c": header("/* {} */").replace("The Tachyon authors", "X")}, "lib/b"),
    ("too late", {"lib/b.c": "\n" + header("/* {} */")}, "lib/b.c"),
    ("one line", {"lib/b.c": header("/* {} */").splitlines()[0]}, "lib/b.c"),
    ("a script without a suffix", {"other": "#!/bin/sh\ntrue\n"}, "other"),
    ("a build file", {"meson.build": "project('x')\n"}, "meson.build"),
]

if __name__ == "__main__":
    sources.main(check, GOOD, DOCTORED)
