"""Settings of a candidate's constants, rewritten in its source and chosen by what earlier ones came to."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence

import msgspec
import pytest

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task, Tier
from warpsmith.core.trial import Proposal, Trial
from warpsmith.core.verdict import Verdict
from warpsmith.propose.base import Wish
from warpsmith.propose.tunables import domain_of, find_tunables, rewrite
from warpsmith.propose.tune import Tune
from warpsmith.propose.workshop import Workshop
from warpsmith.testing import fakes, samples

TASK = samples.quick_task()

LAUNCH = """
@triton.jit
def kernel(x, y, n, BLOCK: tl.constexpr):
    pass


class ModelNew:
    def forward(self, x):
        kernel[(triton.cdiv(x.numel(), 256),)](x, y, x.numel(), BLOCK=256, num_warps=4, num_stages=3)
"""
MATMUL = """
BLOCK_M, BLOCK_N = 64, 128
HEAD_DIM = 64

@triton.autotune([triton.Config({"BLOCK_K": 32}, num_warps=8)], key=[])
@triton.jit
def product(a, b, BLOCK_K: tl.constexpr, GROUP: tl.constexpr = 8):
    tl.dot(a, b)
"""
CUDA = '''
SOURCE = r"""
#define THREADS 256
#define SCALE 0.5f
// é
constexpr int TILE = 64, DEPTH = 16, AREA = TILE * DEPTH;
__global__ void f() {}
"""
'''


def values(source: str) -> dict[str, int]:
    return {tunable.label: tunable.value for tunable in find_tunables(source)}


def changed(source: str, **setting: int) -> str:
    return rewrite(source, find_tunables(source), setting)


def test_constants_of_a_launch_are_found_and_the_grid_follows() -> None:
    assert values(LAUNCH) == {"BLOCK": 256, "num_warps": 4, "num_stages": 3}
    source = changed(LAUNCH, BLOCK=1024, num_warps=8)
    assert "cdiv(x.numel(), 1024)" in source
    assert "BLOCK=1024, num_warps=8, num_stages=3" in source


def test_a_block_count_written_out_follows_its_block_size() -> None:
    source = LAUNCH.replace("triton.cdiv(x.numel(), 256)", "(x.numel() + 255) // 256")
    assert "(x.numel() + 127) // 128" in changed(source, BLOCK=128)


def test_a_local_constant_changes_where_it_is_assigned() -> None:
    source = LAUNCH.replace("BLOCK=256", "BLOCK=size").replace(
        "        kernel[", "        size = 256\n        kernel["
    )
    source = source.replace("cdiv(x.numel(), 256)", "cdiv(x.numel(), size)")
    assert "size = 512" in changed(source, BLOCK=512)


def test_a_grid_of_numbers_is_counted_anew() -> None:
    source = (
        "def kernel(x, y, xnumel, XBLOCK: tl.constexpr): pass\n"
        "kernel[(40,)](x, y, 5000, XBLOCK=128, num_warps=4)\n"
    )
    assert "kernel[(10,)](x, y, 5000, XBLOCK=512" in changed(source, XBLOCK=512)


def test_a_grid_of_numbers_that_nobody_can_count_keeps_its_block() -> None:
    assert "BLOCK" not in values("kernel[(40,)](x, BLOCK=128, num_warps=4)")


def test_configurations_defaults_and_module_constants_are_found_and_meanings_are_not() -> None:
    assert values(MATMUL) == {
        "BLOCK_M": 64, "BLOCK_N": 128, "config.BLOCK_K": 32, "config.num_warps": 8, "GROUP": 8
    }  # fmt: skip


def test_constants_of_c_strings_are_found_at_their_place() -> None:
    assert values(CUDA) == {"THREADS": 256, "TILE": 64, "DEPTH": 16}
    source = changed(CUDA, THREADS=512, DEPTH=32)
    assert "#define THREADS 512\n" in source
    assert "// é\nconstexpr int TILE = 64, DEPTH = 32, AREA = TILE * DEPTH;" in source


@pytest.mark.parametrize("source", [LAUNCH, MATMUL, CUDA])
def test_every_setting_leaves_valid_python(source: str) -> None:
    for tunable in find_tunables(source):
        assert tunable.value in tunable.domain
        for value in tunable.domain:
            rewritten = rewrite(source, find_tunables(source), {tunable.label: value})
            ast.parse(rewritten)
            assert {t.label: t.value for t in find_tunables(rewritten)}[tunable.label] == value


def test_domains_keep_to_what_the_hardware_takes() -> None:
    assert domain_of(16, "block", has_dot=True) == (16, 32, 64)
    assert domain_of(96, "threads") == (96, 192)
    assert domain_of(512, "threads") == (128, 256, 512, 1024)
    assert domain_of(1, "count") == (1, 2, 4)


def test_text_that_is_not_python_has_nothing_to_tune() -> None:
    assert find_tunables("def f(:") == ()


def proposal(trials: Sequence[Trial], parents: Sequence[Trial] = (), **options: object) -> Proposal | None:
    wish = Wish(task=TASK, parents=tuple(parents), trials=trials, rng=random.Random(0))
    return msgspec.convert(options, Tune).propose(wish, Workshop())


def searched(cost: Callable[[str], int | None], *, source: str = LAUNCH, **options: object) -> list[Trial]:
    """Tune until nothing is left; `cost` says how long a source takes in ns, None that it is rejected."""
    trials = [fakes.trial(0, fakes.accepted(candidate_ns=1000, eager=1000), of=TASK, source=source)]
    while (made := proposal(trials, trials[:1], **options)) is not None:
        assert made.candidate is not None
        time_ns = cost(made.candidate.source)
        outcome = fakes.rejected() if time_ns is None else fakes.accepted(candidate_ns=time_ns, eager=1000)
        trial = fakes.trial(len(trials), outcome, of=TASK)
        trials.append(msgspec.structs.replace(trial, proposal=made))
    return trials


def test_it_ends_when_every_setting_was_tried() -> None:
    source = LAUNCH.replace(", num_stages=3", "")
    trials = searched(lambda _: 500, source=source, steps=1000)
    size = 1
    for tunable in find_tunables(source):
        size *= len(tunable.domain)
    sources = [trial.proposal.candidate.source for trial in trials if trial.proposal.candidate]
    assert len(set(sources)) == len(sources) == size


def test_it_ends_after_its_steps() -> None:
    assert len(searched(lambda _: None, steps=6)) == 7


def test_it_comes_to_what_is_fast() -> None:
    def cost(source: str) -> int | None:
        at = values(source)
        if at["BLOCK"] > 512:
            return None
        return 100 + 1000 // at["BLOCK"] + 20 * abs(at["num_warps"] - 8) + 10 * abs(at["num_stages"] - 2)

    found = [trial for trial in searched(cost, steps=40) if trial.accepted]
    best = min(found, key=lambda trial: trial.accepted.time.value if trial.accepted else 0)
    assert best.proposal.variant == "of 0: BLOCK=512, num_warps=8, num_stages=2"


def test_one_history_leads_to_one_next_setting() -> None:
    trials = searched(len, steps=12)
    assert [t.proposal.variant for t in trials] == [t.proposal.variant for t in searched(len, steps=12)]


def test_the_best_accepted_trial_is_tuned_when_no_parent_is_given() -> None:
    slow = fakes.trial(0, fakes.accepted(candidate_ns=90), of=TASK, source=MATMUL)
    fast = fakes.trial(1, fakes.accepted(candidate_ns=10), of=TASK, source=LAUNCH)
    made = proposal([slow, fast])
    assert made is not None
    assert made.variant.startswith("of 1: ")


def test_nothing_is_proposed_where_nothing_can_be_tuned() -> None:
    assert proposal([]) is None
    plain = fakes.trial(0, of=TASK, source="class ModelNew: pass\n")
    assert proposal([plain], [plain]) is None


def test_a_tuned_trial_is_tuned_on_from_where_it_began() -> None:
    trials = searched(lambda _: 400, steps=3)
    made = proposal(trials, [trials[-1]])
    assert made is not None
    assert made.variant.startswith("of 0: ")


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="sampler=tpe"):
        proposal([], sampler="grid")
    with pytest.raises(UsageError, match="-o path=FILE"):
        proposal([], path="nowhere.py")


def test_several_settings_are_screened_for_each_that_is_proposed_and_the_fastest_is() -> None:
    screened: list[str] = []

    def verify(task: Task, candidate: Candidate) -> Verdict:
        """Say that larger blocks are faster, and that the largest is wrong."""
        assert (task.tier, task.baselines) == (Tier.SCREEN, ())
        screened.append(candidate.source)
        block = values(candidate.source)["BLOCK"]
        return fakes.rejected() if block == 1024 else fakes.accepted(candidate_ns=10_000 // block)

    start = fakes.trial(0, of=TASK, source=LAUNCH)
    trials = [start]
    tune = Tune(screens=3)
    for number in (1, 2):
        wish = Wish(task=TASK, parents=(start,), trials=tuple(trials), rng=random.Random(1))
        proposal = tune.propose(wish, Workshop(verify=verify))
        assert proposal is not None
        assert proposal.candidate is not None
        assert len(proposal.screened) == 3
        times = {each.variant: each.time_ns for each in proposal.screened}
        assert times[proposal.variant] == min(time_ns for time_ns in times.values() if time_ns is not None)
        assert proposal.device_s > 0
        assert len(screened) == len(set(screened)) == 3 * number, "nothing is screened twice"
        assert LAUNCH not in screened
        made = fakes.trial(number, of=TASK)
        trials.append(msgspec.structs.replace(made, proposal=proposal))


def test_without_a_verifier_to_ask_every_setting_is_proposed_unscreened() -> None:
    start = fakes.trial(0, of=TASK, source=LAUNCH)
    wish = Wish(task=TASK, parents=(start,), trials=(start,), rng=random.Random(1))
    proposal = Tune().propose(wish, Workshop())
    assert proposal is not None
    assert (proposal.screened, proposal.device_s) == ((), 0.0)
