"""The control of the two clocks: a process like a candidate's that computes nothing.

It is forked like a candidate and stays warm between them; no candidate code ever enters it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.verdict import Stage
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.steps import Detach, Pose

ANSWER_S = 60.0


@contextlib.contextmanager
def blaming_nobody() -> Iterator[None]:
    """Turn what a control does wrong into a fault of the machine: no candidate's code is in it.

    Raises:
        InfrastructureError: the control failed.
    """
    try:
        yield
    except Misbehaved as error:
        raise InfrastructureError(f"the control of the clocks failed: {error}") from error


class ControlRoom:
    """Keeps one control, for one device at a time."""

    def __init__(self) -> None:
        self._process: CandidateProcess | None = None
        self._device = ""

    def process(self, device: torch.device, start: Callable[[], CandidateProcess]) -> CandidateProcess:
        """Return the control for `device`, made by `start` where there is none.

        Raises:
            InfrastructureError: it can't be had; no candidate is to blame.
        """
        if self._process is None or self._device != str(device):
            self.close()
            self._process, self._device = start(), str(device)
            self._ask(Pose(device=str(device), threads=torch.get_num_threads()))
        return self._process

    def detach(self) -> None:
        """Have it let go of the arenas, which are about to be freed."""
        if self._process is not None:
            try:
                self._ask(Detach())
            except InfrastructureError:
                self.close()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _ask(self, step: Pose | Detach) -> None:
        if self._process is None:
            return
        try:
            with blaming_nobody():
                self._process.ask(step, stage=Stage.TIME, limit_s=ANSWER_S)
        except InfrastructureError:
            self._process = None
            raise
