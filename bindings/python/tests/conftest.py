# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Fixtures of all tests, a time limit for each, and a check that it leaves nothing behind."""

import faulthandler
import gc
import os
import shutil
import signal
import tempfile

import pytest
import tachyon
from support import PATIENCE, Peer, in_thread, is_sanitized, wait_until

#: Seconds for one test; only a hang needs them.
TIME_LIMIT = 60

# Not sys.stderr: pytest has replaced it by the time a test runs.
REAL_STDERR = os.fdopen(os.dup(2), "w")


class TestTimeoutError(BaseException):
    """Not an Exception, so that nothing under test takes it for an error of its own."""

    __test__ = False


def pytest_configure(config):
    config.addinivalue_line("markers", "time_limit(seconds): for a test that needs longer")
    config.addinivalue_line("markers", "leaves_something: the check of what is left is off")
    config.addinivalue_line("markers", "forks_beside_a_thread: the child of fork() goes on")
    config.addinivalue_line("markers", "gpu: needs a CUDA device, real or simulated")


def pytest_ignore_collect(collection_path):
    """TACHYON_TEST_PART=1/3: of three runs side by side, this is the first."""
    part = os.environ.get("TACHYON_TEST_PART")
    files = sorted(collection_path.parent.glob("test_*.py"))
    if not part or collection_path not in files:
        return None
    number, count = map(int, part.split("/"))
    # None: others may still ignore it.
    return True if files.index(collection_path) % count != number - 1 else None


def pytest_collection_modifyitems(items):
    if not is_sanitized():
        return
    # gcc 12's: a lock that the thread holds at that moment is never released in the child.
    reason = pytest.mark.skip(reason="ASan's allocator does not survive fork() beside a thread")
    for item in items:
        if item.get_closest_marker("forks_beside_a_thread"):
            item.add_marker(reason)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    marker = item.get_closest_marker("time_limit")
    seconds = marker.args[0] if marker else TIME_LIMIT

    def stop(*_):
        raise TestTimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    # For what does not come back to the interpreter: the whole run ends, with every stack.
    faulthandler.dump_traceback_later(seconds + 10, exit=True, file=REAL_STDERR)
    yield
    faulthandler.cancel_dump_traceback_later()
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.has_passed = outcome.get_result().passed


def what_is_held() -> list[str]:
    """Descriptors that connections and streams consist of, and mappings of what is shared."""
    held = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:
            continue
        if target.startswith(("socket:", "anon_inode:", "/memfd:", "/dev/shm/")):
            held.append(f"fd {descriptor} {target}")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        shared = ("memfd:", "/dev/shm/")
        held.extend(f"map {line.split()[0]}" for line in maps if any(of in line for of in shared))
    return held


@pytest.fixture(autouse=True)
def leaves_nothing_behind(request):
    before = what_is_held()
    yield
    # A failed test's traceback keeps its variables.
    if not getattr(request.node, "has_passed", False):
        return
    if request.node.get_closest_marker("leaves_something"):
        return
    # They hold what fixtures made, and were torn down before this one.
    request.node.funcargs.clear()
    if len(what_is_held()) <= len(before):
        return
    gc.collect()
    # A closing thread, or the peer's end of a socket, may take a moment.
    try:
        wait_until(lambda: len(what_is_held()) <= len(before), seconds=2)
    except AssertionError:
        pytest.fail("left behind: " + ", ".join(sorted(set(what_is_held()) - set(before))))


@pytest.fixture
def folder():
    """A directory with a short name: a socket's path has 107 bytes at most."""
    path = tempfile.mkdtemp(prefix="tachyon-")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def path(folder) -> str:
    """An address that nobody uses."""
    return os.path.join(folder, "bus")


@pytest.fixture
def connect_pair(path):
    """Makes two connected buses in this process: connect_pair(capacity=…, …)."""
    made = []

    def connect(capacity=65536, peer_capacity=None, **options):
        listening = in_thread(
            tachyon.Bus.listen, path, peer_capacity or capacity, timeout=PATIENCE, **options
        )
        near = tachyon.Bus.connect(path, capacity, timeout=PATIENCE, **options)
        far = listening.result()
        made.extend((near, far))
        return near, far

    yield connect
    for bus in made:
        bus.close()


@pytest.fixture
def pair(connect_pair):
    """Two connected buses, 64 KiB each way."""
    return connect_pair()


@pytest.fixture
def peer():
    """Starts a Python program in a second process: peer(source, *args) -> support.Peer."""
    started = []

    def start(source, *args):
        started.append(Peer(source, *args))
        return started[-1]

    yield start
    for process in started:
        process.discard()


def pytest_report_header():
    return f"tachyon {tachyon.__version__} from {os.path.dirname(tachyon.__file__)}"


# --- frames ---


@pytest.fixture
def publish(path):
    """Makes publishers at `path`, and closes them: publish(caps=…, …)."""
    made = []

    def create(caps=None, **options):
        made.append(tachyon.Publisher(path, caps, **options))
        return made[-1]

    yield create
    for publisher in made:
        publisher.close()


@pytest.fixture
def subscribe(path):
    """Makes subscribers to `path`, and closes them: subscribe(…)."""
    made = []

    def create(**options):
        made.append(tachyon.Subscriber(path, **{"timeout": PATIENCE, **options}))
        return made[-1]

    yield create
    for subscriber in made:
        subscriber.close()


@pytest.fixture
def pipeline(folder):
    """Starts a gst-launch-1.0: pipeline("videotestsrc ! …") -> media.Pipeline."""
    # Needs numpy, which tests of the bus do without.
    import media

    media.needs_pipelines()
    started = []

    def start(*words):
        started.append(media.Pipeline(os.path.join(folder, f"log-{len(started)}"), *words))
        return started[-1]

    yield start
    for process in started:
        process.discard()


# --- streams ---


@pytest.fixture
def stream_name():
    """A name that nobody uses; every stream whose name begins with it is gone at the end."""
    # Needs numpy, which tests of the bus do without.
    from stream_support import remove_all

    # It ends so that it is not how another process's begins.
    name = f"test-{os.getpid()}_"
    remove_all(name)
    yield name
    remove_all(name)


@pytest.fixture
def fork():
    """Forks a child that calls a function: fork(function, *args) -> stream_support.Child."""
    from stream_support import Child

    children = []

    def start(function, *args):
        children.append(Child(function, *args))
        return children[-1]

    yield start
    for child in children:
        child.discard()
