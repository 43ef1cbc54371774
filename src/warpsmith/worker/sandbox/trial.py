"""Find the strongest walls that stand here, by raising them around processes that only look about.

A few tens of milliseconds where everything works; a trial more for each wall that does not.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from warpsmith.core.task import Limits
from warpsmith.worker.sandbox import syscalls
from warpsmith.worker.sandbox.plan import NAMESPACES, Plan, Terms, what_lacks
from warpsmith.worker.sandbox.root import SCRATCH, bindings, hidden_folders
from warpsmith.worker.sandbox.syscalls import CLONE_NEWNS, CLONE_NEWPID
from warpsmith.worker.sandbox.walls import Sandbox

PACKAGES = ("torch", "triton", "warpsmith", "msgspec", "ctypes", "json")
MAX_SAID_BYTES = 1000
_PLENTY = Limits(scratch_bytes=1 << 24)


def strongest_sandbox(folder: Path) -> Sandbox:
    """Return the sandbox with the most walls that this host allows.

    Args:
        folder: where candidates without a root of their own would get theirs.
    """
    shown = bindings()
    whole = Sandbox(plan=Plan(way="none"), shown=shown, hidden=hidden_folders(shown))
    is_root = os.geteuid() == 0
    trouble = ""
    for plan in _whole_plans(is_root=is_root):
        said = trouble_in(sandbox := whole._replace(plan=plan), folder)
        if not said:
            break
        trouble = trouble or said
    else:
        sandbox = whole._replace(plan=_partial_plan(whole, folder, is_root=is_root))
    lacks = what_lacks(sandbox.plan, is_root=is_root)
    if lacks and trouble:
        lacks = (f"the whole sandbox was tried, and {trouble}", *lacks)
    return sandbox._replace(plan=msgspec.structs.replace(sandbox.plan, lacks=lacks))


def _whole_plans(*, is_root: bool) -> Iterator[Plan]:
    if is_root and syscalls.has_capability(syscalls.CAP_SYS_ADMIN):
        yield Plan(way="root", is_outsider=True)
    if is_root:
        yield Plan(way="user", is_outsider=True)
    if is_root and syscalls.has_capability(syscalls.CAP_SYS_ADMIN):
        yield Plan(way="root")
    yield Plan(way="user")


def _partial_plan(whole: Sandbox, folder: Path, *, is_root: bool) -> Plan:
    """Add wall to wall, keeping each that stands."""
    plan = Plan(
        way="none", namespaces=0, has_own_users=False, has_root=False, has_own_proc=False, has_filter=False
    )

    def with_more(**walls: object) -> Plan:
        """Return the plan with one more wall where it stands, else as it was."""
        wanted = msgspec.structs.replace(plan, **walls)
        return plan if trouble_in(whole._replace(plan=wanted), folder) else wanted

    if is_root:
        plan = with_more(way="root", namespaces=CLONE_NEWNS)
    if plan.way == "none":
        plan = with_more(way="user", has_own_users=True)
    elif plan.way == "root":
        plan = with_more(has_own_users=True)
    if plan.way != "none":
        for flag in NAMESPACES.keys() - {CLONE_NEWPID}:
            plan = with_more(namespaces=plan.namespaces | flag)
    if plan.has(CLONE_NEWNS):
        plan = with_more(has_root=True)
    # A process whose own number is not found in its /proc is a stranger to CUDA: both or neither.
    if plan.has_root:
        plan = with_more(namespaces=plan.namespaces | CLONE_NEWPID, has_own_proc=True)
    if is_root:
        plan = with_more(is_outsider=True)
    return with_more(has_filter=True)


class _Look(NamedTuple):
    """What a process behind walls tries, to see that it is neither too little nor too much.

    Attributes:
        needed: files that can be read outside and must be inside.
    """

    sandbox: Sandbox
    needed: tuple[str, ...]
    answer: int

    def look(self) -> None:
        """Write what is wrong, if anything."""
        os.write(self.answer, (self._wrong() or "").encode()[:MAX_SAID_BYTES])

    def _wrong(self) -> str | None:
        unread = [path for path in self.needed if not os.access(path, os.R_OK)]
        if unread:
            return f"{unread[0]} can't be read"
        if self.sandbox.plan.has_root:
            Path(SCRATCH, "note").write_text("scratch")
            Path("/tmp/note").write_text("scratch")  # noqa: S108 - its own
        if self.sandbox.plan.has_filter:
            try:
                syscalls.unshare(0)
            except OSError as error:
                if error.errno != errno.EPERM:
                    raise
            else:
                return "system calls are not filtered"
        return self._wrong_devices() or self._wrong_programs()

    def _wrong_devices(self) -> str | None:
        closed = [path for path in _gpu_devices() if not os.access(path, os.R_OK | os.W_OK)]
        if closed:
            return f"{closed[0]} can't be opened"
        if _gpu_devices() and (error := _cuda_error()):
            return f"CUDA does not start inside (error {error})"
        return None

    def _wrong_programs(self) -> str | None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        pid = os.posix_spawn(sys.executable, [sys.executable, "-I", "-S", "-c", ""], {})
        return "Python does not start" if os.waitpid(pid, 0)[1] else None


def _cuda_error() -> int:
    """Start CUDA's driver in this process, which is thrown away; 0 where it starts, or is not there."""
    try:
        return int(ctypes.CDLL("libcuda.so.1").cuInit(0))
    except OSError:
        return 0


def _gpu_devices() -> list[str]:
    """Devices that a candidate may open outside, and so must be able to open inside."""
    return [str(path) for path in Path("/dev").glob("nvidia*") if path.is_char_device() and _is_for_all(path)]


def _is_for_all(path: Path) -> bool:
    return path.stat().st_mode & 0o006 == 0o006


def _needed() -> tuple[str, ...]:
    """Files of what is imported by now: parts of these packages are only imported when they are needed."""
    files = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        # Some of torch's modules are made up and name files that never were.
        if name.partition(".")[0] in PACKAGES and isinstance(file, str) and os.access(file, os.R_OK):
            files.append(file)
    return (*files, sys.executable, "/dev/null", "/dev/urandom", "/proc/self/stat")


def trouble_in(sandbox: Sandbox, folder: Path) -> str:
    """Return why a candidate would not thrive in `sandbox`; empty where it would."""
    with contextlib.ExitStack() as undo:
        scratch = folder / f"trial-{os.getpid()}"
        if not sandbox.plan.has_root:
            scratch.mkdir(mode=0o700)
            undo.callback(scratch.rmdir)
        read_end, write_end = os.pipe()
        undo.callback(os.close, read_end)
        null = os.open(os.devnull, os.O_RDWR)
        device_type = "cuda" if _gpu_devices() else "cpu"
        terms = Terms(device_type=device_type, limits=_PLENTY, host_scratch=str(scratch))
        try:
            started = sandbox.start(terms, _Look(sandbox, _needed(), write_end).look, [write_end], null)
        finally:
            os.close(write_end)
            os.close(null)
        if started.trouble:
            return started.trouble
        said = os.read(read_end, MAX_SAID_BYTES).decode(errors="replace")
        _, status = os.waitpid(started.pid, 0)
        return said or ("it did not end well" if status else "")
