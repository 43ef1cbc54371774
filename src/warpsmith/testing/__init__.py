"""What a plugin author tests with: a conformance suite for each family of components, samples and fakes.

    from warpsmith.testing import StrategySample, StrategySuite

    class TestPatient(StrategySuite):
        @pytest.fixture
        def sample(self) -> StrategySample:
            return StrategySample(name="patient")

A suite is a pytest class; subclass it under a name that begins with `Test`, and say in the fixture
`sample` what it is about. A suite says in its docstring what it asks for. Importing this package
needs pytest; `warpsmith.testing.fakes` and `.samples` themselves do not use it.
"""

from __future__ import annotations

import pytest

# Before the imports below: a suite's asserts then explain themselves like those of a test file.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            "archives",
            "backends",
            "baselines",
            "components",
            "executors",
            "exports",
            "formats",
            "proposers",
            "strategies",
        )
    )
)

from warpsmith.testing import fakes, samples  # noqa: E402
from warpsmith.testing.archives import ArchiveSample, ArchiveSuite  # noqa: E402
from warpsmith.testing.backends import BackendSample, BackendSuite, BuildSuite  # noqa: E402
from warpsmith.testing.baselines import BaselineSample, BaselineSuite, TimerSample, TimerSuite  # noqa: E402
from warpsmith.testing.executors import ExecutorSample, ExecutorSuite  # noqa: E402
from warpsmith.testing.exports import ExportSample, ExportSuite  # noqa: E402
from warpsmith.testing.formats import (  # noqa: E402
    FileFormatSample,
    FileFormatSuite,
    FormatSample,
    FormatSuite,
)
from warpsmith.testing.proposers import ProposerSample, ProposerSuite  # noqa: E402
from warpsmith.testing.strategies import StrategySample, StrategySuite  # noqa: E402

__all__ = [
    "ArchiveSample",
    "ArchiveSuite",
    "BackendSample",
    "BackendSuite",
    "BaselineSample",
    "BaselineSuite",
    "BuildSuite",
    "ExecutorSample",
    "ExecutorSuite",
    "ExportSample",
    "ExportSuite",
    "FileFormatSample",
    "FileFormatSuite",
    "FormatSample",
    "FormatSuite",
    "ProposerSample",
    "ProposerSuite",
    "StrategySample",
    "StrategySuite",
    "TimerSample",
    "TimerSuite",
    "fakes",
    "samples",
]
