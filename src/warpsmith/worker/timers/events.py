"""CUDA events around each call, after a write that evicts L2 and a reset of lines that were to persist."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import msgspec
import torch

# A write of twice the cache leaves nothing of it on the parts we know; three times is for those we don't.
FLUSH_FACTOR = 3
# Synchronising an idle device and recording an event takes 10 to 30 us; more means that work was left.
DRAIN_MS = 0.2


@functools.cache
def _flush_buffer(device: str, size_bytes: int) -> torch.Tensor:
    return torch.empty(size_bytes, dtype=torch.uint8, device=device)


def flush_room(device: str) -> int:
    """Bytes whose write leaves nothing in the L2 cache of `device`."""
    return int(FLUSH_FACTOR * torch.cuda.get_device_properties(device).L2_cache_size)


@functools.cache
def _driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")


class CudaEvents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Device time between two events on the current stream.

    The flush keeps the device busy while the host enqueues the call, so launch overhead
    shows only where it is longer than the flush. Work left on other streams when the
    second event has passed is awaited and charged: leaving the stream stops no clock.

    Attributes:
        flush_bytes: how much is written before each call; None is three times the cache.
    """

    flush_bytes: int | None = None
    flushes_l2: bool = True

    def sample(self, call: Callable[[], object], calls: int, device: str) -> list[int]:
        """Return `calls` device times in nanoseconds."""
        room = flush_room(device)
        wanted = room if self.flush_bytes is None else self.flush_bytes
        buffer = _flush_buffer(device, max(room * 2, wanted))[:wanted]
        samples = []
        for _ in range(calls):
            start, end, drained = (torch.cuda.Event(enable_timing=True) for _ in range(3))
            # A window of lines that persist outlives any flush; who set one loses it here.
            _driver().cuCtxResetPersistingL2Cache()
            buffer.zero_()
            start.record()
            call()
            end.record()
            end.synchronize()
            torch.cuda.synchronize(device)
            drained.record()
            drained.synchronize()
            is_late = end.elapsed_time(drained) > DRAIN_MS
            samples.append(max(1, round(start.elapsed_time(drained if is_late else end) * 1e6)))
        return samples
