"""Kernels from templates in CUDA: compiled for a GPU, right where a CPU plays one, tried beside Triton."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sources
from template_problems import PROBLEMS, X
from test_template import proposals

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.trial import Proposal
from warpsmith.propose.templates.catalogue import candidates
from warpsmith.propose.templates.cuda import typed
from warpsmith.propose.templates.lower import program_of
from warpsmith.propose.templates.steps import Kind, NoTemplate, Step
from warpsmith.propose.templates.writing import c_expression, cuda_expression, triton_expression
from warpsmith.propose.tunables import find_tunables, rewrite
from warpsmith.testing import samples
from warpsmith.verify.scan import scan
from warpsmith.worker.backends import recognise
from warpsmith.worker.backends.cuda import find_nvcc
from warpsmith.worker.builds.lean import PACKAGED
from warpsmith.worker.job import Operation, Trace

pytestmark = pytest.mark.timeout(600)

FUSED = [
    *("chain", "bias", "activations", "softmax", "log_softmax", "layer_norm", "rms_norm", "normalise"),
    *("statistics", "cross_entropy", "loss", "columns", "middle", "transpose"),
]
# Where tensors have several types, or extend over rows alone, and where an output has another dtype.
MORE = {
    "widened": sources.problem(
        "x.float() * y + 1", inputs="[torch.randn(37, 51), torch.randn(37, 1)]", takes="x, y"
    ),
    "masked": sources.problem(
        "x.masked_fill(y, 0).sum(-1)",
        inputs="[torch.randn(37, 51), torch.randn(37, 51) > 0]",
        takes="x, y",
    ),
    "softmax_along": sources.problem(
        "torch.softmax(x + self.w, dim=1)",
        inputs="[torch.randn(5, 7, 51)]",
        setup="self.w = nn.Parameter(torch.randn(7, 1))",
    ),
    "batch_transposed": sources.problem(
        "(torch.relu(x) * y).transpose(-1, -2).contiguous()",
        inputs="[torch.randn(3, 37, 51), torch.randn(3, 37, 51)]",
        takes="x, y",
    ),
    "largest": sources.problem("x.amax(-1).float(), x.amin(-1, keepdim=True)", inputs=X),
}
# What load_inline gives nvcc by these candidates' wish, and to hear of registers.
FLAGS = ("-O3", "-prec-div=false", "-prec-sqrt=false", "-Xptxas=-v")
# Columns, dtype, which variant, and constants in place of its own. What vectors divide and what they don't; a
# warp a row and several; rows kept in registers, at once and in turns, and rows that are read again.
READ_AGAIN = {"THREADS_PER_ROW": 64, "KEPT_VECTORS": 1, "VEC_BYTES": 4}
SETTINGS: tuple[tuple[int, str, int, dict[str, int]], ...] = (
    (51, "float32", 0, {}),
    (192, "float32", 1, {}),
    (264, "bfloat16", 4, READ_AGAIN),
    (261, "float16", 3, {}),
)


def problem_of(name: str, cols: int = 51, dtypes: tuple[str, ...] = ("float32",)) -> Problem:
    problem = (PROBLEMS | MORE)[name]
    workloads = tuple(Workload(name=f"cpu{n}", dtype=dtype) for n, dtype in enumerate(dtypes))
    source = re.sub(r"\b51\b", str(cols), problem.source)
    return sources.problem_of(source, workloads=workloads)


def in_cuda(problem: Problem) -> list[Proposal]:
    return proposals(samples.quick_task(problem, device="cuda"), backends=["cuda"])


def source_of(proposal: Proposal) -> str:
    assert proposal.candidate is not None, proposal.note
    assert proposal.candidate.backend == "cuda"
    return proposal.candidate.source


def cuda_in(source: str) -> str:
    return source.partition('r"""\n')[2].partition('"""')[0]


def with_constants(source: str, values: dict[str, int]) -> str:
    """Return a source with other values of those of its constants that it has."""
    tunables = find_tunables(source)
    return rewrite(source, tunables, {name: value for name, value in values.items() if name in source})


@pytest.mark.parametrize("name", FUSED)
def test_few_tries_see_triton_and_cuda(name: str) -> None:
    found = proposals(samples.quick_task(PROBLEMS[name], device="cuda"), variants=4)
    assert [p.candidate.backend for p in found if p.candidate] == ["triton", "triton", "cuda", "triton"]


@pytest.mark.parametrize("name", ["chain", "softmax", "middle"])
def test_variants_say_their_language_and_parameters(name: str) -> None:
    found = in_cuda(PROBLEMS[name])
    names, texts = [p.variant for p in found], [source_of(p) for p in found]
    assert len(set(names)) == len(set(texts)) == len(found) >= 5
    assert all("CUDA" in each and re.search(r"threads=\d+, .*bytes=\d+", each) for each in names)
    target = samples.quick_task(PROBLEMS[name], device="cuda").target
    for text in texts:
        assert recognise(text) == "cuda"
        assert scan(Candidate(source=text, backend="cuda"), target) is None


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("chain", {"THREADS", "VEC_BYTES", "PER_THREAD"}),
        ("transpose", {"TILE", "THREADS_DOWN"}),
        ("middle", {"LANES", "THREADS_ALONG", "VEC_BYTES", "UNROLLED"}),
        ("softmax", {"THREADS_PER_ROW", "ROWS_PER_BLOCK", "VEC_BYTES", "KEPT_VECTORS", "UNROLLED"}),
    ],
)
def test_constants_can_be_tuned(name: str, labels: set[str]) -> None:
    assert {tunable.label for tunable in find_tunables(source_of(in_cuda(PROBLEMS[name])[0]))} == labels


def test_short_and_long_rows_begin_with_other_variants() -> None:
    short, long = (in_cuda(problem_of("softmax", cols))[0].variant for cols in (64, 8192))
    assert "threads=32, rows=8" in short
    assert "threads=256, rows=1" in long


def test_kernels_are_written_for_the_dtypes_of_the_workloads() -> None:
    code = cuda_in(source_of(in_cuda(problem_of("bias", dtypes=("bfloat16", "float32")))[0]))
    assert re.findall(r"launch<([\w:]+)>\(", code) == ["c10::BFloat16", "float"]


def traced(x: str, weight: str) -> Trace:
    """Return the trace of `x * weight` in these dtypes."""
    loads = (("x", "input.0", (37, 51), x), ("w", "self.w", (51,), weight))
    operations = [Operation(name=n, op=op, shape=shape, dtype=dtype) for n, op, shape, dtype in loads]
    made = Operation(name="y", op="mul", arguments=("%x", "%w"), shape=(37, 51), dtype=x)
    return Trace(operations=(*operations, made), outputs=("y",), is_single=True)


def test_each_tensor_has_its_own_type() -> None:
    traces = [traced("bfloat16", "float32"), traced("float16", "float32")]
    types = typed(program_of(traces), traces)
    assert types.leads == ("bfloat16", "float16")
    assert types.loads == {"v0": "T", "v1": "float"}
    assert types.outputs == ("T",)


def test_what_cuda_can_not_take_is_left_to_triton() -> None:
    traces = [traced("bfloat16", "float32"), traced("float16", "bfloat16")]
    with pytest.raises(NoTemplate, match="another workload"):
        typed(program_of(traces), traces)
    problem = sources.problem("x * self.w", inputs=X, setup="self.w = nn.Parameter(torch.randn(51))")
    written, reason = candidates(problem, "cuda", traces)
    assert {each.backend for each in written} == {"triton"}
    assert not reason


def written(op: str, *operands: str | float) -> list[str]:
    step = Step("v9", op, operands, Kind.FULL, 0)
    return [write(step) for write in (c_expression, cuda_expression, triton_expression)]


@pytest.mark.parametrize(
    ("op", "operands"),
    [
        *(("add", ("v0", 2.0)), ("sub", (-1.5, "v1")), ("mul", ("v0", "v1")), ("div", (1.0, "v1"))),
        *(("neg", ("v0",)), ("where", ("v0", 0.0, "v1")), ("lt", ("v0", 1e-6)), ("and", ("v0", "v1"))),
        *(("exp", ("v0",)), ("tanh", ("v0",)), ("erf", ("v0",)), ("sqrt", ("v0",)), ("log", ("v0",))),
        *(("abs", ("v0",)), ("max", ("v0", 3.0)), ("min", ("v0", "v1")), ("not", ("v0",))),
    ],
)
def test_every_operation_takes_the_same_operands_in_every_language(
    op: str, operands: tuple[str | float, ...]
) -> None:
    in_c, cuda, _ = written(op, *operands)
    same = re.sub(r"T\((-[^)]*)\)", r"(\1f)", in_c)
    same = re.sub(r"T\(([^)]*)\)", r"\1f", same)
    same = re.sub(r"(?:fast_|std::)(\w+)\(", lambda m: "fabsf(" if m[1] == "abs" else f"{m[1]}f(", same)
    assert cuda == same


def test_numbers_that_float32_does_not_hold_are_infinite() -> None:
    assert [cuda_expression(Step("v1", "add", ("v0", n), Kind.FULL, 0)) for n in (1e300, -1e300)] == [
        "v0 + INFINITY",
        "v0 + (-INFINITY)",
    ]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Candidates on disk: each pattern in each setting."""
    folder = tmp_path_factory.mktemp("cuda")
    found = []
    for name in (*FUSED, *MORE):
        for cols, dtype, variant, constants in SETTINGS:
            problem = problem_of(name, cols, (dtype,))
            reference, path = folder / f"problem_{name}_{cols}.py", folder / f"{name}_{cols}.py"
            reference.write_text(problem.source)
            source = source_of(in_cuda(problem)[variant])
            path.write_text(with_constants(source, constants))
            case = {"name": path.stem, "path": str(path), "problem": str(reference), "dtype": dtype}
            found.append(case)
    return found


@pytest.mark.skipif(find_nvcc() is None, reason="no nvcc")
def test_every_pattern_compiles_for_an_h100(cases: list[dict[str, Any]], tmp_path: Path) -> None:
    root = Path(str(find_spec("torch").submodule_search_locations[0]), "include")  # type: ignore[union-attr,index]
    # A CPU build of torch has CUDA's headers, but for one that its build would have written.
    lines = ["#define C10_USING_CUSTOM_GENERATED_MACROS"]
    for number, case in enumerate(cases):
        code = cuda_in(Path(case["path"]).read_text())
        includes = re.findall(r"^#include .*$", code, flags=re.MULTILINE)
        body = re.sub(r"^#include .*$", "", code, flags=re.MULTILINE)
        lines += [*includes, f"namespace case{number} {{  // {case['name']}", body, "}"]
    (tmp_path / "all.cu").write_text("\n".join(lines))
    command = [str(find_nvcc()), "-std=c++20", "-arch=sm_90a", *FLAGS, "-cubin", "-o", "all.cubin", "all.cu"]
    command += [f"-I{place}" for place in (PACKAGED, root, root / "torch/csrc/api/include")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    spilt = [int(bytes_) for bytes_ in re.findall(r"(\d+) bytes spill stores", done.stderr)]
    assert len(spilt) > len(cases)
    assert not any(spilt)


def test_every_pattern_is_right_where_a_cpu_plays_the_gpu(
    cases: list[dict[str, Any]], tmp_path: Path
) -> None:
    if shutil.which("g++") is None or shutil.which("ninja", path=_path()) is None:
        pytest.skip("no C++ compiler, or no ninja")
    asked, answer = tmp_path / "cases.json", tmp_path / "answer.json"
    asked.write_text(json.dumps(cases))
    script = str(Path(__file__).with_name("run_emulated_cuda.py"))
    env = os.environ | {"TORCH_EXTENSIONS_DIR": str(tmp_path), "PATH": _path(), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-W", "ignore", script, str(asked), str(answer)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    errors = json.loads(answer.read_text())
    assert len(errors) == len(cases)
    assert not {name: error for name, error in errors.items() if isinstance(error, str) or error > 1}


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
