"""warpsmith report: what runs found, told from disk."""

from __future__ import annotations

from pathlib import Path

import click

from warpsmith.archive.disk import opening, write_atomically
from warpsmith.cli.options import json_option
from warpsmith.core.codec import encode
from warpsmith.report import report_of, to_csv, to_html, to_markdown, write_pictures


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN...]")
@click.option("--html", "html", metavar="FILE", help="Also write a self-contained page.")
@click.option("--csv", "csv", metavar="FILE", help="Also write a line for each problem and baseline.")
@click.option("--png", "png", metavar="FOLDER", help="Also write every chart as a picture.")
@click.option(
    "--baseline", metavar="NAME", help="What the best trial is chosen by.  [default: the run's first]"
)
@json_option
def report(
    runs: tuple[str, ...],
    html: str | None,
    csv: str | None,
    png: str | None,
    baseline: str | None,
    as_json: bool,
) -> int:
    """Print the report of one or several runs, finished or not; several are also compared, two by two."""
    folders = [Path(run) for run in runs]
    summary = report_of(folders, primary=baseline)
    beside = folders[0] if len(folders) == 1 else None
    click.echo(encode(summary).decode() if as_json else to_markdown(summary, beside=beside))
    if html is not None:
        _write(Path(html), to_html(summary, beside=Path(html).parent))
    if csv is not None:
        _write(Path(csv), to_csv(summary))
    if png is not None:
        for path in write_pictures(summary, Path(png)):
            click.echo(f"png: {path}", err=True)
    return 0


def _write(target: Path, text: str) -> None:
    with opening(target.parent):
        write_atomically(target, text.encode())
