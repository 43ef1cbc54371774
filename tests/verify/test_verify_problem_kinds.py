"""Problems of every kind that people write, end to end: what crosses, what is compared, what is kept."""

from __future__ import annotations

import pytest
from sources import RELU, TWO_INPUTS, candidate, problem, problem_of, problem_source, task
from verdicts import Judge

from warpsmith.core.problem import Tolerance, Workload
from warpsmith.core.task import Tier, Track
from warpsmith.core.verdict import Stage

LINEAR = "self.layer = nn.Linear(8, 4)"
NORM = "self.norm = nn.BatchNorm1d(8)"

# Each: the problem's parts; a candidate with the same parts is accepted, and asserts what crossed.
KINDS: dict[str, dict[str, str]] = {
    "several inputs": {"answer": "x * y", "takes": "x, y", "inputs": TWO_INPUTS},
    "no inputs": {"answer": "torch.arange(8.0)", "takes": "", "inputs": "[]"},
    "a bare tensor as inputs": {"inputs": "torch.randn(16, 8)"},
    "a tuple of inputs": {"inputs": "(torch.randn(16, 8),)"},
    "keyword inputs": {
        "answer": "x / y",
        "takes": "*, y, x",
        "inputs": "{'x': torch.randn(4), 'y': 3.0}",
    },
    "integer, bool and index inputs": {
        "answer": "table[index] * mask * count",
        "takes": "table, index, mask, count",
        "inputs": "[torch.randn(9, 4), torch.randint(9, (5,)), torch.rand(5, 1) > 0.5, "
        "torch.arange(5, dtype=torch.int32)[:, None]]",
        "body": "assert (index.dtype, mask.dtype, count.dtype) == (torch.int64, torch.bool, torch.int32)",
    },
    "arguments that are no tensors": {
        "answer": "x.to(kind) * n if flag and name == 'mean' and nothing is None else x / scale",
        "takes": "x, n, scale, flag, name, nothing, kind",
        "inputs": "[torch.randn(4), 2**70 % 7, float('inf'), True, 'mean', None, torch.float64]",
        "body": "assert type(flag) is bool and type(n) is int and scale == float('inf')",
    },
    "nested lists of tensors": {
        "answer": "sum(pair[0] * pair[1]['w'] for pair in pairs)",
        "takes": "pairs",
        "inputs": "[[(torch.randn(4), {'w': torch.randn(4)}), (torch.randn(4), {'w': torch.randn(4)})]]",
        "body": "assert type(pairs) is list and type(pairs[0]) is tuple",
    },
    "the same tensor twice": {
        "answer": "x @ y",
        "takes": "x, y",
        "inputs": "(lambda t: [t, t])(torch.randn(4, 4))",
    },
    "tuple, dict and list outputs": {"answer": "(x, {'b': x + 1, 'a': [x * 2, None, 3, 2.5, 'sum', True]})"},
    "a number as output": {"answer": "float(x.sum())"},
    "no dimension": {"answer": "x.sum()"},
    "no element": {"answer": "(x[:0], x)"},
    "integer and bool outputs": {"answer": "(x.argmax(dim=1), x > 0, (100 * x).to(torch.uint8))"},
    "complex output": {"answer": "torch.fft.rfft(x)"},
    "16-bit output": {"answer": "(x.half(), x.bfloat16())"},
    "8-bit float output": {"answer": "x.to(torch.float8_e4m3fn)"},
    "double output": {"answer": "x.double() * 1e200"},
    "infinite output": {"answer": "torch.where(x > 0, torch.inf, x)"},
    "an output that is an input": {"answer": "x"},
    "an output that is a view of an input": {"answer": "x.t()[1:]"},
    "an output that is a weight": {"answer": "self.layer.weight", "setup": LINEAR},
    "an output that is an expanded view": {"answer": "x[:, :1].expand(16, 8)"},
    "parameters and buffers": {
        "answer": "self.layer(x) + self.bias + self.hidden",
        "setup": f"{LINEAR}\nself.register_buffer('bias', torch.randn(4))\n"
        "self.register_buffer('hidden', torch.randn(4), persistent=False)",
    },
    "evaluation mode": {"answer": "self.norm(x)", "setup": f"{NORM}\nself.eval()"},
    "training mode": {"answer": "self.norm(x)", "setup": NORM},
    "parts in two modes": {"answer": "self.norm(x)", "setup": f"{NORM}\nself.norm.eval()"},
    "drawing in forward": {"answer": "torch.dropout(x, 0.5, True)"},
    "inputs changed by the reference": {"answer": "x.add_(1).sum()"},
    "an input changed and returned": {"answer": "x.add_(1)"},
    "init inputs": {
        "answer": "x @ self.w * n.item()",
        "takes": "x, n",
        "setup": "self.w = nn.Parameter(w + shift)",
        "init_takes": "w, shift",
        "init_inputs": "[torch.randn(8, 4), 0.5]",
        "inputs": "[torch.randn(16, 8), torch.tensor(3)]",
    },
    "keyword init inputs": {
        "answer": "x * self.scale",
        "setup": "self.scale = scale",
        "init_takes": "*, scale",
        "init_inputs": "{'scale': 2.5}",
    },
    "gradients inside": {
        "answer": "y.grad",
        "body": "with torch.enable_grad():\n"
        "    y = x.clone().requires_grad_()\n"
        "    (y ** 3).sum().backward()",
    },
}


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
def test_the_reference_itself_is_accepted(judge: Judge, parts: dict[str, str]) -> None:
    own = {name: text for name, text in parts.items() if name not in {"inputs", "init_inputs"}}
    judge.accepted(problem(**parts), candidate(**own))


def test_a_model_that_is_no_module_is_a_problem_too(judge: Judge) -> None:
    source = (
        "import torch\n\ndef Model():\n    return torch.relu\n\n"
        "def get_inputs():\n    return torch.randn(8)\n"
    )
    judge.accepted(problem_of(source), candidate())


@pytest.mark.parametrize(
    ("made", "strides"),
    [
        ("torch.randn(8, 16).t()", (1, 16)),
        ("torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)", (60, 1, 15, 3)),
        ("torch.randn(16, 32)[:, ::2]", (16, 1)),
        ("torch.randn(16, 1).expand(16, 8)", (8, 1)),
    ],
    ids=["transposed", "channels last", "with gaps", "expanded"],
)
def test_inputs_keep_their_strides_where_memory_is_dense(
    judge: Judge, made: str, strides: tuple[int, ...]
) -> None:
    of = candidate(body=f"assert x.stride() == {strides}, x.stride()")
    # Other shapes come in other strides.
    judge.accepted(task(problem(inputs=f"[{made}]"), track=Track(shapes="declared")), of)


def test_a_workload_casts_floats_and_nothing_else(judge: Judge) -> None:
    parts = {
        "answer": "self.layer(x) * count",
        "takes": "x, count, wide",
        "setup": f"{LINEAR}\nself.register_buffer('seen', torch.zeros(3, dtype=torch.int64))",
    }
    inputs = "[torch.randn(16, 8), torch.arange(16)[:, None], torch.zeros(2, dtype=torch.complex64)]"
    of = candidate(
        **parts,
        body="assert (x.dtype, count.dtype, wide.dtype) == (torch.bfloat16, torch.int64, torch.complex64)\n"
        "assert (self.layer.weight.dtype, self.seen.dtype) == (torch.bfloat16, torch.int64)",
    )
    judge.accepted(problem(dtype="bfloat16", inputs=inputs, **parts), of)


def test_the_sloppier_dtype_is_no_way_to_be_right(judge: Judge) -> None:
    of = candidate("torch.softmax(x.bfloat16(), dim=-1).float()")
    judge.rejected(problem("torch.softmax(x, dim=-1)"), of, stage=Stage.COMPARE, check="downcast")


def test_a_problem_may_set_its_own_tolerance(judge: Judge) -> None:
    loose = problem_of(
        problem_source("x + 0"), tolerances={"float32": Tolerance(atol=0.5, rtol=0.0, reason="a test")}
    )
    judge.accepted(task(loose, track=Track(precision="reduced")), candidate("x + 0.1"))
    # A tolerance says what is right; how precisely it is to be computed, the dtype says.
    judge.rejected(loose, candidate("x + 0.1"), stage=Stage.COMPARE, check="precision")


def test_a_tolerance_for_integers_is_heeded(judge: Judge) -> None:
    # Rounding of a quantised output may fall either way.
    source = problem_source("(x * 100).round().to(torch.int32)")
    loose = problem_of(source, tolerances={"int32": Tolerance(atol=0.1, rtol=0.0, reason="a test")})
    off_by_one = candidate("(x * 100).round().to(torch.int32) + 1")
    judge.accepted(loose, off_by_one)
    judge.rejected(problem_of(source), off_by_one, stage=Stage.COMPARE, check="values")


# What a candidate does with its weights.


def test_weights_come_from_the_reference_by_name(judge: Judge) -> None:
    of = candidate(
        "torch.nn.functional.linear(x, self.layer.weight, self.layer.bias)",
        setup="torch.manual_seed(0)\nself.layer = nn.Linear(8, 4)\nnn.init.zeros_(self.layer.weight)",
    )
    verdict = judge.accepted(problem("self.layer(x)", setup=LINEAR), of)
    assert verdict.findings == ()


def test_weights_come_from_the_reference_in_order_under_other_names(judge: Judge) -> None:
    of = candidate(
        "x @ self.w.t() + self.b",
        setup="self.w = nn.Parameter(torch.empty(4, 8))\nself.b = nn.Parameter(torch.empty(4))",
    )
    verdict = judge.accepted(problem("self.layer(x)", setup=LINEAR), of)
    assert verdict.findings == ()


def test_a_weight_of_ones_own_is_told(judge: Judge) -> None:
    of = candidate("self.layer(x) + self.mine", setup=f"{LINEAR}\nself.mine = nn.Parameter(torch.zeros(4))")
    verdict = judge.accepted(problem("self.layer(x)", setup=LINEAR), of)
    assert [finding.check for finding in verdict.findings] == ["own_state"]
    assert "mine" in verdict.findings[0].message


def test_other_weights_give_other_answers(judge: Judge) -> None:
    of = candidate("x @ self.w", setup="self.w = nn.Parameter(torch.randn(8, 4))")
    judge.rejected(problem("self.layer(x)", setup=LINEAR), of, stage=Stage.COMPARE, check="values")


def test_what_a_candidate_registers_in_its_first_call_is_its_own_affair(judge: Judge) -> None:
    of = candidate(
        "x @ self.packed + self.layer.bias",
        setup=LINEAR,
        body="if not hasattr(self, 'packed'):\n"
        "    self.register_buffer('packed', self.layer.weight.t().contiguous())",
    )
    judge.accepted(problem("self.layer(x)", setup=LINEAR), of)


def test_a_candidate_that_wears_its_weights_out_is_refused(judge: Judge) -> None:
    of = candidate(
        "out", setup=LINEAR, body="out = self.layer(x)\nwith torch.no_grad(): self.layer.weight.mul_(0.5)"
    )
    judge.rejected(problem("self.layer(x)", setup=LINEAR), of, stage=Stage.COMPARE, check="values")


# What a reference changes, a candidate changes too.

TRAINED = problem("self.norm(x)", setup=NORM)


def test_a_candidate_that_updates_the_buffers_is_accepted(judge: Judge) -> None:
    of = candidate(
        "nn.functional.batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias, True)",
        setup=NORM,
        body="n = self.norm\nn.num_batches_tracked += 1",
    )
    judge.accepted(TRAINED, of)


def test_a_candidate_that_leaves_the_buffers_as_they_were_is_not(judge: Judge) -> None:
    of = candidate(
        "nn.functional.batch_norm(x, None, None, self.norm.weight, self.norm.bias, True)", setup=NORM
    )
    verdict = judge.rejected(TRAINED, of, stage=Stage.COMPARE, check="values")
    assert "buffer 'norm.running_mean' after the call" in verdict.reason


def test_a_candidate_without_the_buffers_is_told_which(judge: Judge) -> None:
    of = candidate("nn.functional.batch_norm(x, None, None, self.w, self.b, True)", setup=OWN_NORM)
    verdict = judge.rejected(TRAINED, of, stage=Stage.COMPARE, check="state")
    assert "'norm.running_mean'" in verdict.reason


OWN_NORM = "self.w = nn.Parameter(torch.ones(8))\nself.b = nn.Parameter(torch.zeros(8))"


def test_a_candidate_that_changes_an_input_otherwise_than_the_reference_is_not(judge: Judge) -> None:
    verdict = judge.rejected(
        problem("x.add_(1).sum()"), candidate("(x + 1).sum()"), stage=Stage.COMPARE, check="values"
    )
    assert "input 0 after the call" in verdict.reason


def test_a_candidate_that_draws_otherwise_is_not(judge: Judge) -> None:
    asked = problem("torch.dropout(x, 0.5, True)")
    of = candidate("torch.dropout(x, 0.5, True)", body="torch.rand(3)")
    judge.rejected(asked, of, stage=Stage.COMPARE, check="values")


# Workloads.

TWO_SIZES = problem_of(
    "import torch\n\nclass Model(torch.nn.Module):\n"
    "    def __init__(self, width):\n        super().__init__()\n        self.width = width\n"
    "    def forward(self, x):\n        assert x.shape[1] == self.width\n        return x * self.width\n\n"
    "def get_inputs(rows=4, width=3):\n    return [torch.randn(rows, width)]\n\n"
    "def get_init_inputs(width=3):\n    return [width]\n",
    workloads=(
        Workload(name="cpu", axes={"rows": 2, "width": 7}),
        Workload(name="cpu_wide", axes={"width": 9}, dtype="float64"),
        Workload(name="large", axes={"rows": 1 << 40}),
    ),
)
BY_WIDTH = candidate("x * self.width", setup="self.width = width", init_takes="width")


def test_every_workload_of_the_device_is_checked_and_timed(judge: Judge) -> None:
    verdict = judge.accepted(TWO_SIZES, BY_WIDTH)
    assert [m.workload for m in verdict.measurements] == ["cpu", "cpu_wide"]
    assert all(m.baselines.keys() == {"eager"} for m in verdict.measurements)
    assert verdict.error.elements >= 5 * (2 * 7 + 4 * 9)


def test_a_screening_takes_the_first_workload_alone(judge: Judge) -> None:
    verdict = judge.accepted(task(TWO_SIZES, tier=Tier.SCREEN), BY_WIDTH)
    assert [m.workload for m in verdict.measurements] == ["cpu"]


def test_a_candidate_made_for_one_size_is_told_the_other(judge: Judge) -> None:
    of = candidate("x * 7", init_takes="width")
    verdict = judge.rejected(TWO_SIZES, of, stage=Stage.COMPARE, check="values")
    assert "workload 'cpu_wide'" in verdict.reason


def test_verdicts_on_one_task_repeat_and_other_seeds_draw_other_inputs(judge: Judge) -> None:
    wrong = candidate("x")
    first, again, other = (
        judge.rejected(task(seed=seed), wrong, stage=Stage.COMPARE, check="values").reason
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_nothing_of_one_candidate_survives_into_the_next(judge: Judge) -> None:
    breaking = "torch.relu = lambda x: x + 1"
    judge.rejected(problem(RELU), candidate(top=breaking), stage=Stage.COMPARE, check="values")
    judge.accepted(problem(RELU), candidate(RELU))


def test_what_far_from_zero_cancels_to_nothing_is_not_compared_by_value(judge: Judge) -> None:
    # Some input family moves some of the six far below zero, where the reference returns -0 and others 1e-35.
    inputs = "[[torch.randn(64, 64) for _ in range(6)]]"
    asked = problem("tuple(nn.functional.gelu(t, approximate='tanh') for t in x)", inputs=inputs)
    answer = "tuple(t * torch.sigmoid(1.5957691216057308 * (t + 0.044715 * t ** 3)) for t in x)"
    judge.accepted(asked, candidate(answer))


def test_where_one_output_cancels_to_nothing_the_others_are_still_compared(judge: Judge) -> None:
    inputs = "[[torch.randn(64, 64) for _ in range(6)]]"
    answer = "(*(nn.functional.gelu(t, approximate='tanh') for t in x), *(t + 1 for t in x))"
    gelu = "t * torch.sigmoid(1.5957691216057308 * (t + 0.044715 * t ** 3))"
    right = f"(*({gelu} for t in x), *(t + 1 for t in x))"
    wrong = f"(*({gelu} for t in x), *(torch.where(t.mean() < -6, 9 * t, t + 1) for t in x))"
    judge.accepted(problem(answer, inputs=inputs), candidate(right))
    judge.rejected(problem(answer, inputs=inputs), candidate(wrong), stage=Stage.COMPARE, check="values")
