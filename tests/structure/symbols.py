#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What a library exports is its map, name by name; what a public header declares is exported."""

import argparse
import pathlib
import re
import subprocess
import sys

import sources


def exported_symbols(library):
    """Names in the dynamic symbol table that others can bind to."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, check=True,
                           text=True).stdout.splitlines()
    entries = [line.split()[-2:] for line in lines]
    # A is the version node itself.
    return {name.split("@")[0] for kind, name in entries if kind != "A"}


def mapped_symbols(text):
    """Names in the global parts of a version script."""
    names, visible = set(), True
    for token in re.findall(r"[\w.*?\[\]]+:?|[{};]", sources.without_comments(text)):
        if token == "{":
            visible = True
        elif token in ("global:", "local:"):
            visible = token == "global:"
        elif token == "}":
            visible = False
        elif visible and token != ";":
            names.add(token)
    # The name of a version node stands before its brace, and after the last one.
    nodes = set(re.findall(r"([\w.]+)\s*\{", sources.without_comments(text)))
    return names - nodes


def declared_functions(text):
    """Names of the functions that a header declares, without those it defines inline."""
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", sources.without_comments(text), flags=re.M)
    text = re.sub(r"static\s+inline\b[^{]*", "", text)
    return set(re.findall(r"\b(tachyon_\w+)\s*\((?!\s*\*)", text))


def compare(exported, mapped, declared):
    """All complaints about three sets of names; declared is None for a library without headers."""
    complaints = [f"{name}: a wildcard in the map" for name in sorted(mapped)
                  if re.search(r"[*?\[]", name)]
    complaints += [f"{name}: exported, not in the map" for name in sorted(exported - mapped)]
    complaints += [f"{name}: in the map, not exported" for name in sorted(mapped - exported)]
    if declared is not None:
        complaints += [f"{name}: declared in a header, not exported"
                       for name in sorted(declared - exported)]
        complaints += [f"{name}: exported, declared in no header"
                       for name in sorted(exported - declared)]
    return complaints


def check(library, map_text, header_texts):
    """All complaints about one library."""
    declared = None
    if header_texts:
        declared = set().union(*map(declared_functions, header_texts))
    mapped = mapped_symbols(map_text)
    if not mapped:
        return ["the map names nothing"]
    return compare(exported_symbols(library), mapped, declared)


def self_test(library, map_text, header_texts):
    """Show that the real library passes with its map, and fails with each doctored one."""
    first = sorted(mapped_symbols(map_text))[0]
    extra = "int tachyon_no_such_function(\n\tvoid);\n"
    typedef = "typedef int (*tachyon_callback)(int x);\n#define tachyon_macro(x) (x)\n"
    cases = [
        ("the real map", map_text, header_texts, None),
        ("a typedef and a macro", map_text, [*header_texts, typedef], None),
        ("a name less", re.sub(rf"\b{first};", "", map_text), header_texts, "not in the map"),
        ("a name more", map_text.replace(f"{first};", f"{first}; tachyon_more;"), header_texts,
         "tachyon_more: in the map, not exported"),
        ("a wildcard", map_text.replace(f"{first};", "tachyon_*;"), header_texts, "a wildcard"),
        ("an empty map", "{ local: *; };", header_texts, "names nothing"),
        ("a function more", map_text, [*header_texts, extra],
         "tachyon_no_such_function: declared in a header, not exported"),
        ("a header less", map_text, header_texts[1:], "declared in no header"),
    ]
    if not header_texts:
        cases = [case for case in cases if "function" not in case[0] and "typedef" not in case[0]
                 and "header" not in case[0]]
    failures = []
    for what, text, headers, expected in cases:
        complaints = check(library, text, headers)
        if (expected is None and complaints) or (
                expected and not any(expected in complaint for complaint in complaints)):
            failures.append(f"{what}: expected {expected!r}, got {complaints}")
        else:
            print(f"{what}: {complaints[0] if complaints else 'accepted'}")
    return failures


def main():
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("library")
    parser.add_argument("map", type=pathlib.Path)
    parser.add_argument("headers", type=pathlib.Path, nargs="*")
    args = parser.parse_args()
    run = self_test if args.self_test else check
    headers = [header.read_text(encoding="utf-8") for header in args.headers]
    return sources.report(run(args.library, args.map.read_text(encoding="utf-8"), headers))


if __name__ == "__main__":
    sys.exit(main())
