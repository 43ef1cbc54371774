"""Trials that are being made side by side: which number comes next, and what it may know of the others.

A number sees every trial up to `width` before its own as it ended, and of the ones in between only that they
are being made, even where they have ended by now. So what is asked under a number depends on no chance of
who was first, and a run that goes on after a crash asks again what it had asked, and finds the reply on its
tape. Knows threads, and nothing of proposers and strategies.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

import msgspec

from warpsmith.core.trial import Nothing, Proposal, Trial

IN_FLIGHT = "it is being made"


class Window:
    """The numbers of one task: what has ended, and what is in flight.

    Args:
        finished: trials that have ended; a number may be missing where a run was killed.
        width: how many may be in flight.
    """

    def __init__(self, finished: Iterable[Trial], width: int = 1) -> None:
        self._finished = {trial.number: trial for trial in finished}
        self._begun: dict[int, Trial] = {}
        self._width = width
        # Below this number all have ended; kept, so that a long run is not counted through for each trial.
        self._oldest = 0

    @property
    def finished(self) -> list[Trial]:
        """What has ended, by number."""
        return [self._finished[number] for number in sorted(self._finished)]

    def next(self) -> int | None:
        """Return the number to begin with now; None while the oldest in flight has to end first."""
        while self._oldest in self._finished:
            self._oldest += 1
        number = self._oldest
        while number in self._finished or number in self._begun:
            number += 1
        return number if number < self._oldest + self._width else None

    def begin(self, trial: Trial) -> None:
        """Note what is known of a trial that is being made."""
        self._begun[trial.number] = trial

    def finish(self, trial: Trial) -> None:
        """Note how it ended."""
        self._finished[trial.number] = trial
        self._begun.pop(trial.number, None)

    def drop(self, number: int) -> None:
        """Note that nothing came of it."""
        self._begun.pop(number, None)

    def view(self, number: int) -> list[Trial]:
        """Return what the trial of that number may depend on, the same however the others went."""
        return [
            self._finished[earlier] if earlier <= number - self._width else _unknown(self._any(earlier))
            for earlier in range(number)
        ]

    def known(self, number: int) -> list[Trial]:
        """Return all that is known of the earlier ones, for who must not make the same again."""
        return [self._any(earlier) for earlier in range(number)]

    def _any(self, number: int) -> Trial:
        return self._finished.get(number) or self._begun[number]


def in_flight(number: int, task_id: str, parents: tuple[int, ...], proposal: Proposal) -> Trial:
    """Return what stands for a trial that has not ended."""
    return Trial(
        number=number,
        task_id=task_id,
        parents=parents,
        proposal=proposal,
        outcome=Nothing(reason=IN_FLIGHT),
        finished_at="",
    )


def _unknown(trial: Trial) -> Trial:
    proposal = Proposal(proposer=trial.proposal.proposer, variant="", candidate=None)
    return msgspec.structs.replace(
        trial, proposal=proposal, outcome=Nothing(reason=IN_FLIGHT), finished_at=""
    )


class Makers:
    """Threads that make trials; with a width of 1 there are none, and work is done where it is handed over.

    Args:
        width: how many work at the same time.
        stop: ends what they wait for, where one of them failed or the run is interrupted.
    """

    def __init__(self, width: int, stop: Callable[[], None]) -> None:
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="trial") if width > 1 else None
        self._stop = stop
        self._pending: set[Future[None]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        if kind is not None:
            for future in self._pending:
                future.cancel()
            self._stop()
        self._pool.shutdown()

    @property
    def busy(self) -> int:
        """How many trials are being made."""
        return len(self._pending)

    def hand(self, work: Callable[[], None]) -> None:
        """Have `work` done."""
        if self._pool is None:
            work()
        else:
            self._pending.add(self._pool.submit(work))

    def wait(self) -> None:
        """Wait until one is done.

        Raises:
            Exception: what it raised.
        """
        done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()


class Sources:
    """Which sources are being verified: one is not verified twice because two came at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: dict[str, threading.Lock] = {}

    @contextlib.contextmanager
    def claimed(self, source: str) -> Iterator[None]:
        """Wait for whoever has the same source, and have it."""
        with self._lock:
            claim = self._claimed.setdefault(source, threading.Lock())
        with claim:
            yield
