"""Crews whose work is decided by the test, so that the engine's order and its limits can be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from warpsmith.core.candidate import Candidate
from warpsmith.core.task import Task
from warpsmith.core.verdict import Faulted, Rejected, Verdict
from warpsmith.engine.base import Facilities, Lane
from warpsmith.testing import fakes

Judging = Callable[[Lane, Task, Candidate], Awaitable[Verdict]]


def source(number: int) -> str:
    """Return the text of a candidate that passes the scan, different for every number."""
    return f"class ModelNew:\n    number = {number}\n"


def numbered(number: int) -> Candidate:
    """Return that candidate."""
    return Candidate(source=source(number), backend="torch")


class Scripted:
    """A crew that does what it is told, and writes down what it was asked.

    Args:
        lanes: what it has.
        builders: how many builds at once.
        judging: what a lane does with a candidate; by default it accepts at once.
    """

    def __init__(self, lanes: list[Lane], *, builders: int = 0, judging: Judging | None = None) -> None:
        self.lanes = lanes
        self.builders = builders
        self.judging = judging
        self.judged: list[tuple[Lane, str]] = []
        self.building = self.most_building = 0
        self.at_work: set[Lane] = set()
        self.build_s = 0.0
        self.refuses: Callable[[Candidate], Rejected | Faulted | None] = lambda candidate: None
        self.classes: dict[str, str] = {}
        self.is_closed = False

    async def start(self) -> Facilities:
        return Facilities(
            lanes=tuple(self.lanes),
            builders=self.builders,
            device_classes=self.classes or {lane.device: "a device" for lane in self.lanes},
            software={},
        )

    async def build(self, task: Task, candidate: Candidate) -> Rejected | Faulted | None:
        self.building += 1
        self.most_building = max(self.most_building, self.building)
        await asyncio.sleep(self.build_s)
        self.building -= 1
        return self.refuses(candidate)

    async def judge(self, lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        assert lane not in self.at_work, "a lane judges one candidate at a time"
        self.at_work.add(lane)
        self.judged.append((lane, task.problem.name))
        try:
            if self.judging is not None:
                return await self.judging(lane, task, candidate)
            await asyncio.sleep(0)
            return fakes.accepted()
        finally:
            self.at_work.remove(lane)

    async def close(self) -> None:
        self.is_closed = True
