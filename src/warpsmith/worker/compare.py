"""Decide whether outputs equal the reference's: structure, shapes, dtypes, devices, values.

Runs on the reference side only. Messages name the first mismatch precisely enough for
a person or a model to act on; they give away no more of the reference than one element.
"""

from __future__ import annotations

import cmath
import math
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import torch

from warpsmith.core.problem import Tolerance
from warpsmith.core.verdict import ErrorStats, Finding
from warpsmith.worker.budget import Exact, over_budget
from warpsmith.worker.scale import chunks, scale_of, wide
from warpsmith.worker.steps import MappingNode, OpaqueLeaf, ScalarLeaf, SequenceNode, TensorLeaf, Tree
from warpsmith.worker.trees import scalar

# How much farther from the exact result than the reference's worst element one may be: other rounding errors,
# as many of them.
MUCH_FARTHER = 2.0


def mismatch_of_trees(  # noqa: PLR0911 - one way of differing each
    got: Tree, expected: Tree, path: str = "output"
) -> Finding | None:
    """Return the first difference of structure, type, shape, dtype or device; None if they agree."""
    if isinstance(got, OpaqueLeaf):
        return _finding("structure", f"{path} is an object of class {got.type_name}", expected)
    if isinstance(expected, TensorLeaf):
        return _mismatch_of_leaves(got, expected, path)
    if type(got) is not type(expected):
        return _finding("structure", f"{path} is {kind_of(got)}", expected)
    if isinstance(expected, ScalarLeaf) and isinstance(got, ScalarLeaf):
        return _mismatch_of_scalars(got, expected, path)
    if isinstance(expected, SequenceNode) and isinstance(got, SequenceNode):
        if (got.kind, len(got.items)) != (expected.kind, len(expected.items)):
            return _finding("structure", f"{path} is {kind_of(got)}", expected)
        pairs = [
            (f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(got.items, expected.items, strict=True))
        ]
    elif isinstance(expected, MappingNode) and isinstance(got, MappingNode):
        if set(got.keys) != set(expected.keys):
            return _finding("structure", f"{path} has keys {sorted(got.keys)}", expected)
        # Order decides how data lie in the arena, and costs a candidate nothing.
        if got.keys != expected.keys:
            return Finding(
                check="structure",
                message=f"{path} has keys in order {list(got.keys)}, expected {list(expected.keys)}",
            )
        pairs = [
            (f"{path}[{key!r}]", a, b) for key, a, b in zip(got.keys, got.items, expected.items, strict=True)
        ]
    else:
        return None
    found = (mismatch_of_trees(a, b, where) for where, a, b in pairs)
    return next((finding for finding in found if finding), None)


def kind_of(tree: Tree) -> str:
    """Say in words what a tree is, e.g. `a tuple of 2` or `a float32 tensor [4, 8]`."""
    match tree:
        case TensorLeaf():
            return f"a {tree.type_name or tree.dtype + ' tensor'} {list(tree.shape)}"
        case SequenceNode():
            return f"a {tree.kind} of {len(tree.items)}"
        case MappingNode():
            return f"a dict with keys {sorted(tree.keys)}"
        case ScalarLeaf():
            return "None" if tree.kind == "none" else f"the {tree.kind} {scalar(tree)!r}"
    return f"an object of class {tree.type_name}"


def _finding(check: str, seen: str, expected: Tree) -> Finding:
    return Finding(check=check, message=f"{seen}, expected {kind_of(expected)}")


def _mismatch_of_leaves(got: Tree, expected: TensorLeaf, path: str) -> Finding | None:
    if not isinstance(got, TensorLeaf):
        return _finding("structure", f"{path} is {kind_of(got)}", expected)
    if got.type_name:
        return _finding("structure", f"{path} is a {got.type_name}, not a plain torch.Tensor", expected)
    for check, theirs, ours in (
        ("shape", list(got.shape), list(expected.shape)),
        ("dtype", got.dtype, expected.dtype),
        ("device", got.device_type, expected.device_type),
    ):
        if theirs != ours:
            return Finding(check=check, message=f"{path} has {check} {theirs}, expected {ours}")
    return None


def _mismatch_of_scalars(got: ScalarLeaf, expected: ScalarLeaf, path: str) -> Finding | None:
    ours, theirs = scalar(expected), scalar(got)
    if got.kind != expected.kind:
        return _finding("structure", f"{path} is {kind_of(got)}", expected)
    if (
        isinstance(ours, float)
        and isinstance(theirs, float)
        and not math.isfinite(theirs)
        and math.isfinite(ours)
    ):
        return Finding(check="nonfinite", message=f"{path} is {theirs!r}, expected {ours!r}")
    is_close = (
        isinstance(ours, float) and isinstance(theirs, float) and math.isclose(ours, theirs, rel_tol=1e-5)
    )
    if ours == theirs or is_close:
        return None
    return Finding(check="values", message=f"{path} is {theirs!r}, expected {ours!r}")


class Differences:
    """Running sums over chunks, tensors, seeds and workloads; yields `ErrorStats`."""

    def __init__(self) -> None:
        self.max_abs = 0.0
        self.max_rel = 0.0
        self.outside = 0
        self.elements = 0

    def go_back_to(self, earlier: Differences) -> None:
        """Forget what came after `earlier`, a copy of this."""
        vars(self).update(vars(earlier))

    def stats(self) -> ErrorStats:
        """Return what was seen so far."""
        share = self.outside / self.elements if self.elements else 0.0
        return ErrorStats(max_abs=self.max_abs, max_rel=self.max_rel, outside=share, elements=self.elements)


class _Rule(NamedTuple):
    """A tolerance and the scale of the output it is applied to."""

    tolerance: Tolerance
    scale: float

    @property
    def is_exact(self) -> bool:
        return not (self.tolerance.atol or self.tolerance.rtol)

    def words(self) -> str:
        atol, rtol = self.tolerance.atol, self.tolerance.rtol
        if self.is_exact:
            return "exact equality"
        part = f"{atol:g}" if self.tolerance.absolute else f"{atol:g} x {self.scale:.4g} (rms)"
        return f"|got-expected| <= {part} + {rtol:g} x |expected|"


class _First(msgspec.Struct, frozen=True):
    """The first element outside tolerance."""

    index: list[int]
    expected: object
    got: object


def mismatch_of_values(  # noqa: PLR0913 - the pair, the rule, and where to say it
    got: torch.Tensor,
    expected: torch.Tensor,
    tolerance: Tolerance,
    path: str,
    differences: Differences,
    *,
    exact: torch.Tensor | None = None,
) -> Finding | None:
    """Return what is wrong with `got`, of the same shape, dtype and device as `expected`.

    Non-finite elements are right only where the reference has the same infinity; a NaN is
    never right. Otherwise the rule is `Tolerance`'s. An element that is not close to `expected`
    may be close to `exact`: who is more precise than the reference is not wrong. Nor is who is far from
    `exact` in no more elements than the reference is, and not much farther: what cancels to almost nothing
    is rounding errors on both sides.
    """
    if not expected.numel():
        return None
    # NaN never equals, so this says nothing of outputs that hold one.
    if got.dtype == expected.dtype and torch.equal(got, expected):
        differences.elements += expected.numel()
        return None
    rule = _Rule(tolerance, _scale(expected, tolerance))
    mine = Differences()
    first: _First | None = None
    start = 0
    answers = chunks(expected if exact is None else exact)
    for ours, theirs, answer in zip(chunks(expected), chunks(got), answers, strict=True):
        bad_at = _compare_chunk(theirs, ours, rule, mine, answer)
        if bad_at is not None and first is None:
            first = _First(_place(start + bad_at, expected.shape), ours[bad_at].item(), theirs[bad_at].item())
        start += ours.numel()
    if first is not None and exact is not None and _is_no_worse(got, expected, exact, rule):
        first, mine.outside = None, 0
    _merge(mine, differences)
    return None if first is None else _explain(first, rule, path, mine)


def _is_no_worse(got: torch.Tensor, expected: torch.Tensor, exact: torch.Tensor, rule: _Rule) -> bool:
    """Say whether `got` is as near to `exact` as `expected`, by elements outside and by the farthest."""
    if rule.is_exact or not expected.is_floating_point():
        return False
    theirs, ours = _Distance(0, 0.0), _Distance(0, 0.0)
    for answer, given, own in zip(chunks(exact), chunks(got), chunks(expected), strict=True):
        is_bad = _outside(given, answer, rule) & _outside(given, own, rule)
        theirs = theirs.and_(is_bad, given, answer)
        ours = ours.and_(_outside(own, answer, rule), own, answer)
    return theirs.outside <= ours.outside and theirs.farthest <= MUCH_FARTHER * ours.farthest < math.inf


class _Distance(NamedTuple):
    """How far a tensor is from the exact one: elements outside the tolerance, and the largest error there."""

    outside: int
    farthest: float

    def and_(self, is_bad: torch.Tensor, given: torch.Tensor, answer: torch.Tensor) -> _Distance:
        """Return this with one more chunk; what is not finite is infinitely far."""
        errors = torch.where(is_bad, (wide(given) - wide(answer)).abs(), 0.0).nan_to_num(nan=math.inf)
        return _Distance(self.outside + int(is_bad.sum()), max(self.farthest, float(errors.max())))


def _scale(expected: torch.Tensor, tolerance: Tolerance) -> float:
    if tolerance.absolute:
        return 1.0
    return scale_of(expected) if tolerance.atol else 0.0


def _merge(mine: Differences, total: Differences) -> None:
    total.max_abs = max(total.max_abs, mine.max_abs)
    total.max_rel = max(total.max_rel, mine.max_rel)
    total.outside += mine.outside
    total.elements += mine.elements


def _compare_chunk(
    got: torch.Tensor, expected: torch.Tensor, rule: _Rule, seen: Differences, exact: torch.Tensor
) -> int | None:
    """Add one chunk to `seen`; return the index of its first bad element, None if there is none."""
    if _is_plainly_close(got, expected, rule, seen):
        return None
    ours, theirs = wide(expected), wide(got)
    finite = torch.isfinite(theirs) & torch.isfinite(ours)
    difference = torch.where(finite, (theirs - ours).abs(), 0.0)
    magnitude = torch.where(finite, ours.abs(), 0.0)
    bad = _outside(got, expected, rule)
    if exact is not expected and bool(bad.any()):
        bad &= _outside(got, exact, rule)
    seen.elements += expected.numel()
    seen.max_abs = _largest(seen.max_abs, difference)
    seen.max_rel = _largest(seen.max_rel, torch.where(magnitude > 0, difference / magnitude, 0.0))
    count = int(bad.sum())
    seen.outside += count
    return int(bad.int().argmax()) if count else None


def _is_plainly_close(got: torch.Tensor, expected: torch.Tensor, rule: _Rule, seen: Differences) -> bool:
    """Say whether a chunk is finite and close, which most are, in few passes; only then add it to `seen`."""
    if rule.is_exact or not expected.is_floating_point():
        return False
    magnitude = wide(expected)
    difference = (wide(got) - magnitude).abs_()
    largest = float(difference.max())
    if not math.isfinite(largest):
        return False
    magnitude = magnitude.abs_() if magnitude is not expected else magnitude.abs()
    allowed = magnitude * rule.tolerance.rtol + rule.tolerance.atol * rule.scale
    if bool((difference > allowed).any()):
        return False
    seen.elements += expected.numel()
    seen.max_abs = max(seen.max_abs, largest)
    seen.max_rel = _largest(seen.max_rel, torch.where(magnitude > 0, difference / magnitude, 0.0))
    return True


def _outside(got: torch.Tensor, answer: torch.Tensor, rule: _Rule) -> torch.Tensor:
    """Say of each element whether it is too far from `answer`."""
    if rule.is_exact:
        return got != answer  # not the wide ones: 64-bit integers lose digits there
    theirs, ours = wide(got), wide(answer)
    finite = torch.isfinite(theirs) & torch.isfinite(ours)
    allowed = rule.tolerance.atol * rule.scale + rule.tolerance.rtol * torch.where(finite, ours.abs(), 0.0)
    return ~torch.where(finite, (theirs - ours).abs() <= allowed, theirs == ours)


def _largest(so_far: float, errors: torch.Tensor) -> float:
    """Return the largest error; one beyond what a float holds counts as the largest float."""
    return min(max(so_far, float(errors.max())), sys.float_info.max)


def _explain(first: _First, rule: _Rule, path: str, seen: Differences) -> Finding:
    where = f"{path} at index {first.index}" if first.index else path
    is_nonfinite = isinstance(first.got, float | complex) and not cmath.isfinite(first.got)
    share = 100 * seen.outside / seen.elements
    return Finding(
        check="nonfinite" if is_nonfinite else "values",
        message=(
            f"{where}: expected {_number(first.expected)}, got {_number(first.got)}; "
            f"max abs error {seen.max_abs:.4g}, max rel error {seen.max_rel:.4g}; "
            f"{share:.4g} % of {seen.elements} elements outside tolerance ({rule.words()})"
        ),
    )


def _place(index: int, shape: Sequence[int]) -> list[int]:
    places: list[int] = []
    for size in reversed(shape):
        index, place = divmod(index, size)
        places.insert(0, place)
    return places


def _number(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def compare_all(  # noqa: PLR0913 - the pairs, the rules, and where to say it
    got: Sequence[torch.Tensor],
    expected: Sequence[torch.Tensor],
    paths: Sequence[str],
    tolerance_for: Callable[[str], Tolerance],
    differences: Differences,
    *,
    exact: Sequence[Exact | None] | None = None,
    is_strict: bool = False,
) -> Finding | None:
    """Compare tensor by tensor; return the first finding, after all have entered `differences`.

    Args:
        got: the candidate's.
        expected: the reference's, at the declared precision.
        paths: what to call them.
        tolerance_for: by dtype.
        differences: sums to add to.
        exact: the same in float64, where known.
        is_strict: also hold `got` to the error budget, where `exact` is known.
    """
    answers = exact or [None] * len(expected)
    findings = [
        mismatch_of_values(
            a,
            b,
            tolerance_for(str(b.dtype).removeprefix("torch.")),
            path,
            differences,
            exact=answer and answer.values,
        )
        for a, b, path, answer in zip(got, expected, paths, answers, strict=True)
    ]
    found = next((finding for finding in findings if finding), None)
    if found is not None or not is_strict:
        return found
    budgets = (
        over_budget(a, b, answer, path)
        for a, b, path, answer in zip(got, expected, paths, answers, strict=True)
        if answer is not None
    )
    return next((finding for finding in budgets if finding), None)
