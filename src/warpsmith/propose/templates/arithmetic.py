"""Torch's pointwise operators, composed of a few that every language has.

The few are add, sub, mul, div, neg, abs, exp, log, sqrt, tanh, erf, max, min, where, comparisons and
logic. Formulas are those of torch's documentation, in a form that does not overflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from warpsmith.propose.templates.steps import NoTemplate, Operand, Steps
from warpsmith.worker.job import Operation

Lower = Callable[[Steps, Sequence[Operand], Operation], Operand]


def _same(op: str, count: int) -> Lower:
    def lower(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
        if operation.options.keys() - {"dtype"} or len(given) < count:
            raise NoTemplate(f"{operation.op!r} has options that no template takes")
        return steps.do(op, *given[:count])

    return lower


def _scaled(op: str, *, is_reversed: bool = False) -> Lower:
    """Lower `a + alpha * b` and its like."""

    def lower(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
        left, right = (given[1], given[0]) if is_reversed else (given[0], given[1])
        alpha = operation.options.get("alpha", given[2] if len(given) > 2 else 1)
        if not isinstance(alpha, int | float):
            raise NoTemplate(f"{operation.op!r} has a factor that is no number")
        if alpha != 1:
            right = steps.do("mul", right, float(alpha))
        return steps.do(op, left, right)

    return lower


def _div(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
    if operation.options.get("rounding_mode") is not None:
        raise NoTemplate("division rounds to whole numbers")
    return steps.do("div", given[0], given[1])


def _pow(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    base, exponent = given
    if exponent == 2:
        return steps.do("mul", base, base)
    if exponent == 3:
        return steps.do("mul", steps.do("mul", base, base), base)
    if exponent == 0.5:
        return steps.do("sqrt", base)
    if exponent == -0.5:
        return steps.do("div", 1.0, steps.do("sqrt", base))
    if exponent == -1:
        return steps.do("div", 1.0, base)
    raise NoTemplate("a power is neither a square, a cube nor a root")


def _rsqrt(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("div", 1.0, steps.do("sqrt", given[0]))


def _reciprocal(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("div", 1.0, given[0])


def _relu(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("where", steps.do("lt", given[0], 0.0), 0.0, given[0])  # NaN stays NaN


def _sigmoid(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.sigmoid(given[0])


def _silu(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("div", given[0], steps.do("add", 1.0, steps.do("exp", steps.do("neg", given[0]))))


def _gelu(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
    x = given[0]
    if operation.options.get("approximate", "none") == "tanh":
        cube = steps.do("mul", steps.do("mul", x, x), x)
        inner = steps.do("mul", math.sqrt(2 / math.pi), steps.do("add", x, steps.do("mul", 0.044715, cube)))
        share = steps.do("tanh", inner)
    else:
        share = steps.do("erf", steps.do("mul", x, math.sqrt(0.5)))
    return steps.do("mul", steps.do("mul", 0.5, x), steps.do("add", 1.0, share))


def _leaky_relu(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    slope = given[1] if len(given) > 1 else 0.01
    return steps.do("where", steps.do("gt", given[0], 0.0), given[0], steps.do("mul", slope, given[0]))


def _elu(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    alpha, scale, inner = (*given[1:], 1.0, 1.0, 1.0)[:3] if len(given) < 4 else given[1:4]
    x = given[0]
    below = steps.do("sub", steps.do("exp", steps.do("min", steps.do("mul", inner, x), 0.0)), 1.0)
    made = steps.do("where", steps.do("gt", x, 0.0), x, steps.do("mul", alpha, below))
    return steps.do("mul", scale, made)


def _softplus(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    beta = given[1] if len(given) > 1 else 1.0
    threshold = given[2] if len(given) > 2 else 20.0
    scaled = steps.do("mul", beta, given[0])
    made = steps.do("div", steps.softplus(scaled), beta)
    return steps.do("where", steps.do("gt", scaled, threshold), given[0], made)


def _mish(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("mul", given[0], steps.do("tanh", steps.softplus(given[0])))


def _clamp(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
    made, bounds = given[0], list(given[1:])
    for at, name in ((0, "min"), (1, "max")):
        option = operation.options.get(name)
        bound = option if isinstance(option, int | float) else bounds[at] if at < len(bounds) else None
        if bound is None or bound != bound:  # noqa: PLR0124 - NaN stands for no bound
            continue
        if isinstance(bound, float | int) and math.isinf(bound):
            continue
        test = steps.do("lt" if name == "min" else "gt", made, bound)
        made = steps.do("where", test, bound, made)
    return made


def _clamp_max(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("where", steps.do("gt", given[0], given[1]), given[1], given[0])


def _hardtanh(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
    return _clamp(steps, given if len(given) > 1 else [given[0], -1.0, 1.0], operation)


def _gate(steps: Steps, x: Operand) -> Operand:
    return steps.do("div", steps.do("min", steps.do("max", steps.do("add", x, 3.0), 0.0), 6.0), 6.0)


def _hardswish(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("mul", given[0], _gate(steps, given[0]))


def _hardsigmoid(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return _gate(steps, given[0])


def _square(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("mul", given[0], given[0])


def _masked_fill(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("where", given[1], given[2], given[0])


def _bitwise_not(steps: Steps, given: Sequence[Operand], operation: Operation) -> Operand:
    if operation.dtype != "bool":
        raise NoTemplate("bits of whole numbers are used")
    return steps.do("not", given[0])


def _log_sigmoid(steps: Steps, given: Sequence[Operand], _: Operation) -> Operand:
    return steps.do("neg", steps.softplus(steps.do("neg", given[0])))


POINTWISE: dict[str, Lower] = {
    "add": _scaled("add"),
    "sub": _scaled("sub"),
    "rsub": _scaled("sub", is_reversed=True),
    "mul": _same("mul", 2),
    "div": _div,
    "neg": _same("neg", 1),
    "abs": _same("abs", 1),
    "exp": _same("exp", 1),
    "log": _same("log", 1),
    "sqrt": _same("sqrt", 1),
    "tanh": _same("tanh", 1),
    "erf": _same("erf", 1),
    "maximum": _same("max", 2),
    "minimum": _same("min", 2),
    "where": _same("where", 3),
    "lt": _same("lt", 2),
    "le": _same("le", 2),
    "gt": _same("gt", 2),
    "ge": _same("ge", 2),
    "eq": _same("eq", 2),
    "ne": _same("ne", 2),
    "logical_not": _same("not", 1),
    "logical_and": _same("and", 2),
    "logical_or": _same("or", 2),
    "bitwise_not": _bitwise_not,
    "pow": _pow,
    "square": _square,
    "rsqrt": _rsqrt,
    "reciprocal": _reciprocal,
    "relu": _relu,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "gelu": _gelu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "mish": _mish,
    "log_sigmoid_forward": _log_sigmoid,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": _clamp_max,
    "hardtanh": _hardtanh,
    "hardswish": _hardswish,
    "hardsigmoid": _hardsigmoid,
    "masked_fill": _masked_fill,
}
