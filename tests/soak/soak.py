#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Sound and picture for hours of media time, while processes are killed, stopped and restarted.

    soak.py [--hours H] [--speed X] [--seed N] [TEST...]

One process makes sound and picture X times as fast as they are meant to be shown, one takes them.
What happens to them is drawn from a seed, which is printed. Nobody may hang; who survives may not
grow; sound and picture may not drift apart; and in the end every block is free.
"""

import argparse
import os
import pathlib
import random
import re
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "media"))
import media  # noqa: E402

# A stream that stands still for longer is stuck.
STUCK_S = 30
# Sound against picture, and either against the time it was meant for.
SKEW_NS = 1_000_000
# What may grow: memory comes in steps, and who just left may still be there.
GROWTH = (("KiB", 4096), ("descriptors", 4), ("mappings", 8))

OPTIONS = argparse.Namespace()


class Soak:
    """The two processes, and what happens to them."""

    def __init__(self, test, random_source):
        self.test = test
        self.random = random_source
        self.mode = "running-time"
        self.number = 0
        self.media_s = 0.0
        self.began_s = 0.0
        self.producer = self.consumer = None
        self.seen = {"gaps": 0, "skew": 0, "drift": 0, "joins": 0}
        self.counts = {}

    # --- the two ---

    def start_producer(self):
        self.number += 1
        self.began_s = self.media_s
        self.producer = self.test.run("producer", os.environ["TACHYON_SOAK_END"], "produce",
                                      self.test.dir, self.number, int(self.media_s),
                                      OPTIONS.speed)

    def start_consumer(self):
        self.mode = self.random.choice(["running-time", "passthrough"])
        self.consumer = self.test.run("consumer", os.environ["TACHYON_SOAK_END"], "consume",
                                      self.test.dir, self.mode, OPTIONS.speed)

    def progress(self):
        """What the consumer said last."""
        for line in reversed(self.consumer.lines):
            if line.startswith("progress "):
                return dict(word.split("=") for word in line.split()[1:])
        return {"video": "0", "audio": "0", "producer": "-"}

    def is_flowing(self, since):
        """Both streams of this producer have moved on."""
        now = self.progress()
        return now["producer"] == f"p{self.number}" and all(
            int(now[kind]) > int(since[kind]) + 10 for kind in ("video", "audio"))

    def await_flow(self):
        """Until both streams have moved on; the watchdog."""
        since = self.progress()
        end = time.monotonic() + STUCK_S
        while not self.is_flowing(since):
            for process in (self.producer, self.consumer):
                self.test.check(process.is_alive(), f"{process.name} has ended")
            self.test.check(time.monotonic() < end, f"stuck at {self.progress()} after {since}")
            time.sleep(0.02)

    def note_figures(self):
        """Before a consumer goes: what it has seen."""
        now = self.progress()
        for key in ("gaps", "skew", "drift"):
            self.seen[key] = max(self.seen[key], int(now.get(key, 0)))
        self.seen["joins"] += int(now.get("joins", 0))

    def note_media(self):
        """How far the producer is, in seconds of media."""
        for line in reversed(self.producer.lines):
            if line.startswith("stats video "):
                rendered = int(re.search(r"rendered=\(guint64\)(\d+)", line).group(1))
                self.media_s = max(self.media_s, self.began_s + rendered / 30)
                return

    # --- what happens ---

    def kill_producer(self):
        self.note_media()
        self.producer.kill()
        self.start_producer()

    def leave_producer(self):
        self.note_media()
        self.producer.send(signal.SIGINT)
        self.producer.finish()
        self.start_producer()

    def kill_consumer(self):
        self.note_figures()
        self.consumer.kill()
        self.start_consumer()

    def leave_consumer(self):
        self.consumer.send(signal.SIGTERM)
        self.consumer.finish()
        self.note_figures()
        self.start_consumer()

    def kill_both(self):
        self.note_figures()
        self.note_media()
        self.producer.kill()
        self.consumer.kill()
        self.start_consumer()
        self.start_producer()

    def stop(self, process):
        process.send(signal.SIGSTOP)
        time.sleep(self.random.uniform(0.01, 0.5))
        process.send(signal.SIGCONT)

    def stop_producer(self):
        self.stop(self.producer)

    def stop_consumer(self):
        self.stop(self.consumer)

    def kill_stopped_consumer(self):
        self.note_figures()
        self.consumer.send(signal.SIGSTOP)
        time.sleep(self.random.uniform(0.01, 0.5))
        self.consumer.kill()
        self.start_consumer()

    # --- how it went ---

    def run(self, names, hours, survivor=None):
        """Let these things happen until so much media has passed; samples of who survives.

        Each happens once before the first sample: what it needs for the first time is no growth.
        """
        samples = []
        self.start_producer()
        self.start_consumer()
        self.await_flow()
        pending = self.random.sample(names, len(names))
        while pending or self.media_s < hours * 3600:
            is_new = bool(pending)
            name = pending.pop() if is_new else self.random.choice(names)
            self.counts[name] = self.counts.get(name, 0) + 1
            getattr(self, name)()
            self.await_flow()
            time.sleep(self.random.uniform(0, 0.3))
            self.note_media()
            if survivor and not is_new:
                samples.append(measure(getattr(self, survivor).pid))
        return samples

    def finish(self):
        """The end of the stream, for both; then every block is free."""
        self.producer.send(signal.SIGTERM)
        self.consumer.finish()
        self.producer.finish()
        self.note_figures()
        self.consumer.expect("^end eos")
        for kind in ("video", "audio"):
            in_use = int(self.producer.expect(rf"^in-use {kind} (\d+)$").group(1))
            self.test.equal(in_use, 0, f"blocks of {kind} in use at the end")

    def report(self):
        """Figures, and whether sound and picture were in time."""
        done = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        print(f"# {self.media_s / 3600:.3f} h of media: {done}; {self.seen['joins']} joins, "
              f"skew {self.seen['skew']} ns, drift {self.seen['drift']} ns, "
              f"{self.seen['gaps']} gaps")
        self.test.equal(self.seen["gaps"], 0, "frames missed")
        self.test.check(self.seen["skew"] <= SKEW_NS, "sound and picture are together")
        self.test.check(self.seen["drift"] <= SKEW_NS, "neither drifts")


def measure(pid):
    """(resident KiB that are its own, descriptors, mappings) of a process."""
    proc = pathlib.Path("/proc") / str(pid)
    status = (proc / "status").read_text(encoding="ascii")
    rss = int(re.search(r"RssAnon:\s+(\d+)", status).group(1))
    return rss, len(list((proc / "fd").iterdir())), len((proc / "maps").read_text().splitlines())


def check_growth(test, who, samples):
    """The last third needs about as much as the first."""
    test.check(samples, "something happened")
    third = max(1, len(samples) // 3)
    for index, (what, bound) in enumerate(GROWTH):
        first = statistics.median(sample[index] for sample in samples[:third])
        last = statistics.median(sample[index] for sample in samples[-third:])
        print(f"# {who}: {what} {first:.0f} at first, {last:.0f} at last, of {len(samples)}")
        test.check(last - first <= bound, f"{who}: {what} grew from {first} to {last}")


def soak(test, names, share, survivor=None):
    """A part of the whole, in which these things happen."""
    print(f"# seed {OPTIONS.seed}")
    it = Soak(test, random.Random(f"{OPTIONS.seed} {names}"))
    before = set(os.listdir("/dev/shm"))
    samples = it.run(names, OPTIONS.hours * share, survivor)
    it.finish()
    it.report()
    if survivor:
        check_growth(test, survivor, samples)
    # Those of the tests in C, which may run beside this one, say whose they are.
    left = {name for name in set(os.listdir("/dev/shm")) - before
            if name.startswith("tachyon") and "tachyon-test-" not in name}
    test.equal(left, set(), "names in /dev/shm")


def test_a_consumer_survives_its_producers(test):
    """They are killed, leave, and hang; it waits for the next one."""
    soak(test, ["kill_producer", "leave_producer", "stop_producer", "stop_consumer"], 1 / 3,
         "consumer")


def test_a_producer_survives_its_consumers(test):
    """They are killed, leave, and hang, with buffers of its own; it goes on."""
    soak(test, ["kill_consumer", "leave_consumer", "stop_producer", "stop_consumer",
                "kill_stopped_consumer"], 1 / 3, "producer")


def test_either_dies_at_any_time(test):
    """In any order, and both at once."""
    soak(test, ["kill_producer", "leave_producer", "stop_producer", "kill_consumer",
                "leave_consumer", "stop_consumer", "kill_stopped_consumer", "kill_both"], 1 / 3)


def main():
    """Options, then the tests as usual."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, help="of media",
                        default=1.0 if os.environ.get("TACHYON_TEST_LONG") == "1" else 0.05)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("tests", nargs="*")
    parser.parse_args(namespace=OPTIONS)
    sys.argv[1:] = OPTIONS.tests
    return media.main(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
