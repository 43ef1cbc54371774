"""The tier `certify`: fresh processes on any target, and the outside tools, with stand-ins for them here.

The stand-ins are real programs in a real sandbox: they start `worker.solo` as the tools would, then print
what comments of the candidate's source ask for. Where a race adds nothing its outcome is made up, so that
what is stated beside a profile is known.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from sources import CHEAP, candidate, problem, problem_of, problem_source, task
from verdicts import Judge, assert_is_a_sentence

from warpsmith.cli.words import verdict_text
from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.provenance import Provenance
from warpsmith.core.task import Effort, Tier
from warpsmith.core.timing import Timing
from warpsmith.core.verdict import Accepted, ErrorStats, Faulted, Measurement, Stage
from warpsmith.verify.verifier import deadline_s
from warpsmith.verify.view import verdict_view
from warpsmith.worker import tools
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.certify import Certifier, Uncertifiable
from warpsmith.worker.compare import Differences
from warpsmith.worker.inputs import LoadedProblem
from warpsmith.worker.job import Job
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.phases import Phases
from warpsmith.worker.reference_side import ReferenceSide
from warpsmith.worker.setting import Setting

FAKE_TOOLS = Path(__file__).parent / "fake_tools"
BRIEF = Effort(seeds=1, timing_s=0.2, precision=0.5, max_samples=20)
STATED_NS = 200_000
HEADER = (
    '# ncu: "ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size",'
    '"Grid Size","Device","CC","Section Name","Metric Name","Metric Unit","Metric Value"\n'
)

Certify = Callable[..., Accepted]


@pytest.fixture(scope="module")
def with_tools() -> Iterator[None]:
    """The stand-ins on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{FAKE_TOOLS}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module")
def certify(with_tools: None) -> Iterator[Certify]:
    """Certify a candidate that was accepted at `STATED_NS`, with the stand-ins, on the CPU."""
    nursery = Nursery()
    cpu = torch.device("cpu")

    def certified(of: Candidate, asked: Problem | None = None) -> Accepted:
        made = task(asked, tier=Tier.CERTIFY, effort=BRIEF, baselines=())
        loaded = LoadedProblem(made.problem)
        settings = [Setting(loaded, workload, cpu, seed=3) for workload in made.workloads]

        def start() -> CandidateProcess:
            return CandidateProcess(nursery, cpu, made.limits)

        certifier = Certifier(made, of, start, nursery, Phases(), has_tools=True)
        try:
            return certifier.certify(accepted(*made.workloads), settings, Differences())
        finally:
            for setting in settings:
                setting.exchange.close()

    yield certified
    nursery.close()


def accepted(*workloads: Workload) -> Accepted:
    """Return the verdict of a verification that stated `STATED_NS` for each workload."""
    timing = Timing(samples_ns=(STATED_NS,) * 9, timer="wall", flushed_l2=True)
    return Accepted(
        measurements=tuple(Measurement(workload=w.name, timing=timing, baselines={}) for w in workloads),
        error=ErrorStats(max_abs=0.0, max_rel=0.0, outside=0.0, elements=1),
        provenance=Provenance(
            verifier="0",
            tier="certify",
            device="a CPU",
            device_type="cpu",
            driver=None,
            threads=1,
            software={},
            clocks_mhz={},
            isolation="full",
            seed=11,
        ),
        phases_s={},
        wall_s=1.0,
    )


def launches(duration_ns: int, *streams: int) -> str:
    """Return the comment that has five calls profiled, with one launch in each of `streams`."""
    start = '"7","python","127.0.0.1","mine(float *)","1"'
    end = '"(1, 1, 1)","(1, 1, 1)","0","9.0","Command line profiler metrics","gpu__time_duration.sum","ns"'
    rows = [
        f'# ncu: "{call}",{start},"{stream}",{end},"{duration_ns}"' for call in range(5) for stream in streams
    ]
    return HEADER + "\n".join(rows)


def convicted(certify: Certify, of: Candidate, stage: Stage, check: str) -> Misbehaved:
    """Return what a certification that rejects says."""
    with pytest.raises(Misbehaved) as caught:
        certify(of)
    assert (caught.value.stage, caught.value.finding.check) == (stage, check)
    assert_is_a_sentence(caught.value.finding.message)
    return caught.value


def unanswered(certify: Certify, of: Candidate) -> str:
    """Return why a certification gives no answer."""
    with pytest.raises(Uncertifiable) as caught:
        certify(of)
    assert_is_a_sentence(str(caught.value))
    return str(caught.value)


def test_on_a_cpu_three_processes_are_compared_and_the_verdict_says_so(judge: Judge) -> None:
    once = judge.accepted(task(), candidate())
    verdict = judge.accepted(task(tier=Tier.CERTIFY), candidate())
    assert once.certified == ()
    assert verdict.certified == ("three processes",)
    assert verdict.error.elements > once.error.elements
    assert verdict_view(verdict)["certified"] == ["three processes"]
    assert "certified" not in verdict_view(once)
    assert "certified by three processes" in verdict_text(verdict)


def test_a_candidate_that_is_right_only_in_its_first_process_is_refused(judge: Judge) -> None:
    judge.verifier.probe()  # what follows hangs on the clock
    timing_s = 6.0
    late = f"import time\nLATE = time.time() > {time.time() + timing_s - 1}"
    effort = Effort(seeds=1, timing_s=timing_s, precision=0.0, max_samples=100_000)
    of = candidate("torch.relu(x) + LATE", top=late)
    asked = task(tier=Tier.CERTIFY, effort=effort, baselines=())
    verdict = judge.rejected(asked, of, stage=Stage.COMPARE, check="values")
    assert verdict.reason.startswith("in fresh process 2 of 3: ")


def test_every_tool_runs_and_is_named(with_tools: None) -> None:
    side = ReferenceSide(tooled=frozenset({"cpu"}))
    made = task(tier=Tier.CERTIFY, effort=BRIEF, baselines=())
    verdict = side.verify(Job(task=made, candidate=candidate()))
    side.close()
    assert isinstance(verdict, Accepted), verdict
    assert verdict.certified == ("three processes", "memcheck", "racecheck", "initcheck", "ncu 1.2 us")
    assert "certify" in verdict.phases_s


def test_under_the_tools_a_candidate_gets_inputs_and_weights_and_nothing_of_the_answer(
    certify: Certify,
) -> None:
    asked = problem_of(
        problem_source("x * self.w", setup="self.w = nn.Parameter(torch.full((8,), 3.0))"),
        workloads=(Workload(name="cpu"), Workload(name="cpu-again")),
    )
    looks = (
        "import os\n"
        "IS_WATCHED = os.path.exists('errand.json')\n"
        "HERE = set(os.listdir('.'))\n"
        "assert not IS_WATCHED or HERE == {'errand.json', 'errand.bin', 'candidate.py'}, HERE"
    )
    sees = (
        "if IS_WATCHED:\n"
        "    assert x.shape == (16, 8) and 0.5 < float(x.std()) < 2\n"
        "    assert float(self.w[0]) != 5.0"
    )
    of = candidate("x * self.w", top=looks, setup="self.w = nn.Parameter(torch.full((8,), 5.0))", body=sees)
    verdict = certify(of, asked)
    assert verdict.certified[-2:] == ("ncu 1.2 us on cpu", "ncu 1.2 us on cpu-again")
    assert verdict.error.elements > 1, "those of the fresh processes are counted"


def test_what_memcheck_finds_rejects(certify: Certify) -> None:
    found = (
        "# memcheck: ========= Invalid __global__ read of size 4 bytes\n"
        "# memcheck: =========     at mine(float *)+0x70 in /scratch/candidate.py:9\n"
        "# memcheck: ========= ERROR SUMMARY: 3 errors"
    )
    error = convicted(certify, candidate(top=found), Stage.PROBE, "sanitizer")
    assert "compute-sanitizer's memcheck counts errors: 3" in error.finding.message
    assert "Invalid __global__ read of size 4 bytes at mine(float *)" in error.finding.message
    assert "COMPUTE-SANITIZER" in error.log


def test_a_time_below_that_of_its_kernels_rejects(certify: Certify) -> None:
    error = convicted(certify, candidate(top=launches(250_000, 7)), Stage.TIME, "ncu_disagrees")
    assert "200.0 us are stated" in error.finding.message
    assert "250.0 us by Nsight Compute" in error.finding.message


def test_a_time_a_little_below_that_of_its_kernels_is_nothing(certify: Certify) -> None:
    verdict = certify(candidate(top=launches(215_000, 7)))
    assert verdict.certified[-1] == "ncu 215.0 us"
    assert verdict.findings == ()


def test_what_may_have_an_innocent_reason_is_a_note(certify: Certify) -> None:
    found = (
        "# initcheck: ========= Uninitialized __global__ memory read of size 4 bytes\n"
        "# initcheck: =========     at void at::native::reduce_kernel<512>(T1)+0x70\n"
        "# initcheck: ========= ERROR SUMMARY: 1 error\n"
    )
    verdict = certify(candidate(top=f"{found}{launches(150_000, 7, 8, 9, 10)}"))
    said = {finding.check: finding.message for finding in verdict.findings}
    assert "several streams overlap" in said["ncu_disagrees"]
    assert "not held against the candidate" in said["sanitizer"]


def test_a_tool_without_a_result_gives_no_answer(certify: Certify) -> None:
    of = candidate(top="# racecheck: ========= Internal Sanitizer Error: the device is not supported")
    reason = unanswered(certify, of)
    assert "compute-sanitizer's racecheck gave no result" in reason
    assert "the device is not supported" in reason


def test_refused_counters_give_no_answer_and_a_remedy(certify: Certify) -> None:
    of = candidate(top="# ncu: ==ERROR== ERR_NVGPUCTRPERM - The user does not have permission")
    assert "NVreg_RestrictProfilingToAdminUsers=0" in unanswered(certify, of)


def test_a_candidate_that_fails_only_below_a_tool_gets_no_answer(certify: Certify) -> None:
    of = candidate(top="import os\nif os.path.exists('errand.json'): raise RuntimeError('I am watched')")
    reason = unanswered(certify, of)
    assert "ended with status 3" in reason
    assert "I am watched" in reason


def test_a_tool_that_hangs_is_killed(certify: Certify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "limit_s", lambda _: 6.0)
    of = candidate(top="import os, time\nif os.path.exists('errand.json'): time.sleep(600)")
    assert "Nsight Compute did not finish in 6 s and was killed" in unanswered(certify, of)


def test_without_the_tools_nothing_is_pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(tools, "CUDA_HOMES", ())
    side = ReferenceSide(tooled=frozenset({"cpu"}))
    verdict = side.verify(Job(task=task(tier=Tier.CERTIFY), candidate=candidate()))
    assert isinstance(verdict, Faulted)
    assert_is_a_sentence(verdict.reason)
    assert "certify needs compute-sanitizer and ncu on PATH" in verdict.reason
    assert verdict.wall_s < 1.0, "before anything else is done"


def test_the_host_waits_longer_for_a_certification() -> None:
    asked = problem()
    usual, certified = (deadline_s(task(asked, tier=tier)) for tier in (Tier.VERIFY, Tier.CERTIFY))
    on_gpu = deadline_s(task(asked, tier=Tier.CERTIFY, device="cuda:0"))
    assert certified > usual + 2 * CHEAP.seeds * task().limits.run_s
    assert on_gpu > certified + len(tools.SANITIZERS) * tools.TOOL_S
