"""The contract of a proposer, checked on real wishes with the processes it may use."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import random

import msgspec
import pytest

from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose import PROPOSERS
from warpsmith.propose.base import Proposer, Wish, tried_variants
from warpsmith.propose.workshop import Workshop
from warpsmith.testing import fakes
from warpsmith.testing.components import ComponentSuite
from warpsmith.testing.machine import shared_workshop
from warpsmith.testing.samples import quick_task
from warpsmith.worker.backends import BACKENDS

OTHER = "somebody else"


class ProposerSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the proposer's name in the registry.
        options: to make it with, as text.
        task: for which it has at least one candidate; `2 * x + 1` on the CPU when not given.
        steps: how many proposals to follow.
    """

    name: str
    options: dict[str, str] = {}
    task: Task = msgspec.field(default_factory=quick_task)
    steps: int = 3


class ProposerSuite(ComponentSuite):
    """What `Proposer` promises.

    Provide the fixture `sample`, a `ProposerSample`. The same wish must lead to the same variant; of a
    proposer that draws on a service, record the service.
    """

    registry = PROPOSERS
    registry_path = "warpsmith.propose:PROPOSERS"

    @pytest.fixture
    def sample(self) -> ProposerSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    def test_every_proposal_has_its_name_and_a_variant_of_its_own(self, sample: ProposerSample) -> None:
        trials: list[Trial] = []
        for number in range(sample.steps):
            proposal = propose(sample, trials)
            if proposal is None:
                assert number, "nothing was proposed for the sample's task"
                break
            assert proposal.proposer == sample.name
            assert proposal.variant not in tried_variants(trials, sample.name)
            assert proposal.wall_s >= 0
            if proposal.candidate is None:
                assert proposal.note, "a proposal without a candidate says why"
            else:
                assert proposal.candidate.backend in BACKENDS.names()
                assert proposal.candidate.source.strip()
            trials.append(_tried(number, proposal, sample.task))

    def test_the_first_proposal_holds_a_candidate(self, sample: ProposerSample) -> None:
        proposal = propose(sample, [])
        assert proposal is not None
        assert proposal.candidate is not None, proposal.note

    def test_it_holds_no_state(self, sample: ProposerSample) -> None:
        proposer: Proposer = PROPOSERS.make(sample.name, sample.options)
        variants = set()
        for _ in range(2):
            proposal = proposer.propose(wish(sample, []), shared_workshop())
            assert proposal is not None
            variants.add(proposal.variant)
        assert len(variants) == 1

    def test_the_generator_it_is_given_is_its_only_chance(self, sample: ProposerSample) -> None:
        before = random.getstate()
        propose(sample, [])
        assert random.getstate() == before

    @pytest.mark.parametrize("history", ["all rejected", "nothing was made", "everything"])
    def test_odd_trials_do_not_upset_it(self, sample: ProposerSample, history: str) -> None:
        trials = fakes.histories(sample.task, sample.name)[history]
        proposal = propose(sample, trials)
        assert proposal is None or proposal.variant not in tried_variants(trials, sample.name)

    def test_what_others_tried_is_not_what_it_tried(self, sample: ProposerSample) -> None:
        first = propose(sample, [])
        assert first is not None
        others = [fakes.trial(0, of=sample.task, proposer=OTHER, variant=first.variant)]
        assert propose(sample, others) is not None

    def test_it_takes_parents(self, sample: ProposerSample) -> None:
        trials = fakes.trials(fakes.accepted(), fakes.rejected(), of=sample.task, proposer=OTHER)
        proposal = propose(sample, trials, parents=tuple(trials))
        assert proposal is None or proposal.proposer == sample.name


def wish(sample: ProposerSample, trials: list[Trial], parents: tuple[Trial, ...] = ()) -> Wish:
    """Return a wish for the sample's task."""
    return Wish(task=sample.task, parents=parents, trials=tuple(trials), rng=random.Random(len(trials)))


def propose(sample: ProposerSample, trials: list[Trial], parents: tuple[Trial, ...] = ()) -> Proposal | None:
    """Return what a freshly made proposer, as after a resumption, answers."""
    workshop: Workshop = shared_workshop()
    proposer: Proposer = PROPOSERS.make(sample.name, sample.options)
    return proposer.propose(wish(sample, trials, parents), workshop)


def _tried(number: int, proposal: Proposal, task: Task) -> Trial:
    return msgspec.structs.replace(fakes.trial(number, fakes.rejected(), of=task), proposal=proposal)
