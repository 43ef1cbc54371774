"""Watch a run on a terminal: a live table where there is one, a line a trial elsewhere. All on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from warpsmith.cli.words import retiming_text, trial_text
from warpsmith.core.events import (
    Event,
    PhaseStarted,
    RetimingFinished,
    Sink,
    TaskFinished,
    TaskStarted,
    TrialFinished,
)
from warpsmith.core.task import Budget, Task
from warpsmith.core.timing import Interval
from warpsmith.core.trial import Trial, best_trial
from warpsmith.core.verdict import Accepted, Rejected

REFRESHES_PER_S = 4
DONE_WORDS = {
    "trials": "budget spent",
    "wall": "time is up",
    "exhausted": "done",
    "interrupted": "interrupted",
}


class Row:
    """What the table says of one task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.trials: list[Trial] = []
        self.state = "waiting"
        self.budget = Budget()
        self.started_at: float | None = None
        self.is_running = False

    def count(self, kind: type[Accepted | Rejected]) -> int:
        """Trials with a verdict of this kind."""
        return sum(isinstance(trial.verdict, kind) for trial in self.trials)

    def best(self, baseline: str) -> Interval | None:
        """Speedup of the best trial over `baseline`."""
        best = best_trial(self.trials, self.task.baselines[0]) if self.task.baselines else None
        verdict = best.accepted if best else None
        return verdict.speedup(baseline) if verdict and baseline in verdict.baselines else None

    def left(self) -> str:
        """Time left, where a wall budget says so."""
        if not self.is_running or self.started_at is None or self.budget.wall_s is None:
            return ""
        seconds = max(0, round(self.budget.wall_s - (time.monotonic() - self.started_at)))
        return f"{seconds // 60}:{seconds % 60:02d}"


class Watch:
    """A sink that keeps one row a task."""

    def __init__(self, tasks: Sequence[Task], console: Console) -> None:
        self.rows = {task.id: Row(task) for task in tasks}
        self._console = console
        self.prints_lines = not console.is_terminal

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, TaskStarted):
            row = self.rows.setdefault(event.task.id, Row(event.task))
            row.budget, row.started_at, row.is_running = event.budget, time.monotonic(), True
            if event.finished:
                self._say(f"{event.task.problem.name}: goes on after {event.finished} finished trials")
        elif isinstance(event, PhaseStarted):
            self.rows[event.task_id].state = f"{event.phase} {event.detail}"
        elif isinstance(event, TrialFinished):
            row = self.rows[event.trial.task_id]
            row.trials.append(event.trial)
            self._say(
                f"{row.task.problem.name}: {trial_text(event.trial, next(iter(row.task.baselines), ''))}"
            )
        elif isinstance(event, RetimingFinished):
            row = self.rows[event.retiming.task_id]
            row.state, baseline = "done", next(iter(row.task.baselines), "")
            self._say(f"{row.task.problem.name}: {retiming_text(event.retiming, baseline)}")
        elif isinstance(event, TaskFinished):
            row = self.rows[event.task_id]
            row.state, row.is_running = DONE_WORDS.get(event.reason, event.reason), False

    def _say(self, text: str) -> None:
        if self.prints_lines:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __rich__(self) -> Table:
        """Draw the table as it stands."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("problem", "tried", "accepted", "rejected"):
            table.add_column(name, justify="left" if name == "problem" else "right", no_wrap=True)
        baselines = list(dict.fromkeys(name for row in self.rows.values() for name in row.task.baselines))
        for name in baselines:
            table.add_column(f"vs {name}", justify="right", no_wrap=True)
        table.add_column("left", justify="right")
        table.add_column("now", style="dim", no_wrap=True)
        for row in self.rows.values():
            bests = [row.best(name) for name in baselines]
            table.add_row(
                row.task.problem.name,
                *(str(n) for n in (len(row.trials), row.count(Accepted), row.count(Rejected))),
                *("" if best is None else f"{best.value:.2f}x" for best in bests),
                row.left(),
                row.state,
            )
        return table


@contextmanager
def watching(tasks: Sequence[Task], finished: dict[str, list[Trial]]) -> Iterator[Sink]:
    """Show the run on stderr while the body runs; `finished` are trials of an earlier start by task id."""
    console = Console(stderr=True)
    watch = Watch(tasks, console)
    for task_id, trials in finished.items():
        watch.rows[task_id].trials += trials
    if watch.prints_lines:
        yield watch
        return
    with Live(watch, console=console, refresh_per_second=REFRESHES_PER_S):
        yield watch
