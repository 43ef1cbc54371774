"""The engine for threads that wait: as many as there are, and none is left waiting when it stops."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from crews import Scripted, numbered

from warpsmith.core.candidate import Candidate
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Verdict
from warpsmith.engine.base import Crew, Lane
from warpsmith.engine.waiting import WaitingEngine
from warpsmith.testing import fakes

LANES = [Lane("cpu", "cpu", number) for number in range(3)]


class Opens:
    """An executor of one crew."""

    def __init__(self, crew: Scripted) -> None:
        self._crew = crew

    def open(self, devices: tuple[str, ...]) -> Crew:
        assert devices == ("cpu",)
        return self._crew


def test_threads_are_given_their_verdicts_at_the_same_time() -> None:
    together = asyncio.Barrier(3)

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        await asyncio.wait_for(together.wait(), 20)  # one at a time would never get here
        return fakes.accepted()

    with (
        WaitingEngine(Opens(Scripted(LANES, judging=judging)), "cpu") as engine,
        ThreadPoolExecutor(3) as pool,
    ):
        assert engine.abreast == 6
        assert engine.target.device == "cpu"
        task = fakes.task()
        given = list(pool.map(lambda number: engine.verify(task, numbered(number)), range(3)))
    assert all(isinstance(verdict, Accepted) for verdict in given)


def test_who_waits_when_it_stops_is_interrupted_and_given_no_verdict() -> None:
    is_judging = threading.Event()

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        is_judging.set()
        await asyncio.sleep(60)
        return fakes.accepted()

    crew = Scripted(LANES, judging=judging)
    with WaitingEngine(Opens(crew), "cpu") as engine, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(engine.verify, fakes.task(), numbered(1))
        assert is_judging.wait(20)
        engine.stop()
        with pytest.raises(KeyboardInterrupt):
            waiting.result(20)
    assert crew.is_closed


def test_a_crew_that_does_not_start_leaves_no_thread() -> None:
    class Refusing(Scripted):
        async def start(self) -> None:  # type: ignore[override]
            raise ValueError("no such device")

    before = threading.active_count()
    with pytest.raises(ValueError, match="no such device"), WaitingEngine(Opens(Refusing(LANES)), "cpu"):
        pass
    assert threading.active_count() == before
