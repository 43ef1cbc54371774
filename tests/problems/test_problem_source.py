"""What a problem file may say, and the one sentence that a faulty one gets; nothing is executed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem, Tolerance, Workload
from warpsmith.problems import load
from warpsmith.problems.source import MAX_SOURCE_BYTES, parse_problem

BARE = '''
import torch
class Model(torch.nn.Module):
    """Double it.

    In detail: by adding.
    """
    def forward(self, x): return x + x
def get_inputs(rows=4, cols=8, *, scale=1.0): return [torch.randn(rows, cols)]
'''


def parse(source: str) -> Problem:
    return parse_problem(source, name="double", origin="double.py")


def refusal(source: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(source)
    message = str(caught.value)
    assert message.startswith("double.py")
    assert "\n" not in message
    return message


def refusal_of_file(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load(str(path))
    return str(caught.value)


def test_a_plain_kernelbench_file_has_one_workload_without_arguments() -> None:
    problem = parse(BARE)
    assert problem.workloads == (Workload(name="default"),)
    assert (problem.tolerances, problem.tags, problem.license) == ({}, (), None)


def test_the_description_is_the_first_line_of_the_modules_docstring_or_else_of_the_models() -> None:
    assert parse(f'"""Twice.\n\nMore."""\n{BARE}').description == "Twice."
    assert parse(BARE).description == "Double it."
    assert parse("Model = get_inputs = print").description == ""


def test_everything_a_file_can_say_is_read() -> None:
    problem = parse(
        BARE
        + """
WORKLOADS = {
    "typical": {"rows": 4_096, "dtype": "bfloat16"},
    "cpu": {"rows": 64, "cols": -1, "scale": 0.5},
}
TOLERANCE: dict = {"bfloat16": {"atol": 0, "rtol": 2e-2, "reason": "two roundings"}}
TAGS = ["pointwise", "easy"]
LICENSE = "Apache-2.0"
FLOPS = {"typical": 2.5e6}
BYTES = {"typical": 16_384}
"""
    )
    assert problem.workloads == (
        Workload(name="typical", axes={"rows": 4096}, dtype="bfloat16", flops=2.5e6, traffic_bytes=16384.0),
        Workload(name="cpu", axes={"rows": 64, "cols": -1, "scale": 0.5}),
    )
    assert problem.tolerances == {"bfloat16": Tolerance(atol=0.0, rtol=2e-2, reason="two roundings")}
    assert (problem.tags, problem.license) == (("pointwise", "easy"), "Apache-2.0")


def test_what_is_read_survives_the_wire() -> None:
    axes = '{"rows": (1, 2), "cols": ["a", "b"], "scale": [1, 2.5]}'
    problem = parse(f'{BARE}WORKLOADS = {{"odd": {axes}}}')
    assert problem.workloads[0].axes == {"rows": [1, 2], "cols": ["a", "b"], "scale": [1, 2.5]}
    assert decode(encode(problem), Problem) == problem


def test_reading_a_file_does_not_run_it() -> None:
    assert parse(f"{BARE}\nraise SystemExit('executed')").name == "double"


@pytest.mark.parametrize(
    "source",
    [
        "from elsewhere import Model, get_inputs",
        "from elsewhere import *",
        "import elsewhere as Model\nget_inputs = Model.make",
        "try:\n    from fast import Model\nexcept ImportError:\n    class Model: pass\nget_inputs, b = 1, 2",
        "if True:\n    class Model: pass\n    def get_inputs(): return []",
        "class Model: pass\nget_inputs = lambda rows=3: [rows]\nWORKLOADS = {'big': {'rows': 9}}",
        "class Model: pass\n@cache\ndef get_inputs(*args): ...\nWORKLOADS = {'big': {'rows': 9}}",
    ],
)
def test_names_may_come_from_imports_and_assignments(source: str) -> None:
    assert parse(source).workloads


def test_arguments_may_go_to_either_function() -> None:
    source = (
        f"{BARE}def get_init_inputs(width=3, rows=1): ...\nWORKLOADS = {{'a': {{'width': 2, 'cols': 1}}}}"
    )
    assert parse(source).workloads[0].axes == {"width": 2, "cols": 1}


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("", "is empty; a problem file defines Model and get_inputs"),
        (" \n\t\n", "is empty"),
        ("def get_inputs(): ...", "defines no Model; add a class Model(torch.nn.Module)"),
        ("class ModelNew: ...\ndef get_inputs(): ...", "ModelNew, so it is a candidate"),
        ("class Modle: ...\ndef get_inputs(): ...", "defines no Model; did you mean 'Modle'?"),
        ("class Model: ...", "defines no get_inputs; add a function get_inputs()"),
        ("class Model: ...\ndef get_input(): ...", "defines no get_inputs; did you mean 'get_input'?"),
        ("class Model: ...\n\ndef get_inputs(:", ", line 3: Python syntax error"),
        ("class Model: ...\0", "Python"),
        ("x = " + "(" * 5000 + ")" * 5000, "Python"),
        ("x = " + "-" * 200_000 + "1", "Python"),
        # Too deep for some Python versions, merely no problem for others.
        ("x = 1" + " + 1" * 50_000, "double.py"),
    ],
)
def test_a_file_that_is_no_problem_is_refused(source: str, part: str) -> None:
    assert part in refusal(source)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("WORKLOADS = {'a': {'rows': 2 * 1024}}", "must be a literal"),
        ("WORKLOADS = make()", "must be a literal"),
        ("WORKLOADS = {'a': {'rows': ROWS}}", "must be a literal"),
        ("WORKLOADS = {**{'a': {}}}", "must be a literal"),
        ("WORKLOADS = {[]: {}}", "must be a literal"),
        ("WORKLOADS = {}; WORKLOADS = {}", "assign it once"),
        ("WORKLOADS = {}\nWORKLOADS['a'] = {}", "not empty"),
        ("WORKLOADS, x = {}, 1", "assigned directly at the top level"),
        ("if True: WORKLOADS = {}", "assigned directly at the top level"),
        ("from elsewhere import WORKLOADS", "assigned directly at the top level"),
        ("def WORKLOADS(): ...", "assigned directly at the top level"),
        ("WORKLOADS = {'a': {}, 'a': {}}", "has the key 'a' twice"),
        ("WORKLOADS = {}", "not empty"),
        ("WORKLOADS = [{'rows': 1}]", "must be like"),
        ("WORKLOADS = {'a b': {}}", "use letters"),
        ("WORKLOADS = {3: {}}", "use letters"),
        ("WORKLOADS = {'a': 4096}", "must be a dict of arguments"),
        ("WORKLOADS = {'a': {'row': 1}}", "did you mean 'rows'?"),
        ("WORKLOADS = {'a': {'zzz': 1}}", "known: rows, cols, scale"),
        ("WORKLOADS = {'a': {'rows': None}}", "must be a bool"),
        ("WORKLOADS = {'a': {'rows': 1e999}}", "finite float"),
        ("WORKLOADS = {'a': {'rows': 99999999999999999999}}", "64-bit int"),
        ("WORKLOADS = {'a': {'rows': [[1], [2]]}}", "or a list of such"),
        ("WORKLOADS = {'a': {'rows': 2j}}", "must be a bool"),
        ("WORKLOADS = {'a': {4: 4}}", "must be a bool"),
        ("WORKLOADS = {'a': {'dtype': 'bf16'}}", "did you mean 'bfloat16'?"),
        ("WORKLOADS = {'a': {'dtype': 'torch.float16'}}", "did you mean 'float16'?"),
        ("WORKLOADS = {'a': {'dtype': 'int32'}}", "can't cast to the dtype 'int32'"),
        ("TOLERANCE = 1e-3", "must be like"),
        ("TOLERANCE = {'float': {}}", "unknown dtype 'float'; did you mean"),
        ("TOLERANCE = {1: {}}", "unknown dtype 1"),
        ("TOLERANCE = {'float32': 1e-3}", "TOLERANCE['float32']"),
        ("TOLERANCE = {'float32': {'atol': 1e-3, 'reason': 'r'}}", "missing required field `rtol`"),
        ("TOLERANCE = {'float32': {'atol': -1, 'rtol': 0, 'reason': 'r'}}", "zero or above"),
        ("TOLERANCE = {'float32': {'atol': 1, 'rtol': 1e999, 'reason': 'r'}}", "finite"),
        ("TOLERANCE = {'float32': {'atol': 1, 'rtol': 0, 'why': 'r'}}", "unknown field `why`"),
        ("TOLERANCE = {'float32': {'atol': 1, 'rtol': 0}}", "needs a reason"),
        ("TAGS = ('softmax')", "with its comma"),
        ("TAGS = ('softmax', 3)", "tuple of words"),
        ("TAGS = ('softmax', ' ')", "tuple of words"),
        ("LICENSE = None", "SPDX identifier"),
        ("FLOPS = 3", "FLOPS must give a number by workload"),
        ("BYTES = {'defualt': 3}", "BYTES names the workload 'defualt', which is not there; did you mean"),
        ("BYTES = {'default': -1}", "BYTES['default'] must be a finite number, zero or above"),
        ("FLOPS = {'default': True}", "FLOPS['default'] must be a finite number"),
    ],
)
def test_faulty_metadata_is_refused_with_its_line(line: str, part: str) -> None:
    message = refusal(f"{BARE}{line}")
    assert part in message
    assert f", line {BARE.count(chr(10)) + 1}: " in message or "\n" in line


def test_a_literal_of_many_lines_is_blamed_where_it_is_wrong() -> None:
    message = refusal(f"{BARE}WORKLOADS = {{\n    'a': {{}},\n    'b': {{'rows': 2 ** 10}},\n}}")
    assert f", line {BARE.count(chr(10)) + 3}: " in message


@pytest.mark.parametrize(
    "signature",
    ["rows", "rows, cols=3", "*, rows", "rows, /"],
    ids=["plain", "mixed", "keyword", "positional"],
)
def test_an_argument_that_nobody_gives_is_refused(signature: str) -> None:
    message = refusal(f"class Model: ...\ndef get_inputs({signature}): ...")
    assert "get_inputs needs 'rows', which workload 'default' does not give" in message


def test_an_argument_without_default_may_come_from_every_workload() -> None:
    source = "class Model: ...\ndef get_inputs(rows): ...\nWORKLOADS = {'a': {'rows': 1}, 'cpu': {}}"
    assert "needs 'rows', which workload 'cpu'" in refusal(source)
    assert parse(source.replace("{}", "{'rows': 2}"))


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    message = refusal_of_file(tmp_path / "latin.py", b"# one\n# caf\xe9\n")
    assert message.endswith(", line 2: not UTF-8 text; save the file as UTF-8")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    message = refusal_of_file(tmp_path / "large.py", b"#" * (MAX_SOURCE_BYTES + 1))
    assert "draw data in get_inputs" in message


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "is empty" in refusal_of_file(tmp_path / "empty.py", b"")


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match="no regular file"):
        load(str(tmp_path / "pipe.py"))


def test_line_ends_and_byte_order_marks_do_not_change_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "double.py"
    path.write_bytes(BARE.encode())
    plain = load(str(path))
    path.write_bytes(b"\xef\xbb\xbf" + BARE.replace("\n", "\r\n").encode())
    assert load(str(path)).id == plain.id


def test_dubious_escapes_in_a_file_are_not_our_concern() -> None:
    assert parse(BARE + 'PATTERN = "\\d"').name == "double"
