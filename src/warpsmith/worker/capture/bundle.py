"""Put the captures of several workloads into one candidate file, each with kernels of its own.

Text in, text out. Each capture's top-level names get its number as a suffix; a last class
takes the first capture's weights and hands a call to the kernels that were made for it.
"""

from __future__ import annotations

import ast
import io
import tokenize
from typing import NamedTuple

CLASS = "ModelNew"


class Part(NamedTuple):
    """One capture as text.

    Attributes:
        workload: what it was captured for.
        source: a whole candidate file.
        arguments: `repr` of the constructor's arguments, which decide the shapes of weights.
    """

    workload: str
    source: str
    arguments: str


DISPATCH = '''
# The kernels of each workload, and the constructor arguments that they were generated for.
KINDS = ({kinds})


class _Weights:
    """Where one kind finds the weights that it uses, in the module that owns them."""

    def __init__(self, used):
        self._used = used


class _Dispatch:
    def _serve(self, kinds):
        self._kinds = [(kind, _Weights(used_by(self))) for kind, used_by in kinds]

    def forward(self, *inputs):
        for place, (kind, weights) in enumerate(self._kinds):
            try:
                result = kind.forward(weights, *inputs)
            except ValueError as error:
                refused = error  # each kind checks shapes before it touches memory
                continue
            if place:
                self._kinds.insert(0, self._kinds.pop(place))  # the next call is most likely like this one
            return result
        raise refused


def {name}(*args, **kwargs):
    """Return the module whose weights have the shapes that these constructor arguments give."""
    wanted = repr((list(args), kwargs))
    served = [row[1:] for row in KINDS if row[0] == wanted] or [row[1:] for row in KINDS]
    first = served[0][0]
    made = type("{name}", (_Dispatch, first), {{}})(*args, **kwargs)
    made._serve(served)
    return made
'''


def bundle(parts: list[Part], *, title: str) -> str:
    """Return one candidate file for all `parts`; a single part is returned as it is."""
    if len(parts) == 1:
        return parts[0].source
    imports: dict[str, None] = {}
    sections: list[str] = []
    rows: list[str] = []
    for number, part in enumerate(parts):
        suffix = f"_{number}"
        body, imported = _split(part.source)
        imports |= dict.fromkeys(imported)
        names = _top_level_names(body)
        sections.append(f"# Workload {part.workload!r}.\n\n{_rename(body, names, suffix)}")
        used = f"lambda owner: [(_slots{suffix}(owner, name), name.rpartition('.')[2]) for name in USED{suffix}]"
        rows.append(f"    ({part.arguments!r}, {CLASS}{suffix}, {used}),")
    kinds = "\n" + "\n".join(rows) + "\n"
    dispatch = DISPATCH.format(kinds=kinds, name=CLASS)
    return "\n".join([_header(parts, title), *imports, "", *sections, dispatch.lstrip("\n")])


def _header(parts: list[Part], title: str) -> str:
    said = [f'"""{title}\n', f"Kernels for {len(parts)} workloads; each is described by its own capture:\n"]
    for part in parts:
        docstring = ast.get_docstring(ast.parse(part.source)) or ""
        lines = docstring.splitlines()[1:]
        said.append(f"== {part.workload} ==\n" + "\n".join(lines).strip("\n") + "\n")
    return "\n".join(said) + '"""\n'


def _split(source: str) -> tuple[str, list[str]]:
    """Return the text of a file without its docstring and imports, and the imports."""
    lines = source.splitlines()
    imports: list[str] = []
    for index, node in enumerate(ast.parse(source).body):
        is_docstring = index == 0 and isinstance(node, ast.Expr)
        if not (is_docstring or isinstance(node, ast.Import | ast.ImportFrom)):
            continue
        if not is_docstring:
            imports.append(ast.unparse(node))
        for line in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[line] = ""
    return "\n".join(lines).strip("\n") + "\n", imports


def _top_level_names(body: str) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(body).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return names


def _rename(body: str, names: set[str], suffix: str) -> str:
    """Add `suffix` to every use of `names` that is not an attribute; all else stays as it is."""
    edits: dict[int, list[tuple[int, str]]] = {}
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(body).readline):
        if token.type == tokenize.NAME and token.string in names and before != ".":
            edits.setdefault(token.start[0], []).append((token.end[1], suffix))
        if token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT}:
            before = token.string
    lines = body.splitlines()
    for number, places in edits.items():
        line = lines[number - 1]
        for column, text in sorted(places, reverse=True):
            line = line[:column] + text + line[column:]
        lines[number - 1] = line
    return "\n".join(lines) + "\n"
