"""The engine's order, limits and losses, with crews told what to do; real processes are in test_local."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from crews import Scripted, numbered

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import DeviceLost, UsageError
from warpsmith.core.events import EngineState, Event, VerdictGiven
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Stage, Verdict
from warpsmith.engine.base import Lane
from warpsmith.engine.cache import VerdictCache
from warpsmith.engine.engine import Engine, Wanted, reporting
from warpsmith.engine.simulated import Simulated, foretold
from warpsmith.testing import fakes

T = TypeVar("T")
CPU = Lane("cpu", "cpu")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 30))


def wanted(task: Task, count: int) -> Iterator[Wanted[int]]:
    return (Wanted(number, task, numbered(number)) for number in range(count))


async def all_of(crew: Scripted, task: Task, count: int) -> dict[int, Verdict]:
    async with Engine(crew) as engine:
        return {given.key: given.verdict async for given in engine.stream(wanted(task, count))}


def test_every_candidate_gets_its_own_verdict() -> None:
    task = fakes.task()

    async def work() -> dict[int, Verdict]:
        crew = Simulated(lanes=3, builders=2, build_s=0.001, judge_s=0.001).open(("cpu",))
        async with Engine(crew) as engine:
            return {given.key: given.verdict async for given in engine.stream(wanted(task, 60))}

    found = run(work())
    assert sorted(found) == list(range(60))
    for number, verdict in found.items():
        assert type(verdict) is type(foretold(task, numbered(number)))
    assert {type(verdict) for verdict in found.values()} == {Accepted, Rejected}


def test_what_the_scan_refuses_reaches_nobody() -> None:
    crew = Scripted([CPU])

    async def work() -> Verdict:
        async with Engine(crew) as engine:
            return await engine.verify(fakes.task(), Candidate(source="def (", backend="torch"))

    verdict = run(work())
    assert isinstance(verdict, Rejected)
    assert (verdict.stage, crew.judged) == (Stage.SCAN, [])


def test_what_does_not_build_takes_no_turn_on_a_device() -> None:
    crew = Scripted([CPU], builders=2)
    refusal = fakes.rejected("no such header", stage=Stage.BUILD, check="build")
    crew.refuses = lambda candidate: refusal if "number = 1" in candidate.source else None
    found = run(all_of(crew, fakes.task(), 3))
    assert [type(found[number]) for number in range(3)] == [Accepted, Rejected, Accepted]
    assert len(crew.judged) == 2


@pytest.mark.parametrize("how", ["a fault", "an error"])
def test_a_builder_that_fails_is_told_and_the_lane_does_without(how: str) -> None:
    crew = Scripted([CPU], builders=1)

    def refuses(candidate: Candidate) -> Faulted:
        if how == "an error":
            raise RuntimeError("the builder has a bug")
        return fakes.faulted("the builder has no disk")

    crew.refuses = refuses

    async def work() -> tuple[Verdict, EngineState]:
        async with Engine(crew) as engine:
            verdict = await engine.verify(fakes.task(), numbered(1))
            return verdict, engine.gauge.state(engine.waiting)

    verdict, state = run(work())
    assert isinstance(verdict, Accepted)
    assert (state.build_faults, "the builder has" in state.last_build_fault) == (1, True)


def test_no_more_is_built_at_once_than_there_are_builders() -> None:
    crew = Scripted([CPU], builders=3)
    crew.build_s = 0.002
    run(all_of(crew, fakes.task(), 20))
    assert crew.most_building == 3


def test_builds_and_callers_wait_while_lanes_are_busy() -> None:
    """Otherwise a slow device would pile up built candidates without end."""
    release = asyncio.Event()

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        await release.wait()
        return fakes.accepted()

    crew = Scripted([CPU], builders=2, judging=judging)
    read: list[int] = []

    def endless() -> Iterator[Wanted[int]]:
        for one in wanted(fakes.task(), 1000):
            read.append(one.key)
            yield one

    async def work() -> int:
        async with Engine(crew) as engine:
            stream = engine.stream(endless())
            first = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.05)
            held = len(read)
            assert engine.waiting <= 4
            release.set()
            await first
            await stream.aclose()
            return held

    assert run(work()) <= 8


def test_a_hanging_candidate_keeps_one_lane_and_no_other() -> None:
    hung = asyncio.Event()

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        if "number = 0\n" in candidate.source:
            await hung.wait()
        return fakes.accepted()

    crew = Scripted([CPU, Lane("cpu", "cpu", 1)], judging=judging)

    async def work() -> list[int]:
        order = []
        async with Engine(crew) as engine:
            async for given in engine.stream(wanted(fakes.task(), 12)):
                order.append(given.key)
                if len(order) == 11:
                    hung.set()
        return order

    assert run(work())[-1] == 0


def test_a_lane_stays_with_its_problem_and_nobody_waits_for_ever() -> None:
    """Changing the problem costs new references and baselines, so lanes avoid it, within limits."""
    crew = Scripted([CPU, Lane("cpu", "cpu", 1)])
    tasks = [fakes.task(f"level1/p{number}") for number in range(2)]

    async def work() -> None:
        async with Engine(crew) as engine:
            both = (Wanted(n, tasks[n % 2], numbered(n)) for n in range(60))
            async for _ in engine.stream(both):
                pass

    run(work())
    for lane in crew.lanes:
        names = [name for its, name in crew.judged if its == lane]
        changes = sum(a != b for a, b in itertools.pairwise(names))
        assert changes <= 6, names
    assert len(crew.judged) == 60


def test_the_same_asked_twice_at_once_is_done_once() -> None:
    crew = Scripted([CPU])
    told: list[Event] = []

    async def work() -> list[Verdict]:
        async with Engine(crew, sink=told.append) as engine:
            asked = [engine.verify(fakes.task(), numbered(1)) for _ in range(3)]
            return list(await asyncio.gather(*asked))

    verdicts = run(work())
    assert len(crew.judged) == 1
    assert all(isinstance(verdict, Accepted) for verdict in verdicts)
    assert sorted(event.is_known for event in told if isinstance(event, VerdictGiven)) == [False, True, True]


def test_who_asks_for_the_same_gets_it_though_the_first_to_ask_is_gone() -> None:
    crew = Scripted([CPU])
    gate = asyncio.Event()

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        await gate.wait()
        return fakes.accepted()

    crew.judging = judging

    async def work() -> Verdict:
        async with Engine(crew) as engine:
            first = asyncio.ensure_future(engine.verify(fakes.task(), numbered(1)))
            await asyncio.sleep(0.01)
            second = asyncio.ensure_future(engine.verify(fakes.task(), numbered(1)))
            await asyncio.sleep(0.01)
            first.cancel()
            await asyncio.sleep(0.01)
            gate.set()
            return await second

    assert isinstance(run(work()), Accepted)


def test_a_cache_that_fails_costs_no_verdict(tmp_path: Path) -> None:
    async def work() -> tuple[Verdict, str]:
        cache = VerdictCache(tmp_path / "verdicts.sqlite")
        with sqlite3.connect(tmp_path / "verdicts.sqlite") as other:
            other.execute("DROP TABLE verdicts")
        async with Engine(Scripted([CPU]), cache) as engine:
            verdict = await engine.verify(fakes.task(), numbered(1))
        cache.close()
        return verdict, cache.trouble

    verdict, trouble = run(work())
    assert isinstance(verdict, Accepted)
    assert "no such table" in trouble


def test_a_verdict_given_before_costs_nothing(tmp_path: Path) -> None:
    task = fakes.task()

    async def work(asked: Task) -> int:
        crew = Scripted([CPU])
        cache = VerdictCache(tmp_path / "verdicts.sqlite")
        async with Engine(crew, cache) as engine:
            verdict = await engine.verify(asked, numbered(1))
            assert isinstance(verdict, Accepted)
        cache.close()
        return len(crew.judged)

    assert run(work(task)) == 1
    assert run(work(task)) == 0
    other = fakes.task(source="class Model: 'another'\n")
    assert run(work(other)) == 1, "another problem is another question"


def test_a_verdict_of_other_devices_is_not_taken(tmp_path: Path) -> None:
    async def judged(*classes: str) -> int:
        lanes = [Lane(f"cuda:{index}", "cuda") for index in range(len(classes))]
        crew = Scripted(lanes)
        crew.classes = dict(zip((lane.device for lane in lanes), classes, strict=True))
        cache = VerdictCache(tmp_path / "verdicts.sqlite")
        async with Engine(crew, cache) as engine:
            await engine.verify(fakes.task(device="cuda:0"), numbered(1))
        cache.close()
        return len(crew.judged)

    assert run(judged("an H100")) == 1
    assert run(judged("an H200")) == 1
    assert run(judged("an H100", "an H200")) == 1, "nobody can say which of them would judge"
    assert run(judged("an H100", "an H100")) == 0


def test_a_fault_is_not_remembered(tmp_path: Path) -> None:
    answers: list[Verdict] = [fakes.faulted("the machine hiccuped"), fakes.accepted()]

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        return answers.pop(0)

    async def work() -> Verdict:
        cache = VerdictCache(tmp_path / "verdicts.sqlite")
        async with Engine(Scripted([CPU], judging=judging), cache) as engine:
            verdict = await engine.verify(fakes.task(), numbered(1))
        cache.close()
        return verdict

    assert isinstance(run(work()), Faulted)
    assert isinstance(run(work()), Accepted)


def test_a_file_of_something_else_holds_no_verdicts(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk " * 200)
    with pytest.raises(UsageError, match="name another file"):
        VerdictCache(tmp_path / "notes.txt")


def two_gpus(lost: set[str]) -> Scripted:
    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        await asyncio.sleep(0)
        assert task.target.device == lane.device
        if lane.device in lost:
            raise DeviceLost("GPU has fallen off the bus")
        return fakes.accepted()

    lanes = [Lane(f"cuda:{index}", "cuda", number) for index in range(2) for number in range(2)]
    return Scripted(lanes, judging=judging)


def test_a_lost_device_is_left_alone_and_its_work_goes_elsewhere() -> None:
    crew = two_gpus({"cuda:1"})
    found = run(all_of(crew, fakes.task(device="cuda:0"), 30))
    assert all(isinstance(verdict, Accepted) for verdict in found.values())
    tried = [lane for lane, _ in crew.judged if lane.device == "cuda:1"]
    assert 1 <= len(tried) <= 2, "each lane of the lost device finds out once"
    assert len(found) == 30


def test_without_any_device_left_every_candidate_is_told_so() -> None:
    found = run(all_of(two_gpus({"cuda:0", "cuda:1"}), fakes.task(device="cuda:0"), 30))
    assert len(found) == 30
    for verdict in found.values():
        assert isinstance(verdict, Faulted)
        assert "fallen off the bus" in verdict.reason


def test_a_task_for_a_device_that_the_executor_has_not_is_a_fault() -> None:
    found = run(all_of(Scripted([CPU]), fakes.task(device="cuda:0"), 1))
    assert isinstance(found[0], Faulted)
    assert "no 'cuda' device" in found[0].reason


def test_whatever_an_executor_raises_ends_one_verification_alone() -> None:
    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        if "number = 2\n" in candidate.source:
            raise RuntimeError("a bug")
        return fakes.accepted()

    found = run(all_of(Scripted([CPU], judging=judging), fakes.task(), 5))
    assert [type(found[number]) for number in range(5)] == [Accepted, Accepted, Faulted, Accepted, Accepted]


def test_leaving_early_closes_the_crew() -> None:
    never = asyncio.Event()

    async def judging(lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        await never.wait()
        return fakes.accepted()

    crew = Scripted([CPU], judging=judging)

    async def work() -> None:
        async with Engine(crew) as engine:
            asking = asyncio.ensure_future(engine.verify(fakes.task(), numbered(1)))
            await asyncio.sleep(0.01)
            asking.cancel()
            raise KeyError

    with pytest.raises(KeyError):
        run(work())
    assert crew.is_closed


def test_a_listener_that_fails_is_heard() -> None:
    def deaf(event: Event) -> None:
        raise OSError("the disk is full")

    async def work() -> None:
        async with Engine(Scripted([CPU])) as engine, reporting(engine, deaf, every_s=0.005):
            await asyncio.sleep(0.05)

    with pytest.raises(OSError, match="the disk is full"):
        run(work())


def test_where_the_work_stands_is_told_at_the_end() -> None:
    told: list[Event] = []

    async def work() -> None:
        crew = Simulated(lanes=2, builders=2, build_s=0.001, judge_s=0.001).open(("cpu",))
        async with Engine(crew) as engine, reporting(engine, told.append, every_s=0.005):
            async for _ in engine.stream(wanted(fakes.task(), 40)):
                pass

    run(work())
    states = [event for event in told if isinstance(event, EngineState)]
    assert len(states) > 1
    last = states[-1]
    assert sum(last.finished.values()) == 40
    assert (last.waiting, set(last.inside.values())) == (0, {0})
    assert last.stage_s["judge"] > 0
    assert last.verdicts_per_hour > 0
