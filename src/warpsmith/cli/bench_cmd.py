"""warpsmith bench: search every problem of a suite and report on all."""

from __future__ import annotations

import json
from pathlib import Path

import click

from warpsmith.cli.engine_options import judging, require_executor, searching_executor_option
from warpsmith.cli.options import (
    baseline_option,
    device_option,
    json_option,
    problem_filters,
    seed_option,
    tier_of,
    tier_option,
    track_of,
    track_option,
)
from warpsmith.cli.protocol_options import protocol_of, protocol_option, under
from warpsmith.cli.recipe import Recipe, recipe_options
from warpsmith.cli.running import run_and_write
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.problems import Found, find
from warpsmith.report import report_of, to_markdown
from warpsmith.search.protocols import Protocol
from warpsmith.search.run import new_seed, start
from warpsmith.verify import Verifier
from warpsmith.verify.batch import Asked

DEFAULT_BUDGET = "trials=8,wall=5m"


@click.command()
@click.argument("suite", required=False)
@problem_filters
@recipe_options(DEFAULT_BUDGET)
@click.option("--out", required=True, metavar="RUN", help="New run folder.")
@device_option
@tier_option
@track_option(shapes="declared")
@baseline_option
@protocol_option
@seed_option
@searching_executor_option
@json_option
def bench(
    suite: str | None,
    level: str | None,
    tag: str | None,
    dtype: str | None,
    name: str | None,
    recipe: Recipe,
    out: str,
    device: str,
    tier: str,
    kernels: str,
    precision: str,
    shapes: str,
    baselines: tuple[str, ...],
    protocol: str | None,
    seed: int | None,
    executor: str | None,
    as_json: bool,
) -> int:
    """Search every problem that SUITE denotes (the shipped suite by default), one report for all.

    The whole shipped suite takes hours: `--tag starter` is twelve problems of it.

    Problems that fail the admission test are left out, and the report says which and why. An
    interrupted run goes on with `warpsmith search --resume RUN`.

    Under `--protocol warpsmith-1` the problems are fixed, too; `--protocol kernelbench-v0
    kernelbench:DIR` has KernelBench's own rules.
    """
    require_executor(executor)
    plan = recipe.plan(DEFAULT_BUDGET)
    rules = protocol_of(protocol)
    found = _governed(rules, suite, {"level": level, "tag": tag, "dtype": dtype, "name": name})
    asked = Asked(
        device=device,
        tier=tier_of(tier),
        baselines=baselines or None,
        seed=new_seed() if seed is None else seed,
        track=track_of(kernels=kernels, precision=precision, shapes=shapes),
    )
    asked = under(rules, asked)
    folder = Path(out)
    with Verifier() as verifier:
        tasks, refused = _admitted(found, asked, verifier, takes_unfit=bool(rules and rules.takes_unfit))
        for left_out, reason in refused.items():
            click.echo(f"left out: {left_out}: {reason}", err=True)
        if not tasks:
            raise UsageError("no problem there passed the admission test; see `warpsmith problems check`")
        with (
            judging(executor, verifier, tasks, device) as (judge, abreast),
            start(folder, plan, tasks, not_admitted=refused) as archive,
        ):
            written = run_and_write(archive, plan, judge, tasks, abreast=abreast)
    if as_json:
        click.echo(json.dumps({"run": out, "problems": len(tasks), "report": str(written["json"])}))
        return 0
    click.echo(to_markdown(report_of([folder]), beside=folder))
    for kind, path in written.items():
        click.echo(f"{kind}: {path}")
    return 0


def _governed(rules: Protocol | None, suite: str | None, filters: dict[str, str | None]) -> Found:
    """Return the problems that are asked for, or those that the protocol pins, under its tolerances."""
    if rules is None:
        return find(suite, **filters)
    if rules.pins and (suite or any(filters.values())):
        raise UsageError(f"protocol {rules.name!r} fixes the problems; leave SUITE and its filters out")
    found = rules.chosen(find()) if rules.pins else find(suite, **filters)
    return found._replace(problems=tuple(map(rules.governed, found.problems)))


def _admitted(
    found: Found, asked: Asked, verifier: Verifier, *, takes_unfit: bool
) -> tuple[list[Task], dict[str, str]]:
    """Return the tasks of the problems that may score, and why the others may not, by name."""
    refused = {broken.name: broken.reason for broken in found.broken}
    tasks = []
    for problem in found.problems:
        task = asked.task(verifier.target(asked.device), problem)
        findings = verifier.admit(problem, task.target, task.seed).findings
        if takes_unfit and all(finding.check == "trivial" for finding in findings):
            for finding in findings[:1]:
                click.echo(f"counts, but is unfit: {problem.name}: {finding.message}", err=True)
            tasks.append(task)
        elif findings:
            refused[problem.name] = findings[0].message
        else:
            tasks.append(task)
    return tasks, refused
