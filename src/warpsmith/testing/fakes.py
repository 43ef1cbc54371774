"""Fabricated verdicts and trials, for tests of whatever reads them; nothing here was measured.

Knows the nouns alone: no process, no file, no clock, and no pytest.
"""

from __future__ import annotations

from collections.abc import Sequence

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.provenance import Provenance
from warpsmith.core.task import Target, Task
from warpsmith.core.timing import Timing
from warpsmith.core.trial import Duplicate, Judged, Nothing, Outcome, Proposal, Trial
from warpsmith.core.verdict import (
    Accepted,
    ErrorStats,
    Faulted,
    Finding,
    Measurement,
    Rejected,
    Stage,
    Verdict,
)

PROVENANCE = Provenance(
    verifier="0",
    tier="verify",
    device="a device that does not exist",
    device_type="cpu",
    driver=None,
    threads=1,
    software={},
    clocks_mhz={},
    isolation="none",
    seed=0,
)


def task(name: str = "level1/fake", *, source: str = "class Model: ...\n", device: str = "cpu") -> Task:
    """Return a task whose problem nobody can run."""
    problem = Problem(name=name, source=source, workloads=(Workload(name="cpu"),))
    return Task(problem=problem, target=Target(device=device))


def timing(*samples_ns: int) -> Timing:
    """Return a timing by the wall clock."""
    return Timing(samples_ns=samples_ns, timer="wall", flushed_l2=False)


def accepted(*, candidate_ns: int = 50, **baselines_ns: int) -> Accepted:
    """Return an acceptance on one workload, e.g. `accepted(candidate_ns=50, eager=100)`: twice as fast.

    Args:
        candidate_ns: the candidate's only sample.
        baselines_ns: the only sample of each baseline by name, in ns; `eager=100` when none is given.
    """
    baselines = {name: timing(sample_ns) for name, sample_ns in (baselines_ns or {"eager": 100}).items()}
    return Accepted(
        measurements=(Measurement(workload="cpu", timing=timing(candidate_ns), baselines=baselines),),
        error=ErrorStats(max_abs=0.0, max_rel=0.0, outside=0.0, elements=1),
        provenance=PROVENANCE,
        phases_s={"timing": 0.1},
        wall_s=0.2,
    )


def rejected(
    reason: str = "expected 1.0 and got 2.0",
    *,
    stage: Stage = Stage.COMPARE,
    check: str = "values",
    log: str = "",
) -> Rejected:
    """Return a rejection with one finding."""
    return Rejected(
        stage=stage,
        reason=reason,
        findings=(Finding(check=check, message=reason),),
        log=log,
        provenance=PROVENANCE,
    )


def faulted(reason: str = "the device stopped answering") -> Faulted:
    """Return a fault of the machine."""
    return Faulted(reason=reason)


def trial(  # noqa: PLR0913 - one parameter a field
    number: int,
    outcome: Outcome | Verdict | None = None,
    *,
    of: Task | None = None,
    proposer: str = "fake",
    variant: str | None = None,
    source: str | None = None,
    parents: Sequence[int] = (),
) -> Trial:
    """Return trial `number`: accepted unless `outcome`, which may be a bare verdict, says otherwise.

    Without `of` it is a trial of `task()`, without `variant` the variant is `v<number>`, and without
    `source` the candidate has a source of its own; where the outcome is `Nothing` there is no candidate.
    """
    if outcome is None or isinstance(outcome, Accepted | Rejected | Faulted):
        outcome = Judged(verdict=outcome or accepted())
    text = f"class ModelNew:\n    number = {number}\n" if source is None else source
    candidate = None if isinstance(outcome, Nothing) else Candidate(source=text, backend="torch")
    return Trial(
        number=number,
        task_id=(of or task()).id,
        parents=tuple(parents),
        proposal=Proposal(proposer=proposer, variant=variant or f"v{number}", candidate=candidate),
        outcome=outcome,
        finished_at="2026-01-01T00:00:00+00:00",
    )


def trials(
    *outcomes: Outcome | Verdict | None, of: Task | None = None, proposer: str = "fake"
) -> list[Trial]:
    """Return trials 0, 1, ... with these outcomes."""
    return [trial(number, outcome, of=of, proposer=proposer) for number, outcome in enumerate(outcomes)]


def histories(of: Task | None = None, proposer: str = "fake") -> dict[str, list[Trial]]:
    """Return histories that whoever reads trials has to cope with, by a name for people.

    One of each kind of outcome, none at all, and each kind alone.
    """

    def made(*outcomes: Outcome | Verdict) -> list[Trial]:
        return trials(*outcomes, of=of, proposer=proposer)

    nothing, duplicate = Nothing(reason="the compiler gave up"), Duplicate(of=0)
    return {
        "no trials": [],
        "one accepted": made(accepted()),
        "slower than the baseline": made(accepted(candidate_ns=200)),
        "without that baseline": made(accepted(other=100)),
        "all rejected": made(
            rejected(), rejected("it does not build", stage=Stage.BUILD, log="error: " * 500)
        ),
        "all faulted": made(faulted(), faulted()),
        "duplicates": made(rejected(), duplicate, duplicate),
        "nothing was made": made(nothing, nothing),
        "a tie": made(accepted(), accepted()),
        "everything": made(rejected(), accepted(), duplicate, faulted(), nothing, accepted(candidate_ns=40)),
    }
