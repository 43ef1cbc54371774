"""warpsmith problems: list, show and check what there is to compute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from warpsmith.cli.options import device_option, json_option, problem_filters
from warpsmith.cli.words import si_text, time_text
from warpsmith.core.codec import builtins_of
from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.roofline import speed_of_light
from warpsmith.problems import Found, find, load
from warpsmith.search.run import new_seed
from warpsmith.verify import Verifier
from warpsmith.verify.ceilings import keep_ceilings, kept_ceilings
from warpsmith.verify.worker_process import RequestFailed


@click.group()
def problems() -> None:
    """What there is to compute: suites, files, other people's benchmarks."""


def _filters(command: Any) -> Any:
    sized = click.option(
        "--size", metavar="WORKLOAD", help="Only problems with it, e.g. large, awkward, cpu."
    )
    return problem_filters(sized(click.argument("locator", required=False)(command)))


@problems.command("list")
@_filters
@json_option
def list_problems(as_json: bool, **filters: str | None) -> int:
    """List the problems that LOCATOR denotes, the shipped suite by default."""
    found = _find(filters)
    if as_json:
        rows = [_row(problem) for problem in found.problems]
        unusable = [{"name": broken.name, "reason": broken.reason} for broken in found.broken]
        click.echo(json.dumps({"problems": rows, "broken": unusable}))
        return 0
    width = max((len(problem.name) for problem in found.problems), default=0)
    for problem in found.problems:
        click.echo(f"{problem.name:<{width}}  {problem.description}")
    for broken in found.broken:
        click.echo(f"not usable: {broken.reason}", err=True)
    return 0


def _find(filters: dict[str, str | None]) -> Found:
    locator = filters.pop("locator")
    return find(locator, **filters)


def _row(problem: Problem) -> dict[str, Any]:
    workloads = {w.name: w.axes | ({"dtype": w.dtype} if w.dtype else {}) for w in problem.workloads}
    return {
        "name": problem.name,
        "description": problem.description,
        "tags": list(problem.tags),
        "license": problem.license,
        "workloads": workloads,
        "id": problem.id,
    }


@problems.command()
@click.argument("locator")
@click.option(
    "--roofline",
    "has_bounds",
    is_flag=True,
    help="Also run the reference, and say what each workload takes at best.",
)
@device_option
@json_option
def show(locator: str, has_bounds: bool, device: str, as_json: bool) -> int:
    """Show one problem: workloads, tolerances, source; with --roofline also its bounds on a device.

    The bound of a workload is its bytes over bandwidth, its operations over rate, or one launch. The device's
    ceilings are those that `warpsmith doctor --ceilings` kept, or measured now.
    """
    problem = load(locator)
    row = _row(problem)
    bounds = _bounds(problem, device) if has_bounds else {}
    if as_json:
        told = {"roofline": bounds} if has_bounds else {}
        click.echo(json.dumps(row | told | {"source": problem.source, "origin": problem.origin}))
        return 0
    click.echo(f"{problem.name}: {problem.description}")
    click.echo(f"tags: {', '.join(problem.tags) or 'none'}; license: {problem.license or 'not stated'}")
    for name, axes in row["workloads"].items():
        click.echo(
            f"workload {name}: "
            + (", ".join(f"{axis}={value}" for axis, value in axes.items()) or "as written")
        )
    for line in _bound_lines(bounds):
        click.echo(line)
    for dtype, tolerance in problem.tolerances.items():
        click.echo(
            f"tolerance {dtype}: atol {tolerance.atol:g}, rtol {tolerance.rtol:g} ({tolerance.reason})"
        )
    click.echo(f"\n{problem.source}", nl=False)
    return 0


def _bounds(problem: Problem, device: str) -> dict[str, Any]:
    """Return the device, and for each workload its bound or why there is none, as plain values."""
    with Verifier() as verifier:
        target = verifier.target(device)
        try:
            gauged = verifier.gauge(target, problem)
        except RequestFailed as error:
            raise UsageError(f"{error}; see `warpsmith problems check`") from error
    kept = kept_ceilings(gauged.ceilings.device)
    if kept is None:
        keep_ceilings(gauged.ceilings)
    bounds = {name: speed_of_light(work, kept or gauged.ceilings) for name, work in gauged.work.items()}
    known = {name: builtins_of(bound) for name, bound in bounds.items()}
    lacking = {name: {"lacking": why} for name, why in gauged.lacking.items()}
    return {"device": gauged.ceilings.device, "workloads": known | lacking}


def _bound_lines(bounds: dict[str, Any]) -> list[str]:
    lines = [f"bounds on {bounds['device']}:"] if bounds else []
    for name, said in bounds.get("workloads", {}).items():
        if "lacking" in said:
            lines.append(f"  {name}: not known: {said['lacking']}")
            continue
        moved, made = si_text(said["traffic_bytes"], "B"), si_text(said["flops"], "flop")
        lines.append(f"  {name}: {time_text(said['bound_ns'])} ({said['limit']}; {moved}, {made})")
    return lines


@problems.command()
@_filters
@device_option
@click.option("--matrix", metavar="FILE.md", help="Write the kill matrix as Markdown, too.")
@json_option
def check(device: str, matrix: str | None, as_json: bool, **filters: str | None) -> int:
    """Admission test: the reference runs, repeats itself, and no trivial answer passes.

    Prints what refuses each mutant (zeros, a constant, part of the work, ...) on each workload; one
    that nothing refuses is ALIVE, one that does not apply is -. Exit status 1 when a problem fails;
    such a problem is refused for scoring.
    """
    found = _find(filters)
    rows: list[dict[str, Any]] = [
        {
            "name": broken.name,
            "admitted": False,
            "findings": [broken.reason],
            "reference_ns": {},
            "matrix": {},
        }
        for broken in found.broken
    ]
    with Verifier() as verifier:
        target = verifier.target(device)
        for problem in found.problems:
            admission = verifier.admit(problem, target, new_seed())
            findings = [finding.message for finding in admission.findings]
            rows.append(
                {
                    "name": problem.name,
                    "admitted": not findings,
                    "findings": findings,
                    "reference_ns": admission.reference_ns,
                    "matrix": admission.matrix,
                }
            )
            if not as_json:
                _say(rows[-1])
    failed = sum(not row["admitted"] for row in rows)
    if matrix is not None:
        Path(matrix).write_text(_markdown(rows), encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"device": target.device, "problems": rows, "failed": failed}))
    else:
        for broken in found.broken:
            click.echo(f"FAIL  {broken.name}: {broken.reason}")
        for line in _table(rows):
            click.echo(line)
        click.echo(f"{len(rows) - failed} of {len(rows)} problems admitted on {target.device}")
    return 1 if failed else 0


def _say(row: dict[str, Any]) -> None:
    times = ", ".join(f"{name} {time_text(ns)}" for name, ns in row["reference_ns"].items())
    click.echo(f"{'ok  ' if row['admitted'] else 'FAIL'}  {row['name']}  ({times or 'not timed'})")
    for finding in row["findings"]:
        click.echo(f"      {finding}")


def _lines(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Return the kill matrix: a header, and a line a workload with a column a mutant."""
    lines = [
        [row["name"], workload, *("-" if cell.startswith("(") else cell for cell in cells.values())]
        for row in rows
        for workload, cells in row["matrix"].items()
    ]
    mutants: dict[str, str] = next((cells for row in rows for cells in row["matrix"].values()), {})
    return [["problem", "workload", *mutants], *lines] if lines else []


def _inapplicable(rows: list[dict[str, Any]]) -> list[str]:
    """Say of each mutant that does not apply somewhere why, and where."""
    where: dict[str, list[str]] = {}
    for row in rows:
        for workload, cells in row["matrix"].items():
            for mutant, cell in cells.items():
                if cell.startswith("("):
                    where.setdefault(f"{mutant}: {cell[1:-1]}", []).append(f"{row['name']} {workload}")
    return [f"- {reason} ({', '.join(places)})" for reason, places in where.items()]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the kill matrix for a terminal, framed by empty lines."""
    lines = _lines(rows)
    if not lines:
        return []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    drawn = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return ["", *drawn, *_inapplicable(rows), ""]


def _markdown(rows: list[dict[str, Any]]) -> str:
    """Return the kill matrix as Markdown, what does not apply, and who is refused."""
    lines = _lines(rows)
    drawn = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    if drawn:
        drawn.insert(1, "| --- " * len(lines[0]) + "|")
    notes = _inapplicable(rows)
    refused = [f"{row['name']} is refused: {'; '.join(row['findings'])}" for row in rows if row["findings"]]
    return "\n".join([*drawn, *([""] if notes else []), *notes, *(f"\n{line}" for line in refused)]) + "\n"
