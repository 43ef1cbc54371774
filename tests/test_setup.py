"""`./run`: finding an interpreter, making .venv, being quick and quiet when there is nothing to do.

Each test runs the real script in a clone of its own. Most use a stand-in interpreter (a shell script
that writes down how it was called), because a real set-up takes a minute and a network.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = "cat chmod cksum cp date dirname flock ln ls mkdir mv rm sed tail"

# Passes for Python 3.12 without torch. FAIL names the call that fails.
STAND_IN = """#!/bin/sh
call=$(echo $*)
echo "$call" >>"$CALLS"
case "$call" in ${FAIL:-nothing}) echo "stand-in fails at $call"; exit 1 ;; esac
case "$call" in
    *version_info*) echo "3.12.1 - $0" ;;
    "-m venv "*)
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\necho "warpsmith $*"; exit 7\\n' >"$3/bin/warpsmith"
        chmod +x "$3/bin/warpsmith" ;;
esac
"""
TOO_OLD = "#!/bin/sh\nprintf 3.8\nexit 3\n"


class Clone:
    """A copy of what `./run` reads, and a PATH that holds plain tools and the given interpreters."""

    def __init__(self, folder: Path, interpreters: dict[str, str]) -> None:
        self.folder = folder / "a clone"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.folder.mkdir()
        self.bin.mkdir()
        for name in ("run", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder / name)
        for tool in TOOLS.split():
            found = shutil.which(tool)
            if found is not None:
                (self.bin / tool).symlink_to(found)
        for name, script in interpreters.items():
            (self.bin / name).write_text(script)
            (self.bin / name).chmod(0o755)

    def env(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "CALLS": str(self.calls), "HOME": str(self.folder), **more}

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "run", *arguments],
            env=self.env(**env),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def pip_installs(self) -> int:
        return sum("pip install" in call for call in self.calls.read_text().splitlines())


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path, {"python3": STAND_IN})


def test_without_any_python_it_says_so(tmp_path: Path) -> None:
    done = Clone(tmp_path, {}).run("demo")
    assert done.returncode == 1
    assert "no Python >= 3.11 here; no python3 at all; install one" in done.stderr


def test_a_python_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    done = Clone(tmp_path, {"python3": TOO_OLD}).run("demo")
    assert done.returncode == 1
    assert "python3 is 3.8" in done.stderr


def test_a_newer_python_is_found_behind_one_that_is_too_old(tmp_path: Path) -> None:
    done = Clone(tmp_path, {"python3": TOO_OLD, "python3.12": STAND_IN}).run("hello")
    assert "Python 3.12.1" in done.stderr
    assert done.stdout == "warpsmith hello\n"


def test_a_python_asked_for_by_name_is_not_quietly_replaced(clone: Clone) -> None:
    done = clone.run("demo", PYTHON="/nowhere/python3")
    assert done.returncode == 1
    assert "PYTHON=/nowhere/python3 is no Python >= 3.11" in done.stderr
    assert not (clone.folder / ".venv").exists()


def test_a_python_without_venv_names_what_to_install(clone: Clone) -> None:
    done = clone.run("demo", FAIL="*env*")
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr


def test_arguments_output_and_exit_status_are_those_of_warpsmith(clone: Clone) -> None:
    done = clone.run("verify", "a problem", "--json")
    assert (done.stdout, done.returncode) == ("warpsmith verify a problem --json\n", 7)


def test_the_second_run_does_nothing_and_says_nothing(clone: Clone) -> None:
    clone.run("hello")
    calls = clone.calls.read_text()
    done = clone.run("hello")
    assert done.stderr == ""
    assert clone.calls.read_text() == calls


def test_changed_pins_are_installed_by_the_next_run(clone: Clone) -> None:
    clone.run("hello")
    with (clone.folder / "constraints.txt").open("a") as pins:
        pins.write("# changed\n")
    clone.run("hello")
    assert clone.pip_installs() == 2


def test_development_tools_are_added_to_a_venv_that_lacks_them(clone: Clone) -> None:
    clone.run("hello")
    clone.run("setup", "dev")
    clone.run("hello")
    assert clone.pip_installs() == 2
    assert "-e .[all,dev]" in clone.calls.read_text()


def test_a_failed_install_is_shown_and_tried_again(clone: Clone) -> None:
    failed = clone.run("hello", FAIL="*pip install*")
    assert failed.returncode == 1
    assert "stand-in fails at" in failed.stderr
    assert "'./run' tries again" in failed.stderr
    assert clone.run("hello").stdout == "warpsmith hello\n"


def test_a_venv_whose_making_was_interrupted_is_made_anew(clone: Clone) -> None:
    clone.run("hello", FAIL="-m venv *")
    (clone.folder / ".venv" / "left over").touch()
    assert clone.run("hello").stdout == "warpsmith hello\n"
    assert not (clone.folder / ".venv" / "left over").exists()


def test_a_moved_clone_gets_a_new_venv(clone: Clone) -> None:
    clone.run("hello")
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    assert "make .venv" in clone.run("hello").stderr


def test_somebody_elses_folder_named_venv_is_left_alone(clone: Clone) -> None:
    mine = clone.folder / ".venv" / "mine"
    mine.parent.mkdir()
    mine.touch()
    done = clone.run("hello")
    assert done.returncode == 1
    assert "move it away" in done.stderr
    assert mine.exists()


@pytest.mark.skipif(shutil.which("flock") is None, reason="no flock on this machine")
def test_two_set_ups_at_once_take_turns(clone: Clone) -> None:
    with (clone.folder / "run").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [clone.folder / "run", "hello"],
            env=clone.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        assert "another set-up is at work" in second.stderr.readline()
        assert not (clone.folder / ".venv").exists()
        fcntl.flock(held, fcntl.LOCK_UN)
        assert second.communicate()[0] == "warpsmith hello\n"


def test_a_torch_of_the_interpreter_is_used_and_not_replaced(tmp_path: Path) -> None:
    clone = Clone(tmp_path, {})
    # Real interpreter, real .venv; without an index pip stops at the build backend, after the linking.
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    done = clone.run("setup", PYTHON=sys.executable, **nothing)
    assert done.returncode == 1
    assert "use torch" in done.stderr
    pins = (clone.folder / ".venv" / "constraints.txt").read_text()
    assert "torch==" not in pins
    assert "triton==" not in pins
    assert "click==" in pins
    where = "import torch; print(torch.__file__)"
    linked, own = (
        subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout
        for python in (clone.folder / ".venv" / "bin" / "python", Path(sys.executable))
    )
    assert linked == own
