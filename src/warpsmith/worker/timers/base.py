"""The contract of a timer; imports no torch, so that names can be listed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Measure calls on one device, one sample a call.

    A timer warms nothing up, clears no caches and decides nothing about repetition: the caller
    does, so that candidate and baselines are called alike.
    """

    def sample(self, call: Callable[[], object], calls: int, device: str) -> list[int]:
        """Return the time of each of `calls` calls, in nanoseconds, each above zero.

        A call's time includes everything it started on the device, on any stream.
        """
        ...
