"""Small edits of a candidate's text that keep it valid Python: what a tuner can't express as a number.

Knows Triton launches and loads, and C++ and CUDA in strings. Whether an edit is right or fast is for the
verifier to say; none makes arithmetic less precise.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from warpsmith.core.syntax import parse
from warpsmith.propose.positions import Lines, Span, edited
from warpsmith.propose.tunables import find_tunables, rewrite

_POLICIES = ("evict_first", "evict_last")
_WARPS = (2, 8)
_LAUNCH_BOUNDS = (256, 512, 1024)
_UNROLLED = (2, 4, 8)
_SCHEDULES = ("schedule(static)", "schedule(dynamic)", "schedule(dynamic, 16)", "schedule(guided)")
_FLAGS = ("-funroll-loops", "-fno-math-errno", "-fno-trapping-math", "-mprefer-vector-width=512")

_LOOP = re.compile(rb"^([ \t]*)for \(", re.MULTILINE)
_PRAGMA_BEFORE = re.compile(rb"#pragma[^\n]*\n\Z")
_UNROLL = re.compile(rb"^[ \t]*#pragma (?:GCC )?unroll[^\n]*\n", re.MULTILINE)
_POINTER = re.compile(rb"(const [\w:]+\s*\*)(\s*)(?!__restrict)(\w+)(?=\s*[,)])")
_GLOBAL = re.compile(rb"(__global__\s+(?:static\s+)?void\s+)(?!__launch_bounds__)(?=\w+\s*\()")
_BOUNDS = re.compile(rb"__launch_bounds__\(\d+(?:,\s*\d+)?\)\s*")
_PARALLEL = re.compile(rb"#pragma omp (?:parallel )?for[^\n]*")
_SCHEDULE = re.compile(rb" ?schedule\([^)]*\)")
_C_CODE = re.compile(rb"#\s*include\b|\b__global__\b|extern \"C\"")


class Edit(NamedTuple):
    """One edit.

    Attributes:
        name: what it does, for people; unique within its source.
        source: the whole text after it.
    """

    name: str
    source: str


def edits_of(source: str) -> list[Edit]:
    """Return every edit of `source`, each alone, by kind and place; none where it is not Python."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    lines = Lines(source)
    found = dict[str, Edit]()
    for edit in (*_constants(source), *_python(source, tree, lines), *_c(source, tree, lines)):
        if edit.source != source and _is_python(edit.source):
            found.setdefault(edit.name, edit)
    return list(found.values())


def _is_python(text: str) -> bool:
    try:
        parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _constants(source: str) -> Iterator[Edit]:
    """Yield each tunable constant's next smaller and next larger value."""
    tunables = find_tunables(source)
    for tunable in tunables:
        at = tunable.domain.index(tunable.value)
        for value in (*tunable.domain[max(0, at - 1) : at], *tunable.domain[at + 1 : at + 2]):
            yield Edit(f"{tunable.label}={value}", rewrite(source, tunables, {tunable.label: value}))


def _python(source: str, tree: ast.Module, lines: Lines) -> Iterator[Edit]:
    counts = {"load": 0, "launch": 0, "contiguous": 0, "flags": 0}
    for node in ast.walk(tree):
        if isinstance(node, ast.List):
            flags = [element for element in node.elts if isinstance(element, ast.Constant)]
            texts = [flag.value for flag in flags]
            if "-O3" in texts and "__global__" not in source:
                counts["flags"] += 1
                yield from _flags(source, flags[texts.index("-O3")], texts, counts["flags"], lines)
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name == "tl.load":
            counts["load"] += 1
            yield from _policies(source, node, counts["load"], lines)
        elif isinstance(node.func, ast.Subscript):
            counts["launch"] += 1
            yield from _warps(source, node, counts["launch"], lines)
        elif name.endswith(".contiguous") and isinstance(node.func, ast.Attribute) and not node.args:
            counts["contiguous"] += 1
            end = lines.span(node.func.value).end
            without = edited(source, [(Span(end, lines.span(node).end), "")])
            yield Edit(f"contiguous {counts['contiguous']} removed", without)


def _policies(source: str, call: ast.Call, number: int, lines: Lines) -> Iterator[Edit]:
    given = next((keyword for keyword in call.keywords if keyword.arg == "eviction_policy"), None)
    for policy in _POLICIES:
        if given is None:
            change = (_before_end(call, lines), f', eviction_policy="{policy}"')
        else:
            change = (lines.span(given.value), repr(policy))
        yield Edit(f"load {number}: {policy}", edited(source, [change]))
    if given is not None:
        yield Edit(f"load {number}: no policy", edited(source, [(lines.span(given.value), repr(""))]))


def _warps(source: str, call: ast.Call, number: int, lines: Lines) -> Iterator[Edit]:
    """Yield a number of warps where a launch names none; one that is named is a constant to tune."""
    names = {keyword.arg for keyword in call.keywords}
    if "num_warps" in names or None in names or not (call.args or call.keywords):
        return
    for warps in _WARPS:
        change = (_before_end(call, lines), f", num_warps={warps}")
        yield Edit(f"launch {number}: num_warps={warps}", edited(source, [change]))


def _before_end(call: ast.Call, lines: Lines) -> Span:
    """Return the place after the last argument of a call that has one."""
    last: list[ast.expr] = [*call.args, *(keyword.value for keyword in call.keywords)]
    end = max(lines.span(argument).end for argument in last)
    # A last argument in parentheses of its own ends before they do.
    text = lines.data[end : lines.span(call).end - 1]
    end += len(text) - len(text.lstrip(b") \t"))
    return Span(end, end)


def _flags(
    source: str, place: ast.expr, texts: Sequence[object], number: int, lines: Lines
) -> Iterator[Edit]:
    end = lines.span(place).end
    for flag in _FLAGS:
        if flag not in texts:
            yield Edit(f"flags {number}: {flag}", edited(source, [(Span(end, end), f', "{flag}"')]))
    yield Edit(f"flags {number}: -O2", edited(source, [(lines.span(place), '"-O2"')]))


def _c(source: str, tree: ast.Module, lines: Lines) -> Iterator[Edit]:
    for number, (start, text) in enumerate(lines.strings(tree), start=1):
        if not _C_CODE.search(text) or b"\n" not in text:
            continue
        for name, new in (*_loops(text), *_pragmas(text), *_qualifiers(text)):
            where = Span(start, start + len(text))
            yield Edit(f"{name} in text {number}", edited(source, [(where, new.decode())]))


def _loops(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield loops unrolled, one at a time, and any unrolling taken away again."""
    pragma = b"#pragma unroll" if b"__global__" in text else b"#pragma GCC unroll"
    for number, loop in enumerate(_LOOP.finditer(text), start=1):
        if _PRAGMA_BEFORE.search(text[: loop.start()]):
            continue
        for times in _UNROLLED:
            line = loop[1] + pragma + f" {times}\n".encode()
            yield f"loop {number} unrolled {times} times", text[: loop.start()] + line + text[loop.start() :]
    for number, found in enumerate(_UNROLL.finditer(text), start=1):
        yield f"unrolling {number} removed", text[: found.start()] + text[found.end() :]


def _pragmas(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield other schedules of OpenMP's loops."""
    for number, found in enumerate(_PARALLEL.finditer(text), start=1):
        bare = _SCHEDULE.sub(b"", found[0]).rstrip()
        for schedule in _SCHEDULES:
            new = bare + b" " + schedule.encode()
            yield f"loop {number}: {schedule}", text[: found.start()] + new + text[found.end() :]


def _qualifiers(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield promises to the compiler: pointers that don't overlap, the most threads of a block."""
    if _POINTER.search(text):
        yield "restrict", _POINTER.sub(rb"\1 __restrict__ \3", text)
    for threads in _LAUNCH_BOUNDS:
        bounds = f"__launch_bounds__({threads}) ".encode()
        if _BOUNDS.search(text):
            yield f"launch bounds {threads}", _BOUNDS.sub(bounds, text)
        elif _GLOBAL.search(text):
            yield f"launch bounds {threads}", _GLOBAL.sub(rb"\1" + bounds, text)
    if _BOUNDS.search(text):
        yield "no launch bounds", _BOUNDS.sub(b"", text)
