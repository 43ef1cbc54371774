"""warpsmith report: what runs found, told from disk."""

from __future__ import annotations

from pathlib import Path

import click

from warpsmith.archive.disk import opening, write_atomically
from warpsmith.cli.options import json_option
from warpsmith.core.codec import encode
from warpsmith.report import report_of, to_html, to_markdown


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN...]")
@click.option("--html", "html", metavar="FILE", help="Also write a self-contained page.")
@click.option(
    "--baseline", metavar="NAME", help="What the best trial is chosen by.  [default: the run's first]"
)
@json_option
def report(runs: tuple[str, ...], html: str | None, baseline: str | None, as_json: bool) -> int:
    """Print the report of one or several runs, finished or not."""
    folders = [Path(run) for run in runs]
    summary = report_of(folders, primary=baseline)
    beside = folders[0] if len(folders) == 1 else None
    click.echo(encode(summary).decode() if as_json else to_markdown(summary, beside=beside))
    if html is not None:
        target = Path(html)
        with opening(target.parent):
            write_atomically(target, to_html(summary, beside=target.parent).encode())
    return 0
