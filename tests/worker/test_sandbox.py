"""What a process behind a candidate's walls can still do, tried by real processes behind real walls."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Run in a process of its own: it forks, and the walls' first trial wants few threads.
ASK = """
import json, os, sys
from pathlib import Path
from warpsmith.core.task import Limits
from warpsmith.worker.sandbox.plan import Terms
from warpsmith.worker.sandbox.trial import strongest_sandbox

folder, scratch_bytes, processes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sandbox = strongest_sandbox(folder)
reading, writing = os.pipe()
null = os.open(os.devnull, os.O_RDWR)

def inside():
    found = {{}}
    try:
{body}
    except BaseException as error:
        found["error"] = repr(error)
    os.write(writing, json.dumps(found).encode())

limits = Limits(scratch_bytes=scratch_bytes, processes=processes)
scratch = folder / "scratch"
scratch.mkdir(exist_ok=True)
terms = Terms(device_type="cpu", limits=limits, host_scratch=str(scratch))
started = sandbox.start(terms, inside, [writing], null)
os.close(writing)
said = b""
while part := os.read(reading, 65536):
    said += part
os.waitpid(started.pid, 0)
print(json.dumps({{"grade": sandbox.plan.grade, "lacks": sandbox.plan.lacks, "trouble": started.trouble,
                  "found": json.loads(said or b"null")}}))
"""


def behind_walls(
    folder: Path, body: str, *, scratch_bytes: int = 1 << 26, processes: int = 64, **environment: str
) -> dict[str, Any]:
    """Run `body`, which fills the dict `found`, behind walls; return what it found, and the grade."""
    script = ASK.format(body=textwrap.indent(textwrap.dedent(body).strip(), " " * 8))
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(scratch_bytes), str(processes)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | environment,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["trouble"] == "", told
    return told


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="walls-") as made:
        yield Path(made)


@pytest.fixture
def full(folder: Path) -> Path:
    """A folder on a host that allows everything; elsewhere there is nothing to insist on."""
    told = behind_walls(folder, "pass")
    if told["grade"] != "full":
        pytest.skip(f"this host does not allow a whole sandbox: {told['lacks'][0]}")
    return folder


def test_a_grade_below_full_says_what_is_missing_and_how_to_get_it(folder: Path) -> None:
    told = behind_walls(folder, "pass")
    assert told["grade"] in {"full", "partial", "none"}
    assert bool(told["lacks"]) == (told["grade"] != "full")


def test_only_what_is_needed_to_run_and_build_can_be_seen_and_nothing_of_it_written(full: Path) -> None:
    secret = full / "secret.txt"
    secret.write_text("do not tell")
    told = behind_walls(
        full,
        f"""
        found["secret"] = os.path.exists({str(secret)!r})
        found["home"] = os.path.exists({str(Path.home() / ".bashrc")!r})
        found["here"] = os.path.exists({str(Path(__file__))!r})
        import warpsmith
        found["problems"] = os.listdir(os.path.join(os.path.dirname(warpsmith.__file__), "problems"))
        written = []
        for place in ("/", "/usr", "/etc", "/dev", sys.prefix, os.path.dirname(warpsmith.__file__)):
            try:
                open(os.path.join(place, "note"), "w").close()
                written.append(place)
            except OSError:
                pass
        found["written"] = written
        """,
    )["found"]
    assert told == {"secret": False, "home": False, "here": False, "problems": [], "written": []}


def test_scratch_can_be_written_and_has_a_size(full: Path) -> None:
    told = behind_walls(
        full,
        """
        Path("note").write_text("scratch")
        found["note"] = Path("note").read_text()
        try:
            with open("big", "wb") as file:
                for _ in range(64):
                    file.write(b"x" * (1 << 20))
            found["size"] = "no limit"
        except OSError as error:
            found["size"] = error.strerror
        """,
        scratch_bytes=1 << 23,
    )["found"]
    assert told["note"] == "scratch"
    assert told["size"] in {"No space left on device", "File too large"}


def test_no_process_outside_can_be_seen_signalled_or_traced(full: Path) -> None:
    told = behind_walls(
        full,
        f"""
        import ctypes, signal
        libc = ctypes.CDLL(None, use_errno=True)
        found["pids"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
        found["me"] = os.getpid()
        try:
            os.kill({os.getpid()}, 0)
            found["signal"] = "reached"
        except OSError as error:
            found["signal"] = error.strerror
        found["ptrace"] = (libc.ptrace(16, 1, 0, 0), ctypes.get_errno())
        """,
    )["found"]
    assert len(told["pids"]) <= 3
    assert told["me"] in told["pids"]
    assert told["signal"] == "No such process"
    assert told["ptrace"] == [-1, 1]


def test_it_has_no_network_no_privileges_and_no_descriptors_of_ours(full: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = behind_walls(
            full,
            f"""
            import socket
            try:
                socket.create_connection(("127.0.0.1", {port}), 2).close()
                found["network"] = "reached"
            except OSError as error:
                found["network"] = error.strerror
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            kinds = ("Eff", "Prm", "Bnd")
            found["capabilities"] = sorted({{status[f"Cap{{kind}}"].strip() for kind in kinds}})
            found["no_new_privs"] = status["NoNewPrivs"].strip()
            found["filter"] = status["Seccomp"].strip()
            found["descriptors"] = len(os.listdir("/proc/self/fd"))
            """,
        )["found"]
    assert told["network"] == "Connection refused"
    assert (told["capabilities"], told["no_new_privs"], told["filter"]) == (["0" * 16], "1", "2")
    assert told["descriptors"] <= 5, "three standard streams, the answer, and the listing itself"


def test_it_can_make_no_namespace_and_no_more_processes_than_it_may(full: Path) -> None:
    told = behind_walls(
        full,
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        found["unshare"] = (libc.unshare(0x10000000), ctypes.get_errno())
        count = 0
        try:
            for _ in range(200):
                if os.fork() == 0:
                    import time
                    time.sleep(30)
                    os._exit(0)
                count += 1
        except OSError as error:
            found["fork"] = error.strerror
        found["count"] = count
        """,
        processes=20,
    )["found"]
    assert told["unshare"] == [-1, 1]
    assert told["fork"] == "Resource temporarily unavailable"
    assert 10 < told["count"] <= 20


def test_packages_that_lie_in_a_temporary_folder_can_be_imported(full: Path) -> None:
    site = full / "site"
    site.mkdir()
    (site / "only_here.py").write_text("answer = 42")
    told = behind_walls(
        full,
        """
        import only_here
        found["answer"] = only_here.answer
        Path("/tmp/note").write_text("mine")
        """,
        PYTHONPATH=str(site),
    )["found"]
    assert told == {"answer": 42}


def test_what_it_started_ends_with_it(full: Path) -> None:
    behind_walls(
        full,
        """
        import ctypes, time
        if os.fork() == 0:
            os.setsid()
            ctypes.CDLL(None).prctl(15, b"left-behind")
            time.sleep(60)
            os._exit(0)
        time.sleep(0.3)
        """,
    )
    names = [(path / "comm") for path in Path("/proc").glob("[0-9]*")]
    left = [path for path in names if path.exists() and path.read_text().strip() == "left-behind"]
    assert left == []
