"""What a fused kernel computes, as steps on rows: loads, arithmetic on numbers, reductions along a row.

A step's operands are names of earlier steps or numbers. Knows no operator of torch and no language.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

Operand: TypeAlias = str | float
REDUCTIONS = {"row_sum", "row_max", "row_min"}
TRUTH = {"lt", "le", "gt", "ge", "eq", "ne", "not", "and", "or"}


class NoTemplate(Exception):
    """No template computes this; the message says why, as the end of a sentence."""


class Kind(StrEnum):
    """How a value extends over the rows and columns that a kernel goes through."""

    FULL = "full"  # [rows, cols]
    ROW = "row"  # [rows, 1]
    COL = "col"  # [1, cols]
    SCALAR = "scalar"


class Step(NamedTuple):
    """One value.

    Attributes:
        op: `load`, `column` (its own index in the row), a reduction, or arithmetic.
        level: how many reductions, one after the other, it takes to know it.
        type: `float`, `int` (64 bits) or `bool`.
        source: of a load, where the tensor comes from: `input.0`, `self.norm.weight`.
    """

    name: str
    op: str
    operands: tuple[Operand, ...]
    kind: Kind
    level: int
    type: str = "float"
    source: str = ""

    @property
    def names(self) -> list[str]:
        """Names of the steps that it needs."""
        return [operand for operand in self.operands if isinstance(operand, str)]


class Steps:
    """Steps under construction, and the arithmetic that composes them."""

    def __init__(self) -> None:
        self.all: list[Step] = []
        self._by_name: dict[str, Step] = {}

    def __getitem__(self, name: str) -> Step:
        return self._by_name[name]

    def _add(self, step: Step) -> str:
        self.all.append(step)
        self._by_name[step.name] = step
        return step.name

    def load(self, source: str, kind: Kind, type_: str) -> str:
        """Add the tensor at `source`."""
        return self._add(Step(f"v{len(self.all)}", "load", (), kind, 0, type_, source))

    def column(self) -> str:
        """Add the index of a column."""
        return self._add(Step(f"v{len(self.all)}", "column", (), Kind.COL, 0, "int"))

    def cols(self) -> str:
        """Add how many columns there are, a number known only when the kernel runs."""
        return self._add(Step(f"v{len(self.all)}", "cols", (), Kind.SCALAR, 0))

    def reduce(self, op: str, operand: Operand) -> str:
        """Add a reduction along the row."""
        if not isinstance(operand, str) or self[operand].kind not in {Kind.FULL, Kind.COL}:
            raise NoTemplate("something is reduced that does not extend along a row")
        return self._add(Step(f"v{len(self.all)}", op, (operand,), Kind.ROW, self[operand].level + 1))

    def do(self, op: str, *operands: Operand) -> str:
        """Add arithmetic."""
        given = [self[operand] for operand in operands if isinstance(operand, str)]
        kinds = {step.kind for step in given}
        kind = next((kind for kind in (Kind.FULL, Kind.ROW, Kind.COL) if kind in kinds), Kind.SCALAR)
        if {Kind.ROW, Kind.COL} <= kinds:
            kind = Kind.FULL
        level = max((step.level for step in given), default=0)
        type_ = "bool" if op in TRUTH else "float"
        return self._add(Step(f"v{len(self.all)}", op, operands, kind, level, type_))

    def sum(self, operand: Operand) -> str:
        """Add a sum along the row."""
        return self.reduce("row_sum", operand)

    def mean(self, operand: Operand) -> str:
        """Add a mean along the row."""
        return self.do("div", self.sum(operand), self.cols())

    def sigmoid(self, x: Operand) -> str:
        """Add 1 / (1 + exp(-x))."""
        return self.do("div", 1.0, self.do("add", 1.0, self.do("exp", self.do("neg", x))))

    def softplus(self, x: Operand) -> str:
        """Add log(1 + exp(x)), by the form that neither overflows nor cancels."""
        tail = self.do("log", self.do("add", 1.0, self.do("exp", self.do("neg", self.do("abs", x)))))
        return self.do("add", self.do("max", x, 0.0), tail)

    def variance(self, x: Operand, correction: float) -> tuple[str, str]:
        """Add the variance and the mean along the row, in two passes."""
        mean = self.mean(x)
        away = self.do("sub", x, mean)
        count = self.do("sub", self.cols(), correction) if correction else self.cols()
        return self.do("div", self.sum(self.do("mul", away, away)), count), mean


class Output(NamedTuple):
    """One thing that is returned.

    Attributes:
        value: the step.
        keeps_last: of a ROW value, whether a last dimension of 1 is kept.
        dtype: of the result; empty for that of the first input that fills rows and columns.
        finish: what is done with the rows' values afterwards: `sum`, `mean` or nothing.
    """

    value: str
    keeps_last: bool
    dtype: str
    finish: str


class Program(NamedTuple):
    """A whole kernel.

    Attributes:
        lead: the input that rows and columns are counted by.
        after: dimensions of it after the one that a row extends along: 0 where rows are contiguous.
    """

    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    lead: str
    is_single: bool
    after: int = 0

    @property
    def loads(self) -> tuple[Step, ...]:
        """The tensors that it reads."""
        return tuple(step for step in self.steps if step.op == "load")

    @property
    def has_reduction(self) -> bool:
        """Whether anything is reduced along rows."""
        return any(step.op in REDUCTIONS for step in self.steps)

    @property
    def is_flat(self) -> bool:
        """Whether where a row ends does not matter."""
        steps = [step for step in self.steps if step.op in {"load", "column"}]
        return not self.has_reduction and {step.kind for step in steps} <= {Kind.FULL, Kind.SCALAR}

    @property
    def last_level(self) -> int:
        """The level of the outputs that come last."""
        return max(step.level for step in self.steps)

    def shape_of(self, output: Output, lead: str) -> str:
        """Return the expression for an output's shape, `lead` being that for the leading input."""
        if self.step(output.value).kind is Kind.FULL:
            return f"{lead}.shape"
        kept = "1, " if output.keeps_last else ""
        axis = -1 - self.after
        rest = f", *{lead}.shape[{axis + 1}:]" if self.after else ""
        return f"(*{lead}.shape[:{axis}], {kept}{rest.removeprefix(', ')})"

    def step(self, name: str) -> Step:
        """Return the step called `name`."""
        return next(step for step in self.steps if step.name == name)

    def needed(self, roots: list[str]) -> list[Step]:
        """Return, in order, the steps along columns that `roots` take; what is per row is known already."""
        wanted = set(roots)
        for step in reversed(self.steps):
            if step.name in wanted and step.kind in {Kind.FULL, Kind.COL}:
                wanted |= set(step.names)
        return [s for s in self.steps if s.name in wanted and s.kind in {Kind.FULL, Kind.COL}]

    def reductions(self, level: int) -> list[Step]:
        """Return the reductions of values of `level`."""
        return [step for step in self.steps if step.op in REDUCTIONS and step.level == level + 1]

    def per_row(self, level: int) -> list[Step]:
        """Return the arithmetic and loads of `level` that happen once a row or once at all."""
        once = {Kind.ROW, Kind.SCALAR}
        return [s for s in self.steps if s.kind in once and s.level == level and s.op not in REDUCTIONS]
