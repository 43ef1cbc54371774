"""Compare our search with OpenEvolve's: `python benchmarks/engines.py OUT [--programs 12] [--tier screen]`.

The same scripted model, verifier and number of programs asked for, on a CPU; no network. The model
works on the last program that it is shown, as a model would: now and then it takes out some of the needless
work, now and then it breaks the program, and often it changes nothing that counts. What each engine
names its best of what the model wrote is then verified once more under one seed for all, and that speedup is
the one to compare. OpenEvolve starts from the reference itself, which is no program of the model's. One run
of each engine is an anecdote; `--seeds` makes several, each with other luck.
"""

# ruff: noqa: T201, S603 - a benchmark prints its table and starts what it compares
from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from warpsmith.archive import Archive
from warpsmith.archive.records import status_of
from warpsmith.search.winners import entries, ranked_baselines, winner
from warpsmith.testing.llm_script import LlmScript
from warpsmith.testing.llm_server import LlmServer

WARPSMITH = [sys.executable, "-c", "from warpsmith.cli import main; main()"]
PROBLEM = '''"""Twice the input plus one, on 262144 numbers."""

import torch

WORKLOADS = {"cpu": {"rows": 256}}


class Model(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x + 1


def get_inputs(rows: int = 256) -> list[torch.Tensor]:
    return [torch.randn(rows, 1024)]
'''
PROGRAM = '''import ctypes
import subprocess

import torch

WASTE = {waste}
# variant {variant}
SOURCE = """
extern "C" void affine(const float* x, float* y, long count, long waste) {{
    for (long turn = 0; turn < waste; ++turn)
        for (long at = 0; at < count; ++at) ((volatile float*)y)[at] = x[at];
    for (long at = 0; at < count; ++at) y[at] = {factor} * x[at] + 1;
}}
"""
with open("affine.cpp", "w") as file:
    file.write(SOURCE)
command = ["g++", "-O3", "-march=native", "-shared", "-fPIC", "affine.cpp", "-o", "affine.so"]
built = subprocess.run(command, capture_output=True, text=True)
if built.returncode:
    raise RuntimeError(built.stderr)
kernels = ctypes.CDLL("./affine.so")


class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        places = (ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr()))
        kernels.affine(*places, ctypes.c_long(x.numel()), ctypes.c_long(WASTE))
        return y
'''
MOST_WASTE = 12
OURS = {
    "best_of_n": ["--strategy", "best_of_n", "--proposer", "oneshot"],
    "refine": [
        *("--strategy", "refine", "--proposer", "oneshot", "--proposer", "refine"),
        *("-o", "refine.start=oneshot", "-o", "refine.refine=refine", "-o", "refine.chains=1"),
    ],
    "evolve": [
        *("--strategy", "evolve", "--proposer", "oneshot", "--proposer", "refine"),
        *("-o", "evolve.start=oneshot", "-o", "evolve.variations=refine", "-o", "evolve.seeds=1"),
    ],
}
ENGINES = (*OURS, "openevolve")


class Outcome(NamedTuple):
    """What an engine came to.

    Attributes:
        calls: of the model.
        tokens: read and written.
        statuses: programs by what became of them.
        best: source of the best program that the model wrote, by the engine's own scores; None without one.
        wall_s: seconds from start to end.
    """

    calls: int
    tokens: int
    statuses: Counter[str]
    best: str | None
    wall_s: float


def reply(body: dict[str, Any], number: int, seed: int) -> str:
    """Return what the scripted model answers to its request `number`."""
    shown = re.findall(r"^WASTE = (\d+)", str(body["messages"][-1]["content"]), re.MULTILINE)
    rng = random.Random(f"{seed}/{number}")
    waste = int(shown[-1]) if shown else rng.randint(MOST_WASTE // 2, MOST_WASTE)
    luck = rng.random()
    if luck < 0.4:
        waste = max(0, waste - rng.randint(1, 3))
    factor = "3" if 0.7 <= luck < 0.85 else "no_such_name" if luck >= 0.85 else "2"
    program = PROGRAM.format(waste=waste, variant=number, factor=factor)
    return f"I change a little.\n\n```python\n{program}```\n"


def ours(name: str, folder: Path, server: LlmServer, arguments: argparse.Namespace) -> Outcome:
    """Search with one of our strategies."""
    words = [
        *("search", str(folder.parent / "problem.py"), "--out", str(folder), *OURS[name]),
        *("--model", "scripted", "-o", f"base_url={server.base_url}", "-o", "key_env="),
        *("--budget", f"trials={arguments.programs}", "--retime", "0"),
        *("--device", "cpu", "--tier", arguments.tier, "--baseline", "eager"),
    ]
    started = time.monotonic()
    _run([*WARPSMITH, *words], folder.parent)
    wall_s = time.monotonic() - started
    with Archive.open(folder, writable=False) as archive:
        (task,) = archive.tasks()
        trials = archive.trials(task.id)
    best = winner(entries(trials), ranked_baselines([task]))
    candidate = best.trial.proposal.candidate if best else None
    tokens = sum(trial.proposal.spent.tokens for trial in trials if trial.proposal.spent)
    statuses = Counter(map(status_of, trials))
    return Outcome(server.count, tokens, statuses, candidate.source if candidate else None, wall_s)


def openevolve(folder: Path, server: LlmServer, arguments: argparse.Namespace) -> Outcome:
    """Search with OpenEvolve on an exported folder; its first program is one more, and no call."""
    words = [
        *("export", "openevolve", str(folder.parent / "problem.py"), "--out", str(folder)),
        *("-o", "model=scripted", "-o", f"base_url={server.base_url}", "-o", "key_env="),
        *("-o", f"iterations={arguments.programs}", "-o", "islands=2"),
        *("--device", "cpu", "--tier", arguments.tier, "--baseline", "eager"),
    ]
    _run([*WARPSMITH, *words], folder.parent)
    started = time.monotonic()
    files = ["initial_program.py", "evaluator.py", "--config", "config.yaml", "--output", "output"]
    said = _run([sys.executable, "-m", "openevolve.cli", *files], folder)
    wall_s = time.monotonic() - started
    output = folder / "output"
    checkpoints = sorted(output.glob("checkpoints/checkpoint_*"), key=lambda p: int(p.name.split("_")[1]))
    found = [json.loads(path.read_text()) for path in checkpoints[-1].glob("programs/*.json")]
    # Islands hold copies of one program, of the first one, too, which is no reply of the model.
    first = (folder / "initial_program.py").read_text().strip()
    programs = {program["code"]: program for program in found if program["code"].strip() != first}
    statuses = Counter(
        {1.0: "accepted", 0.0: "rejected"}.get(program["metrics"].get("accepted"), "no verdict")
        for program in programs.values()
    )
    scored: dict[str, float] = {
        code: program["metrics"].get("combined_score", 0.0) for code, program in programs.items()
    }
    best = max(scored, key=scored.__getitem__) if scored else None
    tokens = sum(map(int, re.findall(r"total_tokens=(\d+)", said)))
    return Outcome(server.count, tokens, statuses, best, wall_s)


def _run(command: list[str], folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(command[:4])} ... ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
    return ended.stdout + ended.stderr


def again(source: str, folder: Path, seed: int) -> str:
    """Return the speedup of a program verified once more, with its interval."""
    path = folder / "again.py"
    path.write_text(source)
    words = [
        "verify",
        str(folder / "problem.py"),
        str(path),
        "--device",
        "cpu",
        "--seed",
        str(seed),
        "--json",
    ]
    words += ["--baseline", "eager", "--tier", "verify", "--shapes", "declared"]
    verdict: dict[str, Any] = {}
    for _ in range(3):
        ended = subprocess.run([*WARPSMITH, *words], capture_output=True, text=True, check=False)
        verdict = json.loads(ended.stdout)
        if verdict["status"] != "faulted":
            break
    if verdict["status"] != "accepted":
        return f"{verdict['status']}: {verdict['reason'][:60]}"
    found = verdict["baselines"]["eager"]
    return f"{found['speedup']:.2f}x [{found['ci'][0]:.2f}, {found['ci'][1]:.2f}]"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare our search with OpenEvolve's.")
    parser.add_argument("out", type=Path, help="new folder for all that is written")
    parser.add_argument("--programs", type=int, default=12, help="that each engine asks the model for")
    parser.add_argument("--seeds", type=int, default=1, help="of the model's luck")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES, help="which to compare")
    parser.add_argument("--tier", default="screen", help="of verdicts during the search")
    arguments = parser.parse_args()
    print("luck  engine      calls  tokens  programs                                   best, again     wall")
    for seed in range(arguments.seeds):
        folder = (arguments.out / f"luck-{seed}").resolve()
        folder.mkdir(parents=True)
        (folder / "problem.py").write_text(PROBLEM)
        for name in arguments.engines:
            with LlmServer(
                LlmScript(replies=lambda body, number, seed=seed: reply(body, number, seed))
            ) as server:
                place = folder / name
                if name in OURS:
                    outcome = ours(name, place, server, arguments)
                else:
                    outcome = openevolve(place, server, arguments)
            statuses = ", ".join(f"{count} {status}" for status, count in sorted(outcome.statuses.items()))
            best = again(outcome.best, folder, 1000 + seed) if outcome.best else "none"
            print(
                f"{seed:4}  {name:10}  {outcome.calls:5}  {outcome.tokens:6}  {statuses:41}  {best}  "
                f"{outcome.wall_s:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
