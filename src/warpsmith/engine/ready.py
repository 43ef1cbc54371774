"""What waits for a lane, and which of it a lane takes: a bounded queue with a liking for the same problem.

Knows tasks and lanes; knows no process. Everything happens in one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

from warpsmith.core.candidate import Candidate
from warpsmith.core.task import Task
from warpsmith.core.verdict import Verdict
from warpsmith.engine.base import Lane

# Nobody is passed over more often than this because others share a lane's problem.
PATIENCE = 16


class Work(NamedTuple):
    """One candidate on its way to a lane.

    Attributes:
        home: what a lane keeps warm for it; works of the same home follow each other well.
        answer: where the verdict goes.
        tries: how often a device was lost under it.
        since: number of takes before it came in, for fairness.
    """

    task: Task
    candidate: Candidate
    home: Hashable
    answer: asyncio.Future[Verdict]
    tries: int = 0
    since: int = 0


class Ready:
    """Works that are built and wait for a lane of their kind of device.

    Args:
        room: how many may wait; whoever comes with one more waits itself.
    """

    def __init__(self, room: int) -> None:
        self._room = asyncio.Semaphore(room)
        self._waiting: dict[str, deque[Work]] = {}
        self._takes = 0
        self._homes: dict[Lane, Hashable] = {}
        self._arrived = asyncio.Condition()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def reserve(self) -> None:
        """Wait until there is room for one more."""
        await self._room.acquire()

    async def put(self, work: Work) -> None:
        """Add a work for which there is room, by `reserve`."""
        queue = self._waiting.setdefault(work.task.target.device_type, deque())
        queue.append(work._replace(since=self._takes))
        async with self._arrived:
            self._arrived.notify_all()

    async def put_back(self, work: Work) -> None:
        """Add a work that had been taken; it has room whether there is or not, and goes first."""
        self._waiting.setdefault(work.task.target.device_type, deque()).appendleft(work)
        async with self._arrived:
            self._arrived.notify_all()

    async def take(self, lane: Lane) -> Work:
        """Wait for a work for `lane` and return it."""
        while True:
            if queue := self._waiting.get(lane.device_type):
                work = self._chosen(queue, lane)
                queue.remove(work)
                self._takes += 1
                self._homes[lane] = work.home
                if not work.tries:
                    self._room.release()
                return work
            async with self._arrived:
                if not self._waiting.get(lane.device_type):
                    await self._arrived.wait()

    def _chosen(self, queue: deque[Work], lane: Lane) -> Work:
        oldest = queue[0]
        if self._takes - oldest.since > PATIENCE:
            return oldest
        mine = self._homes.get(lane)
        elsewhere = {home for other, home in self._homes.items() if other != lane}
        for work in queue:
            if work.home == mine:
                return work
        return next((work for work in queue if work.home not in elsewhere), oldest)

    def leave(self, lane: Lane) -> None:
        """Forget what a lane that is gone kept warm."""
        self._homes.pop(lane, None)

    def drain(self, device_type: str) -> list[Work]:
        """Remove and return everything that waits for a kind of device."""
        works = list(self._waiting.pop(device_type, ()))
        for work in works:
            if not work.tries:
                self._room.release()
        return works
