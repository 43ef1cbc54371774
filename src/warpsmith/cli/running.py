"""What demo, search and bench share: carry a plan out, show it, and write what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from warpsmith.archive import Archive
from warpsmith.cli.live import watching
from warpsmith.core.events import Event
from warpsmith.core.task import Task
from warpsmith.report import write_kernels, write_report
from warpsmith.search.abreast import Judge
from warpsmith.search.now import NowFile
from warpsmith.search.run import Plan, carry_out


def default_folder(kind: str) -> Path:
    """Return a new folder name under `runs/`, by local time, so that listing sorts by age."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{kind}-{stamp}"


def run_and_write(
    archive: Archive, plan: Plan, verifier: Judge, tasks: Sequence[Task], *, abreast: int = 1
) -> dict[str, Path]:
    """Carry `plan` out, then write kernels and report into the run folder, also when interrupted.

    Args:
        archive: of the run; open for writing.
        plan: how to search.
        verifier: gives the verdicts.
        tasks: what to search.
        abreast: how many tasks at the same time.

    Returns:
        The written files by kind: markdown, json, html where it can be drawn, kernels (the folder).
    """
    folder = archive.folder
    finished = {task.id: archive.trials(task.id) for task in tasks}
    try:
        with watching(tasks, finished) as shown:
            now = NowFile(folder)

            def sink(event: Event) -> None:
                now(event)
                shown(event)

            carry_out(archive, plan, sink, verifier, tasks, abreast=abreast)
    except KeyboardInterrupt:
        resume = f"warpsmith search --resume {shlex.quote(str(folder))}"
        click.echo(f"stopped; every finished trial is kept in {folder}\ngo on with: {resume}", err=True)
        _write(archive, folder)
        raise
    return _write(archive, folder)


def _write(archive: Archive, folder: Path) -> dict[str, Path]:
    kernels = write_kernels(archive, folder)
    written = write_report(folder)
    if kernels:
        written["kernels"] = kernels[0].parent
    return written
