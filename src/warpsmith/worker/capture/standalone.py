"""Write a capture as the text of a candidate file: header, kernels, the graph's `run`, and `ModelNew`.

Text in, text out: needs no device, no compiler and no cache, and the file it writes needs nothing of
Warpsmith.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping

from warpsmith.worker.capture.captured import Captured, ContainerInput, NotStandalone, PlainInput, TensorInput
from warpsmith.worker.capture.cpp import IMPORTS as CPP_IMPORTS
from warpsmith.worker.capture.cpp import cpp_section
from warpsmith.worker.capture.module import Names, constants, guards, model_class, passed
from warpsmith.worker.capture.source import Generated, Renaming, names_read, parse
from warpsmith.worker.capture.triton_source import USE_SCRATCH, TritonSection, launched

LINE_LENGTH = 110
# ast.unparse drops the brackets of a tuple in a subscript: `kernel[64,](...)`.
GRID = re.compile(r"^(\s*\w+)\[([\d, ]+)\]\(", re.MULTILINE)
BUILTINS = {"int", "float", "bool", "range", "len", "max", "min", "tuple", "list", "None", "True", "False"}


def standalone(captured: Captured, *, title: str) -> str:
    """Return the source of a candidate that runs `captured` without Inductor.

    Args:
        captured: what `capture` found.
        title: first line of the file's docstring.

    Raises:
        NotStandalone: the generated code needs something that has no standalone form.
    """
    generated = parse(captured.generated)
    used = [kernel for name, kernel in generated.kernels.items() if name in set(names_read(generated.body))]
    cpp = [kernel for kernel in used if kernel.language == "cpp_pybinding"]
    triton = TritonSection([kernel for kernel in used if kernel.language == "triton"])
    calls = _Calls(captured, {kernel.name: kernel.language for kernel in used})
    body = [calls.visit(statement) for statement in generated.body]
    imports, definitions = _surroundings(generated, captured, body)
    taken = {*names_read([*body, *generated.results]), *_bound(body), *generated.kernels, *definitions}
    names = Names(captured, taken)
    if len(generated.arguments) != len(captured.arguments):
        raise NotStandalone("the generated call takes other arguments than the graph")
    argument_names = [names.of(source) for source in captured.arguments]
    parameters = [names.of(source) for source in passed(captured)]
    if triton.needs_scratch:
        body.insert(0, ast.parse(USE_SCRATCH).body[0])
    sections = [
        _header(captured, generated, title=title),
        _imports(imports, triton, has_triton=len(cpp) < len(used), has_cpp=bool(cpp)),
        "\n".join(definitions.values()),
        _wrapped(triton.text()) if len(cpp) < len(used) else "",
        cpp_section(cpp, captured.toolchain) if cpp and captured.toolchain else "",
        constants(captured),
        _wrapped(_run(generated, body, argument_names, parameters)),
        guards(captured, aligned=triton.needs_scratch),
        _wrapped(model_class(captured, names)),
    ]
    return "\n\n".join(section.strip("\n") + "\n" for section in sections if section.strip())


class _Calls(ast.NodeTransformer):
    """Replace Inductor's ways of calling kernels and libraries by the file's own."""

    def __init__(self, captured: Captured, languages: Mapping[str, str]) -> None:
        self._captured = captured
        self._languages = languages

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        self.generic_visit(node)
        call = node.value
        if not isinstance(call, ast.Call):
            return node
        name = ast.unparse(call.func).removesuffix(".run")
        if self._languages.get(name) == "triton":
            return launched(name, self._captured.launches[name], call.args)
        if self._languages.get(name) == "cpp_pybinding":
            run = ast.Name(id="_run", ctx=ast.Load())
            return ast.Expr(value=ast.Call(func=run, args=[call.func, *call.args], keywords=[]))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if ast.unparse(node.value) == "extern_kernels":
            return ast.parse(self._captured.externs[node.attr].expression, mode="eval").body
        return node


def _bound(body: list[ast.stmt]) -> set[str]:
    parts = [part for statement in body for part in ast.walk(statement)]
    return {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _surroundings(
    generated: Generated, captured: Captured, body: list[ast.stmt]
) -> tuple[list[str], dict[str, str]]:
    """Find what the body needs of the generated module: import lines, and definitions by name."""
    ready = {*generated.arguments, *generated.kernels, *BUILTINS, *_bound(body), "_run", "torch"}
    ready |= {constant.name for constant in captured.constants}
    read = names_read([*body, *generated.results])
    helpers = {e.expression: e.definition for e in captured.externs.values() if e.definition}
    found = {name: definition for name, definition in helpers.items() if name in read}
    imports: list[str] = []
    open_names = [name for name in read if name not in ready and name not in found]
    for name in open_names:
        statement = generated.definitions.get(name)
        if statement is None:
            raise NotStandalone(f"the generated code uses {name!r}, which is defined nowhere")
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports.append(ast.unparse(statement))
        else:
            found[name] = ast.unparse(statement)
            inner = names_read([statement])
            open_names += [other for other in inner if other not in {*ready, *found, *open_names}]
    order = [*helpers, *generated.definitions]  # what a definition needs stands before it
    return imports, {name: found[name] for name in order if name in found}


def _imports(wanted: list[str], triton: TritonSection, *, has_triton: bool, has_cpp: bool) -> str:
    lines = [f"import {name}" for name in CPP_IMPORTS] if has_cpp else []
    lines += ["from pathlib import Path", ""] if has_cpp else []
    others = {"from torch import nn", *wanted} | set(triton.imports() if has_triton else ())
    plain = sorted(line for line in others if line.startswith("import "))
    return "\n".join([*lines, *dict.fromkeys(["import torch", *plain]), *sorted(others.difference(plain))])


def _run(generated: Generated, body: list[ast.stmt], names: list[str], parameters: list[str]) -> str:
    """Return the function that computes the graph."""
    renaming = Renaming(dict(zip(generated.arguments, names, strict=True)))
    statements = _without_handover([*body, *_returned(generated)], {})
    statements = [renaming.visit(statement) for statement in statements]
    statements = [kept for statement in statements for kept in _without_needless_del(statement, set(names))]
    text = "\n".join(ast.unparse(ast.fix_missing_locations(statement)) for statement in statements)
    doc = '"""Compute the graph; the arguments are the weights and inputs it reads or writes."""'
    inside = textwrap.indent(doc + "\n" + GRID.sub(r"\1[(\2)](", text), "    ")
    return f"def run({', '.join(parameters)}):\n{inside}\n"


def _without_handover(statements: list[ast.stmt], reused: dict[str, str]) -> list[ast.stmt]:
    """Keep one name for a buffer that is handed over (`buf2 = buf1; del buf1`).

    Args:
        statements: in order of execution; every name is bound once.
        reused: earlier name by later name; grows.
    """
    kept: list[ast.stmt] = []
    after = [*map(ast.unparse, statements[1:]), ""]
    dropped = ""
    for original, follower in zip(statements, after, strict=True):
        if isinstance(original, ast.With):
            original.body = _without_handover(original.body, reused)
            kept.append(original)
            continue
        text = ast.unparse(original)
        later, equals, earlier = text.partition(" = ")
        if equals and earlier.isidentifier() and follower == f"del {earlier}":
            reused[later] = reused.get(earlier, earlier)
            dropped = follower
        elif text != dropped:
            kept.append(Renaming(reused).visit(original))
    return kept


def _returned(generated: Generated) -> list[ast.stmt]:
    return [ast.Return(value=ast.Tuple(elts=generated.results, ctx=ast.Load()))]


def _without_needless_del(statement: ast.stmt, arguments: set[str]) -> list[ast.stmt]:
    """Drop `del` of an argument: the caller holds it anyway."""
    if isinstance(statement, ast.With):
        statement.body = [kept for part in statement.body for kept in _without_needless_del(part, arguments)]
    if isinstance(statement, ast.Delete):
        statement.targets = [target for target in statement.targets if ast.unparse(target) not in arguments]
        return [statement] if statement.targets else []
    return [statement]


def _header(captured: Captured, generated: Generated, *, title: str) -> str:
    """Return the module docstring."""
    lines = [" ".join(title.split()), ""]
    made_by = f"torch.compile (Inductor, torch {captured.torch_version})"
    lines += [f"Written out from what {made_by} generated; stands alone.", ""]
    lines += [_summary(captured, generated), ""]
    lines += [f"    {line}" for line in _inputs(captured)]
    lines += ["", "Anything else is refused. For inference: no gradients."]
    if captured.weights:
        lines += ["", "Load the weights by name:", "", "    ModelNew().load_state_dict(model.state_dict())"]
    unloaded = [w.name for w in captured.weights if not (w.persistent or w.same_as or w.values)]
    if unloaded:
        lines += ["", f"and copy the buffers that no state dict has: {', '.join(unloaded)}."]
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n"""'


def _summary(captured: Captured, generated: Generated) -> str:
    languages = [kernel.language for kernel in generated.kernels.values()]
    triton, cpp = languages.count("triton"), languages.count("cpp_pybinding")
    parts = [f"{triton} Triton kernel{'s' * (triton > 1)}"] if triton else []
    if cpp:
        threads = f"{captured.threads} thread{'s' * (captured.threads > 1)}"
        parts.append(f"{cpp} C++ kernel{'s' * (cpp > 1)} on {threads}")
    libraries = sorted({extern.expression for extern in captured.externs.values()})
    parts += [f"library calls ({', '.join(libraries)})"] if libraries else []
    made_of = " and ".join(parts) if triton or cpp else "library calls alone, without a kernel of its own"
    return f"Made of {made_of}, for exactly these inputs on {captured.device}:"


def _inputs(captured: Captured) -> list[str]:
    lines = []
    for entry in captured.inputs:
        position, *inside = entry.path
        place = captured.parameters[int(position)] + "".join(f"[{key!r}]" for key in inside)
        if isinstance(entry, TensorInput):
            layout = entry.layout
            lines.append(f"{place}: {layout.dtype} {list(layout.shape)}, stride {list(layout.stride)}")
        elif isinstance(entry, PlainInput):
            lines.append(f"{place}: {entry.text}")
        elif isinstance(entry, ContainerInput):
            lines.append(f"{place}: {entry.length} items")
    return lines


def _wrapped(text: str) -> str:
    return "\n".join(map(_broken, text.splitlines()))


def _broken(line: str) -> str:
    """Break a long call or definition inside its brackets, if it means the same afterwards."""
    if len(line) <= LINE_LENGTH or "(" not in line or not line.rstrip().endswith((")", "):")):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    end = line.rindex(")")
    start, depth = end, 1
    while depth and start:
        start -= 1
        depth += {")": 1, "(": -1}.get(line[start], 0)
    head, inside, tail = line[:start], line[start + 1 : end], line[end + 1 :]
    width = LINE_LENGTH - len(indent) - 4
    broken = textwrap.wrap(inside, width, break_long_words=False, break_on_hyphens=False)
    text = "\n".join([f"{head}(", *(f"{indent}    {part}" for part in broken), f"{indent}){tail}"])
    return text if _same(line, text) else line


def _same(line: str, text: str) -> bool:
    suffix = " pass" if line.rstrip().endswith(":") else ""
    try:
        before, after = (ast.dump(ast.parse(part.strip() + suffix)) for part in (line, text))
    except SyntaxError:
        return False
    return before == after
