"""Memory that two processes share: an anonymous file on the CPU, a shareable allocation on a GPU.

The reference side allocates, the candidate side maps; never the other way round, so
the reference side opens nothing that candidate code could have prepared. Tensors of
both sides, baselines' included, live in the same kind of memory, so that a page size
or an allocator decides no comparison.
"""

from __future__ import annotations

import mmap
import os

import torch

from warpsmith.worker import device_memory
from warpsmith.worker.device_memory import DeviceMemoryError, Span
from warpsmith.worker.process import available_bytes
from warpsmith.worker.steps import ArenaHandle

# Of what is available; the rest is for whoever else runs here.
SHARED_MEMORY_SHARE = 0.9


class ArenaError(RuntimeError):
    """Shared memory could not be had; `out_of_memory` says whether for want of room."""

    def __init__(self, message: str, *, out_of_memory: bool = False) -> None:
        super().__init__(message)
        self.out_of_memory = out_of_memory


def _tensor_at(span: Span, device: torch.device) -> torch.Tensor:
    # The storage does not own the memory: the arena frees it, after its last view is gone.
    storage = torch._C._construct_storage_from_data_pointer(span.address, device, span.size_bytes)  # noqa: SLF001
    return torch.empty(0, dtype=torch.uint8, device=device).set_(storage)


class Arena:
    """A span of shared memory.

    Attributes:
        memory: all of it, uint8, one dimension, on the arena's device.
        descriptor: file to send along with the handle; None where this process only maps a GPU's memory.
        handle: what the other process needs besides to map it.
    """

    def __init__(
        self, memory: torch.Tensor, handle: ArenaHandle, descriptor: int | None, span: Span | None = None
    ) -> None:
        self.memory = memory
        self.handle = handle
        self.descriptor = descriptor
        self._span = span

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
        return cls(memory, ArenaHandle(size_bytes=size_bytes), descriptor)

    @classmethod
    def _create_cuda(cls, size_bytes: int, device: torch.device) -> Arena:
        torch.cuda.init()
        torch.cuda.empty_cache()  # torch's cached blocks may be all that is in the way
        with torch.cuda.device(device):
            torch.zeros(1, device=device)  # makes the primary context current for the driver calls
            try:
                span, descriptor = device_memory.allocate(size_bytes, torch.cuda.current_device())
            except DeviceMemoryError as error:
                raise ArenaError(str(error), out_of_memory=error.out_of_memory) from error
        return cls(_tensor_at(span, device), ArenaHandle(size_bytes=span.size_bytes), descriptor, span)

    @classmethod
    def attach(cls, handle: ArenaHandle, device: torch.device, descriptor: int | None) -> Arena:
        """Map an arena of another process; takes over `descriptor`.

        Raises:
            ArenaError: there is nothing to map.
        """
        if descriptor is None:
            raise ArenaError("an arena came without its descriptor")
        if device.type != "cuda":
            memory = torch.frombuffer(mmap.mmap(descriptor, handle.size_bytes), dtype=torch.uint8)
            return cls(memory, handle, descriptor)
        try:
            with torch.cuda.device(device):
                torch.zeros(1, device=device)
                index = torch.cuda.current_device()
                span = device_memory.map_file(descriptor, handle.size_bytes, index)
        except DeviceMemoryError as error:
            raise ArenaError(str(error), out_of_memory=error.out_of_memory) from error
        finally:
            os.close(descriptor)
        return cls(_tensor_at(span, device), handle, None, span)

    def close(self) -> None:
        """Give the memory back; no view may be used afterwards."""
        device = self.memory.device
        self.memory = torch.empty(0, dtype=torch.uint8)
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
        if self._span is not None:
            span, self._span = self._span, None
            with torch.cuda.device(device):
                torch.cuda.synchronize()
                device_memory.release(span)
