# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Where the other transports are: virtual environments in one folder, filled from the registry.

tachyon-ipc has one of its own, since its package is called tachyon, too. It is compiled when it is
installed, with CC, CXX and LDFLAGS of the environment: it wants GCC 14, or clang 17 with its own
linker (CC=clang-19 CXX=clang++-19 LDFLAGS=-fuse-ld=lld-19).
"""

import pathlib
import subprocess
import sys

PACKAGES = {
    "peers": ["pyzmq", "iceoryx2"],
    "tachyon-ipc": ["tachyon-ipc"],
    "streams": ["pyshmem"],
}


class Peers:
    """A folder of environments."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def python(self, name):
        """The interpreter of an environment, or our own where there is none."""
        path = self.folder / name / "bin" / "python"
        return str(path) if path.exists() else sys.executable

    def install(self, *names):
        """Installs each package of these environments, and goes on where one cannot be."""
        for name in names:
            packages = PACKAGES[name]
            place = self.folder / name
            subprocess.run(
                [sys.executable, "-m", "venv", "--system-site-packages", str(place)], check=True
            )
            for package in packages:
                done = subprocess.run(
                    [self.python(name), "-m", "pip", "install", "--quiet", package],
                    check=False, capture_output=True, text=True)
                reason = (done.stderr.strip().splitlines() or [""])[-1]
                print(f"{package}: {reason or 'not installed' if done.returncode else 'installed'}")
