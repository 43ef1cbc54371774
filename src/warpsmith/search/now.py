"""What a run is busy with, in a file of its folder that others may look at while it goes on.

A view and no record: it says nothing that the archive needs, it is written without care for a loss of power,
and a disk that refuses it stops nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import msgspec

from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import RecordError
from warpsmith.core.events import (
    EngineState,
    Event,
    PhaseStarted,
    TaskFinished,
    TaskStarted,
    TrialFinished,
)

FILE = "now.json"
# People look a few times a second; a fast run has hundreds of phases in one.
EVERY_S = 0.25


class Now(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run is busy with.

    Attributes:
        phases: of each task that has begun, for people, by task id.
        reasons: why the search of a task ended, by task id.
        engine: where the engine stands; None without one.
    """

    phases: dict[str, str] = {}
    reasons: dict[str, str] = {}
    engine: EngineState | None = None


class NowFile:
    """A sink that keeps `now.json` up to date, a few times a second at most."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._now = Now()
        self._written_at = float("-inf")

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        now = self._now
        if isinstance(event, TaskStarted):
            reasons = {task_id: why for task_id, why in now.reasons.items() if task_id != event.task.id}
            now = Now(phases=now.phases | {event.task.id: "starting"}, reasons=reasons, engine=now.engine)
        elif isinstance(event, PhaseStarted):
            said = f"{event.phase} {event.detail}".strip()
            now = msgspec.structs.replace(now, phases=now.phases | {event.task_id: said})
        elif isinstance(event, TaskFinished):
            now = msgspec.structs.replace(now, reasons=now.reasons | {event.task_id: event.reason})
        elif isinstance(event, EngineState):
            now = msgspec.structs.replace(now, engine=event)
        elif not isinstance(event, TrialFinished):
            return
        self._now = now
        if isinstance(event, TaskFinished) or time.monotonic() - self._written_at >= EVERY_S:
            self._write()

    def _write(self) -> None:
        self._written_at = time.monotonic()
        unfinished = self._path.with_name(f".{FILE}-{os.getpid()}")
        with contextlib.suppress(OSError):
            unfinished.write_bytes(encode(self._now))
            unfinished.replace(self._path)


def now_of(folder: Path) -> Now | None:
    """Return what the run in `folder` last said of itself; None where it said nothing that can be read."""
    try:
        return decode((folder / FILE).read_bytes(), Now)
    except (OSError, RecordError):
        return None
