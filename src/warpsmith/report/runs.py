"""A run as it stands on disk, read whole: the only part of a report that opens an archive to count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from warpsmith.archive import Archive
from warpsmith.core.codec import decode
from warpsmith.core.task import Task
from warpsmith.core.trial import Retiming, Trial
from warpsmith.report.kernels import KERNELS, kernel_names

# The archive setting that holds the command a run was started with, as a JSON text.
COMMAND_SETTING = "command"
# The one that holds the problems that were refused before the run, with the reason, by name.
NOT_ADMITTED_SETTING = "not_admitted"


class Attempt(NamedTuple):
    """One task and its trials, oldest first.

    Attributes:
        kernels: kernel file, relative to the run folder, by the id of the candidate it holds.
        retimings: of the best trials, oldest first.
    """

    task: Task
    trials: list[Trial]
    kernels: Mapping[str, str] = MappingProxyType({})
    retimings: Sequence[Retiming] = ()


class RunRecord(NamedTuple):
    """One run.

    Attributes:
        folder: as it was given.
        command: that started it; None where it was not kept.
        not_admitted: why a problem was not searched at all, by its name.
    """

    folder: str
    attempts: tuple[Attempt, ...]
    command: str | None = None
    not_admitted: Mapping[str, str] = MappingProxyType({})


def read_run(folder: Path) -> RunRecord:
    """Return what the archive in `folder` holds now; a writer is not disturbed.

    Raises:
        UsageError: there is no run.
        RecordError: the archive is damaged, or of another schema.
    """
    with Archive.open(folder, writable=False) as archive:
        tasks = archive.tasks()
        names = kernel_names(tasks)
        attempts = [
            _attempt(task, archive.trials(task.id), folder, names[task.id])._replace(
                retimings=archive.retimings(task.id)
            )
            for task in tasks
        ]
        command = archive.setting(COMMAND_SETTING)
        refused = archive.setting(NOT_ADMITTED_SETTING)
    return RunRecord(
        str(folder),
        tuple(attempts),
        decode(command, str) if command else None,
        decode(refused, dict[str, str]) if refused else {},
    )


def _attempt(task: Task, trials: list[Trial], folder: Path, name: str) -> Attempt:
    return Attempt(
        task, trials, dict.fromkeys(_candidates_in(folder / KERNELS / name, trials), f"{KERNELS}/{name}")
    )


def _candidates_in(path: Path, trials: Sequence[Trial]) -> list[str]:
    """Ids of the candidates whose source the kernel file ends with; it may be older than the last trial."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return []
    candidates = [trial.proposal.candidate for trial in trials if trial.proposal.candidate]
    return [each.id for each in candidates if each.source.strip() and text.endswith(each.source)]
