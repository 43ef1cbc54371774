"""Functions and settings of others."""

from __future__ import annotations

import pytest
from check_samples import REDUCED, advice, but, convicts, judge, saw

CHECK = "patching"
TF32 = "matmul.allow_tf32: False -> True"


def test_a_replaced_function_convicts() -> None:
    said = convicts(CHECK, saw(patched=("torch.cuda.Event.elapsed_time",)))
    assert "torch.cuda.Event.elapsed_time" in said


def test_a_setting_left_changed_convicts() -> None:
    assert "default_dtype" in convicts(CHECK, saw(flags=("default_dtype: float32 -> float64",)))


def test_a_precision_that_the_track_leaves_free_may_stay_changed() -> None:
    assert TF32 in convicts(CHECK, saw(flags=(TF32,)))
    assert judge(CHECK, but(saw(flags=(TF32,)), track=REDUCED)) is None


def test_a_long_list_is_cut() -> None:
    said = convicts(CHECK, saw(patched=tuple(f"time.t{n}" for n in range(9))))
    assert "6 more" in said
    assert "time.t8" not in said


@pytest.mark.parametrize(
    "line",
    [
        "torch.cuda.Event.elapsed_time = lambda s, e: 0.001",
        "time.perf_counter = f",
        "setattr(torch.cuda, 'synchronize', f)",
    ],
)
def test_assignments_to_what_others_own_are_pointed_at(line: str) -> None:
    assert advice(CHECK, f"import torch, time\n{line}") == [2]


@pytest.mark.parametrize(
    "line", ["torch.backends.cudnn.benchmark = True", "self.time = 1", "setattr(self, 'w', w)", "x.data = y"]
)
def test_attributes_of_one_s_own_and_settings_are_not(line: str) -> None:
    assert advice(CHECK, line) == []
