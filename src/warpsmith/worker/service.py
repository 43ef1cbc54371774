"""What a trusted worker answers to each request of the host.

Runs problem code and the compiler, never candidate code.
"""

from __future__ import annotations

import traceback

import torch

from warpsmith.core.errors import WarpsmithError
from warpsmith.worker.inputs import ProblemError
from warpsmith.worker.job import (
    AdmissionJob,
    BuildJob,
    Built,
    CaptureJob,
    GaugeJob,
    Job,
    JobResult,
    PatternJob,
    Probe,
    ProbeJob,
    Reply,
    Request,
    Trouble,
)
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.precision import strict_float32
from warpsmith.worker.probe_env import devices, lacking, software, usable_cores
from warpsmith.worker.process import hide_from_others, limit_memory
from warpsmith.worker.reference_side import ReferenceSide
from warpsmith.worker.wire import Channel, ChannelClosed

MEMORY_SHARE = 0.8
LOG_CHARACTERS = 6000


class Service:
    """Answers requests; keeps what is worth keeping warm between them."""

    def __init__(self, nursery: Nursery | None) -> None:
        if not torch.cuda.is_available():
            limit_memory(MEMORY_SHARE)
        torch.set_num_threads(usable_cores())
        strict_float32()
        hide_from_others()  # a candidate that stays our user must not read references from here
        self._reference_side = ReferenceSide(nursery)

    def serve(self, channel: Channel) -> None:
        """Answer until the channel closes, or until this process is no longer fit to."""
        while True:
            try:
                request: Request = channel.receive(Request)
            except ChannelClosed:
                return
            reply = self._guarded(request)
            channel.send(reply)
            if isinstance(reply, Trouble) and reply.fatal:
                return

    def _guarded(self, request: Request) -> Reply:
        try:
            return self._answer(request)
        except (ProblemError, WarpsmithError) as error:
            return Trouble(reason=str(error))
        except Exception as error:  # noqa: BLE001 - the process edge: the host must get an answer
            # After an error nobody foresaw (a lost device, a broken context) this process is not trusted.
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            return Trouble(reason=reason, log=traceback.format_exc()[-LOG_CHARACTERS:], fatal=True)

    def _answer(self, request: Request) -> Reply:
        if isinstance(request, Job | BuildJob):
            return self._tried(request)
        if not isinstance(request, ProbeJob):
            return _about_a_problem(request)
        walls = self._reference_side.nursery().ready()
        return Probe(
            devices=devices(),
            software=software(),
            backends=lacking(),
            isolation=walls.grade,
            isolation_lacks=walls.lacks,
        )

    def _tried(self, request: Job | BuildJob) -> Reply:
        if isinstance(request, Job):
            return JobResult(verdict=self._reference_side.verify(request))
        built = self._reference_side.build(request)
        return built if isinstance(built, Built) else JobResult(verdict=built)


def _about_a_problem(request: AdmissionJob | CaptureJob | PatternJob | GaugeJob) -> Reply:
    """Answer what few ask for; each brings imports that the others do without."""
    if isinstance(request, AdmissionJob):
        from warpsmith.worker.admission import admit  # noqa: PLC0415 - mutants

        return admit(request)
    if isinstance(request, CaptureJob):
        from warpsmith.worker.capture.job import answer  # noqa: PLC0415 - the compiler

        return answer(request)
    if isinstance(request, PatternJob):
        from warpsmith.worker.patterns import answer as traced  # noqa: PLC0415 - tracing

        return traced(request)
    from warpsmith.worker.gauging import gauge  # noqa: PLC0415 - the meter

    return gauge(request)
