"""A conformance suite fails for a component that breaks the contract, at the test that says how.

The defective components are a package of their own, put to the suites in another process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

# Component -> a test of its family's suite that has to fail.
STRATEGIES = {
    "Stateful": "test_a_resumed_search_goes_on_as_if_never_interrupted",
    "Impatient": "test_it_answers_whatever_happened_before[no trials]",
    "Inventing": "test_parents_are_finished_trials[no trials]",
    "Moody": "test_the_generator_it_is_given_is_its_only_chance[no trials]",
    "Meddling": "test_it_changes_no_trial[no trials]",
    "Thawed": "test_it_is_a_frozen_struct_that_refuses_unknown_fields",
}
PROPOSERS = {
    "Nameless": "test_every_proposal_has_its_name_and_a_variant_of_its_own",
    "Repeating": "test_every_proposal_has_its_name_and_a_variant_of_its_own",
    "Silent": "test_the_first_proposal_holds_a_candidate",
    "Remembering": "test_it_holds_no_state",
    "Trusting": "test_odd_trials_do_not_upset_it[everything]",
}
FORMATS = {
    "Shuffled": "test_ids_and_order_are_the_same_in_every_process",
    "Lost": "test_every_origin_loads_the_same_problem",
    "Twins": "test_names_are_unique",
}
BACKENDS = {
    "Heavy": "test_making_it_imports_no_torch",
    "Fickle": "test_it_has_a_steady_opinion_on_any_text[0]",
    "Parsing": "test_it_has_a_steady_opinion_on_any_text[3]",
    "Overbearing": "test_its_own_candidate_is_recognised",
}

DEFECTIVE = '''
import itertools
import random

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.trial import Proposal
from warpsmith.problems.base import Found
from warpsmith.search.base import Move
from warpsmith.testing import fakes, samples

options = {"frozen": True, "kw_only": True, "forbid_unknown_fields": True}
calls = itertools.count()


class Stateful(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Counts in itself."""
    asked: int = 0

    def ask(self, trials, rng):
        self.asked += 1
        return Move(proposer=f"number {self.asked}")


class Impatient(msgspec.Struct, **options):
    """Needs a trial."""

    def ask(self, trials, rng):
        return Move(parents=(trials[-1],))


class Inventing(msgspec.Struct, **options):
    """Starts from what never was."""

    def ask(self, trials, rng):
        return Move(parents=(fakes.trial(999),))


class Moody(msgspec.Struct, **options):
    """Throws its own dice."""

    def ask(self, trials, rng):
        return Move(proposer=str(random.random()))


class Meddling(msgspec.Struct, **options):
    """Adds to the trials."""

    def ask(self, trials, rng):
        if isinstance(trials, list):
            trials.append(fakes.trial(len(trials)))
        return Move()


class Thawed(msgspec.Struct, kw_only=True):
    """Can be changed."""

    def ask(self, trials, rng):
        return Move()


def proposal(wish, *, proposer, variant, candidate=True, note="why"):
    source = Candidate(source=samples.AFFINE_CANDIDATE, backend="torch") if candidate else None
    return Proposal(proposer=proposer, variant=variant, candidate=source, note=note)


class Nameless(msgspec.Struct, **options):
    """Does not say who it is."""

    def propose(self, wish, workshop):
        return proposal(wish, proposer="?", variant=str(len(wish.trials)))


class Repeating(msgspec.Struct, **options):
    """Says the same for ever."""

    def propose(self, wish, workshop):
        return proposal(wish, proposer="repeating", variant="same")


class Silent(msgspec.Struct, **options):
    """Makes nothing."""

    def propose(self, wish, workshop):
        return proposal(wish, proposer="silent", variant=str(len(wish.trials)), candidate=False)


class Remembering(msgspec.Struct, **options):
    """Counts beside itself."""

    def propose(self, wish, workshop):
        return proposal(wish, proposer="remembering", variant=str(next(calls)))


class Trusting(msgspec.Struct, **options):
    """Believes that every trial has a candidate."""

    def propose(self, wish, workshop):
        longest = max((len(trial.proposal.candidate.source) for trial in wish.trials), default=0)
        return proposal(wish, proposer="trusting", variant=f"{len(wish.trials)} {longest}")


def problems(*names):
    affine = samples.affine()
    return tuple(msgspec.structs.replace(affine, name=name, origin=f"lost:{name}") for name in names)


class Shuffled(msgspec.Struct, **options):
    """Lists as a set does."""

    def find(self, rest):
        return Found(tuple(problems(*{f"problem{number}" for number in range(9)})))


class Lost(msgspec.Struct, **options):
    """Loads something else."""

    def find(self, rest):
        return Found(problems("first", "second") if rest in {"", "all"} else problems("third"))


class Twins(msgspec.Struct, **options):
    """Gives a name twice."""

    def find(self, rest):
        return Found(problems("same", "same"))


class Backend(msgspec.Struct, **options):
    """What the defective backends share."""
    device_types: tuple[str, ...] = ("cpu",)

    def claim(self, source):
        return 0

    def missing(self):
        return ""


class Fickle(Backend, **options):
    """Changes its mind."""

    def claim(self, source):
        return next(calls)


class Parsing(Backend, **options):
    """Takes every text for Python."""

    def claim(self, source):
        compile(source, "candidate", "exec")
        return 0


class Overbearing(Backend, **options):
    """Claims nothing, not even its own."""
'''

SUITES = """
import pytest

from warpsmith.testing import *


class TestStrategies(StrategySuite):
    @pytest.fixture(params={strategies})
    def sample(self, request):
        return StrategySample(name=request.param)


class TestProposers(ProposerSuite):
    @pytest.fixture(params={proposers})
    def sample(self, request):
        return ProposerSample(name=request.param)


class TestFormats(FormatSuite):
    @pytest.fixture(params={formats})
    def sample(self, request):
        return FormatSample(name=request.param, several="all", one="one", misspelt="alll")


class TestBackends(BackendSuite):
    @pytest.fixture(params={backends})
    def sample(self, request):
        return BackendSample(
            name=request.param, accepted="ModelNew = 1", failing="", build_error="", hanging=""
        )
"""
# Leaves what an import of torch would leave, without its seconds.
HEAVY = """
import sys
from defective import Backend

sys.modules["torch"] = sys


class Heavy(Backend):
    pass
"""
FAMILIES = {"strategies": STRATEGIES, "proposers": PROPOSERS, "formats": FORMATS, "backends": BACKENDS}
PAIRS = [pair for components in FAMILIES.values() for pair in components.items()]


def entry_points() -> str:
    lines = []
    for family, components in FAMILIES.items():
        lines.append(f"[warpsmith.{family}]")
        lines += [
            f"{name.lower()} = {'heavy' if name == 'Heavy' else 'defective'}:{name}" for name in components
        ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Run the suites over the defective components; return (component, test) of every failure."""
    folder = tmp_path_factory.mktemp("defective")
    (folder / "defective.py").write_text(DEFECTIVE)
    (folder / "heavy.py").write_text(HEAVY)
    info = folder / "defective-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: defective\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points())
    names = {family: sorted(name.lower() for name in components) for family, components in FAMILIES.items()}
    (folder / "test_defective.py").write_text(SUITES.format(**names))
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = gpu\n")
    # Only the tests that are looked at below: others of these suites start verifiers.
    wanted = " or ".join(f"({name.lower()} and {test.partition('[')[0]})" for name, test in PAIRS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rf", "-k", wanted, "test_defective.py"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return set(map(split_id, re.findall(r"^FAILED \S+?::\w+::(.*?)(?: - .*)?$", done.stdout, re.MULTILINE)))


def split_id(test: str) -> tuple[str, str]:
    """Return (component, test) of an id such as `test_it[stateful-no trials]`."""
    name, _, inside = test.removesuffix("]").partition("[")
    component, _, rest = inside.partition("-")
    return component, f"{name}[{rest}]" if rest else name


@pytest.mark.parametrize(("component", "test"), PAIRS)
def test_a_defect_is_caught(failed: set[tuple[str, str]], component: str, test: str) -> None:
    assert (component.lower(), test) in failed
