"""Verify many pairs from a file, in order, keeping what is finished across interruptions.

Knows files and lines; is told how to load a problem, since formats are a sibling's business.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from warpsmith.core.errors import InfrastructureError, RecordError, UsageError, WarpsmithError
from warpsmith.core.problem import Problem
from warpsmith.core.task import Task, Tier, Track
from warpsmith.core.verdict import Faulted, Rejected, Verdict
from warpsmith.verify.scan import AUTO, read_candidate
from warpsmith.verify.verifier import Verifier, check_baselines
from warpsmith.verify.view import verdict_view

Loader = Callable[[str], Problem]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asked for beside problem and candidate; None leaves it to the tier or to chance."""

    device: str = "auto"
    tier: Tier = Tier.VERIFY
    baselines: tuple[str, ...] | None = None
    seed: int | None = None
    track: Track = Track()

    def task(self, verifier: Verifier, problem: Problem) -> Task:
        """Return the task of verifying candidates for `problem`."""
        seed = secrets.randbits(63) if self.seed is None else self.seed
        return verifier.task(
            problem,
            verifier.target(self.device),
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


# How a line of OUT begins, as far as it is the same in all.
LINE_START = b'{"problem": "'


class _Written(msgspec.Struct, frozen=True):
    """What of a line of OUT says whose verdict it is, and which."""

    problem: str
    candidate: str
    status: str


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


class Batch:
    """Iterate over the verdicts of a file of pairs; each is on disk before it is yielded.

    Where `out` holds verdicts of the same pairs from an earlier, interrupted batch, those
    are kept and not done again.

    Attributes:
        statuses: those of the verdicts that were there at the start, in order.
    """

    def __init__(self, pairs: Path, out: Path, asked: Asked, load: Loader) -> None:
        self._pairs = read_pairs(pairs)
        # One seed for the whole batch lets the worker keep a problem's references warm.
        seed = secrets.randbits(63) if asked.seed is None else asked.seed
        self._asked = msgspec.structs.replace(asked, seed=seed)
        self._load = load
        self._out_path = out
        self.statuses = self._earlier()
        self._out: IO[bytes] | None = None
        self._verifier = Verifier()

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def finished(self) -> int:
        """How many verdicts were there at the start."""
        return len(self.statuses)

    def __enter__(self) -> Self:
        check_baselines(self._asked.baselines or ())
        with contextlib.ExitStack() as undo:
            undo.callback(self._verifier.close)
            self._verifier.target(self._asked.device)
            self._out = self._open()
            undo.pop_all()
        return self

    def _open(self) -> IO[bytes]:
        try:
            # Unbuffered: a verdict is on disk when it is written, and closing has nothing left to fail on.
            return self._out_path.open("ab", buffering=0)
        except OSError as error:
            raise UsageError(f"can't write verdicts to {str(self._out_path)!r}: {error.strerror}") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._verifier.close()
        if self._out is not None:
            self._out.close()

    def _earlier(self) -> list[str]:
        name = str(self._out_path)
        try:
            data = self._out_path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UsageError(f"can't write verdicts to {name!r}: {error.strerror}") from error
        size = data.rfind(b"\n") + 1
        try:
            found = [msgspec.json.decode(line, type=_Written) for line in data[:size].splitlines()]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{name!r} holds something else than verdicts; choose another --out") from error
        if any(
            (one.problem, one.candidate) != (pair.problem, pair.candidate)
            for pair, one in zip(self._pairs, found, strict=False)
        ):
            raise UsageError(f"{name!r} holds verdicts of other pairs; choose another --out")
        if len(found) > len(self._pairs):
            raise UsageError(f"{name!r} holds more verdicts than there are pairs; choose another --out")
        if data[size:] and not data[size:].startswith(LINE_START[: len(data) - size]):
            raise UsageError(f"{name!r} ends in something else than a verdict; choose another --out")
        if size != len(data):
            os.truncate(self._out_path, size)  # the last line was cut off by a kill
        return [one.status for one in found]

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
            self._write(self._out, pair, verdict)
            yield verdict

    def _write(self, out: IO[bytes], pair: Pair, verdict: Verdict) -> None:
        record = {"problem": pair.problem, "candidate": pair.candidate, **verdict_view(verdict)}
        line = json.dumps(record).encode() + b"\n"
        try:
            is_whole = out.write(line) == len(line)
        except OSError as error:
            raise InfrastructureError(
                f"can't write to {str(self._out_path)!r} ({error.strerror}); the verdicts before are kept"
            ) from error
        if not is_whole:
            raise InfrastructureError(
                f"no space left for {str(self._out_path)!r}; the verdicts before are kept"
            )
