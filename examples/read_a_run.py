"""Read what a run archived, finished or still going on: `python examples/read_a_run.py RUN`."""

# ruff: noqa: T201 - an example shows what it found
from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from warpsmith.archive import Archive
from warpsmith.core.trial import best_trial
from warpsmith.core.verdict import Rejected


def main(run: Path) -> None:
    """Print, for every task, the best trial and why others were rejected."""
    # A reader takes no lock: the run may be written meanwhile.
    with Archive.open(run, writable=False) as archive:
        for task in archive.tasks():
            trials = archive.trials(task.id)
            print(f"{task.problem.name} on {task.target.device}: {len(trials)} trials")
            best = best_trial(trials, "eager")
            if best is not None and best.accepted is not None:
                print(f"  best: trial {best.number}, {best.accepted.speedup('eager').value:.2f}x over eager")
            verdicts = [trial.verdict for trial in trials]
            reasons = Counter(
                f"{v.stage}: {v.findings[0].check}" for v in verdicts if isinstance(v, Rejected)
            )
            for reason, count in reasons.most_common():
                print(f"  {count} rejected at {reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
