"""The engine for callers that wait for a verdict, in as many threads as there are callers."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from warpsmith.core.candidate import Candidate
from warpsmith.core.events import Sink
from warpsmith.core.loop_thread import Cancelled, LoopThread
from warpsmith.core.task import Target, Task
from warpsmith.core.verdict import Verdict
from warpsmith.engine.base import Executor
from warpsmith.engine.cache import VerdictCache
from warpsmith.engine.engine import Engine

# Searches for every lane: one has a candidate there while the other thinks of its next.
SEARCHES_EACH = 2


class WaitingEngine:
    """Looks like a `Verifier` that many threads may ask at once. Use as a context manager.

    Args:
        executor: where the work runs.
        device: as `Executor.open` takes it.
        cache: verdicts that were given before; None asks for each anew.
        sink: is told of every verdict, from a thread of the engine's.
    """

    def __init__(
        self,
        executor: Executor,
        device: str,
        *,
        cache: VerdictCache | None = None,
        sink: Sink | None = None,
    ) -> None:
        self._loop = LoopThread("engine")
        self._engine = Engine(executor.open((device,)), cache, sink)
        self._is_open = False

    def __enter__(self) -> Self:
        try:
            self._loop.run(self._engine.__aenter__())
        except BaseException:
            self._loop.close()
            raise
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Do nothing: what can be started ahead was when this was entered."""

    def stop(self) -> None:
        """End all work, from any thread; whoever waits for a verdict is interrupted. Again does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._loop.run(self._engine.__aexit__(None, None, None))
        finally:
            self._loop.close()

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate`.

        Raises:
            KeyboardInterrupt: the engine was stopped meanwhile; there is no verdict.
        """
        try:
            return self._loop.run(self._engine.verify(task, candidate))
        except Cancelled:
            raise KeyboardInterrupt from None

    @property
    def target(self) -> Target:
        """What tasks for this engine name as their device."""
        return self._engine.target

    @property
    def abreast(self) -> int:
        """How many searches keep it busy."""
        return SEARCHES_EACH * len(self._engine.facilities.lanes)
