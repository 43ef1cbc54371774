"""Work that takes time and does nothing: for measuring the engine, and for testing what stands on it.

Latencies are drawn; verdicts are derived from the candidate's id, so that they can be foretold.
"""

from __future__ import annotations

import asyncio
import random

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.provenance import Provenance
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task
from warpsmith.core.timing import Timing
from warpsmith.core.verdict import (
    Accepted,
    ErrorStats,
    Faulted,
    Finding,
    Measurement,
    Rejected,
    Stage,
    Verdict,
)
from warpsmith.engine.base import Facilities, Lane

DEVICE_CLASS = "simulated"
REJECTED_SHARE = 0.25


class Simulated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An executor whose work is waiting.

    Attributes:
        lanes: how many a device.
        builders: how many builds at once.
        build_s: mean of the seconds that a build takes.
        judge_s: mean of the seconds that a lane takes for a candidate.
        seed: of the latencies.
    """

    lanes: int = 4
    builders: int = 4
    build_s: float = 0.0
    judge_s: float = 0.0
    seed: int = 0

    def open(self, devices: tuple[str, ...]) -> SimulatedCrew:
        """Return a crew that waits."""
        return SimulatedCrew(self, devices)


class SimulatedCrew:
    """Waits, and gives the verdict that the candidate's id foretells."""

    def __init__(self, options: Simulated, devices: tuple[str, ...]) -> None:
        self._options = options
        self._devices = devices
        self._rng = random.Random(options.seed)

    async def start(self) -> Facilities:
        """Return as many lanes as were asked for."""
        options = self._options
        for device in self._devices:
            if device.partition(":")[0] not in {"auto", "cpu", "cuda"}:
                raise UsageError(f"no device {device!r}; use auto, cpu, cuda or cuda:N")
        devices = tuple("cpu" if device == "auto" else device for device in self._devices)
        return Facilities(
            lanes=tuple(
                Lane(device, device.partition(":")[0], number)
                for device in devices
                for number in range(options.lanes)
            ),
            builders=options.builders,
            device_classes=dict.fromkeys(devices, DEVICE_CLASS),
            software={},
        )

    async def build(self, task: Task, candidate: Candidate) -> Rejected | Faulted | None:  # noqa: ARG002
        """Take the time of a build."""
        await self._wait(self._options.build_s)
        return None

    async def judge(self, lane: Lane, task: Task, candidate: Candidate) -> Verdict:  # noqa: ARG002
        """Take the time of a verification."""
        await self._wait(self._options.judge_s)
        return foretold(task, candidate)

    async def _wait(self, mean_s: float) -> None:
        await asyncio.sleep(self._rng.expovariate(1 / mean_s) if mean_s > 0 else 0)

    async def close(self) -> None:
        """Nothing is left running, since nothing runs."""


def foretold(task: Task, candidate: Candidate) -> Verdict:
    """Return the verdict that `candidate` gets from a simulated crew; nothing was computed or measured."""
    draw = random.Random(derive(0, "simulated", candidate.source))
    provenance = Provenance(
        verifier="simulated",
        tier=task.tier.value,
        device=DEVICE_CLASS,
        device_type=task.target.device_type,
        driver=None,
        threads=1,
        software={},
        clocks_mhz={},
        isolation="none",
        seed=task.seed,
    )
    if draw.random() < REJECTED_SHARE:
        finding = Finding(check="simulated", message="a simulated rejection")
        return Rejected(
            stage=Stage.COMPARE, reason=finding.message, findings=(finding,), provenance=provenance
        )
    return Accepted(
        measurements=(
            Measurement(
                workload="simulated",
                timing=Timing(samples_ns=(1000,) * 3, timer="simulated", flushed_l2=False),
                baselines={
                    name: Timing(
                        samples_ns=(draw.randrange(500, 2000),) * 3, timer="simulated", flushed_l2=False
                    )
                    for name in task.baselines
                },
            ),
        ),
        error=ErrorStats(max_abs=0.0, max_rel=0.0, outside=0.0, elements=1),
        provenance=provenance,
        phases_s={"timing": 0.0},
        wall_s=0.0,
    )
