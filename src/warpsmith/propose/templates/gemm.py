"""Read a trace as one matrix product with arithmetic on its result; knows no language."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from warpsmith.propose.templates.lower import FLOATS, VIEWS, Lowering, alive, common_trace, read_by_someone
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import NoTemplate, Program
from warpsmith.worker.job import Operation, Trace

PRODUCT = "input.product"
_PRODUCTS = {"mm", "addmm", "bmm"}
TURNS = {"t", "transpose", "permute"}


class Factor(NamedTuple):
    """One side of a product.

    Attributes:
        source: as a trace names it: `input.0`, `self.fc.weight`.
        is_turned: whether its last two dimensions are exchanged.
        is_flattened: whether all dimensions but the last are taken as one.
    """

    source: str
    is_turned: bool
    is_flattened: bool

    def value(self, module: Module) -> str:
        """Return the expression for it as [batch, rows, cols]."""
        value = module.value_of(self.source)
        if self.is_flattened:
            value = f"{value}.reshape(-1, {value}.shape[-1])"
        return f"{value}.mT" if self.is_turned else value


class Gemm(NamedTuple):
    """A product [batch, m, k] x [batch, k, n] and what is done with each element of it.

    Attributes:
        epilogue: a program on the product's elements; the product itself is its input `input.product`.
        is_batched: whether there is a batch.
        keeps_leading: whether the result has the left factor's dimensions but the last, and then n.
        dtype: of the left factor, in the first workload.
    """

    left: Factor
    right: Factor
    epilogue: Program
    is_batched: bool
    keeps_leading: bool
    dtype: str


def gemm_of(traces: Sequence[Trace]) -> Gemm:
    """Return the product that a reference is.

    Raises:
        NoTemplate: it is none, or more than one, or another one for another workload.
    """
    trace = common_trace(traces)
    used = read_by_someone(trace)
    products = [o for o in trace.operations if o.op in _PRODUCTS and o.name in used]
    product = products[0] if len(products) == 1 else None
    if product is None or product.shape is None:
        raise NoTemplate(f"the reference holds {len(products)} matrix products, not one")
    by_name = {operation.name: operation for operation in trace.operations}
    first, second = product.arguments[-2:] if product.op != "addmm" else product.arguments[1:3]
    left, right = _factor(first, by_name), _factor(second, by_name)
    if right.is_flattened or (left.is_flattened and left.is_turned):
        raise NoTemplate("a factor is reshaped")
    root = next(o for o in trace.operations if o.op == left.source)
    leading = (*(root.shape or ())[:-1], product.shape[-1])
    same = (product.shape, leading) if left.is_flattened else (product.shape,)
    lowered = Lowering(_rest(trace, product), same, PRODUCT)
    outputs = []
    for name in trace.outputs:
        output = lowered.output(name, "" if _keeps_dtype(traces, name) else "float32")
        if lowered.steps[output.value].kind != "full":
            raise NoTemplate("the product is reduced")
        outputs.append(output)
    steps = alive(lowered.steps, [output.value for output in outputs])
    program = Program(steps, tuple(outputs), PRODUCT, trace.is_single)
    if program.has_reduction or not any(step.source == PRODUCT for step in steps):
        raise NoTemplate("the product is reduced along its rows")
    keeps_leading = left.is_flattened and lowered.shapes[trace.outputs[0]] == leading
    return Gemm(left, right, program, product.op == "bmm", keeps_leading, root.dtype)


def _keeps_dtype(traces: Sequence[Trace], name: str) -> bool:
    """Say whether an output has the dtype of the product's left factor in every workload."""
    return all(
        next(o.dtype for o in trace.operations if o.name == output)
        == next(o.dtype for o in trace.operations if o.op in _PRODUCTS)
        for trace in traces
        for output, asked in zip(trace.outputs, traces[0].outputs, strict=True)
        if asked == name
    )


def _factor(argument: object, by_name: dict[str, Operation]) -> Factor:
    """Follow a factor back to a tensor that goes in."""
    is_turned = is_flattened = False
    operation = by_name[str(argument)[1:]]
    while not operation.op.startswith(("input.", "self.")):
        before = by_name.get(str(operation.arguments[0])[1:])
        shape, shape_before = operation.shape, before.shape if before else None
        if before is None or shape is None or shape_before is None:
            raise NoTemplate("a factor is computed")
        if operation.op in TURNS and turns_last_two(operation, len(shape)):
            is_turned = not is_turned
        elif operation.op in VIEWS and (shape == shape_before or operation.op == "_to_copy"):
            pass
        elif operation.op in VIEWS and shape == (math.prod(shape_before[:-1]), shape_before[-1]):
            is_flattened = True
        else:
            raise NoTemplate("a factor is computed, or reshaped")
        operation = before
    if operation.dtype not in FLOATS:
        raise NoTemplate(f"no template multiplies matrices of {operation.dtype}")
    return Factor(operation.op, is_turned, is_flattened)


def turns_last_two(operation: Operation, rank: int) -> bool:
    """Say whether `t`, `transpose` or `permute` exchanges the last two of `rank` dimensions."""
    if operation.op == "t":
        return rank == 2
    given = operation.arguments[1:]
    if operation.op == "permute":
        return given[0] == [*range(rank - 2), rank - 1, rank - 2]
    return {axis % rank for axis in given if isinstance(axis, int)} == {rank - 2, rank - 1}


def _rest(trace: Trace, product: Operation) -> Trace:
    """Return the trace with the product as a tensor that goes in, and `addmm`'s addition after it."""
    bare = msgspec.structs.replace(product, op=PRODUCT, arguments=(), options={})
    made = [bare]
    if product.op == "addmm":
        if any(product.options.get(factor, 1) != 1 for factor in ("alpha", "beta")):
            raise NoTemplate("a product is scaled before it is added to")
        bare = msgspec.structs.replace(bare, name=f"{product.name}_bare")
        added = (f"%{bare.name}", product.arguments[0])
        made = [bare, msgspec.structs.replace(product, op="add", arguments=added, options={})]
    operations = [m for o in trace.operations for m in (made if o.name == product.name else [o])]
    return msgspec.structs.replace(trace, operations=tuple(operations))
