"""Put the captures of several workloads into one candidate file, each with kernels of its own.

Text in, text out. What means the same in all captures stands once; other top-level names get
their capture's number as a suffix. A last class takes the first capture's weights and hands
a call to the kernels that were made for it.
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


class _Statement(NamedTuple):
    """A top-level statement: its text, what it binds, what it mentions."""

    text: str
    binds: frozenset[str]
    mentions: frozenset[str]


def bundle(parts: list[Part], *, title: str) -> str:
    """Return one candidate file for all `parts`; a single part is returned as it is."""
    if len(parts) == 1:
        return parts[0].source
    imports: dict[str, None] = {}
    bodies: list[list[_Statement]] = []
    for part in parts:
        body, imported = _split(part.source)
        imports |= dict.fromkeys(imported)
        bodies.append(body)
    shared = _shared(bodies)
    common = _joined([s for s in bodies[0] if s.binds and s.binds <= shared])
    sections, rows = [], []
    for number, (part, body) in enumerate(zip(parts, bodies, strict=True)):
        suffix = f"_{number}"
        own = [statement for statement in body if not (statement.binds and statement.binds <= shared)]
        names = frozenset().union(*(statement.binds for statement in own))
        text = _rename(_joined(own), names, suffix)
        sections.append(f"# Workload {part.workload!r}.\n{text}")
        rows.append(f"    ({part.arguments!r}, {CLASS}{suffix}, {_finder(names | shared, shared, suffix)}),")
    dispatch = DISPATCH.format(kinds="\n" + "\n".join(rows) + "\n", name=CLASS)
    return "\n".join([_header(parts, title), *imports, common, "", *sections, dispatch.lstrip("\n")])


def _joined(statements: list[_Statement]) -> str:
    text = ""
    for statement in statements:
        is_block = statement.text.lstrip().startswith(("def ", "class ", "@", "#"))
        text += ("\n\n" if is_block else "\n") + statement.text + "\n"
    return text


def _finder(defined: frozenset[str], shared: frozenset[str], suffix: str) -> str:
    """Return the text of a function that finds the weights a part uses in the module that owns them."""
    if "USED" not in defined:
        return "lambda owner: []"
    slots, used = (name if name in shared else name + suffix for name in ("_slots", "USED"))
    return f"lambda owner: [({slots}(owner, name), name.rpartition('.')[2]) for name in {used}]"


def _shared(bodies: list[list[_Statement]]) -> frozenset[str]:
    """Return the names that mean the same in every part, what they depend on included."""
    meanings = []
    for body in bodies:
        by_name: dict[str, str] = {}
        for statement in body:
            for name in statement.binds:
                by_name[name] = by_name.get(name, "") + statement.text
        meanings.append(by_name)
    own = {name for name in set().union(*meanings) if len({by_name.get(name) for by_name in meanings}) > 1}
    # The class is the part's identity, also where two parts happen to agree.
    own.add(CLASS)
    while True:
        more = {n for body in bodies for s in body if s.mentions & own for n in s.binds} - own
        if not more:
            return frozenset(set().union(*meanings) - own)
        own |= more


def _header(parts: list[Part], title: str) -> str:
    said = [f'"""{title}\n', f"Kernels for {len(parts)} workloads; each is described by its own capture:\n"]
    for part in parts:
        docstring = ast.get_docstring(ast.parse(part.source)) or ""
        lines = docstring.splitlines()[1:]
        said.append(f"== {part.workload} ==\n" + "\n".join(lines).strip("\n") + "\n")
    return "\n".join(said) + '"""\n'


def _split(source: str) -> tuple[list[_Statement], list[str]]:
    """Return the statements of a file, with the comments above them, and apart from them its imports."""
    lines = source.splitlines()
    statements: list[_Statement] = []
    imports: list[str] = []
    end = 0
    for index, node in enumerate(ast.parse(source).body):
        text = "\n".join(lines[end : node.end_lineno]).strip("\n")
        end = node.end_lineno or end
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(ast.unparse(node))
        elif not (index == 0 and isinstance(node, ast.Expr)):
            names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            statements.append(_Statement(text, _bound(node), names))
    return statements, imports


def _bound(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return frozenset({node.name})
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AugAssign)
        else []
    )
    return frozenset(n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))


def _rename(body: str, names: frozenset[str], suffix: str) -> str:
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
