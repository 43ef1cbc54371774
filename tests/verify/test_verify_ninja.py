"""The extension builder's ninja may be the environment's own, which is on nobody's PATH."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from warpsmith.worker.backends import BACKENDS
from warpsmith.worker.backends.extension import missing_ninja, private_build


def test_programs_of_the_environment_come_first_in_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert private_build(tmp_path)["PATH"].split(":") == [str(Path(sys.executable).parent), "/nowhere"]


def test_a_missing_ninja_is_named_by_the_backends_that_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "g++").write_text("#!/bin/sh\n")
    (tmp_path / "g++").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    monkeypatch.delenv("CXX", raising=False)
    assert "pip install ninja" in missing_ninja()
    assert "pip install ninja" in BACKENDS.make("cpp").missing()
