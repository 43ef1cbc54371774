"""Source text with a content id; knows nothing of who made it."""

from __future__ import annotations

import msgspec

from warpsmith.core.codec import content_id


class Candidate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposed implementation of a problem.

    Attributes:
        source: text of a Python module that defines `entry`.
        backend: name of the backend that builds it, e.g. `triton`.
        entry: the class to construct with the problem's init inputs and to call.
    """

    source: str
    backend: str
    entry: str = "ModelNew"

    @property
    def id(self) -> str:
        """Content id over all fields."""
        return content_id(self)
