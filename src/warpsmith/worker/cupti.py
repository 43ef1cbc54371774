"""What a GPU ran during a call: kernels, copies and fills with their times, as CUPTI records them.

torch.profiler asks CUPTI, too, but takes five to seven seconds of a core to start in every new process
(torch 2.11, H100), if only because it imports the compiler; the activity records that are needed here start
in 30 ms. Knows no candidate.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

MEMCPY, MEMSET, KERNEL = 1, 2, 10
KINDS = (MEMCPY, MEMSET, KERNEL)
FORCED = 1
BUFFER_BYTES = 4 << 20
NO_MORE_RECORDS = 12  # CUPTI_ERROR_MAX_LIMIT_REACHED


class Activity(NamedTuple):
    """One thing that the device did: a kernel by its name, or a copy or a fill of memory."""

    name: str
    duration_ns: int


class _Record(ctypes.Structure):
    """What all versions of the three records have in common: CUPTI only ever appends to them."""

    _fields_ = (
        ("kind", ctypes.c_uint32),
        ("more", ctypes.c_uint32 * 3),
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
    )


class _Kernel(ctypes.Structure):
    _fields_ = (("head", _Record), ("launch", ctypes.c_uint64 * 9), ("name", ctypes.c_char_p))


_Requested = ctypes.CFUNCTYPE(
    None, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_size_t)
)
_Completed = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t
)


class Recorder:
    """CUPTI of this process, through the library that torch has loaded."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.cuptiActivityGetNextRecord.argtypes = [
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.POINTER(ctypes.c_void_p),
        ]
        self._buffers: dict[int, Any] = {}
        self._seen: list[Activity] = []
        self._is_whole = True
        # CUPTI keeps these for as long as the process lives, so somebody has to.
        self._callbacks = (_Requested(self._lend), _Completed(self._read))
        self._works = library.cuptiActivityRegisterCallbacks(*self._callbacks) == 0

    def record(self, call: Callable[[], object], synchronize: Callable[[], object]) -> list[Activity] | None:
        """Return what the device did during `call`, in CUPTI's order; None where it can't tell all."""
        if not self._works:
            return None
        synchronize()
        self._seen, self._is_whole = [], True
        enabled = [kind for kind in KINDS if self._library.cuptiActivityEnable(kind) == 0]
        try:
            call()
            synchronize()
        finally:
            self._library.cuptiActivityFlushAll(FORCED)
            for kind in enabled:
                self._library.cuptiActivityDisable(kind)
        return self._seen if KERNEL in enabled and self._is_whole else None

    def _lend(self, buffer: Any, size: Any, most_records: Any) -> None:
        made = ctypes.create_string_buffer(BUFFER_BYTES + 8)
        address = ctypes.addressof(made)
        address += -address % 8
        self._buffers[address] = made
        buffer[0], size[0], most_records[0] = address, BUFFER_BYTES, 0

    def _read(self, _context: int, _stream: int, buffer: int, _size: int, valid_bytes: int) -> None:
        record = ctypes.c_void_p()
        get = self._library.cuptiActivityGetNextRecord
        while not (status := get(buffer, valid_bytes, ctypes.byref(record))):
            self._seen += _activity(record.value or 0)
        self._is_whole &= status == NO_MORE_RECORDS
        self._buffers.pop(buffer, None)


def _activity(address: int) -> list[Activity]:
    head = _Record.from_address(address)
    duration_ns = max(0, head.end - head.start)
    if head.kind == MEMCPY:
        return [Activity("Memcpy", duration_ns)]
    if head.kind == MEMSET:
        return [Activity("Memset", duration_ns)]
    if head.kind == KERNEL:
        return [Activity(_demangled(_Kernel.from_address(address).name or b""), duration_ns)]
    return []


def _demangled(name: bytes) -> str:
    """Return a C++ name as its author wrote it; any other as it is."""
    status, found = ctypes.c_int(), None
    if name.startswith(b"_Z") and (demangle := _demangler()) is not None:
        found = demangle(name, None, None, ctypes.byref(status))
    if not found:
        return name.decode(errors="replace")
    try:
        return (ctypes.cast(found, ctypes.c_char_p).value or name).decode(errors="replace")
    finally:
        ctypes.CDLL(None).free(ctypes.c_void_p(found))


@functools.cache
def _demangler() -> Any:
    try:
        demangle = ctypes.CDLL("libstdc++.so.6")["__cxa_demangle"]
    except (OSError, AttributeError):
        return None
    demangle.restype = ctypes.c_void_p
    demangle.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]
    return demangle


@functools.cache
def recorder() -> Recorder | None:
    """Return this process's recorder; None where torch brought no CUPTI that can be called."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    path = next((line[line.index("/") :] for line in maps if "/libcupti.so" in line), None)
    try:
        return Recorder(ctypes.CDLL(path)) if path else None
    except (OSError, AttributeError):
        return None
