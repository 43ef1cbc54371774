"""The same work on a Ray cluster: an actor for every device, and actors that build.

Knows Ray, which is imported when a crew starts; what runs in the actors is in `ray_actors`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec

from warpsmith import __version__
from warpsmith.core.candidate import Candidate
from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import DeviceLost, UsageError, WarpsmithError
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Verdict
from warpsmith.engine.base import Facilities, Lane
from warpsmith.engine.ray_actors import Builder, Opened, Post
from warpsmith.engine.ray_places import Node, Place, builders_for, cpu_share, nodes_of, places_for
from warpsmith.engine.taskbook import PAGES, TaskBook

# An actor waits for room on its node, then for its workers to import torch.
START_S = 300.0
GOODBYE_S = 15.0
CONNECT_S = 10.0
# A verification in a process that died is done again, this often; Ray starts the process again by itself.
RETRIES = 2
# Tasks and candidates are texts; Ray's own default is 30 % of the memory.
OBJECT_STORE_BYTES = 200 << 20
# What an actor of a device sees as its own.
DEVICE_THERE = {"cpu": "cpu", "cuda": "cuda:0"}
SAID_CHARS = 300


class Ray(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Actors on a Ray cluster, or on one that is started on this host and ends with the work.

    Attributes:
        address: of the cluster's head, `HOST:PORT`; `auto` finds the one that this host belongs to; empty
            starts one on this host alone.
        nodes: use so many nodes at most; 0 takes all.
        gpus: use so many GPUs at most; 0 takes all.
        lanes: verifications at once on every device; 0 takes 4 on a GPU and 1 on the CPU.
        builders: builds at once on every node; 0 takes half of a GPU node's CPUs, and none on other nodes.
    """

    address: str = ""
    nodes: int = 0
    gpus: int = 0
    lanes: int = 0
    builders: int = 0

    def open(self, devices: tuple[str, ...]) -> RayCrew:
        """Return a crew for `devices`: `cpu`, `cuda` or `auto` of every node."""
        if min(self.nodes, self.gpus, self.lanes, self.builders) < 0:
            raise UsageError("nodes, gpus, lanes and builders are counts; 0 leaves them to the executor")
        if self.address.startswith("ray://"):
            raise UsageError(
                "run Warpsmith on a node of the cluster, with address=auto; Ray's client is not supported"
            )
        return RayCrew(self, devices)


class RayCrew:
    """An actor for every device, holding its lanes, and one for every builder."""

    def __init__(self, options: Ray, devices: tuple[str, ...]) -> None:
        self._options = options
        self._wanted = devices
        self._ray: Any = None
        self._is_ours = False
        self._posts: dict[str, Any] = {}
        self._builders: list[Any] = []
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        self._book = TaskBook()
        self._parcels: dict[str, Any] = {}

    async def start(self) -> Facilities:
        """Join the cluster, or start one, and open every actor; their workers import torch side by side."""
        self._ray = import_ray()
        # In this thread: Ray's processes end with the thread that starts them.
        self._connect()
        options = self._options
        places = places_for(self._wanted, nodes_of(self._ray.nodes()), nodes=options.nodes, gpus=options.gpus)
        builders = builders_for(places, options.builders)
        for place in places:
            self._posts[place.device] = self._post(place, _share(place.node, places, builders))
        for node, count in builders.items():
            share = _share(node, places, builders)
            self._builders += [self._builder(node, share) for _ in range(count)]
        opened = await self._open_all(places)
        for builder in self._builders:
            self._idle.put_nowait(builder)
        return _facilities(opened, len(self._builders))

    def _connect(self) -> None:
        if self._ray.is_initialized():  # the caller's own connection, which stays
            return
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        address = self._options.address
        if not address:
            quiet |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        with _own_sigterm():
            try:
                _require_somebody_at(address)
                self._ray.init(address=address or "local", **quiet)
            # Ray raises many kinds here, and a cluster that can't be joined is the caller's to mend.
            except Exception as error:
                remedy = (
                    "start one with `ray start --head`, or leave the address out for this host alone"
                    if address
                    else "see `ray start --head`, which says more"
                )
                where = f"the Ray cluster at {address!r}" if address else "Ray on this host"
                raise UsageError(f"can't use {where} ({_said(error)}); {remedy}") from error
        self._is_ours = True

    def _actor(self, kind: type, node: Node, **options: Any) -> Any:
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        return self._ray.remote(kind).options(
            # Lanes are named after their node: an actor never moves, its work does.
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(node.id, soft=False),
            max_restarts=-1,
            max_task_retries=RETRIES,
            **options,
        )

    def _post(self, place: Place, share: float) -> Any:
        gpus = 0 if place.device_type == "cpu" else 1
        lanes = self._options.lanes
        actor = self._actor(Post, place.node, num_gpus=gpus, num_cpus=share)
        return actor.remote(DEVICE_THERE[place.device_type], lanes)

    def _builder(self, node: Node, share: float) -> Any:
        return self._actor(Builder, node, num_cpus=share).remote()

    async def _open_all(self, places: list[Place]) -> dict[str, Opened]:
        """Open every actor; return what each device's says."""
        opening = [self._opened(self._posts[place.device], place.device) for place in places]
        starting = [self._opened(builder, "a builder") for builder in self._builders]
        answers = await asyncio.gather(*opening, *starting)
        return {place.device: decode(said, Opened) for place, said in zip(places, answers, strict=False)}

    async def _opened(self, actor: Any, name: str) -> Any:
        try:
            return await asyncio.wait_for(_answer(actor.open.remote()), START_S)
        except TimeoutError as error:
            raise UsageError(
                f"the cluster had no room for {name} within {START_S:.0f} s; wait for its other jobs, or ask "
                "for less with nodes=, gpus= or builders="
            ) from error
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, WarpsmithError):
                raise UsageError(f"{name}: {error.cause}") from error
            raise
        except self._ray.exceptions.RayError as error:
            raise UsageError(
                f"no actor could be started for {name} ({_said(error)}); install the same Warpsmith on every "
                "node"
            ) from error

    def _parcel(self, task: Task) -> tuple[str, Any]:
        """Return a task's content id and where the cluster has it; it is sent once."""
        there = self._book.on(task, DEVICE_THERE[task.target.device_type])
        key = self._book.id_of(there)
        if (parcel := self._parcels.get(key)) is None:
            if len(self._parcels) >= PAGES:
                self._parcels.pop(next(iter(self._parcels)))
            parcel = self._parcels[key] = self._ray.put(encode(there))
        return key, parcel

    async def build(self, task: Task, candidate: Candidate) -> Rejected | Faulted | None:
        """Build in whichever builder is free; it helps the lanes that share that builder's cache folder."""
        builder = await self._idle.get()
        try:
            refused = await builder.build.remote(*self._parcel(task), encode(candidate))
        except self._ray.exceptions.RayTaskError:
            raise
        except self._ray.exceptions.RayError as error:
            return Faulted(reason=f"a builder's node is gone, or will be back: {_said(error)}")
        finally:
            self._idle.put_nowait(builder)
        built: Rejected | Faulted | None = (
            None if refused is None else decode(refused, Rejected | Faulted)  # type: ignore[arg-type]
        )
        return built

    async def judge(self, lane: Lane, task: Task, candidate: Candidate) -> Verdict:
        """Verify in the actor of the lane's device; Ray does it again where the actor's process dies."""
        post = self._posts[lane.device]
        try:
            said = await post.judge.remote(lane.number, *self._parcel(task), encode(candidate))
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, WarpsmithError):
                raise error.cause from error
            raise
        except self._ray.exceptions.RayError as error:
            return await self._after(error, lane)
        verdict: Verdict = decode(said, Accepted | Rejected | Faulted)  # type: ignore[arg-type]
        return verdict

    async def _after(self, error: Exception, lane: Lane) -> Faulted:
        """Tell a node that is gone from a candidate under which the actor died again and again.

        Raises:
            DeviceLost: the actor does not come back.
        """
        try:
            await asyncio.wait_for(_answer(self._posts[lane.device].open.remote()), START_S)
        except (self._ray.exceptions.RayError, TimeoutError):
            raise DeviceLost(f"Ray lost {lane.device}: {_said(error)}") from error
        return Faulted(reason=f"the Ray worker died {RETRIES + 1} times under it: {_said(error)}")

    async def close(self) -> None:
        """End the workers, then the actors, and a cluster that was started here."""
        if self._ray is None or not self._ray.is_initialized():
            return
        actors = [*self._posts.values(), *self._builders]
        with contextlib.suppress(TimeoutError):
            goodbyes = [_answer(actor.close.remote()) for actor in actors]
            await asyncio.wait_for(asyncio.gather(*goodbyes, return_exceptions=True), GOODBYE_S)
        for actor in actors:
            self._ray.kill(actor)
        if self._is_ours:
            self._ray.shutdown()


def import_ray() -> Any:
    """Import Ray so that it is quiet.

    Raises:
        UsageError: it is not installed.
    """
    # Ray prints its nodes' troubles on stdout, where a command's JSON belongs, and asks only this, only
    # when it is imported; verdicts and lost devices say what happened.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "^")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise UsageError(
            "the executor ray needs Ray, which is not installed; pip install 'warpsmith[ray]'"
        ) from error


def _require_somebody_at(address: str) -> None:
    """Make sure that an address answers: Ray itself would try for minutes.

    Raises:
        OSError: it does not.
        ValueError: it is no address.
    """
    if address in {"", "auto"}:
        return
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdigit()):
        raise ValueError("write HOST:PORT, or auto")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
        pass


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's way of taking SIGTERM: Ray puts its own in its place."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _answer(reference: Any) -> Any:
    return await reference


def _share(node: Node, places: list[Place], builders: dict[Node, int]) -> float:
    return cpu_share(node, sum(place.node == node for place in places) + builders.get(node, 0))


def _facilities(opened: dict[str, Opened], builders: int) -> Facilities:
    """Return what all devices together are.

    Raises:
        UsageError: they don't have the same software, so that their verdicts could not be compared.
    """
    software = next(iter(opened.values())).facilities.software
    for device, one in opened.items():
        theirs = one.facilities.software | {"warpsmith": one.version}
        for name, version in (software | {"warpsmith": __version__}).items():
            if theirs.get(name) != version:
                raise UsageError(
                    f"{device} has {name} {theirs.get(name)} where others have {version}; "
                    "install the same versions on every node"
                )
    lanes = [
        Lane(device, lane.device_type, lane.number)
        for device, one in opened.items()
        for lane in one.facilities.lanes
    ]
    classes = {
        device: device_class
        for device, one in opened.items()
        for device_class in one.facilities.device_classes.values()
    }
    return Facilities(lanes=tuple(lanes), builders=builders, device_classes=classes, software=software)


def _said(error: Exception) -> str:
    """Return the first line of what Ray says; its messages are pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:SAID_CHARS]
