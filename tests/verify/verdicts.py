"""Ask for a verdict and insist on its arm; after a bad one, insist that the verifier is as good as before."""

from __future__ import annotations

import os

from processes import workers_below
from sources import LIMITS, candidate, problem, task

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem
from warpsmith.core.task import Limits, Task
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Stage, Verdict
from warpsmith.verify import Verifier


class Judge:
    """A verifier whose verdicts are of the expected kind, or the test fails."""

    def __init__(self, verifier: Verifier, device: str = "cpu") -> None:
        self.verifier = verifier
        self.device = device

    def verdict(
        self, asked: Problem | Task | None, of: Candidate, *, limits: Limits | None = None
    ) -> Verdict:
        """Return the verdict on `of`; a problem is asked about cheaply."""
        if not isinstance(asked, Task):
            asked = task(asked, limits=limits or LIMITS, device=self.device)
        return self.verifier.verify(asked, of)

    def accepted(self, asked: Problem | Task | None, of: Candidate) -> Accepted:
        """Return the verdict, which accepts."""
        verdict = self.verdict(asked, of)
        assert isinstance(verdict, Accepted), verdict
        return verdict

    def rejected(
        self,
        asked: Problem | Task | None,
        of: Candidate,
        *,
        stage: Stage,
        check: str,
        limits: Limits | None = None,
    ) -> Rejected:
        """Return the verdict, which rejects at `stage` for `check` without harm to the trusted worker."""
        self.verifier.probe()  # starts the worker, if need be
        before = workers_below(os.getpid())
        verdict = self.verdict(asked, of, limits=limits)
        assert isinstance(verdict, Rejected), verdict
        assert (verdict.stage, verdict.findings[0].check) == (stage, check), verdict
        assert verdict.reason == verdict.findings[0].message
        assert_is_a_sentence(verdict.reason)
        assert workers_below(os.getpid()) == before, "the trusted worker was replaced: it crashed"
        self.still_works()
        return verdict

    def faulted(self, asked: Problem | Task | None, of: Candidate) -> Faulted:
        """Return the verdict, which gives no answer."""
        verdict = self.verdict(asked, of)
        assert isinstance(verdict, Faulted), verdict
        assert_is_a_sentence(verdict.reason)
        self.still_works()
        return verdict

    def still_works(self) -> None:
        """Insist that an honest candidate for an honest problem is accepted."""
        self.accepted(problem(), candidate())


def assert_is_a_sentence(reason: str) -> None:
    assert reason.strip() == reason
    assert "\n" not in reason
    assert "Traceback" not in reason
    assert 10 < len(reason) < 700
