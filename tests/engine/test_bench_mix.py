"""The mix that the engine is measured on: even, the same from the same seed, and with the answers it says.

What candidates compute is looked at on the CPU: plain ones as they are, Triton's by its interpreter. CUDA
sources are compiled where there is an nvcc.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Target
from warpsmith.engine.bench.language import Flaw
from warpsmith.engine.bench.mix import EXPECTED, LANGUAGES, PAIRS, Entry, read_mix, write_mix
from warpsmith.engine.bench.operators import OPERATORS
from warpsmith.problems import load
from warpsmith.verify.batch import read_pairs
from warpsmith.verify.scan import candidate_of, scan

DEVICES = ("cpu", "cuda")
COMPARE = Path(__file__).with_name("compare_mix.py")
# As much of torch's C++ interface as the launchers use, so that a kernel compiles in a second.
STAND_IN = """
#pragma once
#include <cstdint>
#include <initializer_list>
#include <cuda_runtime.h>
namespace torch {
enum Kind { kFloat };
struct Options {};
struct Sizes { Sizes(std::initializer_list<int64_t>) {} };
struct Tensor {
    bool is_cuda() const { return true; }
    Kind scalar_type() const { return kFloat; }
    int64_t dim() const { return 2; }
    int64_t size(int) const { return 8; }
    Sizes sizes() const { return {8, 8}; }
    Options options() const { return {}; }
    Tensor contiguous() const { return *this; }
    Tensor unsqueeze(int) const { return *this; }
    template <typename T> T* data_ptr() const { return nullptr; }
};
inline Tensor empty(Sizes, Options) { return {}; }
}
namespace c10 { namespace cuda { inline cudaStream_t getCurrentCUDAStream() { return 0; } } }
#define TORCH_CHECK(condition, message) if (!(condition)) throw 1
#define C10_CUDA_KERNEL_LAUNCH_CHECK()
"""
CONTEXT = "namespace at { namespace cuda { using c10::cuda::getCurrentCUDAStream; } }\n"


def content_of(folder: Path) -> dict[str, str]:
    """Every file but the lists, which hold paths."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in {PAIRS, EXPECTED}]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


@pytest.mark.parametrize("device", DEVICES)
def test_same_seed_writes_the_same_and_another_seed_another(tmp_path: Path, device: str) -> None:
    orders = []
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        entries = write_mix(tmp_path / name, device, 64, seed)
        orders.append([Path(entry.candidate).name for entry in entries])
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")
    assert orders[0] == orders[1]
    assert content_of(tmp_path / "one") != content_of(tmp_path / "other")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [32, 64, 128])
def test_languages_have_halves_and_flaws_a_quarter_of_each(tmp_path: Path, device: str, count: int) -> None:
    entries = write_mix(tmp_path, device, count)
    backends = [language.backend for language in LANGUAGES[device]]
    assert Counter(e.backend for e in entries) == dict.fromkeys(backends, count // 2)
    assert Counter(e.backend for e in entries if e.flaw) == dict.fromkeys(backends, count // 8)
    assert set(Counter(e.problem for e in entries).values()) == {count // 8}
    assert set(Counter(e.problem for e in entries if e.flaw).values()) == {count // 32}


@pytest.mark.parametrize("device", DEVICES)
def test_every_flaw_occurs_once_in_each_language_of_the_usual_mix(tmp_path: Path, device: str) -> None:
    entries = write_mix(tmp_path, device)
    for language in LANGUAGES[device]:
        found = [entry.flaw for entry in entries if entry.backend == language.backend and entry.flaw]
        assert sorted(found) == sorted(Flaw)


@pytest.mark.parametrize("device", DEVICES)
def test_candidates_are_distinct_and_nothing_is_decided_by_the_scan(tmp_path: Path, device: str) -> None:
    entries = write_mix(tmp_path, device, 128)
    sources = [Path(entry.candidate).read_text() for entry in entries]
    assert len(set(sources)) == len(sources)
    for entry, source in zip(entries, sources, strict=True):
        # The backend is recognised from the source, as it is for whoever names none.
        candidate = candidate_of(source)
        assert candidate.backend == entry.backend
        assert scan(candidate, Target(device=device)) is None


@pytest.mark.parametrize("device", DEVICES)
def test_pairs_and_expectations_are_of_the_same_files(tmp_path: Path, device: str) -> None:
    entries = write_mix(tmp_path, device, 32)
    assert read_mix(tmp_path) == entries
    asked = [(pair.problem, pair.candidate, pair.backend) for pair in read_pairs(tmp_path / PAIRS)]
    assert asked == [(entry.problem, entry.candidate, entry.backend) for entry in entries]
    assert {entry.expected for entry in entries if entry.flaw} == {"rejected"}
    assert {entry.expected for entry in entries if not entry.flaw} == {"accepted"}


@pytest.mark.parametrize("device", DEVICES)
def test_problems_are_plain_files_of_the_stated_sizes(tmp_path: Path, device: str) -> None:
    write_mix(tmp_path, device, 8)
    for operator in OPERATORS:
        problem = load(str(tmp_path / "problems" / f"{operator.name}.py"))
        assert len(problem.workloads) == 1
        rows, columns = re.findall(r"^(?:batch_size|dim) = (\d+)$", problem.source, re.MULTILINE)
        inputs = re.findall(r"torch\.randn?\(batch_size, dim\)", problem.source)
        size = 4 * int(rows) * int(columns) * len(inputs)
        assert size == operator.input_bytes if device == "cuda" else size < 8e6
    sizes = sorted(operator.input_bytes / 1e9 for operator in OPERATORS)
    assert 0.1 <= sizes[0] < 0.2
    assert 5.5 < sizes[-1] <= 6.0


def test_a_mix_that_cannot_be_even_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a multiple of 8"):
        write_mix(tmp_path, "cuda", 20)
    with pytest.raises(UsageError, match="take cuda or cpu"):
        write_mix(tmp_path, "tpu", 8)
    with pytest.raises(UsageError, match="take fewer"):
        write_mix(tmp_path, "cpu", 8 * 200)


def test_sources_are_whole_whatever_varies() -> None:
    """No place in a template is left open, for any language, operator and flaw."""
    for language in {language for pair in LANGUAGES.values() for language in pair}:
        for operator in OPERATORS:
            for number, knobs in enumerate(language.variants(operator)[::10]):
                source = language.source(operator, knobs, [None, *Flaw][number % (1 + len(Flaw))])
                assert ast.get_docstring(ast.parse(source)) == operator.says
                assert "$" not in source


def compared(entries: list[Entry], environment: dict[str, str]) -> dict[str, bool]:
    """Whether each candidate agrees with its problem, by file name; in a process of its own."""
    cases = json.dumps([[entry.problem, entry.candidate] for entry in entries])
    answer = subprocess.run(
        [sys.executable, str(COMPARE)],
        input=cases,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, bool] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize(("device", "backend"), [("cpu", "torch"), ("cuda", "triton")])
def test_right_candidates_agree_with_their_problems_and_wrong_ones_do_not(
    tmp_path: Path, device: str, backend: str
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    ends = {"", Flaw.WRONG, Flaw.TAIL, Flaw.SHAPE}
    entries = [e for e in write_mix(tmp_path, device, 64) if e.backend == backend and e.flaw in ends]
    # One of every problem and every flaw; the interpreter is slow.
    chosen = list({(entry.flaw or entry.problem): entry for entry in entries}.values())
    found = compared(chosen, os.environ | {"TRITON_INTERPRET": "1"})
    assert found == {Path(entry.candidate).name: not entry.flaw for entry in chosen}


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
def test_cuda_sources_compile_for_an_h100_but_for_those_that_shall_not(tmp_path: Path) -> None:
    entries = [entry for entry in write_mix(tmp_path, "cuda", 64) if entry.backend == "cuda"]
    includes = tmp_path / "include"
    for name, text in {
        "torch/extension.h": STAND_IN,
        "ATen/cuda/CUDAContext.h": CONTEXT,
        "c10/cuda/CUDAStream.h": "",
        "c10/cuda/CUDAException.h": "",
    }.items():
        (includes / name).parent.mkdir(parents=True, exist_ok=True)
        (includes / name).write_text(text)
    # One of every way of writing a kernel, by its name, and the one that shall not compile.
    ways = {re.findall(r"void (\w+)\(", Path(e.candidate).read_text())[-1]: e for e in entries if not e.flaw}
    broken = next(entry for entry in entries if entry.flaw == Flaw.COMPILE)
    for entry in [*ways.values(), broken]:
        code = Path(entry.candidate).read_text().split('r"""\n')[1].split('"""')[0]
        (tmp_path / "kernel.cu").write_text(code)
        command = ["nvcc", "-std=c++17", "-arch=sm_90a", "-cubin", "-I", str(includes), "-o", "kernel.cubin"]
        done = subprocess.run(
            [*command, "kernel.cu"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is (entry is not broken), f"{entry.candidate}: {done.stderr}"
