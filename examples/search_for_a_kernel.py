"""Search from Python, without a language model: `python examples/search_for_a_kernel.py [RUN]`."""

# ruff: noqa: T201 - an example shows what it found
from __future__ import annotations

import sys
from pathlib import Path

from warpsmith.core.events import Event, TrialFinished
from warpsmith.core.task import Budget, Tier
from warpsmith.core.trial import best_trial
from warpsmith.problems import load
from warpsmith.search.run import Choice, Plan, carry_out, new_seed, start
from warpsmith.verify import Verifier
from warpsmith.verify.tracks import DECLARED_SHAPES  # compilers specialise

PLAN = Plan(
    strategy=Choice(name="best_of_n"),
    proposers=(Choice(name="inductor"),),
    budget=Budget(trials=2, wall_s=60),
)


def say(event: Event) -> None:
    """Print a line for every finished trial."""
    if isinstance(event, TrialFinished):
        verdict = event.trial.verdict
        outcome = "accepted" if event.trial.accepted else getattr(verdict, "reason", "not verified")
        print(f"trial {event.trial.number}, {event.trial.proposal.variant}: {outcome}")


def main(run: Path) -> None:
    """Search a kernel for one problem and save the best."""
    with Verifier() as verifier:
        task = verifier.task(
            load("level1/cumsum"), verifier.target(), seed=new_seed(), track=DECLARED_SHAPES, tier=Tier.SCREEN
        )
        with start(run, PLAN, [task]) as archive:
            carry_out(archive, PLAN, say, verifier, [task])
            best = best_trial(archive.trials(task.id), "eager")
    if best is not None and best.accepted is not None and best.proposal.candidate is not None:
        (run / "best.py").write_text(best.proposal.candidate.source)
        print(f"{best.accepted.speedup('eager').value:.2f}x over eager: {run / 'best.py'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/example"))
