"""Turns and visits hold between processes of one host, whatever temporary folder each of them has."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from warpsmith.core.errors import InfrastructureError
from warpsmith.worker.turns import FOLDER_VARIABLE, SHARED_FOLDER, Turns

HOLDER = """import sys
from warpsmith.worker.turns import Turns

turns = Turns(sys.argv[1])
how = {"alone": turns.alone, "shared": turns.shared, "visit": turns.visit}[sys.argv[2]]
with how():
    print("held", flush=True)
    sys.stdin.read()
"""
SOON_S = 0.2

Hold: TypeAlias = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def key() -> Iterator[str]:
    """A device of nobody else's."""
    made = f"test-{uuid.uuid4()}"
    yield made
    for path in Path(os.environ.get(FOLDER_VARIABLE, SHARED_FOLDER)).glob(f"warpsmith-{made}.*"):
        path.unlink()


@pytest.fixture
def holding(key: str, tmp_path: Path) -> Iterator[Hold]:
    """Have another process, with a temporary folder of its own, hold a turn or visit."""
    started: list[subprocess.Popen[str]] = []

    def hold(how: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, key, how],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_a_worker_with_another_temporary_folder_waits_for_who_times(key: str, holding: Hold) -> None:
    holding("alone")
    with pytest.raises(InfrastructureError, match="in use"), Turns(key, wait_s=SOON_S).alone():
        pass


def test_who_compares_waits_for_who_times(key: str, holding: Hold) -> None:
    holding("alone")
    with pytest.raises(InfrastructureError, match="in use"), Turns(key, wait_s=SOON_S).shared():
        pass


def test_those_who_compare_share(key: str, holding: Hold) -> None:
    holding("shared")
    with Turns(key, wait_s=SOON_S).shared():
        pass


def test_a_killed_holder_holds_nothing(key: str, holding: Hold) -> None:
    holder = holding("alone")
    holder.kill()
    holder.wait()
    start = time.monotonic()
    with Turns(key, wait_s=10).alone():
        assert time.monotonic() - start < 5


def test_a_visitor_is_told_of_company(key: str, holding: Hold) -> None:
    holding("visit")
    with Turns(key, wait_s=SOON_S).visit() as visit:
        assert visit.ends_in_company()


def test_a_visitor_without_company_is_told_so(key: str) -> None:
    with Turns(key, wait_s=SOON_S).visit() as visit:
        assert not visit.ends_in_company()


def test_who_wants_to_visit_alone_waits_for_the_others(key: str, holding: Hold) -> None:
    holder = holding("visit")
    with pytest.raises(InfrastructureError, match="in use"), Turns(key, wait_s=SOON_S).visit(alone=True):
        pass
    holder.kill()
    holder.wait()
    with Turns(key, wait_s=10).visit(alone=True) as visit:
        assert not visit.ends_in_company()


def test_a_visit_does_not_keep_others_from_their_turns(key: str, holding: Hold) -> None:
    holding("visit")
    with Turns(key, wait_s=SOON_S).visit(), Turns(key, wait_s=SOON_S).alone():
        pass


def test_who_steps_aside_lets_those_who_time_in_and_waits_for_them(key: str, holding: Hold) -> None:
    turns = Turns(key, wait_s=SOON_S)
    with turns.shared():
        with pytest.raises(InfrastructureError, match="in use"), Turns(key, wait_s=SOON_S).alone():
            pass
        with turns.aside():
            holder = holding("alone")
            threading.Timer(SOON_S / 2, holder.kill).start()
        assert holder.wait() != 0, "it came back before the other was done"
        with pytest.raises(InfrastructureError, match="in use"), Turns(key, wait_s=SOON_S).alone():
            pass


def test_a_turn_inside_of_a_turn_is_the_same_turn(key: str) -> None:
    turns, other = Turns(key, wait_s=SOON_S), Turns(key, wait_s=SOON_S)
    with (
        turns.alone(),
        turns.shared(),
        turns.aside(),
        pytest.raises(InfrastructureError, match="in use"),
        other.shared(),
    ):
        pass


def test_a_folder_without_room_for_locks_is_no_way_to_go_without_them(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(InfrastructureError, match="name a folder that can be written"):
        Turns(key)
    monkeypatch.undo()
