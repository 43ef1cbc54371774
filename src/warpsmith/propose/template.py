"""Propose kernels written from templates: what the reference computes decides which one."""

from __future__ import annotations

import time

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import WorkerDied
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal
from warpsmith.propose.base import Wish, tried_variants
from warpsmith.propose.templates.catalogue import Written, candidates
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.worker_process import RequestFailed
from warpsmith.worker.backends.cuda import find_nvcc

NAME = "template"
NO_TEMPLATE = "none"


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Triton and CUDA on a GPU, C++ on a CPU, for references that are a known pattern of operators.

    Attributes:
        backends: names of backends to write for, in order of preference; empty takes all as they come.
        variants: most variants to propose; tuning goes on from them.
    """

    backends: tuple[str, ...] = ()
    variants: int = 12

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the first variant that was not tried; that there is no template is a proposal too."""
        tried = tried_variants(wish.trials, NAME)
        if NO_TEMPLATE in tried:
            return None
        started = time.monotonic()
        written, reason = self._written(wish.task, workshop)
        wall_s = time.monotonic() - started
        if not written:
            return Proposal(proposer=NAME, variant=NO_TEMPLATE, candidate=None, note=reason, wall_s=wall_s)
        new = next((each for each in written if each.variant not in tried), None)
        if new is None:
            return None
        candidate = Candidate(source=new.source, backend=new.backend)
        return Proposal(proposer=NAME, variant=new.variant, candidate=candidate, wall_s=wall_s)

    def _written(self, task: Task, workshop: Workshop) -> tuple[list[Written], str]:
        """Return the candidates, best first, or none and why."""
        try:
            traces = workshop.trace(task, derive(task.seed, NAME))
        except (RequestFailed, WorkerDied) as error:
            return [], str(error)
        written, reason = candidates(task.problem, task.target.device_type, traces)
        if self.backends:
            chosen = [each for name in self.backends for each in written if each.backend == name]
            return chosen[: self.variants], reason or f"no template is written for {', '.join(self.backends)}"
        if find_nvcc() is None:  # they would only use up the budget
            written = [each for each in written if each.backend != "cuda"]
        return written[: self.variants], reason
