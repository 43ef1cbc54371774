"""The processes of a sandbox, in the order in which they shed what they may do.

    nursery ── keeper ── init ── candidate

The *keeper* stays outside, and ends as the candidate ended. The *init* is the first
process of the new pid namespace: it builds the root, reaps orphans, and everything the
candidate started ends with it. The *candidate* gives up the rest and goes on as our
caller says.

Runs after a fork: nothing may be imported from disk once the root has changed.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import stat
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from warpsmith.worker.process import available_bytes, limit_memory, no_core_dumps
from warpsmith.worker.sandbox import seccomp, syscalls
from warpsmith.worker.sandbox.plan import INSIDE_ID, OUTSIDE_ID, Plan, Terms
from warpsmith.worker.sandbox.root import SCRATCH, Binding, Owner, Root

CANDIDATE_MEMORY_SHARE = 0.7
# Of what is free when a candidate starts: its files are memory, and must not be the host's last.
SCRATCH_MEMORY_SHARE = 0.5
MAX_OPEN_FILES = 4096
# Who uses up a host's memory is to be killed first.
MOST_LIKELY_KILLED = "1000"
STANDS = b"stands"
MAX_TROUBLE_BYTES = 4096
NO_SANDBOX = 125


class Started(NamedTuple):
    """A candidate behind its walls; or `trouble`, why there is none.

    Attributes:
        pid: of its keeper.
    """

    pid: int
    trouble: str


class Sandbox(NamedTuple):
    """What every candidate of one nursery gets.

    Attributes:
        shown: what of the host's files is seen inside.
        hidden: folders inside that are empty.
    """

    plan: Plan
    shown: tuple[Binding, ...] = ()
    hidden: tuple[str, ...] = ()

    def scratch(self, terms: Terms) -> str:
        """Where a candidate may write, by the path it knows."""
        return SCRATCH if self.plan.has_root else terms.host_scratch

    def start(
        self, terms: Terms, inside: Callable[[], None], keep: Sequence[int], output: int | None = None
    ) -> Started:
        """Fork a process that runs `inside` behind the walls, and wait until they stand.

        Args:
            terms: what it may have.
            inside: what it is to do; it ends with status 0 when this returns.
            keep: descriptors that it may hold, beyond the standard ones.
            output: what its stdout and stderr are to be; None leaves all three standard streams.
        """
        read_end, write_end = os.pipe()
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            _Raising(self, terms, inside, tuple(keep), write_end).keep_house(keeper, output)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as told:
            said = told.read(MAX_TROUBLE_BYTES)
        if said == STANDS:
            return Started(pid=pid, trouble="")
        os.waitpid(pid, 0)
        return Started(pid=0, trouble=said.decode(errors="replace") or "it ended before its walls stood")


class _Raising(NamedTuple):
    """The walls of one candidate while they are raised.

    Attributes:
        ready: where to tell that they stand, or why they don't.
    """

    sandbox: Sandbox
    terms: Terms
    inside: Callable[[], None]
    keep: tuple[int, ...]
    ready: int

    @property
    def plan(self) -> Plan:
        return self.sandbox.plan

    def keep_house(self, parent: int, output: int | None) -> NoReturn:
        """Be the keeper: make the namespaces, and end as the candidate ends."""
        with self._telling():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which ends us in order
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            no_core_dumps()
            if output is not None:
                _redirect(output)
            syscalls.set_dumpable(False)
            _die_with(parent)
            status_read, status_write = os.pipe()
            close_all_but({0, 1, 2, *self.keep, self.ready, status_read, status_write})
            self._make_namespaces()
            keeper = os.getpid()
            init = os.fork()
            if init == 0:
                os.close(status_read)
                with self._telling():
                    self._be_init(keeper, status_write)
            os.close(status_write)
            _let_go({status_read})
            said = os.read(status_read, 4)
            _, own = os.waitpid(init, 0)
            _end_like(struct.unpack("i", said)[0] if said else own)
        os._exit(NO_SANDBOX)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - the process edge: whoever forked us must be told
            with contextlib.suppress(OSError):
                os.write(self.ready, f"{type(error).__name__}: {error}".encode()[:MAX_TROUBLE_BYTES])
        os._exit(NO_SANDBOX)

    def _make_namespaces(self) -> None:
        # Not that of mounts: who shares it is moved along when the first process changes its root.
        namespaces = self.plan.namespaces & ~syscalls.CLONE_NEWNS
        if self.plan.way == "root":
            syscalls.unshare(namespaces)
        elif self.plan.way == "user":
            user, group = os.geteuid(), os.getegid()
            # Its files in /proc belong to root while it may not be read, and it must write two of them.
            syscalls.set_dumpable(True)
            if self.plan.is_outsider:
                os.setgroups([])
                with _mapped_by_helper({0: 0, INSIDE_ID: OUTSIDE_ID}):
                    syscalls.unshare(syscalls.CLONE_NEWUSER | namespaces)
            else:
                syscalls.unshare(syscalls.CLONE_NEWUSER | namespaces)
                _map("self", {user: user}, {group: group})
            syscalls.set_dumpable(False)

    def _be_init(self, keeper: int, status: int) -> NoReturn:
        parent = 0 if self.plan.has(syscalls.CLONE_NEWPID) else keeper
        _die_with(parent)
        self._furnish()
        ours, theirs = socket.socketpair()
        init = os.getpid()
        candidate = os.fork()
        if candidate == 0:
            os.close(status)
            ours.close()
            with self._telling():
                self._be_candidate(init, theirs)
        theirs.close()
        if self._maps_last:
            numbers = {INSIDE_ID: OUTSIDE_ID} if self.plan.is_outsider else {0: 0}
            _map(ours.recv(32).decode(), numbers, numbers)
            ours.send(b"m")
        ours.close()
        _let_go({status})
        syscalls.drop_capabilities()
        # Again, since it is forgotten when privileges change; a keeper that went before shows by its pipe.
        _die_with(parent)
        if select.select([status], [], [], 0)[0]:
            os._exit(NO_SANDBOX)
        _reap_until(candidate, status)

    def _furnish(self) -> None:
        """Fill the new namespaces."""
        if self.plan.has(syscalls.CLONE_NEWNS):
            syscalls.unshare(syscalls.CLONE_NEWNS)
        if self.plan.has_root:
            self._root().build()
        elif self.plan.is_outsider:
            self._hand_over_scratch()
        if self.plan.has(syscalls.CLONE_NEWNET):
            syscalls.bring_up_loopback()
        if self.plan.has(syscalls.CLONE_NEWUTS):
            socket.sethostname("sandbox")

    def _hand_over_scratch(self) -> None:
        folder = Path(self.terms.host_scratch)
        os.chown(folder, self._owner().user, self._owner().group)
        if (parent := folder.parent.stat()).st_uid == os.geteuid():
            folder.parent.chmod(stat.S_IMODE(parent.st_mode) | 0o011)  # to pass through, not to look

    @property
    def _maps_last(self) -> bool:
        return self.plan.way == "root" and self.plan.has_own_users

    def _owner(self) -> Owner:
        if not self.plan.is_outsider:
            return Owner(user=os.geteuid(), group=os.getegid(), named=os.geteuid())
        number = INSIDE_ID if self.plan.way == "user" else OUTSIDE_ID
        return Owner(user=number, group=number, named=INSIDE_ID if self.plan.has_own_users else OUTSIDE_ID)

    def _root(self) -> Root:
        room = int(available_bytes() * SCRATCH_MEMORY_SHARE)
        return Root(
            shown=self.sandbox.shown,
            hidden=self.sandbox.hidden,
            owner=self._owner(),
            has_own_proc=self.plan.has_own_proc,
            size_bytes=min(self.terms.limits.scratch_bytes, room),
        )

    def _be_candidate(self, init: int, init_end: socket.socket) -> NoReturn:
        os.setsid()
        self._become_nobody(init_end)
        init_end.close()
        self._limit()
        syscalls.drop_capabilities()
        syscalls.no_new_privileges()
        # What may be lost by a change of user is set after it. It must see its own /proc files: CUDA does.
        syscalls.set_dumpable(True)
        _die_with(init)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(MOST_LIKELY_KILLED)
        os.chdir(self.sandbox.scratch(self.terms))
        os.umask(0o022)
        if self.plan.has_filter:
            seccomp.install(has_network=self.plan.has(syscalls.CLONE_NEWNET))
        os.write(self.ready, STANDS)
        os.close(self.ready)
        status = 1
        try:
            self.inside()
            status = 0
        finally:
            os._exit(status)

    def _become_nobody(self, init_end: socket.socket) -> None:
        if self.plan.is_outsider and self.plan.way != "user":
            os.setgroups([])
        number = OUTSIDE_ID
        if self._maps_last:
            syscalls.unshare(syscalls.CLONE_NEWUSER)
            # By the number that /proc knows, which may be the host's.
            init_end.send(str(Path("/proc/self").readlink()).encode())
            if not init_end.recv(1):
                raise OSError("nobody wrote the candidate's user map")
            number = INSIDE_ID
        elif self.plan.way == "user":
            number = INSIDE_ID
        if self.plan.is_outsider:
            os.setresgid(number, number, number)
            os.setresuid(number, number, number)

    def _limit(self) -> None:
        limits = self.terms.limits
        if self.terms.device_type == "cpu":
            limit_memory(CANDIDATE_MEMORY_SHARE)
        _lower(resource.RLIMIT_FSIZE, limits.scratch_bytes)
        _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
        # Counted for the user within its user namespace; without one, with all else that this user runs.
        others = 0 if self.plan.has_own_users else _threads_of(os.getuid())
        _lower(resource.RLIMIT_NPROC, limits.processes + others)


def close_all_but(kept: set[int]) -> None:
    """Close every descriptor that is not in `kept`."""
    for path in list(Path("/proc/self/fd").iterdir()):
        if (descriptor := int(path.name)) not in kept:
            with contextlib.suppress(OSError):  # the one that the listing itself took
                os.close(descriptor)


def _let_go(kept: set[int]) -> None:
    """Hold nothing of the candidate's, so that its ends are seen when it closes them."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    close_all_but({0, 1, 2, *kept})


def _redirect(output: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


def _die_with(parent: int) -> None:
    """Be killed when the parent goes, and end here if it has gone; a first process knows none."""
    syscalls.prctl("PR_SET_PDEATHSIG", 1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(NO_SANDBOX)


def _map(pid: str, users: dict[int, int], groups: dict[int, int] | None = None) -> None:
    """Say which users, and groups, outside are meant by which numbers inside a user namespace."""
    folder = Path("/proc", pid)
    with contextlib.suppress(FileNotFoundError):
        (folder / "setgroups").write_text("deny")
    for name, numbers in (("uid_map", users), ("gid_map", users if groups is None else groups)):
        (folder / name).write_text("".join(f"{inside} {outside} 1\n" for inside, outside in numbers.items()))


@contextlib.contextmanager
def _mapped_by_helper(users: dict[int, int]) -> Iterator[None]:
    """Have a process that stays outside write our map, since we lose the right to by leaving."""
    ours, theirs = socket.socketpair()
    pid = os.getpid()
    helper = os.fork()
    if helper == 0:
        status = 1
        try:
            ours.close()
            if theirs.recv(1):
                _map(str(pid), users)
                status = 0
        finally:
            os._exit(status)
    theirs.close()
    yield
    ours.send(b"m")
    ours.close()
    if os.waitpid(helper, 0)[1]:
        raise OSError("the user map can't be written")


def _reap_until(candidate: int, status: int) -> NoReturn:
    """Reap whoever ends; pass on how the candidate did, and end, which ends all that it started."""
    while True:
        pid, how = os.wait()
        if pid == candidate:
            with contextlib.suppress(OSError):
                os.write(status, struct.pack("i", how))
            os._exit(0)


def _end_like(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(limit, (value, value))


def _threads_of(user: int) -> int:
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == user:
                count += len(list((folder / "task").iterdir()))
    return count
