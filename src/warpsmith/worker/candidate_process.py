"""The reference side's hold on candidate processes: start, ask, time out, bury.

Believes nothing of what a candidate says beyond its form; turns crashes, hangs and
nonsense into `Misbehaved`, which becomes a rejection.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from warpsmith.core.errors import InfrastructureError, RecordError
from warpsmith.core.task import Limits
from warpsmith.core.verdict import ErrorStats, Finding, Stage
from warpsmith.worker.nursery import End, Ended, Fork, Forked
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.output import Output
from warpsmith.worker.process import children, signal_all
from warpsmith.worker.sandbox.plan import Terms
from warpsmith.worker.steps import Done, Failed, Load, Step, StepReply
from warpsmith.worker.wire import Channel, ChannelClosed, DeadlinePassed

# An honest call is over by then, unless it compiles something first.
PATIENCE_S = 3.0


class Misbehaved(Exception):
    """The candidate's fault, with what a verdict needs to say of it."""

    def __init__(
        self, stage: Stage, finding: Finding, log: str = "", error: ErrorStats | None = None
    ) -> None:
        super().__init__(finding.message)
        self.stage = stage
        self.finding = finding
        self.log = log
        self.error = error


class CandidateProcess:
    """One candidate's process, from its fork to its burial.

    Attributes:
        grade: isolation grade of what it runs behind.
        lacks: what is missing for `full`, and how to get it, a sentence each.
        scratch: the folder it may write to, by the path it knows.
        has_own_files: whether that folder is its own alone, and no folder of the host's.
        aside: held while an answer is overdue, so that others may use the device.
    """

    aside: Callable[[], AbstractContextManager[None]] = staticmethod(nullcontext)

    def __init__(self, nursery: Nursery, device: torch.device, limits: Limits) -> None:
        self._nursery = nursery
        self._output = Output(limits.output_bytes)
        # Only used where candidates get no file system of their own.
        self._host_scratch = Path(tempfile.mkdtemp(prefix="warpsmith-candidate-"))
        self._is_frozen = False
        self._channel, theirs = Channel.pair()
        order = Fork(
            terms=Terms(device_type=device.type, limits=limits, host_scratch=str(self._host_scratch))
        )
        try:
            forked = nursery.order(order, Forked, [theirs.fileno(), self._output.write_end])
        finally:
            theirs.close()
            os.close(self._output.write_end)
        self.pid, self.grade, self.lacks = forked.pid, forked.grade, forked.lacks
        self.scratch = Path(forked.scratch)
        self.has_own_files = self.scratch != self._host_scratch
        if self.has_own_files or forked.trouble:
            shutil.rmtree(self._host_scratch, ignore_errors=True)
        if forked.trouble:
            raise InfrastructureError(f"a candidate's sandbox can't be made: {forked.trouble}")

    def ask(self, step: Step, *, stage: Stage, limit_s: float, descriptors: Sequence[int] = ()) -> Done:
        """Send a step and return its answer.

        Raises:
            Misbehaved: it raised, crashed, hung or talked nonsense.
        """
        done = self._asked(step, stage, limit_s, descriptors)
        for descriptor in self._channel.take_descriptors():  # nobody asked for any
            os.close(descriptor)
        return done

    def ask_for_file(self, step: Step, *, stage: Stage, limit_s: float) -> int | None:
        """Send a step and return the descriptor that came with its answer, if one did; the caller closes it.

        Raises:
            Misbehaved: it raised, crashed, hung or talked nonsense.
        """
        self._asked(step, stage, limit_s, ())
        arrived = self._channel.take_descriptors()
        for descriptor in arrived[1:]:
            os.close(descriptor)
        return arrived[0] if arrived else None

    def _asked(self, step: Step, stage: Stage, limit_s: float, descriptors: Sequence[int]) -> Done:
        self.thaw()
        try:
            self._channel.send(step, descriptors)
            deadline = time.monotonic() + limit_s
            if limit_s > PATIENCE_S and not self._channel.has_input(PATIENCE_S):
                # A compiler, or a hang: neither is a reason for others to wait.
                with self.aside():
                    self._channel.has_input(limit_s - PATIENCE_S)
            reply: StepReply = self._channel.receive(StepReply, deadline=deadline)
        except DeadlinePassed as error:
            self.end()
            what = "import and build" if isinstance(step, Load) else "a call"
            finding = Finding(
                check="timeout", message=f"{what} did not finish in {limit_s:g} s and was killed"
            )
            raise Misbehaved(stage, finding, self.log) from error
        except ChannelClosed as error:
            how = self.end(is_closing=True) or "closed its channel"
            message = f"the candidate's process {how} without an answer"
            raise Misbehaved(stage, Finding(check="crash", message=message), self.log) from error
        except RecordError as error:
            self.end()
            raise Misbehaved(
                stage, Finding(check="protocol", message=f"an answer was {error}"), self.log
            ) from error
        if isinstance(reply, Failed):
            finding = Finding(check=reply.check, message=reply.message, line=reply.line)
            self.end()
            raise Misbehaved(stage, finding, "\n".join(part for part in (reply.log, self.log) if part))
        return reply

    def freeze(self) -> None:
        """Stop it and all it started, until it is thawed: it has no business in the turn of another."""
        signal_all(self._inside(), signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        """Let it go on, where it was frozen."""
        if self._is_frozen:
            signal_all(self._inside(), signal.SIGCONT)
            self._is_frozen = False

    def _inside(self) -> list[int]:
        """Return the processes behind its walls: all but its keeper and the first one, which are ours."""
        if not self.pid:
            return []
        found: list[int] = []
        queue = children(self.pid)
        while queue:
            below = children(queue.pop())
            found += below
            queue += below
        return found

    @property
    def log(self) -> str:
        """What the candidate wrote to stdout and stderr; data, never believed."""
        return self._output.text()

    def end(self, *, is_closing: bool = False) -> str:
        """Kill it and all it started, remove its scratch, and say how it had ended by itself, if so."""
        pid, self.pid = self.pid, 0
        if pid == 0:
            return ""
        try:
            how: str = self._nursery.order(End(pid=pid, is_closing=is_closing), Ended).how
        finally:
            self._channel.close()
            shutil.rmtree(self._host_scratch, ignore_errors=True)
        return how
