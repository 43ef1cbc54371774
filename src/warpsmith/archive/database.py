"""The tables of an archive and every statement on them, in portable SQL.

Rows in, rows out: knows neither blobs nor what a record says. Beside each JSON
record stand the columns that people query with plain SQL.
"""

from __future__ import annotations

import sqlalchemy as sa

from warpsmith.archive.records import Row
from warpsmith.core.errors import UsageError

METADATA = sa.MetaData()

META = sa.Table(
    "meta",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

SETTINGS = sa.Table(
    "settings",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

TASKS = sa.Table(
    "tasks",
    METADATA,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("problem", sa.Text, nullable=False, index=True),
    sa.Column("problem_id", sa.String(64), nullable=False, index=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)

TRIALS = sa.Table(
    "trials",
    METADATA,
    sa.Column("task_id", sa.String(64), sa.ForeignKey("tasks.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("stage", sa.Text, nullable=True, index=True),
    sa.Column("proposer", sa.Text, nullable=False, index=True),
    sa.Column("variant", sa.Text, nullable=False),
    sa.Column("backend", sa.Text, nullable=True),
    sa.Column("candidate_id", sa.String(64), nullable=True, index=True),
    sa.Column("finished_at", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)

RETIMINGS = sa.Table(
    "retimings",
    METADATA,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("task_id", sa.String(64), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["task_id", "number"], ["trials.task_id", "trials.number"]),
)


class Database:
    """Statements on one engine.

    Args:
        engine: whose errors are this package's own; disposed of by `close`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close every connection; calling it again does nothing."""
        self._engine.dispose()

    def create_tables(self, meta: dict[str, str]) -> None:
        """Make all tables and fill `meta`, in one transaction."""
        rows = [{"key": key, "value": value} for key, value in meta.items()]
        with self._engine.begin() as connection:
            METADATA.create_all(connection)
            connection.execute(sa.insert(META), rows)

    def meta(self) -> dict[str, str] | None:
        """What `create_tables` was given; None where these tables were never made."""
        with self._engine.connect() as connection:
            if not sa.inspect(connection).has_table(META.name):
                return None
            return {row.key: row.value for row in connection.execute(sa.select(META))}

    def add_task(self, row: Row) -> None:
        """Insert a task, unless its id is there."""
        with self._engine.begin() as connection:
            if connection.scalar(sa.select(TASKS.c.id).where(TASKS.c.id == row["id"])) is None:
                connection.execute(sa.insert(TASKS).values(**row))

    def tasks(self) -> list[tuple[str, str]]:
        """Id and record of every task, oldest first."""
        query = sa.select(TASKS.c.id, TASKS.c.record).order_by(TASKS.c.position)
        with self._engine.connect() as connection:
            return [(row.id, row.record) for row in connection.execute(query)]

    def add_trial(self, row: Row) -> None:
        """Insert a trial; it is safe on disk when this returns.

        Raises:
            UsageError: its task is unknown, or has a trial of that number.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(TRIALS).values(**row))
        except sa.exc.IntegrityError as error:
            raise UsageError(
                f"trial {row['number']} cannot be added: its task {row['task_id']} is not in the archive "
                "or has a trial of that number, and trials are append-only"
            ) from error

    def trials(self, task_id: str, since: int = 0) -> list[str]:
        """Records of the task's trials, by number, from number `since` on."""
        query = sa.select(TRIALS.c.record).where(TRIALS.c.task_id == task_id, TRIALS.c.number >= since)
        with self._engine.connect() as connection:
            return list(connection.scalars(query.order_by(TRIALS.c.number)))

    def add_retiming(self, row: Row) -> None:
        """Insert a re-timing; it is safe on disk when this returns.

        Raises:
            UsageError: its trial is unknown.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(RETIMINGS).values(**row))
        except sa.exc.IntegrityError as error:
            raise UsageError(
                f"a re-timing of trial {row['number']} cannot be added: its task {row['task_id']} has no "
                "trial of that number"
            ) from error

    def retimings(self, task_id: str) -> list[str]:
        """Records of the re-timings of the task's trials, oldest first."""
        query = sa.select(RETIMINGS.c.record).where(RETIMINGS.c.task_id == task_id)
        with self._engine.connect() as connection:
            return list(connection.scalars(query.order_by(RETIMINGS.c.position)))

    def set_setting(self, key: str, value: str) -> None:
        """Insert or replace a setting."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(SETTINGS).where(SETTINGS.c.key == key))
            connection.execute(sa.insert(SETTINGS).values(key=key, value=value))

    def setting(self, key: str) -> str | None:
        """Return a setting; None where it was never set."""
        with self._engine.connect() as connection:
            found: str | None = connection.scalar(sa.select(SETTINGS.c.value).where(SETTINGS.c.key == key))
            return found
