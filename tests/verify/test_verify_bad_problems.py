"""Problems whose own code fails: no candidate is blamed, and the verifier goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from processes import workers_below
from sources import RELU, candidate, problem, problem_of, problem_source
from verdicts import Judge

LACKING = {
    "no Model": "def get_inputs(): return []\n",
    "no get_inputs": "import torch\nclass Model(torch.nn.Module): ...\n",
    "no forward": "import torch\nclass Model(torch.nn.Module): ...\ndef get_inputs(): return []\n",
}
FAILING = {
    "import": ({"top": "1 / 0"}, "its import raised ZeroDivisionError"),
    "construction": ({"setup": "1 / 0"}, "Model(...) raised ZeroDivisionError"),
    "get_inputs": ({"inputs": "1 / 0"}, "get_inputs() raised ZeroDivisionError"),
    "get_init_inputs": ({"init_inputs": "1 / 0"}, "get_init_inputs() raised ZeroDivisionError"),
    "exit": ({"top": "import sys", "body": "sys.exit(0)"}, "forward raised SystemExit: 0"),
    "many lines": ({"body": "raise ValueError('first\\nsecond')"}, "forward raised ValueError: first"),
    "syntax": ({"top": "class Odd(:"}, "its import raised SyntaxError: "),
    "forward": ({"body": "1 / 0"}, "forward raised ZeroDivisionError"),
    "odd input": ({"inputs": "[object()]"}, "input[0] can't be handed to a candidate"),
    "sparse input": ({"inputs": "[torch.eye(3).to_sparse()]"}, "can't be handed to a candidate"),
    "odd init input": ({"init_takes": "a", "init_inputs": "[object()]"}, "can't be handed to a candidate"),
    "init inputs no list": ({"init_inputs": "5"}, "Model(...) raised TypeError"),
    "odd output": ({"answer": "object()"}, "can't be compared"),
    "odd keys": ({"answer": "{0: x}"}, "can't be compared"),
    "sparse output": ({"answer": "x.to_sparse()"}, "is a Tensor (torch.sparse_coo)"),
}


@pytest.mark.parametrize("source", LACKING.values(), ids=LACKING)
def test_what_a_problem_lacks_is_said(judge: Judge, source: str) -> None:
    judge.faulted(problem_of(source), candidate())


@pytest.mark.parametrize(("parts", "said"), FAILING.values(), ids=FAILING)
def test_what_fails_in_a_problem_is_said(judge: Judge, parts: dict[str, str], said: str) -> None:
    judge.still_works()
    before = workers_below(os.getpid())
    verdict = judge.faulted(problem(**parts), candidate())
    assert said in verdict.reason
    assert "'test/problem'" in verdict.reason
    assert workers_below(os.getpid()) == before


ODD_ANSWERS = {
    "nan": "torch.where(x > 0, x, torch.nan)",
    "complex nan": "torch.complex(x, torch.full_like(x, torch.nan))",
    "nan as a number": "float('nan')",
    "nan deep inside": "{'a': (x, [x * torch.nan])}",
}


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_a_reference_that_returns_nan_can_tell_nothing(judge: Judge, answer: str) -> None:
    verdict = judge.faulted(problem(answer), candidate(answer))
    assert "NaN" in verdict.reason


def test_a_reference_without_room_for_its_output_is_no_candidates_fault(judge: Judge) -> None:
    verdict = judge.faulted(problem("torch.empty(1 << 46, dtype=torch.uint8)"), candidate())
    assert "allocate" in verdict.reason


def test_inputs_without_room_are_no_candidates_fault(judge: Judge) -> None:
    verdict = judge.faulted(problem(inputs="[torch.empty(1 << 46, dtype=torch.uint8)]"), candidate())
    assert "allocate" in verdict.reason


def test_inputs_that_fit_only_unwritten_are_no_candidates_fault(judge: Judge) -> None:
    # One element, shown 2**46 times: it is the shared copy for the candidate that finds no room.
    verdict = judge.faulted(problem(inputs="[torch.zeros(1).expand(1 << 46)]"), candidate())
    assert "memory" in verdict.reason


def test_a_reference_that_ends_its_process_is_no_candidates_fault(judge: Judge) -> None:
    asked = problem(top="import os", body="os._exit(3)")
    verdict = judge.faulted(asked, candidate())
    assert "ended with status 3" in verdict.reason


def test_a_reference_that_crashes_is_no_candidates_fault(judge: Judge) -> None:
    asked = problem(top="import ctypes", body="ctypes.string_at(0)")
    assert "was killed by SIGSEGV" in judge.faulted(asked, candidate()).reason


def test_what_a_reference_prints_is_nobodys_answer(judge: Judge) -> None:
    judge.accepted(problem(RELU, body="print('x' * 100_000)"), candidate())


def test_a_problem_that_replaces_another_of_its_name_is_read_afresh(judge: Judge) -> None:
    judge.accepted(problem_of(problem_source("x + 1")), candidate("x + 1"))
    judge.accepted(problem_of(problem_source("x + 2")), candidate("x + 2"))


def test_a_problem_that_fails_is_not_tried_again(judge: Judge, tmp_path: Path) -> None:
    tried = tmp_path / "tried"
    source = f"with open({str(tried)!r}, 'a') as file:\n    file.write('once ')\nraise ValueError('no')\n"
    verdict = judge.faulted(problem_of(source), candidate())
    assert verdict.cause == "problem"
    assert tried.read_text() == "once "
