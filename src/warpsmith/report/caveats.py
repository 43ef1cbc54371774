"""What the numbers of a report do not show, and how to get them again; in plain sentences."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from warpsmith.core.task import Task, Tier
from warpsmith.report.runs import RunRecord
from warpsmith.report.summary import Machine, ProblemSummary
from warpsmith.verify.tracks import track_options


def refusals_of(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return a sentence on the problems that failed the admission test; they count nowhere else."""
    refused = {name: reason for run in runs for name, reason in run.not_admitted.items()}
    if not refused:
        return ()
    named = "; ".join(f"{name} ({reason})" for name, reason in refused.items())
    number = "1 problem" if len(refused) == 1 else f"{len(refused)} problems"
    return (f"Coverage: {number} failed the admission test and count nowhere here: {named}.",)


def unproven_of(
    machine: Machine | None, tiers: Sequence[str], problems: Sequence[ProblemSummary]
) -> tuple[str, ...]:
    """Return what a reader might take for shown and is not."""
    if machine is None:
        return ()
    found = []
    if set(machine.isolation) - {"full"}:
        found.append(
            "Honesty: candidates did not run in a whole sandbox "
            f"(isolation: {', '.join(machine.isolation)}). "
            "One written to deceive could still reach files, the network or its own clock."
        )
    if Tier.SCREEN in tiers:
        found.append(
            "Breadth: tier screen looks at the first workload alone and times it briefly; "
            "verify a winner at tier verify before relying on it."
        )
    found.append(
        "Equality: shown on random inputs from several seeds within a tolerance, not for every input."
    )
    narrow = sum(problem.best is not None and problem.best.shapes == "declared" for problem in problems)
    if narrow:
        found.append(
            f"Shapes: {narrow} of the best candidates {'is' if narrow == 1 else 'are'} shown right for the "
            "declared shapes alone; others may fail or be wrong."
        )
    chosen = [problem for problem in problems if problem.best and problem.counts.accepted > 1]
    leaning = sum(not problem.best.retimed for problem in chosen if problem.best)
    if leaning:
        found.append(
            f"Selection: for {leaning} of the problems the best of several candidates was chosen by the very "
            "timing that is reported, so its speedup leans high; a run with `--retime 3` times it again."
        )
    if len(chosen) > leaning:
        found.append(
            "Selection: the best few candidates were verified and timed again, on other inputs, and the best "
            "of those is reported by that timing; what is left of the lean is that of a choice among few."
        )
    if machine.device_type == "cpu":
        found.append(
            "Small gaps: wall clocks on a CPU that others use too wander by 10 to 15 %; "
            "differences below that are not safe to state, whatever the interval says."
        )
    return tuple(found)


def commands_of(
    runs: Sequence[RunRecord], problems: Sequence[ProblemSummary], tasks: Sequence[Task]
) -> tuple[str, ...]:
    """Return the commands that made the runs, that verify one winner again, and that write the report."""
    commands = [run.command for run in runs if run.command]
    locators = {task.problem.id: task.problem.origin or task.problem.name for task in tasks}
    targets = {task.problem.id: task for task in tasks}
    for problem in problems:
        if problem.best and problem.best.kernel:
            task = targets[problem.problem_id]
            commands.append(
                shlex.join(
                    [
                        *("warpsmith", "verify", locators[problem.problem_id]),
                        f"{problem.best.run}/{problem.best.kernel}",
                        *("--device", task.target.device, "--tier", task.tier.value),
                        *track_options(task.track),
                    ]
                )
            )
            break
    return (*commands, shlex.join(["warpsmith", "report", *(run.folder for run in runs)]))
