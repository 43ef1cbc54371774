"""GPU memory that another process can map, by CUDA's virtual memory management.

An allocation crosses as a file descriptor. Memory behind `cuIpcOpenMemHandle` would be simpler to have, but
kernels read it up to a tenth slower than their own (H100, 800 MB: 589 us for 535 us), which made every
candidate look slower than what it is compared with; what is imported here is as fast as an own allocation.
"""

from __future__ import annotations

import ctypes
import functools
from typing import NamedTuple

PINNED = 1
ON_DEVICE = 1
AS_FILE = 1
READ_AND_WRITE = 3
OUT_OF_MEMORY = 2


class DeviceMemoryError(RuntimeError):
    """The driver refused; `out_of_memory` says whether for want of room."""

    def __init__(self, message: str, *, out_of_memory: bool) -> None:
        super().__init__(message)
        self.out_of_memory = out_of_memory


class Span(NamedTuple):
    """Mapped memory: where it begins and how long it is, in bytes."""

    address: int
    size_bytes: int


class _Location(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("device", ctypes.c_int))


class _Properties(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int),
        ("handles", ctypes.c_int),
        ("location", _Location),
        ("windows", ctypes.c_void_p),
        ("flags", ctypes.c_ubyte * 8),
    )


class _Access(ctypes.Structure):
    _fields_ = (("location", _Location), ("flags", ctypes.c_int))


_U64, _SIZE = ctypes.c_ulonglong, ctypes.c_size_t


@functools.cache
def _driver() -> ctypes.CDLL:
    driver = ctypes.CDLL("libcuda.so.1")
    pointer = ctypes.POINTER
    driver.cuMemGetAllocationGranularity.argtypes = [pointer(_SIZE), pointer(_Properties), ctypes.c_int]
    driver.cuMemCreate.argtypes = [pointer(_U64), _SIZE, pointer(_Properties), _U64]
    driver.cuMemExportToShareableHandle.argtypes = [pointer(ctypes.c_int), _U64, ctypes.c_int, _U64]
    driver.cuMemImportFromShareableHandle.argtypes = [pointer(_U64), ctypes.c_void_p, ctypes.c_int]
    driver.cuMemAddressReserve.argtypes = [pointer(_U64), _SIZE, _SIZE, _U64, _U64]
    driver.cuMemMap.argtypes = [_U64, _SIZE, _SIZE, _U64, _U64]
    driver.cuMemSetAccess.argtypes = [_U64, _SIZE, pointer(_Access), _SIZE]
    driver.cuMemUnmap.argtypes = [_U64, _SIZE]
    driver.cuMemAddressFree.argtypes = [_U64, _SIZE]
    driver.cuMemRelease.argtypes = [_U64]
    return driver


def _call(name: str, *arguments: object) -> None:
    status = getattr(_driver(), name)(*arguments)
    if status:
        is_full = status == OUT_OF_MEMORY
        message = "the GPU is out of memory" if is_full else f"{name} gave CUDA error {status}"
        raise DeviceMemoryError(message, out_of_memory=is_full)


def allocate(size_bytes: int, device: int) -> tuple[Span, int]:
    """Return at least `size_bytes` of mapped memory, and the descriptor by which another process maps it.

    Raises:
        DeviceMemoryError: there is no room, or the driver can't share memory.
    """
    properties = _Properties(PINNED, AS_FILE, _Location(ON_DEVICE, device), None)
    page = _SIZE()
    _call("cuMemGetAllocationGranularity", ctypes.byref(page), ctypes.byref(properties), 0)
    size_bytes = -(-size_bytes // page.value) * page.value
    handle, descriptor = _U64(), ctypes.c_int()
    _call("cuMemCreate", ctypes.byref(handle), size_bytes, ctypes.byref(properties), 0)
    try:
        span = _mapped(handle, size_bytes, device)
        try:
            _call("cuMemExportToShareableHandle", ctypes.byref(descriptor), handle, AS_FILE, 0)
        except DeviceMemoryError:
            release(span)
            raise
    finally:
        _call("cuMemRelease", handle)  # the mapping and the descriptor keep the memory
    return span, descriptor.value


def map_file(descriptor: int, size_bytes: int, device: int) -> Span:
    """Map what `allocate` of another process made; `size_bytes` is the length that it had there.

    Raises:
        DeviceMemoryError: the driver refuses.
    """
    handle = _U64()
    _call("cuMemImportFromShareableHandle", ctypes.byref(handle), ctypes.c_void_p(descriptor), AS_FILE)
    try:
        return _mapped(handle, size_bytes, device)
    finally:
        _call("cuMemRelease", handle)


def _mapped(handle: ctypes.c_ulonglong, size_bytes: int, device: int) -> Span:
    address = _U64()
    _call("cuMemAddressReserve", ctypes.byref(address), size_bytes, 0, 0, 0)
    try:
        _call("cuMemMap", address, size_bytes, 0, handle, 0)
    except DeviceMemoryError:
        _call("cuMemAddressFree", address, size_bytes)
        raise
    span = Span(address.value, size_bytes)
    try:
        access = _Access(_Location(ON_DEVICE, device), READ_AND_WRITE)
        _call("cuMemSetAccess", address, size_bytes, ctypes.byref(access), 1)
    except DeviceMemoryError:
        release(span)
        raise
    return span


def release(span: Span) -> None:
    """Unmap memory; what no process has mapped and no descriptor names is free again."""
    _call("cuMemUnmap", span.address, span.size_bytes)
    _call("cuMemAddressFree", span.address, span.size_bytes)
