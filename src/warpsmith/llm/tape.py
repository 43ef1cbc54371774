"""Record what models answered, and replay it with no network.

A tape is one SQLite file beside a run. An answer is on it, safe from `kill -9` and a loss of power,
before whoever asked gets it. Knows neither keys nor the network.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from weakref import WeakValueDictionary

from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import InfrastructureError, RecordError, UsageError
from warpsmith.llm.base import Answer, Ask, Models, ModelSpec, draw
from warpsmith.llm.errors import ERRORS, ModelError, NotOnTape

SCHEMA_VERSION = 1
# Another process may be reading it.
BUSY_S = 30.0

TABLES = """
CREATE TABLE IF NOT EXISTS tape (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    position INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    ask_id TEXT NOT NULL,
    ask TEXT NOT NULL,
    error TEXT NOT NULL,
    message TEXT NOT NULL,
    answer TEXT,
    UNIQUE (key, ask_id)
);
"""


class Call(NamedTuple):
    """One call on a tape.

    Attributes:
        key: the caller's name of it.
        ask: what was asked.
        answer: what came back; of a failed call what had come by then, or None.
        error: None where the answer is whole.
    """

    key: str
    ask: Ask
    answer: Answer | None
    error: ModelError | None

    def result(self) -> Answer:
        """Return the answer, or raise the error, as when it was recorded."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None  # noqa: S101 - a row has one or the other
        return self.answer


class Tape:
    """Calls in a file, one writer at a time; any number of threads may use it in turn.

    Args:
        path: made where it is missing, unless `writable` is false.
        writable: whether calls may be added.

    Raises:
        UsageError: there is no such tape, another version wrote it, or the place is not writable.
        RecordError: the file is damaged or something else.
    """

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self.path = path
        if not writable and not path.is_file():
            raise UsageError(f"there is no tape {path}; record one first")
        with _explained(path):
            self._database = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(writable=writable)
            except BaseException:
                self._database.close()
                raise

    def _prepare(self, *, writable: bool) -> None:
        names = {name for (name,) in self._database.execute("SELECT name FROM sqlite_master")}
        if names and "tape" not in names:
            raise RecordError(f"{self.path} is a database and no tape; choose another file")
        if writable:
            self._database.execute("PRAGMA journal_mode=WAL")
            # FULL syncs the log at every commit; WAL's usual NORMAL may lose the last ones with the power.
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(f"BEGIN IMMEDIATE;{TABLES}COMMIT;")
            self._database.execute(
                "INSERT INTO tape SELECT ? WHERE NOT EXISTS (SELECT * FROM tape)", (SCHEMA_VERSION,)
            )
        else:
            self._database.execute("PRAGMA query_only=ON")
        found = self._database.execute("SELECT version FROM tape").fetchone()
        if found != (SCHEMA_VERSION,):
            raise UsageError(
                f"tape {self.path} has version {found[0] if found else 'none'}, and this Warpsmith reads "
                f"version {SCHEMA_VERSION}; record a new one"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        self._database.close()

    def add(self, key: str, ask: Ask, outcome: Answer | ModelError) -> None:
        """Keep what became of a call. When this returns it survives `kill -9` and a loss of power.

        A failure that may pass gives way to what became of the same call later; an answer stays.
        """
        error = outcome if isinstance(outcome, ModelError) else None
        answer = outcome.answer if isinstance(outcome, ModelError) else outcome
        row = (
            key,
            ask.id,
            encode(ask).decode(),
            type(error).__name__ if error else "",
            str(error or ""),
            encode(answer).decode() if answer else None,
        )
        with _explained(self.path), _transaction(self._database) as database:
            earlier = self._row(key, ask.id)
            if earlier is not None and not _may_pass(earlier):
                return
            database.execute("DELETE FROM calls WHERE key = ? AND ask_id = ?", (key, ask.id))
            database.execute(
                "INSERT INTO calls (key, ask_id, ask, error, message, answer) VALUES (?, ?, ?, ?, ?, ?)", row
            )

    def find(self, key: str, ask: Ask) -> Call | None:
        """Return what became of this very ask under this key; None where that is not on the tape."""
        with _explained(self.path):
            return self._row(key, ask.id)

    def recall(self, key: str) -> Call | None:
        """Return the latest call under this key, whatever was asked; None where there is none."""
        calls = self._calls("WHERE key = ? ORDER BY position DESC LIMIT 1", key)
        return calls[0] if calls else None

    def calls(self) -> list[Call]:
        """Return every call, oldest first."""
        return self._calls("ORDER BY position")

    def _calls(self, clause: str, *values: str) -> list[Call]:
        query = f"SELECT key, ask, error, message, answer FROM calls {clause}"  # noqa: S608 - our own clauses
        with _explained(self.path):
            return [_call_of(row) for row in self._database.execute(query, values)]

    def _row(self, key: str, ask_id: str) -> Call | None:
        calls = self._calls("WHERE key = ? AND ask_id = ?", key, ask_id)
        return calls[0] if calls else None


class Recorder:
    """Models with a tape in front: what is on it is not asked again.

    Args:
        models: who answers what is not on the tape.
        tape: where answers go before anyone gets them.
    """

    def __init__(self, models: Models, tape: Tape) -> None:
        self._models = models
        self._tape = tape
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def choose(self, rng: random.Random) -> ModelSpec:
        """As the models."""
        return self._models.choose(rng)

    async def ask(self, ask: Ask, key: str) -> Answer:
        """Return the answer on the tape, or a fresh one, which then is on the tape.

        Failures that may pass, such as a rate limit, are tried again; what was paid for is not.

        Raises:
            ModelError: as the models do, or did.
        """
        # Two who ask the same at once must not both pay.
        turn = self._turns.setdefault((key, ask.id), asyncio.Lock())
        async with turn:
            call = self._tape.find(key, ask)
            if call is not None and not _may_pass(call):
                return call.result()
            try:
                answer = await self._models.ask(ask, key)
            except NotOnTape:
                raise  # says something of the other tape, and nothing of the ask
            except ModelError as error:
                self._tape.add(key, ask, error)
                raise
            # No await between arrival and record: a cancelled caller does not lose what was paid for.
            self._tape.add(key, ask, answer)
            return answer


class Replayer:
    """Models that exist on a tape alone.

    Args:
        models: the specs of the recorded run, for their names and weights.
        tape: what they answered.
        any_prompt: whether a prompt may differ from the one that was recorded under the same key, as prompts
            do that state measured times; all else of the ask must be the same.
    """

    def __init__(self, models: Sequence[ModelSpec], tape: Tape, *, any_prompt: bool = False) -> None:
        self._models = tuple(models)
        self._tape = tape
        self._any_prompt = any_prompt

    def choose(self, rng: random.Random) -> ModelSpec:
        """Return one of the models by weight, as when it was recorded."""
        return draw(self._models, rng)

    async def ask(self, ask: Ask, key: str) -> Answer:
        """Return the recorded answer, or raise the recorded error.

        Raises:
            NotOnTape: nothing was recorded under `key`, or something else was asked then.
            ModelError: as when it was recorded.
        """
        call = self._tape.find(key, ask)
        if call is not None:
            return call.result()
        other = self._tape.recall(key)
        if other is None:
            raise NotOnTape(f"call {key!r} is not on tape {self._tape.path}; record the run again")
        names = [name for name in Ask.__struct_fields__ if getattr(other.ask, name) != getattr(ask, name)]
        said = ", ".join(names)
        if self._any_prompt and names == ["messages"]:
            return other.result()
        raise NotOnTape(
            f"call {key!r} on tape {self._tape.path} asked something else: it differs in {said}; "
            "replay with the options, prompts and version it was recorded with"
        )


def _may_pass(call: Call) -> bool:
    return call.error is not None and not call.error.is_settled


def _call_of(row: tuple[str, str, str, str, str | None]) -> Call:
    key, ask, kind, message, text = row
    answer = decode(text, Answer) if text is not None else None
    if not kind and answer is None:
        raise RecordError(f"call {key!r} on the tape has neither answer nor error; record it again")
    error = ERRORS.get(kind, ModelError)(message, answer) if kind else None
    return Call(key=key, ask=decode(ask, Ask), answer=answer, error=error)


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with closing(database.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say what SQLite's errors mean."""
    try:
        yield
    except sqlite3.Error as error:
        name: str = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "no such table" in str(error):
            raise RecordError(f"{path} is no tape, or damaged; choose another file") from error
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise UsageError(f"tape {path} can't be opened there ({error}); choose another file") from error
        raise InfrastructureError(
            f"tape {path} can't be used ({error}); every answer on it is kept"
        ) from error
