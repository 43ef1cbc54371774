"""What the engine itself costs: a batch of simulated candidates, killed half-way and resumed.

    python benchmarks/scheduler.py [COUNT]

Latencies are drawn and waited for, verdicts are foretold; everything else is real: the pairs' file,
a candidate's file each, the scan, the queues, a line a verdict. Prints CPU time of the engine's process
for each candidate, its memory after a quarter and at the end, and how long a resumption takes to reach
its first new verdict.
"""

# ruff: noqa: T201 - a benchmark prints
from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from warpsmith.core.problem import Problem, Workload
from warpsmith.core.task import Tier
from warpsmith.engine.batch import Batch
from warpsmith.engine.simulated import Simulated
from warpsmith.verify.batch import Asked

COUNT = 100_000
EXECUTOR = Simulated(lanes=64, builders=32, build_s=0.004, judge_s=0.02)
ASKED = Asked(device="cpu", tier=Tier.SCREEN, seed=1)


def load(locator: str) -> Problem:
    """Return a problem that nobody runs."""
    return Problem(name=locator, source="class Model: ...\n", workloads=(Workload(name="cpu"),))


def write_pairs(folder: Path, count: int) -> None:
    """Write `count` different candidates, and the pairs."""
    (folder / "candidates").mkdir()
    with (folder / "pairs.jsonl").open("w") as pairs:
        for number in range(count):
            path = folder / "candidates" / f"{number}.py"
            path.write_text(f"class ModelNew:\n    number = {number}\n")
            row = {"problem": f"level1/p{number % 8}", "candidate": str(path), "backend": "torch"}
            pairs.write(json.dumps(row) + "\n")


def resident_bytes() -> int:
    """Return the memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def carry_out(folder: Path) -> dict[str, float]:
    """Carry the batch out, or the rest of it, and return what it took."""
    start = time.monotonic()
    batch = Batch(folder / "pairs.jsonl", folder / "out.jsonl", ASKED, load, EXECUTOR)
    left = len(batch) - batch.finished
    first_s = 0.0
    quarter_bytes = 0
    async with batch:
        ready_cpu_s = time.process_time()
        done = 0
        async for _ in batch:
            done += 1
            if done == 1:
                first_s = time.monotonic() - start
            if done == left // 4:
                quarter_bytes = resident_bytes()
    wall_s = time.monotonic() - start
    return {
        "candidates": done,
        "wall_s": wall_s,
        "cpu_ms_each": 1e3 * (time.process_time() - ready_cpu_s) / done,
        "first_verdict_s": first_s,
        "quarter_mb": quarter_bytes / 1e6,
        "end_mb": resident_bytes() / 1e6,
    }


def child(folder: Path) -> subprocess.Popen[str]:
    """Start this script on `folder` in a process of its own."""
    command = [sys.executable, __file__, "--child", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script


def lines(path: Path) -> int:
    """Return how many lines a file has."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def main(count: int) -> None:
    """Run, kill half-way, resume, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pairs(folder, count)
        with child(folder) as first:
            while lines(folder / "out.jsonl") < count // 2:
                time.sleep(0.2)
            first.send_signal(signal.SIGKILL)
        kept = lines(folder / "out.jsonl")
        with child(folder) as second:
            said = second.communicate()[0]
        rows = [json.loads(line)["pair"] for line in (folder / "out.jsonl").read_text().splitlines()]
    found = json.loads(said)
    if rows != list(range(count)):
        raise SystemExit("a verdict is missing, there twice, or out of order")
    print(f"{count:,} candidates, killed after {kept:,}; then in one process:")
    for key, value in found.items():
        print(f"  {key:<16} {value:,.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(asyncio.run(carry_out(Path(sys.argv[2])))))
        sys.stdout.flush()
        os._exit(0)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
