"""What a process asks of Linux for itself: to die with its parent, to adopt orphans, to be small.

Every call is best effort by nature of the host; nothing here decides a verdict.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Collection
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Get the signal `by` when the parent goes; end here when it went before this call."""
    _prctl(PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os._exit(1)


def hide_from_others() -> None:
    """Let no process of the same user read or trace this one, or open its files through /proc."""
    _prctl(PR_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents are gone, so that they can be found."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def available_bytes() -> int:
    """Memory that this host can still give away without swapping."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024


def limit_memory(share: float) -> None:
    """Let private memory grow to `share` of what is available now; an allocation beyond it fails.

    For CPU targets only: CUDA reserves address space far beyond its use.
    """
    limit = int(available_bytes() * share)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def no_core_dumps() -> None:
    """A crash of a candidate is a verdict, not a file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def descendants(pid: int, besides: Collection[int] = ()) -> list[int]:
    """Return the process ids below `pid`, parents first, without `besides` and what is below those."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # it ended while we looked
        parent = int(stat.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = [child for child in children.get(queue.pop(0), []) if child not in besides]
        found += below
        queue += below
    return found


def children(pid: int) -> list[int]:
    """Return the process ids right below `pid`; none where it is gone."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def signal_all(pids: Collection[int], number: signal.Signals) -> None:
    """Send a signal to processes; no matter who is gone, or is somebody else's."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def kill(pid: int) -> None:
    """Kill one process; no matter if it is gone, or is somebody else's and dies with its keeper."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def kill_tree(pid: int) -> None:
    """Kill `pid` and everything below it, whatever group or session they moved to."""
    # Until nothing new appears: a process can fork while we look.
    for _ in range(10):
        below = descendants(pid)
        for child in below:
            kill(child)
        if not below:
            break
        kill(pid)
    kill(pid)


def describe_status(status: int) -> str:
    """Say how a process ended, from `os.waitstatus_to_exitcode`'s number."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"was killed by {name}"
    return f"ended with status {status}"
