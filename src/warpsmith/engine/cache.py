"""Verdicts that were given before, by everything that a verdict depends on: asked again, they cost nothing.

One SQLite file. Knows no process; a fault is never kept, since it says nothing about the candidate.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from warpsmith import __version__
from warpsmith.core.candidate import Candidate
from warpsmith.core.codec import content_id, decode, encode
from warpsmith.core.errors import RecordError, UsageError
from warpsmith.core.task import Task
from warpsmith.core.verdict import Accepted, Rejected, Verdict

WAIT_S = 60.0
SCHEMA = "CREATE TABLE IF NOT EXISTS verdicts (id TEXT PRIMARY KEY, verdict BLOB NOT NULL) WITHOUT ROWID"


class VerdictCache:
    """Finished verdicts in a file that several processes may share.

    Args:
        path: made where it is missing, with its folder.

    Attributes:
        trouble: why nothing is kept or recalled any more, e.g. a full disk; empty while all is well.

    Raises:
        UsageError: it can't be written, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
            # What a crash of the machine could lose is only work that is then done again.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"can't keep verdicts in {str(path)!r} ({error}); name another file") from error

        self.trouble = ""

    def close(self) -> None:
        """Be done with the file."""
        self._connection.close()

    def recall(self, key: str) -> Verdict | None:
        """Return the verdict kept under `key`, if there is one of this version's form."""
        rows = self._executed("SELECT verdict FROM verdicts WHERE id = ?", key)
        if not rows:
            return None
        with contextlib.suppress(RecordError):  # of another form: asked for anew, and then replaced
            kept: Verdict = decode(rows[0][0], Accepted | Rejected)  # type: ignore[arg-type]
            return kept
        return None

    def keep(self, key: str, verdict: Verdict) -> None:
        """Keep what was measured; what was refused unseen, or faulted, costs nothing to find again."""
        if isinstance(verdict, Accepted | Rejected) and verdict.provenance is not None:
            self._executed("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", key, encode(verdict))

    def _executed(self, statement: str, *values: str | bytes) -> list[tuple[bytes]]:
        """Return the rows of a statement; a file that fails costs a cache and never a verdict."""
        if self.trouble:
            return []
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self.trouble = str(error)
            return []


def verdict_key(task: Task, candidate: Candidate, device_class: str, software: Mapping[str, str]) -> str:
    """Return what two verifications must share for one verdict to do for both.

    The seed is not in it: another seed gives another sample of the same verdict.
    """
    return content_id(
        {
            "problem": task.problem.id,
            "candidate": candidate.id,
            "tier": task.tier,
            "effort": task.effort,
            "baselines": task.baselines,
            "limits": task.limits,
            "track": task.track,
            "device": device_class,
            "software": dict(software),
            "verifier": __version__,
        }
    )
