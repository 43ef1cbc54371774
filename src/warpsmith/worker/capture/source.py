"""Read the module that Inductor generates: its kernels, its `call`, and what `call` needs around it.

Works on text alone and knows the layouts of torch 2.6 to 2.13: `call` at module level or inside
`class Runner`, asserts with three or four arguments, stream look-ups under either name. It decides
nothing about how a kernel is written in the end.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from warpsmith.worker.capture.captured import NotStandalone

# What `call` does besides computing: our own guard, Triton and the current device do it in the file.
CHORES = re.compile(r"assert_alignment|get_raw_stream|set_device|run_intermediate_hooks|copy_if_misaligned")
MADE_FROM = re.compile(r"Original ATen: \[([^\]]*)\]")
KERNEL_CALL = re.compile(r"async_compile\.(\w+)\(")
# Operators that a bare `import torch` registers; any other namespace belongs to a library of the model's.
TORCH_OPS = {"aten", "prims", "inductor", "mkldnn", "mkl", "onednn", "quantized", "_quantized", "rngprims"}


class KernelText(NamedTuple):
    """One kernel as Inductor wrote it.

    Attributes:
        language: the method of `async_compile` that takes it: `cpp_pybinding`, `triton`.
        made_from: the ATen operators fused into it, for people; may be empty.
    """

    name: str
    language: str
    text: str
    made_from: str


class Generated(NamedTuple):
    """The parts of a generated module.

    Attributes:
        kernels: by name, in the order of definition.
        definitions: the other module-level statements, by the name they bind.
        arguments: names under which `call` takes its arguments, in order.
        body: statements of `call` without its chores, ending before the return.
        results: what it returns.
    """

    kernels: dict[str, KernelText]
    definitions: dict[str, ast.stmt]
    arguments: tuple[str, ...]
    body: list[ast.stmt]
    results: list[ast.expr]


def parse(text: str) -> Generated:
    """Take a generated module apart.

    Raises:
        NotStandalone: it uses kernels or constructs that have no standalone form here.
    """
    module = ast.parse(text)
    kernels = _kernels(module, text)
    arguments, statements = _arguments(_call(module))
    last = statements.pop()
    if not (isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple)):
        raise NotStandalone("the generated call does not end by returning a tuple")
    body = [kept for statement in statements for kept in _without_chores(statement, set(arguments))]
    _refuse_strangers([*body, last])
    return Generated(
        kernels=kernels,
        definitions=_definitions(module, set(kernels)),
        arguments=arguments,
        body=body,
        results=list(last.value.elts),
    )


def _kernels(module: ast.Module, text: str) -> dict[str, KernelText]:
    lines = text.splitlines()
    kernels: dict[str, KernelText] = {}
    for statement in module.body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)):
            continue
        language = KERNEL_CALL.match(ast.unparse(statement.value))
        if language is None:
            continue
        name = ast.unparse(statement.targets[0])
        if language[1] not in {"cpp_pybinding", "triton"}:
            raise NotStandalone(f"kernel {name!r} is for {language[1]!r}, which has no standalone form")
        # The first argument is a name (triton) or the list of types (cpp_pybinding); the text comes second.
        code = ast.literal_eval(statement.value.args[1])
        kernels[name] = KernelText(name, language[1], code, _made_from(lines, statement.lineno - 1))
    return kernels


def _made_from(lines: list[str], index: int) -> str:
    """Find the operators in the comment block above line `index`."""
    while index > 0 and lines[index - 1].startswith("#"):
        index -= 1
        found = MADE_FROM.search(lines[index])
        if found:
            return found[1].replace("aten.", "").replace("prims.", "")
    return ""


def _call(module: ast.Module) -> ast.FunctionDef:
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "call":
            return statement
        if isinstance(statement, ast.ClassDef) and statement.name == "Runner":
            return _call(ast.Module(body=statement.body, type_ignores=[]))
    raise NotStandalone("the generated module has no call function")


def _arguments(call: ast.FunctionDef) -> tuple[tuple[str, ...], list[ast.stmt]]:
    """Split `call` into the names it gives its arguments and the statements after that."""
    names: tuple[str, ...] = ()
    rest: list[ast.stmt] = []
    for statement in call.body:
        text = ast.unparse(statement)
        if isinstance(statement, ast.Assign) and text.endswith("= args"):
            target = statement.targets[0]
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            names = tuple(ast.unparse(part) for part in parts)
        elif text != "args.clear()":
            rest.append(statement)
    return names, rest


def _without_chores(statement: ast.stmt, arguments: set[str]) -> list[ast.stmt]:
    if isinstance(statement, ast.With):
        statement.body = [kept for part in statement.body for kept in _without_chores(part, arguments)]
        return [statement] if statement.body else []
    text = ast.unparse(statement)
    if CHORES.search(text):
        return []
    if text.startswith("assert_size_stride("):
        return _size_assert(statement, arguments)
    return [statement]


def _size_assert(statement: ast.stmt, arguments: set[str]) -> list[ast.stmt]:
    """Keep asserts on what a library returned, without the label that older torch does not take."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.args[0]) in arguments:
        return []
    return [ast.Expr(value=ast.Call(func=call.func, args=call.args[:3], keywords=[]))]


def _refuse_strangers(statements: list[ast.stmt]) -> None:
    """Raise if the statements need more than torch itself."""
    text = "\n".join(ast.unparse(statement) for statement in statements)
    if "self." in text:
        raise NotStandalone("the generated call is split into partitions")
    for namespace, name in re.findall(r"torch\.ops\.(\w+)\.(\w+)", text):
        if namespace not in TORCH_OPS:
            raise NotStandalone(f"it calls the custom operator {namespace}::{name}")


def _definitions(module: ast.Module, kernels: set[str]) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            found |= {ast.unparse(target): statement for target in statement.targets}
        elif isinstance(statement, ast.FunctionDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                found[(alias.asname or alias.name).partition(".")[0]] = _only(statement, alias)
    return {name: statement for name, statement in found.items() if name not in kernels}


def _only(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    if isinstance(statement, ast.Import):
        return ast.Import(names=[alias])
    return ast.ImportFrom(module=statement.module, names=[alias], level=0)


def names_read(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names that are read in `nodes`, each once, in order of first appearance."""
    found: dict[str, None] = {}
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load | ast.Del):
                found.setdefault(part.id)
    return list(found)


class Renaming(ast.NodeTransformer):
    """Give names new names."""

    def __init__(self, new_names: Mapping[str, str]) -> None:
        self._new_names = new_names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id=self._new_names.get(node.id, node.id), ctx=node.ctx)
