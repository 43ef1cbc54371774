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

    def close(self) -> None:
        """Be done with the file."""
        self._connection.close()

    def recall(self, key: str) -> Verdict | None:
        """Return the verdict kept under `key`, if there is one of this version's form."""
        row = self._connection.execute("SELECT verdict FROM verdicts WHERE id = ?", (key,)).fetchone()
        if row is None:
            return None
        with contextlib.suppress(RecordError):
            kept: Verdict = decode(row[0], Accepted | Rejected)  # type: ignore[arg-type]
            return kept
        return None

    def keep(self, key: str, verdict: Verdict) -> None:
        """Keep what was measured; what was refused unseen, or faulted, costs nothing to find again."""
        if isinstance(verdict, Accepted | Rejected) and verdict.provenance is not None:
            self._connection.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", (key, encode(verdict)))


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
