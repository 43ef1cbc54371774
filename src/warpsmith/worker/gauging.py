"""What a device does at most and what a problem asks of it, for a user who looks at a problem.

On the reference side; runs problem code and no candidate.
"""

from __future__ import annotations

import msgspec
import torch

from warpsmith.worker.ceilings import measure_ceilings
from warpsmith.worker.current_device import make_current
from warpsmith.worker.inputs import LoadedProblem, ProblemError
from warpsmith.worker.job import Gauged, GaugeJob
from warpsmith.worker.probe_env import devices
from warpsmith.worker.setting import Setting


def gauge(job: GaugeJob) -> Gauged:
    """Return the device's ceilings and the work of the problem's workloads for it.

    Raises:
        ProblemError: the problem does not import.
    """
    device = torch.device(job.target.device)
    make_current(device)
    ceilings = msgspec.structs.replace(
        measure_ceilings(job.target.device), device=devices().get(job.target.device, "")
    )
    gauged = Gauged(ceilings=ceilings)
    if job.problem is None:
        return gauged
    loaded = LoadedProblem(job.problem)
    for workload in job.problem.workloads_for(device.type):
        try:
            work = Setting(loaded, workload, device, job.seed).bounds.work
        except ProblemError as error:
            gauged.lacking[workload.name] = str(error)
            continue
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            work = None
        if work is None:
            gauged.lacking[workload.name] = "what it asks can't be counted here"
        else:
            gauged.work[workload.name] = work
    return gauged
