"""The archive of a run: tasks, trials, re-timings and their texts in one folder, append-only.

    RUN/archive.sqlite     records, and the columns people query
    RUN/blobs/ab/<sha256>  sources, prompts and logs
    RUN/lock               held by the one writer

Knows the folder and the rules (one writer, nothing changed once added); leaves SQL
to `database.py`, SQLite to `sqlite.py` and files to `blobs.py`. SQLAlchemy is
imported when an archive is opened, not before.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from warpsmith import __version__
from warpsmith.archive.blobs import Blobs
from warpsmith.archive.disk import make_folder, opening
from warpsmith.archive.extras import needs_extra
from warpsmith.archive.lock import WriterLock
from warpsmith.archive.records import (
    SCHEMA_VERSION,
    retiming_of,
    retiming_row,
    task_of,
    task_row,
    trial_of,
    trial_row,
)
from warpsmith.core.codec import decode
from warpsmith.core.errors import SchemaMismatch, UsageError
from warpsmith.core.task import Task
from warpsmith.core.trial import Retiming, Trial

if TYPE_CHECKING:
    from warpsmith.archive.database import Database

DATABASE, BLOBS, LOCK = "archive.sqlite", "blobs", "lock"


class Archive:
    """Made by `Archive.create` or `Archive.open`; a context manager that closes itself.

    One process writes, from any of its threads; any number read meanwhile.

    Attributes:
        folder: the run folder.
        writable: whether this is the writer.
    """

    def __init__(self, folder: Path, database: Database, lock: WriterLock | None) -> None:
        self.folder = folder
        self.writable = lock is not None
        self._database = database
        self._lock = lock
        self._blobs = Blobs(folder / BLOBS)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Start a run in `folder`, which is made where it is missing.

        Raises:
            UsageError: the folder holds a run or other files, cannot be written, or another process writes.
            InfrastructureError: the disk is full.
        """
        with opening(folder):
            make_folder(folder)
            # Report and kernels are written here under plain names; they must not overwrite anyone's files.
            if not (folder / DATABASE).exists() and {path.name for path in folder.iterdir()} - {LOCK, BLOBS}:
                raise UsageError(f"{folder} is not empty and holds no run; choose another --out")
            lock = WriterLock(folder / LOCK)
        return cls._started(folder, lock)

    @classmethod
    def _started(cls, folder: Path, lock: WriterLock) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(lock.release)
            database = _database(folder, writable=True)
            undo.callback(database.close)
            # A run killed before its first commit left a file without tables; that is not a run yet.
            if database.meta() is not None:
                raise UsageError(f"{folder} holds a run; continue it with --resume or choose another --out")
            database.create_tables(
                {
                    "schema": str(SCHEMA_VERSION),
                    "warpsmith": __version__,
                    "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
                }
            )
            undo.pop_all()
        return cls(folder, database, lock)

    @classmethod
    def open(cls, folder: Path, *, writable: bool = True) -> Self:
        """Open the run in `folder`, to add to it or, with `writable=False`, to read it while it is written.

        Raises:
            UsageError: there is no run, or it cannot be written, or another process writes.
            SchemaMismatch: another version of the schema wrote it.
            RecordError: the database is damaged.
        """
        _require_database(folder)
        with contextlib.ExitStack() as undo:
            lock = None
            if writable:
                with opening(folder):
                    lock = WriterLock(folder / LOCK)
                undo.callback(lock.release)
            database = _database(folder, writable=writable)
            undo.callback(database.close)
            _check_schema(folder, database.meta())
            undo.pop_all()
        archive = cls(folder, database, lock)
        if writable:
            archive._blobs.sweep()
        return archive

    def close(self) -> None:
        """Let go of the folder; calling it again does nothing."""
        self._database.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add_task(self, task: Task) -> None:
        """Add `task`; one that is there stays as it is."""
        self._require_writable()
        self._database.add_task(task_row(task, self._blobs.put))

    def tasks(self) -> list[Task]:
        """Return every task, in the order they were added.

        Raises:
            RecordError: a record or a blob is damaged.
        """
        return [task_of(task_id, record, self._blobs.get) for task_id, record in self._database.tasks()]

    def add(self, trial: Trial) -> None:
        """Add `trial`. When this returns it survives `kill -9` and a loss of power.

        Raises:
            UsageError: its task was not added, or already has a trial of that number.
            InfrastructureError: the disk is full or failed; what was added before is kept.
        """
        self._require_writable()
        self._database.add_trial(trial_row(trial, self._blobs.put))

    def trials(self, task_id: str, *, since: int = 0) -> list[Trial]:
        """Return every trial of the task from number `since` on, oldest first.

        Raises:
            RecordError: a record or a blob is damaged.
        """
        return [trial_of(record, self._blobs.get) for record in self._database.trials(task_id, since)]

    def add_retiming(self, retiming: Retiming) -> None:
        """Add `retiming`. When this returns it survives `kill -9` and a loss of power.

        Raises:
            UsageError: its trial was not added.
            InfrastructureError: the disk is full or failed; what was added before is kept.
        """
        self._require_writable()
        self._database.add_retiming(retiming_row(retiming, self._blobs.put))

    def retimings(self, task_id: str) -> list[Retiming]:
        """Return every re-timing of the task's trials, oldest first.

        Raises:
            RecordError: a record or a blob is damaged.
        """
        return [retiming_of(record, self._blobs.get) for record in self._database.retimings(task_id)]

    def put(self, text: str) -> str:
        """Store `text` and return its blob id, the same for the same text.

        Raises:
            InfrastructureError: the disk is full or failed.
        """
        self._require_writable()
        return self._blobs.put(text)

    def get(self, blob: str) -> str:
        """Return the text called `blob`.

        Raises:
            RecordError: there is no such blob, or it is damaged.
        """
        return self._blobs.get(blob)

    def set_setting(self, key: str, value: str) -> None:
        """Keep a JSON text under `key`, in place of an earlier one.

        Raises:
            RecordError: `value` is not JSON.
        """
        self._require_writable()
        decode(value, object)
        self._database.set_setting(key, value)

    def setting(self, key: str) -> str | None:
        """Return the JSON text kept under `key`; None where there is none."""
        return self._database.setting(key)

    def _require_writable(self) -> None:
        if not self.writable:
            raise UsageError(f"the archive in {self.folder} was opened for reading")


def _database(folder: Path, *, writable: bool) -> Database:
    with needs_extra("search"):
        from warpsmith.archive.database import Database  # noqa: PLC0415 - brings SQLAlchemy, an extra
        from warpsmith.archive.sqlite import engine_for  # noqa: PLC0415
    return Database(engine_for(folder / DATABASE, writable=writable))


def _require_database(folder: Path) -> None:
    try:
        found = (folder / DATABASE).is_file()
    except OSError as error:
        raise UsageError(f"{folder} cannot be read ({error.strerror})") from error
    if not found:
        raise UsageError(f"{folder} is not a run folder: it has no {DATABASE}")


def _check_schema(folder: Path, meta: dict[str, str] | None) -> None:
    if meta is None:
        raise UsageError(f"{folder} is not a run folder: its {DATABASE} has no tables of an archive")
    written, ours = meta.get("schema", "unknown"), str(SCHEMA_VERSION)
    if written != ours:
        raise SchemaMismatch(
            f"{folder} has archive schema {written} and this Warpsmith {__version__} reads schema {ours}; "
            f"open it with Warpsmith {meta.get('warpsmith', 'of that schema')} or start a new run"
        )
