"""A file of pairs becomes a file of verdicts, through the engine; what is finished survives interruptions.

A line is written when its verdict is reached and says by `pair` whose it is, counted from 0; once all
are there, the lines stand in the order of the pairs.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

import msgspec

from warpsmith.core.errors import InfrastructureError, RecordError, UsageError, WarpsmithError
from warpsmith.core.events import Sink
from warpsmith.core.task import Task
from warpsmith.core.verdict import Faulted, Rejected, Verdict
from warpsmith.engine.base import Executor
from warpsmith.engine.cache import VerdictCache
from warpsmith.engine.engine import Engine, Wanted
from warpsmith.verify.batch import Asked, Loader, Pair, read_pairs
from warpsmith.verify.scan import read_candidate
from warpsmith.verify.verifier import check_baselines
from warpsmith.verify.view import verdict_view

# How a line of OUT begins, as far as it is the same in all.
LINE_START = b'{"problem": "'
# Problems whose tasks are kept at hand; the lines of one problem often follow each other.
TASKS = 64


class _Written(msgspec.Struct, frozen=True):
    """What of a line of OUT says whose verdict it is, and which."""

    problem: str
    candidate: str
    status: str
    pair: int


class Judgement(NamedTuple):
    """The verdict on the pair of that number, counted from 0."""

    pair: int
    verdict: Verdict


class Batch:
    """Iterate over the verdicts of a file of pairs; each is on disk before it is yielded.

    Where `out` holds verdicts of the same pairs from an earlier, interrupted batch, those
    are kept and not done again.

    Args:
        pairs: a pair a line.
        out: a verdict a line.
        asked: what every pair is asked.
        load: returns the problem that a locator denotes.
        executor: where the work runs.
        cache: verdicts that were given before; None asks for each anew.
        sink: is told what the engine does.

    Raises:
        UsageError: a file can't be read, or holds something else.
    """

    def __init__(  # noqa: PLR0913 - one argument a choice
        self,
        pairs: Path,
        out: Path,
        asked: Asked,
        load: Loader,
        executor: Executor,
        *,
        cache: VerdictCache | None = None,
        sink: Sink | None = None,
    ) -> None:
        self._pairs = read_pairs(pairs)
        # One seed for the whole batch lets a lane keep a problem's references warm.
        seed = secrets.randbits(63) if asked.seed is None else asked.seed
        self._asked = msgspec.structs.replace(asked, seed=seed)
        self._load = load
        self._out_path = out
        self._earlier = _earlier(out, self._pairs)
        self._out: IO[bytes] | None = None
        self._task = functools.lru_cache(TASKS)(self._new_task)
        self.engine = Engine(executor.open((asked.device,)), cache, sink)

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def statuses(self) -> list[str]:
        """Those of the verdicts that were there at the start."""
        return list(self._earlier.values())

    @property
    def finished(self) -> int:
        """How many verdicts were there at the start."""
        return len(self._earlier)

    async def __aenter__(self) -> Self:
        check_baselines(self._asked.baselines or ())
        self._out = self._open()
        await self.engine.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.__aexit__(kind, error, trace)
        if self._out is not None:
            self._out.close()

    def _open(self) -> IO[bytes]:
        try:
            # Unbuffered: a verdict is on disk when it is written, and closing has nothing left to fail on.
            return self._out_path.open("ab", buffering=0)
        except OSError as error:
            raise UsageError(f"can't write verdicts to {str(self._out_path)!r}: {error.strerror}") from error

    async def __aiter__(self) -> AsyncIterator[Judgement]:
        refused: list[Judgement] = []
        async for given in self.engine.stream(self._wanted(refused)):
            while refused:
                yield self._told(refused.pop(0))
            yield self._told(Judgement(given.key, given.verdict))
        for judgement in refused:
            yield self._told(judgement)
        if self._out is not None and len(self._earlier) < len(self._pairs):
            try:
                _sort(self._out_path)
            except OSError as error:
                raise InfrastructureError(
                    f"can't sort {str(self._out_path)!r} ({error.strerror}); every verdict is in it"
                ) from error

    def _wanted(self, refused: list[Judgement]) -> Iterator[Wanted[int]]:
        """Yield what the engine is to do; what it need not see goes to `refused`."""
        for number, pair in enumerate(self._pairs):
            if number in self._earlier:
                continue
            try:
                candidate = read_candidate(pair.candidate, pair.backend)
                task = self._task(pair.problem)
            except RecordError:
                raise
            except WarpsmithError as error:
                # One bad line must not cost the others their verdicts.
                refused.append(Judgement(number, Faulted(reason=str(error))))
                continue
            if isinstance(candidate, Rejected):
                refused.append(Judgement(number, candidate))
            else:
                yield Wanted(number, task, candidate)

    def _new_task(self, locator: str) -> Task:
        return self._asked.task(self.engine.target, self._load(locator))

    def _told(self, judgement: Judgement) -> Judgement:
        """Write a verdict and hand it on."""
        if self._out is None:
            raise UsageError("use a Batch as an asynchronous context manager")
        pair = self._pairs[judgement.pair]
        whose = {"problem": pair.problem, "candidate": pair.candidate, "pair": judgement.pair}
        line = json.dumps(whose | verdict_view(judgement.verdict)).encode() + b"\n"
        try:
            is_whole = self._out.write(line) == len(line)
        except OSError as error:
            raise InfrastructureError(
                f"can't write to {str(self._out_path)!r} ({error.strerror}); the verdicts before are kept"
            ) from error
        if not is_whole:
            raise InfrastructureError(
                f"no space left for {str(self._out_path)!r}; the verdicts before are kept"
            )
        return judgement


def _earlier(out: Path, pairs: list[Pair]) -> dict[int, str]:
    """Return the status of every verdict in `out` by the number of its pair; cuts a torn last line off.

    Raises:
        UsageError: it can't be read, or holds something else.
    """
    name = str(out)
    try:
        data = out.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"can't write verdicts to {name!r}: {error.strerror}") from error
    size = data.rfind(b"\n") + 1
    try:
        found = [msgspec.json.decode(line, type=_Written) for line in data[:size].splitlines()]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name!r} holds something else than verdicts; choose another --out") from error
    if len(found) > len(pairs):
        raise UsageError(f"{name!r} holds more verdicts than there are pairs; choose another --out")
    for one in found:
        pair = pairs[one.pair] if 0 <= one.pair < len(pairs) else None
        if pair is None or (one.problem, one.candidate) != (pair.problem, pair.candidate):
            raise UsageError(f"{name!r} holds verdicts of other pairs; choose another --out")
    if data[size:] and not data[size:].startswith(LINE_START[: len(data) - size]):
        raise UsageError(f"{name!r} ends in something else than a verdict; choose another --out")
    if size != len(data):
        os.truncate(out, size)  # the last line was cut off by a kill
    return {one.pair: one.status for one in found}


def _sort(out: Path) -> None:
    """Bring the lines into the order of the pairs; the file is whole at every moment."""
    with out.open("rb") as lines:
        places: list[tuple[int, int, int]] = []
        start = 0
        for line in lines:
            places.append((msgspec.json.decode(line, type=_Written).pair, start, len(line)))
            start += len(line)
        if places == sorted(places):
            return
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as ordered:
            for _, begin, length in sorted(places):
                lines.seek(begin)
                ordered.write(lines.read(length))
    Path(ordered.name).chmod(out.stat().st_mode)
    Path(ordered.name).replace(out)
