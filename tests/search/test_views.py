"""What is read off trials: scores, lineage, cells and islands, and how alike two sources are."""

from __future__ import annotations

import random

import msgspec
import pytest

from warpsmith.core.trial import Duplicate, Nothing, Trial
from warpsmith.core.verdict import Accepted, ErrorStats, Floor, Measurement, Stage
from warpsmith.search import novelty, views
from warpsmith.testing import fakes


def faster(number: int, speedup: float, *, parents: tuple[int, ...] = (), source: str | None = None) -> Trial:
    return fakes.trial(
        number, fakes.accepted(candidate_ns=round(1000 / speedup), eager=1000), parents=parents, source=source
    )


def family() -> list[Trial]:
    return [
        faster(0, 1.0),
        faster(1, 2.0, parents=(0,)),
        faster(2, 1.0),
        faster(3, 4.0, parents=(1, 2)),
        faster(4, 1.0, parents=(2,)),
    ]


def on_hardware(verdict: Accepted, limit: str | None, own_share: float | None) -> Accepted:
    floor = None if limit is None else msgspec.convert({"bound_ns": 1.0, "limit": limit}, Floor)
    measurements = tuple(msgspec.structs.replace(m, floor=floor) for m in verdict.measurements)
    return msgspec.structs.replace(verdict, measurements=measurements, own_share=own_share)


def test_a_score_is_the_speedup_zero_for_a_rejection_and_nothing_without_an_answer() -> None:
    outcomes = (fakes.accepted(candidate_ns=50), fakes.rejected(), fakes.faulted())
    trials = fakes.trials(*outcomes, Duplicate(of=0), Nothing(reason="away"), fakes.accepted(other=1))
    assert [views.score(trial, "eager") for trial in trials] == [2.0, 0.0, None, None, None, None]


def test_a_score_is_the_geometric_mean_over_workloads() -> None:
    first = fakes.accepted(candidate_ns=50).measurements[0]
    second = Measurement(workload="other", timing=fakes.timing(100), baselines={"eager": fakes.timing(800)})
    verdict = msgspec.structs.replace(fakes.accepted(), measurements=(first, second))
    assert views.score(fakes.trial(0, verdict), "eager") == pytest.approx(4.0)


def test_a_passthrough_scores_one_at_most() -> None:
    passthrough = msgspec.structs.replace(fakes.accepted(candidate_ns=10), own_share=0.0)
    assert views.score(fakes.trial(0, passthrough), "eager") == 1.0


def test_scores_of_trials_with_equal_numbers_are_not_mixed_up() -> None:
    assert views.score(faster(0, 2.0), "eager") == 2.0
    assert views.score(faster(0, 4.0), "eager") == 4.0


def test_the_best_so_far_rises_only_with_acceptances() -> None:
    trials = fakes.trials(
        fakes.rejected(), fakes.accepted(candidate_ns=50), fakes.faulted(), fakes.accepted(candidate_ns=80)
    )
    assert views.best_so_far(trials, "eager") == [None, 2.0, 2.0, 2.0]


def test_ranking_puts_speed_first_then_how_far_a_rejection_got() -> None:
    wrong = fakes.rejected()
    nearly = msgspec.structs.replace(
        wrong, error=ErrorStats(max_abs=1.0, max_rel=1.0, outside=0.01, elements=100)
    )
    trials = fakes.trials(
        fakes.rejected(stage=Stage.BUILD), wrong, fakes.accepted(candidate_ns=99), nearly, fakes.accepted()
    )
    assert [trial.number for trial in views.ranked(trials, "eager")] == [4, 2, 3, 1, 0]


def test_of_equals_the_oldest_acceptance_and_the_newest_rejection_come_first() -> None:
    trials = fakes.trials(fakes.rejected(), fakes.accepted(), fakes.accepted(), fakes.rejected())
    assert [trial.number for trial in views.ranked(trials, "eager")] == [1, 2, 3, 0]


def test_what_has_no_answer_is_no_parent() -> None:
    trials = fakes.trials(fakes.faulted(), Duplicate(of=0), Nothing(reason="away"))
    assert views.ranked(trials, "eager") == []


def test_lineage_children_and_depth_follow_the_parents() -> None:
    trials = family()
    assert [each.number for each in views.lineage(trials, trials[3])] == [0, 1, 3]
    assert {number: [c.number for c in found] for number, found in views.children(trials).items()} == {
        0: [1],
        1: [3],
        2: [3, 4],
        3: [],
        4: [],
    }
    assert views.depths(trials) == {0: 0, 1: 1, 2: 0, 3: 2, 4: 1}
    assert [[each.number for each in chain] for chain in views.chains(trials)] == [[0, 1, 3], [2, 4]]


def test_a_parent_that_is_not_an_earlier_trial_is_left_out() -> None:
    trials = [faster(5, 1.0, parents=(9,)), faster(6, 1.0, parents=(6,))]
    assert views.parents(trials) == {5: (), 6: ()}
    assert views.depths(trials) == {5: 0, 6: 0}


@pytest.mark.parametrize(
    ("limit", "own_share", "expected"),
    [
        ("memory", 1.0, ("memory", "all")),
        ("compute", 0.0, ("compute", "none")),
        ("latency", 0.5, ("latency", "most")),
        (None, 0.2, ("unknown", "some")),
        (None, None, ("unknown", "unknown")),
    ],
)
def test_a_cell_says_what_bounds_a_kernel_and_how_much_of_it_is_its_own(
    limit: str | None, own_share: float | None, expected: tuple[str, str]
) -> None:
    found = views.cell(fakes.trial(0, on_hardware(fakes.accepted(), limit, own_share)))
    assert found is not None
    assert (found.bound, found.own) == expected
    assert found.backend == "torch"


def test_the_slowest_workload_says_what_bounds_a_kernel() -> None:
    quick = on_hardware(fakes.accepted(candidate_ns=10), "latency", None).measurements[0]
    slow = on_hardware(fakes.accepted(candidate_ns=90), "memory", None).measurements[0]
    verdict = msgspec.structs.replace(fakes.accepted(), measurements=(quick, slow))
    found = views.cell(fakes.trial(0, verdict))
    assert found is not None
    assert found.bound == "memory"


def test_a_rejected_trial_has_no_cell() -> None:
    assert views.cell(fakes.trial(0, fakes.rejected())) is None


def test_every_cell_keeps_its_fastest() -> None:
    trials = [
        fakes.trial(0, on_hardware(fakes.accepted(candidate_ns=50), "memory", 1.0)),
        fakes.trial(1, on_hardware(fakes.accepted(candidate_ns=25), "memory", 1.0)),
        fakes.trial(2, on_hardware(fakes.accepted(candidate_ns=90), "compute", 1.0)),
        fakes.trial(3, fakes.rejected()),
    ]
    assert [trial.number for trial in views.elites(trials, "eager").values()] == [1, 2]


def islands(
    trials: list[Trial], *, count: int = 2, migrate_every: int = 100, patience: int = 100
) -> list[list[int]]:
    living = views.islands(trials, "eager", count=count, migrate_every=migrate_every, patience=patience)
    return [[trial.number for trial in island] for island in living]


def test_starts_settle_on_the_emptiest_island_and_children_with_their_first_parent() -> None:
    trials = [faster(0, 1.0), faster(1, 1.0), faster(2, 1.0, parents=(1, 0)), faster(3, 1.0)]
    assert islands(trials) == [[0, 3], [1, 2]]


def test_a_child_whose_number_is_due_settles_on_the_next_island() -> None:
    trials = [faster(0, 1.0), faster(1, 1.0), faster(2, 1.0, parents=(0,)), faster(3, 2.0, parents=(0,))]
    assert islands(trials, migrate_every=4) == [[0, 2], [1, 3]]


def test_an_island_without_progress_is_emptied_but_never_the_best_one() -> None:
    first = [faster(0, 2.0), faster(1, 1.0)]
    idle = [faster(number, 1.0, parents=(number % 2,)) for number in range(2, 8)]
    assert islands(first + idle, patience=3) == [[0, 2, 4, 6], []]


def test_the_less_loaded_is_chosen_more_often() -> None:
    rng = random.Random(1)
    chosen = [views.spread("ab", [9, 0], rng) for _ in range(500)]
    assert 400 < chosen.count("b") < 500


def source(block: int, note: str = "") -> str:
    return f"# {note}\nBLOCK = {block}\n\n\ndef forward(x):\n    y = x * 2\n    z = y + BLOCK\n    return z\n"


def test_similarity_is_one_for_the_same_less_for_an_edit_and_near_nothing_for_another_text() -> None:
    same = novelty.similarity(source(64, "one"), source(64, "two"))
    edited = novelty.similarity(source(64), source(128))
    other = novelty.similarity(source(64), "import torch\nclass ModelNew(torch.nn.Module):\n    pass\n")
    assert same == 1.0
    assert 0.5 < edited < 1.0
    assert other < 0.1


@pytest.mark.parametrize("text", ["", "x", "def broken(:"])
def test_short_and_broken_sources_are_like_themselves(text: str) -> None:
    assert novelty.similarity(text, text) == 1.0


def test_near_copies_share_one_place() -> None:
    trials = [faster(0, 3.0, source=source(64)), faster(1, 2.0, source=source(64, "same")), faster(2, 1.0)]
    assert [trial.number for trial in novelty.distinct(trials, 2, 0.95)] == [0, 2]
    assert [trial.number for trial in novelty.distinct(trials, 1, 0.95)] == [0]
