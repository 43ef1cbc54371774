"""The trusted side of a verification: it owns references, inputs, comparison and baselines.

Warm between jobs: it keeps the last problem's live references and compiled baselines.
Never imports candidate code; a candidate's faults arrive as `Misbehaved` and leave as
`Rejected`, its own as `Faulted`.
"""

from __future__ import annotations

import sys
import time

import msgspec
import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.provenance import Provenance
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Faulted, Measurement, Rejected, Stage, Verdict
from warpsmith.worker.arena import ArenaError
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.exam import Examiner
from warpsmith.worker.inputs import LoadedProblem, ProblemError
from warpsmith.worker.job import Job
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.phases import Phases
from warpsmith.worker.probe_env import provenance, software
from warpsmith.worker.race import Race
from warpsmith.worker.setting import Setting
from warpsmith.worker.steps import Load
from warpsmith.worker.timers import DEFAULT_TIMER


class ReferenceSide:
    """Verifies one candidate at a time on one device."""

    def __init__(self, nursery: Nursery | None = None) -> None:
        self._nursery = nursery
        self._problem: LoadedProblem | None = None
        self._settings: dict[str, Setting] = {}
        self._settings_of: tuple[str, int] | None = None
        self._software = software()

    def verify(self, job: Job) -> Verdict:
        """Return the verdict on `job`."""
        start = time.monotonic()
        phases = Phases()
        device = torch.device(job.task.target.device)
        where = provenance(job.task, device, self._software)
        process: CandidateProcess | None = None
        try:
            with phases("import"):
                process = self._start_candidate(job, device)
            verdict = self._examine(job, process, phases, where)
        except Misbehaved as error:
            verdict = self._rejection(error, where, phases)
        except ProblemError as error:
            verdict = Faulted(reason=str(error))
        except InfrastructureError as error:
            self._nursery = None  # it may be what failed; the next candidate gets a new one
            verdict = Faulted(reason=str(error))
        except (torch.cuda.OutOfMemoryError, MemoryError, ArenaError) as error:
            verdict = Faulted(reason=f"the reference side ran out of memory: {str(error).splitlines()[0]}")
        finally:
            if process is not None:
                process.end()
            self._release()
        return _with_wall(verdict, phases, time.monotonic() - start)

    def _start_candidate(self, job: Job, device: torch.device) -> CandidateProcess:
        if self._nursery is None:
            self._nursery = Nursery()
        return CandidateProcess(self._nursery, device, job.task.limits.output_bytes)

    def _examine(self, job: Job, process: CandidateProcess, phases: Phases, where: Provenance) -> Verdict:
        task = job.task
        timer = DEFAULT_TIMER[task.target.device_type]
        load = Load(
            source=job.candidate.source,
            backend=job.candidate.backend,
            entry=job.candidate.entry,
            device=task.target.device,
            threads=torch.get_num_threads(),
            scratch=str(process.scratch),
        )
        with phases("build"):
            process.ask(load, stage=Stage.BUILD, limit_s=task.limits.build_s)
        examiner = Examiner(task, process, phases, timer)
        settings = []
        for workload in task.workloads:
            with phases("reference"):
                settings.append(self._setting(task, workload.name))
        # All workloads are checked before any is timed: a wrong answer should be cheap.
        for setting in settings:
            examiner.enter(setting)
            examiner.check(setting)
        measurements: list[Measurement] = []
        faults: dict[str, str] = {}
        for setting in settings:
            if len(settings) > 1:
                examiner.enter(setting)
            race = Race(examiner, setting, timer)
            measurements.append(race.run(task.baselines))
            faults |= race.faults
        return Accepted(
            measurements=tuple(measurements),
            error=examiner.differences.stats(),
            provenance=where,
            phases_s={},
            wall_s=0.0,
            findings=tuple(examiner.findings),
            baseline_faults=faults,
        )

    def _setting(self, task: Task, workload_name: str) -> Setting:
        if self._problem is None or self._problem.problem != task.problem:
            self._forget()
            self._problem = LoadedProblem(task.problem)
        # One device and one seed at a time: the weights of others would pile up.
        if (wanted := (task.target.device, task.seed)) != self._settings_of:
            self._forget()
            self._settings_of = wanted
        if workload_name not in self._settings:
            workload = next(w for w in task.workloads if w.name == workload_name)
            device = torch.device(task.target.device)
            self._settings[workload_name] = Setting(
                self._problem, workload, device, derive(task.seed, "weights")
            )
        return self._settings[workload_name]

    def _forget(self) -> None:
        self._settings.clear()
        if "torch._dynamo" in sys.modules:  # resetting it would import it, which takes seconds
            torch.compiler.reset()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _release(self) -> None:
        for setting in self._settings.values():
            setting.close_arenas()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _rejection(self, error: Misbehaved, where: Provenance, phases: Phases) -> Rejected:
        return Rejected(
            stage=error.stage,
            reason=error.finding.message,
            findings=(error.finding,),
            error=error.error,
            log=error.log,
            provenance=where,
            phases_s=phases.seconds,
        )


def _with_wall(verdict: Verdict, phases: Phases, wall_s: float) -> Verdict:
    if isinstance(verdict, Faulted):
        return msgspec.structs.replace(verdict, wall_s=wall_s)
    rounded = {name: round(seconds, 4) for name, seconds in phases.seconds.items()}
    return msgspec.structs.replace(verdict, wall_s=wall_s, phases_s=rounded)
