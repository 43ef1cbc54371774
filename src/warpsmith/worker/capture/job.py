"""Answer a capture request: make the problem live, capture every workload, write one file."""

from __future__ import annotations

import torch

from warpsmith.core.registry import suggest
from warpsmith.core.seeds import derive
from warpsmith.worker.capture.bundle import Part, bundle
from warpsmith.worker.capture.capture import capture
from warpsmith.worker.capture.captured import NotStandalone
from warpsmith.worker.capture.standalone import standalone
from warpsmith.worker.capture.variants import variants
from warpsmith.worker.current_device import make_current
from warpsmith.worker.inputs import LoadedProblem
from warpsmith.worker.job import Captured, CaptureJob, Trouble


def answer(job: CaptureJob) -> Captured | Trouble:
    """Return the standalone source for `job`, or why there is none."""
    known = variants(job.target.device_type)
    if job.variant is None:
        return Captured(variants=tuple(known))
    if job.variant not in known:
        return Trouble(reason=f"no compiler variant {job.variant!r}{suggest(job.variant, list(known))}")
    title = f"{job.problem.name}: torch.compile's kernels, variant {job.variant}."
    try:
        parts = _parts(job, dict(known[job.variant]), title)
    except NotStandalone as error:
        return Trouble(reason=str(error))
    return Captured(source=bundle(parts, title=title))


def _parts(job: CaptureJob, options: dict[str, object], title: str) -> list[Part]:
    device = torch.device(job.target.device)
    make_current(device)
    problem = LoadedProblem(job.problem)
    parts = []
    for workload in job.workloads:
        seed = derive(job.seed, workload.name)
        arguments = problem.init_inputs(workload, seed, device)
        model = problem.construct(arguments, workload, seed, device)
        inputs = problem.inputs(workload, seed, device)
        if isinstance(inputs, dict):
            raise NotStandalone("a problem with keyword inputs can't be captured; give get_inputs() a list")
        captured = capture(model, list(inputs), options=options)
        given = (list(arguments), {}) if not isinstance(arguments, dict) else ([], arguments)
        parts.append(Part(workload.name, standalone(captured, title=title), repr(given)))
        del model, inputs
        torch.compiler.reset()
    return parts
