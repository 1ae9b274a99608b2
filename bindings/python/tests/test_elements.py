# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Frames from a tachyonsink and to a tachyonsrc, in pipelines of other processes."""

import json
import os
import re

import pytest
import tachyon
from media import (
    PACKED,
    PLANAR,
    Pipeline,
    needs_gobject,
    needs_pipelines,
    pattern,
    picture_caps,
    planes_of,
    sound_caps,
    wait_until_error,
)
from support import PATIENCE, in_thread, run_program, wait_until

numpy = pytest.importorskip("numpy")

FRAME_NS = 33333333


@pytest.fixture
def sink(path) -> str:
    return f"tachyonsink socket-path={path} sync=false wait-for-connection=true"


def raw(caps: str) -> str:
    """Caps as one word of gst-launch's language."""
    return caps.replace(", ", ",")


def path_of(sink: str) -> str:
    return re.search(r"socket-path=(\S+)", sink)[1]


# --- frames from a pipeline ---


def test_frames_of_a_pipeline_come_in_a_for_loop(pipeline, sink, subscribe):
    running = pipeline(
        f"videotestsrc num-buffers=30 ! {raw(picture_caps('RGB', 320, 240))} ! {sink}"
    )
    subscriber = subscribe()

    count = 0
    for frame in subscriber:
        assert frame.caps.media_type == "video/x-raw"
        assert (frame.caps["format"], frame.caps["width"], frame.caps["height"]) == (
            "RGB", 320, 240,
        )
        assert abs(frame.pts - count * 1_000_000_000 // 30) <= 1
        assert frame.duration in (FRAME_NS, FRAME_NS + 1)
        assert frame.offset == count and frame.offset_end == count + 1
        assert numpy.asarray(frame).shape == (240, 320, 3)
        count += 1

    assert count == 30
    assert subscriber.end == "eos"
    running.finish()


def test_what_comes_beside_the_frames(pipeline, sink, subscribe):
    running = pipeline(
        f"videotestsrc num-buffers=2 ! {raw(picture_caps('GRAY8', 64, 48))} ! {sink}"
    )
    subscriber = subscribe()

    items = []
    while not items or not isinstance(items[-1], tachyon.Eos):
        items.append(subscriber.receive(PATIENCE))
    frames = [item for item in items if isinstance(item, tachyon.Frame)]
    events = [item for item in items if isinstance(item, tachyon.Event)]
    assert len(frames) == 2
    assert all(event.data and event.sticky for event in events[:2])
    # Each piece of state before the frame that it is for.
    first = items.index(frames[0])
    assert any(isinstance(item, tachyon.Caps) for item in items[:first])
    assert [event.order for event in events if event.order == 40]
    assert subscriber.clock is None or subscriber.clock.latency >= 0
    running.finish()


FORMATS = [*PACKED, *PLANAR]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What videotestsrc makes, in GStreamer's default layout: two pictures in each format."""
    needs_pipelines()
    folder = tmp_path_factory.mktemp("reference")
    words = [
        f"videotestsrc num-buffers=2 pattern=smpte ! {raw(picture_caps(name, 33, 25))}"
        f" ! filesink location={folder / name}"
        for name in FORMATS
    ]
    Pipeline(str(folder / "log"), *words).finish()
    return {name: (folder / name).read_bytes() for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_pixels_are_those_that_the_pipeline_made(pipeline, sink, subscribe, reference, name):
    planes, size = planes_of(name, 33, 25)
    assert len(reference[name]) == 2 * size
    running = pipeline(
        f"videotestsrc num-buffers=2 pattern=smpte ! {raw(picture_caps(name, 33, 25))} ! {sink}"
    )

    for number, frame in enumerate(subscribe()):
        expected = reference[name][number * size : (number + 1) * size]
        assert len(frame.planes) == len(planes)
        for array, plane in zip(frame.planes, planes, strict=True):
            assert numpy.array_equal(
                array.reshape(plane.height, plane.width, -1), plane.pixels(expected)
            )
        if name in PACKED:
            assert numpy.array_equal(numpy.asarray(frame), planes[0].pixels(expected))
    assert number == 1
    running.finish()


def test_the_layouts_in_these_tests_are_gstreamers():
    needs_gobject()
    pictures = [(name, *size) for name in FORMATS for size in ((33, 25), (64, 48), (1, 1), (2, 3))]
    output = run_program(
        """
        import json, sys, gi
        gi.require_version("GstVideo", "1.0")
        from gi.repository import Gst, GstVideo
        Gst.init(None)
        for name, width, height in json.loads(sys.argv[1]):
            info = GstVideo.VideoInfo()
            info.set_format(GstVideo.VideoFormat.from_string(name), width, height)
            planes = info.finfo.n_planes
            print(json.dumps([info.size, list(info.offset[:planes]), list(info.stride[:planes])]))
        """,
        json.dumps(pictures),
    )

    for picture, line in zip(pictures, output.splitlines(), strict=True):
        planes, size = planes_of(*picture)
        layout = [size, [plane.offset for plane in planes], [plane.stride for plane in planes]]
        assert json.loads(line) == layout, picture


def test_planes_that_stand_elsewhere_are_found(subscribe, peer, path):
    # A producer whose lines and planes are further apart than GStreamer's default.
    needs_gobject()
    running = peer(
        """
        import sys, gi
        gi.require_version("GstVideo", "1.0")
        gi.require_version("GstApp", "1.0")
        from gi.repository import Gst, GstApp, GstVideo
        Gst.init(None)
        pipeline = Gst.parse_launch(
            "appsrc name=source format=time caps=video/x-raw,format=I420,width=33,height=25,"
            "framerate=30/1 ! tachyonsink sync=false wait-for-connection=true socket-path="
            + sys.argv[1])
        pipeline.set_state(Gst.State.PLAYING)
        source = pipeline.get_by_name("source")
        for number, (offsets, strides) in enumerate([
            ([64, 4096, 6144], [80, 64, 48]),
            ([0, 2048, 3072], [64, 48, 40]),
        ]):
            buffer = Gst.Buffer.new_wrapped(bytes((i * 7 + number) & 0xFF for i in range(8192)))
            buffer.pts = number * 33333333
            GstVideo.buffer_add_video_meta_full(
                buffer, GstVideo.VideoFrameFlags.NONE, GstVideo.VideoFormat.I420, 33, 25, 3,
                offsets + [0], strides + [0])
            source.emit("push-buffer", buffer)
        source.emit("end-of-stream")
        message = pipeline.get_bus().timed_pop_filtered(
            20 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        assert message.type == Gst.MessageType.EOS, message
        pipeline.set_state(Gst.State.NULL)
        """,
        path,
    )

    frames = list(subscribe())
    places = [((64, 4096, 6144), (80, 64, 48)), ((0, 2048, 3072), (64, 48, 40))]
    assert len(frames) == 2
    for number, (frame, (offsets, strides)) in enumerate(zip(frames, places, strict=True)):
        data = bytes((i * 7 + number) & 0xFF for i in range(8192))
        assert (frame.layout.offsets, frame.layout.strides) == (offsets, strides)
        for index, array in enumerate(frame.planes):
            height, width = (25, 33) if index == 0 else (13, 17)
            view = numpy.ndarray(
                (height, width), "u1", data, offsets[index], (strides[index], 1)
            )
            assert numpy.array_equal(array, view)
    running.finish()


@pytest.mark.parametrize("layout", ["interleaved", "non-interleaved"])
@pytest.mark.parametrize("name", ["S16LE", "F32LE"])
def test_sound_is_that_which_the_pipeline_made(pipeline, sink, subscribe, folder, name, layout):
    caps = raw(sound_caps(name, 2, layout))
    tone = "audiotestsrc num-buffers=4 samplesperbuffer=441 wave=saw ! audioconvert"
    reference = os.path.join(folder, "reference")
    made = raw(sound_caps(name, 2))
    running = pipeline(
        f"{tone} dithering=none ! {made} ! filesink location={reference}",
        f"{tone} dithering=none ! {caps} ! {sink}",
    )

    frames = list(subscribe())
    running.finish()
    expected = numpy.fromfile(reference, {"S16LE": "<i2", "F32LE": "<f4"}[name]).reshape(-1, 2)
    assert [frame.pts for frame in frames[:2]] == [0, 441 * 1_000_000_000 // 48000]
    if layout == "interleaved":
        got = numpy.concatenate([numpy.asarray(frame) for frame in frames])
    else:
        got = numpy.concatenate([numpy.stack(frame.planes, axis=1) for frame in frames])
    assert numpy.array_equal(got, expected)


def test_what_is_no_raw_video_or_audio_is_bytes(pipeline, sink, subscribe):
    running = pipeline(
        f"videotestsrc num-buffers=3 ! {raw(picture_caps('I420', 320, 240))} ! jpegenc ! {sink}"
    )

    frames = list(subscribe())
    assert len(frames) == 3
    for frame in frames:
        assert frame.caps.media_type == "image/jpeg"
        array = numpy.asarray(frame)
        assert array.shape == (frame.size,)
        assert array[:2].tobytes() == b"\xff\xd8"
        assert frame.data[-2:] == b"\xff\xd9"
    running.finish()


def test_caps_that_change_change_the_shape(pipeline, sink, subscribe):
    small, large = (raw(picture_caps("GRAY8", *size)) for size in ((16, 8), (64, 48)))
    running = pipeline(
        f"concat name=both ! {sink}",
        f"videotestsrc num-buffers=3 ! {small} ! both.",
        f"videotestsrc num-buffers=3 ! {large} ! both.",
    )

    frames = list(subscribe())
    shapes = [numpy.asarray(frame).shape for frame in frames]
    assert shapes == [(8, 16, 1)] * 3 + [(48, 64, 1)] * 3
    assert [frame.caps["width"] for frame in frames] == [16] * 3 + [64] * 3
    running.finish()


def test_a_pipeline_that_is_killed_is_a_connection_reset(pipeline, sink, subscribe):
    running = pipeline(
        f"videotestsrc is-live=true ! {raw(picture_caps('GRAY8', 64, 48))} ! {sink}"
    )
    subscriber = subscribe()
    held = []

    with pytest.raises(ConnectionResetError):
        for frame in subscriber:
            held.append(frame)
            if len(held) == 3:
                running.kill()
    assert subscriber.end == "died"
    assert all(numpy.asarray(frame).shape == (48, 64, 1) for frame in held)


def test_who_comes_late_gets_caps_and_the_next_frames(pipeline, path, subscribe):
    running = pipeline(
        f"videotestsrc is-live=true ! {raw(picture_caps('GRAY8', 64, 48))}"
        f" ! tachyonsink socket-path={path}"
    )
    early = subscribe()
    for _ in range(3):
        early.recv(PATIENCE).release()
    late = subscribe()

    frame = late.recv(PATIENCE)
    assert frame.caps["width"] == 64
    assert frame.pts > 0
    assert numpy.asarray(frame).shape == (48, 64, 1)
    # Both get the same frames from there on.
    with early.recv(PATIENCE) as same:
        while same.pts < frame.pts:
            same.release()
            same = early.recv(PATIENCE)
        assert same.data == frame.data
    running.kill()


def test_latest_only_skips_what_waits(pipeline, path, subscribe):
    running = pipeline(
        f"videotestsrc num-buffers=40 ! {raw(picture_caps('GRAY8', 64, 48))}"
        f" ! tachyonsink socket-path={path} sync=false wait-for-connection=true max-buffers=100"
    )
    subscriber = subscribe(latest_only=True)
    # All of them wait by then.
    running.finish()

    (frame,) = subscriber
    assert frame.pts == 39 * 1_000_000_000 // 30
    assert frame.after_drop
    assert subscriber.stats().dropped == 39


def test_an_event_that_no_element_knows_does_no_harm(pipeline, sink, subscribe):
    running = pipeline(
        f"videotestsrc num-buffers=20 ! {raw(picture_caps('GRAY8', 64, 48))} ! {sink}"
    )
    subscriber = subscribe()
    subscriber.send_event(12345, b"\xff" * 100)

    assert len(list(subscriber)) == 20
    running.finish()


# --- frames to a pipeline ---


@pytest.fixture
def source(path) -> str:
    return f"tachyonsrc socket-path={path} timestamp-mode=passthrough"


def test_frames_of_a_publisher_come_out_of_a_tachyonsrc(pipeline, source, publish, folder):
    output = os.path.join(folder, "output")
    publisher = publish(picture_caps("GRAY8", 64, 48))
    running = pipeline(f"{source} ! filesink location={output}")
    publisher.wait_for_subscribers(timeout=PATIENCE)

    for number in range(20):
        publisher.send(pattern(64 * 48, number), pts=number * FRAME_NS, timeout=PATIENCE)
    publisher.send_eos()
    # An end of stream, so the pipeline ends by itself.
    running.finish()

    with open(output, "rb") as file:
        assert file.read() == b"".join(pattern(64 * 48, number) for number in range(20))


def test_caps_times_and_flags_come_out_of_a_tachyonsrc(pipeline, source, publish):
    publisher = publish(picture_caps("GRAY8", 64, 48))
    running = pipeline(f"-v {source} ! identity silent=false ! fakesink")
    publisher.wait_for_subscribers(timeout=PATIENCE)

    for number in range(3):
        with publisher.acquire(timeout=PATIENCE) as frame:
            numpy.asarray(frame)[:] = number
            frame.pts = number * 1_000_000_000
            frame.dts = number * 1_000_000_000 + 5
            frame.duration = FRAME_NS
            frame.offset, frame.offset_end = 70 + number, 71 + number
            frame.flags = 1 << 13
    publisher.send_eos()
    output = running.finish()

    assert re.search(
        r"GstTachyonSrc:tachyonsrc0.GstPad:src: caps = video/x-raw, format=\(string\)GRAY8, "
        r"width=\(int\)64, height=\(int\)48, framerate=\(fraction\)30/1",
        output,
    )
    for number in range(3):
        assert re.search(
            rf"\(3072 bytes, dts: 0:00:0{number}.000000005, pts: 0:00:0{number}.000000000, "
            rf"duration: 0:00:00.033333333, offset: {70 + number}, offset_end: +{71 + number}, "
            r"flags: [0-9a-f]+ [^)]*delta-unit",
            output,
        ), output


@pytest.mark.parametrize("name", ["RGB", "GRAY16_LE", "I420", "NV12", "I420_10LE"])
def test_pictures_filled_in_with_numpy_come_out_right(pipeline, source, publish, folder, name):
    output = os.path.join(folder, "output")
    planes, size = planes_of(name, 33, 25)
    publisher = publish(picture_caps(name, 33, 25))
    running = pipeline(f"{source} ! filesink location={output}")
    publisher.wait_for_subscribers(timeout=PATIENCE)
    random = numpy.random.default_rng(4)
    pictures = [
        [
            random.integers(0, 250, (plane.height, plane.width, plane.components)).astype(
                plane.dtype
            )
            for plane in planes
        ]
        for _ in range(2)
    ]

    for picture in pictures:
        with publisher.acquire(timeout=PATIENCE) as frame:
            for array, content in zip(frame.planes, picture, strict=True):
                array[...] = content.reshape(array.shape)
            del array
    publisher.send_eos()
    running.finish()

    with open(output, "rb") as file:
        for picture in pictures:
            data = file.read(size)
            for plane, content in zip(planes, picture, strict=True):
                assert numpy.array_equal(plane.pixels(data), content)


def test_a_layout_of_a_publisher_is_understood(pipeline, source, publish, folder):
    output = os.path.join(folder, "output")
    publisher = publish(picture_caps("RGB", 33, 25))
    publisher.layout = tachyon.Layout(33, 25, (200,), (128,))
    # The converter reads by the layout, and writes without padding.
    running = pipeline(
        f"{source} ! videoconvert ! video/x-raw,format=BGRx ! filesink location={output}"
    )
    publisher.wait_for_subscribers(timeout=PATIENCE)
    picture = numpy.random.default_rng(5).integers(0, 256, (25, 33, 3), dtype="u1")

    with publisher.acquire(timeout=PATIENCE) as frame:
        array = numpy.asarray(frame)
        assert array.strides[0] == 128
        array[:] = picture
        del array
    publisher.send_eos()
    running.finish()

    written = numpy.fromfile(output, "u1").reshape(25, 33, 4)
    assert numpy.array_equal(written[..., 2::-1], picture)


def test_sound_of_a_publisher_comes_out_right(pipeline, source, publish, folder):
    output = os.path.join(folder, "output")
    sound = (numpy.arange(4410 * 2) * 31 % 20000 - 10000).astype("<i2").reshape(-1, 2)
    publisher = publish(sound_caps("S16LE", 2))
    running = pipeline(f"{source} ! filesink location={output}")
    publisher.wait_for_subscribers(timeout=PATIENCE)

    for start in range(0, 4410, 441):
        publisher.send(
            sound[start : start + 441], pts=start * 1_000_000_000 // 48000, timeout=PATIENCE
        )
    publisher.send_eos()
    running.finish()

    assert numpy.array_equal(numpy.fromfile(output, "<i2").reshape(-1, 2), sound)


def test_a_publisher_that_closes_ends_the_pipeline(pipeline, source, publish):
    publisher = publish(picture_caps("GRAY8", 64, 48))
    running = pipeline(f"{source} ! fakesink")
    publisher.wait_for_subscribers(timeout=PATIENCE)
    publisher.send(pattern(64 * 48), pts=0)
    publisher.close()

    running.finish()


def test_a_pipeline_that_is_killed_gives_its_frames_back(pipeline, source, publish):
    publisher = publish(picture_caps("GRAY8", 64, 48), max_buffers=3)
    running = pipeline(f"{source} ! fakesink sync=true")
    publisher.wait_for_subscribers(timeout=PATIENCE)
    sending = in_thread(
        lambda: [publisher.send(pattern(64 * 48), pts=number << 40) for number in range(10)]
    )
    wait_until(lambda: publisher.stats().blocks > publisher.stats().blocks_free)
    running.kill()

    # With nobody left to wait for, the rest goes to nobody.
    assert sending.result(PATIENCE)[-1] == 0
    wait_until(lambda: publisher.stats().blocks_free == publisher.stats().blocks)
    kinds = [(notice.kind, notice.end) for notice in publisher.notices()]
    assert kinds[0] == ("joined", None)
    assert kinds[-1] == ("left", "died")


def test_events_of_a_pipeline_reach_the_publisher(peer, path, publish):
    needs_gobject()
    publisher = publish(picture_caps("GRAY8", 64, 48))
    running = peer(
        """
        import sys, gi
        gi.require_version("GstVideo", "1.0")
        from gi.repository import Gst, GstVideo
        Gst.init(None)
        pipeline = Gst.parse_launch(
            "tachyonsrc socket-path=" + sys.argv[1] + " ! fakesink name=sink sync=false")
        pipeline.set_state(Gst.State.PLAYING)
        assert input() == "ask"
        event = GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 3)
        print(int(event.type), flush=True)
        assert pipeline.get_by_name("sink").get_static_pad("sink").push_event(event)
        assert input() == "end"
        pipeline.set_state(Gst.State.NULL)
        """,
        path,
    )
    publisher.wait_for_subscribers(timeout=PATIENCE)
    publisher.send(pattern(64 * 48), pts=0)
    wait_until(lambda: publisher.stats().queued == 0)
    running.tell("ask")
    type = int(running.line())

    def asked():
        events = [notice.event for notice in publisher.notices() if notice.kind == "event"]
        return [event for event in events if event.type == type]

    (event,) = wait_until(asked)
    assert b"GstForceKeyUnit" in event.data
    assert not event.sticky
    running.tell("end")
    running.finish()


def test_a_pipeline_and_a_subscriber_get_the_same(pipeline, source, publish, subscribe, folder):
    output = os.path.join(folder, "output")
    publisher = publish(picture_caps("GRAY8", 64, 48))
    running = pipeline(f"{source} ! filesink location={output}")
    subscriber = subscribe()
    publisher.wait_for_subscribers(2, PATIENCE)
    seen = in_thread(lambda: b"".join(frame.data for frame in subscriber))

    for number in range(30):
        assert publisher.send(pattern(64 * 48, number), timeout=PATIENCE) == 2
    publisher.send_eos()
    running.finish()

    with open(output, "rb") as file:
        assert file.read() == seen.result(PATIENCE)


def test_from_pipeline_through_numpy_to_pipeline(pipeline, sink, publish, folder):
    # The middle of a chain of three processes: it turns pictures upside down.
    before, after = os.path.join(folder, "before"), os.path.join(folder, "after")
    camera = path_of(sink)
    caps = picture_caps("RGB", 33, 25)
    making = pipeline(
        f"videotestsrc num-buffers=10 ! {raw(caps)} ! tee name=both",
        f"both. ! queue ! filesink location={before}",
        f"both. ! queue ! {sink.replace(camera, camera + '-in')}",
    )
    with tachyon.Subscriber(camera + "-in", timeout=PATIENCE) as subscriber:
        publisher = publish(caps)
        taking = pipeline(
            f"tachyonsrc socket-path={camera} timestamp-mode=passthrough"
            f" ! filesink location={after}"
        )
        publisher.wait_for_subscribers(timeout=PATIENCE)
        for frame in subscriber:
            with publisher.acquire(timeout=PATIENCE) as turned:
                numpy.asarray(turned)[:] = numpy.asarray(frame)[::-1]
                turned.pts = frame.pts
        publisher.send_eos()
    making.finish()
    taking.finish()

    original = numpy.fromfile(before, "u1").reshape(10, 25, 100)[:, :, :99]
    result = numpy.fromfile(after, "u1").reshape(10, 25, 100)[:, :, :99]
    assert numpy.array_equal(result, original[:, ::-1])


def test_a_pygobject_application_reads_a_publisher(peer, path, publish):
    needs_gobject()
    publisher = publish(picture_caps("GRAY8", 64, 48))
    running = peer(
        """
        import sys, gi
        gi.require_version("GstApp", "1.0")
        from gi.repository import Gst, GstApp
        Gst.init(None)
        pipeline = Gst.parse_launch(
            "tachyonsrc timestamp-mode=passthrough socket-path=" + sys.argv[1]
            + " ! appsink name=sink sync=false")
        pipeline.set_state(Gst.State.PLAYING)
        sink = pipeline.get_by_name("sink")
        count = 0
        while sample := sink.emit("try-pull-sample", 20 * Gst.SECOND):
            buffer = sample.get_buffer()
            data = buffer.extract_dup(0, buffer.get_size())
            assert data == bytes([count]) * (64 * 48)
            assert buffer.pts == count * 1000, buffer.pts
            assert sample.get_caps().get_structure(0).get_int("width").value == 64
            count += 1
        assert sink.get_property("eos")
        pipeline.set_state(Gst.State.NULL)
        print(count)
        """,
        path,
    )
    publisher.wait_for_subscribers(timeout=PATIENCE)
    for number in range(10):
        publisher.send(bytes([number]) * (64 * 48), pts=number * 1000, timeout=PATIENCE)
    publisher.send_eos()

    assert running.finish().strip() == "10"


def test_the_pipelines_end_is_not_an_error(pipeline, sink, subscribe):
    running = pipeline(
        f"videotestsrc num-buffers=1 ! {raw(picture_caps('GRAY8', 64, 48))} ! {sink}"
    )
    subscriber = subscribe()
    with subscriber.recv(PATIENCE) as frame:
        assert frame.pts == 0
    with pytest.raises(EOFError):
        subscriber.recv(PATIENCE)
    running.finish()
    wait_until_error(lambda: subscriber.recv(0.01), (EOFError, tachyon.ClosedError))
