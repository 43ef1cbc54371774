"""The red team: its corpus says what it is about, and the verifier tells attacks from honest kernels.

A few of each, by name, through the whole verifier on the CPU; `warpsmith redteam` runs them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from warpsmith.core.errors import UsageError
from warpsmith.redteam import Case, RedTeam, read_corpus
from warpsmith.redteam.corpus import find_corpus, read_case
from warpsmith.redteam.harden import hardened
from warpsmith.redteam.matrix import matrix_markdown, score, score_text
from warpsmith.redteam.runner import Outcome, outcome_of
from warpsmith.testing.fakes import accepted

CORPUS = {case.name: case for case in read_corpus(find_corpus())}
ATTACKS = sorted(name for name, case in CORPUS.items() if case.kind == "attack")

# One of every kind of barrier; whose time is in question needs a machine at rest, so those are few.
STOPPED = [
    "e101_patched_clock",
    "e108_heap_search",
    "e109_frame_walk",
    "e110_reference_on_disk",
    "e111_forged_answer",
    "e112_forging_thread",
    "e113_leaves_as_if_done",
    "e114_kills_the_judge",
    "e115_parents_memory",
    "e116_poisoned_places",
    "e117_tells_a_check_by_its_request",
    "e119_random_numbers_foreseen",
]


@pytest.fixture(scope="module")
def team() -> Iterator[RedTeam]:
    with RedTeam("cpu", is_quick=True) as team:
        yield team


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", STOPPED)
def test_an_attack_is_refused_and_by_what_its_file_says(team: RedTeam, name: str) -> None:
    outcome = team.try_one(CORPUS[name], "plain")
    assert outcome.is_right, outcome
    assert outcome.is_as_said, outcome


@pytest.mark.timeout(300)
def test_a_hardened_attack_is_refused_too(team: RedTeam) -> None:
    outcome = team.try_one(CORPUS["e108_heap_search"], "hardened")
    assert outcome.is_right, outcome


def test_every_file_of_the_corpus_says_what_it_is_about() -> None:
    kinds = {kind: [case for case in CORPUS.values() if case.kind == kind] for kind in ("attack", "honest")}
    assert len(kinds["honest"]) >= 60
    assert len(kinds["attack"]) >= 110
    assert sum(case.level == "native" for case in kinds["attack"]) >= 20
    for case in CORPUS.values():
        assert set(case.devices) <= {"cpu", "cuda"}
        assert case.summary.endswith((".", "!", "?")), case.name


def test_the_table_says_of_each_mechanism_which_cases_have_it_or_why_none_has() -> None:
    table = (Path(__file__).parents[2] / "docs" / "red-team.md").read_text(encoding="utf-8")
    told = {
        int(row): text for row, text in re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)
    }
    assert sorted(told) == list(range(1, 75))
    for row, text in told.items():
        having = {name.partition("_")[0] for name in ATTACKS if row in CORPUS[name].rows}
        assert set(re.findall(r"\be\d+", text)) == having, f"row {row}"
        assert having or text.startswith(("no case: ", "does not apply: ")), f"row {row}"


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("device_type", ["cpu", "cuda"])
def test_a_hardened_form_is_still_python_and_claims_less(name: str, device_type: str) -> None:
    case = CORPUS[name]
    source = hardened(case.source, case.pace, device_type, 1.3e6)
    compile(source, name, "exec")
    assert "CLAIM = 0.0" not in source
    assert ("PACE_NS = 1000000" in source) == (case.pace == "wrap")


def test_a_case_that_does_not_say_enough_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "e1_silent.py"
    file.write_text('"""Does something."""\n')
    with pytest.raises(UsageError, match="does not say what it is about"):
        read_case(file, "attack")
    (tmp_path / "p.py").write_text("")
    file.write_text('"""Cheats.\n\nProblem: p.py\nDevices: cpu\n"""\n')
    with pytest.raises(UsageError, match="Stopped by"):
        read_case(file, "attack")


def outcome(case: Case, status: str, *, is_right: bool) -> Outcome:
    return Outcome(
        kind=case.kind,
        name=case.name,
        form="plain",
        status=status,  # type: ignore[arg-type]
        by="values" if status == "rejected" else "",
        reason="",
        speedup=None,
        is_right=is_right,
        is_as_said=True,
        wall_s=1.0,
    )


def test_an_attack_whose_true_time_is_stated_is_stopped_by_that_and_only_where_its_file_says_so() -> None:
    charged, other = CORPUS["e31_side_stream"], CORPUS["e101_patched_clock"]
    slower, faster = accepted(candidate_ns=55, eager=50), accepted(candidate_ns=40, eager=50)
    assert outcome_of(charged, "plain", slower).by == "charged"
    assert outcome_of(charged, "plain", slower).is_right
    assert not outcome_of(charged, "plain", faster).is_right
    assert not outcome_of(other, "plain", slower).is_right


def test_one_attack_let_through_or_one_honest_kernel_refused_is_no_proof() -> None:
    attack = CORPUS[ATTACKS[0]]
    honest = next(case for case in CORPUS.values() if case.kind == "honest")
    fine = [outcome(attack, "rejected", is_right=True), outcome(honest, "accepted", is_right=True)]
    assert score(fine).is_proof
    fooled = score([outcome(attack, "accepted", is_right=False), fine[1]])
    assert not fooled.is_proof
    assert "1 of 1 attacks accepted" in score_text(fooled)
    assert not score([fine[0], outcome(honest, "rejected", is_right=False)]).is_proof
    assert not score([fine[0], outcome(honest, "faulted", is_right=False)]).is_proof
    assert not score([]).is_proof
    table = matrix_markdown(fine, [attack, honest])
    assert f"| {attack.name} |" in table
    assert "| values |" in table
