"""One file that holds the files of a build: packed beside the candidate, checked by the trusted side.

Both sides use this module; it imports no torch. A parcel is a magic line, the length of its
index, the index as JSON, and the files' bytes one after the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import RecordError

# Folders in which build systems look for their own earlier work. Nothing else of the scratch folder is kept:
# a candidate may well make a folder of any other name itself, and fail where it exists already.
FOLDERS = frozenset({"extensions", "triton", "cuda"})
# What plain compilers write beside the source; they replace a file of the same name without a word.
SUFFIXES = frozenset({".so", ".o", ".cubin", ".ptx", ".fatbin"})
MAX_BYTES = 256 << 20
MAX_FILES = 4096
MAX_INDEX_BYTES = 4 << 20
MAX_NAME_CHARACTERS = 512
MAGIC = b"warpsmith build 1\n"
LENGTH_BYTES = 8
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class NoParcel(Exception):
    """What was given is no parcel; the message says why."""


class Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file.

    Attributes:
        name: relative path with slashes.
        mtime_ns: when it was written; ninja compares these.
        digest: SHA-256 of its bytes in hex; the trusted side computes its own.
    """

    name: str
    size_bytes: int
    mtime_ns: int
    is_executable: bool
    digest: str = ""


class Index(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a parcel holds, in the order of its bytes.

    Attributes:
        key: which build this is; empty until the trusted side has sealed it.
    """

    pieces: tuple[Piece, ...]
    key: str = ""


class Parcel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An index and the bytes of its files."""

    index: Index
    contents: tuple[bytes, ...]

    def encoded(self) -> bytes:
        """Return the parcel as one file."""
        index = encode(self.index)
        return b"".join([MAGIC, len(index).to_bytes(LENGTH_BYTES, "big"), index, *self.contents])


def pack(folder: Path) -> int | None:
    """Return a sealed memory file of what was built in `folder`; None where that is nothing, or too much."""
    pieces: list[Piece] = []
    contents: list[bytes] = []
    total = 0
    for path in _built(folder):
        found = path.lstat()
        total += found.st_size
        if total > MAX_BYTES or len(pieces) == MAX_FILES:
            return None
        contents.append(path.read_bytes())
        pieces.append(
            Piece(
                name=str(path.relative_to(folder)),
                size_bytes=len(contents[-1]),
                mtime_ns=found.st_mtime_ns,
                is_executable=bool(found.st_mode & stat.S_IXUSR),
            )
        )
    if not pieces:
        return None
    return memory_file(Parcel(index=Index(pieces=tuple(pieces)), contents=tuple(contents)).encoded())


def _built(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir() and path.name in FOLDERS:
            for place, folders, names in os.walk(path):
                folders.sort()
                yield from (found for name in sorted(names) if _is_plain(found := Path(place, name)))
        elif path.suffix in SUFFIXES and _is_plain(path):
            yield path


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def memory_file(data: bytes) -> int:
    """Return a descriptor of `data` that nobody can change any more."""
    descriptor = os.memfd_create("build", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor


def read_untrusted(descriptor: int, key: str) -> Parcel:
    """Return what a candidate packed, with the trusted side's own digests, as the build `key`.

    Raises:
        NoParcel: it is not a sealed memory file, too large, or says something that can't be.
    """
    try:
        # Only memory files have seals; so this is no device, no pipe, and nothing of /proc or of a disk.
        is_sealed = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALS == SEALS
    except OSError as error:
        raise NoParcel("it is no memory file") from error
    size = os.fstat(descriptor).st_size
    if not is_sealed or size > MAX_BYTES + MAX_INDEX_BYTES + len(MAGIC) + LENGTH_BYTES:
        raise NoParcel("it is not sealed, or too large")
    parcel = _split(_read(descriptor, size))
    pieces = tuple(
        msgspec.structs.replace(piece, digest=hashlib.sha256(content).hexdigest())
        for piece, content in zip(parcel.index.pieces, parcel.contents, strict=True)
    )
    return Parcel(index=Index(pieces=pieces, key=key), contents=parcel.contents)


def check_sealed(data: bytes, key: str) -> None:
    """Make sure that `data` is the build `key`, byte for byte as it was sealed.

    Raises:
        NoParcel: it is not.
    """
    parcel = _split(data)
    if parcel.index.key != key:
        raise NoParcel("it is another build")
    for piece, content in zip(parcel.index.pieces, parcel.contents, strict=True):
        if hashlib.sha256(content).hexdigest() != piece.digest:
            raise NoParcel(f"{piece.name!r} has changed")


def unpack(descriptor: int, folder: Path) -> None:
    """Write the files of a parcel into an empty `folder`, as old as they were."""
    parcel = _split(_read(descriptor, os.fstat(descriptor).st_size))
    for piece, content in zip(parcel.index.pieces, parcel.contents, strict=True):
        path = folder / piece.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if piece.is_executable else 0o644)
        os.utime(path, ns=(piece.mtime_ns, piece.mtime_ns))


def _read(descriptor: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size and (part := os.pread(descriptor, size - len(parts), len(parts))):
        parts += part
    return bytes(parts)


def _split(data: bytes) -> Parcel:
    start = len(MAGIC) + LENGTH_BYTES
    length = int.from_bytes(data[len(MAGIC) : start], "big")
    if not data.startswith(MAGIC) or not 0 < length <= min(MAX_INDEX_BYTES, len(data) - start):
        raise NoParcel("it does not begin like one")
    try:
        index = decode(data[start : start + length], Index)
    except RecordError as error:
        raise NoParcel(str(error)) from error
    _check_index(index, len(data) - start - length)
    place = start + length
    contents = []
    for piece in index.pieces:
        contents.append(data[place : place + piece.size_bytes])
        place += piece.size_bytes
    return Parcel(index=index, contents=tuple(contents))


def _check_index(index: Index, room_bytes: int) -> None:
    names = [piece.name for piece in index.pieces]
    if len(names) > MAX_FILES or len(set(names)) != len(names):
        raise NoParcel("it has too many files, or one twice")
    if any(piece.size_bytes < 0 or not 0 <= piece.mtime_ns < 1 << 63 for piece in index.pieces):
        raise NoParcel("a size or a time is no such thing")
    if sum(piece.size_bytes for piece in index.pieces) != room_bytes:
        raise NoParcel("its sizes do not add up")
    for name in names:
        if not _is_proper(name):
            raise NoParcel(f"{name[:80]!r} is no name for a built file")


def _is_proper(name: str) -> bool:
    path = PurePosixPath(name)
    is_written_plainly = str(path) == name and not path.is_absolute() and ".." not in path.parts
    if not is_written_plainly or "\0" in name or not 0 < len(name) <= MAX_NAME_CHARACTERS:
        return False
    return path.parts[0] in FOLDERS if len(path.parts) > 1 else path.suffix in SUFFIXES
