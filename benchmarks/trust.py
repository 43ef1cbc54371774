"""What the clocks are worth: `python benchmarks/trust.py aa|ncu [--device auto] [--pairs 200]`.

`aa`: a kernel against itself. Each pair is one verdict on a candidate that calls what eager calls; a ratio
off 1, and an interval that lies above 1, are the clocks' own errors. `ncu`: the verdict's time of ten
elementwise kernels beside Nsight Compute's duration of the same kernel on the same data, caches flushed and
clocks left alone by both. Prints a table, and JSON with every figure as the last line.
"""

# ruff: noqa: T201 - a benchmark prints its table
from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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

x = torch.randn(int(sys.argv[2]), device="cuda")
for _ in range(12):
    y = getattr(torch, sys.argv[1])(x)
torch.cuda.synchronize()
"""
NAMES = ("tanh", "sin", "erf", "sigmoid", "relu")
# Elements of float32, from about 20 us to about 5 ms on a device that moves 3 TB/s, and on two cores.
COUNTS = {
    "cuda": tuple(int(2e7 * 1.85**step / 4) for step in range(10)),
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


def aa(verifier: Verifier, target: Target, pairs: int, seconds: float) -> dict[str, object]:
    """Return the ratios of up to `pairs` kernels to themselves, made within `seconds` of wall time."""
    end, rng, tier = time.monotonic() + seconds, random.Random(1), Tier.VERIFY
    ratios: list[float] = []
    wrongly_faster = 0
    none: list[str] = []
    while len(ratios) + len(none) < pairs and time.monotonic() < end:
        name, count = rng.choice(NAMES), rng.choice(COUNTS[target.device_type])
        verdict = verdict_on(verifier, target, name, count, tier)
        if isinstance(verdict, str):
            none.append(f"{name} {count}: {verdict}")
            continue
        ratios.append(verdict.ratio("eager"))
        wrongly_faster += verdict.speedup("eager").low > 1
    within = sum(abs(ratio - 1) <= 0.01 for ratio in ratios)
    print(f"pairs {len(ratios)}, without a verdict {len(none)}")
    if ratios:
        print(f"|ratio - 1| <= 1 %: {within}/{len(ratios)}; median {statistics.median(ratios):.4f}")
        print(f"range {min(ratios):.4f} to {max(ratios):.4f}; wrongly faster {wrongly_faster}/{len(ratios)}")
    return {"ratios": ratios, "wrongly_faster": wrongly_faster, "without": none}


def profiled_ns(name: str, count: int) -> float:
    """Return the median duration that Nsight Compute states, in ns."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "once.py"
        script.write_text(ONCE, encoding="utf-8")
        command = ["ncu", "--csv", "--page", "raw", "--print-units", "base", "--clock-control", "none"]
        command += ["--cache-control", "all", "--metrics", "gpu__time_duration.sum"]
        command += ["--kernel-name", "regex:elementwise", sys.executable, str(script), name, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
    # The line below the header has the units.
    times = [float(row["gpu__time_duration.sum"].replace(",", "")) for row in [*csv.DictReader(lines)][1:]]
    if len(times) <= SKIPPED:
        raise SystemExit(f"ncu measured nothing: {(done.stdout + done.stderr)[-500:]}")
    # One kernel draws the numbers; what comes last is the operator's.
    return statistics.median(times[SKIPPED:])


def ncu(verifier: Verifier, target: Target) -> dict[str, object]:
    """Return the verdict's time and the profiler's of each of ten kernels, in ns."""
    if shutil.which("ncu") is None or target.device_type != "cuda":
        raise SystemExit("needs a GPU and ncu on the PATH")
    rows: list[tuple[str, float, float]] = []
    for place, count in enumerate(COUNTS["cuda"]):
        name = NAMES[place % len(NAMES)]
        verdict = verdict_on(verifier, target, name, count, Tier.VERIFY)
        if isinstance(verdict, str):
            print(f"{name} {count}: {verdict}")
            continue
        ours, theirs = verdict.time.value, profiled_ns(name, count)
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
    given = parser.parse_args()
    with Verifier() as verifier:
        target = verifier.target(given.device)
        print(verifier.probe().devices[target.device])
        found = (
            aa(verifier, target, given.pairs, given.seconds) if given.part == "aa" else ncu(verifier, target)
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
