"""Archives by name: where a run's trials are kept.

Importing this package needs no SQLAlchemy; opening an archive does.
"""

from __future__ import annotations

from warpsmith.archive.store import Archive
from warpsmith.core.registry import Registry

ARCHIVES: Registry[Archive] = Registry(
    kind="archive",
    group="warpsmith.archives",
    builtin={
        "sqlite": "warpsmith.archive.store:Archive",
    },
)

__all__ = ["ARCHIVES", "Archive"]
