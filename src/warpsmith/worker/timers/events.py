"""CUDA events around each call, after a reset of cache lines that were to persist."""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable

import msgspec
import torch

# Synchronising an idle device and recording an event takes 10 to 30 us; more means that work was left.
DRAIN_MS = 0.2
# Keeps the device busy for about 150 us, in which a host enqueues some fifteen kernels.
PLUG_CYCLES = 250_000
# A kernel that takes longer than this hangs: the launches are over, so no compiler is at work any more.
DEVICE_S = 10.0
# For this long an event is asked without a pause, as a synchronisation would; then now and then.
EAGER_S = 0.05
PAUSE_S = 0.002


@functools.cache
def _driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")


class DeviceHangs(Exception):
    """What was launched does not end."""


def await_event(event: torch.cuda.Event) -> None:
    """Return when `event` has passed.

    Raises:
        DeviceHangs: it has not within `DEVICE_S`.
    """
    start = time.monotonic()
    while not event.query():
        waited_s = time.monotonic() - start
        if waited_s > DEVICE_S:
            raise DeviceHangs(f"a call's kernels did not finish in {DEVICE_S:g} s and were killed")
        if waited_s > EAGER_S:
            time.sleep(PAUSE_S)


class CudaEvents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Device time between two events on the current stream.

    A spinning kernel keeps the device busy while the host enqueues the call, so launch overhead
    shows only where it is longer than that. Work left on other streams when the second event has
    passed is awaited and charged: leaving the stream stops no clock.
    """

    def sample(self, call: Callable[[], object], calls: int, device: str) -> list[int]:
        """Return `calls` device times in nanoseconds."""
        samples = []
        for _ in range(calls):
            start, end, drained = (torch.cuda.Event(enable_timing=True) for _ in range(3))
            # A window of lines that persist outlives any flush; who set one loses it here.
            _driver().cuCtxResetPersistingL2Cache()
            torch.cuda._sleep(PLUG_CYCLES)  # noqa: SLF001 - the only spin kernel that torch brings
            start.record()
            call()
            end.record()
            await_event(end)
            torch.cuda.synchronize(device)
            drained.record()
            drained.synchronize()
            is_late = end.elapsed_time(drained) > DRAIN_MS
            samples.append(max(1, round(start.elapsed_time(drained if is_late else end) * 1e6)))
        return samples
