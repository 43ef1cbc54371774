"""Measure the engine on the mix, and the plain evaluation beside it: what `warpsmith engine bench` does.

Has `warpsmith verify --batch` give the verdicts of a mix in a process of its own, with cold caches, and
counts everything from its start to the last verdict; then evaluates a sample of the same candidates, right
ones of either language on problems of middle size, one after the other by `plain`. A wrong verdict is one
that is not what the mix expects; `faulted` is no verdict and is counted apart.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import logging
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec

from warpsmith.core.errors import InfrastructureError, UsageError
from warpsmith.engine.bench.mix import PAIRS, Entry, write_mix
from warpsmith.engine.bench.operators import OPERATORS

log = logging.getLogger(__name__)

SAMPLE_S = 0.1
# What a whole benchmark may take on a GPU; the plain part ends when it is used up.
WHOLE_S = 600.0
BASELINES = ("eager", "compile")
# Of a command that was ended by Ctrl-C.
INTERRUPTED = 130
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
        log.warning("no NVML (%s: %s); pip install nvidia-ml-py", type(error).__name__, error)
        return None
    return lambda: (
        statistics.fmean(nvml.nvmlDeviceGetUtilizationRates(handle).gpu for handle in handles) / 100
    )


class Measuring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to measure.

    Attributes:
        device: `cuda`, `cuda:N` or `cpu`.
        count: candidates of the mix.
        tier: of the verdicts.
        executor: as `verify --executor` takes it.
        seed: of the mix.
        plain: candidates of each language evaluated the plain way.
        whole_s: wall seconds for all; the batch is interrupted, and the plain part ends, when they are up.
    """

    device: str
    count: int = 64
    tier: str = "verify"
    executor: str = "local"
    seed: int = 0
    plain: int = 2
    whole_s: float = WHOLE_S


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


def run_batch(out: Path, chosen: Measuring) -> tuple[Watch, list[str]]:
    """Have the pairs in `out` verified; return what was seen meanwhile, and the command."""
    command = [sys.executable, "-c", COMMAND, "verify", "--batch", str(out / PAIRS)]
    command += ["--out", str(out / "verdicts.jsonl"), "--events", str(out / "events.jsonl")]
    command += ["--tier", chosen.tier, "--device", chosen.device, "--executor", chosen.executor, "--json"]
    for name in BASELINES:
        command += ["--baseline", name]
    # Every cache is in a folder that is new, and so is what torch and Triton keep by themselves.
    cold = {"XDG_CACHE_HOME": str(out / "cache"), "TRITON_CACHE_DIR": str(out / "cache" / "triton")}
    watch = Watch(out / "verdicts.jsonl", utilisation_of(chosen.device))
    with (out / "log.txt").open("w") as said:
        watch.start()
        status = _status_within(command, os.environ | cold, said, chosen.whole_s)
    watch.finish()
    if status not in {0, 3, INTERRUPTED} or watch.last_s is None:
        raise InfrastructureError(f"verify ended with status {status}; {out / 'log.txt'} says why")
    if status == INTERRUPTED:
        log.warning("cut off after %.0f s; the figures are about the verdicts until then", chosen.whole_s)
    return watch, command


def _status_within(command: list[str], environment: dict[str, str], said: IO[str], limit_s: float) -> int:
    """Return the exit status of a command that is interrupted, as by Ctrl-C, when its time is up."""
    process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)  # noqa: S603
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.wait()
    finally:
        process.kill()


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
    command = [sys.executable, "-m", "warpsmith.engine.bench.plain", entry.problem, entry.candidate]
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


def compared(entries: list[Entry], chosen: Measuring, spent_s: float) -> list[dict[str, Any]]:
    """Evaluate the sample the plain way, for as long as there is time."""
    end = time.monotonic() + chosen.whole_s - spent_s
    found = []
    for entry in plain_sample(entries, chosen.plain):
        left_s = end - time.monotonic()
        if left_s < 1:
            log.warning("no time left for %s the plain way", Path(entry.candidate).name)
            break
        found.append(run_plain(entry, chosen.device, left_s))
    return found


def measure(out: Path, chosen: Measuring) -> dict[str, Any]:
    """Run the benchmark in the folder `out`, which is made, and return its figures; `summary.json` has them.

    Raises:
        UsageError: the folder is there already, or there is no such mix.
        InfrastructureError: the batch ended without a verdict.
    """
    if out.exists():
        raise UsageError(f"{str(out)!r} is there already; name a new folder")
    out, start = out.resolve(), time.monotonic()
    entries = write_mix(out, chosen.device.partition(":")[0], chosen.count, chosen.seed)
    watch, command = run_batch(out, chosen)
    figures = measured(out, entries, watch)
    plain = compared(entries, chosen, time.monotonic() - start)
    # One that was cut off says no more than how much time was left.
    done = [each["process_s"] for each in plain if each["status"] in {"accepted", "rejected"}]
    if done and figures["answers"]:
        figures["seconds_each"] = figures["wall_s"] / figures["answers"]
        figures["plain_mean_s"] = statistics.fmean(done)
        figures["plain_over_engine"] = figures["plain_mean_s"] / figures["seconds_each"]
    rows = rows_of(out / "verdicts.jsonl")
    figures |= {
        "plain": plain,
        "command": command,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "provenance": next((row["provenance"] for row in rows if "provenance" in row), None),
    }
    (out / "summary.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures
