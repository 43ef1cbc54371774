"""What the command line's tests share: the command line, and a folder with a problem and candidates."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Cli
from sources import candidate, problem_source


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process."""
    return Cli(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the problem `relu.py` and the candidates `good.py` and `bad.py`."""
    (tmp_path / "relu.py").write_text(problem_source())
    (tmp_path / "good.py").write_text(candidate().source)
    (tmp_path / "bad.py").write_text(candidate("x").source)
    return tmp_path
