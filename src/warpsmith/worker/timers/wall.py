"""Host clock around each call, for CPU targets, after a write that evicts what caches it can."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import msgspec
import torch

# One buffer for all sizes: a new one would fault its pages in, which takes longer than the write.
LARGEST_FLUSH_BYTES = 128 << 20


@functools.cache
def _flush_buffer() -> torch.Tensor:
    return torch.empty(LARGEST_FLUSH_BYTES // 4, dtype=torch.int32)


class Wall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`time.perf_counter_ns` before and after, each call from the same cold start.

    Without the write a block of calls was seen to speed up by half over some thirty calls, as
    if a last-level cache were filling, and whoever makes fewer calls looks slower. The write
    also wakes the threads that the call will use. benchmarks/RESULTS.md has the control.

    Attributes:
        flush_bytes: how much is written before each call; more than any core's own caches hold.
    """

    flush_bytes: int = 64 << 20
    flushes_l2: bool = True

    def sample(self, call: Callable[[], object], calls: int, device: str) -> list[int]:  # noqa: ARG002 - one host
        """Return `calls` wall times in nanoseconds."""
        buffer = _flush_buffer()[: self.flush_bytes // 4]
        samples = []
        clock = time.perf_counter_ns
        for number in range(calls):
            buffer.fill_(number)
            start = clock()
            call()
            samples.append(max(1, clock() - start))
        return samples
