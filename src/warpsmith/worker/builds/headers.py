"""The small headers in a folder that every candidate sees read-only, and their precompiled forms.

On the trusted side: what g++ reads in place of a header is compiled here, once for each torch, compiler,
processor and set of flags, and no candidate can write to it. Where the flags of a build differ g++ takes
the header itself, so a precompiled one can only save time.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from warpsmith.worker.builds.lean import PACKAGED

# The folder of all of them; set by the host for its workers, which hand it on to the nursery.
FOLDER_VARIABLE = "WARPSMITH_HEADER_CACHE"
COMPILE_S = 300.0
# A third of a gigabyte each; of a host's torches and compilers the latest are kept.
KEPT_FOLDERS = 3


def headers_root() -> Path | None:
    """Return the folder of all headers, made if it is not there; None where there is none."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    if not named:
        return None
    root = Path(named).absolute()
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o755)
        is_ours = root.stat().st_uid == os.geteuid()
    except OSError:
        return None
    return root if is_ours else None


@functools.cache
def packaged_digest() -> str:
    """Return the SHA-256 of the headers' text."""
    texts = [path.read_bytes() for path in sorted(PACKAGED.rglob("*.h"))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


class Headers:
    """The headers for one torch, compiler and processor.

    Args:
        root: folder of all of them.
        what: says which torch, compiler and processor.
    """

    def __init__(self, root: Path, what: str) -> None:
        name = hashlib.sha256(f"{packaged_digest()} {what}".encode()).hexdigest()[:32]
        self._root = root
        self.folder = root / name
        if not self.folder.exists():
            self._place()
            self._forget_oldest()

    def _place(self) -> None:
        part = Path(tempfile.mkdtemp(prefix="part-", dir=self._root))
        part.chmod(0o755)
        shutil.copytree(PACKAGED, part, dirs_exist_ok=True)  # times and all, which ninja compares
        with contextlib.suppress(OSError):  # another worker was first
            part.rename(self.folder)
            return
        shutil.rmtree(part, ignore_errors=True)

    def _forget_oldest(self) -> None:
        found = sorted(
            (path for path in self._root.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime
        )
        for path in found[:-KEPT_FOLDERS]:
            shutil.rmtree(path, ignore_errors=True)

    def precompile(self, flags: Sequence[str], *, with_cuda: bool) -> bool:
        """Compile the header for builds with `flags`, when they are asked for the second time.

        Once is not worth the time: it takes as long as some builds. Returns whether it was compiled now.
        """
        name = hashlib.sha256(repr((tuple(flags), with_cuda)).encode()).hexdigest()[:16]
        ready = self.folder / "torch" / "extension.h.gch" / name
        wanted = self.folder / f"wanted-{name}"
        if ready.exists():
            return False
        if not wanted.exists():
            with contextlib.suppress(OSError):
                wanted.touch()
            return False
        with self._alone() as is_alone:
            return is_alone and not ready.exists() and self._compile(flags, ready, with_cuda=with_cuda)

    def _compile(self, flags: Sequence[str], ready: Path, *, with_cuda: bool) -> bool:
        command = _builders_command(flags, with_cuda=with_cuda)
        if command is None:
            return False
        ready.parent.mkdir(exist_ok=True)
        part = self.folder / f"part-{ready.name}"
        words = [*command, f"-I{self.folder}", "-x", "c++-header"]
        words += [str(self.folder / "torch" / "extension.h"), "-o", str(part)]
        try:
            subprocess.run(words, capture_output=True, timeout=COMPILE_S, check=True)  # noqa: S603 - the user's own compiler
            part.chmod(0o444)
            part.rename(ready)
        except (OSError, subprocess.SubprocessError):
            part.unlink(missing_ok=True)
            # An empty one is never valid and stops us from trying again at every build.
            with contextlib.suppress(OSError):
                ready.touch()
            return False
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other worker compiles; whoever comes second goes on without."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(descriptor)


def _builders_command(flags: Sequence[str], *, with_cuda: bool) -> list[str] | None:
    """Return compiler and flags of a binding file as torch's builder has them; None if that can't be told.

    Asked of the builder itself, by letting it write its build file and stopping it there.
    """
    from torch.utils import cpp_extension  # noqa: PLC0415 - heavy, and only needed here

    class Stopped(Exception):
        """The build file is written."""

    def stop(*_: object, **__: object) -> None:
        raise Stopped

    name = "warpsmith_headers"
    builder: Any = cpp_extension
    original = getattr(builder, "_run_ninja_build", None)
    if original is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        builder._run_ninja_build = stop  # noqa: SLF001 - it has no other way to be asked
        try:
            builder.load_inline(
                name, "", "//" if with_cuda else None, extra_cflags=list(flags), build_directory=folder
            )
        except Stopped:
            return _command_in(Path(folder, "build.ninja").read_text(), name)
        except (OSError, RuntimeError):  # no compiler, no CUDA
            return None
        finally:
            builder._run_ninja_build = original  # noqa: SLF001
            builder.JIT_EXTENSION_VERSIONER.entries.pop(name, None)
    return None


def _command_in(text: str, name: str) -> list[str] | None:
    found = dict(re.findall(r"^(cxx|cflags) = (.*)$", text, re.MULTILINE))
    if set(found) != {"cxx", "cflags"}:
        return None
    words = shlex.split(f"{found['cxx']} {found['cflags']}")
    return [word for word in words if word != f"-DTORCH_EXTENSION_NAME={name}"]
