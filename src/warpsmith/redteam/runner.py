"""Have every case verified like any candidate, and say what became of it.

Knows the cases and the verifier's front door; nothing of how a verdict comes about.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal, Self, TypeAlias

import msgspec

from warpsmith.core.task import Effort, Target, Task
from warpsmith.core.verdict import Accepted, Faulted, Verdict
from warpsmith.problems import load
from warpsmith.redteam.corpus import Case
from warpsmith.redteam.harden import hardened
from warpsmith.verify import Verifier
from warpsmith.verify.scan import candidate_of
from warpsmith.worker.backends import BACKENDS

Form: TypeAlias = Literal["plain", "hardened"]

# Enough for every check to have its evidence; intervals may stay wide.
QUICK = Effort(seeds=2, timing_s=1.5, precision=0.02, max_samples=100)
ITSELF = "\n\nclass ModelNew(Model):\n    pass\n"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of one case in one form.

    Attributes:
        status: of the verdict; `passthrough` where it was accepted and labelled as no win.
        by: name of the decisive finding, or of what took the gain from one that was accepted:
            `passthrough`, `charged`; empty where nothing did.
        reason: the verdict's, for people.
        speedup: over eager, where it was timed.
        is_right: an attack was refused, or an honest kernel accepted.
        is_as_said: an attack was refused by what its file says.
    """

    kind: Literal["attack", "honest"]
    name: str
    form: Form
    status: Literal["accepted", "passthrough", "rejected", "faulted"]
    by: str
    reason: str
    speedup: float | None
    is_right: bool
    is_as_said: bool
    wall_s: float


class RedTeam:
    """Runs cases on one device, several at a time where asked.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        is_quick: fewer seeds and shorter timing than a default verdict has.
        jobs: verifiers at work at the same time; timing takes turns on the device by itself.
        forms: which forms of the attacks to run.
    """

    def __init__(
        self,
        device: str = "auto",
        *,
        is_quick: bool = False,
        jobs: int = 1,
        forms: tuple[Form, ...] = ("plain", "hardened"),
    ) -> None:
        self._device = device
        self._is_quick = is_quick
        self._jobs = jobs
        self._forms = forms
        self._own = threading.local()
        self._verifiers: list[Verifier] = []
        self._lock = threading.Lock()
        self._eager_ns: dict[Path, float] = {}
        self.target: Target | None = None

    def __enter__(self) -> Self:
        self.target = self._verifier().target(self._device)
        return self

    def __exit__(self, *exception: object) -> None:
        for verifier in self._verifiers:
            verifier.close()

    def _verifier(self) -> Verifier:
        """Return this thread's verifier."""
        if not hasattr(self._own, "verifier"):
            self._own.verifier = Verifier()
            with self._lock:
                self._verifiers.append(self._own.verifier)
        verifier: Verifier = self._own.verifier
        return verifier

    def plan(self, cases: Sequence[Case]) -> list[tuple[Case, Form]]:
        """Return what there is to run here: cases for this device, attacks in every form asked for."""
        target = self._here()
        mine = [case for case in cases if target.device_type in case.devices]
        return [
            (case, form) for case in mine for form in (self._forms if case.kind == "attack" else ("plain",))
        ]

    def run(self, planned: Sequence[tuple[Case, Form]], seconds: float | None = None) -> Iterator[Outcome]:
        """Yield outcomes as they come.

        Args:
            planned: from `plan`, or a part of it.
            seconds: after which no case is begun any more; None sets no limit.
        """
        end = math.inf if seconds is None else time.monotonic() + seconds

        def tried(case: Case, form: Form) -> Outcome | None:
            return self.try_one(case, form) if time.monotonic() < end else None

        if self._jobs == 1:
            yield from (outcome for each in planned if (outcome := tried(*each)) is not None)
            return
        with ThreadPoolExecutor(self._jobs) as pool:
            pending = [pool.submit(tried, case, form) for case, form in planned]
            try:
                for done in as_completed(pending):
                    if (outcome := done.result()) is not None:
                        yield outcome
            finally:
                for future in pending:
                    future.cancel()

    def try_one(self, case: Case, form: Form) -> Outcome:
        """Have one case verified."""
        source = case.source
        if form == "hardened":
            pace_ns = self._eager(case.problem) if case.pace == "wrap" else 0.0
            source = hardened(source, case.pace, self._here().device_type, pace_ns)
        return outcome_of(case, form, self._verdict(case, source))

    def _verdict(self, case: Case, source: str) -> Verdict:
        candidate = candidate_of(source)
        if self._here().device_type not in BACKENDS.make(candidate.backend).device_types:
            # What builds its C code itself is a Python module like any other.
            candidate = candidate_of(source, "torch")
        return self._verifier().verify(self._task(case.problem, case), candidate)

    def _task(self, problem: Path, case: Case | None = None) -> Task:
        task = self._verifier().task(
            load(str(problem)),
            self._here(),
            seed=secrets.randbits(63),
            baselines=("eager",),
            track=case.track if case else None,
        )
        return msgspec.structs.replace(task, effort=QUICK) if self._is_quick else task

    def _eager(self, problem: Path) -> float:
        """Median time of the reference on this device, in ns: what an attack's author would know, too."""
        if problem not in self._eager_ns:
            itself = candidate_of(problem.read_text(encoding="utf-8") + ITSELF)
            verdict = self._verifier().verify(self._task(problem), itself)
            if not isinstance(verdict, Accepted):
                return 1e6  # the honest cases say that something is wrong here
            self._eager_ns[problem] = verdict.baseline_time("eager").value
        return self._eager_ns[problem]

    def _here(self) -> Target:
        if self.target is None:
            raise RuntimeError("a red team is used in a with statement")
        return self.target


def outcome_of(case: Case, form: Form, verdict: Verdict) -> Outcome:
    """Say what a verdict means for a case."""
    status: Literal["accepted", "passthrough", "rejected", "faulted"]
    by, speedup, reason = "", None, ""
    if isinstance(verdict, Accepted):
        status = "passthrough" if verdict.is_passthrough else "accepted"
        speedup = verdict.ratio("eager") if "eager" in verdict.baselines else None
        by = _without_gain(case, verdict)
    elif isinstance(verdict, Faulted):
        status, reason = "faulted", verdict.reason
    else:
        status, reason = "rejected", verdict.reason
        by = verdict.findings[0].check if verdict.findings else verdict.stage.value
    return Outcome(
        kind=case.kind,
        name=case.name,
        form=form,
        status=status,
        by=by,
        reason=reason,
        speedup=speedup,
        is_right=_is_right(case, status, by),
        is_as_said=case.kind == "honest" or by in case.stopped_by,
        wall_s=verdict.wall_s,
    )


def _without_gain(case: Case, verdict: Accepted) -> str:
    """Say why an accepted candidate gains nothing; empty where it may."""
    if "charged" in case.stopped_by and "eager" in verdict.baselines and verdict.speedup("eager").low <= 1:
        return "charged"
    return "passthrough" if verdict.is_passthrough else ""


def _is_right(case: Case, status: str, by: str) -> bool:
    if case.kind == "honest":
        return status in {"accepted", "passthrough"}
    return status == "rejected" or (by in {"passthrough", "charged"} and by in case.stopped_by)
