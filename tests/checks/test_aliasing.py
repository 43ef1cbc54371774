"""Outputs over memory of others."""

from __future__ import annotations

from check_samples import HONEST, advice, convicts, judge, looks_like, saw

CHECK = "aliasing"


def test_an_output_over_an_input_convicts() -> None:
    assert "output[0]: an input" in convicts(CHECK, saw(aliases=("output[0]: an input",)))


def test_an_output_that_a_later_call_changed_convicts() -> None:
    assert convicts(CHECK, looks_like(CHECK, "a later call changed it")) == "a later call changed it"


def test_outputs_in_memory_of_their_own_do_not() -> None:
    assert judge(CHECK, HONEST) is None


def test_tensors_laid_over_others_are_pointed_at() -> None:
    assert advice(CHECK, "y.set_(x)") == [1]
    assert advice(CHECK, "s = set()\ny = x.view(-1)\ntorch.cuda.set_device(0)") == []
