"""A run as `watch` sees it: read from its folder again and again, while another process writes.

Knows the archive; draws nothing.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from warpsmith.archive import Archive
from warpsmith.archive.lock import writer_of
from warpsmith.archive.records import status_of
from warpsmith.archive.store import LOCK
from warpsmith.cli.live import DONE_WORDS
from warpsmith.core.codec import decode
from warpsmith.core.task import Task
from warpsmith.core.trial import Retiming, Trial
from warpsmith.report.spend import Spending, spending_of
from warpsmith.search.now import Now, now_of
from warpsmith.search.run import PLAN, Plan
from warpsmith.search.winners import Entry, entries, ranked_baselines, winner

STATUSES = ("accepted", "rejected", "faulted", "duplicate", "nothing")


class Row:
    """One task and what has become of it so far.

    Attributes:
        task: what is searched.
        trials: the finished ones, oldest first.
        retimings: of its best ones, oldest first.
        best: the candidate that would be named the best now; None while there is none.
        counts: trials by status.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.trials: list[Trial] = []
        # Trials end in any order where several are in flight; below this number all have.
        self._complete = 0
        self.retimings: list[Retiming] = []
        self.best: Entry | None = None
        self.counts: Counter[str] = Counter()

    def update(self, archive: Archive) -> None:
        """Read what was added since the last look."""
        known = {trial.number for trial in self.trials[self._complete :]}
        read = archive.trials(self.task.id, since=self._complete)
        new = [trial for trial in read if trial.number not in known]
        again = archive.retimings(self.task.id)
        if not new and len(again) == len(self.retimings):
            return
        self.trials = sorted([*self.trials, *new], key=lambda trial: trial.number)
        while self._complete < len(self.trials) and self.trials[self._complete].number == self._complete:
            self._complete += 1
        self.retimings = again
        self.counts.update(map(status_of, new))
        self.best = winner(entries(self.trials, again), ranked_baselines([self.task]))


class Look(NamedTuple):
    """A run at one moment.

    Attributes:
        folder: of the run.
        writer: id of the process that writes it; None where none does.
        plan: how it searches; None where the folder does not say.
        rows: one a task, in order.
        now: what it said last of what it is busy with; None where it does not run or does not say.
    """

    folder: Path
    writer: int | None
    plan: Plan | None
    rows: tuple[Row, ...]
    now: Now | None

    @property
    def is_running(self) -> bool:
        """Whether a process of this host writes it."""
        return self.writer is not None

    def state_of(self, row: Row) -> str:
        """Say what the run is busy with for one task; empty where it does not run or does not say."""
        if self.now is None:
            return ""
        reason = self.now.reasons.get(row.task.id)
        if reason is not None:
            return DONE_WORDS.get(reason, reason)
        return self.now.phases.get(row.task.id, "waiting")

    def spending(self) -> Spending:
        """Return what all trials and re-timings took."""
        return spending_of(
            [trial for row in self.rows for trial in row.trials],
            [each for row in self.rows for each in row.retimings],
        )

    def counts(self) -> Counter[str]:
        """Return how many trials there are, by status."""
        return sum((row.counts for row in self.rows), Counter[str]())


class Looker:
    """Looks at one run; use it from one thread.

    Args:
        archive: of the run, open for reading.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        plan = archive.setting(PLAN)
        self._plan = None if plan is None else decode(plan, Plan)
        self._rows: dict[str, Row] = {}

    def look(self) -> Look:
        """Return the run as it stands now."""
        # Asked first: what is read after the writer's end is the whole.
        writer = writer_of(self._archive.folder / LOCK)
        if not self._rows or writer is not None:
            for task in self._archive.tasks():
                self._rows.setdefault(task.id, Row(task))
        for row in self._rows.values():
            row.update(self._archive)
        now = now_of(self._archive.folder) if writer is not None else None
        return Look(self._archive.folder, writer, self._plan, tuple(self._rows.values()), now)
