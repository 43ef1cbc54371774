"""Timers by name. One of a device type's timers is its default."""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.worker.timers.base import Timer

TIMERS: Registry[Timer] = Registry(
    kind="timer",
    group="warpsmith.timers",
    builtin={
        "cuda_events": "warpsmith.worker.timers.events:CudaEvents",
        "wall": "warpsmith.worker.timers.wall:Wall",
    },
)

DEFAULT_TIMER = {"cuda": "cuda_events", "cpu": "wall"}

# What a core's and a socket's caches hold on common CPUs.
CPU_FLUSH_BYTES = 64 << 20


def flush_room(device: str) -> int:
    """Bytes whose write leaves nothing in the caches of `device`."""
    if device.startswith("cuda"):
        from warpsmith.worker.timers.events import flush_room as of_gpu  # noqa: PLC0415 - imports torch

        return of_gpu(device)
    return CPU_FLUSH_BYTES
