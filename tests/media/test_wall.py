#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""A wall of sixteen cameras: sixteen producers, and one process that composes what they send."""

import os
import signal
import sys
import threading
import time

import media

CAMERAS = 16
COLUMNS = 4
# What each camera sends, and how large it is on the wall.
CAMERA = "width=160,height=120,framerate=15/1"
TILE_WIDTH, TILE_HEIGHT = 40, 30
WIDTH, HEIGHT = COLUMNS * TILE_WIDTH, CAMERAS // COLUMNS * TILE_HEIGHT
FRAME_SIZE = WIDTH * HEIGHT * 3
BLACK = (0, 0, 0)
# Scaling and colour conversion round.
TOLERANCE = 4


def color(number):
    """Of a camera: no two are near each other."""
    return ((number % 4) * 60 + 40, (number // 4) * 60 + 40, 250 - number * 12)


class Wall:
    """The pictures that the composing process writes into a pipe; the newest is kept."""

    def __init__(self, path):
        os.mkfifo(path)
        self._changed = threading.Condition()
        self._newest = None
        self._count = 0
        self._reader = threading.Thread(target=self._read, args=(path,), daemon=True)
        self._reader.start()

    def _read(self, path):
        with open(path, "rb") as pipe:
            while len(frame := pipe.read(FRAME_SIZE)) == FRAME_SIZE:
                with self._changed:
                    self._newest = frame
                    self._count += 1
                    self._changed.notify_all()

    def _tile(self, number):
        """The colour in the middle of a tile."""
        x = number % COLUMNS * TILE_WIDTH + TILE_WIDTH // 2
        y = number // COLUMNS * TILE_HEIGHT + TILE_HEIGHT // 2
        at = (y * WIDTH + x) * 3
        return tuple(self._newest[at:at + 3])

    def await_tiles(self, expected, timeout_s=media.TIMEOUT_S):
        """Wait until these tiles have these colours; those that never had."""
        def wrong():
            return {number: self._tile(number) if self._newest else None
                    for number, wanted in expected.items()
                    if not self._newest or any(abs(a - b) > TOLERANCE for a, b
                                               in zip(self._tile(number), wanted))}

        with self._changed:
            self._changed.wait_for(lambda: not wrong(), timeout_s)
            return wrong()

    def await_pictures(self, more, timeout_s=media.TIMEOUT_S):
        """Wait for more pictures; True when they came."""
        with self._changed:
            end = self._count + more
            return self._changed.wait_for(lambda: self._count >= end, timeout_s)

    def close(self):
        """After the writer has ended."""
        self._reader.join(media.TIMEOUT_S)


def camera(test, number, shown):
    """One camera that shows a colour."""
    red, green, blue = shown
    value = 0xff << 24 | red << 16 | green << 8 | blue
    return test.launch(f"videotestsrc is-live=true pattern=solid-color foreground-color={value} ! "
                       f"video/x-raw,format=RGB,{CAMERA} ! tachyonsink sync=false "
                       f"socket-path={test.socket(f'camera{number}')}", name=f"camera {number}")


def compose(test, path):
    """All cameras on one picture, which goes into a pipe."""
    pads = " ".join(
        f"sink_{n}::xpos={n % COLUMNS * TILE_WIDTH} sink_{n}::ypos={n // COLUMNS * TILE_HEIGHT} "
        f"sink_{n}::width={TILE_WIDTH} sink_{n}::height={TILE_HEIGHT}" for n in range(CAMERAS))
    sources = " ".join(
        f"tachyonsrc on-disconnect=none socket-path={test.socket(f'camera{n}')} ! "
        f"queue ! wall.sink_{n}" for n in range(CAMERAS))
    return test.launch(
        f"compositor name=wall background=black force-live=true {pads} ! "
        f"video/x-raw,format=RGB,width={WIDTH},height={HEIGHT},framerate=15/1 ! "
        f"filesink location={path} sync=false buffer-mode=unbuffered {sources}", "-e",
        name="wall")


def check(test, wall, tiles, what):
    """These tiles come to have these colours, and the wall goes on."""
    wrong = wall.await_tiles(tiles)
    test.equal(wrong, {}, f"tiles that are wrong {what}")
    test.check(wall.await_pictures(5), f"the wall goes on {what}")


@media.leaves_sockets
def test_sixteen_cameras(test):
    """Each tile is right; a camera that is killed is replaced by another, and nobody else cares."""
    media.need(["compositor"])
    path = test.dir / "wall.rgb"
    wall = Wall(path)
    composer = compose(test, path)
    cameras = [camera(test, number, color(number)) for number in range(CAMERAS)]
    tiles = {number: color(number) for number in range(CAMERAS)}
    check(test, wall, tiles, "with all cameras")

    cameras[5].kill()
    others = {number: shown for number, shown in tiles.items() if number != 5}
    check(test, wall, others, "without one")
    tiles[5] = (255, 255, 255)
    cameras[5] = camera(test, 5, tiles[5])
    check(test, wall, tiles, "with another")

    cameras[9].send(signal.SIGSTOP)
    check(test, wall, {n: shown for n, shown in tiles.items() if n != 9}, "with one that hangs")
    cameras[9].send(signal.SIGCONT)
    check(test, wall, tiles, "when it goes on")

    composer.send(signal.SIGTERM)
    composer.wait()
    wall.close()
    for process in cameras:
        test.check(process.is_alive(), f"{process.name} lives")
        process.kill()


def test_tiles_of_a_wrong_colour_are_noticed(test):
    """The measure can fail."""
    wall = Wall.__new__(Wall)
    wall._changed = threading.Condition()
    wall._newest = bytes(FRAME_SIZE)
    test.equal(wall.await_tiles({3: BLACK}), {}, "a tile that is right")
    began = time.monotonic()
    test.equal(wall.await_tiles({3: (9, 0, 0)}, 0.1), {3: BLACK}, "a tile that is wrong")
    test.check(time.monotonic() - began < media.TIMEOUT_S, "it waits as long as it is told")


if __name__ == "__main__":
    sys.exit(media.main(sys.modules[__name__]))
