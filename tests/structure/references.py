#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Every test that a document names is there.

A document names a test as `file:name`, in backquotes: the file without folder and ending, and a
function or test of it (`test-pair:frames_cross_within_one_process_without_a_copy`). A file alone
is `file:`. Where the last column of a table is headed "tests", each row names one.
"""

import pathlib
import re
import sys
import tempfile

DOCUMENTS = ("README.md", "SECURITY.md", "gst/REVIEW.md", "lib/PROTOCOL.md")
REFERENCE = re.compile(r"`([a-z][a-z0-9_-]+):([A-Za-z_0-9]*)`")
# What looks like one: how they are written, and a feature of caps.
OTHERS = (("file", "name"), ("memory", "DMABuf"))
# Tables that name none would pass unseen.
LEAST = {"README.md": 30, "SECURITY.md": 25, "gst/REVIEW.md": 60, "lib/PROTOCOL.md": 100}


def test_files(root):
    files = {}
    for path in sorted((root / "tests").rglob("*")) + sorted((root / "bindings").rglob("test*")):
        if path.suffix in (".c", ".py", ".rs", ".sh") and path.is_file():
            files.setdefault(path.stem, []).append(path)
    return files


def has_test(paths, name):
    """Defined there; a name that stands in a comment or a call only is none."""
    defined = re.compile(rf"(?:\bdef |[A-Z_]*TEST[A-Z_]* ?\(){re.escape(name)}\b")
    return any(defined.search(path.read_text(encoding="utf-8")) for path in paths)


def untested_rows(text):
    """First cells of rows that name no test, in tables whose last column is of tests."""
    is_of_tests = False
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            is_of_tests = False
        elif cells[-1] == "tests":
            is_of_tests = True
        elif is_of_tests and not line.startswith("|---") and not REFERENCE.search(cells[-1]):
            yield cells[0]


def check_document(text, name, files):
    references = [found for found in REFERENCE.findall(text) if found not in OTHERS]
    for stem, test in references:
        if stem not in files:
            yield f"{name}: there is no file {stem} in tests/"
        elif test and not has_test(files[stem], test):
            yield f"{name}: {stem} has no test {test}"
    for row in untested_rows(text):
        yield f"{name}: no test shows: {row}"
    if len(references) < LEAST.get(name, 1):
        yield f"{name}: names {len(references)} tests only"


def check(root):
    files = test_files(root)
    for name in DOCUMENTS:
        path = root / name
        if not path.exists():
            yield f"{name} is missing"
            continue
        yield from check_document(path.read_text(encoding="utf-8"), name, files)


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "tests").mkdir()
        (root / "bindings").mkdir()
        (root / "tests" / "test-a.c").write_text(
            "TEST(it_works)\n/* not this_one() */\nHOSTILE_TEST(it_lies)\n")
        files = test_files(root)
        table = "| field | tests |\n|---|---|\n| one | `test-a:it_lies` |\n"
        assert not list(check_document("`test-a:it_works` `test-a:`", "x", files))
        assert not list(check_document(table, "x", files))
        assert list(check_document(table.replace("it_lies", "it_lied"), "x", files))
        assert list(check_document(table + "| two | none |\n", "x", files))
        assert list(check_document("`test-a:this_one`", "x", files))
        assert list(check_document("`test-b:it_works`", "x", files))
        assert list(check_document("nothing", "x", files))
        assert list(check(root))
    print("self-test: ok")
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    faults = list(check(pathlib.Path(sys.argv[1])))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
