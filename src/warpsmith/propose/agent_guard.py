"""The process between a search and an external command: it ends all that the command started.

Run as a program of its own, with the standard library alone:

    agent_guard.py STATUS_FD SECONDS STDIN_FILE FOLDER PROGRAM ARGUMENT ...

It adopts whatever the command leaves behind, so that a descendant that moved to a session of its own is
found too. The command ends by itself, at the time limit, or when the other end of the guard's standard
input is closed, which happens however the search ends. Writes one line to STATUS_FD: `exit 0`,
`signal 9`, `timeout`, `abandoned` or `missing REASON`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LOOK_S = 0.05
# What an agent has to say its last words in, and its cost.
FAREWELL_S = 2.0
# A process that starts others faster than they are killed is given up after so many rounds.
ROUNDS = 200


def main(arguments: list[str]) -> None:
    """Run the command and say how it ended."""
    status_fd, seconds, stdin_file, folder, *command = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        with Path(stdin_file).open("rb") as stdin:
            child = subprocess.Popen(  # noqa: S603 - the command is what the user asks for
                command, cwd=folder, stdin=stdin, start_new_session=True
            )
    except OSError as error:
        said = f"missing {error.strerror}"
    else:
        said = _wait(child, time.monotonic() + float(seconds))
        _end_all(child)
    with contextlib.suppress(OSError):
        os.write(int(status_fd), f"{said}\n".encode())


def _wait(child: subprocess.Popen[bytes], end: float) -> str:
    while (code := child.poll()) is None:
        left_s = end - time.monotonic()
        if left_s <= 0:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(child.pid, signal.SIGTERM)
                child.wait(FAREWELL_S)
            return "timeout"
        ready, _, _ = select.select([0], [], [], min(LOOK_S, left_s))
        if ready and not os.read(0, 1):
            return "abandoned"
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def _end_all(child: subprocess.Popen[bytes]) -> None:
    """Kill the command's process group, then whatever of its descendants is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    for _ in range(ROUNDS):
        below = _descendants(os.getpid())
        if not below:
            return
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        time.sleep(LOOK_S / 10)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _descendants(root: int) -> list[int]:
    """Return every process below `root`, those that ended and were not waited for too."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            # The command's name stands in parentheses and may hold anything.
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
