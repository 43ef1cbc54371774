"""Ask a language model for ideas in words first, then for a candidate that carries one out."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from warpsmith.core.seeds import derive
from warpsmith.core.trial import Proposal, Trial
from warpsmith.llm.base import ModelSpec
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import Modelled, Talk, best_of, with_candidate
from warpsmith.propose.prompting import ideas_in
from warpsmith.propose.workshop import Workshop

NAME = "ideas"


class Ideas(Modelled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list of ideas for a parent (or for a start from nothing) serves `count` proposals, one each.

    Attributes:
        count: ideas to ask for at a time.
    """

    # Which idea is next depends on which the others have carried out.
    asks_models: ClassVar[bool] = False

    count: int = 5

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what the reply to the next idea holds."""
        scene = self.scene(wish, workshop)
        parent = next(iter(with_candidate(wish.parents)), None) or best_of(wish.trials, wish)
        earlier = [trial for trial in wish.trials if _is_from(trial, parent)]
        round_, place = divmod(len(earlier), max(1, self.count))
        whose = "nothing" if parent is None else parent.number
        key = f"{wish.task.id}/ideas/{whose}/{round_}"
        spec = self.spec(wish, key)
        if len(self.specs()) > 1:
            # A strategy may ask another model for the next idea of this round; that one has its own list.
            key += f"/{spec.name}"
        talk = Talk(spec, workshop, derive(wish.task.seed, "model", key))
        # Asked again for every idea of the list, and paid for once: the tape has it from then on. What fails
        # the first time is paid by whoever gets it.
        is_first = not any(_asked(trial, spec) for trial in earlier[len(earlier) - place :])
        is_paid = is_first or not workshop.models.has(key)
        thinking = prompting.ideas(scene, [parent] if parent else [], count=self.count)
        answer = talk.ask(thinking, key, is_paid=is_paid)
        number = len(wish.trials)
        ideas = ideas_in(answer.text) if answer is not None else []
        if not ideas:
            talk.failure = talk.failure or "the model named no idea"
            return _named(talk.proposal(NAME, number, thinking, None, None), parent)
        writing = prompting.implement(scene, ideas[place % len(ideas)], parent)
        answer = talk.ask(writing, f"{wish.task.id}/{number}/{NAME}")
        return _named(talk.proposal(NAME, number, writing, answer, parent), parent)


def _origin(parent: Trial | None) -> str:
    return " from nothing" if parent is None else f" from {parent.number}"


def _named(proposal: Proposal, parent: Trial | None) -> Proposal:
    """Say in the variant what the idea was for, which the next call counts by."""
    return msgspec.structs.replace(proposal, variant=proposal.variant + _origin(parent))


def _asked(trial: Trial, spec: ModelSpec) -> bool:
    return trial.proposal.spent is not None and trial.proposal.spent.model == spec.name


def _is_from(trial: Trial, parent: Trial | None) -> bool:
    """Say whether `trial` carries out an idea for `parent`."""
    return trial.proposal.proposer == NAME and trial.proposal.variant.endswith(_origin(parent))
