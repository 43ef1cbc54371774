"""The contract of a problem format, checked on locators that its implementer names."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import json
import os
import subprocess
import sys

import msgspec
import pytest

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.verdict import Accepted
from warpsmith.problems import FORMATS, find, load
from warpsmith.problems.base import Found, ProblemFormat
from warpsmith.testing.components import ComponentSuite
from warpsmith.testing.machine import PYTHON_S, shared_verifier
from warpsmith.testing.samples import quick_task
from warpsmith.verify.scan import candidate_of

LIST_IDS = """
import json, sys
from warpsmith.problems import FORMATS

found = FORMATS.make(sys.argv[1]).find(sys.argv[2])
heavy = [name for name in ("torch", "triton") if name in sys.modules]
print(json.dumps({"ids": [[problem.name, problem.id] for problem in found.problems], "heavy": heavy}))
"""


class FormatSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test. Each text is what stands after `FORMAT:` in a locator.

    Attributes:
        name: the format's name in the registry.
        several: denotes at least two problems.
        one: denotes one problem, whose workloads for the CPU take less than a second.
        misspelt: denotes nothing, but nearly one of the problems.
    """

    name: str
    several: str
    one: str
    misspelt: str

    @property
    def options(self) -> dict[str, str]:
        """A format has none."""
        return {}


class FileFormatSample(FormatSample, frozen=True, kw_only=True):
    """What to test of a format that reads users' files.

    Attributes:
        nowhere: names a file or folder that is not there.
        with_broken: denotes a problem and, beside it, one that can't be used.
    """

    nowhere: str
    with_broken: str


class FormatSuite(ComponentSuite):
    """What `ProblemFormat` promises.

    Provide the fixture `sample`, a `FormatSample`. One problem is verified on the CPU against itself.
    """

    registry = FORMATS
    registry_path = "warpsmith.problems:FORMATS"

    @pytest.fixture
    def sample(self) -> FormatSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def reader(self, sample: FormatSample) -> ProblemFormat:
        """Make the format."""
        return FORMATS.make(sample.name)

    @pytest.fixture
    def found(self, sample: FormatSample, reader: ProblemFormat) -> Found:
        """Return what `several` denotes."""
        return reader.find(sample.several)

    def test_several_are_found_and_none_is_broken(self, found: Found) -> None:
        assert len(found.problems) > 1
        assert found.broken == ()

    def test_names_are_unique(self, found: Found) -> None:
        names = [problem.name for problem in found.problems]
        assert len(set(names)) == len(names)

    def test_ids_and_order_are_the_same_in_every_process(self, sample: FormatSample, found: Found) -> None:
        expected = [[problem.name, problem.id] for problem in found.problems]
        for hash_seed in ("1", "2"):
            assert _listed_elsewhere(sample, hash_seed)["ids"] == expected

    def test_listing_imports_no_torch(self, sample: FormatSample) -> None:
        assert _listed_elsewhere(sample, "0")["heavy"] == []

    def test_every_origin_loads_the_same_problem(self, found: Found) -> None:
        for problem in found.problems:
            assert load(problem.origin) == problem

    def test_its_prefix_leads_to_it(self, sample: FormatSample, found: Found) -> None:
        assert find(f"{sample.name}:{sample.several}") == found

    def test_one_is_one(self, sample: FormatSample, reader: ProblemFormat) -> None:
        assert len(reader.find(sample.one).problems) == 1
        assert load(f"{sample.name}:{sample.one}") == reader.find(sample.one).problems[0]

    def test_a_reference_is_accepted_as_its_own_candidate(self, sample: FormatSample) -> None:
        problem = load(f"{sample.name}:{sample.one}")
        candidate = candidate_of(f"{problem.source}\n\nModelNew = Model\n", "torch")
        verdict = shared_verifier().verify(quick_task(problem), candidate)
        assert isinstance(verdict, Accepted), verdict

    def test_a_misspelt_name_gets_a_suggestion(self, sample: FormatSample, reader: ProblemFormat) -> None:
        with pytest.raises(UnknownName, match="did you mean"):
            reader.find(sample.misspelt)


class FileFormatSuite:
    """What a `ProblemFormat` that reads users' files promises besides.

    Provide the fixture `sample`, a `FileFormatSample`.
    """

    @pytest.fixture
    def sample(self) -> FileFormatSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def reader(self, sample: FileFormatSample) -> ProblemFormat:
        """Make the format."""
        return FORMATS.make(sample.name)

    def test_what_is_not_there_is_a_usage_error(
        self, sample: FileFormatSample, reader: ProblemFormat
    ) -> None:
        with pytest.raises(UsageError):
            reader.find(sample.nowhere)

    def test_a_broken_problem_is_listed_beside_the_good_ones(
        self,
        sample: FileFormatSample,
        reader: ProblemFormat,
    ) -> None:
        found = reader.find(sample.with_broken)
        assert found.problems
        assert found.broken
        for broken in found.broken:
            assert broken.name
            assert broken.reason.strip()
            with pytest.raises(UsageError):
                load(broken.origin)


def _listed_elsewhere(sample: FormatSample, hash_seed: str) -> dict[str, list[object]]:
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", LIST_IDS, sample.name, sample.several],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=PYTHON_S,
        check=True,
    )
    listed: dict[str, list[object]] = json.loads(done.stdout)
    return listed
