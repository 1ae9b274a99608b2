#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The tables of lib/PROTOCOL.md say what the C sources say: each offset, size, type and number.

Three kinds of tables are compared, and nothing in the sources may be missing from them:

- | offset | type | field | ... after a line that ends in "`struct NAME`, N bytes"
- | number | name | ..., or | bit | name | ..., after <!-- enum NAME PREFIX -->, <!-- enum PREFIX -->
  for an enum without a name, or <!-- #define PREFIX -->
- | ... | number | in C |: a macro's value
- | event | struct | fields | ...: fields without gaps
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import sources

DOCUMENT = "lib/PROTOCOL.md"
HEADERS = ["lib/layout.h", "lib/stream-layout.h", "lib/device-part.h", "lib/beacon.h",
           "lib/include/tachyon/stream.h", "lib/segment.h", "lib/descriptor.h", "lib/sock.h", "lib/wire.h",
           "lib/include/tachyon/frame.h", "gst/gsttachyonwiremeta.h", "gst/gsttachyonwire.h"]
# Of these every struct must be in a table.
WIRE = ["lib/layout.h", "lib/stream-layout.h", "lib/device-part.h",
        "lib/wire.h", "gst/gsttachyonwiremeta.h", "gst/gsttachyonwire.h"]

# What gsttachyonwire.h needs of GStreamer, which need not be installed.
STUB = """
#include <stddef.h>
#include <stdint.h>
typedef uint8_t guint8;
typedef uint32_t guint32;
typedef uint64_t guint64;
typedef int32_t gint32;
typedef int64_t gint64;
typedef double gdouble;
#define G_STATIC_ASSERT(claim) _Static_assert(claim, #claim)
#define G_BYTE_ORDER 1
#define G_LITTLE_ENDIAN 1
#define G_BEGIN_DECLS
#define G_END_DECLS
"""

SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i32": 4, "i64": 8, "f64": 8}
TYPES = {"uint8_t": "u8", "guint8": "u8", "char": "u8", "uint16_t": "u16",
         "uint32_t": "u32", "guint32": "u32",
         "uint64_t": "u64", "guint64": "u64", "int32_t": "i32", "gint32": "i32", "gint64": "i64",
         "gdouble": "f64"}

FIELD = re.compile(r"([\w ]*?)\s*(\w+)\s*(?:\[(\w+)\])?\s*;")
CAPTION = re.compile(r"`struct (\w+)`, (\d+) bytes")
MARKER = re.compile(r"<!-- (enum|#define) (?:(\w+) )?(\w+_) -->")
NUMBER = re.compile(r"(0x[0-9a-f]+|[0-9]+)")


class Sources:
    """What the headers declare."""

    def __init__(self, root):
        self.texts = {name: sources.without_comments((root / name).read_text(encoding="utf-8"))
                      for name in HEADERS}
        self.all = "\n".join(self.texts.values())

    def count(self, text):
        """How many elements: a number, or a macro that stands for one."""
        macro = re.search(rf"^#define {text} (\d+)u?$", self.all, re.M)
        return f"[{macro.group(1) if macro else text}]" if text else ""

    def structs(self):
        """{name: {field: type}} of the structs that travel, padding left out."""
        found = {}
        for name in WIRE:
            for struct, body in re.findall(r"^struct (\w+)\s*\{([^}]*)\};", self.texts[name],
                                           re.M):
                body = re.sub(r"_Alignas\(\d+\)|_Atomic", "", body)
                fields = [(kind.strip(), field, count) for kind, field, count
                          in FIELD.findall(body) if not re.fullmatch(r"pad\d+", field)]
                found[struct] = {field: TYPES.get(kind, kind) + self.count(count)
                                 for kind, field, count in fields}
        return found

    def names(self, kind, enum, prefix):
        """Names with a prefix, without it: of an enum, of enums without a name, or macros."""
        if kind == "#define":
            return set(re.findall(rf"^#define {prefix}(\w+)[ \t]+\S", self.all, re.M))
        bodies = re.findall(rf"enum\s+{enum}\s*\{{([^}}]*)\}}" if enum else r"enum\s*\{([^}]*)\}",
                            self.all)
        return set(re.findall(rf"\b{prefix}(\w+)\s*=", "".join(bodies)))


class Table:
    """One table of the document, and what stands before it."""

    def __init__(self, line, before, rows):
        self.line, self.before = line, before
        self.head, self.rows = rows[0], rows[2:]


def read_tables(text):
    """All tables."""
    lines, tables, row = text.split("\n"), [], 0
    while row < len(lines):
        end = row
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        if end - row > 2:
            before = [line for line in lines[max(0, row - 4):row] if line]
            cells = [[cell.strip() for cell in line.strip("|").split("|")]
                     for line in lines[row:end]]
            tables.append(Table(row + 1, before, cells))
        row = max(end, row + 1)
    return tables


def evaluate(compiler, root, expressions):
    """{expression: value} of C expressions; a complaint where they do not compile."""
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        (place / "gst").mkdir()
        (place / "gst/gst.h").write_text(STUB, encoding="utf-8")
        includes = "".join(f'#include "{root / name}"\n' for name in HEADERS)
        prints = "".join(f'\tprintf("%llu\\n", (unsigned long long)({expression}));\n'
                         for expression in expressions)
        (place / "values.c").write_text(
            f"#include <stdio.h>\n{includes}int main(void)\n{{\n{prints}\treturn 0;\n}}\n",
            encoding="utf-8")
        result = subprocess.run(
            [*compiler, "-std=c11", "-D_GNU_SOURCE", "-I", place, "-I", root / "lib",
             "-I", root / "lib/include", place / "values.c", "-o", place / "values"],
            capture_output=True, check=False, text=True)
        if result.returncode:
            return None, [f"the sources do not compile: {result.stderr}"]
        output = subprocess.run([place / "values"], capture_output=True, check=True, text=True)
    return dict(zip(expressions, map(int, output.stdout.split()))), []


def size_of(kind):
    """Bytes of a type of the document, or None."""
    match = re.fullmatch(r"(\w+?)(?:\[(\d+)\])?", kind)
    if not match or match.group(1) not in SIZES:
        return None
    return SIZES[match.group(1)] * int(match.group(2) or 1)


class Check:
    """Collects what the document claims, then compares it with what the compiler says."""

    def __init__(self, declared):
        self.declared = declared
        self.structs = declared.structs()
        self.complaints = []
        self.claims = []  # (line, expression, value)
        self.described = set()

    def complain(self, line, text):
        """Something is wrong at a line of the document."""
        self.complaints.append(f"{DOCUMENT}:{line}: {text}")

    def claim(self, line, expression, value):
        """The document says that a C expression has a value."""
        self.claims.append((line, expression, value))

    def describe(self, line, struct, size, fields):
        """fields: [(offset, type, name)]."""
        if struct not in self.structs:
            self.complain(line, f"struct {struct} is in no header")
            return
        self.described.add(struct)
        if size is not None:
            self.claim(line, f"sizeof(struct {struct})", size)
        known = self.structs[struct]
        for number, (offset, kind, name) in enumerate(fields):
            if name not in known:
                self.complain(line, f"struct {struct} has no field {name}")
                continue
            if known[name] != kind:
                self.complain(line, f"{struct}.{name} is {known[name]}, not {kind}")
            self.claim(line, f"offsetof(struct {struct}, {name})", offset)
            following = fields[number + 1][0] if number + 1 < len(fields) else size
            if following is not None and offset + (size_of(kind) or 0) > following:
                self.complain(line, f"{struct}.{name} reaches into what follows")
        for name in known:
            if name not in [field[2] for field in fields]:
                self.complain(line, f"struct {struct}: {name} is missing")

    def read_struct(self, table):
        """| offset | type | field |, after a caption."""
        captions = CAPTION.findall(" ".join(table.before))
        if not captions:
            self.complain(table.line, "whose offsets are these?")
            return
        struct, size = captions[-1]
        fields = [(int(row[0]), row[1], row[2].strip("`")) for row in table.rows]
        self.describe(table.line, struct, int(size), fields)

    def read_events(self, table):
        """| event | struct | fields |: one after the other."""
        for row in table.rows:
            if not row[1]:
                continue
            fields, offset = [], 0
            for field in row[2].split(", "):
                kind, name = field.split(" ")
                fields.append((offset, kind, name))
                offset += size_of(kind) or 0
            self.describe(table.line, row[1].strip("`"), offset, fields)

    def read_names(self, table, marker):
        """| number | name |, or | bit | name |."""
        kind, enum, prefix = marker
        names = self.declared.names(kind, enum, prefix)
        for row in table.rows:
            if row[1] not in names:
                self.complain(table.line, f"{prefix}{row[1]} is in no header")
                continue
            value = int(row[0])
            self.claim(table.line, prefix + row[1], 1 << value if table.head[0] == "bit" else value)
        for name in sorted(names - {row[1] for row in table.rows}):
            self.complain(table.line, f"{prefix}{name} is missing")

    def read(self, table):
        """Whatever it is."""
        marker = MARKER.fullmatch(table.before[-1]) if table.before else None
        if table.head[:3] == ["offset", "type", "field"]:
            self.read_struct(table)
        elif table.head[:3] == ["event", "struct", "fields"]:
            self.read_events(table)
        elif table.head[-1] == "in C":
            for row in table.rows:
                value = NUMBER.match(row[-2])
                if value:
                    self.claim(table.line, row[-1].strip("`"), int(value.group(1), 0))
                else:
                    self.complain(table.line, f"{row[-1]} has no number")
        elif marker:
            self.read_names(table, marker.groups())

    def compare(self, compiler, root):
        """All complaints."""
        for struct in sorted(set(self.structs) - self.described):
            self.complaints.append(f"{DOCUMENT}: struct {struct} is missing")
        if not self.claims:
            return [*self.complaints, f"{DOCUMENT}: no tables"]
        values, broken = evaluate(compiler, root, sorted({claim[1] for claim in self.claims}))
        if broken:
            return self.complaints + broken
        for line, expression, value in self.claims:
            if values[expression] != value:
                self.complain(line, f"{expression} is {values[expression]}, not {value}")
        return self.complaints


def check(compiler, root):
    """All complaints about the tree at root."""
    result = Check(Sources(root))
    for table in read_tables((root / DOCUMENT).read_text(encoding="utf-8")):
        result.read(table)
    return result.compare(compiler, root)


def real_tree(root):
    """{path: text} of what the check reads, and of what that includes."""
    paths = [*root.glob("lib/*.h"), *root.glob("lib/include/**/*.h"),
             *root.glob("gst/gsttachyonwire*.h"), root / DOCUMENT]
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}


# (what, file, old, new, in the complaint)
DOCTORED = [
    ("another offset", DOCUMENT, "| 392 | u64 |", "| 400 | u64 |", "space_target) is 392, not 400"),
    ("another type", DOCUMENT, "| u16 | `block`", "| u32 | `block`", "block is u16, not u32"),
    ("another sign", DOCUMENT, "| i32 | `code`", "| u32 | `code`", "code is i32, not u32"),
    ("another count", DOCUMENT, "u64[384]", "u64[383]", "generation is u64[384]"),
    ("another size", DOCUMENT, "`struct tach_hello`, 64 bytes", "`struct tach_hello`, 72 bytes",
     "sizeof(struct tach_hello) is 64, not 72"),
    ("a field less", DOCUMENT, "| 512 | u32 | `state`", "| 512 | u32 | `status`",
     "state is missing"),
    ("a field more", DOCUMENT, "| 512 | u32 | `state`", "| 512 | u32 | `status`",
     "has no field status"),
    ("a struct less", DOCUMENT, "`struct tach_wire_clock`, 16 bytes", "`struct clock`, 16 bytes",
     "struct tach_wire_clock is missing"),
    ("another message type", DOCUMENT, "| 8 | RETIRE |", "| 10 | RETIRE |",
     "TACH_WIRE_RETIRE is 8, not 10"),
    ("a message type more", DOCUMENT, "| 8 | RETIRE |", "| 8 | RETIREMENT |",
     "TACH_WIRE_RETIREMENT is in no header"),
    ("a message type less", DOCUMENT, "| 8 | RETIRE |", "| 8 | RETIREMENT |",
     "TACH_WIRE_RETIRE is missing"),
    ("another bit", DOCUMENT, "| 15 | SYNC_AFTER |", "| 14 | SYNC_AFTER |",
     "TACHYON_FRAME_SYNC_AFTER is 32768, not 16384"),
    ("another limit", DOCUMENT, "| 1073741824 |", "| 1073741823 |", "TACH_RING_SIZE_MAX"),
    ("another magic", DOCUMENT, "| 0x31304e4f59484354 | `TACH_MAGIC`",
     "| 0x32304e4f59484354 | `TACH_MAGIC`", "TACH_MAGIC is"),
    ("an event's field", DOCUMENT, "u64 timestamp, u64 duration, u32 flags",
     "u64 duration, u64 timestamp, u32 flags", "offsetof(struct gap_event"),
    ("another record", DOCUMENT, "| 66 | CROP |", "| 67 | CROP |", "RECORD_CROP is 66, not 67"),
    ("another layout", "lib/wire.h", "\tuint64_t pts;\n\tuint64_t duration;",
     "\tuint64_t duration;\n\tuint64_t pts;", "offsetof(struct tach_wire_frame, pts) is 32"),
    ("a field that nobody wrote down", "lib/layout.h", "\tuint32_t reserved1;",
     "\tuint32_t urgency;", "urgency is missing"),
    ("a message that nobody wrote down", "lib/wire.h", "\tTACH_WIRE_OUTLINE = 9,",
     "\tTACH_WIRE_OUTLINE = 9,\n\tTACH_WIRE_PAUSE = 10,", "TACH_WIRE_PAUSE is missing"),
    ("no tables", DOCUMENT, None, "Prose.\n", "no tables"),
]


def self_test(compiler, root):
    """Show that the real tree passes, and that each doctored copy fails."""
    good = real_tree(root)
    doctored, stale = [], []
    for what, path, old, new, expected in DOCTORED:
        if old is not None and old not in good[path]:
            stale.append(f"{what}: {path} has no {old!r} to doctor")
            continue
        text = new if old is None else good[path].replace(old, new, 1)
        doctored.append((what, {path: text}, expected))
    return sources.report(stale) or sources.self_test(
        lambda copy: check(compiler, copy), good, doctored)


def main():
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--cc", required=True, help="the C compiler, with its arguments")
    parser.add_argument("root", type=pathlib.Path)
    args = parser.parse_args()
    compiler, root = args.cc.split(), args.root.resolve()
    if args.self_test:
        return self_test(compiler, root)
    return sources.report(check(compiler, root))


if __name__ == "__main__":
    sys.exit(main())
