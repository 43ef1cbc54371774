"""One candidate the plain way, for comparison.

    python -m warpsmith.engine.bench.plain PROBLEM CANDIDATE --device cuda

A process of its own for one candidate, in the way and with the settings that published evaluators use
(KernelBench's): inputs are drawn on the CPU and moved, the candidate is built in a fresh folder, 5 trials of
correctness by `allclose` at 1e-4, and then 100 timed calls of the candidate, of eager and of `torch.compile`,
the caches cleared before each by a write of 256 MB. Prints one JSON object: the status, and the seconds of
each phase from the start of the process. It has no time limit of its own, no isolation and no checks beyond
these, and shares no code with Warpsmith, which never imports it.
"""

from __future__ import annotations

import time

START = time.perf_counter()

import argparse  # noqa: E402 - the clock starts before anything is imported
import contextlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

# The interpreter's own folder may hold the only ninja.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

import torch  # noqa: E402

CORRECTNESS_TRIALS, TIMING_TRIALS, WARM_UPS = 5, 100, 3
TOLERANCE = 1e-4
FLUSH_BYTES = 256 << 20
SEED = 42


class Clock:
    """Seconds by phase; the first is what passed before this file's own work began."""

    def __init__(self) -> None:
        self.phases_s: dict[str, float] = {"import": time.perf_counter() - START}

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Add the time inside to `phase`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.phases_s[phase] = self.phases_s.get(phase, 0.0) + time.perf_counter() - start


def module_at(path: Path, name: str) -> Any:
    """Import a file."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def synchronize(device: torch.device) -> None:
    """Wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_ms(call: Callable[[], Any], device: torch.device) -> float:
    """Return the mean milliseconds of a call, caches cleared before each."""
    flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device=device)
    for _ in range(WARM_UPS):
        call()
    synchronize(device)
    taken = []
    for _ in range(TIMING_TRIALS):
        flush.fill_(42)
        if device.type == "cuda":
            before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            before.record()
            call()
            after.record()
            torch.cuda.synchronize(device)
            taken.append(before.elapsed_time(after))
        else:
            start = time.perf_counter()
            call()
            taken.append(1e3 * (time.perf_counter() - start))
    return statistics.fmean(taken)


def drawn(problem: Any, device: torch.device, seed: int, clock: Clock) -> list[Any]:
    """Return inputs: drawn on the CPU, then moved."""
    with clock("inputs"):
        torch.manual_seed(seed)
        made = problem.get_inputs()
    with clock("transfer"):
        moved = [each.to(device) if isinstance(each, torch.Tensor) else each for each in made]
        synchronize(device)
    return moved


def built(make: Any, arguments: list[Any], device: torch.device) -> Any:
    """Return a module under the common seed, so that weights agree."""
    torch.manual_seed(SEED)
    return make(*arguments).to(device)


def is_correct(problem: Any, model: Any, new: Any, device: torch.device, clock: Clock) -> bool:
    """Compare on inputs of several seeds."""
    for trial in range(CORRECTNESS_TRIALS):
        inputs = drawn(problem, device, SEED + trial, clock)
        with clock("correctness"):
            wanted, got = model(*inputs), new(*inputs)
            synchronize(device)
            if got.shape != wanted.shape or not torch.allclose(wanted, got, atol=TOLERANCE, rtol=TOLERANCE):
                return False
    return True


def evaluate(problem_path: Path, candidate_path: Path, device: torch.device, clock: Clock) -> dict[str, Any]:
    """Build, compare and time; return the status and the times."""
    problem = module_at(problem_path, "plain_problem")
    arguments = problem.get_init_inputs()
    model = built(problem.Model, arguments, device)
    with clock("build"):
        new = built(module_at(candidate_path, "plain_candidate").ModelNew, arguments, device)
    if not is_correct(problem, model, new, device, clock):
        return {"status": "rejected", "reason": "values"}
    inputs = drawn(problem, device, SEED, clock)
    times = {}
    with clock("timing"):
        times["candidate"] = time_ms(lambda: new(*inputs), device)
    with clock("eager"):
        times["eager"] = time_ms(lambda: model(*inputs), device)
    with clock("compile"):
        compiled: Any = torch.compile(model)
        times["compile"] = time_ms(lambda: compiled(*inputs), device)
    return {"status": "accepted", "times_ms": times}


def main() -> None:
    """Evaluate one candidate and print the figures."""
    parser = argparse.ArgumentParser(description="Evaluate one candidate the plain way.")
    parser.add_argument("problem", type=Path)
    parser.add_argument("candidate", type=Path)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    chosen = parser.parse_args()
    clock = Clock()
    device = torch.device(chosen.device)
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        os.environ["TORCH_EXTENSIONS_DIR"] = f"{scratch}/extensions"
        os.environ["TRITON_CACHE_DIR"] = f"{scratch}/triton"
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{scratch}/inductor"
        if device.type == "cuda":  # only the present architecture, as KernelBench sets it
            major, minor = torch.cuda.get_device_capability()
            os.environ["TORCH_CUDA_ARCH_LIST"] = f"{major}.{minor}"
        try:
            said = evaluate(chosen.problem, chosen.candidate, device, clock)
        except Exception as error:  # noqa: BLE001 - the candidate's own code
            said = {"status": "rejected", "reason": f"{type(error).__name__}: {error}"[:500]}
    said["phases_s"] = {phase: round(seconds, 3) for phase, seconds in clock.phases_s.items()}
    said["wall_s"] = round(time.perf_counter() - START, 3)
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
