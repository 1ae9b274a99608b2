# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The sequence of README.md, for the driver and the endpoint in Python."""

import zlib

MESSAGE_MAX = 1 << 20
BUFFER_CAPS = "application/octet-stream"
FRAME_CAPS = "video/x-raw, format=I420, width=322, height=242, framerate=30000/1001"

# Of a picture: offset, stride, width and height of each plane, in bytes.
PLANES = ((0, 324, 322, 242), (78408, 164, 161, 121), (98252, 164, 161, 121))
PICTURE_SIZE = 118096
PIXELS = sum(width * height for _, _, width, height in PLANES)

_BOUNDARIES = (0, 1, 47, 48, 49, 63, 64, 65, 112, 4095, 4096, 4097, 65535, 65536, 65537,
               MESSAGE_MAX - 1, MESSAGE_MAX)
_MASK = (1 << 64) - 1


def _hash(x):
    x = x + 0x9E3779B97F4A7C15 & _MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31


# bytes: slices of it compare with memcmp().
PATTERN = b"".join(_hash((1 << 32) + k).to_bytes(8, "little") for k in range((2 << 20) // 8))


def message(number):
    """The content of message or buffer number."""
    h = _hash(number)
    lane = h & 1023
    choice = h >> 10 & (1 << 30) - 1
    if lane > 18:
        size = choice % 512
    elif lane > 0:
        size = _BOUNDARIES[choice % len(_BOUNDARIES)]
    else:
        size = choice % (MESSAGE_MAX + 1)
    offset = h >> 44
    return PATTERN[offset:offset + size]


def picture(number):
    """All pixels of frame number, row after row and plane after plane."""
    offset = _hash((1 << 33) + number) >> 44
    return PATTERN[offset:offset + PIXELS]


def pts(number):
    """The time of frame number, in nanoseconds."""
    return number * 100100000 // 3


def duration(number):
    """How long frame number is shown, in nanoseconds."""
    return pts(number + 1) - pts(number)


class Tally:
    """What an endpoint reports at its end."""

    def __init__(self):
        self.count = 0
        self.bytes = 0
        self.crc = 0

    def add(self, content):
        """Count one item."""
        self.crc = zlib.crc32(content, self.crc)
        self.bytes += len(content)
        self.count += 1

    def line(self, noun):
        """The report."""
        return f"{noun} {self.count} bytes {self.bytes} crc32 {self.crc:08x}"


def expected(noun, count):
    """The report that both ends must give."""
    tally = Tally()
    content = picture if noun == "frames" else message
    for number in range(count):
        tally.add(content(number))
    return tally.line(noun)
