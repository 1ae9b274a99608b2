#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Processes come, go, hang and die in any order; no frame is lost that need not be."""

import signal
import sys
import time

import clips
import media

# Long enough to be waiting, or stuck, when it is over.
WHILE_S = 0.5
# A way to NULL that takes longer waited for the peer.
NULL_MS = 3000
DISCONT = 0x40


def picture(count, extra="", fps=30):
    """The source of count frames, each different."""
    return (f"videotestsrc pattern=ball num-buffers={count} {extra} ! "
            f"video/x-raw,format=I420,width=320,height=240,framerate={fps}/1")


def to_sink(test, extra="", name="s"):
    """The elements that send."""
    return f"tachyonsink name=sink sync=false socket-path={test.socket(name)} {extra}"


def from_source(test, extra="", between="", name="s"):
    """The pipeline that receives."""
    return (f"tachyonsrc name=source timestamp-mode=passthrough socket-path={test.socket(name)} "
            f"{extra} ! {between} appsink name=frames sync=false")


def content(process):
    """[(number, pts, md5)] of the frames received."""
    return [(int(frame["offset"]), frame["pts"], frame["md5"]) for frame in process.frames()]


def live_content(process):
    """[(number, md5)]: a live source counts time from when it came to it."""
    return [(number, md5) for number, _, md5 in content(process)]


def expected(test, count):
    """The content of a pipeline in one process."""
    return content(test.play(f"{picture(count)} ! appsink name=frames sync=false",
                             name="alone").finish())


def live_expected(test, count):
    """The same, of a live one."""
    return [(number, md5) for number, _, md5 in expected(test, count)]


def null_ms(process):
    """How long the way to NULL took."""
    return int(process.expect(r"^null (\d+)$").group(1))


WAIT = "wait-for-connection=true"


# --- who comes first ---


def test_source_first(test):
    """The source waits for the sink's process to appear."""
    receiver = test.play(from_source(test))
    receiver.expect("^started")
    time.sleep(WHILE_S)
    sender = test.launch(f"{picture(30)} ! {to_sink(test, WAIT)}")
    receiver.finish()
    sender.finish()
    test.equal(content(receiver), expected(test, 30), "frames")


def test_sink_first(test):
    """The sink waits for somebody to listen."""
    sender = test.launch(f"{picture(30)} ! {to_sink(test, WAIT)}")
    time.sleep(WHILE_S)
    test.check(sender.is_alive(), "the sink waits")
    receiver = test.play(from_source(test)).finish()
    sender.finish()
    test.equal(content(receiver), expected(test, 30), "frames")


def test_a_sink_that_does_not_wait_plays_to_nobody(test):
    """As long as nobody listens, frames go nowhere and hold nothing up."""
    sender = test.play(f"{picture(100)} ! {to_sink(test)}").finish()
    test.equal(sender.stats("sink")["subscribers"], 0, "subscribers")


def test_an_abstract_address(test):
    """No file at all."""
    name = f"tachyon-{test.dir.name}"
    sender = test.launch(f"{picture(30)} ! tachyonsink sync=false {WAIT} socket-type=abstract "
                         f"socket-path={name}")
    receiver = test.play(f"tachyonsrc timestamp-mode=passthrough socket-type=abstract "
                         f"socket-path={name} ! appsink name=frames sync=false").finish()
    sender.finish()
    test.equal(content(receiver), expected(test, 30), "frames")
    test.equal(sorted(path.name for path in test.dir.iterdir()), [], "files")


def test_a_late_subscriber_starts_with_the_next_frame(test):
    """Caps first, then every frame from one on."""
    sender = test.launch(f"{picture(180, 'is-live=true', 60)} ! {to_sink(test, WAIT)}")
    first = test.play(from_source(test))
    first.expect("^frame", 20)
    late = test.play(from_source(test), name="late")
    for process in (sender, first, late):
        process.finish()
    frames = live_expected(test, 180)
    test.equal(live_content(first), frames, "frames of the first")
    seen = live_content(late)
    test.check(0 < len(seen) <= 160, f"the late one saw {len(seen)} frames of 180")
    test.equal(seen, frames[-len(seen):], "frames of the late one")
    test.equal(late.events("caps"), first.events("caps"), "caps")
    test.equal(len(late.events("segment")), 1, "segments")
    test.check(int(late.frames()[0]["flags"], 16) & DISCONT, "its first frame is marked")


# --- who comes back ---


def test_a_subscriber_restarts(test):
    """The sink goes on through one that leaves and one that is told to, and serves the next."""
    sender = test.play(f"{picture(1000000, 'is-live=true', 60)} ! {to_sink(test)}", name="sender")
    leaving = test.play(from_source(test), "--stop-after", "10", name="leaving").finish()
    told = test.play(from_source(test), name="told")
    told.expect("^frame", 10)
    told.send(signal.SIGTERM)
    told.finish()
    last = test.play(from_source(test), "--stop-after", "10", name="last").finish()
    sender.send(signal.SIGTERM)
    sender.finish()
    frames = live_expected(test, live_content(last)[-1][0] + 1)
    for process in (leaving, told, last):
        seen = live_content(process)
        first = seen[0][0]
        test.check(len(seen) >= 10, f"{process.name} saw {len(seen)} frames")
        test.equal(seen, frames[first:first + len(seen)], f"frames of {process.name}")


def restart_publisher(test, end):
    """A source that waits sees the frames of one publisher, then of the next."""
    clip = clips.CLIPS["i420.y4m"]
    media.need(clip.elements(), ["ffmpeg"])
    receiver = test.play(from_source(test, "on-disconnect=none"))
    first = test.play(f"{picture(10)} ! {to_sink(test, WAIT)}", "--no-eos", name="first")
    first.expect("^sent sink 10")
    end(first)
    receiver.expect("^frame", 10)
    time.sleep(WHILE_S)
    test.check(receiver.is_alive(), "the source waits")
    # The decoder of this clip marks no frame as the first.
    second = test.launch(f"{clip.decoder(test.dir)} ! {to_sink(test, WAIT)}", name="second")
    receiver.finish()
    second.finish()
    test.equal(content(receiver)[:10], expected(test, 10), "frames of the first")
    test.equal([frame["md5"] for frame in receiver.frames()[10:]],
               [md5 for _, _, md5 in clip.framemd5(test.dir)[0]], "frames of the second")
    test.check(int(receiver.frames()[10]["flags"], 16) & DISCONT, "the new stream is marked")


def test_a_publisher_restarts(test):
    """It was told to stop."""
    def end(process):
        process.send(signal.SIGTERM)
        process.finish()

    restart_publisher(test, end)


def test_a_publisher_restarts_after_a_crash(test):
    """It leaves a stale socket behind, which the next one replaces."""
    restart_publisher(test, lambda process: process.kill())


def test_a_publisher_that_leaves_without_eos_is_eos_by_default(test):
    """on-disconnect=eos: the pipeline ends as if the stream had."""
    receiver = test.play(from_source(test))
    sender = test.play(f"{picture(10)} ! {to_sink(test, WAIT)}", "--no-eos", name="sender")
    sender.expect("^sent sink 10")
    sender.send(signal.SIGTERM)
    sender.finish()
    receiver.finish()
    receiver.expect("^end eos")
    test.equal(content(receiver), expected(test, 10), "frames")


# --- who dies ---


def kill_publisher(test, on_disconnect):
    """Kill a publisher that has committed what its slow subscriber has not read yet."""
    receiver = test.play(from_source(test, f"on-disconnect={on_disconnect}",
                                     "identity sleep-time=150000 !"))
    sender = test.play(f"{picture(8)} ! {to_sink(test, WAIT + ' max-buffers=10')}", "--no-eos",
                       name="sender")
    sender.expect("^sent sink 8")
    test.equal(sender.kill(), -signal.SIGKILL, "the publisher's end")
    test.check(len(receiver.frames()) < 8, "the publisher died before all was read")
    receiver.expect("^frame", 8)
    test.equal(content(receiver), expected(test, 8), "what was committed")
    return receiver


@media.leaves_sockets
def test_a_killed_publisher_is_eos(test):
    """on-disconnect=eos"""
    receiver = kill_publisher(test, "eos").finish()
    receiver.expect("^end eos")


@media.leaves_sockets
def test_a_killed_publisher_is_an_error(test):
    """on-disconnect=error: the message comes from the source, and names the socket."""
    receiver = kill_publisher(test, "error").finish(status=1)
    text = receiver.expect("^error source gst-resource-error-quark (.*)").group(1)
    test.check(text, "the error says something")


def test_a_killed_publisher_is_waited_for(test):
    """on-disconnect=none"""
    receiver = kill_publisher(test, "none")
    time.sleep(WHILE_S)
    test.check(receiver.is_alive(), "the source waits")
    sender = test.launch(f"{picture(8)} ! {to_sink(test, WAIT)}")
    receiver.finish()
    sender.finish()
    test.equal(content(receiver), expected(test, 8) * 2, "frames")


def test_a_killed_subscriber_gives_its_blocks_back(test):
    """The sink goes on, and needs no more memory than if it had been one that behaves."""
    sender = test.play(f"{picture(1000000, 'is-live=true', 120)} ! {to_sink(test)}", name="sender")
    for number in range(12):
        victim = test.play(from_source(test), "--hold", "8", name=f"victim {number}")
        victim.expect("^frame", 12)
        test.equal(victim.kill(), -signal.SIGKILL, "the subscriber's end")
    last = test.play(from_source(test), "--stop-after", "30", name="last").finish()
    sender.send(signal.SIGTERM)
    sender.finish()
    stats = sender.stats("sink")
    test.equal(len(last.frames()), 30, "frames after the last death")
    test.equal(stats["subscribers"], 0, "subscribers at the end")
    test.equal(stats["copied"], 0, "copies")
    used = stats["blocks"] - stats["blocks-free"]
    test.check(used < 24, f"{used} blocks are in use; the dead had 96")


def test_a_killed_subscriber_frees_a_sink_that_waits_for_it(test):
    """It held all the frames that may wait."""
    sender = test.play(f"{picture(2000)} ! {to_sink(test, 'max-buffers=4')}", "--clients", "1",
                       name="sender")
    receiver = test.play(from_source(test))
    receiver.expect("^frame", 1)
    receiver.send(signal.SIGSTOP)
    time.sleep(WHILE_S)
    test.check(sender.is_alive(), "the sink waits for its subscriber")
    receiver.kill()
    sender.finish()
    test.equal(sender.stats("sink")["subscribers"], 0, "subscribers at the end")


# --- who hangs ---


def test_null_while_the_subscriber_is_stopped(test):
    """The sink waits for room; going to NULL does not."""
    receiver = test.play(from_source(test))
    sender = test.play(f"{picture(1000000)} ! {to_sink(test, WAIT)}", name="sender")
    receiver.expect("^frame", 5)
    receiver.send(signal.SIGSTOP)
    time.sleep(WHILE_S)
    sender.send(signal.SIGTERM)
    sender.finish(timeout_s=15)
    test.check(null_ms(sender) < NULL_MS, f"NULL took {null_ms(sender)} ms")
    receiver.send(signal.SIGCONT)
    receiver.finish()


def test_null_while_the_publisher_is_stopped(test):
    """The source waits for a frame; going to NULL does not."""
    receiver = test.play(from_source(test))
    sender = test.play(f"{picture(1000000, 'is-live=true')} ! {to_sink(test)}", name="sender")
    receiver.expect("^frame", 5)
    sender.send(signal.SIGSTOP)
    time.sleep(WHILE_S)
    receiver.send(signal.SIGTERM)
    receiver.finish(timeout_s=15)
    test.check(null_ms(receiver) < NULL_MS, f"NULL took {null_ms(receiver)} ms")
    sender.send(signal.SIGCONT)
    sender.send(signal.SIGTERM)
    sender.finish()


def test_null_while_connecting_to_a_stopped_publisher(test):
    """It listens, and does not answer."""
    sender = test.play(f"{picture(1000000, 'is-live=true')} ! {to_sink(test)}", name="sender")
    test.play(from_source(test), "--stop-after", "1", name="probe").finish()
    sender.send(signal.SIGSTOP)
    receiver = test.play(from_source(test))
    receiver.expect("^started")
    time.sleep(WHILE_S)
    receiver.send(signal.SIGTERM)
    receiver.finish(timeout_s=15)
    test.check(null_ms(receiver) < NULL_MS, f"NULL took {null_ms(receiver)} ms")
    sender.send(signal.SIGCONT)
    sender.send(signal.SIGTERM)
    sender.finish()


def test_null_while_nobody_listens(test):
    """Neither a source without a sink nor a sink without a source holds on to its pipeline."""
    receiver = test.play(from_source(test))
    sender = test.play(f"{picture(10)} ! {to_sink(test, WAIT, 'other')}", name="sender")
    for process in (receiver, sender):
        process.expect("^started")
        time.sleep(WHILE_S)
        process.send(signal.SIGTERM)
        process.finish(timeout_s=15)
        test.check(null_ms(process) < NULL_MS, f"NULL took {null_ms(process)} ms")


# --- many ---


def test_four_subscribers_see_every_frame(test):
    """All from the first on: the sink starts when all four are there."""
    sender = test.play(f"{picture(60)} ! {to_sink(test)}", "--clients", "4", name="sender")
    receivers = [test.play(from_source(test), name=f"receiver {i}") for i in range(4)]
    frames = expected(test, 60)
    for receiver in receivers:
        receiver.finish()
        test.equal(content(receiver), frames, f"frames of {receiver.name}")
        test.equal({frame["memory"] for frame in receiver.frames()}, {"shared"}, "memory")
    sender.finish()
    test.equal(sender.stats("sink")["frames"], 60, "frames sent")
    test.equal(sender.stats("sink")["copied"], 0, "copies")


def test_a_stopped_subscriber_of_a_leaky_sink_loses_only_its_own_frames(test):
    """The others see every frame in time."""
    sender = test.play(f"{picture(150, 'is-live=true', 60)} ! "
                       f"{to_sink(test, 'leaky-type=upstream max-buffers=30')}",
                       "--clients", "2", name="sender")
    stopped = test.play(from_source(test), name="stopped")
    awake = test.play(from_source(test), name="awake")
    stopped.expect("^frame", 10)
    stopped.send(signal.SIGSTOP)
    awake.expect("^frame", 150, timeout_s=10)
    stopped.send(signal.SIGCONT)
    for process in (sender, awake, stopped):
        process.finish()
    frames = live_expected(test, 150)
    test.equal(live_content(awake), frames, "frames of the one that is awake")
    seen = live_content(stopped)
    test.check(10 <= len(seen) < 100, f"the other saw {len(seen)} frames of 150")
    test.equal(sender.stats("sink")["dropped"], 150 - len(seen), "frames dropped")
    test.equal(seen, [frame for frame in frames if frame in seen], "what it saw, in order")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
