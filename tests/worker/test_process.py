"""What processes ask of Linux for themselves, tried on real processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import is_running, wait_for_pids, wait_until_gone

from warpsmith.worker.process import available_bytes, descendants, describe_status, kill, kill_tree

# Three generations, each in a session of its own, deaf to polite signals; each writes down that it runs.
FAMILY = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(2):
    if os.fork() != 0:
        break
    os.setsid()
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
while True:
    time.sleep(1)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[list[int]]:
    """Process ids of a parent, its child and its grandchild, oldest first; none outlives the test."""
    with subprocess.Popen([sys.executable, "-c", FAMILY, str(tmp_path)]) as parent:
        started = wait_for_pids(tmp_path, 3)
        below = descendants(parent.pid)
        assert set(started) == {parent.pid, *below}
        yield [parent.pid, *below]
        for pid in started:
            kill(pid)


def test_descendants_are_found_whatever_session_they_moved_to(family: list[int]) -> None:
    parent, child, grandchild = family
    assert descendants(parent) == [child, grandchild]
    assert descendants(child) == [grandchild]
    assert descendants(grandchild) == []


def test_a_tree_is_killed_to_its_last_leaf(family: list[int]) -> None:
    kill_tree(family[0])
    assert wait_until_gone(family) == []


def test_killing_who_is_gone_is_no_error(family: list[int]) -> None:
    kill_tree(family[0])
    wait_until_gone(family)
    kill_tree(family[-1])
    kill(family[-1])


def test_a_process_whose_name_looks_like_a_status_line_is_still_found() -> None:
    odd = "import ctypes; ctypes.CDLL(None).prctl(15, b') R 1 1', 0, 0, 0); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", odd], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in descendants(os.getpid())
        process.kill()


DIES_WITH = """
import os, sys
from warpsmith.worker.process import die_with_parent
child = os.fork()
if child == 0:
    parent = os.fork()
    if parent == 0:
        die_with_parent(os.getppid())
        print(os.getpid(), flush=True)
        os.read(0, 1)
    os.read(0, 1)
os.read(0, 1)
"""


def test_a_process_dies_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DIES_WITH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        (parent,) = [pid for pid in descendants(process.pid) if pid != grandchild]
        assert is_running(grandchild)
        os.kill(parent, signal.SIGKILL)
        assert wait_until_gone([grandchild]) == []
        process.kill()


def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    code = "from warpsmith.worker.process import die_with_parent; die_with_parent(1); print('went on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_memory_beyond_the_share_is_refused_and_below_it_given() -> None:
    said = run(
        "from warpsmith.worker.process import available_bytes, limit_memory\n"
        "most = available_bytes()\n"
        "limit_memory(0.25)\n"
        "few = bytearray(most // 16)\n"
        "try:\n    bytearray(most // 2)\n    print('given')\nexcept MemoryError:\n    print('refused')"
    )
    assert said == "refused"


def test_a_limit_is_never_raised() -> None:
    said = run(
        "import resource\nfrom warpsmith.worker.process import limit_memory\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28))\n"
        "limit_memory(0.9)\nprint(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    )
    assert int(said) <= 1 << 28


def test_a_crash_leaves_no_core_file() -> None:
    said = run(
        "import resource\nfrom warpsmith.worker.process import no_core_dumps\n"
        "no_core_dumps()\nprint(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert said == "(0, 0)"


def test_what_is_available_is_less_than_what_there_is() -> None:
    assert 0 < available_bytes() <= os.sysconf("SC_PHYS_PAGES") * resource.getpagesize()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (3, "ended with status 3"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-(signal.SIGRTMIN + 1), f"was killed by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_an_end_is_told_in_words(status: int, words: str) -> None:
    assert describe_status(status) == words
