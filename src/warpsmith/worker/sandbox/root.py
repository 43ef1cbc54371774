"""The file system that a candidate sees: what it needs to run and build, read-only, and a scratch folder.

A whitelist: what is not named here does not exist inside, such as the user's home, the
working directory, run folders and the problems' reference sources. Paths keep their
names, so that nothing that is already imported notices.
"""

from __future__ import annotations

import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from warpsmith.worker.builds.headers import FOLDER_VARIABLE as HEADERS_FOLDER
from warpsmith.worker.sandbox import syscalls
from warpsmith.worker.sandbox.syscalls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_REC, MS_SLAVE

SCRATCH = "/scratch"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
# Never passwd or group, which we write ourselves, nor anything with a secret.
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "nsswitch.conf", "localtime")
# A program of these may lie outside of the system's folders; what it loads lies around it.
TOOLS = ("nvcc", "ptxas", "g++", "gcc", "c++", "cc", "clang", "ld", "as", "ninja")
PROFILERS = ("ncu", "compute-sanitizer")
TOOL_VARIABLES = ("CC", "CXX", "CUDAHOSTCXX", "NVCC_CCBIN")
HOME_VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "ROCM_PATH")
# Nobody means these as a whole, whatever an environment variable says.
TOO_WIDE = (
    "/",
    *(
        f"/{name}"
        for name in ["home", "root", "tmp", "var", "etc", "run", "mnt", "media", "dev", "proc", "sys"]
    ),
)
DEVICES = ("null", "zero", "full", "random", "urandom", "kfd")
DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi")
# Files of no size fill memory as well: about a kilobyte each.
MAX_FILES = 262144
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"


class Binding(NamedTuple):
    """What is seen at `target` inside is what lies at `source` outside, a path without links."""

    source: str
    target: str


class Owner(NamedTuple):
    """Whom scratch belongs to, as numbered where it is made; `named` is how it is numbered inside."""

    user: int
    group: int
    named: int


def bindings() -> tuple[Binding, ...]:
    """Return what to show of this host, outer folders first; nothing of it lies inside another."""
    chosen: dict[str, str] = {}
    wanted = {path for path in (*_wanted(),) if path.startswith("/")}
    places = {Path(os.path.normpath(path)) for path in wanted} | {Path(path).resolve() for path in wanted}
    for path in sorted(places, key=lambda path: (len(path.parts), path)):
        is_shown = any(str(parent) in chosen for parent in (path, *path.parents))
        if path.exists() and not is_shown and not _is_too_wide(path):
            chosen[str(path)] = str(path.resolve())
    return tuple(Binding(source=source, target=target) for target, source in chosen.items())


def _wanted() -> Iterator[str]:
    yield from SYSTEM
    yield from (f"/etc/{name}" for name in ETC)
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path)
    yield from (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "include"))
    yield from (site.getusersitepackages(), str(Path(sys.executable).resolve().parent))
    for name in ("torch", "triton", "warpsmith"):
        if (module := sys.modules.get(name)) is not None and module.__file__:
            yield str(Path(module.__file__).parent)
    yield from (os.environ[name] for name in HOME_VARIABLES if name in os.environ)
    yield from os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if headers := os.environ.get(HEADERS_FOLDER):
        yield headers
    yield from _loader_folders()
    yield from _loaded_folders()
    yield from _tool_folders()


def _loader_folders() -> Iterator[str]:
    for listing in Path("/etc/ld.so.conf.d").glob("*.conf"):
        yield from (line.strip() for line in listing.read_text(errors="replace").splitlines())


def _loaded_folders() -> Iterator[str]:
    """Where the libraries of this process lie: what loaded once must load again."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.partition("/")[2]
        if ".so" in path and "(deleted)" not in path:
            yield str(Path(f"/{path}").parent)


def _tool_folders() -> Iterator[str]:
    named = (os.environ[name].partition(" ")[0] for name in TOOL_VARIABLES if name in os.environ)
    for tool in (*TOOLS, *PROFILERS, *named):
        if (found := shutil.which(tool)) is None:
            continue
        yield found
        folder = Path(found).resolve().parent
        prefix = folder.parent if folder.name == "bin" else folder
        yield str(folder) if _is_too_wide(prefix) else str(prefix)


def _is_too_wide(path: Path) -> bool:
    home = Path(os.environ.get("HOME") or "/root")
    return str(path) in TOO_WIDE or path in (home, *home.parents, home / ".local")


def hidden_folders(shown: Iterable[Binding]) -> tuple[str, ...]:
    """Return where the folder with the problems' reference sources would be seen inside."""
    import warpsmith  # noqa: PLC0415 - for its place alone

    problems = (Path(warpsmith.__file__).parent / "problems").resolve()
    return tuple(
        str(Path(binding.target) / problems.relative_to(binding.source))
        for binding in shown
        if problems.is_relative_to(binding.source)
    )


class Root(NamedTuple):
    """What one candidate's root is made of.

    Attributes:
        hidden: folders inside that are to be empty.
        has_own_proc: whether `/proc` may be a fresh one, of its own pid namespace.
        size_bytes: of scratch, `/tmp` and `/dev/shm` together; they are memory.
    """

    shown: tuple[Binding, ...]
    hidden: tuple[str, ...]
    owner: Owner
    has_own_proc: bool
    size_bytes: int

    def build(self) -> None:
        """Make it the root of this mount namespace; nothing of the old root can be reached after it."""
        os.umask(0o022)
        syscalls.mount("none", "/", None, MS_REC | MS_SLAVE)
        # Everything is assembled on a file system that hides no source: sources move to /old first.
        syscalls.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")  # noqa: S108
        os.mkdir("/tmp/old")  # noqa: S108, PTH102 - Path would normalise nothing here either
        syscalls.pivot_root("/tmp", "/tmp/old")  # noqa: S108
        os.chdir("/")
        for name in ("/new", "/store"):
            Path(name).mkdir()
        syscalls.mount("tmpfs", "/new", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")
        self._make_writable_folders()
        self._show_system()  # after them: an environment may lie in /tmp
        self._show_proc()
        self._show_devices()
        for folder in self.hidden:
            syscalls.mount("tmpfs", f"/new{folder}", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4k")
            syscalls.make_read_only(f"/new{folder}")
        syscalls.make_read_only("/new", recursive=False)
        syscalls.detach("/old")
        os.chdir("/new")
        syscalls.pivot_root(".", ".")
        syscalls.detach(".")
        os.chdir("/")

    def _show_system(self) -> None:
        for source, target in self.shown:
            place = Path(f"/new{target}")
            if source != target and len(Path(target).parts) == 2 and source.startswith("/usr/"):
                place.symlink_to(source.removeprefix("/"))  # /bin and /lib of a merged /usr
                continue
            _bind(source, target)
            syscalls.make_read_only(str(place))
        _bind("/sys", "/sys")
        syscalls.make_read_only("/new/sys")
        etc = Path("/new/etc")
        etc.mkdir(exist_ok=True)
        users = {0: "root", 65534: "nobody", self.owner.named: "candidate"}
        people = [f"{name}:x:{number}:{number}::{SCRATCH}:/bin/sh" for number, name in users.items()]
        (etc / "passwd").write_text("\n".join(people) + "\n")
        (etc / "group").write_text("".join(f"{name}:x:{number}:\n" for number, name in users.items()))
        (etc / "hosts").write_text(HOSTS)

    def _show_proc(self) -> None:
        Path("/new/proc").mkdir()
        if self.has_own_proc:
            syscalls.mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        else:
            syscalls.mount("/old/proc", "/new/proc", None, MS_BIND | MS_REC)
        # Root by number may write these even without a single capability.
        for name in PROC_READ_ONLY:
            if (path := Path(f"/new/proc/{name}")).exists():
                syscalls.mount(str(path), str(path), None, MS_BIND | MS_REC)
                syscalls.make_read_only(str(path))

    def _show_devices(self) -> None:
        found = [*DEVICES, *(path.name for path in Path("/old/dev").glob("nvidia*"))]
        if Path("/old/dev/kfd").exists():
            found.append("dri")
        for name in found:
            if Path(f"/old/dev/{name}").exists():
                _bind(f"/dev/{name}", f"/dev/{name}")
        for name, target in DEVICE_LINKS.items():
            Path(f"/new/dev/{name}").symlink_to(target)

    def _make_writable_folders(self) -> None:
        """All in one file system of one size, so that a candidate can't take the size three times."""
        options = f"mode=0755,size={self.size_bytes},nr_inodes={MAX_FILES}"
        syscalls.mount("tmpfs", "/store", "tmpfs", MS_NOSUID | MS_NODEV, options)
        for target, mode in ((SCRATCH, 0o700), ("/tmp", 0o1777), ("/dev/shm", 0o1777)):  # noqa: S108
            folder = Path("/store", Path(target).name)
            folder.mkdir()
            os.chown(folder, self.owner.user, self.owner.group)
            folder.chmod(mode)
            Path(f"/new{target}").mkdir(parents=True, exist_ok=True)
            syscalls.mount(str(folder), f"/new{target}", None, MS_BIND)


def _bind(source: str, target: str) -> None:
    outside, inside = Path(f"/old{source}"), Path(f"/new{target}")
    if outside.is_dir():
        inside.mkdir(parents=True, exist_ok=True)
    else:
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.touch()
    syscalls.mount(str(outside), str(inside), None, MS_BIND | MS_REC)
