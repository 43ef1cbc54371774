"""warpsmith verify: one candidate, or a file of pairs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from warpsmith.cli.batch_bar import batch_bar
from warpsmith.cli.engine_options import (
    cache_of,
    cached_option,
    events_option,
    events_to,
    executor_of,
    executor_option,
)
from warpsmith.cli.main import EXIT_FAULTED
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
from warpsmith.cli.protocol_options import protocol_of, protocol_option, under
from warpsmith.cli.words import verdict_text
from warpsmith.core.errors import UsageError
from warpsmith.core.events import Event, Sink
from warpsmith.core.problem import Problem
from warpsmith.core.verdict import Accepted, Rejected, Verdict, status_of
from warpsmith.engine.batch import Batch
from warpsmith.engine.engine import reporting
from warpsmith.problems import load
from warpsmith.verify import Verifier
from warpsmith.verify.batch import Asked, Pair, verify_one
from warpsmith.verify.view import verdict_view


def exit_status(verdict: Verdict) -> int:
    """0 accepted, 1 rejected, 3 faulted."""
    return 0 if isinstance(verdict, Accepted) else 1 if isinstance(verdict, Rejected) else EXIT_FAULTED


@click.command()
@click.argument("problem", required=False)
@click.argument("candidate", required=False)
@click.option(
    "--backend", default="auto", show_default=True, help="How to build it; recognised from the source."
)
@device_option
@tier_option
@track_option(shapes="any")
@baseline_option
@protocol_option
@seed_option
@click.option("--batch", metavar="PAIRS.jsonl", help='Lines of {"problem", "candidate", "backend"?}.')
@click.option(
    "--out",
    metavar="VERDICTS.jsonl",
    help="Where --batch writes a verdict a line as they come, and in the same order when all are there.",
)
@executor_option
@events_option
@cached_option
@json_option
def verify(
    problem: str | None,
    candidate: str | None,
    backend: str,
    device: str,
    tier: str,
    kernels: str,
    precision: str,
    shapes: str,
    baselines: tuple[str, ...],
    protocol: str | None,
    seed: int | None,
    batch: str | None,
    out: str | None,
    executor: str | None,
    events: str | None,
    cached: bool,
    as_json: bool,
) -> int:
    """Decide whether CANDIDATE computes what PROBLEM does, and how fast.

    Exit status: 0 accepted, 1 rejected, 2 usage error, 3 faulted. With --batch: 0 when every
    pair got an answer, 3 when one faulted.
    """
    rules = protocol_of(protocol)
    asked = Asked(
        device=device,
        tier=tier_of(tier),
        baselines=baselines or None,
        seed=seed,
        track=track_of(kernels=kernels, precision=precision, shapes=shapes),
    )
    asked = under(rules, asked)

    def loaded(locator: str) -> Problem:
        problem = load(locator)
        return problem if rules is None else rules.governed(problem)

    if batch is not None:
        if problem or candidate or out is None:
            raise UsageError("--batch takes --out VERDICTS.jsonl and no PROBLEM or CANDIDATE")
        with events_to(events) as sink, cache_of(is_cached=cached) as cache:
            made = Batch(Path(batch), Path(out), asked, loaded, executor_of(executor), cache=cache, sink=sink)
            counts = asyncio.run(_carried_out(made, sink))
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        click.echo(json.dumps({"out": out, **counts}) if as_json else f"{words}; verdicts in {out}")
        return EXIT_FAULTED if counts["faulted"] else 0
    if problem is None or candidate is None or out is not None:
        raise UsageError("give PROBLEM and CANDIDATE, or --batch PAIRS.jsonl --out VERDICTS.jsonl")
    if executor is not None or events is not None or cached:
        raise UsageError(
            "--executor, --events and --cached belong to --batch PAIRS.jsonl --out VERDICTS.jsonl"
        )
    with Verifier() as verifier:
        pair = Pair(problem=problem, candidate=candidate, backend=backend)
        verdict = verify_one(verifier, loaded, pair, asked)
    click.echo(json.dumps(verdict_view(verdict)) if as_json else verdict_text(verdict))
    return exit_status(verdict)


async def _carried_out(batch: Batch, sink: Sink) -> dict[str, int]:
    """Carry the batch out under a progress bar; return how many verdicts of each status OUT then holds."""
    counts = {status: batch.statuses.count(status) for status in ("accepted", "rejected", "faulted")}
    with batch_bar(len(batch), batch.finished) as bar:

        def told(event: Event) -> None:
            sink(event)
            bar(event)

        async with batch, reporting(batch.engine, told):
            async for judgement in batch:
                counts[status_of(judgement.verdict)] += 1
                bar(None)
    return counts
