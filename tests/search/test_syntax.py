"""Syntax trees are made by one thread at a time, since several candidates are at work at a time."""

from __future__ import annotations

import ast
import threading

import pytest

from warpsmith.core import syntax


def test_a_thread_that_is_let_in_while_a_tree_is_made_waits_with_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside: list[int] = []
    most: list[int] = []
    original = ast.parse

    def slow(source: str) -> ast.Module:
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.02)
        inside.pop()
        return original(source)

    monkeypatch.setattr(ast, "parse", slow)
    threads = [threading.Thread(target=syntax.parse, args=("x = 1",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_what_is_no_python_is_refused_as_ever() -> None:
    with pytest.raises(SyntaxError):
        syntax.parse("def")
    assert ast.dump(syntax.parse("x = 1")) == ast.dump(ast.parse("x = 1"))
