"""Every registered component keeps its family's contract; the registries say which there are."""
# ruff: noqa: D101 - the name of its suite says what a class is for

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from conformance_samples import (
    ARCHIVE_SAMPLES,
    BACKEND_SAMPLES,
    BASELINE_SAMPLES,
    EXECUTOR_SAMPLES,
    EXPORT_SAMPLES,
    FORMATS_WITHOUT_FILES,
    GPU_TIMERS,
    STRATEGY_SAMPLES,
    TIMER_SAMPLES,
    format_samples,
    proposer_samples,
    sample_of,
)

from warpsmith.archive import ARCHIVES
from warpsmith.engine import EXECUTORS
from warpsmith.exports import EXPORTS
from warpsmith.problems import FORMATS
from warpsmith.propose import PROPOSERS
from warpsmith.search import STRATEGIES
from warpsmith.testing import (
    ArchiveSample,
    ArchiveSuite,
    BackendSample,
    BackendSuite,
    BaselineSample,
    BaselineSuite,
    BuildSuite,
    ExecutorSample,
    ExecutorSuite,
    ExportSample,
    ExportSuite,
    FileFormatSample,
    FileFormatSuite,
    FormatSample,
    FormatSuite,
    ProposerSample,
    ProposerSuite,
    StrategySample,
    StrategySuite,
    TimerSample,
    TimerSuite,
)
from warpsmith.worker.backends import BACKENDS
from warpsmith.worker.baselines import BASELINES
from warpsmith.worker.timers import TIMERS

TIMER_NAMES = [pytest.param(n, marks=[pytest.mark.gpu] if n in GPU_TIMERS else []) for n in TIMERS.names()]

# Every backend on every kind of device that it says it builds for.
DEVICES = {"cpu": "cpu", "cuda": "cuda:0"}
BUILDS = [
    pytest.param(
        (name, DEVICES[kind]), id=f"{name}-{kind}", marks=[pytest.mark.gpu] if kind == "cuda" else []
    )
    for name in BACKENDS.names()
    for kind in BACKENDS.make(name).device_types
]


class TestBackends(BackendSuite):
    @pytest.fixture(params=BACKENDS.names())
    def sample(self, request: pytest.FixtureRequest) -> BackendSample:
        return sample_of(request.param, BACKEND_SAMPLES)


@pytest.mark.timeout(300)
class TestBuilds(BuildSuite):
    @pytest.fixture(params=BUILDS)
    def sample(self, request: pytest.FixtureRequest) -> BackendSample:
        name, device = request.param
        return msgspec.structs.replace(sample_of(name, BACKEND_SAMPLES), device=device)


class TestBaselines(BaselineSuite):
    @pytest.fixture(params=BASELINES.names())
    def sample(self, request: pytest.FixtureRequest) -> BaselineSample:
        return sample_of(request.param, BASELINE_SAMPLES)


class TestTimers(TimerSuite):
    @pytest.fixture(params=TIMER_NAMES)
    def sample(self, request: pytest.FixtureRequest) -> TimerSample:
        return sample_of(request.param, TIMER_SAMPLES)


class TestFormats(FormatSuite):
    @pytest.fixture(params=FORMATS.names())
    def sample(self, request: pytest.FixtureRequest, tmp_path: Path) -> FormatSample:
        return sample_of(request.param, format_samples(tmp_path))


class TestFormatsOfFiles(FileFormatSuite):
    @pytest.fixture(params=sorted(set(FORMATS.names()) - FORMATS_WITHOUT_FILES))
    def sample(self, request: pytest.FixtureRequest, tmp_path: Path) -> FileFormatSample:
        sample = sample_of(request.param, format_samples(tmp_path))
        assert isinstance(sample, FileFormatSample), "a format that reads files has a sample that says so"
        return sample


class TestExports(ExportSuite):
    @pytest.fixture(params=EXPORTS.names())
    def sample(self, request: pytest.FixtureRequest) -> ExportSample:
        return sample_of(request.param, EXPORT_SAMPLES)


class TestStrategies(StrategySuite):
    @pytest.fixture(params=STRATEGIES.names())
    def sample(self, request: pytest.FixtureRequest) -> StrategySample:
        return sample_of(request.param, STRATEGY_SAMPLES)


class TestProposers(ProposerSuite):
    @pytest.fixture(params=PROPOSERS.names())
    def sample(self, request: pytest.FixtureRequest, tmp_path: Path) -> ProposerSample:
        return sample_of(request.param, proposer_samples(tmp_path))


class TestArchives(ArchiveSuite):
    @pytest.fixture(params=ARCHIVES.names())
    def sample(self, request: pytest.FixtureRequest) -> ArchiveSample:
        return sample_of(request.param, ARCHIVE_SAMPLES)


@pytest.mark.timeout(600)
class TestExecutors(ExecutorSuite):
    @pytest.fixture(params=EXECUTORS.names())
    def sample(self, request: pytest.FixtureRequest) -> ExecutorSample:
        return sample_of(request.param, EXECUTOR_SAMPLES)


@pytest.mark.parametrize("name", BACKENDS.names())
def test_this_machine_has_what_the_backends_of_a_cpu_need(name: str) -> None:
    """Else their suites would be skipped, and a skip looks like success."""
    backend = BACKENDS.make(name)
    assert "cpu" not in backend.device_types or backend.missing() == ""


@pytest.mark.parametrize("name", ["cpp", "torch"])
def test_what_builds_for_the_cpu_need_is_here_so_that_none_of_their_tests_is_skipped(name: str) -> None:
    assert BACKENDS.make(name).missing() == ""
