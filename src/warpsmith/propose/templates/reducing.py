"""Torch's reductions and norms along the last dimension, as steps on rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec

from warpsmith.propose.templates.steps import Kind, NoTemplate, Operand, Steps
from warpsmith.worker.job import Operation

Made: TypeAlias = Operand | tuple[Operand, ...]


class Lowering(Protocol):
    """As much of a trace on its way to steps as a reduction needs."""

    steps: Steps
    axis: int

    @property
    def last(self) -> int:
        """The last dimension of the largest tensor."""
        ...

    def operand(self, given: object) -> Operand:
        """Return a step's name or a number for an operator's argument."""
        ...

    def along_row(self, operation: Operation, dims: object) -> str:
        """Return the operand of a reduction along the rows; raise `NoTemplate` where it is another one."""
        ...

    def is_whole(self, argument: object) -> bool:
        """Say whether an operand has one element for each of rows and columns, or for each row."""
        ...

    def finish(self, operation: Operation, how: str) -> None:
        """Say that an operation's rows are added up, or averaged, in the end."""
        ...


def _dims(operation: Operation) -> object:
    """Return the dimensions of a reduction; None for all."""
    given = operation.arguments[1] if len(operation.arguments) > 1 else operation.options.get("dim")
    return None if given == [] else given


def _total(lowering: Lowering, operation: Operation, how: str) -> Made:
    """Reduce every dimension: rows here, and what comes of them in the end."""
    value = lowering.operand(operation.arguments[0])
    if not isinstance(value, str):
        raise NoTemplate("a number is reduced")
    if not lowering.is_whole(operation.arguments[0]):
        raise NoTemplate("something is reduced that does not extend over all rows")
    lowering.finish(operation, how)
    if lowering.steps[value].kind is Kind.ROW:
        return value
    return lowering.steps.mean(value) if how == "mean" else lowering.steps.sum(value)


def _sum(lowering: Lowering, operation: Operation) -> Made:
    if (dims := _dims(operation)) is None:
        return _total(lowering, operation, "sum")
    return lowering.steps.sum(lowering.along_row(operation, dims))


def _mean(lowering: Lowering, operation: Operation) -> Made:
    if (dims := _dims(operation)) is None:
        return _total(lowering, operation, "mean")
    return lowering.steps.mean(lowering.along_row(operation, dims))


def _extreme(op: str) -> Callable[[Lowering, Operation], Made]:
    def lower(lowering: Lowering, operation: Operation) -> Made:
        dims = _dims(operation)
        if dims is None or operation.op in {"max", "min"}:
            raise NoTemplate("a largest or smallest element is asked for with its place, or of everything")
        return lowering.steps.reduce(op, lowering.along_row(operation, dims))

    return lower


def _correction(operation: Operation) -> float:
    given = operation.options.get("correction", 1)
    if not isinstance(given, int | float):
        return 1.0
    return float(given)


def _var(lowering: Lowering, operation: Operation) -> Made:
    value = lowering.along_row(operation, _dims(operation))
    return lowering.steps.variance(value, _correction(operation))[0]


def _var_mean(lowering: Lowering, operation: Operation) -> Made:
    return lowering.steps.variance(lowering.along_row(operation, _dims(operation)), _correction(operation))


def _std(lowering: Lowering, operation: Operation) -> Made:
    return lowering.steps.do("sqrt", str(_var(lowering, operation)))


def _softmax(lowering: Lowering, operation: Operation) -> Made:
    steps, value = lowering.steps, lowering.along_row(operation, operation.arguments[1])
    powers = steps.do("exp", steps.do("sub", value, steps.reduce("row_max", value)))
    return steps.do("div", powers, steps.sum(powers))


def _log_softmax(lowering: Lowering, operation: Operation) -> Made:
    steps, value = lowering.steps, lowering.along_row(operation, operation.arguments[1])
    shifted = steps.do("sub", value, steps.reduce("row_max", value))
    return steps.do("sub", shifted, steps.do("log", steps.sum(steps.do("exp", shifted))))


def _logsumexp(lowering: Lowering, operation: Operation) -> Made:
    steps, value = lowering.steps, lowering.along_row(operation, operation.arguments[1])
    most = steps.reduce("row_max", value)
    total = steps.sum(steps.do("exp", steps.do("sub", value, most)))
    return steps.do("add", most, steps.do("log", total))


def _layer_norm(lowering: Lowering, operation: Operation) -> Made:
    given = operation.arguments
    if not isinstance(given[1], list) or len(given[1]) != 1 or not isinstance(given[4], float):
        raise NoTemplate("a norm is over more than the last dimension")
    steps, value = lowering.steps, lowering.along_row(operation, -1)
    variance, mean = steps.variance(value, 0.0)
    scale = steps.do("div", 1.0, steps.do("sqrt", steps.do("add", variance, given[4])))
    made: Operand = steps.do("mul", steps.do("sub", value, mean), scale)
    for op, argument in (("mul", given[2]), ("add", given[3])):
        if argument is not None:
            made = steps.do(op, made, lowering.operand(argument))
    return made, mean, scale


def _rms_norm(lowering: Lowering, operation: Operation) -> Made:
    given = (*operation.arguments, None, None)[:4]
    if not isinstance(given[1], list) or len(given[1]) != 1 or not isinstance(given[3], float):
        raise NoTemplate("a norm is over more than the last dimension, or its epsilon is the dtype's")
    steps, value = lowering.steps, lowering.along_row(operation, -1)
    square = steps.mean(steps.do("mul", value, value))
    scale = steps.do("div", 1.0, steps.do("sqrt", steps.do("add", square, given[3])))
    made: Operand = steps.do("mul", value, scale)
    if given[2] is not None:
        made = steps.do("mul", made, lowering.operand(given[2]))
    return (made, scale) if operation.op.startswith("_") else made


def _vector_norm(lowering: Lowering, operation: Operation) -> Made:
    given = (*operation.arguments, 2, None)
    order, dims = (given[1], operation.arguments[2] if len(operation.arguments) > 2 else None)
    steps, value = lowering.steps, lowering.along_row(operation, dims)
    if order == 1:
        return steps.sum(steps.do("abs", value))
    if order == 2:
        return steps.do("sqrt", steps.sum(steps.do("mul", value, value)))
    raise NoTemplate("a norm is of another order than 1 and 2")


def _softmax_backward(lowering: Lowering, operation: Operation) -> Made:
    steps, gradient = lowering.steps, lowering.operand(operation.arguments[0])
    weights = lowering.along_row(msgspec.structs.replace(operation, arguments=operation.arguments[1:]), -1)
    if lowering.axis != lowering.last or operation.arguments[2] not in {-1, lowering.last}:
        raise NoTemplate("a gradient is along other dimensions than the last")
    shared = steps.sum(steps.do("mul", gradient, weights))
    return steps.do("mul", weights, steps.do("sub", gradient, shared))


def _nll_loss(lowering: Lowering, operation: Operation) -> Made:
    steps, labels = lowering.steps, lowering.operand(operation.arguments[1])
    if operation.arguments[2] is not None or operation.arguments[3] != 0 or not isinstance(labels, str):
        raise NoTemplate("a loss is weighted, or averaged over labels that count")
    value = lowering.along_row(operation, -1)
    # Labels to ignore are no column, so nothing is added for them.
    chosen = steps.do("where", steps.do("eq", steps.column(), labels), value, 0.0)
    return (steps.do("neg", steps.sum(chosen)),)


REDUCING: dict[str, Callable[[Lowering, Operation], Made]] = {
    "sum": _sum,
    "mean": _mean,
    "amax": _extreme("row_max"),
    "amin": _extreme("row_min"),
    "max": _extreme("row_max"),
    "min": _extreme("row_min"),
    "var": _var,
    "var_mean": _var_mean,
    "std": _std,
    "_softmax": _softmax,
    "_log_softmax": _log_softmax,
    "_softmax_backward_data": _softmax_backward,
    "logsumexp": _logsumexp,
    "native_layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "_fused_rms_norm": _rms_norm,
    "linalg_vector_norm": _vector_norm,
    "nll_loss_forward": _nll_loss,
}
