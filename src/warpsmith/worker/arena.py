"""Memory that two processes share: an anonymous file on the CPU, CUDA IPC on a GPU.

The reference side allocates, the candidate side maps; never the other way round, so
the reference side opens nothing that candidate code could have prepared. Tensors of
both sides, baselines' included, live in the same kind of memory, so that a page size
or an allocator decides no comparison.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os

import torch

from warpsmith.worker.process import available_bytes
from warpsmith.worker.steps import ArenaHandle

# Of what is available; the rest is for whoever else runs here.
SHARED_MEMORY_SHARE = 0.9
IPC_HANDLE_BYTES = 64
LAZY_PEER_ACCESS = 1


class ArenaError(RuntimeError):
    """Shared memory could not be had; `out_of_memory` says whether for want of room."""

    def __init__(self, message: str, *, out_of_memory: bool = False) -> None:
        super().__init__(message)
        self.out_of_memory = out_of_memory


class _IpcHandle(ctypes.Structure):
    _fields_ = (("reserved", ctypes.c_char * IPC_HANDLE_BYTES),)


@functools.cache
def _driver() -> ctypes.CDLL:
    driver = ctypes.CDLL("libcuda.so.1")
    driver.cuIpcOpenMemHandle_v2.argtypes = [ctypes.POINTER(ctypes.c_uint64), _IpcHandle, ctypes.c_uint]
    driver.cuMemAlloc_v2.argtypes = [ctypes.POINTER(ctypes.c_uint64), ctypes.c_size_t]
    driver.cuMemFree_v2.argtypes = [ctypes.c_uint64]
    driver.cuIpcCloseMemHandle.argtypes = [ctypes.c_uint64]
    driver.cuIpcGetMemHandle.argtypes = [ctypes.POINTER(_IpcHandle), ctypes.c_uint64]
    return driver


CUDA_OUT_OF_MEMORY = 2


def _call(name: str, *arguments: object) -> None:
    status = getattr(_driver(), name)(*arguments)
    if status:
        message = (
            "the GPU is out of memory" if status == CUDA_OUT_OF_MEMORY else f"{name} gave CUDA error {status}"
        )
        raise ArenaError(message, out_of_memory=status == CUDA_OUT_OF_MEMORY)


def _tensor_at(address: int, device: torch.device, size_bytes: int) -> torch.Tensor:
    # The storage does not own the memory: the arena frees it, after its last view is gone.
    storage = torch._C._construct_storage_from_data_pointer(address, device, size_bytes)  # noqa: SLF001
    return torch.empty(0, dtype=torch.uint8, device=device).set_(storage)


class Arena:
    """A span of shared memory.

    Attributes:
        memory: all of it, uint8, one dimension, on the arena's device.
        descriptor: file to send along with the handle; None on a GPU.
        handle: what the other process needs to map it.
    """

    def __init__(
        self, memory: torch.Tensor, handle: ArenaHandle, descriptor: int | None, address: int | None
    ) -> None:
        self.memory = memory
        self.handle = handle
        self.descriptor = descriptor
        self._address = address
        self._is_owner = True

    @classmethod
    def create(cls, size_bytes: int, device: torch.device) -> Arena:
        """Allocate at least `size_bytes` on `device`.

        Raises:
            ArenaError: there is no room.
        """
        size_bytes = max(size_bytes, mmap.PAGESIZE)
        if device.type == "cuda":
            return cls._create_cuda(size_bytes, device)
        # Linux would hand out pages until the machine has none left for anybody, and only then refuse.
        if size_bytes > (room := int(available_bytes() * SHARED_MEMORY_SHARE)):
            raise ArenaError(f"no {size_bytes} bytes of shared memory, only {room}", out_of_memory=True)
        descriptor = os.memfd_create("warpsmith-arena", os.MFD_CLOEXEC)
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        except OSError as error:
            os.close(descriptor)
            raise ArenaError(
                f"no {size_bytes} bytes of shared memory: {error}", out_of_memory=True
            ) from error
        memory = torch.frombuffer(mmap.mmap(descriptor, size_bytes), dtype=torch.uint8)
        return cls(memory, ArenaHandle(size_bytes=size_bytes, cuda_ipc=None), descriptor, None)

    @classmethod
    def _create_cuda(cls, size_bytes: int, device: torch.device) -> Arena:
        torch.cuda.init()
        torch.cuda.empty_cache()  # torch's cached blocks may be all that is in the way
        with torch.cuda.device(device):
            torch.zeros(1, device=device)  # makes the primary context current for the driver calls
            address = ctypes.c_uint64()
            _call("cuMemAlloc_v2", ctypes.byref(address), size_bytes)
            ipc = _IpcHandle()
            _call("cuIpcGetMemHandle", ctypes.byref(ipc), address)
        # `.reserved` would stop at the first zero byte.
        handle = ArenaHandle(size_bytes=size_bytes, cuda_ipc=bytes(ipc).hex())
        return cls(_tensor_at(address.value, device, size_bytes), handle, None, address.value)

    @classmethod
    def attach(cls, handle: ArenaHandle, device: torch.device, descriptor: int | None) -> Arena:
        """Map an arena of another process; takes over `descriptor`."""
        if handle.cuda_ipc is None:
            if descriptor is None:
                raise ArenaError("a CPU arena came without its descriptor")
            memory = torch.frombuffer(mmap.mmap(descriptor, handle.size_bytes), dtype=torch.uint8)
            return cls(memory, handle, descriptor, None)
        with torch.cuda.device(device):
            torch.zeros(1, device=device)
            address = ctypes.c_uint64()
            ipc = _IpcHandle.from_buffer_copy(bytes.fromhex(handle.cuda_ipc))
            _call("cuIpcOpenMemHandle_v2", ctypes.byref(address), ipc, LAZY_PEER_ACCESS)
        arena = cls(_tensor_at(address.value, device, handle.size_bytes), handle, None, address.value)
        arena._is_owner = False
        return arena

    def close(self) -> None:
        """Give the memory back; no view may be used afterwards."""
        device = self.memory.device
        self.memory = torch.empty(0, dtype=torch.uint8)
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
        if self._address is not None:
            with torch.cuda.device(device):
                torch.cuda.synchronize()
                _call("cuMemFree_v2" if self._is_owner else "cuIpcCloseMemHandle", self._address)
            self._address = None
