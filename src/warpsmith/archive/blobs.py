"""Texts by the hash of their content: `blobs/ab/<sha256>`, identical content once.

Knows nothing of trials. A blob is written before the record that names it, so a
crash can leave a blob that nothing names but never a name without its blob.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from warpsmith.archive.disk import UNFINISHED, make_folder, write_atomically, writing
from warpsmith.core.codec import text_id
from warpsmith.core.errors import RecordError

BLOB_ID = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The blob store of one run folder.

    Args:
        folder: where the blobs are; made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sweep(self) -> None:
        """Remove what a killed writer left unfinished; for the one who holds the writer lock."""
        for leftover in self._folder.glob(f"*/{UNFINISHED}*"):
            leftover.unlink(missing_ok=True)

    def put(self, text: str) -> str:
        """Store `text` and return its blob id.

        Raises:
            RecordError: `text` has a lone surrogate, which UTF-8 cannot say.
            InfrastructureError: the disk refused.
        """
        try:
            blob, data = text_id(text), text.encode()
        except UnicodeEncodeError as error:
            raise RecordError(f"text holds a lone surrogate at index {error.start}, not Unicode") from error
        path = self._path(blob)
        with writing(self._folder.parent):
            # The size tells a whole blob from one that a failing disk cut short; that one is written again.
            if not path.is_file() or path.stat().st_size != len(data):
                make_folder(path.parent)
                write_atomically(path, data)
        return blob

    def get(self, blob: str) -> str:
        """Return the text called `blob`.

        Raises:
            RecordError: there is no such blob, or its content is not what was stored.
        """
        if not BLOB_ID.fullmatch(blob):
            raise RecordError(f"{blob!r} is not a blob id")
        try:
            data = self._path(blob).read_bytes()
        except OSError as error:
            raise RecordError(f"blob {blob} cannot be read ({error.strerror})") from error
        if hashlib.sha256(data).hexdigest() != blob:
            raise RecordError(f"blob {blob} is damaged: its content has another hash")
        return data.decode()

    def _path(self, blob: str) -> Path:
        return self._folder / blob[:2] / blob
