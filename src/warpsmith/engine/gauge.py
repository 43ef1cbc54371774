"""How much is done and where the work stands: what progress lines and benchmarks are made of.

Counts and clocks only; knows no candidate.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from warpsmith.core.events import EngineState
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Verdict, status_of

STAGES = ("scan", "build", "judge")
# Phases of a verification in which its device works for it, or is kept free for it.
ON_DEVICE = frozenset({"inputs", "reference", "correctness", "timing", "census"})


class Gauge:
    """The state of one engine, from its start.

    Args:
        devices: how many it has.
    """

    def __init__(self, devices: int = 1) -> None:
        self.devices = devices
        self._start = time.monotonic()
        self._inside: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._since: dict[str, float] = {}
        self._statuses: Counter[str] = Counter()
        self._on_device_s = 0.0
        self.known = 0
        self._build_faults = 0
        self._last_build_fault = ""

    @contextlib.contextmanager
    def inside(self, stage: str) -> Iterator[None]:
        """Count one more in `stage` for as long as this is entered."""
        self._settle(stage)
        self._inside[stage] += 1
        try:
            yield
        finally:
            self._settle(stage)
            self._inside[stage] -= 1

    def _settle(self, stage: str) -> None:
        now = time.monotonic()
        self._seconds[stage] += self._inside[stage] * (now - self._since.get(stage, now))
        self._since[stage] = now

    def given(self, verdict: Verdict) -> None:
        """Count a verdict that was reached just now."""
        self._statuses[status_of(verdict)] += 1
        if isinstance(verdict, Accepted | Rejected):
            self._on_device_s += on_device_s(verdict.phases_s)

    def build_fault(self, reason: str) -> None:
        """Count a build ahead that failed for reasons of the builder's host."""
        self._build_faults += 1
        self._last_build_fault = reason

    def state(self, waiting: int) -> EngineState:
        """Return where things stand.

        Args:
            waiting: how many candidates are built and wait for a lane.
        """
        for stage in STAGES:
            self._settle(stage)
        wall_s = time.monotonic() - self._start
        done = sum(self._statuses.values())
        return EngineState(
            wall_s=wall_s,
            finished=dict(self._statuses),
            known=self.known,
            build_faults=self._build_faults,
            last_build_fault=self._last_build_fault,
            inside={stage: self._inside[stage] for stage in STAGES},
            waiting=waiting,
            stage_s={stage: self._seconds[stage] for stage in STAGES},
            verdicts_per_hour=3600.0 * done / wall_s if wall_s > 0 else 0.0,
            device_share=min(1.0, self._on_device_s / (wall_s * self.devices)) if wall_s > 0 else 0.0,
        )


def device_s_of(verdict: Verdict | None) -> float:
    """Return the seconds in which the device worked for a verdict or was kept free for it.

    A fault has no phases, so all of its time counts: what hung may have held the device throughout.
    """
    if verdict is None:
        return 0.0
    return verdict.wall_s if isinstance(verdict, Faulted) else on_device_s(verdict.phases_s)


def on_device_s(phases_s: Mapping[str, float]) -> float:
    """Return the seconds of a verification in which its device worked for it or was kept free for it."""
    return sum(seconds for phase, seconds in phases_s.items() if phase in ON_DEVICE)
