"""What is timed, against what, and what happens to baselines that can't be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from processes import workers_below
from sources import CHEAP, candidate, problem, task
from verdicts import Judge

from warpsmith.core.task import BASELINES_OF, EFFORTS, Effort, Limits, Target, Tier
from warpsmith.core.verdict import Stage
from warpsmith.verify.verifier import Verifier, deadline_s
from warpsmith.worker.race import CANDIDATE


def test_candidate_and_baselines_are_timed_by_one_timer_on_one_device(judge: Judge) -> None:
    verdict = judge.accepted(problem(), candidate())
    (measurement,) = verdict.measurements
    timings = [measurement.timing, *measurement.baselines.values()]
    assert {(timing.timer, timing.flushed_l2) for timing in timings} == {("wall", True)}
    assert all(len(timing.samples_ns) >= 8 for timing in timings), "a stretch of rounds at least"
    assert verdict.baselines == ("eager",)
    assert verdict.speedup("eager").low <= verdict.speedup("eager").value <= verdict.speedup("eager").high
    assert verdict.provenance.device_type == "cpu"
    assert verdict.provenance.seed == task().seed
    assert {"import", "build", "reference", "inputs", "correctness", "baselines", "timing"} <= set(
        verdict.phases_s
    )


def test_as_many_calls_are_timed_as_were_asked_for(judge: Judge) -> None:
    effort = Effort(seeds=1, timing_s=20.0, precision=0.0, max_samples=25)
    verdict = judge.accepted(task(effort=effort), candidate())
    (measurement,) = verdict.measurements
    count = len(measurement.timing.samples_ns)
    assert count == len(measurement.baselines["eager"].samples_ns)
    assert count >= 25, "more only where the clocks need them"


def test_without_baselines_a_time_is_all_there_is(judge: Judge) -> None:
    verdict = judge.accepted(task(baselines=()), candidate())
    assert verdict.baselines == ()
    assert CANDIDATE not in verdict.measurements[0].baselines


def test_a_baseline_that_cannot_be_made_is_reported_and_spoils_nothing(judge: Judge) -> None:
    # By way of the library: the command line refuses such names before anything starts.
    names = ("compile:fastest", "eager", "oracle")
    verdict = judge.accepted(task(baselines=names), candidate())
    assert verdict.baselines == ("eager",)
    assert set(verdict.baseline_faults) == {"compile:fastest", "oracle"}
    assert "no baseline 'compile:fastest'; did you mean" in verdict.baseline_faults["compile:fastest"]
    assert "no baseline 'oracle'" in verdict.baseline_faults["oracle"]


# The baseline `eager` is the reference itself: this one knows when it is timed, and then gives up.
GIVES_UP = """
import traceback
is_timed = any(frame.name == '_called_baseline' for frame in traceback.extract_stack())
self.timed += is_timed
if is_timed and self.timed > {calls}:
    raise RuntimeError('not for sale\\nsecond line')
"""


@pytest.mark.parametrize("calls", [0, 10], ids=["at once", "in the middle"])
def test_a_baseline_that_fails_is_reported_and_spoils_nothing(judge: Judge, calls: int) -> None:
    asked = problem(setup="self.timed = 0", body=GIVES_UP.format(calls=calls))
    verdict = judge.accepted(asked, candidate())
    assert verdict.baselines == ()
    assert verdict.baseline_faults == {"eager": "RuntimeError: not for sale"}


def test_the_compiler_is_a_baseline_and_is_named_in_order(judge: Judge) -> None:
    asked = task(problem("torch.relu(x) * 2 + 1"), baselines=("compile", "eager"))
    verdict = judge.accepted(asked, candidate("torch.relu(x) * 2 + 1"))
    assert verdict.baseline_faults == {}
    assert verdict.baselines == ("compile", "eager")
    assert verdict.measurements[0].baselines["compile"] != verdict.measurements[0].baselines["eager"]


def test_a_candidate_that_hangs_only_when_timed_is_killed(judge: Judge) -> None:
    of = candidate(
        top="import time", setup="self.calls = 0", body="self.calls += 1\nif self.calls > 24: time.sleep(600)"
    )
    limits = Limits(build_s=30.0, run_s=1.0, output_bytes=4096)
    judge.rejected(problem(), of, stage=Stage.TIME, check="timeout", limits=limits)


def test_a_stateful_candidate_is_judged_from_its_first_call_on(judge: Judge) -> None:
    counting = {
        "setup": "self.register_buffer('seen', torch.zeros(()))",
        "answer": "x + self.seen",
        "body": "self.seen += 1",
    }
    judge.accepted(problem(**counting), candidate(**counting))
    lazy = candidate("x + 1", setup=counting["setup"], body="self.seen.fill_(1)")
    judge.accepted(problem(**counting), lazy)


def test_a_task_takes_effort_and_baselines_from_its_tier(verifier: Verifier) -> None:
    for tier in Tier:
        made = verifier.task(problem(), Target(device="cpu"), seed=1, tier=tier)
        assert (made.effort, made.baselines) == (EFFORTS[tier], BASELINES_OF[tier])
        assert made.effort.seeds >= 5


def test_the_host_waits_longer_than_the_worker_may_take() -> None:
    limits = Limits(build_s=7.0, run_s=3.0)
    few = deadline_s(task(limits=limits))
    assert few > limits.build_s + CHEAP.seeds * limits.run_s
    assert deadline_s(task(limits=limits, baselines=("eager", "compile:max-autotune"))) > few + 600


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_auto_is_the_cpu_where_there_is_nothing_else(verifier: Verifier, device: str) -> None:
    if device == "auto" and len(verifier.probe().devices) > 1:
        pytest.skip("this machine has a GPU")
    assert verifier.target(device) == Target(device="cpu")


def test_tasks_that_differ_by_their_seed_do_not_pile_up_in_memory(judge: Judge) -> None:
    weights_bytes = 48 << 20
    asked = problem(
        "x + self.table[0]", setup=f"self.register_buffer('table', torch.zeros({weights_bytes // 4}))"
    )
    grown = []
    for seed in range(9):
        judge.accepted(task(asked, seed=seed), candidate("x + 0"))
        grown.append(resident_bytes(workers_below(os.getpid())))
    assert grown[-1] - grown[2] < 3 * weights_bytes, "what one seed needs is let go of for the next"


def resident_bytes(pids: list[int]) -> int:
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def test_a_candidate_s_outputs_are_let_go_of_without_a_garbage_collector(judge: Judge) -> None:
    # On a GPU, those of twenty calls would fill the device before it runs.
    top = "import gc, weakref\ngc.disable()\nMADE = []"
    body = "\n".join(
        (
            "y = torch.relu(x)",
            "MADE.append(weakref.ref(y))",
            "assert sum(made() is not None for made in MADE) < 5, 'too many outputs are alive'",
        )
    )
    verdict = judge.accepted(problem(), candidate("y", top=top, body=body))
    assert len(verdict.measurements[0].timing.samples_ns) >= 8


def test_who_rounds_less_than_the_reference_is_right_in_timed_calls_too(judge: Judge) -> None:
    # The reference rounds to bfloat16 after every sum; a few of its elements in 10,000 are off by more than
    # the tolerance, other ones in every call.
    parts = {"top": "from functools import reduce", "inputs": "[torch.randn(10, 40000)]"}
    asked = problem("reduce(torch.add, x)", dtype="bfloat16", **parts)
    effort = Effort(seeds=2, timing_s=3.0, precision=0.0, max_samples=40)
    judge.accepted(task(asked, effort=effort), candidate("x.float().sum(0).to(x.dtype)"))
