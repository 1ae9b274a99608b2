#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Where lib/ depends on an order, or refuses what a peer wrote: each place that must be mutated.

A site is a piece of a file. A check of several conditions has a site for each of them, since each
can be left out by itself.
"""

import re

ORDER = re.compile(r"\bmemory_order_(?:acquire|release|acq_rel|seq_cst)\b")
SEQ_CST = re.compile(
    r"\batomic_(?:load|store|exchange|fetch_(?:add|sub|and|or|xor)"
    r"|compare_exchange_(?:weak|strong))\s*\(")
FENCE = re.compile(r"\batomic_(?:thread|signal)_fence\s*\([^()]*\)")
MEMBARRIER = re.compile(r"\b(?:tach_os_)?membarrier\s*\(")
ZEROING = re.compile(r"->seq,\s*0\s*,")
# What an armed word is for: announced, looked at, rung for once.
ARMED = re.compile(r"\bword & 1\b|\bword == waker->rang\b|\btach_wait_(?:arm|announce|order)\s*\("
                   r"|\btach_waker_wake(?:_at)?\s*\(|\btach_beacon_arm\s*\(")
LIE = re.compile(r"-EBADMSG\b|-EPROTO\w*|\bTACHYON_ERR_(?:CORRUPT|VERSION)\b")
# Here these, too, are said of what a stranger sent, or is; or a function says it for others.
ALSO_LIES = {
    "lib/descriptor.c": re.compile(r"\b(?<!int )refuse\("),
    "lib/handshake.c": re.compile(r"-EMSGSIZE\b"),
    "lib/listener.c": re.compile(r"\bTACHYON_ERR_DENIED\b"),
    "lib/segment.c": re.compile(r"-EMSGSIZE\b|\b(?<!int )refuse\("),
    "lib/stream-file.c": re.compile(r"\bTACHYON_ERR_DENIED\b|\b(?<!int )corrupt\("),
}
# A code that is compared with, or one of a switch, refuses nothing.
IS_COMPARED = re.compile(r"(?:[=!]=|\bcase)\s*$")
UNLIKELY = re.compile(r"\s*tach_(?:un)?likely\((.*)\)\s*", re.S)


class Site:
    """A piece [start, end) of a file."""

    def __init__(self, kind, name, text, start, end):
        self.kind, self.name, self.start, self.end = kind, name, start, end
        self.line = text.count("\n", 0, start) + 1
        self.text = " ".join(text[start:end].split())

    def __str__(self):
        return f"{self.name}:{self.line}: {self.kind}: {self.text}"


def blank(text):
    """The same text, as long, with nothing in its comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  lambda found: re.sub(r"[^\n]", " ", found.group(0)), text, flags=re.S)


def close_of(code, start):
    """Where the bracket that opens at start ends."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        if depth == 0:
            return at
    raise ValueError("unbalanced brackets")


def operands(code, start, end, operator):
    """The pieces of [start, end) between the operators that are in no brackets."""
    wrapped = UNLIKELY.fullmatch(code, start, end)
    if wrapped and close_of(code, code.index("(", start)) == code.rindex(")", start, end):
        return operands(code, wrapped.start(1), wrapped.end(1), operator)
    pieces, begin, at = [], start, start
    while at < end:
        if code[at] in "([{":
            at = close_of(code, at)
        elif code.startswith(operator, at):
            pieces.append((begin, at))
            begin = at = at + len(operator)
            continue
        at += 1
    pieces.append((begin, end))
    return [(a + len(code[a:b]) - len(code[a:b].lstrip()), a + len(code[a:b].rstrip()))
            for a, b in pieces]


def statement_before(code, at):
    """Where the statement begins that has code[at]."""
    depth = 0
    for i in range(at - 1, -1, -1):
        depth += (code[i] in ")]") - (code[i] in "([")
        if depth <= 0 and code[i] in ";{}":
            return i + 1
    return 0


def block_before(code, at):
    """Where the block opens that has code[at], or -1."""
    depth = 0
    for i in range(at - 1, -1, -1):
        depth += (code[i] == "}") - (code[i] == "{")
        if depth < 0:
            return i
    return -1


def condition_of_if(code, start, end):
    """The inside of the brackets of an if that begins in [start, end) and governs end; or None."""
    found = re.compile(r"\s*(?:(?:default|case\s+\w+)\s*:\s*)?(?:else\s+)?if\s*\(").match(
        code, start, end)
    if not found:
        return None
    last = close_of(code, found.end() - 1)
    return (found.end(), last) if last < end else None


def condition_of_choice(code, start, at):
    """The conditions of a "? :" in [start, at), one of whose ends is code[at]."""
    question = code.rfind("?", start, at)
    if question < 0:
        return []
    begin = start
    for found in re.compile(r"\breturn\b|(?<![=!<>])=(?!=)").finditer(code, start, question):
        begin = found.end()
    return operands(code, begin, question, "&&" if ":" in code[question:at] else "||")


def conditions(code, at):
    """Where the conditions stand on which code[at] is the answer: each can be left out."""
    start = statement_before(code, at)
    inside = condition_of_if(code, start, at)
    found = condition_of_choice(code, inside[1] if inside else start, at)
    if inside is None and not found:
        brace = block_before(code, at)
        inside = condition_of_if(code, statement_before(code, brace), brace) if brace > 0 else None
    if inside:
        found += operands(code, *inside, "||")
    if not found:
        first = start + len(code[start:at]) - len(code[start:at].lstrip())
        found = [(first, code.index(";", at))]
    return found


def is_declared(code, at):
    """True where a name stands behind its type: it is no call."""
    return re.search(r"(?:\bvoid|\bint|\bbool|\buint32_t)\s+$", code[:at]) is not None


def find(name, text):
    """All sites of one file."""
    code = blank(text)
    found = {}

    def add(kind, start, end):
        found.setdefault((start, end), Site(kind, name, text, start, end))

    fences = [match.span() for match in FENCE.finditer(code)]
    for start, end in fences:
        add("fence", start, end)
    for match in ORDER.finditer(code):
        if not any(start <= match.start() < end for start, end in fences):
            add("order", *match.span())
    for match in SEQ_CST.finditer(code):
        add("order", match.start(), close_of(code, match.end() - 1) + 1)
    for kind, pattern in (("membarrier", MEMBARRIER), ("armed", ARMED)):
        for match in pattern.finditer(code):
            if not is_declared(code, match.start()):
                is_call = match.group(0).endswith("(")
                add(kind, match.start(),
                    close_of(code, match.end() - 1) + 1 if is_call else match.end())
    for match in ZEROING.finditer(code):
        add("zeroing", *match.span())
    for pattern in (LIE, ALSO_LIES.get(name)):
        for match in pattern.finditer(code) if pattern else ():
            if not IS_COMPARED.search(code, 0, match.start()):
                for start, end in conditions(code, match.start()):
                    add("check", start, end)
    return sorted(found.values(), key=lambda site: site.start)


def find_all(root):
    """All sites of lib/*.c and lib/*.h."""
    names = sorted([*(root / "lib").glob("*.c"), *(root / "lib").glob("*.h")])
    sites = []
    for path in names:
        sites += find(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return sites
