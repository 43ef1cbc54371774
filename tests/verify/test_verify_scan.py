"""What is decided from a candidate's text alone, and how its file is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from sources import candidate

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.task import Target
from warpsmith.core.verdict import Rejected, Stage
from warpsmith.verify.scan import MAX_SOURCE_BYTES, candidate_of, decode_source, read_candidate, scan
from warpsmith.worker.backends import BACKENDS, recognise

CPU = Target(device="cpu")

TRITON = "import triton\n\n@triton.jit\ndef kernel(x): ...\n\nclass ModelNew: ...\n"
INLINE = "from torch.utils.cpp_extension import load_inline\nclass ModelNew: ...\n"
CPP = INLINE + 'MODULE = load_inline("m", cpp_sources="x")\n'
CUDA = INLINE + 'SOURCE = "__global__ void k() {}"\n'


@pytest.mark.parametrize(
    ("source", "backend"),
    [
        (candidate().source, "torch"),
        (TRITON, "triton"),
        (CPP, "cpp"),
        (CUDA, "cuda"),
        (CUDA + TRITON, "cuda"),
        (INLINE + 'SOURCE = "#include <cuda_runtime.h>\\nextern \\"C\\" int go();"\n', "cuda"),
        (INLINE + 'COMMAND = ["nvcc", "-shared"]\nSOURCE = "extern \\"C\\" int go();"\n', "cuda"),
        ("import triton\n# no kernel of its own\nclass ModelNew: ...\n", "torch"),
    ],
    ids=[
        "torch",
        "triton",
        "cpp",
        "cuda",
        "cuda beside triton",
        "host code for cuda",
        "built by nvcc",
        "triton unused",
    ],
)
def test_a_backend_is_recognised_from_the_source(source: str, backend: str) -> None:
    assert recognise(source) == backend
    assert candidate_of(source).backend == backend


def test_a_named_backend_is_taken_at_its_word() -> None:
    assert candidate_of(TRITON, "torch").backend == "torch"


def test_an_unknown_backend_is_a_usage_error() -> None:
    with pytest.raises(UnknownName, match="no backend 'tritn'; did you mean 'triton'"):
        candidate_of(TRITON, "tritn")


@pytest.mark.parametrize("name", list(BACKENDS))
def test_a_backend_runs_on_some_device_and_says_what_it_lacks_in_one_line(name: str) -> None:
    backend = BACKENDS.make(name)
    assert set(backend.device_types) <= {"cpu", "cuda"}
    assert "\n" not in backend.missing()


BINDINGS = {
    "class": "class ModelNew: ...",
    "function": "def ModelNew(): ...",
    "assignment": "ModelNew = object",
    "import": "from torch.nn import ReLU as ModelNew",
    "in a branch": "if True:\n    class ModelNew: ...",
    "in a try": "try:\n    import ModelNew\nexcept ImportError:\n    pass",
    "annotated": "ModelNew: type = object",
    "unpacked": "ModelNew, other = 1, 2",
}


@pytest.mark.parametrize("source", BINDINGS.values(), ids=BINDINGS)
def test_an_entry_may_be_bound_in_any_way(source: str) -> None:
    assert scan(Candidate(source=source, backend="torch"), CPU) is None


@pytest.mark.parametrize(
    "source", ["class ModelOld: ...", "x = 'ModelNew'", "# ModelNew", "print(ModelNew)", "import torch"]
)
def test_an_entry_that_nothing_binds_is_missing(source: str) -> None:
    verdict = scan(Candidate(source=source, backend="torch"), CPU)
    assert verdict is not None
    assert verdict.findings[0].check == "entry"
    assert "class ModelNew" in verdict.reason


def test_a_file_is_read_as_utf_8_with_or_without_its_mark(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "mine.py").write_text("class ModelNew: ...  # ä", encoding=encoding)
        read = read_candidate(str(tmp_path / "mine.py"))
        assert isinstance(read, Candidate)
        assert read.source == "class ModelNew: ...  # ä"


def test_what_is_not_utf_8_is_rejected_and_says_where() -> None:
    verdict = decode_source(b"x = 1\xff")
    assert isinstance(verdict, Rejected)
    assert (verdict.stage, verdict.findings[0].check) == (Stage.SCAN, "encoding")
    assert "byte 5" in verdict.reason


def test_a_source_as_large_as_a_data_file_is_rejected() -> None:
    assert isinstance(decode_source(b"#" * MAX_SOURCE_BYTES), str)
    verdict = decode_source(b"#" * (MAX_SOURCE_BYTES + 1))
    assert isinstance(verdict, Rejected)
    assert verdict.findings[0].check == "size"


@pytest.mark.parametrize("name", ["absent.py", "", ".", "a\0b"], ids=["absent", "empty", "folder", "NUL"])
def test_a_file_that_cannot_be_read_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't read candidate"):
        read_candidate(f"{tmp_path}/{name}")
