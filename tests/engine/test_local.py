"""The engine on processes of this host: what candidates do to it, and what is left when it is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from processes import wait_until_gone, workers_below
from sources import candidate, problem, problem_source, task

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Verdict
from warpsmith.engine.engine import Engine, Wanted
from warpsmith.engine.local import Local
from warpsmith.worker.process import descendants

T = TypeVar("T")
LONG_S = 110.0


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, LONG_S))


def test_candidates_of_several_problems_flow_and_bad_ones_cost_themselves_alone() -> None:
    """Hang, crash, wrong answer and children that outlive it, beside honest ones, on two lanes."""
    relu, double = task(problem()), task(problem("x * 2"))
    asked: dict[str, tuple[Any, Candidate, type[Verdict]]] = {
        "right": (relu, candidate(), Accepted),
        "right too": (double, candidate("x + x"), Accepted),
        "wrong": (relu, candidate("x * 3"), Rejected),
        "crashes": (relu, candidate(top="import os", body="os.kill(os.getpid(), 11)"), Rejected),
        "forks": (double, candidate("x + x", top="import os, time", setup=FORKS), Accepted),
        "raises": (double, candidate(body="raise ValueError('no')"), Rejected),
    }

    async def work() -> dict[str, Verdict]:
        async with Engine(Local(lanes=2).open(("cpu",))) as engine:
            wanted = (Wanted(name, of, which) for name, (of, which, _) in asked.items())
            return {given.key: given.verdict async for given in engine.stream(wanted)}

    verdicts = run(work())
    assert {name: type(verdict) for name, verdict in verdicts.items()} == {
        name: kind for name, (_, _, kind) in asked.items()
    }, verdicts
    assert workers_below(os.getpid()) == []


FORKS = "pid = os.fork()\nif pid == 0:\n    time.sleep(600)"


def test_a_worker_that_is_killed_costs_nobody_a_verdict() -> None:
    async def work() -> list[Verdict]:
        async with Engine(Local().open(("cpu",))) as engine:
            first = await engine.verify(task(), candidate())
            for pid in workers_below(os.getpid()):
                os.kill(pid, signal.SIGKILL)
            second = await engine.verify(task(), candidate("torch.clamp(x, min=0)"))
            return [first, second]

    assert [type(verdict) for verdict in run(work())] == [Accepted, Accepted]


@pytest.mark.parametrize("device", ["cuda:99", "tpu"])
def test_a_device_that_is_not_there_is_a_usage_error(device: str) -> None:
    async def work() -> None:
        async with Engine(Local().open((device,))):
            pass

    with pytest.raises(UsageError, match="this machine has no device"):
        run(work())
    assert workers_below(os.getpid()) == []


BATCH = [
    str(Path(sys.executable).with_name("warpsmith")),
    "verify",
    "--tier",
    "screen",
    "--device",
    "cpu",
    "--executor",
    "local:lanes=2",
]


def test_a_batch_killed_by_force_leaves_nothing_behind_and_does_nothing_twice(tmp_path: Path) -> None:
    """SIGKILL while one candidate is in the middle: finished verdicts stay, no process and no lock does."""
    (tmp_path / "relu.py").write_text(problem_source())
    sources = {
        "wrong": candidate("x * 3"),
        "slow": candidate(top="import time", body="time.sleep(9)"),
        "right": candidate(),
    }
    for name, one in sources.items():
        (tmp_path / f"{name}.py").write_text(one.source)
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "out.jsonl"
    rows = [{"problem": str(tmp_path / "relu.py"), "candidate": str(tmp_path / f"{n}.py")} for n in sources]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [*BATCH, "--batch", str(pairs), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as batch:
        deadline = time.monotonic() + LONG_S
        while not (out.exists() and out.read_bytes().endswith(b"\n")):
            assert batch.poll() is None, "the batch ended"
            assert time.monotonic() < deadline, "no verdict was written"
            time.sleep(0.02)
        below = descendants(batch.pid)
        batch.kill()
    assert below
    assert wait_until_gone(below) == []
    before = out.read_bytes()
    (tmp_path / "slow.py").write_text(candidate("torch.relu(x).clone()").source)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    after = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["pair"] for row in after] == [0, 1, 2]
    kept = [json.loads(line) for line in before.splitlines()]
    assert all(row in after for row in kept), "a finished verdict was done again"


def test_faults_say_nothing_of_later_candidates() -> None:
    broken = problem("torch.no_such_function(x)")

    async def work() -> list[Verdict]:
        async with Engine(Local().open(("cpu",))) as engine:
            return [await engine.verify(task(broken), candidate()), await engine.verify(task(), candidate())]

    assert [type(verdict) for verdict in run(work())] == [Faulted, Accepted]
