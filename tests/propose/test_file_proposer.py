"""Candidates from disk: which files, in which order, and what becomes of files that are no candidates."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose import PROPOSERS
from warpsmith.propose.base import Wish
from warpsmith.testing import fakes
from warpsmith.testing.machine import shared_workshop
from warpsmith.testing.samples import AFFINE_CANDIDATE, quick_task

TASK = quick_task()


def propose(path: Path, trials: list[Trial], **options: str) -> Proposal | None:
    wish = Wish(task=TASK, parents=(), trials=trials, rng=random.Random(0))
    return PROPOSERS.make("file", {"path": str(path), **options}).propose(wish, shared_workshop())


def follow(path: Path, **options: str) -> list[Proposal]:
    """Return every proposal, each followed by a trial of it."""
    proposals: list[Proposal] = []
    trials: list[Trial] = []
    while (proposal := propose(path, trials, **options)) is not None:
        proposals.append(proposal)
        blank = fakes.trial(len(trials), fakes.rejected(), of=TASK)
        trials.append(msgspec.structs.replace(blank, proposal=proposal))
    return proposals


def test_a_file_is_one_candidate(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(AFFINE_CANDIDATE)
    (proposal,) = follow(path)
    assert proposal.variant == "mine.txt"
    assert proposal.candidate is not None
    assert proposal.candidate.source == AFFINE_CANDIDATE
    assert proposal.candidate.backend == "torch"


def test_a_folder_is_its_python_files_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "notes.txt"):
        (tmp_path / name).write_text(AFFINE_CANDIDATE)
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.py").write_text(AFFINE_CANDIDATE)
    assert [proposal.variant for proposal in follow(tmp_path)] == ["a.py", "b.py"]


def test_a_file_that_appears_during_a_search_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(AFFINE_CANDIDATE)
    tried = [fakes.trial(0, of=TASK, proposer="file", variant="a.py")]
    assert propose(tmp_path, tried) is None
    (tmp_path / "0.py").write_text(AFFINE_CANDIDATE)
    late = propose(tmp_path, tried)
    assert late is not None
    assert late.variant == "0.py"


def test_an_empty_folder_proposes_nothing(tmp_path: Path) -> None:
    assert follow(tmp_path) == []


def test_the_backend_can_be_forced(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(AFFINE_CANDIDATE)
    (proposal,) = follow(tmp_path, backend="cpp")
    assert proposal.candidate is not None
    assert proposal.candidate.backend == "cpp"


def test_files_that_are_no_text_are_proposals_that_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xff")
    (tmp_path / "b.py").write_text(AFFINE_CANDIDATE)
    first, second = follow(tmp_path)
    assert first.candidate is None
    assert "UTF-8" in first.note
    assert second.candidate is not None


def test_what_can_not_be_read_is_a_proposal_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").mkdir()
    (tmp_path / "b.py").symlink_to(tmp_path / "gone")
    (tmp_path / "c.py").write_text(AFFINE_CANDIDATE)
    folder, link, good = follow(tmp_path)
    assert folder.candidate is None
    assert "can't read candidate" in folder.note
    assert link.candidate is None
    assert good.candidate is not None


def test_a_path_that_is_not_there_is_the_user_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="path="):
        propose(tmp_path / "gone", [])


def test_an_unknown_backend_is_the_user_s_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(AFFINE_CANDIDATE)
    with pytest.raises(UnknownName, match="did you mean 'triton'"):
        propose(tmp_path, [], backend="tritn")
