"""The winners as files that can be imported: a comment on top, the candidate's source unchanged below.

Only files that begin with our own first line are ever removed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from warpsmith import __version__
from warpsmith.archive import Archive
from warpsmith.archive.disk import UNFINISHED, make_folder, write_atomically, writing
from warpsmith.core.task import Task
from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Accepted
from warpsmith.report.wording import duration, moment, one_line, times_between
from warpsmith.search.winners import entries, ranked_baselines, winner
from warpsmith.verify.tracks import track_options

KERNELS = "kernels"
MARK = "# Written by Warpsmith"


def kernel_names(tasks: Sequence[Task]) -> dict[str, str]:
    """File name by task id: the problem's name, slashes as dashes; a second task of one name adds its id."""
    names: dict[str, str] = {}
    for task in tasks:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", task.problem.name).strip("-.") or "kernel"
        name = f"{stem}.py"
        names[task.id] = f"{stem}-{task.id[:8]}.py" if name in names.values() else name
    return names


def write_kernels(archive: Archive, folder: Path) -> list[Path]:
    """Write the best accepted candidate of each task to `folder/kernels/`, and return the files.

    Files of an earlier call are replaced whole; those of tasks that have no winner any more are removed.

    Args:
        archive: may be open for reading alone.
        folder: usually the archive's own; made where it is missing.

    Raises:
        InfrastructureError: the disk is full or not writable.
    """
    tasks = archive.tasks()
    names, baselines = kernel_names(tasks), ranked_baselines(tasks)
    target, written = folder / KERNELS, []
    for task in tasks:
        best = winner(entries(archive.trials(task.id), archive.retimings(task.id)), baselines)
        candidate = best.trial.proposal.candidate if best else None
        if best is None or candidate is None:
            continue
        # A byte order mark is only allowed at the start of a file, and that is the header now.
        source = candidate.source.removeprefix("\ufeff")
        text = _header(task, best.trial, best.verdict, names[task.id]) + source
        path = target / names[task.id]
        with writing(folder):
            make_folder(target)
            write_atomically(path, text.encode())
        written.append(path)
    with writing(folder):
        _remove_stale(target, keep=set(written))
    return written


def _header(task: Task, trial: Trial, verdict: Accepted, name: str) -> str:
    """Return comments alone, so that a docstring or `from __future__` below stays first; one fact a line."""
    # The first two lines must not look like an encoding declaration (PEP 263): they hold no outside text.
    facts = [
        f"{MARK} {__version__}: a kernel that was checked against its PyTorch reference and timed.",
        "# Everything below this header is the candidate as it was verified.",
        "#",
        f"# Problem    {one_line(task.problem.name)}",
        f"# Time       {duration(verdict.time.value)} a call",
    ]
    facts += [
        f"# Speedup    {times_between(verdict.speedup(baseline))} over {one_line(baseline)}, 95 % interval"
        for baseline in verdict.baselines
    ]
    provenance, proposal = verdict.provenance, trial.proposal
    software = ", ".join(f"{key} {version}" for key, version in sorted(provenance.software.items()))
    locator = shlex.quote(one_line(task.problem.origin or task.problem.name))
    entry = proposal.candidate.entry if proposal.candidate else ""
    if verdict.is_passthrough:
        facts.append("# Note       a passthrough: its time goes to library kernels, so it is no win")
    command = shlex.join(["--device", one_line(task.target.device), *track_options(task.track)])
    facts += [
        f"# Device     {one_line(provenance.device)}",
        f"# Software   {one_line(software)}",
        f"# Date       {moment(trial.finished_at)}",
        f"# Made by    {one_line(proposal.proposer)}, variant {one_line(proposal.variant)}",
        f"# Verdict    trial {trial.number} of task {task.id[:16]}, tier {one_line(provenance.tier)}",
        f"# Verify     warpsmith verify {locator} {name} {command}",
        f"# Use        {one_line(entry)}(*init_inputs) in place of the problem's Model",
    ]
    return "\n".join(facts) + "\n\n"


def _remove_stale(folder: Path, keep: set[Path]) -> None:
    for path in folder.glob("*.py"):
        if path in keep or path.name.startswith(UNFINISHED):
            continue
        with path.open("rb") as file:
            is_ours = file.read(len(MARK)) == MARK.encode()
        if is_ours:
            path.unlink()
