"""Verification on a CUDA device, end to end; skipped, with the reason, where there is none."""

from __future__ import annotations

import pytest
import torch
from sources import candidate, problem, task
from verdicts import Judge

from warpsmith.core.task import Limits
from warpsmith.core.verdict import Accepted, Stage
from warpsmith.verify import Verifier

pytestmark = pytest.mark.gpu

SOFTMAX = problem("torch.softmax(x, dim=-1)", inputs="[5 * torch.randn(512, 1000)]")

TRITON_SOFTMAX = {
    "top": """
import triton
import triton.language as tl

@triton.jit
def rows_kernel(out, x, width, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < width
    value = tl.load(x + row * width + column, mask=inside, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(value, axis=0))
    tl.store(out + row * width + column, value / tl.sum(value, axis=0), mask=inside)
""",
    "body": """
out = torch.empty_like(x)
rows_kernel[(x.shape[0],)](out, x, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
""",
    "answer": "out",
    "backend": "triton",
}

PLAIN_SOFTMAX = {"answer": "torch.softmax(x, dim=-1)"}

CUDA_RELU = {
    "top": '''
from torch.utils.cpp_extension import load_inline

CUDA_SOURCE = """
#include <torch/types.h>
__global__ void relu_kernel(const float* x, float* y, long long count) {
    long long index = blockIdx.x * (long long) blockDim.x + threadIdx.x;
    if (index < count) y[index] = x[index] > 0.0f ? x[index] : 0.0f;
}
torch::Tensor relu(torch::Tensor x) {
    auto y = torch::empty_like(x);
    long long count = x.numel();
    relu_kernel<<<(count + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), count);
    return y;
}
"""
CPP_SOURCE = "#include <torch/types.h>\\ntorch::Tensor relu(torch::Tensor x);"
EXTENSION = load_inline(
    "relu_extension", cpp_sources=CPP_SOURCE, cuda_sources=CUDA_SOURCE, functions=["relu"]
)
''',
    "answer": "EXTENSION.relu(x)",
    "backend": "cuda",
}

WILD = {
    "top": """
import triton
import triton.language as tl

@triton.jit
def wild_kernel(x, far):
    tl.store(x + far, 1.0)
""",
    "body": "wild_kernel[(1,)](x, 1 << 44)",
    "answer": "torch.relu(x)",
    "backend": "triton",
}


@pytest.fixture
def judge(verifier: Verifier) -> Judge:
    """What asks for verdicts on the first CUDA device."""
    return Judge(verifier, "cuda:0")


def test_the_first_cuda_device_is_chosen_where_there_is_one(verifier: Verifier) -> None:
    assert verifier.target("auto").device == verifier.target("cuda").device == "cuda:0"
    assert verifier.probe().backends["triton"] == ""


def test_a_triton_candidate_is_accepted_and_timed_by_the_device(judge: Judge) -> None:
    verdict = judge.accepted(SOFTMAX, candidate(**TRITON_SOFTMAX))
    (measurement,) = verdict.measurements
    for timing in (measurement.timing, measurement.baselines["eager"]):
        assert (timing.timer, timing.flushed_l2) == ("cuda_events", True)
    assert verdict.provenance.device_type == "cuda"
    assert verdict.provenance.software.keys() >= {"torch", "triton", "cuda"}


@pytest.mark.timeout(400)
def test_a_cuda_candidate_is_built_and_accepted(judge: Judge) -> None:
    patient = Limits(build_s=300.0, run_s=20.0, output_bytes=4096)
    verdict = judge.verdict(
        problem(inputs="[torch.randn(1000, 333)]"), candidate(**CUDA_RELU), limits=patient
    )
    assert isinstance(verdict, Accepted), verdict


@pytest.mark.timeout(400)
def test_cuda_that_does_not_compile_is_rejected_with_the_compilers_words(judge: Judge) -> None:
    broken = CUDA_RELU | {"top": CUDA_RELU["top"].replace("long long index", "lang long index")}
    patient = Limits(build_s=300.0, run_s=20.0, output_bytes=64 * 1024)
    verdict = judge.rejected(
        problem(), candidate(**broken), stage=Stage.BUILD, check="import", limits=patient
    )
    assert "lang" in verdict.log


def test_a_wild_store_is_rejected_and_the_next_candidate_is_served(judge: Judge) -> None:
    verdict = judge.rejected(problem(), candidate(**WILD), stage=Stage.COMPARE, check="exception")
    assert "illegal memory access" in verdict.reason
    judge.accepted(SOFTMAX, candidate(**TRITON_SOFTMAX))


def test_an_endless_kernel_is_killed_and_the_next_candidate_is_served(judge: Judge) -> None:
    hurried = Limits(build_s=30.0, run_s=3.0, output_bytes=4096)
    of = candidate(body="torch.cuda._sleep(10**15)")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="timeout", limits=hurried)


def test_a_candidate_that_fills_the_device_is_told_so_and_leaves_it_empty(judge: Judge) -> None:
    of = candidate(
        body="held = [torch.empty(1 << 30, dtype=torch.uint8, device=x.device) for _ in range(4096)]"
    )
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="memory")
    assert "ran out of memory" in verdict.reason


@pytest.mark.parametrize(
    "parts",
    [
        {"inputs": "[torch.empty(1 << 42, dtype=torch.uint8)]"},
        {"inputs": "[torch.zeros(1).expand(1 << 42)]"},
        {"answer": "torch.empty(1 << 42, dtype=torch.uint8, device=x.device)"},
    ],
    ids=["inputs", "shared inputs", "output"],
)
def test_a_problem_too_large_for_the_device_is_no_candidates_fault(
    judge: Judge, parts: dict[str, str]
) -> None:
    verdict = judge.faulted(problem(**parts), candidate())
    assert "ran out of memory" in verdict.reason


def test_inputs_are_drawn_on_the_device(judge: Judge) -> None:
    asked = problem(
        "x * index.sum()",
        takes="x, index",
        inputs="draw()",
        top="def draw():\n    x = torch.randn(64, 8)\n    assert x.device.type == 'cuda'\n"
        "    return [x, torch.randint(9, (5,))]",
        setup="assert torch.empty(1).device.type == 'cuda'",
    )
    of = candidate(
        "x * index.sum()",
        takes="x, index",
        body="assert x.is_cuda and index.is_cuda and index.dtype == torch.int64",
    )
    judge.accepted(asked, of)


def test_inputs_made_on_the_host_are_moved(judge: Judge) -> None:
    judge.accepted(problem(inputs="[torch.randn(16, 8, device='cpu')]"), candidate(body="assert x.is_cuda"))


def test_an_output_left_on_the_host_is_rejected(judge: Judge) -> None:
    verdict = judge.rejected(problem(), candidate("torch.relu(x).cpu()"), stage=Stage.COMPARE, check="device")
    assert "output has device cpu, expected cuda" in verdict.reason


def test_a_bfloat16_workload_casts_inputs_and_weights(judge: Judge) -> None:
    asked = problem(
        "self.layer(x)",
        setup="self.layer = nn.Linear(256, 64)",
        inputs="[torch.randn(128, 256)]",
        dtype="bfloat16",
    )
    of = candidate(
        "x @ self.layer.weight.t() + self.layer.bias",
        setup="self.layer = nn.Linear(256, 64)",
        body="assert x.dtype == self.layer.weight.dtype == torch.bfloat16",
    )
    judge.accepted(asked, of)


def test_tf32_is_no_way_to_be_right_at_float32(judge: Judge) -> None:
    asked = problem("x @ x", inputs="[torch.randn(512, 512)]")
    judge.accepted(asked, candidate("x @ x"))
    # What is said at import is taken back before every call.
    judge.accepted(asked, candidate("x @ x", top="torch.backends.cuda.matmul.allow_tf32 = True"))
    fast = candidate("x @ x", body="torch.backends.cuda.matmul.allow_tf32 = True")
    judge.rejected(asked, fast, stage=Stage.COMPARE, check="values")


def test_batch_norm_in_training_mode_updates_its_buffers_on_the_device(judge: Judge) -> None:
    parts = {"answer": "self.norm(x)", "setup": "self.norm = nn.BatchNorm1d(8)"}
    judge.accepted(problem(**parts), candidate(**parts))


def test_a_candidate_that_changes_its_inputs_on_the_device_is_refused(judge: Judge) -> None:
    judge.rejected(problem(), candidate("torch.relu_(x)"), stage=Stage.COMPARE, check="mutation")


def test_a_candidate_that_leaves_work_on_another_stream_is_not_faster_for_it(judge: Judge) -> None:
    top = "SIDE = torch.cuda.Stream()"
    late = "with torch.cuda.stream(SIDE):\n    torch.cuda._sleep(4_000_000)"
    here = judge.accepted(problem(), candidate(body="torch.cuda._sleep(4_000_000)"))
    aside = judge.accepted(problem(), candidate(top=top, body=late))
    assert aside.time.value > 0.7 * here.time.value


def test_one_task_on_two_devices_is_two_tasks(verifier: Verifier) -> None:
    for device in ("cpu", "cuda:0", "cpu"):
        verdict = verifier.verify(task(device=device), candidate())
        assert isinstance(verdict, Accepted), verdict
        assert verdict.provenance.device_type == device.partition(":")[0]


def test_the_compiler_is_a_baseline_on_the_device(judge: Judge) -> None:
    asked = task(SOFTMAX, baselines=("eager", "compile"), device="cuda:0")
    verdict = judge.accepted(asked, candidate(**TRITON_SOFTMAX))
    assert verdict.baseline_faults == {}
    assert verdict.baselines == ("eager", "compile")


@pytest.mark.parametrize("of", [TRITON_SOFTMAX, PLAIN_SOFTMAX], ids=["triton", "torch"])
def test_a_verdict_on_the_second_gpu_is_like_one_on_the_first(verifier: Verifier, of: dict[str, str]) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("one GPU here")
    verdict = verifier.verify(task(SOFTMAX, device="cuda:1"), candidate(**of))
    assert isinstance(verdict, Accepted), verdict
