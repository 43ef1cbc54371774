"""The contract of an executor: verdicts whatever dies under it, and nothing left running."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import pytest

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Rejected, Verdict
from warpsmith.engine import EXECUTORS
from warpsmith.engine.base import Executor, Facilities, device_on_host
from warpsmith.engine.engine import Engine
from warpsmith.testing.components import ComponentSuite
from warpsmith.testing.samples import AFFINE_CANDIDATE, quick_task
from warpsmith.worker.process import descendants, kill

T = TypeVar("T")

LIFE_S = 300.0
# Ending processes takes far less; only a suite that fails waits for it.
PATIENCE_S = 30.0
WRONG = AFFINE_CANDIDATE.replace(", 1)", ", 2)")
# Trusted workers, as their command line names them.
WORKER = "warpsmith.worker"


class ExecutorSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the executor's name in the registry.
        options: to make it with, as text.
        accepted: a candidate for `2 * x + 1` that it accepts.
        rejected: one that it rejects, and not for its text alone.
        nowhere: a device that it can't have.
    """

    name: str
    options: dict[str, str] = {}
    accepted: str = AFFINE_CANDIDATE
    rejected: str = WRONG
    nowhere: str = "tpu"


class Life(NamedTuple):
    """What was seen of an executor from start to end.

    Attributes:
        after: the verdict on the wrong candidate after the trusted workers below this process were killed.
        left: process ids of what it had started and still runs.
    """

    facilities: Facilities
    accepted: Verdict
    rejected: Verdict
    after: Verdict
    left: list[int]


class ExecutorSuite(ComponentSuite):
    """What `Executor` and `Crew` promise, seen through the engine.

    Provide the fixture `sample`, an `ExecutorSample`. Candidates are verified on the CPU.
    """

    registry = EXECUTORS
    registry_path = "warpsmith.engine:EXECUTORS"

    @pytest.fixture
    def sample(self) -> ExecutorSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def life(self, sample: ExecutorSample) -> Life:
        """Return what is seen of the executor; it lives once for all tests."""
        return _life(msgspec.json.encode(sample))

    def test_it_accepts_what_is_right(self, life: Life) -> None:
        assert isinstance(life.accepted, Accepted), life.accepted

    def test_it_rejects_what_is_wrong(self, life: Life) -> None:
        assert isinstance(life.rejected, Rejected), life.rejected

    def test_it_goes_on_after_its_workers_were_killed(self, life: Life) -> None:
        assert isinstance(life.after, Rejected), life.after

    def test_nothing_is_left_running_when_it_was_closed(self, life: Life) -> None:
        assert life.left == []

    def test_every_lane_has_a_number_of_its_own_on_a_device_of_a_known_class(self, life: Life) -> None:
        lanes = life.facilities.lanes
        assert lanes
        assert len(set(lanes)) == len(lanes)
        for lane in lanes:
            assert device_on_host(lane).partition(":")[0] == lane.device_type
            assert life.facilities.device_classes[lane.device]
        assert life.facilities.builders >= 0

    def test_a_device_that_is_not_there_is_a_usage_error(self, sample: ExecutorSample) -> None:
        before = descendants(os.getpid())
        with pytest.raises(UsageError, match=sample.nowhere):
            _run(_opened(_made(sample), sample.nowhere))
        assert _still_running(before) == []


def _made(sample: ExecutorSample) -> Executor:
    return EXECUTORS.make(sample.name, sample.options)


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, LIFE_S))


async def _opened(executor: Executor, device: str) -> None:
    async with Engine(executor.open((device,))):
        pass


@functools.cache
def _life(sample_json: bytes) -> Life:
    sample = msgspec.json.decode(sample_json, type=ExecutorSample)
    before = descendants(os.getpid())
    facilities, verdicts = _run(_lived(_made(sample), sample))
    right, wrong, after = verdicts
    return Life(facilities, right, wrong, after, _still_running(before))


async def _lived(
    executor: Executor, sample: ExecutorSample
) -> tuple[Facilities, tuple[Verdict, Verdict, Verdict]]:
    task: Task = quick_task()
    before = descendants(os.getpid())
    async with Engine(executor.open(("cpu",))) as engine:
        right = await engine.verify(task, Candidate(source=sample.accepted, backend="torch"))
        wrong = await engine.verify(task, Candidate(source=sample.rejected, backend="torch"))
        for pid in descendants(os.getpid(), before):
            if WORKER in _command_of(pid):
                kill(pid)
        after = await engine.verify(task, Candidate(source=sample.rejected, backend="torch"))
        return engine.facilities, (right, wrong, after)


def _command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _still_running(before: list[int]) -> list[int]:
    """Return what runs below this process, and did not `before`, after all patience."""
    deadline = time.monotonic() + PATIENCE_S
    while (left := descendants(os.getpid(), before)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
