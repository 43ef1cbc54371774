"""Find the constants of a candidate that may be tuned, and write its source with other values.

Knows Triton launches and configurations, C++ and CUDA in strings, and module-level constants, as text:
nothing is imported or run. Whether a setting is right or fast is for the verifier to say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from warpsmith.core.syntax import parse
from warpsmith.propose.positions import Lines, Span, edited, enclosing_function, local_value

# What tells how much work goes where; a constant with another kind of name is likely part of the answer.
_HINTS = re.compile(
    r"BLOCK|TILE|THREAD|WARP|STAGE|UNROLL|CHUNK|GROUP|DEPTH|VEC|SPLIT|GRAIN|PER_|EACH|STEP|LANES|PANEL|BATCH_OF"
)
_MEANING = re.compile(
    r"(^|_)(SEED|DIM|HEADS?|HIDDEN|VOCAB|VOCABULARY|CHANNELS|CLASSES|VERSION|GROUPS|EPS|IN|OUT|HAS|IS|USE)(_|$)"
)
_DEFINE = re.compile(
    rb"#\s*define[ \t]+([A-Z]\w*)[ \t]+(\d+)(?![\w.(])(?=\s*(?:$|\n|\\n|//|/\*|\"))", re.MULTILINE
)
_CONSTEXPR = re.compile(
    rb"\bconstexpr\s+(?:static\s+)?(?:unsigned\s+)?(?:int|long|u?int\d+_t|size_t)\s+([^;{}()]+);"
)
_DECLARED = re.compile(rb"(?:^|,)\s*(\w+)\s*=\s*(\d+)\s*(?=,|$)")
_C_CODE = re.compile(rb"#\s*(?:include|define)\b|\bconstexpr\b")

_WARPS = (1, 2, 4, 8, 16)
_STAGES = (1, 2, 3, 4, 5)
_LARGEST = 1 << 16
_LEAST_OF_DOT = 16
_WARP_SIZE, _MOST_THREADS = 32, 1024
_LAUNCH_OPTIONS = {"num_warps": "warps", "num_stages": "stages"}
_PER_AXIS = ("XBLOCK", "YBLOCK", "ZBLOCK")


class Tunable(NamedTuple):
    """A constant that may take other values.

    Attributes:
        label: its name, unique within the source: `BLOCK`, `num_warps`, and `BLOCK@2` for a second one.
        value: what the source has.
        domain: values to try, ascending, its own among them.
        spans: where it stands; all change together.
    """

    label: str
    value: int
    domain: tuple[int, ...]
    spans: tuple[Span, ...]


class _Found(NamedTuple):
    name: str
    value: int
    kind: str
    spans: tuple[Span, ...]


def find_tunables(source: str) -> tuple[Tunable, ...]:
    """Return the tunable constants of a source, in order of position; none where it is not Python."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    lines = Lines(source)
    found = [*_in_launches(tree, lines), *_in_configs(tree, lines), *_in_defaults(tree, lines)]
    found += [*_in_modules(tree, lines), *_in_c(tree, lines)]
    return _labelled(found, has_dot="tl.dot" in source)


def rewrite(source: str, tunables: tuple[Tunable, ...], setting: Mapping[str, int]) -> str:
    """Return `source` with the values of `setting`, by label; constants not named there stay."""
    changes = [
        (span, span.text(setting[tunable.label]))
        for tunable in tunables
        if setting.get(tunable.label, tunable.value) != tunable.value
        for span in tunable.spans
    ]
    return edited(source, changes)


def _labelled(found: list[_Found], *, has_dot: bool) -> tuple[Tunable, ...]:
    """Merge what shares a place, name everything once and give it a domain."""
    merged: dict[tuple[Span, ...], _Found] = {}
    for each in sorted(found, key=lambda one: one.spans):
        merged.setdefault(each.spans, each)
    count: dict[str, int] = {}
    tunables = []
    for each in merged.values():
        count[each.name] = count.get(each.name, 0) + 1
        label = each.name if count[each.name] == 1 else f"{each.name}@{count[each.name]}"
        domain = domain_of(each.value, each.kind, has_dot=has_dot)
        if len(domain) > 1:
            tunables.append(Tunable(label, each.value, domain, each.spans))
    return tuple(tunables)


def domain_of(value: int, kind: str, *, has_dot: bool = False) -> tuple[int, ...]:
    """Return values worth trying in place of `value`.

    Args:
        value: what the source has.
        kind: `warps`, `stages`, `block` of Triton (a power of two), `threads` of a CUDA block, `count`.
        has_dot: whether blocks may be operands of `tl.dot`, which takes none below 16.
    """
    if kind in {"warps", "stages"}:
        values = {v for v in (_WARPS if kind == "warps" else _STAGES) if value / 4 <= v <= value * 4}
    elif value & (value - 1) == 0:
        values = {v for e in range(-2, 3) if (v := int(value * 2.0**e)) >= 1}
    else:
        values = {value * 2, *([value // 2] if value % 2 == 0 else [])}
    if kind == "block" and has_dot and value >= _LEAST_OF_DOT:
        values = {v for v in values if v >= _LEAST_OF_DOT}
    if kind == "threads":
        values = {v for v in values if v % _WARP_SIZE == 0 and v <= _MOST_THREADS}
    return tuple(sorted({value, *(v for v in values if v <= _LARGEST)}))


def _is_tunable_name(name: str) -> bool:
    return bool(_HINTS.search(name.upper())) or not _MEANING.search(name.upper())


def _whole(node: ast.expr | None) -> int | None:
    if isinstance(node, ast.Constant) and type(node.value) is int and 1 <= node.value <= _LARGEST:
        return node.value
    return None


class _Launch(NamedTuple):
    """One `kernel[grid](...)`.

    Attributes:
        grid: the expression that `kernel` is subscripted with, a local name resolved.
        kernel: the function that is launched, where it stands in the same file.
    """

    call: ast.Call
    grid: ast.expr
    kernel: ast.FunctionDef | None
    lines: Lines

    @property
    def is_fixed(self) -> bool:
        """Whether the grid is a tuple of numbers."""
        return isinstance(self.grid, ast.Tuple) and all(isinstance(e, ast.Constant) for e in self.grid.elts)


def _in_launches(tree: ast.Module, lines: Lines) -> Iterator[_Found]:
    """Yield the constants that `kernel[grid](...)` passes by name."""
    kernels = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Subscript):
            function = enclosing_function(tree, call)
            kernel = kernels.get(call.func.value.id) if isinstance(call.func.value, ast.Name) else None
            launch = _Launch(call, local_value(function, call.func.slice), kernel, lines)
            yield from _in_launch(launch, function)


def _in_launch(launch: _Launch, function: ast.AST) -> Iterator[_Found]:
    blocks: dict[int, list[tuple[str, ast.expr]]] = {}
    for keyword in launch.call.keywords:
        name, node = keyword.arg, local_value(function, keyword.value)
        if name is None or (value := _whole(node)) is None:
            continue
        if name in _LAUNCH_OPTIONS:
            yield _Found(name, value, _LAUNCH_OPTIONS[name], (launch.lines.span(node),))
        elif _is_tunable_name(name) and name.isupper():
            blocks.setdefault(value, []).append((name, node))
    for value, named in blocks.items():
        yield from _blocks(value, named, launch)


def _blocks(value: int, named: list[tuple[str, ast.expr]], launch: _Launch) -> Iterator[_Found]:
    """Yield block sizes of one value, with what the grid repeats of it; all as one where it does."""
    lines = launch.lines
    repeated = tuple(_repeats(launch.grid, value, lines))
    if repeated:
        spans = tuple(sorted({*repeated, *(lines.span(node) for _, node in named)}))
        yield _Found("+".join(name for name, _ in named), value, "block", spans)
        return
    for name, node in named:
        if not launch.is_fixed or name.startswith("R"):  # R: of Inductor, along a reduction in the kernel
            yield _Found(name, value, "block", (lines.span(node),))
        elif name in _PER_AXIS and (counted := _counted(name, value, launch)) is not None:
            yield _Found(name, value, "block", tuple(sorted((lines.span(node), counted))))


def _repeats(grid: ast.expr, value: int, lines: Lines) -> Iterator[Span]:
    """Yield where a grid divides by `value`: `cdiv(n, 128)`, `n // 128`, `(n + 127) // 128`."""
    for node in ast.walk(grid):
        match node:
            case ast.Call(args=[_, ast.Constant(value=int(number)) as divisor]) if number == value:
                yield lines.span(divisor)
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=ast.Constant(value=int(number)) as divisor):
                if number != value:
                    continue
                yield lines.span(divisor)
                match left:
                    case ast.BinOp(right=ast.Constant(value=int(added)) as rest) if added == value - 1:
                        yield lines.span(rest)._replace(delta=-1)


def _counted(name: str, value: int, launch: _Launch) -> Span | None:
    """Return where a grid of numbers holds how many blocks cover an axis, e.g. XBLOCK over `xnumel`."""
    axis, arguments = _PER_AXIS.index(name), launch.call.args
    sizes = launch.grid.elts if isinstance(launch.grid, ast.Tuple) else []
    places = [arg.arg for arg in launch.kernel.args.args] if launch.kernel else []
    extent_name = f"{name[0].lower()}numel"
    if axis >= len(sizes) or extent_name not in places or places.index(extent_name) >= len(arguments):
        return None
    given, size = arguments[places.index(extent_name)], sizes[axis]
    match given, size:
        case ast.Constant(value=int(extent)), ast.Constant(value=int(number)) if number == -(
            -extent // value
        ):
            return launch.lines.span(size)._replace(extent=extent)
    return None


def _in_configs(tree: ast.Module, lines: Lines) -> Iterator[_Found]:
    """Yield the numbers of `triton.Config({"BLOCK": 128}, num_warps=4)`."""
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "Config"):
            continue
        for keyword in call.keywords:
            if keyword.arg in _LAUNCH_OPTIONS and (value := _whole(keyword.value)) is not None:
                spans = (lines.span(keyword.value),)
                yield _Found(f"config.{keyword.arg}", value, _LAUNCH_OPTIONS[keyword.arg], spans)
        if call.args and isinstance(call.args[0], ast.Dict):
            for key, node in zip(call.args[0].keys, call.args[0].values, strict=True):
                if isinstance(key, ast.Constant) and (value := _whole(node)) is not None:
                    yield _Found(f"config.{key.value!s}", value, "block", (lines.span(node),))


def _in_defaults(tree: ast.Module, lines: Lines) -> Iterator[_Found]:
    """Yield the defaults of a kernel's compile-time parameters: `BLOCK: tl.constexpr = 128`."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        given = function.args.args[len(function.args.args) - len(function.args.defaults) :]
        for parameter, node in zip(given, function.args.defaults, strict=True):
            note = ast.unparse(parameter.annotation) if parameter.annotation else ""
            value = _whole(node)
            if value is not None and note.endswith("constexpr") and _is_tunable_name(parameter.arg):
                yield _Found(parameter.arg, value, "block", (lines.span(node),))


def _in_modules(tree: ast.Module, lines: Lines) -> Iterator[_Found]:
    """Yield module-level constants in capitals: `BLOCK = 128`, `TILE, DEPTH = 64, 16`."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name() as target], value=node):
                pairs = [(target, node)]
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as node):
                pairs = [(target, node)]
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=nodes)):
                pairs = [(t, n) for t, n in zip(targets, nodes, strict=False) if isinstance(t, ast.Name)]
            case _:
                continue
        for target, node in pairs:
            # `BLOCK = tl.constexpr(128)` is how a kernel reads a module's constant.
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("constexpr") and node.args:
                node = node.args[0]  # noqa: PLW2901 - the number inside
            value = _whole(node)
            if value is not None and target.id.isupper() and _is_tunable_name(target.id):
                yield _Found(target.id, value, _kind_of_name(target.id), (lines.span(node),))


def _kind_of_name(name: str) -> str:
    upper = name.upper()
    if "WARPS" in upper:
        return "warps"
    if "STAGES" in upper:
        return "stages"
    return "threads" if "THREADS" in upper or upper in {"BLOCK_SIZE", "BLOCK_DIM"} else "count"


def _in_c(tree: ast.Module, lines: Lines) -> Iterator[_Found]:
    """Yield `#define NAME 128` and `constexpr int NAME = 128, ...;` in strings that hold C++ or CUDA."""
    for start, text in lines.strings(tree):
        if not _C_CODE.search(text):
            continue
        places = [(match.start(2), match[1], match[2]) for match in _DEFINE.finditer(text)]
        for group in _CONSTEXPR.finditer(text):
            inner = [(group.start(1) + m.start(2), m[1], m[2]) for m in _DECLARED.finditer(group[1])]
            places += inner
        for at, name_bytes, digits in places:
            name, value = name_bytes.decode(), int(digits)
            if 1 <= value <= _LARGEST and _is_tunable_name(name):
                span = Span(start + at, start + at + len(digits))
                yield _Found(name, value, _kind_of_name(name), (span,))
