"""One candidate's way through a verification: built, compared, timed, judged.

On the reference side. It knows the order of the passes and what they add up to; how each is
done stands in `exam`, `race` and the checks.
"""

from __future__ import annotations

import ast
import contextlib
import random
from collections.abc import Iterator
from typing import Literal

import msgspec
import torch

from warpsmith.checks import CHECKS
from warpsmith.checks.evidence import Census, Evidence
from warpsmith.core.candidate import Candidate
from warpsmith.core.provenance import Provenance
from warpsmith.core.roofline import MARGIN
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Finding, Measurement, Stage
from warpsmith.worker.building import Builds
from warpsmith.worker.caller import Caller
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.compare import Differences
from warpsmith.worker.exam import Examiner
from warpsmith.worker.phases import Phases
from warpsmith.worker.race import Race
from warpsmith.worker.setting import Setting
from warpsmith.worker.timers import DEFAULT_TIMER
from warpsmith.worker.timers.flush import flush_room
from warpsmith.worker.turns import Turns, device_key


class Verification:
    """Everything that happens to one candidate after its process was started."""

    def __init__(
        self,
        task: Task,
        process: CandidateProcess,
        control: CandidateProcess,
        builds: Builds,
        phases: Phases,
    ) -> None:
        self._task = task
        self._builds = builds
        self._phases = phases
        self._timer = DEFAULT_TIMER[task.target.device_type]
        flush_bytes = flush_room(task.target.device)
        rng = random.Random(derive(task.seed, "calls"))
        self._control = Caller(control, self._timer, flush_bytes, rng)
        self._examiner = Examiner(
            task, Caller(process, self._timer, flush_bytes, rng), phases, lambda: self._turn("shared")
        )
        self._measurements: list[Measurement] = []
        self._baseline_faults: dict[str, str] = {}
        self._turns = Turns(device_key(torch.device(task.target.device)))
        process.aside = self._turns.aside
        self._census: Census | None = None
        self.throttled_rounds = 0

    def load(self, candidate: Candidate) -> None:
        """Import and build the candidate.

        Raises:
            Misbehaved: it does not import.
        """
        with self._phases("build"):
            self._builds.load(self._examiner.process, self._task, candidate)
        self._examiner.findings += advice(candidate.source)

    @contextlib.contextmanager
    def preparing(self) -> Iterator[None]:
        """Share the device while references are made live."""
        with self._turn("shared"):
            yield

    def compare(self, settings: list[Setting]) -> None:
        """Check every workload before any is timed: a wrong answer should be cheap.

        Raises:
            Misbehaved: it is wrong somewhere.
        """
        for setting in settings:
            self._examiner.enter(setting)
            self._examiner.check(setting)
            if self._task.track.shapes == "any":
                self._examiner.shapes(setting)

    def time(self, settings: list[Setting]) -> None:
        """Race the candidate on every workload and let the checks judge what was seen.

        Raises:
            Misbehaved: what was timed was wrong, or a check convicts.
            TooBusy: nothing convicts, and the clocks can't bear the times out.
        """
        for setting in settings:
            race = Race(self._examiner, self._control, setting, self._timer)
            if len(settings) > 1:
                self._examiner.enter(setting)
            with self._turn("shared"), self._phases("reference"):
                setting.bounds.count()
            race.warm_up(self._task.baselines)
            with self._turn("alone"):
                with self._phases("reference"):
                    floor = setting.bounds.floor
                    light = setting.bounds.light(is_reduced=self._task.track.precision == "reduced")
                measurement = msgspec.structs.replace(race.run(floor), light=light)
            self._examiner.findings += beyond_light(measurement, self._task.target.device_type)
            self._measurements.append(measurement)
            self._baseline_faults |= race.faults
            self.throttled_rounds += race.throttled_rounds
            if self._census is None:
                self._census = self._examiner.survey(setting)
            self._judge(measurement, setting.float_dtypes)
            race.require_sharp_clocks()

    @contextlib.contextmanager
    def _turn(self, how: Literal["shared", "alone"]) -> Iterator[None]:
        """Wait for a turn on the device, by the clock of a phase of its own."""
        turn = self._turns.alone() if how == "alone" else self._turns.shared()
        with contextlib.ExitStack() as held:
            with self._phases("waiting"):
                held.enter_context(turn)
            yield

    def _judge(self, measurement: Measurement, dtypes: tuple[str, ...]) -> None:
        evidence = Evidence(
            workload=measurement.workload,
            device_type=self._task.target.device_type,
            track=self._task.track,
            median_ns=measurement.timing.median_ns,
            witness=measurement.witness,
            floor=measurement.floor,
            facts=tuple(self._examiner.facts),
            census=self._census,
            dtypes=dtypes,
        )
        for name in CHECKS:
            if finding := CHECKS.make(name).judge(evidence):
                process = self._examiner.process
                process.end()
                message = f"{finding.message} (workload {measurement.workload!r})"
                raise Misbehaved(Stage.PROBE, Finding(check=finding.check, message=message), process.log)

    def accepted(self, settings: list[Setting], provenance: Provenance) -> Accepted:
        """Return the verdict on a candidate that came this far."""
        return Accepted(
            measurements=tuple(self._measurements),
            error=self._examiner.differences.stats(),
            provenance=provenance,
            phases_s={},
            wall_s=0.0,
            findings=tuple(self._examiner.findings),
            baseline_faults=self._baseline_faults,
            track=self._task.track,
            shapes=self._shapes(settings),
            determinism="bitwise" if self._examiner.is_bitwise else "close",
            own_share=None if self._census is None else self._census.own_share,
        )

    @property
    def differences(self) -> Differences:
        """How far all outputs that were compared were off."""
        return self._examiner.differences

    def end(self) -> None:
        """Be done with the candidate's process."""
        self._examiner.process.end()

    def _shapes(self, settings: list[Setting]) -> Literal["any", "declared"]:
        """Say what shapes it is right for; where none could be derived, no more than the declared."""
        if not any(setting.crops() for setting in settings):
            return "declared"
        is_right = self._task.track.shapes == "any" or self._examiner.is_right_elsewhere(settings[-1])
        return "any" if is_right else "declared"


def beyond_light(measurement: Measurement, device_type: str) -> list[Finding]:
    """Return a finding where a time lies below the bound: the count or a ceiling is off, or the work is."""
    light, median_ns = measurement.light, measurement.timing.median_ns
    if light is None or light.fraction(median_ns) <= MARGIN[device_type]:
        return []
    message = (
        f"on workload {measurement.workload!r} it takes {median_ns:.0f} ns, below the bound of "
        f"{light.bound_ns:.0f} ns ({light.limit}); look at how it does with less before calling it a record"
    )
    return [Finding(check="above_bound", message=message)]


def advice(source: str) -> list[Finding]:
    """Return what the checks would have a reader of the source look at; it rejects nobody."""
    tree = ast.parse(source)
    return [finding for name in CHECKS for finding in CHECKS.make(name).scan(tree)]
