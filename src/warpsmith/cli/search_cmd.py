"""warpsmith search: look for a faster kernel for one problem."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click
import msgspec

from warpsmith.archive import Archive
from warpsmith.cli.engine_options import judging, require_executor, searching_executor_option
from warpsmith.cli.options import (
    baseline_option,
    device_option,
    json_option,
    seed_option,
    tier_of,
    tier_option,
    track_of,
    track_option,
)
from warpsmith.cli.recipe import Recipe, recipe_options
from warpsmith.cli.running import run_and_write
from warpsmith.cli.words import speedup_text, time_text
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.problems import load
from warpsmith.search.budget import parse_budget
from warpsmith.search.run import Plan, replayed, resume, start
from warpsmith.search.winners import Entry, entries, ranked_baselines, winner
from warpsmith.verify import Verifier
from warpsmith.verify.batch import Asked
from warpsmith.verify.view import verdict_view

DEFAULT_BUDGET = "trials=16,wall=10m"


@click.command()
@click.argument("problem", required=False)
@recipe_options(DEFAULT_BUDGET)
@click.option("--out", metavar="RUN", help="New run folder.")
@click.option("--resume", "resumed", metavar="RUN", help="Go on with a run, as it was planned.")
@click.option(
    "--replay",
    metavar="RUN|TAPE",
    help="Take models' replies from a run, and do it again; or from a tape. No key, no network.",
)
@device_option
@tier_option
@track_option(shapes="declared")
@baseline_option
@seed_option
@searching_executor_option
@json_option
def search(
    problem: str | None,
    recipe: Recipe,
    out: str | None,
    resumed: str | None,
    replay: str | None,
    device: str,
    tier: str,
    kernels: str,
    precision: str,
    shapes: str,
    baselines: tuple[str, ...],
    seed: int | None,
    executor: str | None,
    as_json: bool,
) -> int:
    """Search a kernel for PROBLEM that is verified and faster.

    RUN holds everything: `archive.sqlite`, `kernels/`, `report.html`. Ctrl-C keeps what is finished.
    """
    require_executor(executor)
    if resumed is not None:
        if problem is not None or out is not None or replay is not None:
            raise UsageError(
                "--resume takes the run's own problem and plan; leave PROBLEM, --out and --replay away"
            )
        return _go_on(Path(resumed), recipe.budget, executor, as_json=as_json)
    if replay is not None and Path(replay).is_dir():
        if problem is not None or out is None:
            raise UsageError(
                "--replay RUN takes the run's own problem and plan; leave PROBLEM away, give --out"
            )
        return _again(Path(replay), Path(out), recipe.budget, executor, as_json=as_json)
    if problem is None or out is None:
        raise UsageError("give PROBLEM and --out RUN, or --resume RUN")
    plan = recipe.plan(DEFAULT_BUDGET)
    if replay is not None:
        plan = _from_tape(plan, Path(replay), seed)
    asked = Asked(
        device=device,
        tier=tier_of(tier),
        baselines=baselines or None,
        seed=seed,
        track=track_of(kernels=kernels, precision=precision, shapes=shapes),
    )
    found = load(problem)
    with Verifier() as verifier:
        task = asked.task(verifier.target(asked.device), found)
        with start(Path(out), plan, [task]) as archive:
            return _carry_out(archive, plan, verifier, executor, device=device, as_json=as_json)


def _again(run: Path, out: Path, budget: str | None, executor: str | None, *, as_json: bool) -> int:
    """Do `run` again in the folder `out`, with the replies on its tape."""
    plan, tasks = replayed(run)
    limits = parse_budget(budget) if budget else plan.budget
    command = shlex.join(["warpsmith", *sys.argv[1:]])
    plan = msgspec.structs.replace(plan, budget=limits, command=command)
    with Verifier() as verifier, start(out, plan, tasks) as archive:
        return _carry_out(archive, plan, verifier, executor, as_json=as_json)


def _from_tape(plan: Plan, tape: Path, seed: int | None) -> Plan:
    if not tape.is_file():
        raise UsageError(f"there is no run and no tape {str(tape)!r}; give the folder of a run to --replay")
    if seed is None:
        raise UsageError("a tape holds no seed; give the recorded run's --seed, or its folder to --replay")
    return msgspec.structs.replace(plan, replay=str(tape.resolve()))


def _go_on(folder: Path, budget: str | None, executor: str | None, *, as_json: bool) -> int:
    more = None if budget is None else parse_budget(budget)
    archive, plan = resume(folder)
    if more is not None:
        plan = msgspec.structs.replace(plan, budget=more)
    with archive, Verifier() as verifier:
        return _carry_out(archive, plan, verifier, executor, as_json=as_json)


def _carry_out(
    archive: Archive,
    plan: Plan,
    verifier: Verifier,
    executor: str | None,
    *,
    device: str = "auto",
    as_json: bool,
) -> int:
    tasks = archive.tasks()
    for named in {task.target.device for task in tasks}:
        verifier.target(named)  # a run is resumed on the device it began on, or not at all
    with judging(executor, verifier, tasks, device) as (judge, abreast):
        written = run_and_write(archive, plan, judge, tasks, abreast=abreast)
    if as_json:
        click.echo(json.dumps(_record(archive, tasks)))
        return 0
    for task in tasks:
        click.echo(_summary(archive, task))
    for kind, path in written.items():
        click.echo(f"  {kind}: {path}")
    return 0


def _summary(archive: Archive, task: Task) -> str:
    best = _winner(archive, task)
    if best is None:
        return f"{task.problem.name}: no candidate was accepted"
    verdict = best.verdict
    speedups = ", ".join(f"{speedup_text(verdict.speedup(name))} over {name}" for name in verdict.baselines)
    who = f"{best.trial.proposal.proposer}:{best.trial.proposal.variant}"
    label = ", timed again" if best.is_retimed else ""
    label += ", passthrough" if verdict.is_passthrough else ""
    about = f"trial {best.trial.number}, {who}{label}"
    return f"{task.problem.name}: {time_text(verdict.time.value)}, {speedups} ({about})"


def _record(archive: Archive, tasks: list[Task]) -> dict[str, object]:
    rows = []
    for task in tasks:
        best = _winner(archive, task)
        row: dict[str, object] = {"problem": task.problem.name, "trials": len(archive.trials(task.id))}
        if best is not None:
            about = {"trial": best.trial.number, "retimed": best.is_retimed}
            row["best"] = about | verdict_view(best.verdict)
        rows.append(row)
    return {"run": str(archive.folder), "tasks": rows}


def _winner(archive: Archive, task: Task) -> Entry | None:
    return winner(entries(archive.trials(task.id), archive.retimings(task.id)), ranked_baselines([task]))
