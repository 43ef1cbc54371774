"""The processes of this host: trusted workers for every device, each driven by a thread of its own.

Knows verifiers and threads; the order of the work is the engine's business.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import DeviceLost, UsageError, WarpsmithError
from warpsmith.core.task import Task
from warpsmith.core.verdict import Faulted, Rejected, Verdict
from warpsmith.engine.base import Facilities, Lane
from warpsmith.verify import Verifier
from warpsmith.worker.job import Built, Probe

P = ParamSpec("P")
T = TypeVar("T")

# On a GPU one candidate can be timed while others start, build and are compared.
GPU_LANES = 4
# A device that fails this often in a row without a verdict is asked whether it is still there.
SUSPICIOUS_FAULTS = 2


class Local(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Processes of this host.

    Attributes:
        lanes: verifications at once on every device; 0 takes 4 on a GPU and 1 on the CPU, where any second
            would be in the way of the first.
        builders: builds at once beside the lanes; 0 takes half of the cores for GPUs, and none for the CPU.
    """

    lanes: int = 0
    builders: int = 0

    def open(self, devices: tuple[str, ...]) -> LocalCrew:
        """Return a crew for `devices` of this host."""
        if self.lanes < 0 or self.builders < 0:
            raise UsageError("lanes and builders are counts; 0 leaves them to the executor")
        return LocalCrew(self, devices)


class LocalCrew:
    """A verifier for every lane and every builder.

    Args:
        options: how many there are of each.
        devices: as `Executor.open` takes them.
        has_builders: whether it builds ahead; somebody else may do that for it.
    """

    def __init__(self, options: Local, devices: tuple[str, ...], *, has_builders: bool = True) -> None:
        self._options = options
        self._has_builders = has_builders
        self._wanted = devices
        self._verifiers: dict[Lane, Verifier] = {}
        self._faults: dict[Lane, int] = {}
        self._idle_builders: asyncio.Queue[Verifier] = asyncio.Queue()
        self._all: list[Verifier] = []
        self._threads: ThreadPoolExecutor | None = None

    async def start(self) -> Facilities:
        """Start the workers; they import torch side by side."""
        first = self._verifier()
        # From here, since a worker is killed when the thread that started it ends.
        first.start()
        probe = await asyncio.to_thread(first.probe)
        devices = self._devices(probe)
        lanes = [
            Lane(device, device.partition(":")[0], number)
            for device in devices
            for number in range(self._lanes_on(device))
        ]
        builders = self._builders_for(devices)
        self._threads = ThreadPoolExecutor(len(lanes) + builders, thread_name_prefix="engine")
        for lane in lanes:
            self._verifiers[lane] = first if lane == lanes[0] else self._verifier()
        for _ in range(builders):
            self._idle_builders.put_nowait(self._verifier())
        for verifier in self._all:
            verifier.start()
        return Facilities(
            lanes=tuple(lanes),
            builders=builders,
            device_classes={device: probe.devices[device] for device in devices},
            software=probe.software,
        )

    def _verifier(self) -> Verifier:
        made = Verifier()
        self._all.append(made)
        return made

    def _devices(self, probe: Probe) -> list[str]:
        gpus = [name for name in probe.devices if name.startswith("cuda")]
        found: list[str] = []
        for name in self._wanted:
            if name == "auto":
                found += gpus or ["cpu"]
                continue
            found += gpus if name == "cuda" else [name]
            if (name == "cuda" and not gpus) or (name != "cuda" and name not in probe.devices):
                raise UsageError(f"this machine has no device {name!r}; it has {', '.join(probe.devices)}")
        return list(dict.fromkeys(found))

    def _lanes_on(self, device: str) -> int:
        return self._options.lanes or (1 if device == "cpu" else GPU_LANES)

    def _builders_for(self, devices: list[str]) -> int:
        if not self._has_builders:
            return 0
        if self._options.builders or all(device == "cpu" for device in devices):
            return self._options.builders
        return max(1, len(os.sched_getaffinity(0)) // 2)

    async def build(self, task: Task, candidate: Candidate) -> Rejected | Faulted | None:
        """Build in a process of its own; what is built waits in the cache for the lane."""
        builder = await self._idle_builders.get()
        try:
            built = await self._in_thread(builder.build, task, candidate)
        finally:
            self._idle_builders.put_nowait(builder)
        return None if isinstance(built, Built) else built

    async def judge(self, lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        """Verify on the lane's device."""
        verifier = self._verifiers[lane]
        verdict = await self._in_thread(verifier.verify, task, candidate)
        if not isinstance(verdict, Faulted):
            self._faults[lane] = 0
            return verdict
        self._faults[lane] = self._faults.get(lane, 0) + 1
        if lane.device_type != "cpu" and self._faults[lane] >= SUSPICIOUS_FAULTS:
            await self._require_device(lane, verdict)
        return verdict

    async def _require_device(self, lane: Lane, verdict: Faulted) -> None:
        """Make sure that the device is still there, asking a process that never used it.

        Raises:
            DeviceLost: it is not.
        """
        with Verifier() as fresh:
            self._all.append(fresh)
            try:
                probe = await self._in_thread(fresh.probe)
            except WarpsmithError as error:
                raise DeviceLost(f"{verdict.reason}; then no new worker could be started: {error}") from error
            finally:
                self._all.remove(fresh)
        if lane.device not in probe.devices:
            raise DeviceLost(verdict.reason)

    async def _in_thread(self, call: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        call = functools.partial(call, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    async def close(self) -> None:
        """Kill the workers, which ends what the threads wait for, and then the threads."""
        for verifier in self._all:
            verifier.stop()
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        for verifier in self._all:
            verifier.close()
