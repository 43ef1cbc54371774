"""Read a trace of torch's operators as a program on rows; refuse what is none.

Knows the operators, their arguments and their shapes; knows no language that a kernel is written in.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

from warpsmith.propose.templates.arithmetic import POINTWISE
from warpsmith.propose.templates.reducing import REDUCING
from warpsmith.propose.templates.steps import Kind, NoTemplate, Operand, Output, Program, Step, Steps
from warpsmith.worker.job import Operand as Given
from warpsmith.worker.job import Operation, Trace

VIEWS = {
    "view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "expand", "alias", "detach", "clone",
    "_to_copy", "contiguous", "lift_fresh_copy",
}  # fmt: skip
FLOATS = {"float16", "bfloat16", "float32"}
_GETITEM = "<built-in function getitem>"


def common_trace(traces: Sequence[Trace]) -> Trace:
    """Return the first of traces that tell of the same operators with the same numbers.

    Raises:
        NoTemplate: the reference does something else for another workload.
    """
    forms = {_form(trace) for trace in traces}
    if len(forms) != 1:
        raise NoTemplate("the reference calls other operators, or other numbers, for another workload")
    return traces[0]


def _form(trace: Trace) -> str:
    """Return what must not depend on the workload: all but sizes, conversions and the names of results."""
    parts, renamed = [], dict[str, str]()
    for operation in trace.operations:
        first = operation.arguments[0] if operation.arguments else None
        if operation.op in VIEWS and isinstance(first, str):
            renamed[f"%{operation.name}"] = renamed.get(first, first)
            continue
        number = f"%{len(renamed)}"
        renamed[f"%{operation.name}"] = number
        if operation.op == "native_layer_norm":
            parts.append(f"{operation.op} {operation.arguments[4]}")
            continue
        given = [renamed.get(a, a) if isinstance(a, str) else a for a in operation.arguments]
        parts.append(f"{operation.op} {given}")
    return "; ".join([*parts, *(renamed[f"%{name}"] for name in trace.outputs)])


def program_of(traces: Sequence[Trace]) -> Program:
    """Return the program of a reference, along the last dimension or along another one.

    Args:
        traces: of every workload that it must serve.

    Raises:
        NoTemplate: it is no program on rows, or another one for another workload.
    """
    trace = common_trace(traces)
    try:
        return _program(trace, traces, 0)
    except NoTemplate as error:
        for after in range(1, max((len(o.shape or ()) for o in trace.operations), default=0)):
            with contextlib.suppress(NoTemplate):
                program = _program(trace, traces, after)
                if program.has_reduction:
                    return program
        raise error from None


def _program(trace: Trace, traces: Sequence[Trace], after: int) -> Program:
    lowered = Lowering(trace, after=after)
    outputs = []
    for at, name in enumerate(trace.outputs):
        dtypes = [_dtype_of(each, each.outputs[at]) for each in traces]
        leads = [_dtype_of_source(each, lowered.lead) for each in traces]
        outputs.append(lowered.output(name, "" if dtypes == leads else dtypes[0]))
        if dtypes != leads and len(set(dtypes)) > 1:
            raise NoTemplate("the output's dtype is that of no input")
    steps = alive(lowered.steps, [output.value for output in outputs])
    return Program(steps, tuple(outputs), lowered.lead, trace.is_single, after)


def alive(steps: Steps, roots: list[str]) -> tuple[Step, ...]:
    """Return, in order, the steps that `roots` take."""
    wanted = set(roots)
    for step in reversed(steps.all):
        if step.name in wanted:
            wanted |= set(step.names)
    return tuple(step for step in steps.all if step.name in wanted)


def _dtype_of(trace: Trace, name: str) -> str:
    return next(operation.dtype for operation in trace.operations if operation.name == name)


def _dtype_of_source(trace: Trace, source: str) -> str:
    return next(operation.dtype for operation in trace.operations if operation.op == source)


class Lowering:
    """One trace on its way to steps.

    Attributes:
        lead: the first input that fills rows and columns.
    """

    def __init__(
        self, trace: Trace, same: tuple[tuple[int, ...], ...] = (), lead: str = "", after: int = 0
    ) -> None:
        """Lower a whole trace.

        Args:
            trace: of one workload.
            same: shapes that stand for the same rows and columns, the flattest first; found by default.
            lead: the input that fills them; found by default.
            after: dimensions after the one that rows extend along.

        Raises:
            NoTemplate: it is no program on rows.
        """
        self.steps = Steps()
        self.shapes = {o.name: o.shape for o in trace.operations if o.shape is not None}
        self._values: dict[str, Operand | tuple[Operand, ...]] = {}
        self._finish: dict[str, str] = {}
        self.full = (
            same[0] if same else max((s for s in self.shapes.values() if s), key=math.prod, default=())
        )
        self.same = same or (self.full,)
        self.axis = len(self.full) - 1 - after
        if not self.full:
            raise NoTemplate("there is no tensor with a dimension")
        if after >= len(self.full):
            raise NoTemplate("the largest tensor has no such dimension")
        self.lead = lead or self._lead(trace)
        used = read_by_someone(trace)
        for operation in trace.operations:
            if operation.name in used:
                self._values[operation.name] = self._lower(operation)

    def _lead(self, trace: Trace) -> str:
        for operation in trace.operations:
            is_float = operation.dtype in FLOATS
            if operation.op.startswith("input.") and operation.shape == self.full and is_float:
                return operation.op
        raise NoTemplate("no floating input has the shape of the largest tensor")

    @property
    def cols(self) -> int:
        """Columns in this trace; not a number for the program."""
        return self.full[self.axis]

    @property
    def last(self) -> int:
        """The last dimension of the largest tensor."""
        return len(self.full) - 1

    def is_whole(self, argument: object) -> bool:
        """Say whether an operand has one element for each of rows and columns, or for each row."""
        value, count = self.operand(argument), math.prod(self.shapes[str(argument)[1:]])
        kind = self.steps[value].kind if isinstance(value, str) else Kind.SCALAR
        return {Kind.FULL: math.prod(self.full), Kind.ROW: self.rows}.get(kind) == count

    @property
    def rows(self) -> int:
        """Rows in this trace."""
        return math.prod(self._row_shapes[0])

    def output(self, name: str, dtype: str) -> Output:
        """Return what is known of an output."""
        value, shape = self._values[name], self.shapes.get(name)
        if not isinstance(value, str) or shape is None:
            raise NoTemplate("an output is no tensor that is computed")
        finish = self._finish.get(name, "")
        kind, type_ = self.steps[value].kind, self.steps[value].type
        if type_ != "float" or dtype not in {"", *FLOATS}:
            raise NoTemplate("an output is not of floating numbers")
        is_right = shape in self.same if kind is Kind.FULL else shape in self._row_shapes
        if kind not in {Kind.FULL, Kind.ROW} or not (is_right or finish):
            raise NoTemplate(
                f"an output of shape {list(shape)} is neither like the input nor one number a row"
            )
        return Output(value, kind is Kind.ROW and shape == self._row_shapes[1], dtype, finish)

    @property
    def _row_shapes(self) -> tuple[tuple[int, ...], ...]:
        before, after = self.full[: self.axis], self.full[self.axis + 1 :]
        return (*before, *after), (*before, 1, *after)

    def _kind_of(self, shape: tuple[int, ...]) -> Kind:
        """Return how a tensor that goes in extends over the largest shape."""
        padded = (1,) * (len(self.full) - len(shape)) + shape
        if shape in self.same:
            return Kind.FULL
        if math.prod(shape) == 1:
            return Kind.SCALAR
        is_col = len(padded) == len(self.full) and padded[self.axis] == math.prod(padded) == self.cols
        is_row = shape in self._row_shapes
        if is_col and is_row:
            raise NoTemplate("rows and columns are as many, so that what belongs to which can't be told")
        if is_col or is_row:
            return Kind.COL if is_col else Kind.ROW
        raise NoTemplate(f"a tensor of shape {list(shape)} is broadcast along other dimensions than rows are")

    def _lower(self, operation: Operation) -> Operand | tuple[Operand, ...]:
        if operation.op.startswith(("input.", "self.")):
            return self._load(operation)
        if operation.op == _GETITEM:
            return self._item(operation)
        if operation.op in VIEWS:
            return self._view(operation)
        if operation.op in REDUCING:
            return REDUCING[operation.op](self, operation)
        if operation.op in POINTWISE:
            made = POINTWISE[operation.op](
                self.steps, [self.operand(a) for a in operation.arguments], operation
            )
            self._check(made, operation)
            return made
        raise NoTemplate(f"operator {operation.op!r} is in no template")

    def _load(self, operation: Operation) -> str:
        type_ = {"int64": "int", "bool": "bool"}.get(operation.dtype, "float")
        if (type_ == "float" and operation.dtype not in FLOATS) or operation.shape is None:
            raise NoTemplate(f"no template takes {operation.dtype or 'such'} tensors")
        return self.steps.load(operation.op, self._kind_of(operation.shape), type_)

    def _item(self, operation: Operation) -> Operand:
        first, at = operation.arguments
        values = self._values[str(first)[1:]]
        if not isinstance(values, tuple) or not isinstance(at, int) or at >= len(values):
            raise NoTemplate("a second result of an operator is used")
        name = str(first)[1:]
        if name in self._finish and at == 0:
            self._finish[operation.name] = self._finish[name]
        return values[at]

    def _view(self, operation: Operation) -> Operand:
        name = str(operation.arguments[0])[1:]
        value = self._values[name]
        before, after = self.shapes[name], operation.shape or ()
        if isinstance(value, tuple) or name in self._finish:
            raise NoTemplate("several results are reshaped as one")
        if operation.dtype not in FLOATS and operation.op == "_to_copy":
            raise NoTemplate("numbers are converted to integers")
        is_last = self.axis == len(self.full) - 1
        is_same = math.prod(before) == math.prod(after) and (
            self._is_row(value) or before == after or (is_last and before[-1:] == after[-1:])
        )
        is_broadcast = operation.op == "expand" and (not self._is_row(value) or self._is_lined_up(before))
        if not is_same and not is_broadcast:
            raise NoTemplate("rows are reshaped")
        return value

    def _is_row(self, value: Operand) -> bool:
        return not isinstance(value, str) or self.steps[value].kind in {Kind.ROW, Kind.SCALAR}

    def operand(self, given: object) -> Operand:
        """Return a step's name or a number for an operator's argument; other arguments are no operands."""
        if isinstance(given, str) and given.startswith("%"):
            value = self._values[given[1:]]
            if isinstance(value, tuple) or given[1:] in self._finish:
                raise NoTemplate("something is computed of a sum of everything")
            return value
        if isinstance(given, bool | int | float):
            return float(given)
        return math.nan if given is None else float("-inf") if given == "-inf" else math.inf

    def _check(self, made: Operand, operation: Operation) -> None:
        """Refuse what broadcasts in another way than rows and columns do."""
        shape = operation.shape or ()
        kind = self.steps[made].kind if isinstance(made, str) else Kind.SCALAR
        is_last = self.axis == len(self.full) - 1
        is_alike = math.prod(shape) == math.prod(self.full) and shape[-1:] == self.full[-1:]
        right = {
            Kind.FULL: is_alike if is_last else shape == self.full,
            Kind.ROW: math.prod(shape) == self.rows,
            Kind.COL: math.prod(shape) == self.cols,
            Kind.SCALAR: math.prod(shape) == 1,
        }
        if kind is Kind.FULL:
            # A row's number must stand where torch lines it up: with 1 along the row, or nothing before it.
            names = [a[1:] for a in operation.arguments if isinstance(a, str) and a.startswith("%")]
            rows = [n for n in names if self._is_row(self.operand(f"%{n}")) and math.prod(self.shapes[n]) > 1]
            right[kind] &= all(self._is_lined_up(self.shapes[name]) for name in rows)
        if not right[kind]:
            raise NoTemplate(f"{operation.op!r} broadcasts in another way than by rows and columns")

    def _is_lined_up(self, shape: tuple[int, ...]) -> bool:
        if shape == self.full or math.prod(shape) == 1:
            return True
        if self.axis == len(self.full) - 1:
            return shape[-1:] == (1,)
        return (1,) * (len(self.full) - len(shape)) + shape == self._row_shapes[1]

    def along_row(self, operation: Operation, dims: object) -> str:
        """Return the operand of a reduction along the rows.

        Raises:
            NoTemplate: it is along another one.
        """
        name = str(operation.arguments[0])[1:]
        shape, value = self.shapes[name], self.operand(operation.arguments[0])
        axes = dims if isinstance(dims, list) else [dims]
        wanted = self.axis - len(self.full)
        is_along = [axis % len(shape) for axis in axes if isinstance(axis, int)] == [len(shape) + wanted]
        is_full = isinstance(value, str) and self.steps[value].kind is Kind.FULL
        if (
            not is_along
            or not is_full
            or not isinstance(value, str)
            or math.prod(shape) != math.prod(self.full)
        ):
            raise NoTemplate(f"{operation.op!r} is along other dimensions than {wanted}")
        return value

    def finish(self, operation: Operation, how: str) -> None:
        """Say that an operation's rows are added up, or averaged, in the end."""
        self._finish[operation.name] = how


def read_by_someone(trace: Trace) -> set[str]:
    """Return the names of the operations that the outputs take."""
    wanted = set(trace.outputs)
    for operation in reversed(trace.operations):
        if operation.name in wanted:
            wanted |= {a[1:] for a in _flat(list(operation.arguments)) if isinstance(a, str) and a[:1] == "%"}
    return wanted


def _flat(values: list[Given]) -> list[Given]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]
