"""The admission test: a problem that can't tell a right answer from a trivial one is not admitted."""

from __future__ import annotations

import pytest
from sources import problem, problem_of, problem_source

from warpsmith.core.problem import Problem, Tolerance, Workload
from warpsmith.core.task import Target
from warpsmith.verify import Verifier
from warpsmith.worker.job import Admission
from warpsmith.worker.mutants import MUTANTS

SEED = 5


def admit(verifier: Verifier, asked: Problem) -> Admission:
    return verifier.admit(asked, Target(device="cpu"), SEED)


def checks(admission: Admission) -> set[str]:
    return {finding.check for finding in admission.findings}


GOOD = {
    "one tensor": "torch.softmax(x, dim=-1)",
    "several": "(x.sum(), {'greatest': x.max(dim=1).indices})",
    "integers": "x.argsort(dim=1)",
    "complex": "torch.fft.rfft(x)",
    "half": "x.half() * 3",
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD)
def test_a_problem_whose_answer_depends_on_its_inputs_is_admitted(verifier: Verifier, answer: str) -> None:
    admission = admit(verifier, problem(answer))
    assert admission.findings == ()
    assert list(admission.reference_ns) == ["cpu"]
    assert admission.reference_ns["cpu"] > 0


TRIVIAL = {
    "zeros": ("x * 0", "zeros would be accepted"),
    "ones": ("x * 0 + 1", "ones would be accepted"),
    "a constant": ("x * 0 + 7", "a constant (the mean) would be accepted"),
    "nearly a constant": ("1000 + x * 1e-4", "a constant (the mean) would be accepted"),
    "the input": ("x + 0", "an input unchanged would be accepted"),
    "the same for all inputs": (
        "torch.arange(8.0).roll(int((x * 0).sum()))",
        "the answer to other inputs would be accepted",
    ),
    "a bool that is always true": ("x < 1e9", "ones would be accepted"),
    "the same on average": (
        "torch.arange(8.0).roll(int((x * 0).sum()))",
        "the average answer, whatever the inputs would be accepted",
    ),
    "zeros, as many as there are": ("(x * 0)[x > 0]", "zeros would be accepted"),
}


@pytest.mark.parametrize(("answer", "said"), TRIVIAL.values(), ids=TRIVIAL)
def test_a_trivial_answer_that_would_pass_is_named(verifier: Verifier, answer: str, said: str) -> None:
    admission = admit(verifier, problem(answer))
    assert f"{said} (workload 'cpu')" in [finding.message for finding in admission.findings]
    assert checks(admission) == {"trivial"}


def test_a_tolerance_that_lets_everything_through_is_seen(verifier: Verifier) -> None:
    loose = Tolerance(atol=10.0, rtol=0.0, reason="a test")
    asked = problem_of(problem_source("torch.softmax(x, dim=-1)"), tolerances={"float32": loose})
    assert checks(admit(verifier, asked)) == {"trivial"}


UNREPEATABLE = {
    "other values": "x + next(counter)",
    "another shape": "torch.cat([x] * (1 + next(counter)))",
    "another form": "[x] * (1 + next(counter))",
}


@pytest.mark.parametrize("answer", UNREPEATABLE.values(), ids=UNREPEATABLE)
def test_a_reference_that_differs_from_itself_is_not_admitted(verifier: Verifier, answer: str) -> None:
    asked = problem(answer, top="import itertools\ncounter = itertools.count()")
    admission = admit(verifier, asked)
    assert "deterministic" in checks(admission)
    assert "the reference differs from itself for one seed" in admission.findings[0].message


def test_drawing_from_the_seeded_generators_is_deterministic(verifier: Verifier) -> None:
    assert admit(verifier, problem("torch.dropout(x, 0.5, True)")).findings == ()


@pytest.mark.parametrize("answer", ["x / 0", "torch.where(x > 0, x, torch.nan)"], ids=["infinity", "nan"])
def test_a_reference_that_returns_no_numbers_is_not_admitted(verifier: Verifier, answer: str) -> None:
    assert "finite" in checks(admit(verifier, problem(answer)))


def test_a_reference_without_tensors_is_not_admitted(verifier: Verifier) -> None:
    assert checks(admit(verifier, problem("float(x.sum())"))) == {"output"}


CRASHES = {
    "raises": ("1 / 0", "forward raised ZeroDivisionError"),
    "ends its process": ("os._exit(4)", "ended with status 4"),
    "exits": ("sys.exit(4)", "forward raised SystemExit"),
}


@pytest.mark.parametrize(("body", "said"), CRASHES.values(), ids=CRASHES)
def test_a_reference_that_fails_is_a_finding_and_the_next_is_heard(
    verifier: Verifier, body: str, said: str
) -> None:
    admission = admit(verifier, problem(top="import os, sys", body=body))
    assert checks(admission) == {"reference"}
    assert said in admission.findings[0].message
    assert admit(verifier, problem()).findings == ()


def test_every_workload_of_the_device_is_tested(verifier: Verifier) -> None:
    source = (
        "import torch\n\nclass Model(torch.nn.Module):\n    def forward(self, x):\n"
        "        return x * x.shape[0]\n\n"
        "def get_inputs(rows=2):\n    return [torch.randn(rows, 3)]\n"
    )
    asked = problem_of(
        source,
        workloads=(
            Workload(name="cpu", axes={"rows": 5}),
            Workload(name="cpu_flat", axes={"rows": 1}),
            Workload(name="huge", axes={"rows": 1 << 40}),
        ),
    )
    admission = admit(verifier, asked)
    assert [finding.message for finding in admission.findings] == [
        "an input unchanged would be accepted (workload 'cpu_flat')"
    ]
    assert set(admission.reference_ns) == {"cpu", "cpu_flat"}


def test_a_matrix_says_what_kills_each_mutant_on_each_workload(verifier: Verifier) -> None:
    matrix = admit(verifier, problem("torch.softmax(x, dim=-1)")).matrix
    assert set(matrix) == {"cpu"}
    assert matrix["cpu"].keys() == MUTANTS.keys()
    assert set(matrix["cpu"].values()) == {"values", "(no matrix product was seen)"}


def test_what_does_not_apply_says_why_and_is_no_failure(verifier: Verifier) -> None:
    admission = admit(verifier, problem("x.argsort(dim=1)[:, 0]"))
    assert admission.findings == ()
    assert admission.matrix["cpu"]["identity"] == "(no input has an output's form)"
    assert admission.matrix["cpu"]["low_precision"].startswith("(")


LAZY = {
    # Only the first rows hold anything but zeros, whatever the inputs are.
    "the last rows are zeros": (
        "torch.cat([x[:12], x[12:] * 0])",
        "an output of which the last eighth was not computed would be accepted",
    ),
    "the last columns are zeros": (
        "torch.cat([x.flip(1)[:, :7] * 2, x[:, 7:] * 0], 1)",
        "an output of which the last eighth was not computed would be accepted",
    ),
    "the last columns are not read": (
        "x[:, :7].cumsum(1)",
        "an answer that leaves the last eighth of every row of the inputs out would be accepted",
    ),
}


@pytest.mark.parametrize(("answer", "said"), LAZY.values(), ids=LAZY)
def test_half_done_work_that_would_pass_is_named(verifier: Verifier, answer: str, said: str) -> None:
    findings = admit(verifier, problem(answer)).findings
    assert [finding.message for finding in findings] == [f"{said} (workload 'cpu')"]


def test_low_precision_that_nobody_could_see_is_named(verifier: Verifier) -> None:
    said = [finding.message for finding in admit(verifier, problem("torch.sign(x) * 3")).findings]
    assert (
        "an answer computed from numbers of the next lower precision would be accepted (workload 'cpu')"
        in said
    )


def test_matrix_products_in_low_precision_that_nobody_could_see_are_named(verifier: Verifier) -> None:
    # What the product adds is large enough to matter, and its rounding is too small to be seen.
    hidden = problem("x + 1e-3 * (t @ t.T @ t)", body="t = torch.tanh(x)")
    (finding,) = admit(verifier, hidden).findings
    assert finding.message == (
        "an answer with matrix products of the next lower precision would be accepted (workload 'cpu')"
    )
    seen = admit(verifier, problem("x @ x.T"))
    assert (seen.findings, seen.matrix["cpu"]["low_products"]) == ((), "values")


def test_low_precision_is_below_that_of_numbers_and_of_outputs(verifier: Verifier) -> None:
    # TF32 loses nothing of bfloat16 numbers, so rounding to it would be no mutant.
    losses = admit(verifier, problem("torch.softmax(x.float(), dim=-1)", dtype="bfloat16"))
    assert (losses.findings, losses.matrix["cpu"]["low_precision"]) == ((), "values")
    halves = admit(verifier, problem("x.half() * 3"))
    assert (halves.findings, halves.matrix["cpu"]["low_precision"]) == ((), "values")
    product = admit(verifier, problem("x.float() @ x.float().T", dtype="bfloat16"))
    assert product.findings == ()
    assert product.matrix["cpu"]["low_products"] == "(no factor of a matrix product loses anything)"
    whole = admit(verifier, problem("x * 3.5", inputs="[torch.randint(-9, 9, (16, 8)).float()]"))
    assert whole.findings == ()
    assert whole.matrix["cpu"]["low_precision"] == "(no number that goes in loses anything)"


def test_without_an_error_budget_the_finding_says_why(verifier: Verifier) -> None:
    loose = Tolerance(atol=0.01, rtol=0.01, reason="a test")
    source = problem_source("torch.dropout(x, 0.5, True)")
    (finding,) = admit(verifier, problem_of(source, tolerances={"float32": loose})).findings
    assert "the next lower precision would be accepted (there is no error budget: " in finding.message
    assert "draws random numbers" in finding.message


def test_the_error_budget_kills_what_the_tolerance_lets_through(verifier: Verifier) -> None:
    loose = Tolerance(atol=0.01, rtol=0.01, reason="a test")
    source = problem_source("x @ x.T", inputs="[torch.randn(64, 64)]")
    admission = admit(verifier, problem_of(source, tolerances={"float32": loose}))
    assert admission.findings == ()
    assert admission.matrix["cpu"]["low_precision"] == "precision"
    assert admission.matrix["cpu"]["low_products"] == "precision"


def test_any_input_of_the_outputs_form_may_be_the_answer(verifier: Verifier) -> None:
    inputs = "[torch.randn(16, 8), torch.randn(16, 8)]"
    admission = admit(verifier, problem("y + 1e-7 * x", takes="x, y", inputs=inputs))
    assert admission.matrix["cpu"]["identity"] == "ALIVE"


def test_a_reference_that_refuses_a_mutants_numbers_is_none_the_worse(verifier: Verifier) -> None:
    body = "assert float(x[:, -1].abs().max()) > 0, 'empty'"
    admission = admit(verifier, problem("x * 2", body=body))
    assert admission.findings == ()
    cell = admission.matrix["cpu"]["partial_input"]
    assert cell.startswith("(the reference does not take such numbers: ")
    assert "empty" in cell


def test_outputs_of_another_form_each_time_are_judged_by_what_applies(verifier: Verifier) -> None:
    admission = admit(verifier, problem("x[x > 0] * 2", inputs="[torch.randn(160, 80)]"))
    cells = admission.matrix["cpu"]
    assert admission.findings == ()
    assert cells["template"] == "(the output has another form for other inputs)"
    assert {cells[name] for name in ("zeros", "ones", "constant", "partial")} == {"values"}


def test_one_wrong_element_of_many_kills(verifier: Verifier) -> None:
    spot = "torch.nn.functional.pad(torch.ones(1, 1), (0, 332, 0, 332))"
    large = "[torch.randn(333, 333)]"
    admission = admit(verifier, problem(f"x + 9 * {spot}.roll((5, 7), (0, 1))", inputs=large))
    assert admission.matrix["cpu"]["identity"] == "values"
    assert admission.findings == ()
    assert admit(verifier, problem("x + 0", inputs=large)).matrix["cpu"]["identity"] == "ALIVE"
