"""The contracts of baselines and timers, both of which run on the worker's side."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import json

import msgspec
import pytest

from warpsmith.core.verdict import Accepted
from warpsmith.problems.source import parse_problem
from warpsmith.testing.components import ComponentSuite
from warpsmith.testing.machine import python, shared_verifier
from warpsmith.testing.samples import AFFINE, AFFINE_CANDIDATE, quick_task
from warpsmith.verify.scan import candidate_of
from warpsmith.worker.baselines import BASELINES
from warpsmith.worker.timers import TIMERS

CALLS = 4
NAP_NS = 2_000_000
# Times naps, which have a least length and no greatest: nothing here depends on how busy the machine is.
TIME_NAPS = f"""
import json, sys, time
from warpsmith.worker.timers import TIMERS

name, options, device = sys.argv[1:]
timer = TIMERS.make(name, json.loads(options))
naps = []
samples = timer.sample(lambda: naps.append(time.sleep({NAP_NS} / 1e9)), {CALLS}, device)
print(json.dumps({{"samples": samples, "naps": len(naps)}}))
"""


class BaselineSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the baseline's name in the registry.
        mode: what follows the colon in a baseline's full name; empty for none.
        device: where it is timed.
        problem: text of a problem file that the baseline applies to.
        candidate: text of a candidate for it.
    """

    name: str
    mode: str = ""
    device: str = "cpu"
    problem: str = AFFINE
    candidate: str = AFFINE_CANDIDATE

    @property
    def options(self) -> dict[str, str]:
        """The mode, as an option."""
        return {"mode": self.mode} if self.mode else {}


class BaselineSuite(ComponentSuite):
    """What `Baseline` promises.

    Provide the fixture `sample`, a `BaselineSample`. The baseline runs in a real verification.
    """

    registry = BASELINES
    registry_path = "warpsmith.worker.baselines:BASELINES"

    @pytest.fixture
    def sample(self) -> BaselineSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    def test_it_is_timed_beside_a_candidate(self, sample: BaselineSample) -> None:
        name = f"{sample.name}:{sample.mode}" if sample.mode else sample.name
        problem = parse_problem(sample.problem, name="sample", origin="warpsmith.testing")
        task = quick_task(problem, device=sample.device, baselines=(name,))
        verdict = shared_verifier().verify(task, candidate_of(sample.candidate))
        assert isinstance(verdict, Accepted), verdict
        assert verdict.baseline_faults == {}
        assert verdict.baselines == (name,)


class TimerSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the timer's name in the registry.
        device: a device that it measures.
        options: to make it with, as text.
    """

    name: str
    device: str
    options: dict[str, str] = {}


class TimerSuite:
    """What `Timer` promises.

    Provide the fixture `sample`, a `TimerSample`. The timer runs in a process of its own, since one for
    a GPU would leave a CUDA context in this one.
    """

    @pytest.fixture
    def sample(self) -> TimerSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    def test_it_is_listed_under_its_name(self, sample: TimerSample) -> None:
        assert sample.name in TIMERS.names()

    def test_every_call_gives_one_sample_that_holds_all_of_it(self, sample: TimerSample) -> None:
        said = json.loads(python(TIME_NAPS, sample.name, json.dumps(sample.options), sample.device))
        assert said["naps"] == CALLS
        assert len(said["samples"]) == CALLS
        assert all(type(sample_ns) is int and sample_ns > NAP_NS // 2 for sample_ns in said["samples"])
