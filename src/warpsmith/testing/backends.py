"""The contract of a backend: what it says of sources on the host, and what it builds in a verification."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import msgspec
import pytest

from warpsmith.core.problem import Problem
from warpsmith.core.task import Limits
from warpsmith.core.verdict import Accepted, Rejected, Stage, Verdict
from warpsmith.testing.components import ComponentSuite
from warpsmith.testing.machine import shared_verifier
from warpsmith.testing.samples import LIMITS, affine, quick_task
from warpsmith.verify.scan import candidate_of
from warpsmith.worker.backends import BACKENDS, recognise
from warpsmith.worker.backends.base import Backend

DEVICE_TYPES = {"cpu", "cuda"}
ODD_TEXTS = ("", " \n", "\0", "def", "ModelNew", "\N{SNOWMAN}\ud800", "@" * 10_000, "#include <<<", "x = '''")
HANG_S = 1.5


class BackendSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the backend's name in the registry.
        accepted: a candidate for `problem` that is right, and that no other backend claims more firmly.
        failing: one that does not build; `build_error` must stand in the rejection's reason or log.
        hanging: one whose build never ends.
        problem: what the candidates are for; `2 * x + 1` on a float32 tensor when not given.
        device: where `BuildSuite` builds and verifies them.
        options: to make the backend with, as text.
    """

    name: str
    accepted: str
    failing: str
    build_error: str
    hanging: str
    problem: Problem = msgspec.field(default_factory=affine)
    device: str = "cpu"
    options: dict[str, str] = {}


class BackendSuite(ComponentSuite):
    """What `Backend` promises.

    Provide the fixture `sample`, a `BackendSample`. Nothing is built: that is `BuildSuite`'s part.
    """

    registry = BACKENDS
    registry_path = "warpsmith.worker.backends:BACKENDS"

    @pytest.fixture
    def sample(self) -> BackendSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def backend(self, sample: BackendSample) -> Backend:
        """Make the backend."""
        return BACKENDS.make(sample.name, sample.options)

    def test_it_names_the_devices_it_builds_for(self, backend: Backend) -> None:
        assert backend.device_types
        assert set(backend.device_types) <= DEVICE_TYPES

    def test_it_says_what_is_missing_in_words(self, backend: Backend) -> None:
        assert isinstance(backend.missing(), str)
        assert backend.missing() == backend.missing().strip()

    @pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
    def test_it_has_a_steady_opinion_on_any_text(self, backend: Backend, text: str) -> None:
        claim = backend.claim(text)
        assert type(claim) is int
        assert claim >= 0
        assert backend.claim(text) == claim

    def test_its_own_candidate_is_recognised(self, sample: BackendSample) -> None:
        assert recognise(sample.accepted) == sample.name

    def test_a_device_that_it_does_not_build_for_is_refused(
        self, sample: BackendSample, backend: Backend
    ) -> None:
        for device_type in DEVICE_TYPES - set(backend.device_types):
            verdict = verdict_on(sample.accepted, sample, device_type)
            assert isinstance(verdict, Rejected), verdict
            assert (verdict.stage, verdict.findings[0].check) == (Stage.SCAN, "backend")


class BuildSuite:
    """What a backend makes of sources on one device, in real verifications.

    Provide the fixture `sample`, a `BackendSample` whose `device` is there; mark a class for a GPU with `gpu`
    (register that marker). Where the backend says that something is missing, the tests are skipped with its
    words.
    """

    @pytest.fixture
    def sample(self) -> BackendSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def device(self, sample: BackendSample) -> str:
        """Return the sample's device, which the backend builds for and the verifier sees."""
        backend = BACKENDS.make(sample.name, sample.options)
        assert sample.device.partition(":")[0] in backend.device_types
        if lacking := backend.missing():
            pytest.skip(lacking)
        assert sample.device in shared_verifier().probe().devices
        return sample.device

    def test_its_own_candidate_is_accepted(self, sample: BackendSample, device: str) -> None:
        verdict = verdict_on(sample.accepted, sample, device)
        assert isinstance(verdict, Accepted), verdict

    def test_a_build_error_is_the_candidate_s_and_is_told(self, sample: BackendSample, device: str) -> None:
        verdict = verdict_on(sample.failing, sample, device)
        assert isinstance(verdict, Rejected), verdict
        assert verdict.stage is Stage.BUILD
        assert sample.build_error in verdict.reason + verdict.log

    def test_a_build_that_hangs_is_killed_and_the_next_one_is_well(
        self, sample: BackendSample, device: str
    ) -> None:
        verdict = verdict_on(sample.hanging, sample, device, Limits(build_s=HANG_S))
        assert isinstance(verdict, Rejected), verdict
        assert (verdict.stage, verdict.findings[0].check) == (Stage.BUILD, "timeout")
        assert isinstance(verdict_on(sample.accepted, sample, device), Accepted)


def verdict_on(source: str, sample: BackendSample, device: str, limits: Limits = LIMITS) -> Verdict:
    """Return the real verdict on `source`, built by the sample's backend."""
    task = quick_task(sample.problem, device=device, limits=limits)
    return shared_verifier().verify(task, candidate_of(source, sample.name))
