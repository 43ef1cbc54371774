"""Which walls this host allows: tried once in throwaway processes, before the first candidate.

The outcome is the isolation grade that a verdict states, and for each wall that is
missing a sentence with the remedy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from warpsmith.core.task import Limits
from warpsmith.worker.sandbox.syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
)

Grade: TypeAlias = Literal["full", "partial", "none"]

NAMESPACES = {
    CLONE_NEWNS: "file system",
    CLONE_NEWPID: "process",
    CLONE_NEWNET: "network",
    CLONE_NEWIPC: "IPC",
    CLONE_NEWUTS: "host name",
    CLONE_NEWCGROUP: "cgroup",
}
ALL_NAMESPACES = sum(NAMESPACES)
# Nobody, everywhere; and what a candidate sees itself as, since unmapped users show as nobody.
OUTSIDE_ID = 65534
INSIDE_ID = 1000

_SYSCTLS = {
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    "/proc/sys/user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=10000"),
}
_IN_A_CONTAINER = (
    "run as root on the host, or start the container with --privileged, or with --security-opt "
    "seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
)


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The walls to put up.

    Attributes:
        way: what lets us make namespaces: being root, a user namespace made first, or nothing.
        namespaces: `CLONE_NEW*` flags, users aside.
        has_own_users: whether the candidate ends in a user namespace of its own.
        is_outsider: whether it runs as a user that owns nothing outside, instead of as ours.
        has_root: whether it has a root of its own.
        has_own_proc: whether that root has a `/proc` of its own.
        has_filter: whether its system calls are filtered.
        lacks: what is missing for a grade of `full`, and how to get it.
    """

    way: Literal["root", "user", "none"]
    namespaces: int = ALL_NAMESPACES
    has_own_users: bool = True
    is_outsider: bool = False
    has_root: bool = True
    has_own_proc: bool = True
    has_filter: bool = True
    lacks: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        """`full` where nothing lacks, `none` where there is but a process."""
        if not self.lacks:
            return "full"
        return "partial" if self.namespaces or self.has_filter or self.is_outsider else "none"

    def has(self, namespace: int) -> bool:
        """Whether `namespace` is new."""
        return bool(self.namespaces & namespace)


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one candidate may have.

    Attributes:
        host_scratch: folder outside to write to where it gets no root of its own.
    """

    device_type: str
    limits: Limits
    host_scratch: str


def what_lacks(plan: Plan, *, is_root: bool) -> tuple[str, ...]:
    """Return a sentence for each wall that `plan` leaves out."""
    found = []
    if plan.way == "none" or not plan.has_own_users:
        found.append(f"candidates have no user namespace: {_remedy()}")
    if plan.way != "none" and plan.namespaces != ALL_NAMESPACES:
        missing = [name for flag, name in NAMESPACES.items() if not plan.has(flag)]
        found.append(f"candidates have no {', '.join(missing)} namespace of their own: {_remedy()}")
    if not plan.has_root:
        found.append(f"candidates see the host's file system: {_remedy()}")
    elif not plan.has_own_proc:
        found.append(
            "candidates see the host's processes, since something hides parts of /proc: start the "
            "container with --security-opt systempaths=unconfined, or run as root with CAP_SYS_ADMIN"
        )
    if not plan.has_filter:
        found.append(
            "system calls are not filtered: use a kernel with CONFIG_SECCOMP_FILTER on x86_64 or aarch64"
        )
    if is_root and not plan.is_outsider:
        found.append(
            "candidates run as root by number, so that no limit on processes holds them: make Python, "
            "torch and the compilers readable for all users (chmod -R a+rX), or run as an ordinary user"
        )
    return tuple(found)


def _remedy() -> str:
    for path, (forbids, remedy) in _SYSCTLS.items():
        try:
            if Path(path).read_text().strip() == forbids:
                return remedy
        except OSError:
            continue
    return _IN_A_CONTAINER
