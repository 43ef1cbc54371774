"""What a run tells whoever listens. A sink is any callable that takes an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Retiming, Trial


class TaskStarted(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="task_started",
    forbid_unknown_fields=True,
):
    """A search of one task begins; `finished` trials were found in the archive."""

    task: Task
    budget: Budget
    finished: int


class PhaseStarted(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="phase_started",
    forbid_unknown_fields=True,
):
    """What the run is busy with now, for people: `proposing`, `verifying`, ..."""

    task_id: str
    phase: str
    detail: str = ""


class TrialFinished(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="trial_finished",
    forbid_unknown_fields=True,
):
    """A trial is in the archive."""

    trial: Trial


class RetimingFinished(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="retiming_finished",
    forbid_unknown_fields=True,
):
    """A re-timing is in the archive."""

    retiming: Retiming


class TaskFinished(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="task_finished",
    forbid_unknown_fields=True,
):
    """A search of one task ended, and why: `trials`, `wall`, `exhausted`, `interrupted`."""

    task_id: str
    reason: str


class VerdictGiven(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="verdict_given",
    forbid_unknown_fields=True,
):
    """The engine reached a verdict.

    Attributes:
        status: `accepted`, `rejected` or `faulted`.
        is_known: it was given before, or is given to somebody else who asked for the same.
        wall_s: seconds from asking to the verdict, waiting for a turn included.
    """

    task_id: str
    candidate_id: str
    status: str
    is_known: bool
    wall_s: float


class EngineState(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag="engine_state",
    forbid_unknown_fields=True,
):
    """Where the engine stands.

    Attributes:
        wall_s: seconds since it started.
        finished: verdicts reached, by status.
        known: verdicts that cost nothing, having been given before.
        inside: candidates in each stage now: `scan`, `build`, `judge`.
        waiting: candidates that are built and wait for a lane.
        stage_s: seconds that candidates have spent in each stage, all together.
        verdicts_per_hour: reached since the start.
        build_faults: builds ahead that failed for reasons of the builder's own; lanes build these candidates.
        last_build_fault: why the last of them did; empty without one.
        device_share: share of the time of all devices in which one worked for a candidate, or was kept free
            for one; from the phases of the verdicts reached so far.
    """

    wall_s: float
    finished: dict[str, int]
    known: int
    inside: dict[str, int]
    waiting: int
    stage_s: dict[str, float]
    verdicts_per_hour: float
    device_share: float
    build_faults: int = 0
    last_build_fault: str = ""


Event: TypeAlias = (
    TaskStarted | PhaseStarted | TrialFinished | RetimingFinished | TaskFinished | VerdictGiven | EngineState
)
Sink: TypeAlias = Callable[[Event], None]
