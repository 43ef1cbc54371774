"""Searches small enough for tests: real archive, real verifier, candidates for `2 * x + 1` from a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import msgspec

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.events import Event, Sink
from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose import PROPOSERS
from warpsmith.propose.base import Proposer, Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.search.base import Move, Strategy
from warpsmith.search.best_of_n import BestOfN
from warpsmith.search.loop import Search, Services
from warpsmith.testing.machine import shared_verifier, shared_workshop
from warpsmith.testing.samples import AFFINE_CANDIDATE, quick_task

TASK = quick_task()
WRONG = AFFINE_CANDIDATE.replace(", 1)", ", 2)")


def right(number: int) -> str:
    """Return a right candidate that differs from the others in more than layout."""
    return f"{AFFINE_CANDIDATE}\nNUMBER = {number}\n"


def write(folder: Path, sources: Mapping[str, str]) -> Path:
    """Write candidate files into `folder` and return it."""
    folder.mkdir(exist_ok=True)
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return folder


def from_folder(folder: Path) -> dict[str, Proposer]:
    """Return the `file` proposer on `folder`, under its name."""
    return {"file": PROPOSERS.make("file", {"path": str(folder)})}


def ignore(event: Event) -> None:
    """Listen to nothing."""


def new_archive(folder: Path, trials: Sequence[Trial] = (), task: Task = TASK) -> Archive:
    """Return the archive of a new run that holds `task` and `trials`."""
    archive = Archive.create(folder)
    archive.add_task(task)
    for trial in trials:
        archive.add(trial)
    return archive


def searching(
    archive: Archive,
    proposers: Mapping[str, Proposer],
    *,
    strategy: Strategy | None = None,
    sink: Sink = ignore,
    task: Task = TASK,
) -> Search:
    """Return a search with the verifier and the workshop that all tests share."""
    services = Services(archive, shared_verifier(), shared_workshop(), sink)
    return Search(task, services, strategy=strategy or BestOfN(), proposers=proposers)


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """A proposer of right candidates, numbered, `upto` of them; None never ends."""

    name: str
    upto: int | None = None

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the next one."""
        number = sum(trial.proposal.proposer == self.name for trial in wish.trials)
        if number == self.upto:
            return None
        source = f"{AFFINE_CANDIDATE}\nNAME = {self.name + str(number)!r}\n"
        candidate = Candidate(source=source, backend="torch")
        return Proposal(proposer=self.name, variant=str(number), candidate=candidate)


class AskFor(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that names its proposer and builds on the last trial."""

    proposer: str

    def ask(self, trials: Sequence[Trial], rng: Random) -> Move | None:
        """Return a move from the last trial."""
        return Move(parents=tuple(trials[-1:]), proposer=self.proposer)


class Breaking(msgspec.Struct, frozen=True, kw_only=True):
    """A proposer and a strategy with a bug."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Break."""
        raise ZeroDivisionError("the mean of nothing")

    def ask(self, trials: Sequence[Trial], rng: Random) -> Move | None:
        """Break."""
        raise ZeroDivisionError("the mean of nothing")
