"""Count the kernels of one call, and say which of them the candidate built.

Runs in the candidate's process. On a GPU CUPTI sees the kernels. On a CPU there are none to see:
there torch's profiler gives operators, and the time between them is the candidate's own if it has
loaded a library that it built.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from torch._C._autograd import DeviceType

# Not torch.profiler, which imports all of the compiler when it starts: a second on a CPU, in every process.
from torch.autograd.profiler import profile

from warpsmith.checks.evidence import Census, KernelUse
from warpsmith.worker.cupti import Recorder, recorder
from warpsmith.worker.kernel_names import INDUCTOR_FOLDER, Workshop, is_plumbing

MOST_KERNELS = 200
MOST_CHARACTERS = 400
OWN_CODE = "own code"
Way: TypeAlias = Callable[[Callable[[], object], torch.device], "list[Seen] | None"]
# What a profiled operator costs around itself, and a call of a module without operators.
PER_OPERATOR_NS = 4_000
PER_CALL_NS = 20_000
# Operators that compute nothing: allocation, views, clearing.
_PLUMBING = (
    *("empty", "view", "as_strided", "reshape", "detach", "alias", "slice", "select", "narrow", "split"),
    *("transpose", "permute", "expand", "squeeze", "unsqueeze", "unbind", "chunk", "unflatten", "flatten"),
    *("fill_", "zero_", "zeros", "new_empty", "new_zeros", "resize_", "set_", "to", "t", "lift_fresh"),
    *("_unsafe_view", "_reshape_alias", "contiguous", "ones", "full", "resolve_conj", "resolve_neg", "is_"),
)


class Seen(NamedTuple):
    """One name in a profile."""

    name: str
    calls: int
    total_ns: int


def take_census(
    call: Callable[[], object], device: torch.device, artifacts: Path, source: str
) -> Census | None:
    """Run `call` once under the profiler and classify what it ran.

    Args:
        call: runs the candidate.
        device: where it runs.
        artifacts: the candidate's scratch folder.
        source: the candidate's text.

    Returns:
        The census, longest first; None where the profiler sees nothing on this machine.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it would write into the candidate's log
    if device.type == "cpu":
        return _census_of_operators(call, artifacts)
    seen = _kernels(call, device)
    if seen is None:
        return None
    workshop = Workshop(source, artifacts)
    return _census(
        KernelUse(
            name=each.name[:MOST_CHARACTERS],
            calls=each.calls,
            total_ns=each.total_ns,
            is_own=not is_plumbing(each.name) and workshop.is_own(each.name),
            is_plumbing=is_plumbing(each.name),
        )
        for each in seen
    )


def _census(uses: Any) -> Census:
    longest = sorted(uses, key=lambda use: use.total_ns, reverse=True)
    return Census(kernels=tuple(longest[:MOST_KERNELS]))


def _kernels(call: Callable[[], object], device: torch.device) -> list[Seen] | None:
    """Return the kernels of one call; None where not even our own are seen."""
    found = recorder()
    ways: list[Way] = [_profiled] if found is None else [functools.partial(_recorded, found), _profiled]
    # Who sees nothing of what is surely there sees nothing of the rest; and a profiler may miss the first.
    see = next((way for way in ways if way(lambda: torch.ones(1, device=device), device)), None)
    return None if see is None else see(call, device)


def _recorded(found: Recorder, call: Callable[[], object], device: torch.device) -> list[Seen] | None:
    activities = found.record(call, functools.partial(torch.cuda.synchronize, device))
    if activities is None:
        return None
    by_name: dict[str, list[int]] = {}
    for name, duration_ns in activities:
        by_name.setdefault(name, []).append(duration_ns)
    return [Seen(name, len(durations), sum(durations)) for name, durations in by_name.items()]


def _profiled(call: Callable[[], object], device: torch.device) -> list[Seen] | None:
    torch.cuda.synchronize(device)
    with profile(use_cpu=False, use_device="cuda") as profiler:
        call()
        torch.cuda.synchronize(device)
    return [
        Seen(event.key, event.count, round(event.self_device_time_total * 1000))
        for event in profiler.key_averages()
        if event.device_type == DeviceType.CUDA and not event.is_user_annotation
    ]


def _census_of_operators(call: Callable[[], object], artifacts: Path) -> Census:
    with profile() as profiler:
        start = time.perf_counter_ns()
        call()
        wall_ns = time.perf_counter_ns() - start
    seen = [
        Seen(event.key, event.count, round(event.self_cpu_time_total * 1000))
        for event in profiler.key_averages()
        if "::" in event.key
    ]
    has_library = _has_own_library(artifacts)
    uses = [
        KernelUse(
            name=each.name[:MOST_CHARACTERS],
            calls=each.calls,
            total_ns=each.total_ns,
            is_own=has_library and not each.name.startswith(("aten::", "prims::")),
            is_plumbing=_is_plumbing_operator(each.name),
        )
        for each in seen
    ]
    overhead_ns = PER_CALL_NS + PER_OPERATOR_NS * sum(each.calls for each in seen)
    between_ns = wall_ns - sum(each.total_ns for each in seen)
    # Small own kernels take less than the overhead is believed to: they are never less than what is left.
    own_ns = max(between_ns - overhead_ns, between_ns // 4) if has_library else 0
    if own_ns > 0:
        uses.append(KernelUse(name=OWN_CODE, calls=1, total_ns=own_ns, is_own=True))
    return _census(uses)


def _is_plumbing_operator(name: str) -> bool:
    operator = name.partition("::")[2]
    return name.startswith("aten::") and any(
        operator == plain or operator.startswith(f"{plain}_") for plain in _PLUMBING
    )


def _has_own_library(artifacts: Path) -> bool:
    """Whether this process has mapped code that the candidate built, torch.compile aside."""
    folder = f"{artifacts.resolve()}/"
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    mapped = (
        line[line.index(folder) + len(folder) :] for line in maps if folder in line and " r-xp " in line
    )
    return any(not inside.startswith(f"{INDUCTOR_FOLDER}/") for inside in mapped)
