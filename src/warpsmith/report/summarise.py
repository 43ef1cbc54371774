"""From tasks and trials to a summary; pure, so the same trials always give the same report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from warpsmith import __version__
from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.provenance import Provenance
from warpsmith.core.timing import Timing, geometric_mean
from warpsmith.core.trial import Duplicate, Nothing, Trial
from warpsmith.core.verdict import Accepted, Faulted, Rejected
from warpsmith.report.caveats import commands_of, refusals_of, unproven_of
from warpsmith.report.comparing import comparisons_of
from warpsmith.report.lineage import nodes_of
from warpsmith.report.metrics import THRESHOLDS, Standing, fast_p, mean_pass_at_k
from warpsmith.report.runs import Attempt, RunRecord
from warpsmith.report.spend import spend_of, spending_of
from warpsmith.report.summary import (
    BaselineScores,
    Best,
    Comparison,
    Counts,
    Machine,
    ProblemSummary,
    Scores,
    Step,
    Summary,
    WorkloadTimes,
)
from warpsmith.report.tallies import no_verdict_of, rejections_of
from warpsmith.report.wording import one_line
from warpsmith.search.spending import device_s
from warpsmith.search.winners import entries, ranked_baselines, winner
from warpsmith.verify.tracks import track_words


class History(NamedTuple):
    """Every attempt at one problem, in the order of the runs."""

    problem: Problem
    attempts: list[tuple[RunRecord, Attempt]]

    @property
    def trials(self) -> list[Trial]:
        """All trials of the problem; numbers repeat where there are several attempts."""
        return [trial for _, attempt in self.attempts for trial in attempt.trials]


def summarise(runs: Sequence[RunRecord], *, primary: str | None = None) -> Summary:
    """Return what `runs` found; the same problem in several runs is one problem with all their trials.

    Which candidate is best is decided by its speedup over `primary`, `eager` where the tasks have it.

    Raises:
        UsageError: numbers were taken on different devices, with different timers or on different tracks,
            so that they don't belong in one table.
    """
    histories = _histories(runs)
    tasks = [attempt.task for run in runs for attempt in run.attempts]
    trials = [trial for history in histories for trial in history.trials]
    machine = _machine(trials)
    target = _only("targets", sorted({task.target.device_type for task in tasks}))
    baselines = ranked_baselines(tasks, primary)
    problems = [_problem(history, baselines) for history in histories]
    finished = sorted(trial.finished_at for trial in trials)
    tiers = tuple(dict.fromkeys(task.tier.value for task in tasks))
    track = _only("tracks", list(dict.fromkeys(track_words(task.track) for task in tasks)))
    return Summary(
        runs=tuple(run.folder for run in runs),
        warpsmith=__version__,
        tiers=tiers,
        track=track,
        target=target,
        machine=machine,
        started_at=finished[0] if finished else None,
        finished_at=finished[-1] if finished else None,
        primary=baselines[0],
        counts=_counts(trials),
        scores=_scores(problems, baselines),
        levels=_levels(problems, baselines),
        tags=_tags(problems, baselines),
        pass_at_k=mean_pass_at_k([count for history in histories if (count := _samples(history))]),
        problems=tuple(problems),
        rejections=rejections_of(history.trials for history in histories),
        no_verdict=no_verdict_of(history.trials for history in histories),
        unproven=(*refusals_of(runs), *unproven_of(machine, tiers, problems)),
        commands=commands_of(runs, problems, tasks),
        spending=spending_of(trials, [each for run in runs for a in run.attempts for each in a.retimings]),
        comparisons=_comparisons(runs, baselines),
    )


def _comparisons(runs: Sequence[RunRecord], baselines: tuple[str, ...]) -> tuple[Comparison, ...]:
    if len(runs) < 2:
        return ()
    alone = [(run.folder, [_problem(each, baselines) for each in _histories([run])]) for run in runs]
    return comparisons_of(alone, baselines[0])


def _histories(runs: Sequence[RunRecord]) -> list[History]:
    found: dict[str, History] = {}
    for run in runs:
        for attempt in run.attempts:
            problem = attempt.task.problem
            found.setdefault(problem.id, History(problem, [])).attempts.append((run, attempt))
    return list(found.values())


def _only(what: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > 1:
        raise UsageError(
            f"numbers from the {what} {values[0]!r} and {values[1]!r} do not belong in one table; "
            "report those runs one by one"
        )
    return tuple(values)


def _provenances(trials: Iterable[Trial]) -> Iterator[Provenance]:
    for trial in trials:
        match trial.verdict:
            case Accepted(provenance=provenance):
                yield provenance
            case Rejected(provenance=Provenance() as provenance):
                yield provenance


def _timings(trials: Iterable[Trial]) -> Iterator[Timing]:
    for trial in trials:
        if verdict := trial.accepted:
            for measurement in verdict.measurements:
                yield measurement.timing
                yield from measurement.baselines.values()


def _machine(trials: Sequence[Trial]) -> Machine | None:
    """Return where the numbers are from, or refuse if that is more than one place or timer."""
    provenances = list(_provenances(trials))
    _only("devices", list(dict.fromkeys(each.device_class for each in provenances)))
    names = (f"{each.timer}{', L2 flushed' if each.flushed_l2 else ''}" for each in _timings(trials))
    timer = _only("timers", list(dict.fromkeys(names)))
    if not provenances:
        return None
    versions: dict[str, dict[str, None]] = {}
    for each in provenances:
        for name, version in each.software.items():
            versions.setdefault(name, {})[version] = None
    clocks = [each.clocks_mhz for each in provenances if each.clocks_mhz]
    return Machine(
        device=provenances[0].device,
        device_type=provenances[0].device_type,
        timer=timer[0] if timer else None,
        driver=tuple(dict.fromkeys(each.driver for each in provenances if each.driver)),
        threads=tuple(dict.fromkeys(each.threads for each in provenances)),
        software={name: ", ".join(seen) for name, seen in sorted(versions.items())},
        clocks_mhz=clocks[-1] if clocks else {},
        isolation=tuple(dict.fromkeys(each.isolation for each in provenances)),
        verifier=tuple(dict.fromkeys(each.verifier for each in provenances)),
    )


def _counts(trials: Sequence[Trial]) -> Counts:
    def how_many(kind: type) -> int:
        return sum(isinstance(trial.verdict or trial.outcome, kind) for trial in trials)

    return Counts(
        tried=len(trials),
        accepted=how_many(Accepted),
        rejected=how_many(Rejected),
        faulted=how_many(Faulted),
        duplicates=how_many(Duplicate),
        nothing=how_many(Nothing),
    )


def _problem(history: History, baselines: tuple[str, ...]) -> ProblemSummary:
    trials = history.trials
    counts, spend = _counts(trials), spend_of(history.problem.name, trials)
    return ProblemSummary(
        name=history.problem.name,
        level=history.problem.level,
        tags=history.problem.tags,
        problem_id=history.problem.id,
        counts=counts,
        left_out=counts.faulted > 0 and counts.faulted + counts.duplicates == counts.tried,
        best=_best(history, baselines),
        obstacle=_obstacle(trials),
        accepted_after=next((n for n, trial in enumerate(trials, start=1) if trial.accepted), None),
        progress=_progress(trials, baselines[0]),
        usd=spend.usd,
        device_s=spend.device_s,
        lineage=nodes_of(trials, baselines[0]) if len(history.attempts) == 1 else (),
    )


def _best(history: History, baselines: tuple[str, ...]) -> Best | None:
    found = {
        id(entry): (entry, *pair)
        for pair in history.attempts
        for entry in entries(pair[1].trials, pair[1].retimings)
    }
    best = winner([entry for entry, _, _ in found.values()], baselines)
    if best is None or best.trial.proposal.candidate is None:
        return None
    _, run, attempt = found[id(best)]
    proposal, candidate, verdict = best.trial.proposal, best.trial.proposal.candidate, best.verdict
    return Best(
        run=run.folder,
        trial=best.trial.number,
        proposer=proposal.proposer,
        variant=proposal.variant,
        backend=candidate.backend,
        candidate_id=candidate.id,
        time_ns=verdict.time,
        baselines_ns={name: verdict.baseline_time(name) for name in verdict.baselines},
        speedups={name: verdict.speedup(name) for name in verdict.baselines},
        workloads=tuple(
            WorkloadTimes(
                workload=each.workload,
                median_ns=each.timing.median_ns,
                baselines_ns={name: timing.median_ns for name, timing in each.baselines.items()},
                light=each.light,
            )
            for each in verdict.measurements
        ),
        passthrough=verdict.is_passthrough,
        shapes=verdict.shapes,
        kernel=attempt.kernels.get(candidate.id),
        retimed=best.is_retimed,
    )


def _obstacle(trials: Sequence[Trial]) -> str | None:
    for trial in reversed(trials):
        match trial.verdict or trial.outcome:
            case Rejected(stage=stage, reason=reason):
                return one_line(f"{stage.value}: {reason}")
            case Nothing(reason=reason):
                return one_line(f"nothing proposed: {reason}")
            case Faulted(reason=reason):
                return one_line(f"faulted: {reason}")
    return None


def _progress(trials: Sequence[Trial], primary: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    usd = on_device_s = 0.0
    for tried, trial in enumerate(trials, start=1):
        usd += (trial.proposal.spent.usd or 0.0) if trial.proposal.spent else 0.0
        on_device_s += device_s(trial)
        verdict = trial.accepted
        if verdict is None or verdict.is_passthrough or primary not in verdict.baselines:
            continue
        speedup = verdict.speedup(primary).value
        if not steps or speedup > steps[-1].speedup:
            steps.append(Step(tried=tried, speedup=speedup, usd=usd, device_s=on_device_s))
    return tuple(steps)


def _samples(history: History) -> tuple[int, int] | None:
    """Samples and accepted ones for pass@k; None where there are none. A duplicate counts as its original."""
    samples = passed = 0
    for _, attempt in history.attempts:
        by_number = {trial.number: trial for trial in attempt.trials}
        for trial in attempt.trials:
            original = trial
            while isinstance(original.outcome, Duplicate) and original.outcome.of in by_number:
                original = by_number[original.outcome.of]
            if not isinstance(original.verdict, Faulted):
                samples += 1
                passed += original.accepted is not None
    return (samples, passed) if samples else None


def _scores(problems: Sequence[ProblemSummary], baselines: Sequence[str]) -> Scores:
    counted = [problem for problem in problems if not problem.left_out]
    return Scores(
        problems=len(counted),
        accepted=sum(problem.best is not None for problem in counted),
        passthrough=sum(problem.best is not None and problem.best.passthrough for problem in counted),
        untried=sum(problem.counts.tried == 0 for problem in counted),
        left_out=len(problems) - len(counted),
        baselines=tuple(_against(counted, baseline) for baseline in baselines),
    )


def _against(problems: Sequence[ProblemSummary], baseline: str) -> BaselineScores:
    bests = [problem.best for problem in problems]
    speedups = [speedup for best in bests if best and (speedup := best.counted(baseline))]
    standings = [_standing(best, baseline) for best in bests]
    return BaselineScores(
        baseline=baseline,
        fast=tuple(fast_p(standings, p) for p in THRESHOLDS),
        geometric_mean=geometric_mean([each.value for each in speedups]) if speedups else None,
        timed=len(speedups),
        surely_faster=sum(each.low > 1 for each in speedups),
        untimed=sum(best is not None and baseline not in best.speedups for best in bests),
    )


def _standing(best: Best | None, baseline: str) -> Standing:
    interval = best.counted(baseline) if best else None
    return Standing(is_accepted=best is not None, speedup=interval.value if interval else None)


def _levels(problems: Sequence[ProblemSummary], baselines: Sequence[str]) -> dict[str, Scores]:
    levels = sorted({problem.level for problem in problems})
    if len(levels) < 2:
        return {}
    return {level: _scores([each for each in problems if each.level == level], baselines) for level in levels}


def _tags(problems: Sequence[ProblemSummary], baselines: Sequence[str]) -> dict[str, Scores]:
    counted = Counter(tag for problem in problems for tag in set(problem.tags))
    telling = sorted(tag for tag, count in counted.items() if 2 <= count < len(problems))
    return {tag: _scores([each for each in problems if tag in each.tags], baselines) for tag in telling}
