"""What a run tells whoever listens. A sink is any callable that takes an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Trial


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


Event: TypeAlias = TaskStarted | PhaseStarted | TrialFinished | TaskFinished
Sink: TypeAlias = Callable[[Event], None]
