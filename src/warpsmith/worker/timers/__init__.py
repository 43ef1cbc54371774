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
