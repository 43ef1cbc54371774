"""warpsmith demo: the main job on this machine, start to finish, in minutes."""

from __future__ import annotations

import json
import time
from importlib import resources
from pathlib import Path

import click
import msgspec

from warpsmith.cli.options import device_option, json_option, track_of, track_option
from warpsmith.cli.running import default_folder, run_and_write
from warpsmith.cli.words import speedup_text, time_text
from warpsmith.core.problem import Problem
from warpsmith.core.task import Budget, Effort, Target, Task
from warpsmith.core.trial import Trial, best_trial
from warpsmith.problems import load
from warpsmith.search.run import Choice, Plan, new_seed, start
from warpsmith.verify import Verifier

PROBLEMS = ("level1/softmax", "level2/bias_gelu_residual", "level3/vit_block")
OWN_PROBLEM = "fused_norm_gate.py"
# Quick and still honest: the intervals say how sure it is.
EFFORT = Effort(seeds=5, timing_s=2.0, precision=0.02, max_samples=200)
TRIALS = 3
# Promised: 3 minutes on two CPU cores and 90 s on an H100, with start-up, report and a last long trial.
SEARCH_S = {"cpu": 120.0, "cuda": 40.0}


@click.command()
@click.option("--out", metavar="RUN", help="New run folder.  [default: runs/demo-TIME]")
@device_option
@track_option(shapes="declared")
@json_option
def demo(out: str | None, device: str, kernels: str, precision: str, shapes: str, as_json: bool) -> int:
    """Search faster kernels for three shipped problems and one of your own kind, and report."""
    begin = time.monotonic()
    track = track_of(kernels=kernels, precision=precision, shapes=shapes)
    folder = Path(out) if out else default_folder("demo")
    with Verifier() as verifier:
        verifier.start()
        target = verifier.target(device)
        click.echo(f"target: {target.device} ({verifier.probe().devices[target.device]})", err=True)
        total_s = SEARCH_S[target.device_type]
        plan = Plan(
            strategy=Choice(name="best_of_n"),
            proposers=(Choice(name="inductor"),),
            budget=Budget(trials=TRIALS),
            total_wall_s=total_s,
            command="warpsmith demo",
        )
        with resources.as_file(resources.files("warpsmith.problems") / "outside" / OWN_PROBLEM) as own:
            found = [load(name) for name in (*PROBLEMS, str(own))]
        tasks = [
            msgspec.structs.replace(
                verifier.task(_typical(problem, target), target, seed=new_seed(), track=track), effort=EFFORT
            )
            for problem in found
        ]
        with start(folder, plan, tasks) as archive:
            written = run_and_write(archive, plan, verifier, tasks)
            lines = [_line(task, best_trial(archive.trials(task.id), task.baselines[0])) for task in tasks]
    if as_json:
        click.echo(
            json.dumps({"run": str(folder), "wall_s": time.monotonic() - begin, "files": _texts(written)})
        )
        return 0
    click.echo("\n".join(lines))
    click.echo(f"\n{time.monotonic() - begin:.0f} s in all. Everything is in {folder}:")
    for kind, path in written.items():
        click.echo(f"  {kind:<8} {path}")
    click.echo(_next_steps(folder))
    return 0


def _typical(problem: Problem, target: Target) -> Problem:
    """Return the problem with one workload: a demonstration has to end in minutes."""
    return msgspec.structs.replace(problem, workloads=problem.workloads_for(target.device_type)[:1])


def _line(task: Task, best: Trial | None) -> str:
    verdict = best.accepted if best else None
    if verdict is None:
        return f"{task.problem.name}: no candidate was accepted"
    speedups = ", ".join(f"{speedup_text(verdict.speedup(name))} over {name}" for name in verdict.baselines)
    label = " (passthrough: library kernels alone)" if verdict.is_passthrough else ""
    return f"{task.problem.name}: {time_text(verdict.time.value)}, {speedups}{label}"


def _texts(written: dict[str, Path]) -> dict[str, str]:
    return {kind: str(path) for kind, path in written.items()}


def _next_steps(folder: Path) -> str:
    return f"""
What to try next:
  warpsmith problems list                                  what else is there to compute
  warpsmith search my_problem.py --out runs/mine           your own PyTorch program
  warpsmith verify level1/softmax my_kernel.py             a kernel you wrote
  warpsmith report {folder}"""
