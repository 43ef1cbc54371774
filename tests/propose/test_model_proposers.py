"""Proposers that ask a language model, over real HTTP on loopback: what is asked, kept, paid and said."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from warpsmith.archive import Archive
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Budget
from warpsmith.core.trial import Judged, Nothing, Proposal, Trial
from warpsmith.core.verdict import Accepted, Rejected, Stage
from warpsmith.propose import PROPOSERS
from warpsmith.propose.base import Proposer, Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.search.run import Choice, Plan, carry_out, resume, start
from warpsmith.testing import fakes
from warpsmith.testing.llm_script import Fault, FaultKind, LlmScript
from warpsmith.testing.llm_server import LlmServer
from warpsmith.testing.samples import AFFINE_CANDIDATE, quick_task
from warpsmith.verify import Verifier

TASK = quick_task()
GOOD = f"Doubling is an addition.\n\n```python\n{AFFINE_CANDIDATE}```\n"
OFF_BY_ONE = AFFINE_CANDIDATE.replace(", 1)", ", 2)")
WRONG = GOOD.replace(AFFINE_CANDIDATE, OFF_BY_ONE)


def fenced(note: str) -> str:
    return GOOD.replace("class ModelNew", f"# {note}\nclass ModelNew")


def in_cpp(trial: Trial) -> Trial:
    candidate = trial.proposal.candidate
    assert candidate is not None
    written = msgspec.structs.replace(candidate, backend="cpp")
    return msgspec.structs.replace(trial, proposal=msgspec.structs.replace(trial.proposal, candidate=written))


def options(server: LlmServer, **more: str) -> dict[str, str]:
    return {"model": "scripted", "base_url": server.base_url, "key_env": "", **more}


def propose(
    name: str,
    server: LlmServer,
    workshop: Workshop,
    trials: Sequence[Trial] = (),
    parents: tuple[Trial, ...] = (),
) -> Proposal:
    wish = Wish(task=TASK, parents=parents, trials=tuple(trials), rng=random.Random(1))
    proposal = PROPOSERS.make(name, options(server)).propose(wish, workshop)
    assert proposal is not None
    return proposal


def asked(server: LlmServer) -> str:
    """Return the user's message of the last request."""
    text: str = server.requests[-1].body["messages"][-1]["content"]
    return text


def test_a_reply_becomes_a_candidate_with_its_bill_and_its_prompt(tmp_path: Path) -> None:
    with LlmServer([GOOD]) as server, Workshop(tmp_path) as workshop:
        proposal = propose("oneshot", server, workshop)
        assert TASK.problem.source.strip() in asked(server)
    assert proposal.candidate is not None
    assert proposal.candidate.source.strip() == AFFINE_CANDIDATE.strip()
    assert proposal.spent is not None
    assert (proposal.spent.model, proposal.spent.usd) == ("scripted", None)
    assert proposal.spent.tokens > 100
    assert proposal.spent.prompt_id
    assert TASK.problem.source.strip() in proposal.prompt


def test_a_reply_that_had_arrived_is_not_bought_again(tmp_path: Path) -> None:
    with LlmServer([GOOD]) as server:
        with Workshop(tmp_path) as workshop:
            first = propose("oneshot", server, workshop)
        with Workshop(tmp_path) as workshop:
            again = propose("oneshot", server, workshop)
            assert server.count == 1
            propose("oneshot", server, workshop, [fakes.trial(0, of=TASK)])
            assert server.count == 2
    assert (first.candidate, first.spent) == (again.candidate, again.spent)


@pytest.mark.parametrize("name", ["refine", "fix"])
def test_feedback_on_the_parent_is_in_the_prompt(name: str, tmp_path: Path) -> None:
    parent = fakes.trial(0, fakes.rejected("output is off by one"), of=TASK, source=AFFINE_CANDIDATE)
    with LlmServer([GOOD]) as server, Workshop(tmp_path) as workshop:
        propose(name, server, workshop, [parent], (parent,))
        assert "output is off by one" in asked(server)
        assert AFFINE_CANDIDATE.strip() in asked(server)


def test_edits_in_a_reply_are_made_to_the_parent(tmp_path: Path) -> None:
    parent = fakes.trial(0, fakes.rejected(), of=TASK, source=OFF_BY_ONE)
    edit = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"
    wrong, right = (text.splitlines()[-1] for text in (OFF_BY_ONE, AFFINE_CANDIDATE))
    reply = edit.format(wrong, right)
    with LlmServer([reply]) as server, Workshop(tmp_path) as workshop:
        proposal = propose("fix", server, workshop, [parent], (parent,))
    assert proposal.candidate is not None
    assert proposal.candidate.source.strip() == AFFINE_CANDIDATE.strip()


def test_crossover_shows_both_parents(tmp_path: Path) -> None:
    parents = tuple(fakes.trial(n, of=TASK, source=f"class ModelNew:\n    number = {n}7\n") for n in range(2))
    with LlmServer([GOOD]) as server, Workshop(tmp_path) as workshop:
        propose("crossover", server, workshop, parents, parents)
        assert "number = 07" in asked(server)
        assert "number = 17" in asked(server)


def test_a_list_of_ideas_is_paid_for_once_and_each_is_carried_out(tmp_path: Path) -> None:
    ideas = "1. Add instead of multiplying.\n2. Use a lookup table.\n"
    trials: list[Trial] = []
    with LlmServer([ideas, fenced("one"), fenced("two")]) as server, Workshop(tmp_path) as workshop:
        for number, idea in enumerate(["Add instead", "lookup table"]):
            proposal = propose("ideas", server, workshop, trials)
            assert idea in asked(server)
            trials.append(_tried(number, proposal))
        assert server.count == 3
    first, second = (trial.proposal.spent for trial in trials)
    assert first is not None
    assert second is not None
    assert first.tokens > second.tokens > 0


def test_a_list_of_ideas_that_failed_at_first_is_billed_to_whoever_gets_it() -> None:
    script = LlmScript(replies=["1. Add.\n2. Look up.\n", GOOD], faults={0: Fault(kind="empty")})
    with LlmServer(script) as server, Workshop() as workshop:
        failed = propose("ideas", server, workshop)
        assert failed.candidate is None
        made = propose("ideas", server, workshop, [_tried(0, failed)])
        thought, wrote = server.requests[-2:]
        assert made.spent is not None
        longest = max(len(str(request.body["messages"])) for request in (thought, wrote))
        # Two prompts, so more than either could have in tokens of some four characters.
        assert made.spent.tokens > 1.2 * longest / 4


def _tried(number: int, proposal: Proposal) -> Trial:
    return Trial(
        number=number,
        task_id=TASK.id,
        proposal=proposal,
        outcome=Judged(verdict=fakes.rejected()),
        finished_at="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.parametrize("kind", ["refused", "empty", "context_overflow"])
def test_a_call_that_fails_is_a_proposal_without_a_candidate_that_says_why(
    kind: FaultKind, tmp_path: Path
) -> None:
    script = LlmScript(replies=[GOOD], every=Fault(kind=kind))
    with LlmServer(script) as server, Workshop(tmp_path) as workshop:
        proposal = propose("oneshot", server, workshop)
    assert proposal.candidate is None
    assert len(proposal.note) > 10


@pytest.mark.parametrize("kind", ["bad_key", "no_model"])
def test_what_no_further_call_can_change_ends_the_search_with_a_sentence(
    kind: FaultKind, tmp_path: Path
) -> None:
    script = LlmScript(replies=[GOOD], every=Fault(kind=kind))
    with LlmServer(script) as server, Workshop(tmp_path) as workshop, pytest.raises(UsageError):
        propose("oneshot", server, workshop)


def test_a_model_is_asked_for_by_name_and_a_key_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    wish = Wish(task=TASK, parents=(), trials=(), rng=random.Random(1))
    with Workshop(tmp_path) as workshop:
        with pytest.raises(UsageError, match="--model NAME"):
            PROPOSERS.make("oneshot").propose(wish, workshop)
        with pytest.raises(UsageError, match="OPENAI_API_KEY"):
            PROPOSERS.make("oneshot", {"model": "any"}).propose(wish, workshop)


@pytest.mark.parametrize("name", ["oneshot", "refine"])
def test_what_earlier_runs_know_is_in_the_prompt_after_the_problem(name: str, tmp_path: Path) -> None:
    known = "class ModelNew:\n    known = True\n"
    with Archive.create(tmp_path / "earlier") as archive:
        archive.add_task(TASK)
        trial = fakes.trial(0, of=TASK, source=known)
        for each in (trial, fakes.trial(1, fakes.rejected("off by one"), of=TASK)):
            archive.add(in_cpp(each))
    memory = {"memory": str(tmp_path / "earlier"), "backend": "cpp"}
    with LlmServer([GOOD]) as server, Workshop(tmp_path / "run") as workshop:
        (tmp_path / "run").mkdir()
        wish = Wish(task=TASK, parents=(), trials=(), rng=random.Random(1))
        for extra, is_told in (({}, True), ({"shots": "0", "lessons": "0"}, False)):
            PROPOSERS.make(name, {**options(server), **memory, **extra}).propose(wish, workshop)
            assert ("off by one" in asked(server)) is is_told
            assert ("known = True" in asked(server)) is is_told
            assert asked(server).startswith("# The device"), "what stays the same comes first"


def test_several_models_are_drawn_by_weight_and_the_same_again_after_a_resumption(tmp_path: Path) -> None:
    def wish(count: int, model: str = "") -> Wish:
        trials = tuple(fakes.trial(number, of=TASK) for number in range(count))
        return Wish(task=TASK, parents=(), trials=trials, rng=random.Random(1), model=model)

    def asked_of(proposer: Proposer, wish: Wish, workshop: Workshop) -> str:
        proposal = proposer.propose(wish, workshop)
        assert proposal is not None
        assert proposal.spent is not None
        return proposal.spent.model

    with LlmServer([GOOD]) as server, Workshop(tmp_path) as workshop:
        common = {"base_url": server.base_url, "key_env": ""}
        proposer = PROPOSERS.make("oneshot", {**common, "models": "often=3,seldom=1,never=0"})
        drawn = [asked_of(proposer, wish(count), workshop) for count in range(24)]
        served = [request.body["model"] for request in server.requests]
        assert [asked_of(proposer, wish(count), workshop) for count in range(24)] == drawn == served
        assert server.count == 24, "what was paid for is not asked again"
        assert drawn.count("often") > drawn.count("seldom") > drawn.count("never") == 0
        assert asked_of(proposer, wish(0, "never"), workshop) == "never"
        with pytest.raises(UsageError, match="add --model other"):
            proposer.propose(wish(0, "other"), workshop)


def test_a_search_by_feedback_repairs_what_was_rejected_and_stops_at_its_budget_of_tokens(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    with LlmServer([WRONG, "I would rather not.", GOOD]) as server, Verifier() as verifier:
        choice = Choice(name="refine", options=options(server))
        plan = Plan(strategy=Choice(name="best_of_n"), proposers=(choice,), budget=Budget(trials=3))
        with start(folder, plan, [TASK]) as archive:
            carry_out(archive, plan, lambda _: None, verifier, [TASK])
            wrong, nothing, good = archive.trials(TASK.id)
            texts = [request.body["messages"][-1]["content"] for request in server.requests]
        archive, plan = resume(folder)
        with archive:
            more = Plan(strategy=plan.strategy, proposers=plan.proposers, budget=Budget(tokens=1))
            carry_out(archive, more, lambda _: None, verifier, [TASK])
            assert len(archive.trials(TASK.id)) == 3
        assert server.count == 3
    assert isinstance(wrong.verdict, Rejected)
    assert wrong.verdict.stage is Stage.COMPARE
    assert isinstance(nothing.outcome, Nothing)
    assert isinstance(good.verdict, Accepted)
    assert wrong.verdict.findings[0].message[:20] in texts[1]
