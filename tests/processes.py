"""Look at real processes: which live below one, which write down that they run, which are gone."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from warpsmith.worker.process import descendants

# Far beyond what ending a process takes on a busy machine; only a test that fails waits for it.
PATIENCE_S = 30.0


def command_of(pid: int) -> list[str]:
    """Words of a process's command line; none where it is gone or has ended and was not waited for."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """Whether `pid` still runs; a zombie does not, once the last of its threads has ended, too."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return False
    return threads > 1 or stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def open_descriptors(pid: int | str = "self") -> int:
    """How many files, sockets and pipes `pid` holds open; this process by default."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def workers_below(pid: int) -> list[int]:
    """Trusted workers below `pid`."""
    return [below for below in descendants(pid) if "warpsmith.worker" in command_of(below)]


def wait_until_gone(pids: list[int]) -> list[int]:
    """Return those of `pids` that still run after all patience."""
    deadline = time.monotonic() + PATIENCE_S
    while (left := [pid for pid in pids if is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def wait_for_pids(folder: Path, count: int) -> list[int]:
    """Return the process ids that `count` processes have written into `folder` as file names."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := [int(path.name) for path in folder.iterdir()]) < count:
        assert time.monotonic() < deadline, f"only {found} of {count} processes have started"
        time.sleep(0.02)
    return found


STAY = """
import ctypes, os, signal, time
def stay():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(15, b{name!r})  # PR_SET_NAME
    while True:
        time.sleep(1)
"""
DETACH = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        stay()
    os._exit(0)
"""


class Lingerers:
    """Processes that ignore a polite request to end, and are known by a name that is this object's own.

    A candidate has no folder in common with a test, and sees process ids of its own; but the name
    that a process gives itself is seen from everywhere.
    """

    def __init__(self) -> None:
        self.name = f"linger-{secrets.token_hex(3)}"

    @property
    def stay(self) -> str:
        """Source that defines `stay()`."""
        return STAY.format(name=self.name)

    @property
    def stay_and_detach(self) -> str:
        """The same, and a process that has detached itself and stays."""
        return self.stay + DETACH

    def running(self) -> list[int]:
        """Return their process ids."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "comm").read_text().strip() == self.name:
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def wait_for(self, count: int) -> list[int]:
        """Return their process ids as soon as there are `count`."""
        deadline = time.monotonic() + PATIENCE_S
        while len(found := self.running()) < count:
            assert time.monotonic() < deadline, f"only {len(found)} of {count} processes have started"
            time.sleep(0.02)
        return found
