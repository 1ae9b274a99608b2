#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Which codes the public headers say of each function, as a table in C.

Codes are what a comment names: -EXXX, TACHYON_ERR_XXX, and _XXX where several follow one another. Where
it says "as tachyon_other()" those of the other count, too.

    contract.py HEADER... > contract.inc
"""

import re
import sys
from pathlib import Path

COMMENT = re.compile(r'/\*\*(.*?)\*/\s*([^;{]*?\b(tachyon_\w+)\([^;]*);', re.DOTALL)
CODE = re.compile(r'-E[A-Z0-9]+\b|\bTACHYON_ERR_[A-Z_]+\b|(?<![\w])_[A-Z_]+\b')
OTHER = re.compile(r'\bas\s+(?:for\s+)?(tachyon_\w+)\(\)(?:(?:,|\s+and)\s+(tachyon_\w+)\(\))*')
ERROR = re.compile(r'(TACHYON_ERR_\w+) = -(E\w+),')
# What a header says of all its functions at its top.
ALL = re.compile(r'\b(?:may|can)\s+return\b')
# The same of those whose names end so.
SOME = re.compile(r'\(([a-z_,\s]+)\)\s+may\s+also\s+return')
# "As for bind(2)": what its manual page has, as far as it concerns a name.
BIND = {'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'ELOOP', 'EROFS', 'ENOSPC', 'ENOMEM', 'EIO'}


def plain(comment):
    return re.sub(r'\n\s*\*', '\n', comment)


def codes(text, names):
    found = set()
    for code in CODE.findall(text):
        if code.startswith('_'):
            code = 'TACHYON_ERR' + code
        found.add(names.get(code, code.lstrip('-')))
    found = {code for code in found if code.startswith('E')}
    return found | BIND if 'bind(2)' in text else found


def of_header(text, names):
    """{function: (codes, other functions)}"""
    table = {}
    end = text.index('#ifndef')
    everywhere, some = set(), {}
    for sentence in re.split(r'(?<=\.)\s', plain(text[:end])):
        for verbs in SOME.findall(sentence):
            for verb in verbs.split(','):
                some[verb.strip()] = codes(sentence, names)
        if ALL.search(sentence):
            everywhere |= codes(sentence, names)
    previous = set()
    for comment, _, function in COMMENT.findall(text):
        comment = plain(comment)
        # Where there is such a part, parameters that are as those of another do not count.
        comment = comment[comment.find('@return'):] if '@return' in comment else comment
        others = {name for match in OTHER.finditer(comment)
                  for name in re.findall(r'tachyon_\w+', match.group(0))}
        if re.match(r'\s*The same\b', comment):
            others |= previous
        verb = function.rsplit('_', 1)[1]
        table[function] = (codes(comment, names) | everywhere | some.get(verb, set()), others)
        previous = {function}
    return table


def close_over(table):
    """A comment that points to another function's means its codes."""
    closed = {}
    for function in table:
        found, todo = set(), {function}
        seen = set()
        while todo:
            name = todo.pop()
            if name in seen or name not in table:
                continue
            seen.add(name)
            found |= table[name][0]
            todo |= table[name][1]
        closed[function] = found
    return closed


def main():
    texts = [Path(name).read_text() for name in sys.argv[1:]]
    names = {}
    for text in texts:
        names.update(ERROR.findall(text))
    table = {}
    for text in texts:
        table.update(of_header(text, names))
    for function, found in sorted(close_over(table).items()):
        print('{"%s", {%s}},' % (function, ', '.join(sorted(found) or ['0'])))


if __name__ == '__main__':
    main()
