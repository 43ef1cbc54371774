"""The processes that proposers share; started when first needed, ended with the search."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.seeds import derive
from warpsmith.core.task import EFFORTS, Target, Task, Tier
from warpsmith.core.verdict import Verdict
from warpsmith.propose.model_line import ModelLine
from warpsmith.verify.worker_process import WorkerProcess
from warpsmith.worker.job import (
    Captured,
    CaptureJob,
    PatternJob,
    Probe,
    ProbeJob,
    Reply,
    Request,
    Role,
    Trace,
    Traced,
)

# A max-autotune capture benchmarks dozens of kernels; a plain one takes seconds.
CAPTURE_S = 300.0
# Nothing is computed; constructing the module takes longest.
TRACE_S = 120.0
PROBE_S = 120.0
TAPE = "models.tape"

T = TypeVar("T", bound=Reply)

Verify: TypeAlias = Callable[[Task, Candidate], Verdict]


class Workshop:
    """Owns a trusted worker of its own, so that a compiler's crash costs the verifier nothing.

    Args:
        folder: of the run, where replies of models are kept; without one they are not.
        replay: tape of another run that replies are taken from, in place of asking.
        verify: the run's verifier, for who wants to screen what it will not propose; None has none.

    Attributes:
        folder: of the run; None without one.
        models: the line to language models.
    """

    def __init__(
        self, folder: Path | None = None, *, replay: Path | None = None, verify: Verify | None = None
    ) -> None:
        self._worker = WorkerProcess(Role.WORKSHOP)
        # It answers one at a time, and searches may share it.
        self._lock = threading.Lock()
        self._devices: dict[str, str] | None = None
        self._verify = verify
        self.folder = folder
        self.models = ModelLine(None if folder is None else folder / TAPE, replay)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Request, kind: type[T], *, limit_s: float) -> T:
        with self._lock:
            return self._worker.ask(request, kind, limit_s=limit_s)

    def stop(self) -> None:
        """From another thread: end what searches wait for here; nothing can be asked afterwards."""
        self._worker.kill()
        self.models.stop()

    def start(self) -> None:
        """Start the process ahead of time."""
        self._worker.start()

    def close(self) -> None:
        """End every process and every connection."""
        self._worker.close()
        self.models.close()

    @property
    def can_screen(self) -> bool:
        """Whether there is a verifier here."""
        return self._verify is not None

    def screen(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate` at the tier `screen`, without baselines: cheap, and brief.

        Raises:
            UsageError: there is no verifier here.
        """
        if self._verify is None:
            raise UsageError("there is no verifier to screen with; propose without screening")
        brief = msgspec.structs.replace(
            task,
            tier=Tier.SCREEN,
            effort=EFFORTS[Tier.SCREEN],
            baselines=(),
            seed=derive(task.seed, "screen"),
        )
        return self._verify(brief, candidate)

    def device(self, target: Target) -> str:
        """Return what `target`'s device is, in a line.

        Raises:
            WorkerDied, RequestFailed: as `WorkerProcess.ask`.
        """
        if self._devices is None:
            self._devices = self._ask(ProbeJob(), Probe, limit_s=PROBE_S).devices
        return self._devices.get(target.device) or self._devices.get(f"{target.device}:0", target.device)

    def variants(self, problem: Problem, target: Target) -> tuple[str, ...]:
        """Return the names of the compiler's option sets for `target`, most promising first.

        Raises:
            WorkerDied, RequestFailed: as `WorkerProcess.ask`.
        """
        job = CaptureJob(problem=problem, workloads=(), target=target, variant=None, seed=0)
        return self._ask(job, Captured, limit_s=CAPTURE_S).variants

    def capture(self, task: Task, variant: str) -> str:
        """Return the standalone source that the compiler generates for `task` under `variant`.

        Raises:
            RequestFailed: it can't be captured, and why.
            WorkerDied: the compiler crashed or hung.
        """
        job = CaptureJob(
            problem=task.problem,
            workloads=task.problem.workloads_for(task.target.device_type),
            target=task.target,
            variant=variant,
            seed=derive(task.seed, "capture"),
        )
        return self._ask(job, Captured, limit_s=CAPTURE_S).source

    def trace(self, task: Task, seed: int) -> tuple[Trace, ...]:
        """Return which operators the reference of `task` calls, for each workload of its device.

        Raises:
            RequestFailed: it can't be traced, and why.
            WorkerDied: tracing it crashed or hung.
        """
        workloads = task.problem.workloads_for(task.target.device_type)
        job = PatternJob(problem=task.problem, workloads=workloads, seed=seed)
        return self._ask(job, Traced, limit_s=TRACE_S).traces
