"""Verify many pairs from a file, in order, keeping what is finished across interruptions.

Knows files and lines; is told how to load a problem, since formats are a sibling's business.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from warpsmith.core.errors import RecordError, UsageError, WarpsmithError
from warpsmith.core.problem import Problem
from warpsmith.core.task import Task, Tier
from warpsmith.core.verdict import Faulted, Rejected, Verdict
from warpsmith.verify.scan import AUTO, read_candidate
from warpsmith.verify.verifier import Verifier
from warpsmith.verify.view import verdict_view

Loader = Callable[[str], Problem]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asked for beside problem and candidate; None leaves it to the tier or to chance."""

    device: str = "auto"
    tier: Tier = Tier.VERIFY
    baselines: tuple[str, ...] | None = None
    seed: int | None = None

    def task(self, verifier: Verifier, problem: Problem) -> Task:
        """Return the task of verifying candidates for `problem`."""
        seed = secrets.randbits(63) if self.seed is None else self.seed
        return verifier.task(
            problem, verifier.target(self.device), seed=seed, tier=self.tier, baselines=self.baselines
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
    return verifier.verify(asked.task(verifier, problem), candidate)


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
    for number, line in enumerate(text.splitlines(), start=1):
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


class Batch:
    """Iterate over the verdicts of a file of pairs; each is on disk before it is yielded.

    Where `out` holds verdicts of the same pairs from an earlier, interrupted batch, those
    are kept and not done again.

    Attributes:
        finished: verdicts that were there at the start.
    """

    def __init__(self, pairs: Path, out: Path, asked: Asked, load: Loader) -> None:
        self._pairs = read_pairs(pairs)
        # One seed for the whole batch lets the worker keep a problem's references warm.
        seed = secrets.randbits(63) if asked.seed is None else asked.seed
        self._asked = msgspec.structs.replace(asked, seed=seed)
        self._load = load
        self._out_path = out
        self.finished = self._count_finished()
        self._out: IO[str] | None = None
        self._verifier = Verifier()

    def __len__(self) -> int:
        return len(self._pairs)

    def __enter__(self) -> Self:
        try:
            self._out = self._out_path.open("a", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"can't write verdicts to {str(self._out_path)!r}: {error.strerror}") from error
        self._verifier.target(self._asked.device)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._verifier.close()
        if self._out is not None:
            self._out.close()

    def _count_finished(self) -> int:
        if not self._out_path.exists():
            return 0
        data = self._out_path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            self._out_path.write_bytes(whole)  # the last line was cut off by a kill
        lines = whole.splitlines()
        for pair, line in zip(self._pairs, lines, strict=False):
            record = json.loads(line)
            if (record.get("problem"), record.get("candidate")) != (pair.problem, pair.candidate):
                raise UsageError(
                    f"{str(self._out_path)!r} holds verdicts of other pairs; choose another --out"
                )
        if len(lines) > len(self._pairs):
            raise UsageError(
                f"{str(self._out_path)!r} holds more verdicts than there are pairs; choose another --out"
            )
        return len(lines)

    def __iter__(self) -> Iterator[Verdict]:
        if self._out is None:
            raise UsageError("use a Batch as a context manager")
        for pair in self._pairs[self.finished :]:
            try:
                verdict = verify_one(self._verifier, self._load, pair, self._asked)
            except RecordError:
                raise
            except WarpsmithError as error:
                # One bad line must not cost the others their verdicts.
                verdict = Faulted(reason=str(error))
            record = {"problem": pair.problem, "candidate": pair.candidate, **verdict_view(verdict)}
            self._out.write(json.dumps(record) + "\n")
            self._out.flush()
            yield verdict
