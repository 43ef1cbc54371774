"""What every check promises, whichever: it acquits the honest, reads any source, and is a component."""

from __future__ import annotations

import ast

import pytest
from check_samples import HONEST, REDUCED, but, judge
from sources import module_source

from warpsmith.checks import CHECKS
from warpsmith.checks.evidence import Census, Evidence
from warpsmith.core.task import Track
from warpsmith.testing.components import ComponentSuite

# What text-based tools take for cheating, in a kernel that is honest.
SUSPICIOUS = '''
try:
    import triton
except ImportError:
    pass

class Stream:
    """Does not replay, patch, cache or skip anything in this stream; bypasses nothing."""

def timed(event): return event  # time.perf_counter = 0
'''


class Sample:
    """A check's name, without options."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.options: dict[str, str] = {}


class TestChecks(ComponentSuite):
    """They are components like any other."""

    registry = CHECKS
    registry_path = "warpsmith.checks:CHECKS"

    @pytest.fixture(params=CHECKS.names())
    def sample(self, request: pytest.FixtureRequest) -> Sample:
        return Sample(request.param)


@pytest.mark.parametrize("check", CHECKS.names())
def test_an_honest_kernel_is_acquitted(check: str) -> None:
    assert judge(check, HONEST) is None
    assert judge(check, but(track=REDUCED)) is None
    assert judge(check, but(track=Track(kernels="custom-only"))) is None


@pytest.mark.parametrize("check", CHECKS.names())
def test_missing_evidence_is_no_reason_on_the_default_track(check: str) -> None:
    bare = Evidence(workload="w", device_type="cpu", track=Track(), median_ns=1.0)
    assert judge(check, bare) is None
    assert judge(check, but(bare, census=Census(kernels=()))) is None


@pytest.mark.parametrize("check", CHECKS.names())
@pytest.mark.parametrize("source", ["", "x = 1", SUSPICIOUS, module_source("ModelNew", "torch.relu(x)")])
def test_words_are_no_reason(check: str, source: str) -> None:
    assert list(CHECKS.make(check).scan(ast.parse(source))) == []
