"""The staged pipeline: scan, build, and a turn on a lane, each with room for so many and no more.

One event loop; whoever asks for a verdict waits for it in a coroutine of its own. Knows stages and
their order; how work is carried out is the executor's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import DeviceLost
from warpsmith.core.events import Sink, VerdictGiven
from warpsmith.core.task import Target, Task
from warpsmith.core.verdict import Faulted, Rejected, Verdict, status_of
from warpsmith.engine.base import Crew, Facilities, Lane, device_on_host
from warpsmith.engine.cache import VerdictCache, verdict_key
from warpsmith.engine.gauge import Gauge
from warpsmith.engine.ready import Ready, Work
from warpsmith.engine.taskbook import TaskBook
from warpsmith.verify.scan import scan

# Built candidates that may wait for each lane: enough that none is idle, few enough that builds wait too.
READY_EACH = 4
TRIES = 3


Key = TypeVar("Key")


class Wanted(NamedTuple, Generic[Key]):
    """One verification that somebody wants.

    Attributes:
        key: the caller's own name for it.
    """

    key: Key
    task: Task
    candidate: Candidate


class Given(NamedTuple, Generic[Key]):
    """The verdict on what was asked for under `key`."""

    key: Key
    verdict: Verdict


class Engine:
    """Gives verdicts, many at a time. Use as an asynchronous context manager.

    Args:
        crew: whoever does the work.
        cache: verdicts that were given before; None asks for each anew.
        sink: is told of every verdict.
    """

    def __init__(self, crew: Crew, cache: VerdictCache | None = None, sink: Sink | None = None) -> None:
        self._crew = crew
        self._cache = cache
        self._sink = sink
        self._facilities: Facilities | None = None
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._lost: dict[str, str] = {}
        self._tasks = TaskBook()
        self._asked_now: dict[str, asyncio.Future[Verdict]] = {}
        self.gauge = Gauge()

    async def __aenter__(self) -> Self:
        try:
            self._facilities = await self._crew.start()
        except BaseException:
            await self._crew.close()
            raise
        lanes = self._facilities.lanes
        self.gauge = Gauge(len({lane.device for lane in lanes}))
        self._ready = Ready(READY_EACH * len(lanes))
        self._builders = asyncio.Semaphore(max(1, self._facilities.builders))
        self._window = asyncio.Semaphore(self.window)
        for lane in lanes:
            self._lanes[lane] = asyncio.create_task(self._work(lane), name=f"lane {lane.device}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for work in self._lanes.values():
            work.cancel()
        try:
            await self._crew.close()
        finally:
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)

    @property
    def facilities(self) -> Facilities:
        """What the executor has."""
        if self._facilities is None:
            raise RuntimeError("enter the engine first")
        return self._facilities

    @property
    def target(self) -> Target:
        """What tasks for this engine name as their device; it may judge them on another of its kind."""
        return Target(device=device_on_host(self.facilities.lanes[0]))

    @property
    def window(self) -> int:
        """How many candidates are on their way at once; more than these wait outside."""
        return (READY_EACH + 1) * len(self.facilities.lanes) + self.facilities.builders

    @property
    def waiting(self) -> int:
        """How many candidates are built and wait for a lane."""
        return len(self._ready)

    async def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate`; waits while the engine has all that it can hold."""
        start = time.monotonic()
        async with self._window:
            with self.gauge.inside("scan"):
                verdict: Verdict | None = scan(candidate, task.target)
                key = self._key(task, candidate) if verdict is None else ""
            is_known = False
            if verdict is None:
                verdict, is_known = await self._once(key, task, candidate)
        if is_known:
            self.gauge.known += 1
        else:
            verdict = msgspec.structs.replace(verdict, wall_s=time.monotonic() - start)
            self.gauge.given(verdict)
        if self._sink is not None:
            self._sink(
                VerdictGiven(
                    task_id=self._tasks.id_of(task),
                    candidate_id=candidate.id,
                    status=status_of(verdict),
                    is_known=is_known,
                    wall_s=time.monotonic() - start,
                )
            )
        return verdict

    def _key(self, task: Task, candidate: Candidate) -> str:
        if self._cache is None:  # the key only tells who is asked about at this moment
            return f"{self._tasks.id_of(task)} {candidate.id}"
        classes = self.facilities.device_classes
        # Where devices differ, any may get the candidate, so the verdict is one of that mixture alone.
        mixture = {
            classes[lane.device]
            for lane in self.facilities.lanes
            if lane.device_type == task.target.device_type
        }
        return verdict_key(task, candidate, " | ".join(sorted(mixture)), self.facilities.software)

    async def _once(self, key: str, task: Task, candidate: Candidate) -> tuple[Verdict, bool]:
        """Return the verdict, and whether it was known or somebody else's asking."""
        if self._cache is not None and (known := self._cache.recall(key)) is not None:
            return known, True
        while (other := self._asked_now.get(key)) is not None:
            try:
                return await asyncio.shield(other), True
            except asyncio.CancelledError:
                if not other.cancelled():  # it is we who are not wanted any more
                    raise
        mine = asyncio.get_running_loop().create_future()
        self._asked_now[key] = mine
        try:
            verdict = await self._reached(task, candidate)
            if self._cache is not None:
                self._cache.keep(key, verdict)
            mine.set_result(verdict)
        except asyncio.CancelledError:
            mine.cancel()
            raise
        except BaseException as error:
            mine.set_exception(error)
            mine.exception()  # looked at: nobody else need be waiting for it
            raise
        finally:
            del self._asked_now[key]
        return verdict, False

    async def _reached(self, task: Task, candidate: Candidate) -> Verdict:
        if reason := self._why_nowhere(task.target.device_type):
            return Faulted(reason=reason)
        if self.facilities.builders:
            async with self._builders:
                with self.gauge.inside("build"):
                    refused = await self._built(task, candidate)
                if isinstance(refused, Rejected):
                    return refused
                if refused is not None:
                    self.gauge.build_fault(refused.reason)
                # A builder is not free before what it built has found room: builds don't run ahead.
                await self._ready.reserve()
        else:
            await self._ready.reserve()
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        work = Work(task, candidate, self._tasks.id_of(task), answer)
        await self._ready.put(work)
        if self._why_nowhere(task.target.device_type):
            self._give_up(task.target.device_type)
        return await answer

    async def _built(self, task: Task, candidate: Candidate) -> Rejected | Faulted | None:
        try:
            return await self._crew.build(task, candidate)
        except Exception as error:  # noqa: BLE001 - a builder is a help: the lane can do without, and it is told
            return Faulted(reason=f"{type(error).__name__}: {error}")

    def _why_nowhere(self, device_type: str) -> str:
        if any(lane.device_type == device_type for lane in self._lanes):
            return ""
        if said := "; ".join(f"{device}: {reason}" for device, reason in self._lost.items()):
            return f"no device is left to verify on ({said})"
        return f"this executor has no {device_type!r} device"

    async def _work(self, lane: Lane) -> None:
        """Judge one candidate after the other, for as long as the device is there."""
        while True:
            work = await self._ready.take(lane)
            if work.answer.done():  # whoever asked is gone
                continue
            try:
                task = self._tasks.on(work.task, device_on_host(lane))
                with self.gauge.inside("judge"):
                    verdict = await self._crew.judge(lane, task, work.candidate)
            except DeviceLost as error:
                await self._quarantine(lane, str(error), work)
                return
            except asyncio.CancelledError:
                work.answer.cancel()
                raise
            except Exception as error:  # noqa: BLE001 - a lane must outlive whatever an executor raises
                verdict = Faulted(reason=f"{type(error).__name__}: {error}")
            if not work.answer.done():
                work.answer.set_result(verdict)

    async def _quarantine(self, lost: Lane, reason: str, work: Work) -> None:
        """Take a device that is gone out of use; what ran on it goes elsewhere."""
        self._lost[lost.device] = reason
        # The other lanes of the device find out by themselves, at their next candidate.
        self._lanes.pop(lost, None)
        self._ready.leave(lost)
        if work.answer.done():
            pass
        elif work.tries + 1 < TRIES:
            await self._ready.put_back(work._replace(tries=work.tries + 1))
        else:
            work.answer.set_result(Faulted(reason=f"{work.tries + 1} devices were lost under it: {reason}"))
        if self._why_nowhere(lost.device_type):
            self._give_up(lost.device_type)

    def _give_up(self, device_type: str) -> None:
        reason = self._why_nowhere(device_type)
        for work in self._ready.drain(device_type):
            if not work.answer.done():
                work.answer.set_result(Faulted(reason=reason))

    async def stream(self, wanted: Iterable[Wanted[Key]]) -> AsyncGenerator[Given[Key], None]:
        """Yield verdicts as they are reached; `wanted` is read no faster than they are.

        Breaking off early drops what is on its way.
        """
        source = iter(wanted)
        on_way: set[asyncio.Task[Given[Key]]] = set()
        finished: asyncio.Queue[asyncio.Task[Given[Key]]] = asyncio.Queue()
        try:
            while True:
                while len(on_way) < self.window and (one := next(source, None)) is not None:
                    started = asyncio.create_task(self._given(one))
                    started.add_done_callback(finished.put_nowait)
                    on_way.add(started)
                if not on_way:
                    return
                ended = await finished.get()
                on_way.remove(ended)
                yield ended.result()
        finally:
            for started in on_way:
                started.cancel()
            await asyncio.gather(*on_way, return_exceptions=True)

    async def _given(self, one: Wanted[Key]) -> Given[Key]:
        return Given(one.key, await self.verify(one.task, one.candidate))


@contextlib.asynccontextmanager
async def reporting(engine: Engine, sink: Sink, every_s: float = 1.0) -> AsyncIterator[None]:
    """Tell `sink` where the engine stands, every so often and once at the end."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(every_s)
            sink(engine.gauge.state(engine.waiting))

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):  # anything else is the sink's, and must be heard
            await telling
        sink(engine.gauge.state(engine.waiting))
