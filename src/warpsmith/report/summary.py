"""What a report says, as one frozen record: the JSON report is this, the pages are drawn from it.

Knows no disk and computes nothing. What is absent is None or an empty tuple.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from warpsmith.core.roofline import SpeedOfLight
from warpsmith.core.timing import Interval
from warpsmith.report.lineage import Node
from warpsmith.report.metrics import FastP, PassAtK, no_win
from warpsmith.report.spend import Spending


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trials by what became of them; `tried` is their sum."""

    tried: int
    accepted: int
    rejected: int
    faulted: int
    duplicates: int
    nothing: int


class WorkloadTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Median times on one workload, in ns.

    Attributes:
        light: the speed of light there; None where it is not known.
    """

    workload: str
    median_ns: float
    baselines_ns: dict[str, float]
    light: SpeedOfLight | None = None


class Best(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The candidate that a problem ended with.

    Attributes:
        run: folder of its run, as it was given.
        trial: its number within its task.
        time_ns: geometric mean over workloads of the median time of one call.
        baselines_ns: the same for every baseline timed on every workload.
        speedups: by baseline, geometric mean over workloads.
        passthrough: whether it has no kernel of its own, so that its speedups count as no more than 1.
        shapes: `any` where it was also right for shapes that the problem does not declare.
        kernel: file beside the report, relative to `run`; None where it was not written.
        retimed: whether these times are not those that it was chosen by.
    """

    run: str
    trial: int
    proposer: str
    variant: str
    backend: str
    candidate_id: str
    time_ns: Interval
    baselines_ns: dict[str, Interval]
    speedups: dict[str, Interval]
    workloads: tuple[WorkloadTimes, ...]
    passthrough: bool
    shapes: str
    kernel: str | None
    retimed: bool = False

    def counted(self, baseline: str) -> Interval | None:
        """The speedup over `baseline` as metrics count it; None where it was not timed."""
        speedup = self.speedups.get(baseline)
        return no_win(speedup) if speedup and self.passthrough else speedup


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the `tried`-th trial on, the best speedup over the primary baseline was this.

    Attributes:
        usd: dollars for models by then.
        device_s: seconds of the device by then.
    """

    tried: int
    speedup: float
    usd: float = 0.0
    device_s: float = 0.0


class ProblemSummary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the per-problem table.

    Attributes:
        level: `level1`, ...; empty where the name has none.
        tags: the problem's.
        left_out: whether every trial was faulted, so that no metric counts this problem.
        best: None where nothing was accepted.
        obstacle: why the last trial without acceptance failed, one line; None where there is none to tell.
        accepted_after: trials until the first acceptance, that one included; None without one.
        progress: every improvement over the primary baseline by a candidate with a kernel of its own,
            oldest first.
        usd: dollars for models, in all.
        device_s: seconds of the device, in all trials.
        lineage: the trials and whom they descend from; empty where no trial has a parent, or where several
            runs tried the problem.
    """

    name: str
    level: str
    problem_id: str
    counts: Counts
    left_out: bool
    best: Best | None
    obstacle: str | None
    accepted_after: int | None
    progress: tuple[Step, ...]
    usd: float = 0.0
    device_s: float = 0.0
    lineage: tuple[Node, ...] = ()
    tags: tuple[str, ...] = ()


class BaselineScores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How problems stand against one baseline.

    Attributes:
        fast: fast_p at each threshold.
        geometric_mean: of the speedups of accepted candidates; None where there is none.
        timed: how many speedups that mean is over.
        surely_faster: how many of them have a confidence interval above 1.
        untimed: problems whose best candidate was not timed against this baseline.
    """

    baseline: str
    fast: tuple[FastP, ...]
    geometric_mean: float | None
    timed: int
    surely_faster: int
    untimed: int


class Scores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Metrics over a set of problems.

    Attributes:
        problems: counted by the metrics.
        accepted: of those, with an accepted candidate.
        passthrough: of those accepted, with nothing better than a passthrough.
        untried: of those, without a single trial.
        left_out: not counted, because every trial was faulted.
    """

    problems: int
    accepted: int
    passthrough: int
    untried: int
    left_out: int
    baselines: tuple[BaselineScores, ...]


class Tally(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trials that ended alike.

    Attributes:
        where: stage of a rejection; `faulted`, `nothing` or `baseline NAME` otherwise.
        what: name of the decisive check, or the reason where there is no check.
        trials: how many.
        problems: over how many problems.
        example: first line of one such reason.
    """

    where: str
    what: str
    trials: int
    problems: int
    example: str


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and with what the numbers were measured; several values where runs differ in them.

    Attributes:
        timer: None where nothing was timed.
        threads: CPU threads of torch.
        software: version by name.
        clocks_mhz: of the latest verdict that could read them.
    """

    device: str
    device_type: str
    timer: str | None
    driver: tuple[str, ...]
    threads: tuple[int, ...]
    software: dict[str, str]
    clocks_mhz: dict[str, int]
    isolation: tuple[str, ...]
    verifier: tuple[str, ...]


class Duel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One problem in two runs.

    Attributes:
        first: speedup of the first run's best candidate, as it counts; None without one, or untimed.
        second: the same of the second's.
        ratio: first over second; None where either is absent.
        winner: who is ahead by the whole interval, or alone has an accepted candidate.
    """

    problem: str
    first: Interval | None
    second: Interval | None
    ratio: Interval | None
    winner: Literal["first", "second", "neither"]


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two runs on the problems that both tried.

    Attributes:
        first: folder of a run.
        second: folder of the other.
        baseline: what speedups are over.
        wins: problems that the first wins.
        losses: problems that the second wins.
        ratio: geometric mean of the duels' ratios, bootstrap over problems; None without one.
        fast_1_gain: fast_1 of the first less that of the second, bootstrap over problems; None without any.
    """

    first: str
    second: str
    baseline: str
    duels: tuple[Duel, ...]
    wins: int
    losses: int
    ratio: Interval | None
    fast_1_gain: Interval | None


class Summary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole report.

    Attributes:
        runs: folders, as they were given.
        warpsmith: version that wrote this report.
        tiers: how much evidence the verdicts rest on.
        track: the rules that candidates played by, in words; empty where there is no task.
        target: `cpu`, `cuda`, ...; empty where there is no task.
        machine: None where no verdict said where it was made.
        started_at: when the first trial finished; None without trials.
        finished_at: when the last one did.
        primary: baseline by which the best candidate is chosen.
        levels: the same scores by level; empty where all problems are of one level.
        tags: the same scores by tag, for every tag that two problems have and not all.
        no_verdict: faulted trials, failed proposals and baselines that could not be timed.
        unproven: what these numbers do not show.
        commands: how to get them again.
        comparisons: every two of several runs.
        spending: tokens, dollars and device time.
    """

    runs: tuple[str, ...]
    warpsmith: str
    tiers: tuple[str, ...]
    track: tuple[str, ...]
    target: tuple[str, ...]
    machine: Machine | None
    started_at: str | None
    finished_at: str | None
    primary: str
    counts: Counts
    scores: Scores
    levels: dict[str, Scores]
    pass_at_k: tuple[PassAtK, ...]
    problems: tuple[ProblemSummary, ...]
    rejections: tuple[Tally, ...]
    no_verdict: tuple[Tally, ...]
    unproven: tuple[str, ...]
    commands: tuple[str, ...]
    spending: Spending
    comparisons: tuple[Comparison, ...] = ()
    tags: dict[str, Scores] = {}
