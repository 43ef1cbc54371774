"""Judge a program for another engine: one warm verifier a process, a number, and words for its prompt.

The evaluators that `warpsmith export` writes call this; knows no engine.
"""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import InfrastructureError
from warpsmith.core.task import Task, Tier, Track
from warpsmith.core.trial import Judged, Proposal, Trial
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Stage, Verdict
from warpsmith.problems import load
from warpsmith.propose.prompting import said_of
from warpsmith.search import views
from warpsmith.verify import Verifier
from warpsmith.verify.batch import Asked
from warpsmith.verify.scan import candidate_of, decode_source

SCORE = "combined_score"


class Scored(NamedTuple):
    """What a program is worth.

    Attributes:
        is_accepted: whether it is right and was timed.
        metrics: `combined_score`: the speedup over the first baseline, at most 1 for a passthrough, and 0
            where it was rejected; `accepted`: 1 or 0; `progress`: how far it came, in [0, 1]; `speedup over
            NAME` of each baseline that was timed.
        feedback: what the verifier said, for the next prompt.
    """

    is_accepted: bool
    metrics: dict[str, float]
    feedback: str


class Evaluation:
    """Scores programs for one problem; safe to call from several threads, one program at a time.

    Inputs are drawn under a seed of this process's own.

    Args:
        problem: file of the problem.
        device: `cpu` or `cuda:N`.
        tier: `screen`, `verify` or `certify`.
        baselines: names; the first one decides the score.
        kernels, precision, shapes: the track, as for `warpsmith verify`.
    """

    def __init__(  # noqa: PLR0913 - one keyword a choice
        self,
        problem: str | Path,
        *,
        device: str = "auto",
        tier: str = "verify",
        baselines: tuple[str, ...] = ("eager",),
        kernels: str = "library-allowed",
        precision: str = "declared",
        shapes: str = "declared",
    ) -> None:
        self._problem = load(str(problem))
        self._asked = Asked(
            device=device,
            tier=Tier(tier),
            baselines=baselines,
            seed=None,
            track=msgspec.convert({"kernels": kernels, "precision": precision, "shapes": shapes}, Track),
        )
        self._lock = threading.Lock()
        self._owner = 0
        self._verifier: Verifier | None = None
        self._task: Task | None = None

    def score(self, path: str | Path) -> Scored:
        """Return what the program in the file `path` is worth.

        Raises:
            InfrastructureError: there is no verdict, since the machine failed; that says nothing about the
                program.
            UsageError: there is no such file, device or baseline.
        """
        source = decode_source(Path(path).read_bytes())
        with self._lock:
            verifier, task = self._warm()
            if isinstance(source, Rejected):
                return scored(task, None, source)
            candidate = candidate_of(source)
            return scored(task, candidate, verifier.verify(task, candidate))

    def close(self) -> None:
        """End the verifier; the next score starts another."""
        if self._verifier is not None and self._owner == os.getpid():
            self._verifier.close()
        self._verifier = None

    def _warm(self) -> tuple[Verifier, Task]:
        # After a fork the verifier is the parent's.
        if self._verifier is None or self._task is None or self._owner != os.getpid():
            self._verifier, self._owner = Verifier(), os.getpid()
            atexit.register(self.close)
            self._task = self._asked.task(self._verifier.target(self._asked.device), self._problem)
        return self._verifier, self._task


def scored(task: Task, candidate: Candidate | None, verdict: Verdict) -> Scored:
    """Return what a verdict is worth.

    Raises:
        InfrastructureError: it is none.
    """
    if isinstance(verdict, Faulted):
        raise InfrastructureError(f"there is no verdict: {verdict.reason}")
    trial = Trial(
        number=0,
        task_id=task.id,
        proposal=Proposal(proposer="export", variant="", candidate=candidate),
        outcome=Judged(verdict=verdict),
        finished_at="",
    )
    stages = tuple(Stage)
    is_accepted = isinstance(verdict, Accepted)
    came = stages.index(verdict.stage) if isinstance(verdict, Rejected) else len(stages)
    metrics = {
        SCORE: (views.score(trial, task.baselines[0]) if task.baselines else None) or 0.0,
        "accepted": float(is_accepted),
        "progress": came / len(stages),
    }
    if isinstance(verdict, Accepted):
        metrics |= {f"speedup over {name}": verdict.ratio(name) for name in verdict.baselines}
    return Scored(is_accepted, metrics, said_of(trial, task))
