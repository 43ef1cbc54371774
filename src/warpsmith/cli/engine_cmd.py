"""warpsmith engine: how fast verification is on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from warpsmith.cli.options import json_option
from warpsmith.engine.bench.measure import WHOLE_S, Measuring, measure


@click.group()
def engine() -> None:
    """Measure the verification engine."""


@engine.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--device", default="cuda", show_default=True, help="cuda, cuda:N or cpu.")
@click.option("--count", type=click.IntRange(min=8), default=64, show_default=True, help="A multiple of 8.")
@click.option("--tier", type=click.Choice(["screen", "verify"]), default="verify", show_default=True)
@click.option("--executor", default="local", show_default=True, help="As for `verify --batch`.")
@click.option("--seed", default=0, show_default=True, help="Of the mix.")
@click.option(
    "--plain",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Candidates of each language that are evaluated the plain way, too.",
)
@click.option("--seconds", type=float, default=WHOLE_S, show_default=True, help="For all of it.")
@json_option
def bench(
    out: Path,
    device: str,
    count: int,
    tier: str,
    executor: str,
    seed: int,
    plain: int,
    seconds: float,
    as_json: bool,
) -> None:
    """Verify a mix of right, wrong, broken and hanging candidates, with cold caches, and count.

    Eight problems of 0.1 to 6 GB of inputs (megabytes on a CPU), two languages, a quarter flawed. OUT, a
    new folder, has the mix, the verdicts, what happened (`events.jsonl`) and the figures (`summary.json`).
    """
    chosen = Measuring(
        device=device,
        count=count,
        tier=tier,
        executor=executor,
        seed=seed,
        plain=plain,
        whole_s=seconds,
    )
    figures = measure(out, chosen)
    if as_json:
        click.echo(json.dumps(figures))
        return
    click.echo("\n".join(_lines(figures)))
    click.echo(f"details in {out / 'summary.json'}")


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    """Say what was measured."""
    yield (
        f"{figures['answers']} verdicts of {figures['candidates']} in {figures['wall_s']:.1f} s: "
        f"{figures['verdicts_per_hour']:.0f} an hour"
    )
    wrong, none = figures["wrong"], figures["faulted"]
    yield f"statuses {figures['statuses']}, wrong {len(wrong)}, none {len(none)}"
    for told in wrong + none:
        yield f"  {told['candidate']} (flaw {told['flaw'] or 'none'}): {told['status']} {told['reason']}"
    if figures["p50_s"] is not None:
        yield f"from asking to verdict: p50 {figures['p50_s']:.1f} s, p95 {figures['p95_s']:.1f} s"
    for name in ("gpu_busy_nvml", "device_share"):
        if figures.get(name) is not None:
            yield f"{name} {100 * figures[name]:.0f} %"
    for name, share in figures.get("stage_share", {}).items():
        spent_s = sum(figures["stage_s"].values())
        yield f"stage {name}: {100 * share:.1f} % of {spent_s:.0f} candidate seconds"
    yield f"seconds by phase, all verdicts: {figures['phases_s']}"
    for told in figures["plain"]:
        yield f"plain: {told['candidate']} {told['status']}, {told['process_s']:.1f} s"
    if "plain_over_engine" in figures:
        yield (
            f"a candidate takes {figures['seconds_each']:.2f} s here and {figures['plain_mean_s']:.1f} s the "
            f"plain way: {figures['plain_over_engine']:.1f} times as long"
        )
