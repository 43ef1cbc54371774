"""What the tier `certify` adds, once a candidate is accepted: more processes, and outside tools.

On the reference side. The comparison is made again in fresh processes on inputs of their own, so that
an answer that hangs on a process is found. On a GPU the candidate also runs below compute-sanitizer and
Nsight Compute, which convict and never acquit: they watch from inside its sandbox.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import torch

from warpsmith.core.candidate import Candidate
from warpsmith.core.codec import encode
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Finding, Measurement, Stage
from warpsmith.worker import tools
from warpsmith.worker.arena import Arena
from warpsmith.worker.building import load_step
from warpsmith.worker.caller import Caller
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.compare import Differences
from warpsmith.worker.errand import DATA_FILE, DONE, ERRAND_FILE, Errand, Visit
from warpsmith.worker.exam import Ask, Examiner, touched_pair
from warpsmith.worker.exchange import fill
from warpsmith.worker.launched import Ran, run_program
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.phases import Phases
from warpsmith.worker.setting import Setting
from warpsmith.worker.steps import ArenaHandle
from warpsmith.worker.timers import DEFAULT_TIMER
from warpsmith.worker.timers.flush import flush_room
from warpsmith.worker.trees import ALIGNMENT_BYTES, offsets, tensor_leaves
from warpsmith.worker.turns import Turns, device_key

IN_WORDS = "three processes"
# Labels of one process's inputs begin here times its number: far from those of the first.
LABELS = 1_000_000
SANITIZED_CALLS = 2
# The first calls compile and tune.
WARM_CALLS = 3
PROFILED_CALLS = 5
# What a call may take around its kernels before it is worth a note.
LAUNCH_NS = 5_000.0
LOG_CHARACTERS = 6000
# Every tensor in an allocation of its own, so that the tool knows where it ends. Whoever captures a CUDA
# graph needs the allocator's pools, and gets them at a second attempt.
UNCACHED = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
PLAIN_NUMBERS = {"LC_ALL": "C.UTF-8"}
REFUSED_COUNTERS = "ERR_NVGPUCTRPERM"
COUNTERS_REMEDY = (
    "certify: Nsight Compute may not read the GPU's performance counters in a candidate's sandbox; load the "
    "nvidia module with NVreg_RestrictProfilingToAdminUsers=0, or ask for --tier verify"
)


class Uncertifiable(Exception):
    """A certification can't be had here, through no fault of the candidate's; its text is a sentence."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(reason)
        self.log = log


class Parcel(NamedTuple):
    """What solo needs of one or more workloads.

    Attributes:
        data: their weights, arguments and inputs, one after the other, on the host.
    """

    data: Arena
    visits: tuple[Visit, ...]


class Certifier:
    """The certification of one candidate that was accepted.

    Args:
        task: what it was accepted for.
        candidate: its source.
        start: starts a fresh process for it.
        nursery: what starts programs behind walls.
        phases: where wall time is charged.
        has_tools: whether the tools can look at this target.
    """

    def __init__(  # noqa: PLR0913 - what one candidate's certification needs
        self,
        task: Task,
        candidate: Candidate,
        start: Callable[[], CandidateProcess],
        nursery: Nursery,
        phases: Phases,
        *,
        has_tools: bool,
    ) -> None:
        self._task = task
        self._candidate = candidate
        self._start = start
        self._nursery = nursery
        self._phases = phases
        self._has_tools = has_tools
        self._turns = Turns(device_key(torch.device(task.target.device)))

    def certify(self, accepted: Accepted, settings: Sequence[Setting], differences: Differences) -> Accepted:
        """Return the verdict with what was done beyond it.

        Args:
            accepted: the verdict so far.
            settings: the workloads.
            differences: of all outputs so far; those of the further processes are added.

        Raises:
            Misbehaved: the candidate fails in another process, or a tool convicts it.
            Uncertifiable: a tool gives no result.
        """
        for number in range(2, tools.PROCESSES + 1):
            self._compare_again(number, settings, differences)
        done, notes = [IN_WORDS], list[Finding]()
        if self._has_tools:
            with self._phases("certify"):
                # First what takes least, and is refused most often by a host.
                times, notes = self._profile_all(settings, accepted.measurements)
                notes += self._sanitize(settings)
            done += [*tools.SANITIZERS, *times]
        return msgspec.structs.replace(
            accepted,
            certified=tuple(done),
            findings=(*accepted.findings, *notes),
            error=differences.stats(),
        )

    def _compare_again(self, number: int, settings: Sequence[Setting], differences: Differences) -> None:
        """Compare every workload in a fresh process, on inputs that no process has seen."""
        seed = derive(self._task.seed, "process", number)
        task = msgspec.structs.replace(self._task, seed=seed)
        rng = random.Random(derive(seed, "calls"))
        device = task.target.device
        with self._turns.shared(), self._fresh() as process:
            caller = Caller(process, DEFAULT_TIMER[task.target.device_type], flush_room(device), rng)
            examiner = Examiner(task, caller, self._phases)
            examiner.differences = differences
            try:
                with self._phases("build"):
                    step = load_step(task, self._candidate, str(process.scratch))
                    process.ask(step, stage=Stage.BUILD, limit_s=task.limits.build_s)
                for setting in settings:
                    examiner.enter(setting)
                    for ask in self._plan(number, setting, rng):
                        examiner.put(setting, ask, Stage.COMPARE)
            except Misbehaved as error:
                message = f"in fresh process {number} of {tools.PROCESSES}: {error.finding.message}"
                finding = msgspec.structs.replace(error.finding, message=message)
                raise Misbehaved(error.stage, finding, error.log, error.error) from error

    def _plan(self, number: int, setting: Setting, rng: random.Random) -> list[Ask]:
        first = number * LABELS
        seeds = self._task.effort.seeds
        shapes = setting.crops() if self._task.track.shapes == "any" else ()
        families = setting.families() if self._task.track.inputs == "any" else ()
        strange = [*(family for family in families if family != "own"), *shapes]
        rest = [touched_pair(first + label) for label in range(1, seeds)]
        rest += [[Ask(first + seeds + label, family)] for label, family in enumerate(strange)]
        rng.shuffle(rest)
        return [ask for group in (touched_pair(first), *rest) for ask in group]

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[CandidateProcess]:
        with self._phases("import"):
            process = self._start()
        try:
            yield process
        finally:
            process.end()

    def _sanitize(self, settings: Sequence[Setting]) -> list[Finding]:
        """Run every sanitizer around calls of all workloads."""
        with self._parcel(settings) as parcel, self._turns.shared():
            return [note for tool in tools.SANITIZERS for note in self._sanitize_by(tool, parcel)]

    def _sanitize_by(self, tool: str, parcel: Parcel) -> list[Finding]:
        name = f"compute-sanitizer's {tool}"
        errand = self._errand(parcel, warm_calls=0, calls=SANITIZED_CALLS, flush_bytes=0)
        for environment in (UNCACHED, {}):
            ran = self._run(tools.sanitizer_words(tool), parcel, errand, environment)
            report = tools.sanitizer_report(tool, ran.text)
            is_done = report is not None and (report.errors or DONE in ran.text)
            if is_done or not ran.how:
                break
        if report is not None and report.errors:
            message = f"{name} counts errors: {report.errors}; the first: {report.first}"
            raise Misbehaved(Stage.PROBE, Finding(check="sanitizer", message=message), _tail(ran.text))
        if report is None or DONE not in ran.text:
            raise self._no_result(name, ran)
        if not report.shipped_errors:
            return []
        message = (
            f"{name} counts errors in kernels that torch ships, which are not held against the candidate: "
            f"{report.shipped_errors}; the first: {report.first}"
        )
        return [Finding(check="sanitizer", message=message)]

    def _profile_all(
        self, settings: Sequence[Setting], measurements: Sequence[Measurement]
    ) -> tuple[list[str], list[Finding]]:
        """Compare the stated time of each workload with what Nsight Compute says of its kernels."""
        times, notes = [], list[Finding]()
        for setting, measurement in zip(settings, measurements, strict=True):
            profile = self._profile(setting)
            where = f" on {measurement.workload}" if len(settings) > 1 else ""
            times.append(f"ncu {profile.total_ns / 1000:.1f} us{where}")
            notes += _notes_on(profile, measurement)
        return times, notes

    def _profile(self, setting: Setting) -> tools.Profile:
        flush_bytes = flush_room(self._task.target.device)
        with self._parcel([setting]) as parcel, self._turns.alone():
            errand = self._errand(
                parcel, warm_calls=WARM_CALLS, calls=PROFILED_CALLS, flush_bytes=flush_bytes
            )
            ran = self._run(tools.ncu_words(), parcel, errand, {})
        kernels = tools.profiled_kernels(ran.text)
        if not kernels or DONE not in ran.text:
            raise self._no_result("Nsight Compute", ran)
        return tools.profile_of(kernels, PROFILED_CALLS)

    def _run(
        self, words: tuple[str, ...], parcel: Parcel, errand: Errand, environment: dict[str, str]
    ) -> Ran:
        """Run solo below a tool, behind a candidate's walls."""
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        limits = self._task.limits
        size = parcel.data.handle.size_bytes
        written = os.memfd_create("warpsmith-errand", os.MFD_CLOEXEC)
        try:
            os.write(written, encode(errand))
            return run_program(
                self._nursery,
                self._task.target.device_type,
                # Its data are no work of the candidate's, so they take none of its room.
                msgspec.structs.replace(limits, scratch_bytes=limits.scratch_bytes + size),
                (*words, sys.executable, "-P", "-m", "warpsmith.worker.solo"),
                environment=PLAIN_NUMBERS | environment,
                files={ERRAND_FILE: written, DATA_FILE: _descriptor(parcel.data)},
                limit_s=tools.limit_s(limits),
            )
        finally:
            os.close(written)

    def _errand(self, parcel: Parcel, *, warm_calls: int, calls: int, flush_bytes: int) -> Errand:
        load = load_step(self._task, self._candidate, "")
        return Errand(
            load=load, visits=parcel.visits, warm_calls=warm_calls, calls=calls, flush_bytes=flush_bytes
        )

    @contextlib.contextmanager
    def _parcel(self, settings: Sequence[Setting]) -> Iterator[Parcel]:
        """Write down for solo how to construct each workload's module, and inputs for it."""
        with contextlib.ExitStack() as held:
            visits, parts = [], []
            end = 0
            for setting in settings:
                step, arena = setting.construct_step()
                held.callback(arena.close)
                placed = setting.place("certify")
                size = arena.handle.size_bytes
                inputs_start = end + -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
                visit = Visit(
                    construct=msgspec.structs.replace(step, arena=ArenaHandle(size_bytes=size)),
                    construct_start=end,
                    inputs=placed.inputs,
                    inputs_start=inputs_start,
                    layout=setting.output_tree,
                    seed=placed.run_seed,
                )
                visits.append(visit)
                parts.append((visit, arena, setting.exchange.placed_tensors(placed)))
                end = inputs_start + offsets([leaf for _, leaf in tensor_leaves(placed.inputs)])[1]
            data = Arena.create(end, torch.device("cpu"))
            held.callback(data.close)
            for visit, arena, tensors in parts:
                size = visit.construct.arena.size_bytes
                data.memory[visit.construct_start : visit.construct_start + size].copy_(arena.memory[:size])
                leaves = [leaf for _, leaf in tensor_leaves(visit.inputs)]
                fill(data, leaves, tensors, visit.inputs_start)
            yield Parcel(data, tuple(visits))

    def _no_result(self, name: str, ran: Ran) -> Uncertifiable:
        log = _tail(ran.text)
        if REFUSED_COUNTERS in ran.text:
            return Uncertifiable(COUNTERS_REMEDY, log)
        if not ran.how:
            limit_s = tools.limit_s(self._task.limits)
            return Uncertifiable(f"certify: {name} did not finish in {limit_s:g} s and was killed", log)
        return Uncertifiable(
            f"certify: {name} gave no result and {ran.how}; it says: {tools.last_words(ran.text)}", log
        )


def _notes_on(profile: tools.Profile, measurement: Measurement) -> list[Finding]:
    """Compare the two times.

    Raises:
        Misbehaved: what is stated is less than its kernels take one after the other.
    """
    stated_ns = measurement.timing.median_ns
    message = (
        f"{stated_ns / 1000:.1f} us are stated for a call with kernels of {profile.total_ns / 1000:.1f} us "
        f"by Nsight Compute (workload {measurement.workload!r}, launches: {profile.kernels:g})"
    )
    if stated_ns < profile.busiest_ns - profile.bound_ns:
        raise Misbehaved(Stage.TIME, Finding(check="ncu_disagrees", message=message))
    if stated_ns < profile.total_ns - profile.bound_ns:
        return [Finding(check="ncu_disagrees", message=f"{message}: those of several streams overlap")]
    if stated_ns > profile.total_ns + profile.bound_ns + LAUNCH_NS:
        return [Finding(check="ncu_disagrees", message=f"{message}: the rest is launches and waiting")]
    return []


def _descriptor(arena: Arena) -> int:
    if arena.descriptor is None:
        raise ValueError("only memory of the host has a descriptor")
    return arena.descriptor


def _tail(text: str) -> str:
    return text[-LOG_CHARACTERS:]
