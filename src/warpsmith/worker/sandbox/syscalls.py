"""The system calls that Python's `os` lacks, each raising `OSError` with its own name on failure.

Knows numbers and structures of the kernel's interface; decides nothing.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_SLAVE = 0x80000
MNT_DETACH = 2

CAP_SYS_ADMIN = 21

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
# One number on every architecture: it is younger than the common table.
_SYS_MOUNT_SETATTR = 442
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
# NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE; each locked.
_SECUREBITS = 0b11101111
_LAST_CAPABILITY = 63

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def raw(name: str, number: int, *arguments: object) -> int:
    """Make system call `number`; `name` is for the error."""
    return _checked(name, int(_libc.syscall(ctypes.c_long(number), *arguments)))


def prctl(name: str, option: int, first: int, second: int = 0) -> None:
    """Ask something of the kernel for this process."""
    arguments = (ctypes.c_ulong(first), ctypes.c_ulong(second), ctypes.c_ulong(0), ctypes.c_ulong(0))
    _checked(name, int(_libc.prctl(option, *arguments)))


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; a new pid namespace begins with the next child."""
    _checked("unshare", int(_libc.unshare(ctypes.c_int(flags))))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Attach a file system, or change how one is attached."""
    result = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )
    _checked(f"mount {target}", int(result))


def detach(target: str) -> None:
    """Take a mount and all below it out of sight."""
    _checked(f"umount {target}", int(_libc.umount2(os.fsencode(target), MNT_DETACH)))


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root and put the old one on `old`."""
    raw("pivot_root", _SYS_PIVOT_ROOT[os.uname().machine], os.fsencode(new), os.fsencode(old))


def make_read_only(target: str, *, recursive: bool = True) -> None:
    """Make a mount, by default with all below it, read-only and deaf to set-user-id bits."""
    attributes = struct.pack("QQQQ", MS_RDONLY | MS_NOSUID, 0, 0, 0)  # the flags' values agree
    try:
        raw(
            f"mount_setattr {target}",
            _SYS_MOUNT_SETATTR,
            ctypes.c_int(_AT_FDCWD),
            os.fsencode(target),
            ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
            attributes,
            ctypes.c_size_t(len(attributes)),
        )
    except OSError:
        # Linux before 5.12 has no such call; it takes one mount at a time.
        for path, flags in _mounts_below(target) if recursive else [(target, 0)]:
            mount("none", path, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | flags)


def _mounts_below(target: str) -> list[tuple[str, int]]:
    # Those that may be locked, so that leaving them out would ask for more than one has.
    known = {"nodev": MS_NODEV, "noexec": MS_NOEXEC, "noatime": 1 << 10, "nodiratime": 1 << 11}
    known["relatime"] = 1 << 21
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        path = fields[4].encode().decode("unicode_escape")
        if path == target or path.startswith(f"{target}/"):
            flags = sum(known.get(option, 0) for option in fields[5].split(","))
            found.append((path, flags))
    return found


def has_capability(capability: int) -> bool:
    """Whether this process may use `capability`."""
    status = Path("/proc/self/status").read_text()
    (effective,) = (line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> capability & 1)


def drop_capabilities() -> None:
    """Give up all capabilities for ever, those of a later set-user-id program included."""
    if has_capability(8):  # CAP_SETPCAP, without which there is nothing in these sets to be had back
        for capability in range(_LAST_CAPABILITY + 1):
            try:
                prctl("PR_CAPBSET_DROP", _PR_CAPBSET_DROP, capability)
            except OSError:
                break  # the kernel knows no more of them
        prctl("PR_SET_SECUREBITS", _PR_SET_SECUREBITS, _SECUREBITS)
    prctl("PR_CAP_AMBIENT", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    raw("capset", _SYS_CAPSET[os.uname().machine], header, bytes(24))


def no_new_privileges() -> None:
    """No program started from here on gains anything by its set-user-id bit."""
    prctl("PR_SET_NO_NEW_PRIVS", _PR_SET_NO_NEW_PRIVS, 1)


def set_dumpable(is_dumpable: bool) -> None:  # noqa: FBT001 - it is the whole message
    """Let, or do not let, processes of the same user read and trace this one."""
    prctl("PR_SET_DUMPABLE", _PR_SET_DUMPABLE, int(is_dumpable))


def bring_up_loopback() -> None:
    """Switch on the only interface of a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(asked, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(asked, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
