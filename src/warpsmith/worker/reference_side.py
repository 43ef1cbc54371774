"""The trusted side of a verification: it owns references, inputs, comparison and baselines.

Warm between jobs: it keeps the last problem's live references and compiled baselines.
Never imports candidate code; a candidate's faults arrive as `Misbehaved` and leave as
`Rejected`, its own as `Faulted`.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from typing import TypeGuard

import msgspec
import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.provenance import Provenance
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task, Tier
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Verdict
from warpsmith.worker import tools
from warpsmith.worker.arena import ArenaError
from warpsmith.worker.building import Builds
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.certify import Certifier, Uncertifiable
from warpsmith.worker.control import ControlRoom
from warpsmith.worker.current_device import make_current
from warpsmith.worker.failures import OUT_OF_MEMORY
from warpsmith.worker.inputs import LoadedProblem, ProblemError
from warpsmith.worker.job import BuildJob, Built, Job
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.phases import Phases
from warpsmith.worker.probe_env import provenance, software
from warpsmith.worker.race import TooBusy
from warpsmith.worker.setting import Setting
from warpsmith.worker.turns import Turns, device_key
from warpsmith.worker.verification import Verification

# Where outside tools can look at a candidate's kernels.
TOOLED = frozenset({"cuda"})
EXHAUSTED = "the reference side ran out of memory"
CROWDED = "beside other verifications"


class ReferenceSide:
    """Verifies one candidate at a time on one device.

    Args:
        nursery: what starts candidates; None makes one.
        tooled: kinds of device whose certification runs outside tools; only tests give another.
    """

    def __init__(self, nursery: Nursery | None = None, tooled: frozenset[str] = TOOLED) -> None:
        self._nursery = nursery
        self._tooled = tooled
        self._control = ControlRoom()
        self._problem: LoadedProblem | None = None
        self._settings: dict[str, Setting] = {}
        self._settings_of: tuple[str, int, bool] | None = None
        self._software = software()
        self._builds = Builds(self._software)

    def verify(self, job: Job) -> Verdict:
        """Return the verdict on `job`."""
        start = time.monotonic()
        phases = Phases()
        try:
            with contextlib.ExitStack() as held:
                turns = Turns(device_key(torch.device(job.task.target.device)))
                with phases("waiting"):
                    visit = held.enter_context(turns.visit(alone=job.is_alone))
                verdict = self._verified(job, phases)
                if _is_out_of_memory(verdict) and visit.ends_in_company():
                    # Whose memory it was that ran out can't be told; alone on the device it can.
                    verdict = Faulted(reason=f"{CROWDED}: {verdict.reason}", cause="memory")
        except InfrastructureError as error:
            verdict = Faulted(reason=str(error))
        return _with_wall(verdict, phases, time.monotonic() - start)

    def _verified(self, job: Job, phases: Phases) -> Verdict:
        device = torch.device(job.task.target.device)
        make_current(device)
        process: CandidateProcess | None = None
        stale: Nursery | None = None
        where: Provenance | None = None
        verdict: Verdict
        try:
            self._require_tools(job.task)
            with phases("import"):
                process = self._start(job.task, device)
                control = self._control.process(device, lambda: self._start(job.task, device))
            where = provenance(job.task, device, self._software, process.grade, process.lacks)
            verification = Verification(job.task, process, control, self._builds, phases)
            verdict = self._examined(job, verification, phases, where)
        except Misbehaved as error:
            verdict = self._rejection(error, where, phases)
        except ProblemError as error:
            verdict = Faulted(reason=str(error), cause="problem")
        except TooBusy as error:
            verdict = Faulted(reason=str(error), cause="noise")
        except Uncertifiable as error:
            verdict = Faulted(reason=str(error), log=error.log)
        except InfrastructureError as error:
            self._control.close()
            stale, self._nursery = self._nursery, None  # it may be what failed; the next gets a new one
            verdict = Faulted(reason=str(error))
        except (torch.cuda.OutOfMemoryError, MemoryError, ArenaError) as error:
            verdict = Faulted(reason=f"{EXHAUSTED}: {str(error).splitlines()[0]}", cause="memory")
        finally:
            if process is not None:
                process.end()
            self._release()
            if stale is not None:
                stale.close()
        return verdict

    def build(self, job: BuildJob) -> Built | Rejected | Faulted:
        """Build a candidate in a process of its own, which ends with it; what it compiled is kept."""
        start = time.monotonic()
        phases = Phases()
        process: CandidateProcess | None = None
        try:
            with phases("import"):
                process = self._start(job.task, torch.device(job.task.target.device))
            with phases("build"):
                loaded = self._builds.load(process, job.task, job.candidate)
            process.end()
            return Built(
                key=loaded.key,
                build_s=phases.seconds["build"],
                is_cached=loaded.is_cached,
                is_kept=loaded.is_kept,
                log=process.log,
            )
        except Misbehaved as error:
            rejected = self._rejection(error, None, phases)
            return msgspec.structs.replace(rejected, wall_s=time.monotonic() - start)
        except InfrastructureError as error:
            self._control.close()
            self._nursery = None  # it may be what failed; the next candidate gets a new one
            return Faulted(reason=str(error), wall_s=time.monotonic() - start)
        finally:
            if process is not None:
                process.end()

    def nursery(self) -> Nursery:
        """Return what starts candidates; a new one where the last failed."""
        if self._nursery is None:
            self._nursery = Nursery()
        return self._nursery

    def close(self) -> None:
        """End what it has started."""
        self._control.close()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _start(self, task: Task, device: torch.device) -> CandidateProcess:
        return CandidateProcess(self.nursery(), device, task.limits)

    def _examined(self, job: Job, verification: Verification, phases: Phases, where: Provenance) -> Accepted:
        verification.load(job.candidate)
        settings = []
        with verification.preparing():
            for workload in job.task.workloads:
                with phases("reference"):
                    settings.append(self._setting(job.task, workload.name))
        verification.compare(settings)
        verification.time(settings)
        conditions = where.conditions | {"throttled_rounds": verification.throttled_rounds}
        accepted = verification.accepted(settings, msgspec.structs.replace(where, conditions=conditions))
        if job.task.tier is not Tier.CERTIFY:
            return accepted
        verification.end()
        device = torch.device(job.task.target.device)
        certifier = Certifier(
            job.task,
            job.candidate,
            lambda: self._start(job.task, device),
            self.nursery(),
            phases,
            has_tools=device.type in self._tooled,
        )
        return certifier.certify(accepted, settings, verification.differences)

    def _require_tools(self, task: Task) -> None:
        """Find out before anything else whether a certification can be had."""
        is_asked = task.tier is Tier.CERTIFY and task.target.device_type in self._tooled
        if is_asked and (lacking := tools.missing()):
            raise Uncertifiable(lacking)

    def _setting(self, task: Task, workload_name: str) -> Setting:
        if self._problem is None or self._problem.problem != task.problem:
            self._forget()
            self._problem = LoadedProblem(task.problem)
        # One device and one seed at a time: the weights of others would pile up.
        is_varying = task.track.inputs == "any"
        if (wanted := (task.target.device, task.seed, is_varying)) != self._settings_of:
            self._forget()
            self._settings_of = wanted
        if workload_name not in self._settings:
            workload = next(w for w in task.workloads if w.name == workload_name)
            device = torch.device(task.target.device)
            self._settings[workload_name] = Setting(
                self._problem, workload, device, derive(task.seed, "weights"), is_varying=is_varying
            )
        return self._settings[workload_name]

    def _forget(self) -> None:
        self._settings.clear()
        gc.collect()  # a setting and its domain hold each other
        if "torch._inductor.compile_fx" in sys.modules:  # else a reset only imports, for seconds
            torch.compiler.reset()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _release(self) -> None:
        self._control.detach()
        for setting in self._settings.values():
            setting.exchange.close()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _rejection(self, error: Misbehaved, where: Provenance | None, phases: Phases) -> Rejected:
        return Rejected(
            stage=error.stage,
            reason=error.finding.message,
            findings=(error.finding,),
            error=error.error,
            log=error.log,
            provenance=where,
            phases_s=phases.seconds,
        )


def _is_out_of_memory(verdict: Verdict) -> TypeGuard[Rejected | Faulted]:
    if isinstance(verdict, Rejected):
        return any(finding.check == OUT_OF_MEMORY for finding in verdict.findings)
    return isinstance(verdict, Faulted) and verdict.cause == "memory"


def _with_wall(verdict: Verdict, phases: Phases, wall_s: float) -> Verdict:
    if isinstance(verdict, Faulted):
        return msgspec.structs.replace(verdict, wall_s=wall_s)
    rounded = {name: round(seconds, 4) for name, seconds in phases.seconds.items()}
    return msgspec.structs.replace(verdict, wall_s=wall_s, phases_s=rounded)
