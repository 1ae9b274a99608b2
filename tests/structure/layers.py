#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The layer rule: a file of lib/ includes headers of lower layers only, and few make system calls.

gst/, bindings/ and examples/ see the public header alone, which proves that it suffices.
"""

import re

import sources

LAYERS = [
    ("base", "error", "log", "os", "os-descriptor", "os-file", "os-futex", "os-lease", "os-memory", "os-name", "os-wait", "sock",
     "device-driver"),
    ("layout", "segment", "view", "stream-layout", "window", "device-part"),
    ("ring", "wait", "slots", "beacon", "turnstile"),
    ("block", "descriptor", "frame", "mapping", "pool", "pool-private", "pool-memory", "pool-lent",
     "pool-publication", "urgent", "wire",
     "stream-file", "device", "device-allocation", "device-context", "device-memory"),
    ("listener", "handshake", "bus", "bus-life", "connect", "endpoint"),
    ("sticky", "notice", "link", "link-urgent", "audience", "publisher", "publisher-cork",
     "publisher-hoard", "publisher-lent", "publisher-send", "publisher-state", "publisher-urgent", "publisher-wait",
     "connection", "connection-frame", "connection-private", "subscriber", "subscriber-connect",
     "subscriber-urgent", "stream", "stream-device", "stream-fork", "stream-lock", "stream-name",
     "stream-read", "stream-wait", "stream-write"),
]

# What may see a neighbour of its own layer. Everything of L0 sees base.h.
NEIGHBOURS = {
    ("error", "base"), ("log", "base"), ("os", "base"), ("sock", "base"),
    ("os", "log"), ("sock", "log"), ("sock", "os"),
    ("os-file", "base"), ("os-file", "log"), ("os-file", "os"),
    ("os-descriptor", "os"), ("os-memory", "os"), ("os-memory", "log"), ("os-wait", "os"), ("os-futex", "os"),
    ("os-name", "os"), ("os-lease", "os"), ("device-driver", "base"), ("device-driver", "log"),
    ("device-driver", "os"),
    ("segment", "layout"), ("view", "segment"), ("stream-layout", "layout"), ("device-part", "stream-layout"),
    ("frame", "block"), ("mapping", "block"), ("mapping", "descriptor"), ("pool-memory", "descriptor"),
    ("pool-lent", "pool-private"), ("frame", "wire"), ("pool", "block"), ("wire", "block"),
    ("pool", "pool-private"), ("pool-private", "pool-memory"), ("pool-private", "pool"),
    ("pool-memory", "pool"), ("pool-memory", "block"), ("pool-publication", "pool-private"),
    ("bus", "handshake"), ("bus-life", "bus"),
    ("connect", "bus"), ("connect", "listener"), ("endpoint", "connect"),
    ("link", "sticky"), ("link-urgent", "link"), ("publisher", "link"), ("publisher", "notice"),
    ("audience", "publisher"), ("publisher-lent", "publisher"), ("publisher-send", "publisher"),
    ("publisher-state", "publisher"), ("publisher-urgent", "publisher"),
    ("publisher-cork", "publisher"), ("publisher-hoard", "publisher"), ("publisher-wait", "publisher"), ("mapping", "urgent"),
    ("urgent", "wire"), ("subscriber", "connection"), ("connection-private", "connection"),
    ("connection", "connection-private"), ("connection-frame", "connection-private"),
    ("subscriber-connect", "subscriber"), ("subscriber-urgent", "subscriber"), ("slots", "beacon"),
    ("device-memory", "device-context"), ("device-memory"),
    ("device", "device-memory"), ("device-allocation", "device-context"),
    ("device-allocation", "device"),
    ("stream-device", "stream"), ("stream-fork", "stream"), ("stream-lock", "stream"),
    ("stream-name", "stream"), ("stream-read", "stream"), ("stream-wait", "stream"),
    ("stream-write", "stream"),
}

SYSTEM = {"os.c", "os-descriptor.c", "os-file.c", "os-futex.c", "os-lease.c", "os-lease.c",
          "os-memory.c", "os-name.c", "os-wait.c", "sock.c"}

SYSTEM_CALLS = """
    accept accept4 bind chmod clock_gettime clock_nanosleep clone close connect creat dup dup2 dup3
    epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd eventfd_read eventfd_write
    execve fallocate fchmod fchown fcntl flock fork fstat fstatfs fsync ftruncate futex getegid geteuid
    getgid getpeername getpid getrandom getsockname getsockopt getuid ioctl kill link linkat listen
    inotify_add_watch inotify_init1 lseek lstat madvise membarrier memfd_create mkdir mkostemp mkstemp mlock mmap mprotect mremap
    msync munmap nanosleep open openat pidfd_open pidfd_send_signal pipe pipe2 poll posix_fallocate
    ppoll prctl pread preadv pwrite pwritev read readlink readv recv recvfrom recvmmsg recvmsg
    rename renameat renameat2 rmdir futimens sched_getaffinity sched_setaffinity sched_yield select send
    sendmmsg sendmsg sendto setsockopt shm_open shm_unlink shutdown sleep socket socketpair stat
    statx sysconf syscall symlink timerfd_create timerfd_settime truncate umask unlink unlinkat
    usleep vfork wait waitid waitpid write writev
""".split()

# Law 5: the library starts no thread, prints nothing, and installs no signal handler.
FORBIDDEN = """
    abort exit fprintf perror printf pthread_create putchar puts sigaction signal
    sigprocmask pthread_sigmask system thrd_create vfprintf vprintf
""".split()

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)


def layer_of(stem):
    """The number of the layer that a file belongs to, or None."""
    for number, stems in enumerate(LAYERS):
        if stem in stems:
            return number
    return None


def check_edge(name, stem, target):
    """Complaints about one #include of an internal header."""
    place, other = layer_of(stem), layer_of(target)
    if other is None:
        return [f'{name}: includes "{target}.h", which has no layer: list it in layers.py']
    if other > place:
        return [f'{name}: L{place} includes "{target}.h" of L{other}: upward']
    if other == place and target != stem and (stem, target) not in NEIGHBOURS:
        return [f'{name}: includes its neighbour "{target}.h" in L{place}: not listed']
    return []


def calls(text, names):
    """(line, name) of each call in text to one of names, save functions of the file itself."""
    own = set(re.findall(r"^static\b[^;={]*?\b(\w+)\([^;]*?\)\s*\{", text, re.M | re.S))
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")[ \t]*\(")
    return [(text.count("\n", 0, match.start()) + 1, match.group(1))
            for match in pattern.finditer(text) if match.group(1) not in own]


def check_lib_file(root, name):
    """Complaints about one file of lib/."""
    raw = (root / name).read_text(encoding="utf-8")
    text = sources.without_comments(raw)
    complaints = []
    if layer_of(name.stem) is None:
        return [f"{name}: has no layer: list it in layers.py"]
    for bracket, target in INCLUDE.findall(raw):
        if bracket == '"':
            target_stem = re.sub(r"\.h$", "", target)
            complaints += check_edge(name, name.stem, target_stem)
    if name.name not in SYSTEM:
        complaints += [f"{name}:{line}: {call}() is a system call: os.c or sock.c makes those"
                       for line, call in calls(text, SYSTEM_CALLS)]
    complaints += [f"{name}:{line}: {call}() is not for a library"
                   for line, call in calls(text, FORBIDDEN)]
    return complaints


def check_outside_file(root, name, internal):
    """Complaints about one file that may see <tachyon.h> only."""
    raw = (root / name).read_text(encoding="utf-8")
    complaints = []
    for bracket, target in INCLUDE.findall(raw):
        is_own = bracket == '"' and (root / name).parent.joinpath(target).is_file()
        is_lib = target in internal or target.startswith("tachyon/") or "lib/" in target
        if is_lib and not (is_own and "lib/" not in target):
            complaints.append(f"{name}: includes {target}: of lib/, only <tachyon.h> is for you")
    return complaints


def check(root):
    """All complaints about the tree at root."""
    names = [name for name in sources.project_files(root) if name.suffix in (".c", ".h")]
    lib = [name for name in names if name.parts[:-1] == ("lib",)]
    internal = {name.name for name in lib if name.suffix == ".h"}
    complaints = [] if lib else ["lib/ has no sources"]
    for name in lib:
        complaints += check_lib_file(root, name)
    for name in names:
        if name.parts[0] in ("gst", "bindings", "examples"):
            complaints += check_outside_file(root, name, internal)
    return complaints


GOOD = {
    "lib/base.h": "#include <tachyon/error.h>\n",
    "lib/os.h": '#include "base.h"\n',
    "lib/os.c": '#include "os.h"\nint f(void) { return close(3); }\n',
    "lib/layout.h": '#include "base.h"\n',
    "lib/ring.h": '#include "layout.h"\n',
    "lib/ring.c": '#include "ring.h"\n#include "layout.h"\n/* never close() */ int g = 0;\n'
                  'static int send(int x)\n{\n\treturn x;\n}\n'
                  'int h(struct s *s) { return send(1) + s->close(s); }\n',
    "lib/wait.h": '#include "os.h"\n',
    "lib/handshake.h": '#include "wait.h"\n',
    "lib/bus.c": '#include "handshake.h"\n#include "ring.h"\n',
    "gst/gstthing.h": "#include <gst/gst.h>\n",
    "gst/gstthing.c": '#include "gstthing.h"\n#include <tachyon.h>\n',
    "examples/hello.c": "#include <tachyon.h>\n",
}

DOCTORED = [
    ("an upward edge", {"lib/ring.h": '#include "bus.h"\n', "lib/bus.h": ""}, "upward"),
    ("an upward edge in a .c", {"lib/os.c": '#include "ring.h"\n'}, "upward"),
    ("neighbours that see each other", {"lib/ring.c": '#include "wait.h"\n'}, "not listed"),
    ("a listed edge turned round", {"lib/handshake.h": '#include "bus.h"\n'}, "not listed"),
    ("a file without a layer", {"lib/helper.c": ""}, "has no layer"),
    ("a header without a layer", {"lib/ring.c": '#include "helper.h"\n'}, "has no layer"),
    ("a system call in the ring", {"lib/ring.c": "int f(void)\n{\n\treturn mmap(0);\n}\n"},
     "lib/ring.c:3: mmap()"),
    ("a poll in the bus", {"lib/bus.c": "int f(void) { return poll (0, 0, 0); }\n"}, "poll()"),
    ("a library that prints", {"lib/os.c": 'void f(void) { printf("x"); }\n'}, "printf()"),
    ("a plugin that sees inside", {"gst/gstthing.c": '#include "ring.h"\n'}, "only <tachyon.h>"),
    ("a plugin that goes round", {"gst/gstthing.c": '#include "../lib/ring.h"\n'},
     "only <tachyon.h>"),
    ("an example with a topic header", {"examples/hello.c": "#include <tachyon/bus.h>\n"},
     "only <tachyon.h>"),
    ("a binding that sees inside", {"bindings/python/ext/bus.c": '#include "layout.h"\n'},
     "only <tachyon.h>"),
    ("no library at all", {name: None for name in GOOD}, "no sources"),
]

if __name__ == "__main__":
    sources.main(check, GOOD, DOCTORED)
