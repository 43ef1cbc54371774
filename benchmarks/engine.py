"""Measure the engine on the mix, and the plain evaluation beside it.

    python benchmarks/engine.py OUT [--device cuda] [--count 64] [--tier verify] [--plain 2]

Writes the mix (`warpsmith.engine.bench.mix`) into OUT, has `warpsmith verify --batch` give its verdicts
with cold caches and counts everything from the start of that process to the last verdict. Then evaluates a
sample of the same candidates, right ones of either language on problems of middle size, one after the other
by `benchmarks/plain_evaluator.py`. A wrong verdict is one that is not what the mix expects; `faulted` is no
verdict and is counted apart. Prints the figures; OUT/summary.json has them with their provenance,
OUT/verdicts.jsonl and OUT/events.jsonl what they come from.
"""

# ruff: noqa: T201 - a benchmark prints its figures
from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from warpsmith.engine.bench.mix import PAIRS, Entry, write_mix
from warpsmith.engine.bench.operators import OPERATORS

SAMPLE_S = 0.1
# What a whole benchmark may take on a GPU; the plain part ends when it is used up.
WHOLE_S = 600.0
BASELINES = ("eager", "compile")
# The command line of the package that this interpreter imports.
COMMAND = "from warpsmith.cli import main; main()"


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines file; none where it is missing."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def utilisation_of(device: str) -> Callable[[], float] | None:
    """Return what reads the busy share of the GPUs in use from NVML; None where it can't be asked."""
    if not device.startswith("cuda"):
        return None
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        _, _, number = device.partition(":")
        numbers = [int(number)] if number else range(nvml.nvmlDeviceGetCount())
        handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in numbers]
    except Exception as error:  # noqa: BLE001 - NVML's errors are its own; the figure is then said to be missing
        print(f"no NVML ({type(error).__name__}: {error}); pip install nvidia-ml-py", file=sys.stderr)
        return None
    return lambda: (
        statistics.fmean(nvml.nvmlDeviceGetUtilizationRates(handle).gpu for handle in handles) / 100
    )


class Watch(threading.Thread):
    """Looks at a file of verdicts and at the GPU while a batch runs.

    Attributes:
        last_s: when the file last grew, by seconds since the start; absent before it did.
        busy: samples of the GPU's busy share with their times.
    """

    def __init__(self, verdicts: Path, busy_now: Callable[[], float] | None) -> None:
        super().__init__(daemon=True)
        self._verdicts = verdicts
        self._busy_now = busy_now
        self._start = time.monotonic()
        self._done = threading.Event()
        self.last_s: float | None = None
        self.busy: list[tuple[float, float]] = []

    def run(self) -> None:
        """Sample until told to stop."""
        size = 0
        while True:
            is_done = self._done.wait(SAMPLE_S)
            now = time.monotonic() - self._start
            if self._busy_now is not None:
                self.busy.append((now, self._busy_now()))
            found = self._verdicts.stat().st_size if self._verdicts.exists() else 0
            if found != size:
                size, self.last_s = found, now
            if is_done:
                return

    def finish(self) -> None:
        """Stop sampling."""
        self._done.set()
        self.join()

    def busy_share(self) -> float | None:
        """Return the mean busy share from the start to the last verdict."""
        kept = [share for at, share in self.busy if self.last_s is not None and at <= self.last_s]
        return statistics.fmean(kept) if kept else None


def run_batch(out: Path, chosen: argparse.Namespace) -> tuple[Watch, list[str]]:
    """Have the pairs in `out` verified; return what was seen meanwhile, and the command."""
    command = [sys.executable, "-c", COMMAND, "verify", "--batch", str(out / PAIRS)]
    command += ["--out", str(out / "verdicts.jsonl"), "--events", str(out / "events.jsonl")]
    command += ["--tier", chosen.tier, "--device", chosen.device, "--executor", chosen.executor, "--json"]
    for name in BASELINES:
        command += ["--baseline", name]
    # Every cache is in a folder that is new, and so is what torch and Triton keep by themselves.
    cold = {"XDG_CACHE_HOME": str(out / "cache"), "TRITON_CACHE_DIR": str(out / "cache" / "triton")}
    watch = Watch(out / "verdicts.jsonl", utilisation_of(chosen.device))
    with (out / "log.txt").open("w") as log:
        watch.start()
        done = subprocess.run(command, env=os.environ | cold, stdout=log, stderr=log, check=False)  # noqa: S603
    watch.finish()
    if done.returncode not in {0, 3} or watch.last_s is None:
        raise SystemExit(f"verify ended with status {done.returncode}; {out / 'log.txt'} says why")
    return watch, command


def share_of_stages(state: dict[str, Any]) -> dict[str, float]:
    """Return each stage's share of the time that candidates spent in stages, waiting left out."""
    total = sum(state["stage_s"].values())
    return {name: seconds / total if total else 0.0 for name, seconds in state["stage_s"].items()}


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def judged(entries: list[Entry], verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """Count verdicts, and name those that are wrong, missing or none."""
    by_pair = {row["pair"]: row for row in verdicts}
    wrong, faulted = [], []
    phases: Counter[str] = Counter()
    for number, entry in enumerate(entries):
        row = by_pair.get(number, {"status": "missing"})
        phases.update(row.get("phases_s", {}))
        told = {"candidate": Path(entry.candidate).name, "flaw": entry.flaw, "status": row["status"]}
        told["reason"] = str(row.get("reason", ""))[:300]
        if row["status"] in {"accepted", "rejected"}:
            if row["status"] != entry.expected:
                wrong.append(told)
        else:
            faulted.append(told)
    statuses = Counter(row["status"] for row in verdicts)
    return {
        "statuses": dict(statuses),
        "answers": statuses["accepted"] + statuses["rejected"],
        "wrong": wrong,
        "faulted": faulted,
        "phases_s": {name: round(seconds, 2) for name, seconds in phases.most_common()},
    }


def measured(out: Path, entries: list[Entry], watch: Watch) -> dict[str, Any]:
    """Return the figures of the batch."""
    events = rows_of(out / "events.jsonl")
    states = [event for event in events if event["event"] == "engine_state"]
    waits = [event["wall_s"] for event in events if event["event"] == "verdict_given"]
    found = judged(entries, rows_of(out / "verdicts.jsonl"))
    wall_s = watch.last_s or 0.0
    figures = {
        "candidates": len(entries),
        "wall_s": wall_s,
        "verdicts_per_hour": 3600 * found["answers"] / wall_s,
        "p50_s": percentile(waits, 0.5) if waits else None,
        "p95_s": percentile(waits, 0.95) if waits else None,
        "gpu_busy_nvml": watch.busy_share(),
    }
    if states:
        figures["device_share"] = states[-1]["device_share"]
        figures["stage_share"] = share_of_stages(states[-1])
        figures["stage_s"] = states[-1]["stage_s"]
    return figures | found


def run_plain(entry: Entry, device: str, limit_s: float) -> dict[str, Any]:
    """Evaluate one candidate the plain way; return its figures, its whole process counted."""
    script = Path(__file__).with_name("plain_evaluator.py")
    command = [sys.executable, str(script), entry.problem, entry.candidate]
    command += ["--device", device.partition(":")[0]]
    told = {"candidate": Path(entry.candidate).name, "backend": entry.backend}
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return told | {"status": "cut off", "process_s": limit_s}
    process_s = time.monotonic() - start
    try:
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        said = {"status": "died", "reason": done.stderr[-300:]}
    return told | said | {"process_s": process_s}


def plain_sample(entries: list[Entry], each: int) -> list[Entry]:
    """Return right candidates of every language, languages in turn: middle sizes first, then drawn ones."""
    rng = random.Random(0)
    middle = {
        operator.name: abs(place - len(OPERATORS) // 2)
        for place, operator in enumerate(sorted(OPERATORS, key=lambda operator: operator.input_bytes))
    }
    right = [entry for entry in entries if not entry.flaw]
    rng.shuffle(right)
    right.sort(key=lambda entry: middle[Path(entry.problem).stem])
    kinds = sorted({entry.backend for entry in right})
    of_kind = {kind: [entry for entry in right if entry.backend == kind][:each] for kind in kinds}
    return [of_kind[kind][turn] for turn in range(each) for kind in kinds if turn < len(of_kind[kind])]


def compared(entries: list[Entry], chosen: argparse.Namespace, spent_s: float) -> list[dict[str, Any]]:
    """Evaluate the sample the plain way, for as long as there is time."""
    end = time.monotonic() + chosen.whole_s - spent_s
    found = []
    for entry in plain_sample(entries, chosen.plain):
        left_s = end - time.monotonic()
        if left_s < 1:
            print(f"no time left for {Path(entry.candidate).name} the plain way", file=sys.stderr)
            break
        found.append(run_plain(entry, chosen.device, left_s))
        print(f"plain: {found[-1]['candidate']} {found[-1]['status']}, {found[-1]['process_s']:.1f} s")
    return found


def show(figures: dict[str, Any]) -> None:
    """Print what was measured."""
    wall_s, answers = figures["wall_s"], figures["answers"]
    print(
        f"{answers} verdicts of {figures['candidates']} in {wall_s:.1f} s: "
        f"{figures['verdicts_per_hour']:.0f} an hour"
    )
    print(f"statuses {figures['statuses']}, wrong {len(figures['wrong'])}, none {len(figures['faulted'])}")
    for told in figures["wrong"] + figures["faulted"]:
        print(f"  {told['candidate']} (flaw {told['flaw'] or 'none'}): {told['status']} {told['reason']}")
    if figures["p50_s"] is not None:
        print(f"from asking to verdict: p50 {figures['p50_s']:.1f} s, p95 {figures['p95_s']:.1f} s")
    for name in ("gpu_busy_nvml", "device_share"):
        if figures.get(name) is not None:
            print(f"{name} {100 * figures[name]:.0f} %")
    for name, share in figures.get("stage_share", {}).items():
        print(
            f"stage {name}: {100 * share:.1f} % of {sum(figures['stage_s'].values()):.0f} candidate seconds"
        )
    print(f"seconds by phase, all verdicts: {figures['phases_s']}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description="Measure the engine on the mix, and the plain evaluation beside it."
    )
    parser.add_argument("out", type=Path, help="a folder that is not there yet")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    parser.add_argument("--count", type=int, default=64, help="candidates; a multiple of 8")
    parser.add_argument("--tier", default="verify", choices=("screen", "verify"))
    parser.add_argument("--executor", default="local")
    parser.add_argument("--seed", type=int, default=0, help="of the mix")
    parser.add_argument(
        "--plain", type=int, default=2, help="candidates of each language evaluated the plain way"
    )
    parser.add_argument("--whole-s", type=float, default=WHOLE_S, help="seconds for all")
    chosen = parser.parse_args()
    if chosen.out.exists():
        raise SystemExit(f"{chosen.out} is there already; name a new folder")
    out = chosen.out.resolve()
    start = time.monotonic()
    entries = write_mix(out, chosen.device.partition(":")[0], chosen.count, chosen.seed)
    watch, command = run_batch(out, chosen)
    figures = measured(out, entries, watch)
    show(figures)
    plain = compared(entries, chosen, time.monotonic() - start)
    # One that was cut off says no more than how much time was left.
    done = [each["process_s"] for each in plain if each["status"] in {"accepted", "rejected"}]
    if done and figures["answers"]:
        ours_s = figures["wall_s"] / figures["answers"]
        figures["plain_mean_s"] = statistics.fmean(done)
        figures["plain_over_engine"] = figures["plain_mean_s"] / ours_s
        print(
            f"a candidate takes {ours_s:.2f} s here and {figures['plain_mean_s']:.1f} s the plain way: ",
            end="",
        )
        print(f"{figures['plain_over_engine']:.1f} times as long (mean of {len(done)})")
    provenance = next(
        (row["provenance"] for row in rows_of(out / "verdicts.jsonl") if "provenance" in row), None
    )
    summary = figures | {
        "plain": plain,
        "command": command,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "provenance": provenance,
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"details in {out / 'summary.json'}")


if __name__ == "__main__":
    main()
