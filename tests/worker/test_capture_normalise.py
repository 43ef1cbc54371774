"""Sources that do the same come out equal, sources that do not stay apart."""

from __future__ import annotations

import pytest

from warpsmith.core.normalise import normalised

TRITON = '''
"""A title."""
import triton

# relu
@triton.jit
def triton_poi_fused_relu_0(in_ptr0, XBLOCK: tl.constexpr):
    tmp0 = tl.load(in_ptr0)
    tmp1 = tmp0 // 2


class ModelNew(nn.Module):
    def forward(self, x):
        """Say what it does."""
        triton_poi_fused_relu_0[(4,)](x, XBLOCK=16)
        buf0 = x
        return buf0
'''

CPP = """
SOURCE = r'''
#include <cmath>
// a comment
extern "C" void cpp_fused_add_0(float* a) {

    auto tmp0 = a[0]; /* another
    one */
}
'''
cpp_fused_add_0 = _entry("cpp_fused_add_0", 1)
"""


def test_comments_docstrings_and_layout_do_not_count() -> None:
    other = TRITON.replace("A title.", "Another.").replace("# relu\n", "\n\n")
    other = other.replace("(4,)](x, ", "( 4, )]( x,")
    assert normalised(other) == normalised(TRITON)


@pytest.mark.parametrize(
    ("old", "new"),
    [("triton_poi_fused_relu_0", "triton_poi_fused_max_relu_17"), ("buf0", "buf23"), ("tmp1", "tmp9")],
)
def test_running_names_do_not_count(old: str, new: str) -> None:
    assert normalised(TRITON.replace(old, new)) == normalised(TRITON)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(4,)", "(8,)"),
        ("XBLOCK=16", "XBLOCK=32"),
        ("tmp0 // 2", "tmp0 // 3"),
        ("tmp0 // 2", "tmp1 // 2"),
        ("in_ptr0)", "in_ptr1)"),
        ("class ModelNew", "class Other"),
    ],
)
def test_what_changes_the_meaning_counts(old: str, new: str) -> None:
    assert normalised(TRITON.replace(old, new)) != normalised(TRITON)


def test_c_source_in_a_string_is_reduced_too() -> None:
    other = CPP.replace("// a comment\n", "\n").replace("/* another\n    one */", "")
    other = other.replace("cpp_fused_add_0", "cpp_fused_add_mul_3").replace("tmp0", "tmp4")
    assert normalised(other) == normalised(CPP)
    assert normalised(CPP.replace("a[0]", "a[1]")) != normalised(CPP)


def test_swapping_two_names_counts() -> None:
    first, second = "buf0 = 1\nbuf1 = 2\nprint(buf0)", "buf0 = 1\nbuf1 = 2\nprint(buf1)"
    assert normalised(first) != normalised(second)


def test_text_that_is_data_stays_as_it_is() -> None:
    assert normalised('print("buf0 // tmp1")') != normalised('print("buf0")')
    assert "// 3" in normalised("CODE = '''\nx = 7 // 3\ny = 1\n'''")


def test_a_source_that_is_not_python_still_has_a_form() -> None:
    assert normalised("def broken(:\n\n    pass  \n") == "def broken(:\n    pass"


def test_normalising_twice_changes_nothing() -> None:
    for source in (TRITON, CPP):
        assert normalised(normalised(source)) == normalised(source)
