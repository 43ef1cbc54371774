"""Propose candidates that a person or an agent wrote: a file, or every Python file of a folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.trial import Proposal
from warpsmith.core.verdict import Rejected
from warpsmith.propose.base import Wish, tried_variants
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.scan import AUTO, candidate_of, decode_source

NAME = "file"


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Candidates from disk, in order of name; files that appear during a search are taken too.

    Attributes:
        path: a Python file, or a folder of them.
        backend: as for `verify --backend`.
    """

    path: str
    backend: str = AUTO

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:  # noqa: ARG002 - no process needed
        """Return the first file that was not tried."""
        tried = tried_variants(wish.trials, NAME)
        for file in self._files():
            if file.name in tried:
                continue
            return self._proposal(file)
        return None

    def _proposal(self, file: Path) -> Proposal:
        try:
            source = decode_source(file.read_bytes())
        except OSError as error:
            note = f"can't read candidate {str(file)!r}: {error.strerror}"
            return Proposal(proposer=NAME, variant=file.name, candidate=None, note=note)
        if isinstance(source, Rejected):
            return Proposal(proposer=NAME, variant=file.name, candidate=None, note=source.reason)
        return Proposal(proposer=NAME, variant=file.name, candidate=candidate_of(source, self.backend))

    def _files(self) -> list[Path]:
        root = Path(self.path)
        if root.is_dir():
            return sorted(root.glob("*.py"))
        if not root.is_file():
            raise UsageError(f"no candidate file {self.path!r}; give -o path=FILE or -o path=FOLDER")
        return [root]
