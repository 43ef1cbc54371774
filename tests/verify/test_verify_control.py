"""A control that dies: a fault of the machine, and no candidate's."""

from __future__ import annotations

import os
import signal

from sources import RELU, candidate, problem, task

from warpsmith.core.verdict import Accepted, Faulted
from warpsmith.worker.job import Job
from warpsmith.worker.reference_side import ReferenceSide


def test_a_control_that_was_killed_is_no_candidates_fault_and_is_replaced() -> None:
    side = ReferenceSide()
    job = Job(task=task(problem(RELU)), candidate=candidate(RELU))
    try:
        assert isinstance(side.verify(job), Accepted)
        control = side._control._process  # noqa: SLF001 - nothing public leads to it
        assert control is not None
        for pid in control._inside():  # noqa: SLF001
            os.kill(pid, signal.SIGKILL)
        verdict = side.verify(job)
        assert isinstance(verdict, Faulted), verdict
        assert "the control of the clocks failed" in verdict.reason
        assert isinstance(side.verify(job), Accepted)
    finally:
        side.close()
