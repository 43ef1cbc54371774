"""What the compiler generates, as proposals: accepted by the verifier, and honest where there is none."""

from __future__ import annotations

import random

import msgspec
import pytest

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal
from warpsmith.core.verdict import Accepted
from warpsmith.problems.source import parse_problem
from warpsmith.propose import PROPOSERS
from warpsmith.propose.base import Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.testing import fakes, samples
from warpsmith.testing.machine import shared_verifier, shared_workshop
from warpsmith.verify.tracks import DECLARED_SHAPES

TASK = samples.quick_task()


def propose(
    task: Task, *, tried: tuple[str, ...] = (), variants: str = "", workshop: Workshop | None = None
) -> Proposal | None:
    trials = [fakes.trial(n, of=task, proposer="inductor", variant=name) for n, name in enumerate(tried)]
    wish = Wish(task=task, parents=(), trials=trials, rng=random.Random(0))
    proposer = PROPOSERS.make("inductor", {"variants": variants})
    return proposer.propose(wish, workshop or shared_workshop())


def test_what_the_compiler_generates_is_accepted() -> None:
    proposal = propose(TASK)
    assert proposal is not None
    assert proposal.candidate is not None, proposal.note
    assert "torch.compile(" not in proposal.candidate.source
    assert "_inductor" not in proposal.candidate.source
    # Compilers specialise to the shapes that they are shown, so that is what a search asks for.
    asked = msgspec.structs.replace(TASK, track=DECLARED_SHAPES)
    verdict = shared_verifier().verify(asked, proposal.candidate)
    assert isinstance(verdict, Accepted), verdict
    assert verdict.shapes == "declared"


def test_the_first_variant_comes_first_and_the_last_is_followed_by_nothing() -> None:
    names = shared_workshop().variants(TASK.problem, TASK.target)
    first = propose(TASK)
    assert first is not None
    assert first.variant == names[0]
    assert propose(TASK, tried=names) is None


def test_chosen_variants_are_tried_in_their_order() -> None:
    chosen = "no_such_variant,default"
    first = propose(TASK, variants=chosen)
    second = propose(TASK, variants=chosen, tried=("no_such_variant",))
    assert first is not None
    assert first.candidate is None
    assert "no_such_variant" in first.note
    assert second is not None
    assert second.candidate is not None
    assert propose(TASK, variants=chosen, tried=("no_such_variant", "default")) is None


def test_a_problem_that_does_not_run_gives_a_proposal_that_says_why() -> None:
    source = samples.AFFINE.replace("return 2 * x + 1", "raise RuntimeError('no reference today')")
    problem = parse_problem(source, name="broken", origin="here")
    proposal = propose(msgspec.structs.replace(TASK, problem=problem))
    assert proposal is not None
    assert proposal.candidate is None
    assert proposal.note


def test_a_compiler_that_is_not_there_is_the_machine_s_fault(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker whose torch has no Inductor, as in a trimmed build of it.
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text("import sys\nsys.modules['torch._inductor.config'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    with Workshop() as workshop, pytest.raises(InfrastructureError, match="_inductor"):
        propose(TASK, workshop=workshop)
