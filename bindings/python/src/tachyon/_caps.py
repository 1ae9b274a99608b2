# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Caps: what frames are, in GStreamer's words.

The text comes from another process. It is read once, when something in it is first asked for, in
time that grows with its length alone.
"""

import re
from fractions import Fraction
from typing import Any, NamedTuple, Union

__all__ = ["Caps"]

# Caps with a codec's headers in them are some KiB. A publisher may send 16 MiB.
_LENGTH_MAX = 1 << 20

_HEAD = re.compile(r"\s*([A-Za-z][\w/.:+-]*)(?:\(([^()]*)\))?\s*(?=[,;]|$)", re.ASCII)
_FIELD = re.compile(r"\s*([\w/.:+-]+)\s*=\s*(?:\(([^()]*)\)\s*)?", re.ASCII)
_END = re.compile(r"\s*;?\s*$")
_MARK = re.compile(r'\\.|["{}\[\]<>(),;]', re.DOTALL)
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-3][0-7][0-7])|\\(.)", re.DOTALL)

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,4})?")
_RATIO = re.compile(r"([-+]?[0-9]{1,10})/([0-9]{1,10})")
_INFINITE = {"inf", "+inf", "-inf", "nan"}
_TRUE = {"true", "yes", "t"}
_FALSE = {"false", "no", "f"}

# GStreamer's names and abbreviations, and GLib's own.
_INTEGERS = {"int", "i", "uint", "u", "gint", "guint", "int64", "uint64", "gint64", "guint64"}
_FLOATS = {"double", "d", "gdouble", "float", "f", "gfloat"}
_FRACTIONS = {"fraction", "GstFraction"}
_BOOLEANS = {"boolean", "bool", "b", "gboolean"}
_STRINGS = {"string", "str", "s", "gchararray"}

Value = Union[int, float, str, bool, Fraction]


class _Structure(NamedTuple):
    media_type: str
    features: tuple[str, ...]
    fields: dict[str, Value]


def _end_of_string(text: str, start: int) -> int:
    for mark in _QUOTE.finditer(text, start + 1):
        if mark.group() == '"':
            return mark.end()
    raise ValueError("a quote that is never closed")


def _end_of_value(text: str, start: int) -> int:
    """Where the comma or semicolon behind a value stands. What is nested is skipped over."""
    position = start
    depth = 0
    while mark := _MARK.search(text, position):
        position = mark.end()
        found = mark.group()
        if found == '"':
            position = _end_of_string(text, mark.start())
        elif found in "{[<(":
            depth += 1
        elif found in "}]>)":
            depth -= 1
            if depth < 0:
                raise ValueError(f"{found!r} without its other half")
        elif found in ",;" and depth == 0:
            return mark.start()
    if depth > 0:
        raise ValueError("a bracket that is never closed")
    return len(text)


def _unescape(mark: "re.Match[bytes]") -> bytes:
    return bytes([int(mark[1], 8)]) if mark[1] else mark[2]


def _to_string(text: str) -> str:
    if text.startswith('"'):
        text = text[1:-1]
    if "\\" not in text:
        return text
    # GStreamer escapes the bytes of UTF-8, each for itself.
    return _ESCAPE.sub(_unescape, text.encode(errors="surrogatepass")).decode(errors="replace")


def _to_integer(text: str) -> Value:
    if not _INTEGER.fullmatch(text):
        return text
    digits = text.lstrip("+-")
    if digits[:2] in ("0x", "0X"):
        return int(text, 16)
    try:
        return int(text, 8 if digits[0] == "0" else 10)
    except ValueError:  # 089
        return text


def _to_float(text: str) -> Value:
    return float(text) if _NUMBER.fullmatch(text) or text in _INFINITE else text


def _to_fraction(text: str) -> Value:
    ratio = _RATIO.fullmatch(text)
    if ratio and int(ratio[2]) != 0:
        return Fraction(int(ratio[1]), int(ratio[2]))
    whole = _to_integer(text)
    return Fraction(whole) if isinstance(whole, int) else text


def _to_boolean(text: str) -> Value:
    word = text.lower()
    if word in _TRUE or word == "1":
        return True
    return False if word in _FALSE or word == "0" else text


def _guess(text: str) -> Value:
    """A value without a type: what GStreamer tries, in its order."""
    if text.startswith('"'):
        return _to_string(text)
    for convert in (_to_integer, _to_float, _to_fraction):
        value = convert(text)
        if not isinstance(value, str):
            return value
    return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else _to_string(text)


def _to_value(kind: Union[str, None], text: str) -> Value:
    if text[:1] in ("{", "[", "<"):
        return text
    if kind is None:
        return _guess(text)
    kind = kind.strip()
    if kind in _STRINGS:
        return _to_string(text)
    if kind in _INTEGERS:
        return _to_integer(text)
    if kind in _FLOATS:
        return _to_float(text)
    if kind in _FRACTIONS:
        return _to_fraction(text)
    if kind in _BOOLEANS:
        return _to_boolean(text)
    return text


def _parse(text: str) -> _Structure:
    if len(text) > _LENGTH_MAX:
        raise ValueError(f"{len(text)} characters")
    head = _HEAD.match(text)
    if not head or head[1] in ("ANY", "EMPTY", "NONE"):
        raise ValueError("no media type")
    features = tuple(part.strip() for part in head[2].split(",")) if head[2] else ()
    fields: dict[str, Value] = {}
    position = head.end()
    while not _END.match(text, position):
        if text[position] == ";":
            raise ValueError("more than one structure")
        field = _FIELD.match(text, position + 1)
        if field:
            position = _end_of_value(text, field.end())
            fields[field[1]] = _to_value(field[2], text[field.end() : position].strip())
        elif _END.match(text, position + 1):  # a comma at the end
            break
        else:
            raise ValueError(f"no field at {text[position + 1 : position + 21]!r}")
    return _Structure(head[1], features, fields)


class Caps(str):
    """A media type and its fields, such as ``video/x-raw, format=(string)RGB, width=(int)640``.

    A str, as it came. ``caps["width"]`` is an int, fractions are fractions.Fraction, and so on;
    lists, ranges and types that Python lacks are their text. What can't be read as one structure is
    still a text; asking for something in it is a ValueError.
    """

    _parsed: Union[_Structure, str]

    def _structure(self) -> _Structure:
        try:
            parsed = self._parsed
        except AttributeError:
            try:
                parsed = _parse(self)
            except ValueError as error:
                parsed = f"not caps of one structure: {error}"
            self._parsed = parsed
        if isinstance(parsed, str):
            raise ValueError(parsed)
        return parsed

    @property
    def media_type(self) -> str:
        """Such as "video/x-raw"."""
        return self._structure().media_type

    @property
    def features(self) -> tuple[str, ...]:
        """Such as ("memory:GLMemory",)."""
        return self._structure().features

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._structure().fields[key]
        return super().__getitem__(key)

    def get(self, name: str, default: Any = None) -> Any:
        """The field's value, or default where there is no such field."""
        return self._structure().fields.get(name, default)
