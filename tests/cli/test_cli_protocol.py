"""`--protocol`: rules that are shared leave nothing that they fix to other options."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Cli


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--protocol", "kernelbench-v1"), "did you mean 'kernelbench-v0'?"),
        (("--protocol", "kernelbench-v0", "--tier", "screen"), "fixes --tier; leave the option out"),
        (("--protocol", "kernelbench-v0", "--baseline", "eager"), "fixes --baseline; leave"),
        (("--protocol", "kernelbench-v0", "--shapes", "any"), "fixes --shapes; leave"),
        (("--protocol", "warpsmith-1", "level1"), "fixes the problems; leave SUITE and its filters out"),
        (("--protocol", "warpsmith-1", "--tag", "starter"), "fixes the problems; leave SUITE"),
    ],
)
def test_what_a_protocol_fixes_can_not_be_asked_for_otherwise(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], part: str
) -> None:
    assert part in cli("bench", *words, "--out", tmp_path / "run").error
