"""What the clocks are worth: `python benchmarks/trust.py aa|ncu [--device auto] [--pairs 200] [--jobs 1]`.

`aa`: a kernel against itself. Each pair is one verdict on a candidate that calls what eager calls; a ratio
off 1, and an interval that lies above 1, are the clocks' own errors. `ncu`: the verdict's time of ten
elementwise kernels beside Nsight Compute's duration of the same kernel on the same data, caches flushed and
clocks left alone by both. Prints a table, and JSON with every figure as the last line.
"""

# ruff: noqa: T201 - a benchmark prints its table
from __future__ import annotations

import argparse
import csv
import itertools
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.task import Target, Task, Tier
from warpsmith.core.verdict import Accepted
from warpsmith.problems.source import parse_problem
from warpsmith.search.run import new_seed
from warpsmith.verify import Verifier

PROBLEM = '''"""One operator on every element."""

import torch


class Model(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.{name}(x)


def get_inputs(count: int = 1024) -> list[torch.Tensor]:
    return [torch.randn(count)]
'''
CANDIDATE = """import torch


class ModelNew(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.{name}(x)
"""
ONCE = """import sys

import torch

for name, count in zip(sys.argv[1::2], sys.argv[2::2]):
    x = torch.randn(int(count), device="cuda")
    for _ in range(12):
        torch.cuda._sleep(1)
        y = getattr(torch, name)(x)
    torch.cuda._sleep(1)
    torch.cuda.synchronize()
"""
CALLS = 12
MARK = "spin_kernel"
NAMES = ("tanh", "sin", "erf", "sigmoid", "relu")
# Elements of float32, from about 20 us to about 5 ms on a device that moves 3 TB/s, and on two cores.
COUNTS = {
    "cuda": tuple(int(2.5e7 * 1.8**step / 4) for step in range(10)),
    "cpu": (200_000, 400_000, 800_000, 1_600_000),
}
# The first calls load code and warm clocks.
SKIPPED = 4


def problem_of(name: str, count: int) -> Problem:
    """Return the problem of one elementwise operator on `count` elements."""
    made = parse_problem(PROBLEM.format(name=name), name=f"{name}_{count}", origin="benchmarks/trust.py")
    return msgspec.structs.replace(made, workloads=(Workload(name="cpu", axes={"count": count}),))


def verdict_on(verifier: Verifier, target: Target, name: str, count: int, tier: Tier) -> Accepted | str:
    """Return the acceptance of the operator as its own candidate, or why there is none."""
    task: Task = verifier.task(
        problem_of(name, count), target, seed=new_seed(), tier=tier, baselines=("eager",)
    )
    verdict = verifier.verify(task, Candidate(source=CANDIDATE.format(name=name), backend="torch"))
    return verdict if isinstance(verdict, Accepted) else f"{type(verdict).__name__}: {verdict.reason}"


class Pair(NamedTuple):
    """One kernel against itself: what eager takes, over what it takes as a candidate."""

    name: str
    elements: int
    median_ns: float
    ratio: float
    is_said_faster: bool


def aa(target: Target, pairs: int, seconds: float, jobs: int) -> dict[str, object]:
    """Return the ratios of up to `pairs` kernels to themselves, begun within `seconds` of wall time.

    `jobs` verifiers work side by side; their timing takes turns.
    """
    end, rng = time.monotonic() + seconds, random.Random(1)
    counts = COUNTS[target.device_type]
    asked = [(rng.choice(NAMES), rng.choice(counts)) for _ in range(pairs)]

    def share(mine: list[tuple[str, int]]) -> list[Pair | str]:
        with Verifier() as verifier:
            return [pair_of(verifier, target, *each) for each in mine if time.monotonic() < end]

    with ThreadPoolExecutor(jobs) as pool:
        made = list(itertools.chain(*pool.map(share, [asked[start::jobs] for start in range(jobs)])))
    done = [each for each in made if isinstance(each, Pair)]
    none = [each for each in made if isinstance(each, str)]
    print(f"pairs {len(done)} of {pairs}, without a verdict {len(none)}")
    for count in sorted({pair.elements for pair in done}):
        here = [pair for pair in done if pair.elements == count]
        ratios = [pair.ratio for pair in here]
        print(
            f"{statistics.median(pair.median_ns for pair in here) / 1e3:9.1f} us: {len(here):3d} pairs, "
            f"ratio {min(ratios):.4f} to {max(ratios):.4f}, median {statistics.median(ratios):.4f}"
        )
    if done:
        within = sum(abs(pair.ratio - 1) <= 0.01 for pair in done)
        said = sum(pair.is_said_faster for pair in done)
        print(f"|ratio - 1| <= 1 %: {within}/{len(done)}; wrongly faster {said}/{len(done)}")
    return {"pairs": [pair._asdict() for pair in done], "without": none}


def pair_of(verifier: Verifier, target: Target, name: str, count: int) -> Pair | str:
    """Return one pair, or why there is none."""
    verdict = verdict_on(verifier, target, name, count, Tier.VERIFY)
    if isinstance(verdict, str):
        return f"{name} {count}: {verdict}"
    return Pair(name, count, verdict.time.value, verdict.ratio("eager"), verdict.speedup("eager").low > 1)


def profiled_ns(kernels: list[tuple[str, int]]) -> list[float]:
    """Return the median durations that Nsight Compute states, in ns."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "once.py"
        script.write_text(ONCE, encoding="utf-8")
        command = ["ncu", "--csv", "--page", "raw", "--print-units", "base", "--clock-control", "none"]
        command += ["--cache-control", "all", "--metrics", "gpu__time_duration.sum"]
        command += ["--kernel-name", f"regex:elementwise|{MARK}", sys.executable, str(script)]
        command += [str(part) for kernel in kernels for part in kernel]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
    # A call is what lies between two marks, since torch cuts large tensors up; then numbers are drawn.
    spans: list[float] = []
    for row in [*csv.DictReader(lines)][1:]:  # the line below the header has the units
        if MARK in row["Kernel Name"]:
            spans.append(0.0)
        elif spans:
            spans[-1] += float(row["gpu__time_duration.sum"].replace(",", ""))
    each = CALLS + 1
    if len(spans) != each * len(kernels):
        raise SystemExit(f"ncu saw {len(spans)} marks: {(done.stdout + done.stderr)[-500:]}")
    return [statistics.median(spans[at + SKIPPED : at + CALLS]) for at in range(0, len(spans), each)]


def ncu(verifier: Verifier, target: Target) -> dict[str, object]:
    """Return the verdict's time and the profiler's of each of ten kernels, in ns."""
    if shutil.which("ncu") is None or target.device_type != "cuda":
        raise SystemExit("needs a GPU and ncu on the PATH")
    rows: list[tuple[str, float, float]] = []
    kernels = [(NAMES[place % len(NAMES)], count) for place, count in enumerate(COUNTS["cuda"])]
    for (name, count), theirs in zip(kernels, profiled_ns(kernels), strict=True):
        verdict = verdict_on(verifier, target, name, count, Tier.VERIFY)
        if isinstance(verdict, str):
            print(f"{name} {count}: {verdict}")
            continue
        ours = verdict.time.value
        rows.append((f"{name} {count}", ours, theirs))
        off = 100 * (ours / theirs - 1)
        print(f"{name:8} {count:10d}  {ours:11.0f} ns  ncu {theirs:11.0f} ns  {off:+.2f} %")
    return {"rows": rows}


def main() -> None:
    """Run one part and print what it found."""
    parser = argparse.ArgumentParser(description="What the clocks are worth.")
    parser.add_argument("part", choices=("aa", "ncu"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=480.0, help="start no pair after this")
    parser.add_argument("--jobs", type=int, default=1, help="verifiers at work side by side")
    given = parser.parse_args()
    with Verifier() as verifier:
        target = verifier.target(given.device)
        print(verifier.probe().devices[target.device])
        found = (
            aa(target, given.pairs, given.seconds, given.jobs)
            if given.part == "aa"
            else ncu(verifier, target)
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
