"""The package's own tests: Warpsmith's conformance suites. Run with `pytest conformance.py`.

Not called test_*.py only because Warpsmith's test run, where this package is not installed, would
collect it.
"""

# ruff: noqa: D101 - the name of its suite says what a class is for
from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from warpsmith.problems import load
from warpsmith.testing import (
    BackendSample,
    BackendSuite,
    BuildSuite,
    FileFormatSample,
    FileFormatSuite,
    FormatSuite,
    ProposerSample,
    ProposerSuite,
    StrategySample,
    StrategySuite,
    samples,
)


@pytest.fixture
def formulas(tmp_path: Path) -> Path:
    path = tmp_path / "formulas.txt"
    path.write_text("affine: 2 * x + 1\ncube: x * x * x\n")
    return path


PLAINPY = BackendSample(
    name="plainpy",
    accepted="# plainpy\ndef ModelNew(x):\n    return 2 * x + 1\n",
    failing="# plainpy\nModelNew = no_such_name\n",
    build_error="no_such_name",
    hanging="# plainpy\nModelNew = None\nwhile True:\n    pass\n",
)


class TestPlainPy(BackendSuite):
    @pytest.fixture
    def sample(self) -> BackendSample:
        return PLAINPY


class TestPlainPyBuilds(BuildSuite):
    @pytest.fixture
    def sample(self) -> BackendSample:
        return PLAINPY


class TestFormulas(FormatSuite, FileFormatSuite):
    @pytest.fixture
    def sample(self, formulas: Path) -> FileFormatSample:
        broken = formulas.with_name("broken.txt")
        broken.write_text("good: x\nsyntax: x +\nstranger: y\n")
        return FileFormatSample(
            name="formulas",
            several=str(formulas),
            one=f"{formulas}:cube",
            misspelt=f"{formulas}:cubes",
            nowhere=f"{formulas}.gone",
            with_broken=str(broken),
        )


class TestTranscribe(ProposerSuite):
    @pytest.fixture
    def sample(self, formulas: Path) -> ProposerSample:
        task = msgspec.structs.replace(samples.quick_task(), problem=load(f"formulas:{formulas}:cube"))
        return ProposerSample(name="transcribe", task=task, steps=5)


class TestGoodEnough(StrategySuite):
    @pytest.fixture
    def sample(self) -> StrategySample:
        return StrategySample(name="good_enough", options={"enough": "2"})
