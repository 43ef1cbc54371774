"""Everything that is SQLite's own: how it is opened, made safe, and what its errors mean.

Knows no table. Another database needs another file like this one; `database.py`
speaks SQL that both understand.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import ExceptionContext

from warpsmith.archive.disk import full
from warpsmith.core.errors import InfrastructureError, RecordError, WarpsmithError

# Readers and the writer wait this long for each other in the moments WAL can't avoid, e.g. recovery.
BUSY_S = 30.0

DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
# What SQLite says when a write comes back short for any reason but a full disk, a size limit among them.
BROKEN = (
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_PROTOCOL",
)


def _error_for(original: BaseException | None, path: Path) -> WarpsmithError | None:
    name: str = getattr(original, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return full(path.parent)
    if name.startswith(DAMAGED):
        return RecordError(f"{path} is damaged ({original}); restore it or choose another --out")
    if name.startswith(BROKEN):
        return InfrastructureError(
            f"the database in {path.parent} cannot be used ({original}); every finished trial is kept"
        )
    return None


def _uri(path: Path, *, writable: bool) -> str:
    # A reader asks for read-write too: the last one to leave then folds the write-ahead log back and
    # removes it, and SQLite falls back to read-only by itself where the file is. In a folder that can't be
    # written SQLite can't make the shared index that WAL needs; `immutable` does without, which is right
    # as long as no log is waiting to be folded in.
    query = "mode=rwc" if writable else "mode=rw"
    log = path.with_name(f"{path.name}-wal")
    if not writable and not _is_writable(path.parent) and not (log.exists() and log.stat().st_size):
        query = "mode=ro&immutable=1"
    return f"file:{quote(str(path.absolute()))}?{query}"


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def engine_for(path: Path, *, writable: bool) -> sa.Engine:
    """Return an engine on the database file `path`; nothing is opened yet.

    A committed transaction survives `kill -9` and a loss of power. Readers see the last commit and are
    never kept waiting by the writer. Errors leave as this package's own.

    Args:
        path: the file; made where it is missing and `writable`.
        writable: whether the one writer asks; it must hold the writer lock.
    """
    uri = _uri(path, writable=writable)

    def connect() -> sqlite3.Connection:
        # isolation_level=None: transactions begin where `begin` below says, schema changes included.
        return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.QueuePool)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL syncs the log at every commit; WAL's usual NORMAL may lose the last ones with the power.
            connection.execute("PRAGMA synchronous=FULL")
        else:
            connection.execute("PRAGMA query_only=ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    @sa.event.listens_for(engine, "handle_error")
    def explain(context: ExceptionContext) -> BaseException | None:
        return _error_for(context.original_exception, path)

    return engine
