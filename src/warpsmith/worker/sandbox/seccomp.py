"""Which system calls a candidate is refused, as a filter that the kernel runs.

A deny-list: what compilers, CUDA and honest kernels call is beyond listing, and what
reaches other processes, the kernel's rarer parts or out of the sandbox is not.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

from warpsmith.worker.sandbox import syscalls

# By x86_64 and aarch64 number; None where an architecture never had the call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    # the kernel's rarer parts
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "syslog": (103, 116),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "_sysctl": (156, None),
    # other namespaces and roots
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "open_by_handle_at": (304, 265),
    # keys, which are shared by all processes of a user
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # the machine
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "create_module": (174, None),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "iopl": (172, None),
    "ioperm": (173, None),
    "settimeofday": (164, 170),
    "adjtimex": (159, 171),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
}
_CLONE3 = 435
# Each new namespace is new kernel code within reach; time namespaces can't be asked of `clone`.
_NEW_NAMESPACES = 0x7E020000
_UNIX, _INET, _INET6 = 1, 2, 10

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_IS = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IS_AT_LEAST = 0x35
_HAS_ANY = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_ERROR = 0x00050000
_KILL = 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER = 1
# Without it, kernels before 5.16 switch speculative stores off for whoever has a filter, which slows
# a candidate's CPU code and nobody else's.
_SPEC_ALLOW = 4


class _Architecture(NamedTuple):
    audit: int
    column: int
    clone: int
    socket: int


_ARCHITECTURES = {
    "x86_64": _Architecture(audit=0xC000003E, column=0, clone=56, socket=41),
    "aarch64": _Architecture(audit=0xC00000B7, column=1, clone=220, socket=198),
}
# Numbers from here on are x86_64's second table, with 32-bit pointers; nothing here uses it.
_X32 = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _do(code: int, value: int, skip_if: int = 0, skip_if_not: int = 0) -> bytes:
    return struct.pack("HBBI", code, skip_if, skip_if_not, value)


def _refuse(error: int) -> bytes:
    return _do(_RETURN, _ERROR | error)


def program(machine: str, *, has_network: bool) -> bytes:
    """Return the filter for `machine`; `has_network` permits internet sockets, for a network of its own.

    Raises:
        OSError: nobody wrote down this architecture's numbers.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call numbers are known for {machine}")
    this = _ARCHITECTURES[machine]
    lines = [_do(_LOAD, _ARCHITECTURE), _do(_IS, this.audit, skip_if=1), _do(_RETURN, _KILL)]
    lines.append(_do(_LOAD, _NUMBER))
    if machine == "x86_64":
        lines += [_do(_IS_AT_LEAST, _X32, skip_if_not=1), _refuse(errno.EPERM)]
    # Its flags lie in memory, where a filter can't look; libc then falls back on `clone`.
    lines += [_do(_IS, _CLONE3, skip_if_not=1), _refuse(errno.ENOSYS)]
    clone = [_do(_LOAD, _FIRST_ARGUMENT), _do(_HAS_ANY, _NEW_NAMESPACES, skip_if_not=1)]
    clone += [_refuse(errno.EPERM), _do(_RETURN, _ALLOW)]
    lines += [_do(_IS, this.clone, skip_if_not=len(clone)), *clone]
    families = [_UNIX, _INET, _INET6] if has_network else [_UNIX]
    opened = [_do(_LOAD, _FIRST_ARGUMENT)]
    for family in families:
        opened += [_do(_IS, family, skip_if_not=1), _do(_RETURN, _ALLOW)]
    opened.append(_refuse(errno.EAFNOSUPPORT))
    lines += [_do(_IS, this.socket, skip_if_not=len(opened)), *opened]
    for numbers in _DENIED.values():
        if (number := numbers[this.column]) is not None:
            lines += [_do(_IS, number, skip_if_not=1), _refuse(errno.EPERM)]
    return b"".join([*lines, _do(_RETURN, _ALLOW)])


def install(*, has_network: bool) -> None:
    """Filter this thread's system calls, and those of all it starts, for ever."""
    machine = os.uname().machine
    instructions = program(machine, has_network=has_network)
    filter_ = _Program(length=len(instructions) // 8, instructions=instructions)
    syscalls.raw(
        "seccomp",
        _SYS_SECCOMP[machine],
        ctypes.c_uint(_SET_MODE_FILTER),
        ctypes.c_uint(_SPEC_ALLOW),
        ctypes.byref(filter_),
    )
