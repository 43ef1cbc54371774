"""KernelBench's own rules let pass what ours refuse: zeros for small outputs, weights left out."""

from __future__ import annotations

import msgspec
from sources import candidate, problem, task
from verdicts import Judge

from warpsmith.core.verdict import Stage
from warpsmith.search.protocols import protocol_called

RULES = protocol_called("kernelbench-v0")
SMALL = problem("x * 1e-6")
ZEROS = candidate("x * 0.0")


def test_zeros_for_small_outputs_are_refused_by_our_rules_and_taken_by_kernelbenchs(judge: Judge) -> None:
    judge.rejected(SMALL, ZEROS, stage=Stage.COMPARE, check="skipped_work")
    asked = msgspec.structs.replace(task(RULES.governed(SMALL)), track=RULES.track)
    verdict = judge.accepted(asked, ZEROS)
    assert verdict.track.inputs == "declared"


def test_weights_that_are_always_one_may_be_left_out_by_kernelbenchs_rules_alone(judge: Judge) -> None:
    normed = problem("self.norm(x)", setup="self.norm = nn.LayerNorm(8)")
    bare = candidate("torch.nn.functional.layer_norm(x, (8,))", setup="self.norm = nn.LayerNorm(8)")
    judge.rejected(normed, bare, stage=Stage.COMPARE, check="values")
    asked = msgspec.structs.replace(task(RULES.governed(normed)), track=RULES.track)
    judge.accepted(asked, bare)
