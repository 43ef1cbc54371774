"""Search with a strategy of one's own: `python examples/custom_strategy.py FOLDER_OF_CANDIDATES RUN`.

To give it a name for `warpsmith search --strategy`, put it into a package with an entry point:
docs/howto/write-a-plugin.md.
"""

# ruff: noqa: T201 - an example shows what it found
from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from warpsmith.archive import Archive
from warpsmith.core.events import Event, TrialFinished
from warpsmith.core.task import Budget, Tier
from warpsmith.core.trial import Trial
from warpsmith.problems import load
from warpsmith.propose.file import File
from warpsmith.propose.workshop import Workshop
from warpsmith.search.base import Move
from warpsmith.search.loop import Search, Services
from warpsmith.search.run import new_seed
from warpsmith.verify import Verifier


class FirstRight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stop at the first accepted candidate, or after `tries` trials. A field is an option."""

    tries: int = 10

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:  # noqa: ARG002 - no chance in it
        """Return what to try next, or None to stop: all it knows are the finished trials."""
        is_done = len(trials) >= self.tries or any(trial.accepted for trial in trials)
        return None if is_done else Move()


def say(event: Event) -> None:
    """Print a line for every finished trial."""
    if isinstance(event, TrialFinished):
        print(event.trial.proposal.variant, "accepted" if event.trial.accepted else "not accepted")


def main(candidates: str, run: Path) -> None:
    """Try the candidates for one problem until one is right."""
    with Verifier() as verifier, Workshop() as workshop, Archive.create(run) as archive:
        task = verifier.task(load("level1/softmax"), verifier.target(), seed=new_seed(), tier=Tier.SCREEN)
        archive.add_task(task)
        services = Services(archive, verifier, workshop, sink=say)
        search = Search(task, services, strategy=FirstRight(), proposers={"file": File(path=candidates)})
        search.run(Budget(wall_s=600))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
