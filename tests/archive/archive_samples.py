"""Tasks and trials for the archive's tests; small, and real records throughout."""

from __future__ import annotations

from hypothesis import strategies as st

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.provenance import Provenance
from warpsmith.core.task import Target, Task
from warpsmith.core.timing import Timing
from warpsmith.core.trial import Duplicate, Judged, Nothing, Outcome, Proposal, Trial
from warpsmith.core.verdict import Accepted, ErrorStats, Faulted, Finding, Measurement, Rejected, Stage

PROVENANCE = Provenance(
    verifier="0.1.0",
    tier="verify",
    device="Test CPU",
    device_type="cpu",
    driver=None,
    threads=2,
    software={"python": "3.11.7", "torch": "2.13.0"},
    clocks_mhz={},
    isolation="none",
    seed=7,
)


def task(name: str = "level1/softmax", *, source: str = "class Model: ...\n") -> Task:
    problem = Problem(name=name, source=source, workloads=(Workload(name="cpu"),))
    return Task(problem=problem, target=Target(device="cpu"))


def timing(*samples_ns: int) -> Timing:
    return Timing(samples_ns=samples_ns, timer="wall", flushed_l2=False)


def accepted() -> Accepted:
    measurement = Measurement(
        workload="cpu",
        timing=timing(50, 51, 52),
        baselines={"eager": timing(100, 101), "compile": timing(80)},
    )
    return Accepted(
        measurements=(measurement,),
        error=ErrorStats(max_abs=1e-6, max_rel=1e-5, outside=0.0, elements=64),
        provenance=PROVENANCE,
        phases_s={"build": 1.5},
        wall_s=2.0,
    )


def trial(
    number: int,
    *,
    of: Task,
    outcome: Outcome | None = None,
    source: str = "class ModelNew: ...\n",
    prompt: str = "",
) -> Trial:
    candidate = Candidate(source=source, backend="cpp")
    return Trial(
        number=number,
        task_id=of.id,
        proposal=Proposal(proposer="inductor", variant=f"v{number}", candidate=candidate, prompt=prompt),
        outcome=outcome or Judged(verdict=accepted()),
        finished_at="2026-11-22T14:00:00+00:00",
    )


texts = st.text(max_size=200)
numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1e12)
timings = st.builds(
    Timing,
    samples_ns=st.lists(st.integers(1, 2**53), min_size=1, max_size=5).map(tuple),
    timer=texts,
    flushed_l2=st.booleans(),
)
measurements = st.builds(
    Measurement, workload=texts, timing=timings, baselines=st.dictionaries(texts, timings, max_size=3)
)
errors = st.builds(
    ErrorStats, max_abs=numbers, max_rel=numbers, outside=st.floats(0, 1), elements=st.integers(0, 2**40)
)
findings = st.lists(
    st.builds(Finding, check=texts, message=texts, line=st.none() | st.integers(1, 9999)), max_size=3
).map(tuple)
verdicts = st.one_of(
    st.builds(
        Accepted,
        measurements=st.lists(measurements, min_size=1, max_size=3).map(tuple),
        error=errors,
        provenance=st.just(PROVENANCE),
        phases_s=st.dictionaries(texts, numbers, max_size=3),
        wall_s=numbers,
        findings=findings,
        baseline_faults=st.dictionaries(texts, texts, max_size=2),
    ),
    st.builds(
        Rejected,
        stage=st.sampled_from(Stage),
        reason=texts,
        findings=findings,
        error=st.none() | errors,
        log=texts,
        provenance=st.none() | st.just(PROVENANCE),
        phases_s=st.dictionaries(texts, numbers, max_size=3),
        wall_s=numbers,
    ),
    st.builds(Faulted, reason=texts, log=texts, wall_s=numbers),
)
outcomes = st.one_of(
    st.builds(Judged, verdict=verdicts),
    st.builds(Duplicate, of=st.integers(0, 99)),
    st.builds(Nothing, reason=texts),
)
proposals = st.builds(
    Proposal,
    proposer=texts,
    variant=texts,
    candidate=st.none() | st.builds(Candidate, source=texts, backend=texts, entry=texts),
    note=texts,
    prompt=texts,
    wall_s=numbers,
)


def trials_of(of: Task, number: int) -> st.SearchStrategy[Trial]:
    return st.builds(
        Trial,
        number=st.just(number),
        task_id=st.just(of.id),
        proposal=proposals,
        outcome=outcomes,
        finished_at=texts,
        parents=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    )
