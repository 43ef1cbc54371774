"""Host clock around each call, for CPU targets."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec


class Wall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`time.perf_counter_ns` before and after each call."""

    def sample(self, call: Callable[[], object], calls: int, device: str) -> list[int]:  # noqa: ARG002 - one host
        """Return `calls` wall times in nanoseconds."""
        samples = []
        clock = time.perf_counter_ns
        for _ in range(calls):
            start = clock()
            call()
            samples.append(max(1, clock() - start))
        return samples
