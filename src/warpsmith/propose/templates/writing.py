"""Write steps in C++, in CUDA and in Triton: one expression a step."""

from __future__ import annotations

import math
from collections.abc import Callable

from warpsmith.propose.templates.steps import Operand, Step

_C = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}",
    "abs": "fast_abs({})", "exp": "fast_exp({})", "log": "std::log({})", "sqrt": "std::sqrt({})",
    "tanh": "fast_tanh({})", "erf": "fast_erf({})", "max": "larger({}, {})", "min": "smaller({}, {})",
    "where": "{} ? {} : {}", "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}",
    "eq": "{} == {}", "ne": "{} != {}", "not": "!{}", "and": "{} && {}", "or": "{} || {}",
}  # fmt: skip
_CUDA = {
    **_C,
    "abs": "fabsf({})", "exp": "expf({})", "log": "logf({})", "sqrt": "sqrtf({})",
    "tanh": "tanhf({})", "erf": "erff({})",
}  # fmt: skip
_TRITON = {
    **_C,
    "abs": "tl.abs({})", "exp": "tl.exp({})", "log": "tl.log({})", "sqrt": "tl.sqrt({})",
    "tanh": "libdevice.tanh({})", "erf": "tl.erf({})",
    "max": "tl.maximum({}, {})", "min": "tl.minimum({}, {})", "where": "tl.where({}, {}, {})",
    "not": "({} == 0)", "and": "{} & {}", "or": "{} | {}",
}  # fmt: skip


def _written(table: dict[str, str], number: Callable[[float], str], step: Step) -> str:
    given = [operand if isinstance(operand, str) else number(operand) for operand in step.operands]
    return table[step.op].format(*given)


def c_expression(step: Step) -> str:
    """Return a step's value in C++, T being the type of floating numbers."""
    return _written(_C, _c_number, step)


def cuda_expression(step: Step) -> str:
    """Return a step's value in CUDA, in float32."""
    return _written(_CUDA, _cuda_number, step)


def triton_expression(step: Step) -> str:
    """Return a step's value in Triton."""
    return _written(_TRITON, _python_number, step)


def _c_number(value: Operand) -> str:
    number = float(value)
    if math.isinf(number):
        return "T(INFINITY)" if number > 0 else "T(-INFINITY)"
    return f"T({number!r})"


_LARGEST_FLOAT = 3.4028234663852886e38


def _cuda_number(value: Operand) -> str:
    number = float(value)
    if math.isnan(number):
        return "NAN"
    if abs(number) > _LARGEST_FLOAT:  # a literal that float32 can't hold does not compile
        return "INFINITY" if number > 0 else "(-INFINITY)"
    return f"{number!r}f" if number >= 0 else f"({number!r}f)"


def _python_number(value: Operand) -> str:
    number = float(value)
    if math.isinf(number):
        return 'float("inf")' if number > 0 else '(-float("inf"))'
    return repr(number) if number >= 0 else f"({number!r})"


# What each reduction starts from, and how one more value is taken in.
STARTS = {"row_sum": 0.0, "row_max": -math.inf, "row_min": math.inf}
C_OPERATORS = {"row_sum": "+", "row_max": "max", "row_min": "min"}
CUDA_OPERATORS = {"row_sum": "Sum", "row_max": "Largest", "row_min": "Smallest"}


def c_start(step: Step) -> str:
    """Return what a reduction begins with in C++."""
    return _c_number(STARTS[step.op])


def cuda_start(step: Step) -> str:
    """Return what a reduction begins with in CUDA."""
    return _cuda_number(STARTS[step.op])


def triton_start(step: Step) -> str:
    """Return what a reduction begins with in Triton."""
    return _python_number(STARTS[step.op])


def c_taken(step: Step, total: str, value: str) -> str:
    """Return the statement that takes `value` into a reduction."""
    if step.op == "row_sum":
        return f"{total} += {value};"
    sign = ">" if step.op == "row_max" else "<"
    return f"{total} = {value} {sign} {total} ? {value} : {total};"
