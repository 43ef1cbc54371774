"""Verify candidates on this host: scan, then one trusted worker that stays warm between them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import RecordError, UsageError, WorkerDied
from warpsmith.core.problem import Problem
from warpsmith.core.task import BASELINES_OF, EFFORTS, Limits, Target, Task, Tier, Track
from warpsmith.core.verdict import Accepted, Faulted, Finding, Rejected, Verdict
from warpsmith.verify.scan import scan
from warpsmith.verify.worker_process import RequestFailed, WorkerProcess
from warpsmith.worker import tools
from warpsmith.worker.baselines import make_baseline
from warpsmith.worker.builds.headers import COMPILE_S as PRECOMPILE_S
from warpsmith.worker.job import (
    Admission,
    AdmissionJob,
    BuildJob,
    Built,
    Gauged,
    GaugeJob,
    Job,
    JobResult,
    Probe,
    ProbeJob,
)
from warpsmith.worker.turns import VISIT_WAIT_S, WAIT_S

START_S = 180.0
ADMISSION_S = 300.0
# Compiling baselines is the reference side's work and has no limit of its own; max-autotune takes minutes.
BASELINE_S = {"eager": 30.0, "compile": 240.0}
LONG_BASELINE_S = 900.0
ATTEMPTS = 2


def task_of(  # noqa: PLR0913 - one keyword a choice
    problem: Problem,
    target: Target,
    *,
    seed: int,
    tier: Tier = Tier.VERIFY,
    baselines: tuple[str, ...] | None = None,
    limits: Limits | None = None,
    track: Track | None = None,
) -> Task:
    """Return the task of verifying candidates for `problem` on `target`.

    Args:
        problem: what to compute.
        target: where.
        seed: root of inputs and weights; draw it by `secrets.randbits(63)` unless repeating a run.
        tier: decides effort and, where they are not given, baselines.
        baselines: names; None takes the tier's.
        limits: when to kill a candidate; None takes the defaults.
        track: the rules it plays by; None takes the default track.

    Raises:
        UsageError: there is no such baseline.
    """
    names = BASELINES_OF[tier] if baselines is None else baselines
    check_baselines(names)
    return Task(
        problem=problem,
        target=target,
        tier=tier,
        effort=EFFORTS[tier],
        baselines=names,
        limits=limits or Limits(),
        track=track or Track(),
        seed=seed,
    )


class Verifier:
    """Gives verdicts, one at a time, on devices of this host.

    Use as a context manager: the worker behind it is a process.
    """

    def __init__(self) -> None:
        self._worker = WorkerProcess()
        self._probe: Probe | None = None
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the worker ahead of time; it imports torch meanwhile."""
        self._worker.start()

    def close(self) -> None:
        """End the worker and everything below it."""
        self._worker.close()

    def stop(self) -> None:
        """From another thread: make the verification in progress end at once, as `Faulted`.

        This verifier gives no more verdicts afterwards; its own thread still has to close it.
        """
        self._is_stopped = True
        self._worker.kill()

    def probe(self) -> Probe:
        """Return what this machine has; asked once."""
        if self._probe is None:
            self._probe = self._worker.ask(ProbeJob(), Probe, limit_s=START_S)
        return self._probe

    def target(self, device: str = "auto") -> Target:
        """Resolve `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is the first GPU if there is one.

        Raises:
            UsageError: this machine has no such device.
        """
        kind, _, index = device.partition(":")
        if kind not in {"auto", "cpu", "cuda"} or (index and not (kind == "cuda" and index.isdigit())):
            raise UsageError(f"no device {device!r}; use auto, cpu, cuda or cuda:N")
        if kind == "cpu":
            return Target(device="cpu")
        gpus = [name for name in self.probe().devices if name.startswith("cuda")]
        if kind == "auto":
            return Target(device=gpus[0] if gpus else "cpu")
        wanted = f"cuda:{index or 0}"
        if wanted not in gpus:
            there = (
                f"; this machine has {', '.join(gpus)}"
                if gpus
                else "; this machine has none that torch can use"
            )
            raise UsageError(f"no CUDA device {wanted!r}{there} (use --device auto or cpu)")
        return Target(device=wanted)

    task = staticmethod(task_of)

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate`; a machine that fails twice gives `Faulted`.

        Where memory or quiet was what it lacked, no other verification of this host has anything on the
        device the second time. A problem that fails would fail again.
        """
        start = time.monotonic()
        if rejected := scan(candidate, task.target):
            return msgspec.structs.replace(rejected, wall_s=time.monotonic() - start)
        verdict: Verdict = Faulted(reason="not tried")
        is_alone = False
        for _ in range(ATTEMPTS):
            if self._is_stopped:
                break
            verdict = self._attempt(Job(task=task, candidate=candidate, is_alone=is_alone))
            if not isinstance(verdict, Faulted) or verdict.cause == "problem":
                break
            is_alone = verdict.cause in {"memory", "noise"}
        return msgspec.structs.replace(verdict, wall_s=time.monotonic() - start)

    def _attempt(self, job: Job) -> Verdict:
        try:
            return self._worker.ask(job, JobResult, limit_s=deadline_s(job.task)).verdict
        except RequestFailed as error:
            return Faulted(reason=str(error), log=error.trouble.log)
        except WorkerDied as error:
            return Faulted(reason=str(error), log=self._worker.log)

    def build(self, task: Task, candidate: Candidate) -> Built | Rejected | Faulted:
        """Build `candidate` ahead of its verification, without a turn on the device.

        Several verifiers may build at the same time, and another one may verify: what was compiled is
        found by content. A candidate that does not build is rejected as `verify` would reject it.
        """
        start = time.monotonic()
        if rejected := scan(candidate, task.target):
            return msgspec.structs.replace(rejected, wall_s=time.monotonic() - start)
        limit_s = START_S + task.limits.build_s + PRECOMPILE_S
        try:
            reply = self._worker.ask(
                BuildJob(task=task, candidate=candidate), Built, JobResult, limit_s=limit_s
            )
        except RequestFailed as error:
            return Faulted(reason=str(error), log=error.trouble.log)
        except WorkerDied as error:
            return Faulted(reason=str(error), log=self._worker.log)
        if isinstance(reply, Built):
            return reply
        if not isinstance(reply, JobResult) or isinstance(reply.verdict, Accepted):
            raise RecordError("a worker was asked for a build and gave something else")
        return reply.verdict

    def gauge(self, target: Target, problem: Problem | None = None) -> Gauged:
        """Return the ceilings of a device, and what each workload of `problem` asks of it.

        Raises:
            RequestFailed: the problem's own code failed.
        """
        return self._worker.ask(GaugeJob(target=target, problem=problem), Gauged, limit_s=ADMISSION_S)

    def admit(self, problem: Problem, target: Target, seed: int) -> Admission:
        """Run the admission test of a problem; a crash of its own code is a finding like any other."""
        try:
            job = AdmissionJob(problem=problem, target=target, seed=seed)
            return self._worker.ask(job, Admission, limit_s=ADMISSION_S)
        except (RequestFailed, WorkerDied) as error:
            return Admission(findings=(Finding(check="reference", message=str(error)),), reference_ns={})


def check_baselines(names: Iterable[str]) -> None:
    """Make sure that every baseline exists.

    Raises:
        UsageError: one does not, or has no such mode.
    """
    for name in names:
        make_baseline(name)


def deadline_s(task: Task) -> float:
    """Wall seconds after which a verification can only have hung."""
    limits, effort = task.limits, task.effort
    baselines = sum(BASELINE_S.get(name, LONG_BASELINE_S) for name in task.baselines)
    # A seed is a reference call and a candidate call; the rest is drawing and comparing.
    each = (2 * effort.seeds + 8) * (limits.run_s + 10.0) + effort.timing_s * 3 + baselines + limits.build_s
    once = START_S + VISIT_WAIT_S + limits.build_s + (each + WAIT_S) * len(task.workloads)
    return once + (_certification_s(task) if task.tier is Tier.CERTIFY else 0.0)


def _certification_s(task: Task) -> float:
    """Wall seconds that a certification may take beyond a verification."""
    limits, count = task.limits, len(task.workloads)
    each = 2 * limits.build_s + ((2 * task.effort.seeds + 8) * (limits.run_s + 10.0) + limits.build_s) * count
    processes_s = (tools.PROCESSES - 1) * (each + WAIT_S)
    if task.target.device_type != "cuda":
        return processes_s
    # Every sanitizer may be tried twice.
    return processes_s + (2 * len(tools.SANITIZERS) + count) * tools.limit_s(limits) + WAIT_S * (count + 1)
