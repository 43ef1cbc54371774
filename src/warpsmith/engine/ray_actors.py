"""What runs on the nodes of a cluster: a device's lanes, and a builder, each a process that Ray keeps.

Plain classes that the driver makes actors of; they know verifiers and no Ray. What crosses is JSON,
decoded strictly; a task comes once and is known by its content id.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import msgspec

from warpsmith import __version__
from warpsmith.core.candidate import Candidate
from warpsmith.core.codec import decode, encode
from warpsmith.core.task import Task
from warpsmith.engine.base import Facilities, Lane
from warpsmith.engine.local import Local, LocalCrew
from warpsmith.verify import Verifier
from warpsmith.worker.job import Built

TASKS = 64


class Opened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an actor has, and which Warpsmith it is."""

    facilities: Facilities
    version: str


class _Tasks:
    """The last tasks, decoded once."""

    def __init__(self) -> None:
        self._known: dict[str, Task] = {}

    def get(self, task_id: str, data: bytes) -> Task:
        if (task := self._known.get(task_id)) is None:
            if len(self._known) >= TASKS:
                self._known.pop(next(iter(self._known)))
            task = self._known[task_id] = decode(data, Task)
        return task


class Post:
    """One device of a node, and the verifiers that take turns on it.

    Args:
        device: the device's name in this process: Ray shows it no other GPU.
        lanes: as in `Local`.
    """

    def __init__(self, device: str, lanes: int) -> None:
        self._device = device
        self._crew = LocalCrew(Local(lanes=lanes), (device,), has_builders=False)
        self._opening = asyncio.Lock()
        self._facilities: Facilities | None = None
        self._tasks = _Tasks()

    async def open(self) -> bytes:
        """Start the verifiers, unless they have been, and say what there is, as `Opened`."""
        async with self._opening:
            if self._facilities is None:
                self._facilities = await self._crew.start()
        return encode(Opened(facilities=self._facilities, version=__version__))

    async def judge(self, number: int, task_id: str, task: bytes, candidate: bytes) -> bytes:
        """Return the verdict of the lane of that number.

        Raises:
            DeviceLost: the device is gone.
        """
        # Where Ray had to start this process again, nobody else opens it.
        await self.open()
        lane = Lane(self._device, self._device.partition(":")[0], number)
        verdict = await self._crew.judge(lane, self._tasks.get(task_id, task), decode(candidate, Candidate))
        return encode(verdict)

    async def close(self) -> None:
        """End the verifiers; nothing of theirs is left running."""
        await self._crew.close()


class Builder:
    """One verifier that only builds."""

    def __init__(self) -> None:
        self._verifier = Verifier()
        # A worker ends with the thread that started it; this one stays.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="builder")
        self._tasks = _Tasks()

    async def open(self) -> None:
        """Start the worker; it imports torch meanwhile."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._verifier.start)

    async def build(self, task_id: str, task: bytes, candidate: bytes) -> bytes | None:
        """Build ahead of the lane; return a rejection or a fault, or None where it is built."""
        build = self._verifier.build
        asked = self._tasks.get(task_id, task)
        built = await asyncio.get_running_loop().run_in_executor(
            self._thread, build, asked, decode(candidate, Candidate)
        )
        return None if isinstance(built, Built) else encode(built)

    async def close(self) -> None:
        """End the worker, in the middle of a build, too."""
        self._verifier.stop()
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)
        self._verifier.close()
