"""Looks at what is not the candidate's."""

from __future__ import annotations

import pytest
from check_samples import HONEST, advice, convicts, judge, saw

CHECK = "snooping"


def test_an_attempt_that_was_seen_convicts() -> None:
    assert "line 12" in convicts(CHECK, saw(snooped=("gc.get_objects (line 12)",)))


def test_nobody_is_convicted_without_one() -> None:
    assert judge(CHECK, HONEST) is None


@pytest.mark.parametrize(
    "line",
    [
        "gc.get_objects()",
        "f = sys._getframe(1)",
        "open('/proc/self/maps')",
        "os.listdir(f'/proc/{pid}/fd')",
        "os._exit(0)",
        "import warpsmith.worker",
        "from warpsmith import core",
    ],
)
def test_looks_are_pointed_at(line: str) -> None:
    assert advice(CHECK, line) == [1]


@pytest.mark.parametrize(
    "line", ["open('weights.bin')", "gc.collect()", "frame = 1", "sys.exit()", "import os"]
)
def test_files_and_the_like_are_not(line: str) -> None:
    assert advice(CHECK, line) == []
