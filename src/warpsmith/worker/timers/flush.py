"""Clear a device's caches before a call, from the process that trusts itself.

A candidate that cleared them itself could leave it out, and have that time to lie about.
"""

from __future__ import annotations

import functools
import itertools

import torch

# A write of twice the L2 cache leaves nothing of it on the parts we know; three times is for those we don't.
FLUSH_FACTOR = 3
# What a core's and a socket's caches hold on common CPUs.
CPU_FLUSH_BYTES = 64 << 20
# One buffer for all sizes: a new one would fault its pages in, which takes longer than the write.
LARGEST_FACTOR = 2
_counter = itertools.count()


def flush_room(device: str) -> int:
    """Bytes whose write leaves nothing in the caches of `device`."""
    if device.startswith("cuda"):
        return int(FLUSH_FACTOR * torch.cuda.get_device_properties(device).L2_cache_size)
    return CPU_FLUSH_BYTES


@functools.cache
def _buffer(device: str) -> torch.Tensor:
    return torch.empty(LARGEST_FACTOR * flush_room(device) // 4, dtype=torch.int32, device=device)


def clear_caches(device: str, size_bytes: int) -> None:
    """Write `size_bytes`, at most twice `flush_room`, and wait until that is done.

    On a CPU it also wakes the threads that a call will use. Without it a block of calls was seen to speed
    up by half over some thirty calls, as if a last-level cache were filling; benchmarks/RESULTS.md has the
    control.
    """
    _buffer(device)[: size_bytes // 4].fill_(next(_counter))
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
