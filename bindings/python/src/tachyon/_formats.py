# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What the bytes of a frame are: shapes, from caps and layout.

Formats and where their planes stand are as in GStreamer 1.22: GstVideoFormat, GstVideoInfo,
GstAudioFormat, GstAudioInfo. Caps, layout and size come from another process: whatever does not
hold, or would reach beyond the frame, is bytes.
"""

import struct
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, Optional

from tachyon._caps import Caps

# offset, format as in the struct module, shape, strides in bytes
Shape = tuple[int, str, tuple[int, ...], tuple[int, ...]]
# what the buffer protocol shows, or None for bytes; and planes
Description = tuple[Optional[Shape], tuple[Shape, ...]]

# width, height, offsets, strides
Layout = tuple[int, int, tuple[int, ...], tuple[int, ...]]

_NATIVE = "<H" if sys.byteorder == "little" else ">H"
_CHANNELS_MAX = 1024
_PALETTE_SIZE = 4 * 256

_ITEM_SIZE = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "d": 8}


def _item_size(item: str) -> int:
    return _ITEM_SIZE[item[-1]]


def _round_up(value: int, to: int) -> int:
    return (value + to - 1) // to * to


def _halve(value: int, times: int) -> int:
    """Rounded up, as a subsampled plane has one more for an odd one."""
    return -(-value >> times)


# --- video ---


class _Plane(NamedTuple):
    channels: int = 1
    # how often width and height are halved
    width_shift: int = 0
    height_shift: int = 0


class _Format(NamedTuple):
    item: str
    planes: tuple[_Plane, ...]
    # pixels share bytes with their neighbour: lines are a whole number of pairs
    in_pairs: bool = False
    # planes have room for an even number of lines
    even_lines: bool = False
    # two fields that take turns have as many lines each, also in subsampled planes
    even_fields: bool = True
    # the last plane is a palette
    has_palette: bool = False


def _packed_formats() -> Iterator[tuple[str, _Format]]:
    for name in ("RGB", "BGR", "v308", "IYU2"):
        yield name, _Format("B", (_Plane(3),))
    for name in ("RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "AYUV", "VUYA"):
        yield name, _Format("B", (_Plane(4),))
    for name in ("YUY2", "UYVY", "YVYU", "VYUY"):
        yield name, _Format("B", (_Plane(2),), in_pairs=True)
    yield "GRAY8", _Format("B", (_Plane(),))
    for name in ("RGB15", "BGR15", "RGB16", "BGR16"):
        yield name, _Format(_NATIVE, (_Plane(),))
    for name in ("ARGB64", "AYUV64"):
        yield name, _Format(_NATIVE, (_Plane(4),))
    for suffix, item in (("_LE", "<H"), ("_BE", ">H")):
        yield "GRAY16" + suffix, _Format(item, (_Plane(),))
        for name in ("ARGB64", "RGBA64", "BGRA64", "ABGR64", "Y412"):
            yield name + suffix, _Format(item, (_Plane(4),))
        yield "Y212" + suffix, _Format(item, (_Plane(2),), in_pairs=True)
    for name in ("Y210", "v216"):
        yield name, _Format("<H", (_Plane(2),), in_pairs=True)
    # A pixel is a word, whose bits numpy's shifts take apart.
    for name in ("RGB10A2_LE", "BGR10A2_LE", "Y410"):
        yield name, _Format("<I", (_Plane(),))
    yield "r210", _Format(">I", (_Plane(),))


def _planar_formats() -> Iterator[tuple[str, _Format]]:
    full, half, quarter = _Plane(), _Plane(1, 1, 1), _Plane(1, 2, 2)
    for name in ("I420", "YV12"):
        yield name, _Format("B", (full, half, half), even_lines=True)
    yield "A420", _Format("B", (full, half, half, full), even_lines=True)
    for name in ("YUV9", "YVU9"):
        yield name, _Format("B", (full, quarter, quarter))
    yield "Y42B", _Format("B", (full, _Plane(1, 1), _Plane(1, 1)))
    yield "Y41B", _Format("B", (full, _Plane(1, 2), _Plane(1, 2)))
    for name in ("Y444", "GBR", "RGBP", "BGRP"):
        yield name, _Format("B", (full,) * 3)
    yield "GBRA", _Format("B", (full,) * 4)
    yield "RGB8P", _Format("B", (full, _Plane(4)), has_palette=True)


def _deep_planar_formats() -> Iterator[tuple[str, _Format]]:
    full, half, wide = _Plane(), _Plane(1, 1, 1), _Plane(1, 1)
    for order, item in (("LE", "<H"), ("BE", ">H")):
        for bits in ("10", "12"):
            yield f"I420_{bits}{order}", _Format(item, (full, half, half), even_lines=True)
            yield f"I422_{bits}{order}", _Format(item, (full, wide, wide), even_lines=True)
            yield f"GBR_{bits}{order}", _Format(item, (full,) * 3)
            yield f"GBRA_{bits}{order}", _Format(item, (full,) * 4)
        for bits in ("10", "12", "16"):
            yield f"Y444_{bits}{order}", _Format(item, (full,) * 3)
        yield f"A420_10{order}", _Format(item, (full, half, half, full), even_lines=True)
        yield f"A422_10{order}", _Format(item, (full, wide, wide, full), even_lines=True)
        yield f"A444_10{order}", _Format(item, (full,) * 4)


def _semi_planar_formats() -> Iterator[tuple[str, _Format]]:
    full, half = _Plane(), _Plane(2, 1, 1)
    for name in ("NV12", "NV21"):
        yield name, _Format("B", (full, half), even_lines=True)
    for name in ("NV16", "NV61"):
        yield name, _Format("B", (full, _Plane(2, 1)))
    yield "NV24", _Format("B", (full, _Plane(2)))
    yield "AV12", _Format("B", (full, half, full), even_lines=True, even_fields=False)
    for order, item in (("LE", "<H"), ("BE", ">H")):
        for name in ("P010_10", "P012_", "P016_"):
            yield name + order, _Format(item, (full, half), even_lines=True, even_fields=False)


_FORMATS = {
    **dict(_packed_formats()),
    **dict(_planar_formats()),
    **dict(_deep_planar_formats()),
    **dict(_semi_planar_formats()),
}

class _Picture(NamedTuple):
    format: str
    width: int
    lines: int  # in a buffer
    is_interlaced: bool
    is_field: bool


def _picture(caps: Caps) -> Optional[_Picture]:
    if caps.media_type != "video/x-raw":
        return None
    name, width, height = caps.get("format"), caps.get("width"), caps.get("height")
    if not (isinstance(name, str) and type(width) is int and type(height) is int):
        return None
    if width < 1 or height < 1:
        return None
    mode = caps.get("interlace-mode", "progressive")
    is_field = mode == "alternate"
    lines = _halve(height, 1) if is_field else height
    return _Picture(name, width, lines, mode != "progressive", is_field)


def _luma_and_chroma(picture: _Picture) -> int:
    """Lines of both planes of a picture in 4:2:0."""
    chroma = _halve(picture.lines, 1)
    return _round_up(picture.lines, 2) + _round_up(chroma, 2 if picture.is_interlaced else 1)


# Pixels that share bytes otherwise are bytes; how many is known. Tiles are not.
_BYTES_OF: dict[str, Callable[[_Picture], int]] = {
    "IYU1": lambda p: _round_up(_round_up(p.width, 4) * 3 // 2, 4) * p.lines,
    "UYVP": lambda p: _round_up((p.width * 10 + 3) // 4, 4) * p.lines,
    "v210": lambda p: (p.width + 47) // 48 * 128 * p.lines,
    "GRAY10_LE32": lambda p: (p.width + 2) // 3 * 4 * _round_up(p.lines, 2),
    "NV12_10LE32": lambda p: (p.width + 2) // 3 * 4 * _luma_and_chroma(p),
    "NV16_10LE32": lambda p: (p.width + 2) // 3 * 4 * p.lines * 2,
    "NV12_10LE40": lambda p: (p.width * 5 // 4 + 4) // 5 * 5 * _luma_and_chroma(p),
}


class _Place(NamedTuple):
    offset: int
    stride: int
    lines: int  # that there is room for


def _default_places(format_: _Format, picture: _Picture) -> list[_Place]:
    """Where GStreamer puts planes if nobody says otherwise."""
    item_size = _item_size(format_.item)
    lines = _round_up(picture.lines, 2) if format_.even_lines else picture.lines
    width = _round_up(picture.width, 2) if format_.in_pairs else picture.width
    places = []
    offset = 0
    for plane in format_.planes:
        stride = _round_up(_halve(width, plane.width_shift) * plane.channels * item_size, 4)
        room = _halve(lines, plane.height_shift)
        if plane.height_shift and format_.even_fields and picture.is_interlaced:
            room = _round_up(room, 2)
        places.append(_Place(offset, stride, room))
        offset += stride * room
    if format_.has_palette:
        places[-1] = _Place(places[-1].offset, 4, 256)
    return places


def _told_places(
    format_: _Format, picture: _Picture, layout: Optional[Layout]
) -> Optional[list[_Place]]:
    """Where a layout puts planes, None where it is not of such pictures."""
    if layout is None or format_.has_palette:
        return None
    layout_width, layout_height, offsets, strides = layout
    lines = _halve(layout_height, 1) if picture.is_field else layout_height
    if not len(offsets) == len(strides) == len(format_.planes):
        return None
    if layout_width < picture.width or lines < picture.lines:
        return None
    places = []
    for plane, offset, stride in zip(format_.planes, offsets, strides):
        pixels = _halve(picture.width, plane.width_shift)
        if abs(stride) < pixels * plane.channels * _item_size(format_.item):
            return None
        places.append(_Place(offset, stride, _halve(picture.lines, plane.height_shift)))
    return places


def _plane_shape(format_: _Format, picture: _Picture, plane: _Plane, place: _Place) -> Shape:
    item_size = _item_size(format_.item)
    if format_.has_palette and plane.channels == 4:
        return place.offset, "B", (256, 4), (4, 1)
    lines = _halve(picture.lines, plane.height_shift)
    pixels = _halve(picture.width, plane.width_shift)
    # One plane is height x width x channels, also where there is one channel.
    if plane.channels == 1 and len(format_.planes) > 1:
        return place.offset, format_.item, (lines, pixels), (place.stride, item_size)
    shape = (lines, pixels, plane.channels)
    strides = (place.stride, plane.channels * item_size, item_size)
    return place.offset, format_.item, shape, strides


def _is_inside(shape: Shape, size: int) -> bool:
    low, item, lengths, strides = shape
    high = low + _item_size(item)
    if 0 in lengths:
        return 0 <= low <= size
    for length, stride in zip(lengths, strides):
        low += min(0, (length - 1) * stride)
        high += max(0, (length - 1) * stride)
    return 0 <= low and high <= size


def _planes_at(
    format_: _Format, picture: _Picture, places: list[_Place], size: int
) -> Optional[tuple[Shape, ...]]:
    shapes = tuple(
        _plane_shape(format_, picture, plane, place)
        for plane, place in zip(format_.planes, places)
    )
    return shapes if all(_is_inside(shape, size) for shape in shapes) else None


def _describe_video(caps: Caps, layout: Optional[Layout], size: int) -> Optional[Description]:
    picture = _picture(caps)
    format_ = _FORMATS.get(picture.format) if picture else None
    if not picture or not format_:
        return None
    # A layout stays in force over a change of caps: one that does not fit is of other pictures.
    told = _told_places(format_, picture, layout)
    planes = _planes_at(format_, picture, told, size) if told else None
    if not planes:
        planes = _planes_at(format_, picture, _default_places(format_, picture), size)
    if not planes:
        return None, ()
    return (planes[0] if len(planes) == 1 else None), planes


# --- audio ---


def _audio_formats() -> Iterator[tuple[str, tuple[str, int]]]:
    yield "S8", ("b", 1)
    yield "U8", ("B", 1)
    for suffix, order in (("LE", "<"), ("BE", ">")):
        for bits, letter in (("16", "h"), ("24_32", "i"), ("32", "i")):
            yield f"S{bits}{suffix}", (order + letter, 1)
            yield f"U{bits}{suffix}", (order + letter.upper(), 1)
        for bits in ("24", "20", "18"):
            yield f"S{bits}{suffix}", ("B", 3)
            yield f"U{bits}{suffix}", ("B", 3)
        yield f"F32{suffix}", (order + "f", 1)
        yield f"F64{suffix}", (order + "d", 1)


# what a sample is, and how many of it: three bytes are no type of their own
_AUDIO_FORMATS = dict(_audio_formats())

# PROTOCOL.md 8, struct audio_record: format, flags, layout, rate, channels, reserved, samples
_AUDIO_RECORD = struct.Struct("=6IQ256x")
_NON_INTERLEAVED = 1


def _read_record(record: Optional[bytes], channels: int) -> Optional[tuple[int, list[int]]]:
    """Samples a channel, and where each channel stands."""
    if record is None or len(record) < _AUDIO_RECORD.size + 8 * channels:
        return None
    _, _, layout, _, record_channels, _, samples = _AUDIO_RECORD.unpack_from(record)
    if layout != _NON_INTERLEAVED or record_channels != channels:
        return None
    return samples, list(struct.unpack_from(f"={channels}Q", record, _AUDIO_RECORD.size))


def _with_parts(shape: Shape, parts: int) -> Shape:
    """One more dimension where a sample is several items."""
    offset, item, lengths, strides = shape
    if parts == 1:
        return shape
    return offset, item, (*lengths, parts), (*strides, _item_size(item))


def _describe_channels(
    item: str, parts: int, samples: int, offsets: list[int], size: int
) -> Optional[Description]:
    sample_size = parts * _item_size(item)
    planes = tuple(
        _with_parts((offset, item, (samples,), (sample_size,)), parts) for offset in offsets
    )
    if not all(_is_inside(plane, size) for plane in planes):
        return None
    step = offsets[1] - offsets[0] if len(offsets) > 1 else samples * sample_size
    if any(offset != offsets[0] + index * step for index, offset in enumerate(offsets)):
        return None, planes
    whole = (offsets[0], item, (samples, len(offsets)), (sample_size, step))
    return _with_parts(whole, parts), planes


def _describe_non_interleaved(
    item: str, parts: int, channels: int, size: int, record: Optional[bytes]
) -> Optional[Description]:
    told = _read_record(record, channels)
    if told:
        description = _describe_channels(item, parts, *told, size)
        if description:
            return description
    samples, rest = divmod(size, channels * parts * _item_size(item))
    if rest:
        return None
    offsets = [index * samples * parts * _item_size(item) for index in range(channels)]
    return _describe_channels(item, parts, samples, offsets, size)


def _describe_interleaved(item: str, parts: int, channels: int, samples: int) -> Description:
    size = parts * _item_size(item)
    whole = _with_parts((0, item, (samples, channels), (channels * size, size)), parts)
    return whole, (whole,)


def _describe_audio(caps: Caps, size: int, record: Optional[bytes]) -> Optional[Description]:
    known = _AUDIO_FORMATS.get(str(caps.get("format")))
    channels = caps.get("channels")
    if not known or type(channels) is not int or not 1 <= channels <= _CHANNELS_MAX:
        return None
    item, parts = known
    if caps.get("layout") == "non-interleaved":
        return _describe_non_interleaved(item, parts, channels, size, record) or (None, ())
    samples, rest = divmod(size, channels * parts * _item_size(item))
    return (None, ()) if rest else _describe_interleaved(item, parts, channels, samples)


# --- what the extension calls ---


def _describe(
    caps: Caps, layout: Optional[Layout], size: int, record: Optional[bytes]
) -> Optional[Description]:
    if caps.media_type == "video/x-raw":
        return _describe_video(caps, layout, size)
    if caps.media_type == "audio/x-raw":
        return _describe_audio(caps, size, record)
    return None


# Audio takes turns between a few sizes.
_describe_again = lru_cache(maxsize=64)(_describe)

# Caps of raw media are short. What is long is not read, nor kept.
_LENGTH_MAX = 16384


def describe(
    caps: Caps, layout: Optional[Layout], size: int, record: Optional[bytes] = None
) -> Optional[Description]:
    """The shape of a frame of size bytes, and its planes'.

    None: bytes, whatever the size. No planes: bytes, because of the size. record: the content of
    the frame's AUDIO record.
    """
    if len(caps) > _LENGTH_MAX:
        return None
    if record and len(record) > _LENGTH_MAX:
        record = None
    try:
        return _describe_again(caps, layout, size, record)
    except ValueError:  # caps that can't be read
        return None


def frame_size(caps: Caps, layout: Optional[Layout] = None) -> Optional[int]:
    """Bytes of a raw picture, None where it is none or they are not known."""
    try:
        picture = _picture(caps)
    except ValueError:  # caps that can't be read
        return None
    if not picture:
        return None
    if picture.format in _BYTES_OF:
        return _BYTES_OF[picture.format](picture)
    format_ = _FORMATS.get(picture.format)
    if not format_:
        return None
    places = _told_places(format_, picture, layout) or _default_places(format_, picture)
    return max(
        place.offset + (place.stride * place.lines if place.stride > 0 else -place.stride)
        for place in places
    )
