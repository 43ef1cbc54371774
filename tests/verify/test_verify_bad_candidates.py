"""Candidates with the mistakes that people and models make: each is rejected, with a reason to act on."""

from __future__ import annotations

import pytest
from sources import TWO_INPUTS, candidate, problem
from verdicts import Judge

from warpsmith.core.candidate import Candidate
from warpsmith.core.verdict import Stage

UNSCANNABLE = {
    "empty": ("", "empty"),
    "blank": (" \n\t\n", "empty"),
    "no entry": ("import torch\n\nclass Model(torch.nn.Module): ...\n", "entry"),
    "syntax error": ("import torch\n\nclass ModelNew(:\n    pass\n", "syntax"),
    "NUL byte": ("class ModelNew: ...\n\0", "syntax"),
    "nested too deeply": ("class ModelNew: ...\nx = " + "-" * 100_000 + "1", "syntax"),
    "chained too long": ("class ModelNew: ...\nx = " + "+".join("1" * 50_000), "syntax"),
}


@pytest.mark.parametrize(("source", "check"), UNSCANNABLE.values(), ids=UNSCANNABLE)
def test_what_the_scan_can_see_needs_no_process(judge: Judge, source: str, check: str) -> None:
    judge.rejected(problem(), Candidate(source=source, backend="torch"), stage=Stage.SCAN, check=check)


def test_a_syntax_error_has_its_line(judge: Judge) -> None:
    of = Candidate(source="import torch\n\nclass ModelNew(:\n    pass\n", backend="torch")
    verdict = judge.rejected(problem(), of, stage=Stage.SCAN, check="syntax")
    assert verdict.findings[0].line == 3
    assert "line 3" in verdict.reason


def test_an_invalid_escape_in_a_docstring_is_no_concern_of_ours(judge: Judge) -> None:
    judge.accepted(problem(), candidate(top=r'"about \d"'))


def test_a_backend_for_another_device_is_refused_by_name(judge: Judge) -> None:
    verdict = judge.rejected(problem(), candidate(backend="triton"), stage=Stage.SCAN, check="backend")
    assert "'triton' runs on cuda" in verdict.reason


def test_a_missing_module_is_an_import_error_with_its_line(judge: Judge) -> None:
    of = candidate(top="import no_such_module_anywhere")
    verdict = judge.rejected(problem(), of, stage=Stage.BUILD, check="import")
    assert "no_such_module_anywhere" in verdict.reason
    assert verdict.findings[0].line == 4
    assert "candidate.py" in verdict.log


def test_an_entry_that_only_a_function_binds_is_no_entry(judge: Judge) -> None:
    source = "def make():\n    class ModelNew: ...\n    return ModelNew\n"
    of = Candidate(source=source, backend="torch")
    verdict = judge.rejected(problem(), of, stage=Stage.BUILD, check="entry")
    assert "class ModelNew" in verdict.reason


def test_an_entry_that_is_no_class_is_no_entry(judge: Judge) -> None:
    of = Candidate(source="ModelNew = 5\n", backend="torch")
    judge.rejected(problem(), of, stage=Stage.BUILD, check="entry")


def test_a_function_that_makes_a_callable_will_do(judge: Judge) -> None:
    source = "import torch\n\ndef ModelNew():\n    return torch.relu\n"
    judge.accepted(problem(), Candidate(source=source, backend="torch"))


def test_init_with_other_parameters_is_told_so(judge: Judge) -> None:
    verdict = judge.rejected(problem(), candidate(init_takes="width"), stage=Stage.BUILD, check="arguments")
    assert "__init__" in verdict.reason
    assert "'width'" in verdict.reason


def test_forward_with_other_parameters_is_told_so(judge: Judge) -> None:
    asked = problem("x + y", takes="x, y", inputs=TWO_INPUTS)
    verdict = judge.rejected(asked, candidate(takes="x"), stage=Stage.COMPARE, check="arguments")
    assert "forward does not take the problem's arguments" in verdict.reason


def test_a_wrong_argument_inside_forward_is_not_blamed_on_its_parameters(judge: Judge) -> None:
    of = candidate("torch.softmax(3, dim=0)")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="exception")
    assert verdict.findings[0].line == 13


def test_an_exception_in_init_has_its_line(judge: Judge) -> None:
    of = candidate(setup="raise ValueError('no such width')")
    verdict = judge.rejected(problem(), of, stage=Stage.BUILD, check="exception")
    assert "__init__ raised ValueError: no such width" in verdict.reason
    assert verdict.findings[0].line == 9


def test_an_exception_in_forward_has_its_line_and_a_log(judge: Judge) -> None:
    of = candidate(body="y = x\nraise RuntimeError('tile too large\\nsecond line')")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="exception")
    assert "forward raised RuntimeError: tile too large" in verdict.reason
    assert verdict.findings[0].line == 13
    assert "second line" in verdict.log


def test_an_exception_that_cannot_be_printed_is_still_a_rejection(judge: Judge) -> None:
    top = "class Odd(Exception):\n    def __str__(self): raise RuntimeError('no text')"
    judge.rejected(problem(), candidate(top=top, body="raise Odd"), stage=Stage.COMPARE, check="exception")


def test_what_the_candidate_printed_is_in_the_log(judge: Judge) -> None:
    of = candidate(body="print('block size 7')\nraise RuntimeError")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="exception")
    assert "block size 7" in verdict.log


WRONG_FORMS = {
    "shape": ("torch.relu(x)[:8]", "shape", "output has shape [8, 8], expected [16, 8]"),
    "dtype": ("torch.relu(x).double()", "dtype", "output has dtype float64, expected float32"),
    "device": ("torch.relu(x).to('meta')", "device", "output has device meta, expected cpu"),
    "tuple": ("(torch.relu(x),)", "structure", "output is a tuple of 1, expected a float32 tensor [16, 8]"),
    "none": ("None", "structure", "output is None"),
    "number": ("1.5", "structure", "output is the float 1.5"),
    "object": ("object()", "structure", "output is an object of class object"),
    "odd keys": ("{0: torch.relu(x)}", "structure", "output is an object of class dict"),
    "sparse": ("torch.relu(x).to_sparse()", "structure", "not a plain torch.Tensor"),
    "subclass": ("torch.relu(x).as_subclass(Own)", "structure", "not a plain torch.Tensor"),
    "too large": ("torch.zeros(64, 1024, 1024)", "shape", "output has shape [64, 1024, 1024]"),
}


@pytest.mark.parametrize(("answer", "check", "said"), WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_an_output_of_the_wrong_form_is_named(judge: Judge, answer: str, check: str, said: str) -> None:
    of = candidate(answer, top="class Own(torch.Tensor): ...")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check=check)
    assert said in verdict.reason


WRONG_VALUES = {
    "off by one": ("torch.relu(x) + 1", "values"),
    "nan": ("torch.where(x > 0, x, torch.nan)", "nonfinite"),
    "infinity": ("torch.relu(x) / 0.0", "nonfinite"),
    "zeros": ("torch.zeros_like(x)", "skipped_work"),
    "never written": ("torch.empty_like(x)", None),
    "its input": ("x", "values"),
    "one element": ("torch.relu(x).index_fill(0, torch.tensor([15]), 9.0)", "values"),
}


@pytest.mark.parametrize(("answer", "check"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_values_are_refused(judge: Judge, answer: str, check: str | None) -> None:
    verdict = judge.verdict(problem(), candidate(answer))
    expected = check or verdict.findings[0].check  # type: ignore[union-attr]
    judge.rejected(problem(), candidate(answer), stage=Stage.COMPARE, check=expected)


def test_a_wrong_value_is_described_well_enough_to_act_on(judge: Judge) -> None:
    of = candidate("torch.relu(x).index_put((torch.tensor([3]), torch.tensor([5])), torch.tensor(100.0))")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="values")
    for part in (
        "output at index [3, 5]: expected ",
        "got 100",
        "max abs error ",
        "max rel error ",
        "0.7812 % of 128 elements outside tolerance",
        "(workload 'cpu', inputs 1)",
    ):
        assert part in verdict.reason
    assert verdict.error is not None
    assert (verdict.error.outside, verdict.error.elements) == (1 / 128, 128)


def test_the_answer_to_earlier_inputs_is_refused(judge: Judge) -> None:
    of = candidate(
        "self.kept",
        setup="self.kept = None",
        body="if self.kept is None:\n    self.kept = torch.relu(x)",
    )
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="replay")
    assert "the answer to the call before" in verdict.reason


def test_a_candidate_that_changes_its_inputs_is_refused(judge: Judge) -> None:
    verdict = judge.rejected(problem(), candidate("torch.relu_(x)"), stage=Stage.COMPARE, check="mutation")
    assert "changed its inputs" in verdict.reason


# More calls than are made before anything is timed, fewer than with what is timed.
BEFORE_TIMING = 24


def test_a_candidate_that_is_right_only_until_it_is_timed_is_refused(judge: Judge) -> None:
    of = candidate(
        f"torch.relu(x) if self.calls <= {BEFORE_TIMING} else x",
        setup="self.calls = 0",
        body=f"self.calls += 1\nif self.calls <= {BEFORE_TIMING}: torch.ones(400, 400) @ torch.ones(400, 1)",
    )
    verdict = judge.rejected(problem(), of, stage=Stage.TIME, check="values")
    assert "timed call" in verdict.reason or "warm-up" in verdict.reason


def test_a_candidate_that_fails_only_in_timed_rounds_is_refused(judge: Judge) -> None:
    body = f"self.calls += 1\nassert self.calls < {BEFORE_TIMING}, 'tired'"
    of = candidate(setup="self.calls = 0", body=body)
    verdict = judge.rejected(problem(), of, stage=Stage.TIME, check="exception")
    assert "tired" in verdict.reason
