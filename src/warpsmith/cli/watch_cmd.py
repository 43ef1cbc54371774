"""warpsmith watch: look at a run from outside, while it goes on or afterwards."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from warpsmith.archive import Archive
from warpsmith.cli.frame import frame
from warpsmith.cli.looking import Look, Looker, Row
from warpsmith.cli.options import json_option
from warpsmith.core.codec import builtins_of
from warpsmith.core.errors import UsageError
from warpsmith.core.registry import suggest
from warpsmith.verify.view import verdict_view

# Nobody folds a line in a pipe or a log.
PLAIN_COLUMNS = 160
LEAST_EVERY_S = 0.1


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--once", is_flag=True, help="Show the run as it stands and end.")
@click.option("--problem", metavar="NAME", help="Of a run over several, the one to show in detail.")
@click.option(
    "--every",
    "every_s",
    type=float,
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@json_option
def watch(run: str, once: bool, problem: str | None, every_s: float, as_json: bool) -> int:
    """Watch RUN from disk until it ends: best so far, trials, lineage or islands, spend, queue.

    A run that is not going on is shown once, as is any with --json. Ctrl-C ends watching and leaves the run
    alone.
    """
    if not every_s >= LEAST_EVERY_S:
        raise UsageError(f"--every {every_s:g} is too short; give at least {LEAST_EVERY_S:g} seconds")
    console = Console()
    with Archive.open(Path(run), writable=False) as archive:
        looker = Looker(archive)
        look = looker.look()
        names = [row.task.problem.name for row in look.rows]
        if problem is not None and problem not in names:
            raise UsageError(f"{run} has no problem {problem!r}{suggest(problem, names)}")
        if as_json:
            click.echo(json.dumps(_record(look)))
        elif once or not look.is_running:
            _print(console, look, problem)
        elif console.is_terminal:
            _follow_live(console, looker, look, problem, every_s)
        else:
            _follow_plainly(console, looker, look, problem, every_s)
    return 0


def _follow_live(console: Console, looker: Looker, look: Look, problem: str | None, every_s: float) -> None:
    try:
        # The last frame stays on the screen.
        with Live(frame(look, problem=problem), console=console, auto_refresh=False) as live:
            while look.is_running:
                time.sleep(every_s)
                look = looker.look()
                live.update(frame(look, problem=problem), refresh=True)
    except KeyboardInterrupt:
        return


def _follow_plainly(
    console: Console, looker: Looker, look: Look, problem: str | None, every_s: float
) -> None:
    """Print a frame whenever it differs from the last."""
    try:
        said = _print(console, look, problem)
        while look.is_running:
            time.sleep(every_s)
            look = looker.look()
            said = _print(console, look, problem, unless=said)
    except KeyboardInterrupt:
        return


def _print(console: Console, look: Look, problem: str | None, *, unless: str = "") -> str:
    """Print a frame and return it as plain text; one that reads `unless` is not printed."""
    if console.is_terminal:
        console.print(frame(look, problem=problem))
        return ""
    page = io.StringIO()
    Console(file=page, width=PLAIN_COLUMNS, no_color=True).print(frame(look, problem=problem))
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    text = "\n".join(lines)
    if text != unless:
        click.echo(f"{text}\n" if look.is_running else text)
    return text


def _record(look: Look) -> dict[str, Any]:
    spending = look.spending()
    record = {
        "run": str(look.folder),
        "running": look.is_running,
        "trials": dict(look.counts()),
        "spent": {
            "tokens": spending.total.tokens,
            "usd": spending.total.usd,
            "unpriced": spending.total.unpriced,
            "device_s": spending.total.device_s + spending.retiming_s,
        },
        "tasks": [_task_record(look, row) for row in look.rows],
    }
    engine = look.now.engine if look.now else None
    return record | ({"engine": builtins_of(engine)} if engine else {})


def _task_record(look: Look, row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {"problem": row.task.problem.name, "trials": dict(row.counts)}
    if row.best is not None:
        about = {"trial": row.best.trial.number, "retimed": row.best.is_retimed}
        record["best"] = about | verdict_view(row.best.verdict)
    state = look.state_of(row)
    return record | ({"now": state} if state else {})
