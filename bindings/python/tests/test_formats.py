# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Shapes from caps: as GStreamer lays frames out, and never beyond the frame."""

import random
import struct

import pytest

from tachyon._caps import Caps
from tachyon._formats import _BYTES_OF, _FORMATS, describe, frame_size

SIZES = [(1, 1), (2, 2), (3, 5), (7, 5), (8, 8), (13, 9), (33, 31), (47, 3), (322, 242), (1920, 1080)]


def video(format_, width, height, mode=None):
    features = "(format:Interlaced)" if mode == "alternate" else ""
    more = f", interlace-mode={mode}" if mode else ""
    return Caps(f"video/x-raw{features}, format={format_}, width={width}, height={height}{more}")


def audio(format_, channels, layout="interleaved"):
    return Caps(f"audio/x-raw, format={format_}, channels={channels}, layout={layout}, rate=48000")


def extent(shape):
    """The first byte that a shape reaches, and the one behind the last."""
    low, item, lengths, strides = shape
    high = low + struct.calcsize(item)
    for length, stride in zip(lengths, strides):
        low += min(0, (length - 1) * stride)
        high += max(0, (length - 1) * stride)
    return low, high


# --- video, compared with GStreamer ---


@pytest.fixture(scope="module")
def gst_video():
    gi = pytest.importorskip("gi", reason="PyGObject is not installed")
    try:
        gi.require_version("Gst", "1.0")
        gi.require_version("GstVideo", "1.0")
    except ValueError as error:
        pytest.skip(f"GStreamer's introspection data is not installed: {error}")
    from gi.repository import Gst, GstVideo

    Gst.init(None)
    return GstVideo


def gst_info(gst_video, caps):
    from gi.repository import Gst

    parsed = Gst.Caps.from_string(str(caps))
    info = gst_video.VideoInfo.new_from_caps(parsed)
    assert info is not None, caps
    return info


def gst_plane_pixels(info, plane):
    """Lines, pixels and components of a plane, from what GStreamer knows of its components."""
    finfo = info.finfo
    mine = [c for c in range(finfo.n_components) if finfo.plane[c] == plane]
    height = info.height
    if info.interlace_mode == 4:  # alternate
        height = (height + 1) // 2
    lines = -(-height >> finfo.h_sub[mine[0]])
    pixels = max(-(-info.width >> finfo.w_sub[c]) for c in mine)
    return lines, pixels, len(mine)


@pytest.mark.parametrize("mode", [None, "interleaved", "alternate"])
@pytest.mark.parametrize("name", sorted(_FORMATS))
def test_planes_stand_where_gstreamer_puts_them(gst_video, name, mode):
    for width, height in SIZES:
        caps = video(name, width, height, mode)
        info = gst_info(gst_video, caps)
        whole, planes = describe(caps, None, info.size)

        count = info.finfo.n_planes
        assert len(planes) == count
        assert [plane[0] for plane in planes] == list(info.offset[:count]), (width, height)
        assert [plane[3][0] for plane in planes] == list(info.stride[:count]), (width, height)
        assert frame_size(caps) == info.size, (width, height)
        assert whole == (planes[0] if count == 1 else None)


@pytest.mark.parametrize("name", sorted(set(_FORMATS) - {"RGB8P"}))
def test_planes_have_the_pixels_that_gstreamer_counts(gst_video, name):
    for width, height in SIZES:
        info = gst_info(gst_video, video(name, width, height))
        _, planes = describe(video(name, width, height), None, info.size)
        for index, (_, item, shape, _) in enumerate(planes):
            lines, pixels, _ = gst_plane_pixels(info, index)
            assert shape[:2] == (lines, pixels), (width, height, index)


@pytest.mark.parametrize("name", sorted(set(_FORMATS) - {"RGB8P"}))
def test_items_are_as_wide_as_gstreamer_says(gst_video, name):
    finfo = gst_info(gst_video, video(name, 16, 16)).finfo
    _, planes = describe(video(name, 16, 16), None, 1 << 20)
    for plane, (_, item, shape, strides) in enumerate(planes):
        first = [c for c in range(finfo.n_components) if finfo.plane[c] == plane][0]
        pixel = finfo.pixel_stride[first] >> (1 if len(planes) == 1 and finfo.w_sub[first] else 0)
        channels = shape[2] if len(shape) == 3 else 1
        assert struct.calcsize(item) * channels == pixel
        assert strides[1] == pixel
        if struct.calcsize(item) > 1:
            is_little = bool(finfo.flags & 16)
            # GStreamer leaves the flag out where the name or the manual says it all.
            if name not in ("Y210", "v216", "Y410"):
                assert item.startswith("<" if is_little else ">")


@pytest.mark.parametrize("mode", [None, "interleaved", "alternate"])
@pytest.mark.parametrize("name", sorted(_BYTES_OF))
def test_the_size_of_pictures_that_are_bytes_is_known(gst_video, name, mode):
    for width, height in SIZES:
        caps = video(name, width, height, mode)
        assert frame_size(caps) == gst_info(gst_video, caps).size, (width, height)
        assert describe(caps, None, frame_size(caps)) is None


def test_no_format_of_gstreamer_is_forgotten(gst_video):
    from gi.repository import Gst

    tiled = {"NV12_64Z32", "NV12_4L4", "NV12_32L32", "NV12_16L32S", "NV12_8L128", "NV12_10BE_8L128"}
    if Gst.version() >= (1, 24):
        pytest.skip("this GStreamer has formats that 1.22 lacks")
    formats = gst_video.video_formats_raw() if hasattr(gst_video, "video_formats_raw") else None
    if formats is None:
        pytest.skip("this GStreamer does not list its formats")
    names = {gst_video.VideoFormat.to_string(format_) for format_ in formats}
    assert names - tiled == set(_FORMATS) | set(_BYTES_OF)


# --- video, by hand ---


def test_packed_video_is_height_width_channels():
    caps = video("RGB", 322, 242)
    whole, planes = describe(caps, None, 968 * 242)
    assert whole == (0, "B", (242, 322, 3), (968, 3, 1))
    assert planes == (whole,)


def test_gray_has_one_channel():
    whole, _ = describe(video("GRAY8", 5, 4), None, 32)
    assert whole == (0, "B", (4, 5, 1), (8, 1, 1))


def test_planar_video_is_bytes_with_planes():
    whole, planes = describe(video("I420", 7, 5), None, 72)
    assert whole is None
    assert planes == (
        (0, "B", (5, 7), (8, 1)),
        (48, "B", (3, 4), (4, 1)),
        (60, "B", (3, 4), (4, 1)),
    )


def test_chroma_of_nv12_is_pairs():
    _, planes = describe(video("NV12", 7, 5), None, 72)
    assert planes[1] == (48, "B", (3, 4, 2), (8, 2, 1))


def test_a_layout_says_where_planes_stand():
    caps = video("NV12", 320, 240)
    layout = (320, 240, (64, 100000), (512, 512))
    _, planes = describe(caps, layout, 100000 + 512 * 120)
    assert [(plane[0], plane[3][0]) for plane in planes] == [(64, 512), (100000, 512)]
    assert frame_size(caps, layout) == 100000 + 512 * 120


def test_a_picture_may_be_upside_down():
    caps = video("RGBA", 4, 3)
    whole, _ = describe(caps, (4, 3, (32,), (-16,)), 48)
    assert whole == (32, "B", (3, 4, 4), (-16, 4, 1))
    assert extent(whole) == (0, 48)


@pytest.mark.parametrize(
    "layout",
    [
        (4, 3, (0, 0), (20, 20)),  # two planes
        (4, 3, (0,), (20, 20)),
        (3, 3, (0,), (20,)),  # a smaller picture
        (4, 2, (0,), (20,)),
        (4, 3, (0,), (15,)),  # lines that overlap
        (4, 3, (9,), (20,)),  # beyond the end
        (4, 3, (0,), (-20,)),  # before the start
        (4, 3, (2**63,), (20,)),
        (4, 3, (0,), (2**31 - 1,)),
    ],
)
def test_a_layout_of_another_picture_is_left_out(layout):
    assert describe(video("RGBA", 4, 3), (4, 3, (8,), (20,)), 64)[0][0] == 8
    whole, _ = describe(video("RGBA", 4, 3), layout, 64)
    assert whole == (0, "B", (3, 4, 4), (16, 4, 1))


def test_a_frame_that_is_too_small_is_bytes():
    assert describe(video("RGB", 322, 242), None, 968 * 241 + 965) == (None, ())
    assert describe(video("RGB", 322, 242), None, 968 * 241 + 966)[0] is not None


@pytest.mark.parametrize(
    "caps",
    [
        "video/x-h264, width=4, height=3",
        "video/x-raw, format=NV12_64Z32, width=4, height=3",
        "video/x-raw, format=no-such, width=4, height=3",
        "video/x-raw, format=RGBA, width=4",
        "video/x-raw, format=RGBA, width=0, height=3",
        "video/x-raw, format=RGBA, width=-4, height=3",
        "video/x-raw, format=RGBA, width=(string)4, height=3",
        "video/x-raw, format={ RGBA, RGB }, width=4, height=3",
        "video/x-raw, format=RGBA, width=true, height=3",
        "audio/x-raw, format=S16LE, layout=interleaved",
        "audio/x-raw, format=S16LE, layout=interleaved, channels=0",
        "audio/x-raw, format=S16LE, layout=interleaved, channels=100000",
        "audio/x-alaw, channels=1",
        "ANY",
        "",
        '"',
    ],
)
def test_whatever_is_not_known_is_bytes_at_any_size(caps):
    assert describe(Caps(caps), None, 48) is None
    assert frame_size(Caps(caps)) is None


# --- audio ---


def test_interleaved_audio_is_samples_by_channels():
    whole, planes = describe(audio("S16LE", 2), None, 400)
    assert whole == (0, "<h", (100, 2), (4, 2))
    assert planes == (whole,)


def test_three_byte_samples_are_three_bytes():
    whole, _ = describe(audio("S24BE", 2), None, 600)
    assert whole == (0, "B", (100, 2, 3), (6, 3, 1))


def test_non_interleaved_audio_has_a_plane_a_channel():
    whole, planes = describe(audio("F32LE", 2, "non-interleaved"), None, 800)
    assert whole == (0, "<f", (100, 2), (4, 400))
    assert planes == ((0, "<f", (100,), (4,)), (400, "<f", (100,), (4,)))


def audio_record(channels, samples, offsets, layout=1):
    return struct.pack(
        f"=6IQ256x{len(offsets)}Q", 0, 0, layout, 48000, channels, 0, samples, *offsets
    )


def test_a_record_says_where_channels_stand():
    caps = audio("F32LE", 2, "non-interleaved")
    whole, planes = describe(caps, None, 1025, audio_record(2, 100, (0, 512)))
    assert whole == (0, "<f", (100, 2), (4, 512))
    assert [plane[0] for plane in planes] == [0, 512]


def test_channels_out_of_line_are_planes_alone():
    caps = audio("U8", 3, "non-interleaved")
    whole, planes = describe(caps, None, 40, audio_record(3, 10, (0, 30, 10)))
    assert whole is None
    assert [plane[0] for plane in planes] == [0, 30, 10]


@pytest.mark.parametrize(
    "record",
    [
        b"",
        audio_record(2, 100, (0,)),
        audio_record(3, 100, (0, 400, 0)),
        audio_record(2, 100, (0, 401)),
        audio_record(2, 2**64 - 1, (0, 400)),
        audio_record(2, 100, (0, 2**64 - 1)),
        audio_record(2, 100, (0, 200), layout=0),
    ],
)
def test_a_record_that_does_not_hold_is_left_out(record):
    whole, _ = describe(audio("F32LE", 2, "non-interleaved"), None, 800, record)
    assert whole == (0, "<f", (100, 2), (4, 400))


def test_part_of_a_sample_makes_bytes():
    assert describe(audio("S16LE", 2), None, 401) == (None, ())
    assert describe(audio("S16LE", 2, "non-interleaved"), None, 401) == (None, ())


def test_no_samples_are_an_empty_array():
    assert describe(audio("S16LE", 2), None, 0)[0] == (0, "<h", (0, 2), (4, 2))


@pytest.mark.parametrize(
    "name",
    [
        f"{sign}{bits}{order}"
        for sign in "SU"
        for bits in ("16", "18", "20", "24", "24_32", "32")
        for order in ("LE", "BE")
    ]
    + ["S8", "U8", "F32LE", "F32BE", "F64LE", "F64BE"],
)
def test_audio_formats_are_as_gstreamer_has_them(name):
    gi = pytest.importorskip("gi", reason="PyGObject is not installed")
    try:
        gi.require_version("GstAudio", "1.0")
    except ValueError as error:
        pytest.skip(f"GStreamer's introspection data is not installed: {error}")
    from gi.repository import Gst, GstAudio

    Gst.init(None)
    info = GstAudio.AudioInfo.new_from_caps(Gst.Caps.from_string(str(audio(name, 2))))
    whole, _ = describe(audio(name, 2), None, info.bpf * 10)
    assert whole[2][:2] == (10, 2)
    assert whole[3][0] == info.bpf
    item = whole[1]
    if len(whole[2]) == 2:
        flags = info.finfo.flags
        assert struct.calcsize(item) * 8 == info.finfo.width
        assert (item[-1] in "fd") == bool(flags & 2)  # GST_AUDIO_FORMAT_FLAG_FLOAT
        assert item[-1].islower() == bool(flags & (2 | 4))  # …_SIGNED
        if info.finfo.width > 8:
            assert item[0] == ("<" if info.finfo.endianness == 1234 else ">")


# --- whatever comes ---


def test_nothing_reaches_beyond_the_frame():
    numbers = [0, 1, 2, 3, 15, 16, 17, 100, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
    dice = random.Random(0)
    names = sorted(_FORMATS)
    shaped = 0
    for _ in range(20000):
        size = dice.choice([dice.randrange(2000), dice.choice(numbers)])
        count = dice.randrange(5)
        layout = dice.choice(
            [
                None,
                (
                    dice.choice(numbers),
                    dice.choice(numbers),
                    tuple(dice.choice(numbers) for _ in range(count)),
                    tuple(dice.choice([-1, 1]) * dice.choice(numbers) for _ in range(count)),
                ),
            ]
        )
        caps = video(dice.choice(names), dice.randrange(20), dice.choice([dice.randrange(20), 2**31]))
        whole, planes = describe(caps, layout, size) or (None, ())
        for shape in (*planes, *([whole] if whole else [])):
            low, high = extent(shape)
            assert 0 <= low <= high <= size, (caps, layout, size)
            shaped += 1
    assert shaped > 1000
