"""C++ candidates on the CPU, by plain g++ and a C interface: one second, where torch's builder takes 40."""

from __future__ import annotations

import shutil

import pytest
from sources import candidate, problem
from verdicts import Judge

from warpsmith.core.candidate import Candidate
from warpsmith.core.verdict import Stage

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")

TOP = '''
import ctypes, pathlib, subprocess
SOURCE = """
#include <cstdint>
extern "C" void relu(const float* x, float* y, int64_t count) {{
    {loop}
}}
"""
pathlib.Path("relu.cpp").write_text(SOURCE)
subprocess.run(["g++", "-O3", "-fopenmp", "-shared", "-fPIC", "relu.cpp", "-o", "relu.so"], check=True)
LIBRARY = ctypes.CDLL("./relu.so")
LIBRARY.relu.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
'''
RIGHT = "for (int64_t i = 0; i < count; ++i) y[i] = x[i] > 0 ? x[i] : 0;"
CALL = "out = torch.empty_like(x)\nLIBRARY.relu(x.data_ptr(), out.data_ptr(), x.numel())"


def cpp(loop: str) -> Candidate:
    return candidate("out", top=TOP.format(loop=loop), body=CALL, backend="cpp")


def test_a_cpp_candidate_is_built_in_its_own_folder_and_accepted(judge: Judge) -> None:
    judge.accepted(problem(), cpp(f"#pragma omp parallel for\n{RIGHT}"))


def test_cpp_that_does_not_compile_is_rejected_with_the_compilers_words(judge: Judge) -> None:
    verdict = judge.rejected(problem(), cpp("return lots;"), stage=Stage.BUILD, check="import")
    assert "'lots' was not declared" in verdict.log.replace("\u2018", "'").replace("\u2019", "'")


def test_cpp_that_writes_beyond_its_memory_harms_nobody(judge: Judge) -> None:
    verdict = judge.rejected(problem(), cpp("y[int64_t(1) << 40] = 1;"), stage=Stage.COMPARE, check="crash")
    assert "was killed by SIGSEGV" in verdict.reason
