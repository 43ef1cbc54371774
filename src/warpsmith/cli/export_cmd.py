"""warpsmith export: folders in which other engines search, judged by our verifier."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from warpsmith.cli.options import (
    baseline_option,
    device_option,
    json_option,
    split_options,
    tier_of,
    tier_option,
    track_of,
    track_option,
)
from warpsmith.exports import EXPORTS
from warpsmith.exports.base import Scope, write
from warpsmith.problems import load
from warpsmith.verify import Verifier
from warpsmith.verify.batch import Asked


@click.command()
@click.argument("target", metavar="|".join(EXPORTS))
@click.argument("problem")
@click.option("--out", required=True, metavar="FOLDER", help="New folder.")
@click.option(
    "-o", "options", multiple=True, metavar="NAME=VALUE", help="Option of the engine, e.g. model=NAME."
)
@click.option("--backend", default="", metavar="NAME", help="What programs are to be written for.")
@device_option
@tier_option
@track_option(shapes="declared")
@baseline_option
@json_option
def export(
    target: str,
    problem: str,
    out: str,
    options: tuple[str, ...],
    backend: str,
    device: str,
    tier: str,
    kernels: str,
    precision: str,
    shapes: str,
    baselines: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write a folder in which another engine searches a kernel for PROBLEM.

    It holds an evaluator that asks Warpsmith's verifier, a program to start from, and a configuration.
    """
    engine = EXPORTS.make(target, split_options(options))
    asked = Asked(
        device=device,
        tier=tier_of(tier),
        baselines=baselines or None,
        seed=0,  # not exported: every process draws its own
        track=track_of(kernels=kernels, precision=precision, shapes=shapes),
    )
    found = load(problem)
    with Verifier() as verifier:
        task = asked.task(verifier.target(device), found)
        line = verifier.probe().devices[task.target.device]
    folder = Path(out)
    files = write(engine, Scope(task, line, backend), folder)
    command = f"cd {shlex.quote(out)} && {engine.command(Path())}"
    if as_json:
        click.echo(json.dumps({"folder": out, "files": [path.name for path in files], "command": command}))
        return 0
    click.echo(f"{out}: {', '.join(path.name for path in files)}\nstart it with:\n  {command}")
    return 0
