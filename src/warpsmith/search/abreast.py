"""What searches that run at the same time share: who gives verdicts, one listener, and the wall time.

Knows threads, and nothing of what a search does.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.events import Event, PhaseStarted, Sink
from warpsmith.core.task import Budget, Task
from warpsmith.core.verdict import Verdict


class Judge(Protocol):
    """Who gives verdicts: a verifier, or an engine that waits."""

    def start(self) -> None:
        """Start ahead of time what takes time to start."""
        ...

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate`."""
        ...

    def stop(self) -> None:
        """From another thread: end what is waited for."""
        ...


class OneAtATime:
    """Gives verdicts to many threads, one after the other, by who gives one at a time.

    Args:
        judge: who does.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start ahead of time what takes time to start."""
        self._judge.start()

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate`, when it is its turn."""
        with self._lock:
            return self._judge.verify(task, candidate)

    def stop(self) -> None:
        """From another thread: end what is waited for."""
        self._judge.stop()


class Gathered:
    """Hands the events of many threads to one sink, one at a time; after `end`, no new work begins.

    Args:
        sink: who listens.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._is_over = False

    def __call__(self, event: Event) -> None:
        """Pass `event` on.

        Raises:
            KeyboardInterrupt: it says that a phase begins, and there is to be no more.
        """
        if self._is_over and isinstance(event, PhaseStarted):
            raise KeyboardInterrupt
        with self._lock:
            self._sink(event)

    def end(self) -> None:
        """Have whoever begins a phase from now on interrupted."""
        self._is_over = True


class Shares:
    """Shares a run's wall time out among its tasks, as they begin.

    Args:
        budget: of each.
        total_s: wall seconds for all of them; None sets no such limit.
        count: of tasks.
        abreast: how many are searched at the same time.
    """

    def __init__(self, budget: Budget, total_s: float | None, count: int, abreast: int = 1) -> None:
        self._budget = budget
        self._end = None if total_s is None else time.monotonic() + total_s
        self._left = count
        self._abreast = abreast
        self._lock = threading.Lock()

    def next(self) -> Budget:
        """Return the budget of the task that begins now."""
        with self._lock:
            rounds = max(1.0, self._left / self._abreast)
            self._left -= 1
        return _share(self._budget, self._end, rounds)


def _share(budget: Budget, end: float | None, rounds: float) -> Budget:
    if end is None:
        return budget
    # At least a second: even a late task gets its first trial, since a budget is checked before each.
    share_s = max(1.0, (end - time.monotonic()) / rounds)
    return msgspec.structs.replace(budget, wall_s=min(share_s, budget.wall_s or share_s))
