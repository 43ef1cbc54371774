"""What callers ask to be verified: a pair of problem and candidate, or a file of pairs.

Knows files and lines; is told how to load a problem, since formats are a sibling's business.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.task import Target, Task, Tier, Track
from warpsmith.core.verdict import Rejected, Verdict
from warpsmith.verify.scan import AUTO, read_candidate
from warpsmith.verify.verifier import Verifier, task_of

Loader = Callable[[str], Problem]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asked for beside problem and candidate; None leaves it to the tier or to chance."""

    device: str = "auto"
    tier: Tier = Tier.VERIFY
    baselines: tuple[str, ...] | None = None
    seed: int | None = None
    track: Track = Track()

    def task(self, target: Target, problem: Problem) -> Task:
        """Return the task of verifying candidates for `problem` on `target`."""
        seed = secrets.randbits(63) if self.seed is None else self.seed
        return task_of(
            problem,
            target,
            seed=seed,
            tier=self.tier,
            baselines=self.baselines,
            track=self.track,
        )


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a batch: a problem's locator and a candidate's file."""

    problem: str
    candidate: str
    backend: str = AUTO


def verify_one(verifier: Verifier, load: Loader, pair: Pair, asked: Asked) -> Verdict:
    """Return the verdict on one pair.

    Raises:
        UsageError: there is no such problem, file, backend or device.
    """
    candidate = read_candidate(pair.candidate, pair.backend)
    problem = load(pair.problem)
    if isinstance(candidate, Rejected):
        return candidate
    return verifier.verify(asked.task(verifier.target(asked.device), problem), candidate)


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a JSON-lines file.

    Raises:
        UsageError: it is missing, or a line is not a pair.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"can't read the pairs in {str(path)!r}: {error}") from error
    pairs = []
    # Not splitlines: a path may hold characters that it, unlike JSON, takes for the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            pairs.append(msgspec.json.decode(line, type=Pair))
        except msgspec.DecodeError as error:
            raise UsageError(
                f"line {number} of {str(path)!r} is not a pair ({error}); "
                'write {"problem": "level1/softmax", "candidate": "my.py"}'
            ) from error
    if not pairs:
        raise UsageError(f"{str(path)!r} holds no pairs")
    return pairs
