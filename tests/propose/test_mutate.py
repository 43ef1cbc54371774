"""Edits of a candidate's text: valid, new, and the same for the same chance."""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence

import msgspec
import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.normalise import normalised
from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose.base import Wish
from warpsmith.propose.edits import edits_of
from warpsmith.propose.mutate import Mutate
from warpsmith.propose.workshop import Workshop
from warpsmith.testing import fakes, samples

TASK = samples.quick_task()

TRITON = """
@triton.jit
def kernel(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at, tl.load(x + at, mask=(at < n)), mask=at < n)


class ModelNew:
    def forward(self, x):
        kernel[(triton.cdiv(x.numel(), 256),)](x.contiguous(), y, x.numel(), BLOCK=256)
"""
CPP = '''
FLAGS = ["-O3", "-march=native"]
SOURCE = r"""
#include <cmath>
extern "C" void f(const float* x, float* y, long n) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; ++i) {
        for (int j = 0; j < 8; ++j) y[i] += x[i];
    }
}
"""
'''
CUDA = '''
SOURCE = """
constexpr int THREADS = 256;
__global__ void f(const float* x, float* y, int n) {
    #pragma unroll
    for (int i = 0; i < n; ++i) y[i] = x[i];
}
"""
'''


def sources_by_edit(source: str) -> dict[str, str]:
    return {edit.name: edit.source for edit in edits_of(source)}


@pytest.mark.parametrize("source", [TRITON, CPP, CUDA])
def test_every_edit_is_another_valid_text(source: str) -> None:
    edits = edits_of(source)
    assert len(edits) > 5
    assert len({edit.source for edit in edits}) == len({edit.name for edit in edits}) == len(edits)
    for edit in edits:
        ast.parse(edit.source)
        assert edit.source != source


def test_loads_get_policies_and_launches_get_warps() -> None:
    edits = sources_by_edit(TRITON)
    assert 'tl.load(x + at, mask=(at < n), eviction_policy="evict_first")' in edits["load 1: evict_first"]
    assert "BLOCK=256, num_warps=8)" in edits["launch 1: num_warps=8"]
    again = sources_by_edit(edits["load 1: evict_first"])
    assert "eviction_policy='evict_last'" in again["load 1: evict_last"]
    assert "eviction_policy=''" in again["load 1: no policy"]


def test_copies_go_and_the_rest_of_the_call_stays() -> None:
    assert "](x, y, x.numel(), BLOCK=256)" in sources_by_edit(TRITON)["contiguous 1 removed"]


def test_cpp_gets_schedules_unrolling_promises_and_flags() -> None:
    edits = sources_by_edit(CPP)
    texts = list(edits.values())
    assert any("#pragma omp parallel for schedule(dynamic, 16)\n" in text for text in texts)
    assert any("        #pragma GCC unroll 4\n        for (int j" in text for text in texts)
    assert any("const float* __restrict__ x, float* y" in text for text in texts)
    assert '["-O3", "-funroll-loops", "-march=native"]' in edits["flags 1: -funroll-loops"]
    # Nothing may stand between OpenMP's line and its loop.
    assert not any("schedule(static)\n    #pragma" in text for text in texts)


def test_cuda_gets_launch_bounds_and_loses_unrolling() -> None:
    texts = list(sources_by_edit(CUDA).values())
    assert any("__global__ void __launch_bounds__(512) f(" in text for text in texts)
    assert any("#pragma" not in text for text in texts)
    assert any("THREADS = 512" in text for text in texts)


@pytest.mark.parametrize("source", [TRITON, CPP, CUDA])
def test_no_edit_asks_for_less_precision(source: str) -> None:
    for edit in edits_of(source):
        for asked in ("fast_math", "fast-math", "Ofast", "allow_tf32", "input_precision", "tf32"):
            assert asked not in edit.source


def proposal(
    trials: Sequence[Trial], parents: Sequence[Trial] = (), seed: int = 0, **options: object
) -> Proposal | None:
    wish = Wish(task=TASK, parents=tuple(parents), trials=trials, rng=random.Random(seed))
    return msgspec.convert(options, Mutate).propose(wish, Workshop())


def test_what_was_tried_is_not_made_again_and_it_comes_to_an_end() -> None:
    trials = [fakes.trial(0, of=TASK, source=CUDA)]
    while (made := proposal(trials, trials[:1], seed=len(trials), edits=1)) is not None:
        trials.append(msgspec.structs.replace(fakes.trial(len(trials), of=TASK), proposal=made))
    texts = [normalised(trial.proposal.candidate.source) for trial in trials if trial.proposal.candidate]
    assert len(set(texts)) == len(texts)
    assert len({trial.proposal.variant for trial in trials}) == len(trials)
    assert set(texts) == {normalised(CUDA)} | {normalised(edit.source) for edit in edits_of(CUDA)}


def test_chance_decides_and_nothing_else() -> None:
    parent = fakes.trial(0, of=TASK, source=TRITON)
    variants = [[getattr(proposal([parent], [parent], seed=seed), "variant", "") for seed in range(9)]] * 2
    assert variants[0] == variants[1]
    assert len(set(variants[0])) > 3


def test_the_parent_is_named_and_the_best_trial_stands_in_for_it() -> None:
    slow = fakes.trial(0, fakes.accepted(candidate_ns=90), of=TASK, source=CPP)
    fast = fakes.trial(1, fakes.accepted(candidate_ns=10), of=TASK, source=TRITON)
    for parents, name in (((), "of 1: "), ((slow,), "of 0: ")):
        made = proposal([slow, fast], parents)
        assert made is not None
        assert made.variant.startswith(name)


def test_nothing_is_proposed_where_nothing_can_be_edited() -> None:
    assert proposal([]) is None
    plain = fakes.trial(0, of=TASK, source="class ModelNew: pass\n")
    assert proposal([plain], [plain]) is None


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="-o edits=1"):
        proposal([], edits=0)
    with pytest.raises(UsageError, match="-o path=FILE"):
        proposal([], path="nowhere.py")
