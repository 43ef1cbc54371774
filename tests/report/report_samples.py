"""Runs for the report's tests: real records in real archives, with times that are easy to divide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.provenance import Provenance
from warpsmith.core.task import Target, Task, Track
from warpsmith.core.timing import Timing
from warpsmith.core.trial import Judged, Outcome, Proposal, Trial
from warpsmith.core.verdict import Accepted, ErrorStats, Faulted, Finding, Measurement, Rejected, Stage

SOURCE = '"""A kernel."""\n\nfrom __future__ import annotations\n\n\nclass ModelNew:\n    NUMBER = {number}\n'


def provenance(device: str = "Test CPU", device_type: str = "cpu") -> Provenance:
    return Provenance(
        verifier="0.1.0",
        tier="verify",
        device=device,
        device_type=device_type,
        driver=None,
        threads=2,
        software={"python": "3.11.7", "torch": "2.13.0"},
        clocks_mhz={},
        isolation="none",
        seed=7,
    )


def task(
    name: str = "level1/softmax",
    *,
    device: str = "cpu",
    baselines: Sequence[str] = ("eager", "compile"),
    track: Track | None = None,
) -> Task:
    problem = Problem(name=name, source=f"# {name}\nclass Model: ...\n", workloads=(Workload(name="cpu"),))
    return Task(
        problem=problem, target=Target(device=device), baselines=tuple(baselines), track=track or Track()
    )


def timing(median_ns: int, timer: str = "wall") -> Timing:
    spread = max(1, median_ns // 100)
    return Timing(
        samples_ns=(median_ns - spread, median_ns, median_ns + spread), timer=timer, flushed_l2=False
    )


def accepted(
    ns: int = 50,
    *,
    timer: str = "wall",
    device: str = "Test CPU",
    own_share: float | None = None,
    shapes: Literal["any", "declared"] = "any",
    **baselines_ns: int,
) -> Judged:
    """An acceptance that took `ns` a call; `eager` takes 100 unless said, other baselines where said."""
    baselines = {
        name: timing(value, timer) for name, value in {"eager": 100, **baselines_ns}.items() if value
    }
    measurement = Measurement(workload="cpu", timing=timing(ns, timer), baselines=baselines)
    return Judged(
        verdict=Accepted(
            measurements=(measurement,),
            error=ErrorStats(max_abs=0.0, max_rel=0.0, outside=0.0, elements=64),
            provenance=provenance(device),
            phases_s={"build": 1.0},
            wall_s=2.0,
            own_share=own_share,
            shapes=shapes,
        )
    )


def rejected(
    stage: Stage = Stage.COMPARE, check: str = "values", reason: str = "output 0 is wrong"
) -> Judged:
    findings = (Finding(check=check, message=reason),)
    return Judged(verdict=Rejected(stage=stage, reason=reason, findings=findings))


def faulted(reason: str = "device lost") -> Judged:
    return Judged(verdict=Faulted(reason=reason))


def trials(of: Task, *outcomes: Outcome) -> list[Trial]:
    return [
        Trial(
            number=number,
            task_id=of.id,
            proposal=Proposal(
                proposer="inductor",
                variant=f"v{number}",
                candidate=Candidate(source=SOURCE.format(number=number), backend="cpp"),
            ),
            outcome=outcome,
            finished_at=f"2026-11-22T14:{number % 60:02d}:00+00:00",
        )
        for number, outcome in enumerate(outcomes)
    ]


def run(folder: Path, *histories: tuple[Task, Sequence[Outcome]]) -> Path:
    """Make a run in `folder` with these tasks and what became of each one's trials."""
    with Archive.create(folder) as archive:
        for each, outcomes in histories:
            archive.add_task(each)
            for trial in trials(each, *outcomes):
                archive.add(trial)
    return folder
