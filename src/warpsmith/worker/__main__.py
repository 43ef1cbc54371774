"""A trusted worker process: read a request from the host's socket, write a reply, repeat.

Runs problem code and the compiler, never candidate code. It ends when its socket
closes, and is killed when the host dies.
"""

from __future__ import annotations

import signal
import sys
import traceback

import torch

from warpsmith.core.errors import WarpsmithError
from warpsmith.worker.admission import admit
from warpsmith.worker.inputs import ProblemError
from warpsmith.worker.job import (
    AdmissionJob,
    CaptureJob,
    Captured,
    Job,
    JobResult,
    Probe,
    ProbeJob,
    Reply,
    Request,
    Trouble,
)
from warpsmith.worker.probe_env import devices, lacking, software, usable_cores
from warpsmith.worker.process import die_with_parent, limit_memory, no_core_dumps
from warpsmith.worker.reference_side import ReferenceSide
from warpsmith.worker.wire import Channel, ChannelClosed

WORKER_MEMORY_SHARE = 0.8


class Worker:
    """Answers requests; keeps what is worth keeping warm between them."""

    def __init__(self) -> None:
        self._reference_side = ReferenceSide()

    def answer(self, request: Request) -> Reply:
        """Carry out one request."""
        if isinstance(request, Job):
            return JobResult(verdict=self._reference_side.verify(request))
        if isinstance(request, AdmissionJob):
            return admit(request)
        if isinstance(request, CaptureJob):
            return _capture(request)
        return _probe()


def _probe() -> Probe:
    return Probe(devices=devices(), software=software(), backends=lacking())


def _capture(request: CaptureJob) -> Reply:
    from warpsmith.worker.capture.job import answer  # noqa: PLC0415 - pulls in the compiler, which few requests need

    return answer(request)


def main() -> None:
    """Serve the socket whose descriptor is the first argument; the second is the host's process id."""
    channel = Channel.of_descriptor(int(sys.argv[1]))
    die_with_parent(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which ends us in order
    no_core_dumps()
    if not torch.cuda.is_available():
        limit_memory(WORKER_MEMORY_SHARE)
    torch.set_num_threads(usable_cores())
    worker = Worker()
    while True:
        try:
            request = channel.receive(Request)  # type: ignore[type-var, arg-type]
        except ChannelClosed:
            return
        try:
            reply: Reply = worker.answer(request)
        except (ProblemError, WarpsmithError) as error:
            reply = Trouble(reason=str(error))
        except Exception as error:  # noqa: BLE001 - the process edge: the host must get an answer
            # After an error nobody foresaw (a lost device, a broken context) this process is not to be trusted.
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            reply = Trouble(reason=reason, log=traceback.format_exc()[-6000:], fatal=True)
        channel.send(reply)
        if isinstance(reply, Trouble) and reply.fatal:
            return


if __name__ == "__main__":
    main()
