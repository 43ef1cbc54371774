"""The contract between the engine and whoever carries work out: processes of this host, or of many.

An executor knows where work runs and nothing of the order it comes in; the engine knows the order
and nothing of processes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.task import Task
from warpsmith.core.verdict import Faulted, Rejected, Verdict


class Lane(NamedTuple):
    """Something that judges one candidate at a time.

    Attributes:
        device: name that the executor gives to a device, e.g. `cuda:0` or `node-2/cuda:0`; lanes of the same
            device take turns on it by themselves.
        device_type: `cpu` or `cuda`.
        number: tells the lanes of a device apart.
    """

    device: str
    device_type: str
    number: int = 0


def device_on_host(lane: Lane) -> str:
    """Return the name of a lane's device on its own host, as a target has it."""
    return lane.device.rpartition("/")[2]


class Facilities(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an executor has, once it is open.

    Attributes:
        lanes: at least one.
        builders: how many candidates it builds at once; 0 leaves building to the lanes.
        device_classes: what a device is, e.g. `NVIDIA H100 80GB HBM3`, by the name of the device.
        software: versions by name, the same on all of its hosts.
    """

    lanes: tuple[Lane, ...]
    builders: int
    device_classes: dict[str, str]
    software: dict[str, str]


class Executor(Protocol):
    """Where work runs. A frozen struct whose fields are its options; what it opens holds the processes."""

    def open(self, devices: tuple[str, ...]) -> Crew:
        """Return a crew for `devices`; its processes start when it is entered.

        Args:
            devices: `cpu`, `cuda:0`, ...; `cuda` stands for every GPU there is, and `auto` for these where
                there are any, and else for the CPU.
        """
        ...


class Crew(Protocol):
    """The processes of one engine, from `start` to `close`. All its coroutines belong to one event loop."""

    async def start(self) -> Facilities:
        """Start what can be started ahead.

        Raises:
            UsageError: a device is not there, or a package is missing.
        """
        ...

    async def build(self, task: Task, candidate: Candidate) -> Rejected | Faulted | None:
        """Build `candidate` ahead of its turn; None says that it is built.

        A fault is the builder's own and says nothing about the candidate: it goes on, and its lane builds it.
        """
        ...

    async def judge(self, lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict, reached on the device of `lane` whatever device `task` names.

        Raises:
            DeviceLost: the device is gone; another lane has to do it.
        """
        ...

    async def close(self) -> None:
        """End every process and drop what is in progress; nothing is left running. Called once."""
        ...
