"""What is found in replies as models write them, and what is said of the rest."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpsmith.propose.replies import Parsed, parse_reply

MODULE = textwrap.dedent(
    """\
    import torch


    class ModelNew(torch.nn.Module):
        def forward(self, x):
            y = x + x
            return y + 1
    """
)
KERNEL = textwrap.dedent(
    """\
    import triton
    import triton.language as tl


    @triton.jit
    def double_kernel(x_ptr, n, BLOCK: tl.constexpr):
        at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        tl.store(x_ptr + at, 2 * tl.load(x_ptr + at, at < n), at < n)
    """
)
CALLER = textwrap.dedent(
    """\
    import torch


    class ModelNew(torch.nn.Module):
        def forward(self, x):
            double_kernel[(1,)](x, x.numel(), BLOCK=1024)
            return x
    """
)
BROKEN = "import torch\n\n\nclass ModelNew(torch.nn.Module):\n    def forward(self, x:\n        return x\n"


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}```\n"


def edit(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def the_reason(parsed: Parsed) -> str:
    assert parsed.source is None
    assert len(parsed.unused) == 1, parsed.unused
    return parsed.unused[0].reason


@pytest.mark.parametrize("language", ["python", "py", "Python", "", "triton", "python title=new.py"])
def test_one_block_is_the_candidate(language: str) -> None:
    parsed = parse_reply(f"Here it is:\n\n{fenced(MODULE, language)}\nEnjoy.")
    assert parsed == Parsed(source=MODULE, how="block")
    assert parsed.note == ""


def test_other_fences_windows_line_ends_and_indentation_are_taken() -> None:
    assert parse_reply(f"~~~python\n{MODULE}~~~").source == MODULE
    assert parse_reply(f"````python\n{MODULE}````\n").source == MODULE
    assert parse_reply(fenced(MODULE).replace("\n", "\r\n")).source == MODULE
    assert parse_reply("1. As follows:\n" + textwrap.indent(fenced(MODULE), "   ")).source == MODULE


def test_of_several_candidates_the_last_counts_and_the_others_are_named() -> None:
    first = MODULE.replace("x + x", "2 * x")
    parsed = parse_reply(f"Draft:\n{fenced(first)}Better:\n{fenced(MODULE)}")
    assert (parsed.source, parsed.how) == (MODULE, "block")
    (left,) = parsed.unused
    assert (left.what, left.line) == ("block", 3)
    assert "the one at line 13 comes later" in left.reason


def test_a_candidate_that_parses_counts_before_a_later_one_that_does_not() -> None:
    parsed = parse_reply(fenced(MODULE) + fenced(BROKEN))
    assert parsed.source == MODULE
    assert "does not parse" in parsed.note


def test_a_block_that_the_candidate_needs_is_joined_to_it() -> None:
    parsed = parse_reply(
        f"The kernel:\n{fenced(KERNEL)}The module:\n{fenced(CALLER)}Run:\n{fenced('ls', 'bash')}"
    )
    assert parsed.how == "blocks"
    assert parsed.source is not None
    assert parsed.source.index("def double_kernel") < parsed.source.index("class ModelNew")
    ast.parse(parsed.source)
    assert [part.reason for part in parsed.unused] == ["it is bash, not Python"]


def test_a_needed_block_is_joined_whichever_comes_first() -> None:
    parsed = parse_reply(fenced(CALLER) + fenced(KERNEL))
    assert parsed.source is not None
    assert parsed.source.index("def double_kernel") < parsed.source.index("class ModelNew")


def test_of_two_versions_of_a_needed_block_the_later_is_joined() -> None:
    parsed = parse_reply(fenced(KERNEL.replace("2 * tl", "3 * tl")) + fenced(KERNEL) + fenced(CALLER))
    assert parsed.source is not None
    assert "2 * tl.load" in parsed.source
    assert "3 * tl.load" not in parsed.source


def test_a_future_import_stays_in_front_of_joined_blocks() -> None:
    parsed = parse_reply(fenced(KERNEL) + fenced("from __future__ import annotations\n" + CALLER))
    assert parsed.source is not None
    compile(parsed.source, "candidate", "exec")


def test_blocks_that_are_not_needed_are_left_out() -> None:
    parsed = parse_reply(fenced(MODULE) + fenced("model = 3\nprint(model)\n"))
    assert (parsed.source, parsed.how) == (MODULE, "block")
    assert parsed.unused[0].reason == "nothing in it is needed by the candidate"


@pytest.mark.parametrize("body", ["__global__ void f() {}\n", "char q[] = \"'''\";\n", "// it's \\n\n"])
def test_cuda_in_a_block_of_its_own_becomes_the_string_it_is_meant_to_be(body: str) -> None:
    caller = (
        "from torch.utils.cpp_extension import load_inline\n"
        "module = load_inline('m', '', cuda_sources=[cuda_source])\n\n\nclass ModelNew:\n    pass\n"
    )
    parsed = parse_reply(fenced(body, "cuda") + fenced(caller))
    assert parsed.how == "blocks"
    assert parsed.source is not None
    assigned = ast.parse(parsed.source).body[0]
    assert isinstance(assigned, ast.Assign)
    assert ast.literal_eval(assigned.value).strip() == body.strip()


def test_cuda_nobody_asks_for_is_reported() -> None:
    parsed = parse_reply(fenced("__global__ void f() {}\n", "cuda") + fenced(MODULE))
    assert parsed.source == MODULE
    assert "put this cuda into it as a string" in parsed.note


def test_code_without_fences_is_found_between_words() -> None:
    assert parse_reply(MODULE) == Parsed(source=MODULE, how="bare")
    parsed = parse_reply(f"Sure! Here is the code.\n\n{MODULE}\nThis halves the traffic, since it's fused.\n")
    assert (parsed.source, parsed.how) == (MODULE, "bare")
    assert [part.reason for part in parsed.unused] == ["words before the code", "words after the code"]


def test_thoughts_are_not_searched_for_candidates() -> None:
    draft = fenced(MODULE.replace("x + x", "wrong"))
    assert parse_reply(f"<think>\n{draft}</think>\n{fenced(MODULE)}").source == MODULE
    assert parse_reply(f"{draft}</think>\n{fenced(MODULE)}").source == MODULE
    assert "nothing but white space or reasoning" in the_reason(parse_reply(f"<think>\n{draft}"))


def test_lines_are_counted_with_the_thoughts() -> None:
    parsed = parse_reply(f"<think>\na\nb\n</think>\n{fenced('ls', 'bash')}{fenced(MODULE)}")
    assert parsed.unused[0].line == 6


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "nothing but white space"),
        ("I can't help with that.", "it has no code block"),
        (fenced("class Model:\n    pass\n"), "it defines Model and not ModelNew"),
        (fenced("x = 1\n"), "it defines no class ModelNew"),
        (fenced("def f(:\n"), "it does not parse (invalid syntax, line 1 of the code)"),
        (fenced("int main() {}\n", "cpp"), "put this cpp into it"),
        (fenced("{}", "json"), "it is json, not Python"),
        ("```python\n```\n", "its blocks are empty"),
        (fenced("--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-a\n+b\n", "diff"), "it is a unified diff"),
        ("class ModelNew( is what I would write", "text that is not Python"),
    ],
)
def test_why_there_is_no_candidate_is_said(reply: str, reason: str) -> None:
    assert reason in the_reason(parse_reply(reply))


def test_a_candidate_that_does_not_parse_is_handed_on_with_a_warning() -> None:
    parsed = parse_reply(fenced(BROKEN))
    assert parsed.source == BROKEN
    assert "does not parse" in parsed.note
    assert "line 5" in parsed.note


def test_a_reply_that_ends_inside_its_block_is_used_only_where_the_code_is_whole() -> None:
    whole = parse_reply(f"```python\n{MODULE}")
    assert whole.source == MODULE
    assert "ends inside the block" in whole.note
    half = parse_reply(f"```python\n{MODULE[:-4]}(")
    assert half.source is None
    assert "allow more tokens" in half.note


def test_a_reply_that_was_cut_before_any_code_says_so() -> None:
    assert "it was cut off; allow more tokens" in parse_reply("First, I will think.", cut=True).note


def test_edits_change_the_parent() -> None:
    reply = "Fuse it:\n" + edit("        y = x + x\n        return y + 1", "        return 2 * x + 1")
    parsed = parse_reply(reply, parent=MODULE)
    assert parsed.how == "edits"
    assert parsed.source == MODULE.replace(
        "        y = x + x\n        return y + 1", "        return 2 * x + 1"
    )
    assert parsed.note == ""


def test_edits_apply_in_turn_fenced_or_not() -> None:
    first = edit("        y = x + x", "        y = 2 * x")
    second = edit("        y = 2 * x", "        y = 4 * x")
    parsed = parse_reply(fenced(first) + second, parent=MODULE)
    assert parsed.source == MODULE.replace("x + x", "4 * x")


def test_an_edit_may_take_lines_away() -> None:
    parsed = parse_reply("<<<<<<< SEARCH\n        y = x + x\n=======\n>>>>>>> REPLACE\n", parent=MODULE)
    assert parsed.source == MODULE.replace("        y = x + x\n", "")


def test_an_edit_matches_whatever_the_white_space_and_takes_the_parents_indentation() -> None:
    parsed = parse_reply(edit("y = x+x\nreturn y+1", "if x is None:\n    return 0\nreturn 3"), parent=MODULE)
    assert parsed.source is not None
    assert "        if x is None:\n            return 0\n        return 3\n" in parsed.source


def test_an_exact_match_counts_before_a_loose_one() -> None:
    parent = MODULE + "y = x + x\n"
    parsed = parse_reply(edit("y = x + x", "y = 0"), parent=parent)
    assert parsed.source == MODULE + "y = 0\n"


def test_an_edit_that_fits_twice_says_where() -> None:
    parent = MODULE + "\na = 1\nb = 2\na = 1\n"
    reason = the_reason(parse_reply(edit("a = 1", "a = 2"), parent=parent))
    assert "stands 2 times in the parent (lines 9, 11)" in reason


def test_a_part_of_a_line_is_no_match() -> None:
    assert "not in the parent" in the_reason(parse_reply(edit("y + 1", "y + 2"), parent=MODULE))


def test_an_edit_that_fits_nowhere_names_the_line_that_differs() -> None:
    reply = "\n\n" + edit("        y = x + x\n        return y + 2", "pass")
    parsed = parse_reply(reply, parent=MODULE)
    assert parsed.unused[0].line == 3
    assert "'return y + 2' was expected where line 7 is 'return y + 1'" in the_reason(parsed)


def test_an_edit_that_nearly_fits_names_the_nearest_line() -> None:
    reason = the_reason(parse_reply(edit("        z = x + x", "pass"), parent=MODULE))
    assert "line 6: 'y = x + x'" in reason


def test_one_edit_that_fails_leaves_the_others_unmade() -> None:
    reply = edit("        y = x + x", "        y = 2 * x") + edit("nowhere at all!", "pass")
    parsed = parse_reply(reply, parent=MODULE)
    assert parsed.source is None
    assert [(part.what, part.line) for part in parsed.unused] == [("edit", 6)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("<<<<<<< SEARCH\n        y = x + x\n", "the reply ends inside the edit"),
        ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", "has no ======="),
        (edit("", "a = 1"), "nothing to find"),
        (edit("        y = x + x", "        y = x + x"), "the edits change nothing"),
    ],
)
def test_a_malformed_edit_is_reported(reply: str, reason: str) -> None:
    assert reason in the_reason(parse_reply(reply, parent=MODULE))


def test_an_edit_inside_an_edit_is_reported_and_nothing_is_changed() -> None:
    parsed = parse_reply("<<<<<<< SEARCH\nx\n" + edit("        y = x + x", "        y = 0"), parent=MODULE)
    assert parsed.source is None
    assert parsed.unused[0].reason == "the edit does not end before the next one begins"


def test_edits_without_a_parent_ask_for_the_file() -> None:
    assert "write the whole file" in the_reason(parse_reply(edit("a", "b")))


def test_a_whole_file_counts_before_edits() -> None:
    parsed = parse_reply(
        edit("        y = x + x", "        y = 0") + fenced(MODULE), parent="class ModelNew: ...\n"
    )
    assert (parsed.source, parsed.how) == (MODULE, "block")
    assert parsed.unused[0].what == "edit"


def test_an_edit_that_breaks_the_source_is_handed_on_with_a_warning() -> None:
    parsed = parse_reply(edit("        y = x + x", "        y = ("), parent=MODULE)
    assert parsed.source is not None
    assert "does not parse" in parsed.note


PIECES = (
    *(MODULE, KERNEL, BROKEN, "```", "```python\n", "~~~", "'''", "class ModelNew", "\n", "words\n"),
    *("<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "        y = x + x\n"),
    *("<think>", "</think>", "\x00", "\ud800"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans(), st.booleans())
def test_any_reply_gives_a_source_or_a_reason(pieces: list[str], with_parent: bool, cut: bool) -> None:  # noqa: FBT001
    parsed = parse_reply("".join(pieces), parent=MODULE if with_parent else None, cut=cut)
    assert (parsed.source is None) == (parsed.how is None)
    assert parsed.source is not None or parsed.note
    assert all(part.line >= 1 for part in parsed.unused)
