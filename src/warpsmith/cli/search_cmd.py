"""warpsmith search: look for a faster kernel for one problem."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click
import msgspec

from warpsmith.archive import Archive
from warpsmith.cli.options import (
    baseline_option,
    choices,
    device_option,
    json_option,
    preset_choices,
    seed_option,
    tier_of,
    tier_option,
    track_of,
    track_option,
)
from warpsmith.cli.running import run_and_write
from warpsmith.cli.words import speedup_text, time_text
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.core.trial import best_trial
from warpsmith.problems import load
from warpsmith.search.budget import parse_budget
from warpsmith.search.presets import PRESETS
from warpsmith.search.run import Plan, resume, start
from warpsmith.verify import Verifier
from warpsmith.verify.batch import Asked
from warpsmith.verify.view import verdict_view

DEFAULT_BUDGET = "trials=16,wall=10m"


@click.command()
@click.argument("problem", required=False)
@click.option("--strategy", help="What to try next.  [default: best_of_n]")
@click.option(
    "--proposer", "proposers", multiple=True, help="Who makes candidates; repeatable.  [default: inductor]"
)
@click.option(
    "-o", "options", multiple=True, metavar="NAME=VALUE", help="Option of the strategy or a proposer."
)
@click.option(
    "--preset", metavar="|".join(PRESETS), help="A published recipe in place of --strategy and --proposer."
)
@click.option(
    "--budget", metavar="trials=64,wall=30m,usd=5", help=f"When to stop.  [default: {DEFAULT_BUDGET}]"
)
@click.option("--out", metavar="RUN", help="New run folder.")
@click.option("--resume", "resumed", metavar="RUN", help="Go on with a run, as it was planned.")
@device_option
@tier_option
@track_option(shapes="declared")
@baseline_option
@seed_option
@json_option
def search(
    problem: str | None,
    strategy: str | None,
    proposers: tuple[str, ...],
    options: tuple[str, ...],
    preset: str | None,
    budget: str | None,
    out: str | None,
    resumed: str | None,
    device: str,
    tier: str,
    kernels: str,
    precision: str,
    shapes: str,
    baselines: tuple[str, ...],
    seed: int | None,
    as_json: bool,
) -> int:
    """Search a kernel for PROBLEM that is verified and faster.

    RUN holds everything: `archive.sqlite`, `kernels/`, `report.html`. Ctrl-C keeps what is finished.
    """
    if resumed is not None:
        if problem is not None or out is not None:
            raise UsageError("--resume takes the run's own problem and plan; leave PROBLEM and --out away")
        return _go_on(Path(resumed), budget, as_json=as_json)
    if problem is None or out is None:
        raise UsageError("give PROBLEM and --out RUN, or --resume RUN")
    if preset is not None and (strategy is not None or proposers):
        raise UsageError("a preset has its own strategy and proposers; leave --strategy and --proposer away")
    if preset is None:
        chosen, makers = choices(strategy or "best_of_n", proposers or ("inductor",), options)
        limits = parse_budget(budget or DEFAULT_BUDGET)
    else:
        chosen, makers, published = preset_choices(preset, options)
        limits = parse_budget(budget) if budget else published
    plan = Plan(
        strategy=chosen,
        proposers=makers,
        budget=limits,
        command=shlex.join(["warpsmith", *sys.argv[1:]]),
    )
    plan.check()
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
            return _carry_out(archive, plan, verifier, as_json=as_json)


def _go_on(folder: Path, budget: str | None, *, as_json: bool) -> int:
    more = None if budget is None else parse_budget(budget)
    archive, plan = resume(folder)
    if more is not None:
        plan = msgspec.structs.replace(plan, budget=more)
    with archive, Verifier() as verifier:
        return _carry_out(archive, plan, verifier, as_json=as_json)


def _carry_out(archive: Archive, plan: Plan, verifier: Verifier, *, as_json: bool) -> int:
    tasks = archive.tasks()
    for device in {task.target.device for task in tasks}:
        verifier.target(device)  # a run is resumed on the device it began on, or not at all
    written = run_and_write(archive, plan, verifier, tasks)
    if as_json:
        click.echo(json.dumps(_record(archive, tasks)))
        return 0
    for task in tasks:
        click.echo(_summary(archive, task))
    for kind, path in written.items():
        click.echo(f"  {kind}: {path}")
    return 0


def _summary(archive: Archive, task: Task) -> str:
    baseline = task.baselines[0] if task.baselines else ""
    best = best_trial(archive.trials(task.id), baseline)
    verdict = best.accepted if best else None
    if best is None or verdict is None:
        return f"{task.problem.name}: no candidate was accepted"
    speedups = ", ".join(f"{speedup_text(verdict.speedup(name))} over {name}" for name in verdict.baselines)
    who = f"{best.proposal.proposer}:{best.proposal.variant}"
    label = ", passthrough" if verdict.is_passthrough else ""
    about = f"trial {best.number}, {who}{label}"
    return f"{task.problem.name}: {time_text(verdict.time.value)}, {speedups} ({about})"


def _record(archive: Archive, tasks: list[Task]) -> dict[str, object]:
    rows = []
    for task in tasks:
        trials = archive.trials(task.id)
        best = best_trial(trials, task.baselines[0]) if task.baselines else None
        verdict = best.verdict if best else None
        row = {"problem": task.problem.name, "trials": len(trials)}
        rows.append(
            row | ({"best": {"trial": best.number, **verdict_view(verdict)}} if best and verdict else {})
        )
    return {"run": str(archive.folder), "tasks": rows}
