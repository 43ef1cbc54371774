"""Reports as files, from run folders as they stand on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from warpsmith.archive.disk import opening, write_atomically
from warpsmith.core.codec import encode
from warpsmith.report.drawing import can_draw
from warpsmith.report.html import to_html
from warpsmith.report.markdown import to_markdown
from warpsmith.report.runs import read_run
from warpsmith.report.summarise import summarise
from warpsmith.report.summary import Summary


def report_of(folders: Sequence[Path], *, primary: str | None = None) -> Summary:
    """Return the summary of one or several runs; runs that are still going on may be among them.

    Raises:
        UsageError: a folder holds no run, or the runs' numbers do not belong in one table.
        RecordError: an archive is damaged, or of another schema.
    """
    return summarise([read_run(folder) for folder in folders], primary=primary)


def write_report(folder: Path) -> dict[str, Path]:
    """Write `report.md`, `report.json` and `report.html` into the run folder, and return them by kind.

    Where the libraries of the `report` extra are missing there is no HTML page and no key `html`.

    Raises:
        UsageError: there is no run, or the folder cannot be written.
        RecordError: the archive is damaged, or of another schema.
        InfrastructureError: the disk is full.
    """
    summary = report_of([folder])
    pages = {
        "markdown": ("report.md", to_markdown(summary, beside=folder).encode()),
        "json": ("report.json", msgspec.json.format(encode(summary), indent=2) + b"\n"),
    }
    if can_draw():
        pages["html"] = ("report.html", to_html(summary, beside=folder).encode())
    with opening(folder, remedy="write the report elsewhere with --html FILE"):
        for name, data in pages.values():
            write_atomically(folder / name, data)
    return {kind: folder / name for kind, (name, _) in pages.items()}
