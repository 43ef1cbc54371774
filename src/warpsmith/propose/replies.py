"""Find the candidate in what a model wrote: a file, several blocks, edits to the parent, or bare code.

Reads text and judges no kernel: whether it builds is the verifier's to say. What could not be used is said
precisely, since the next prompt, and people, depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from warpsmith.propose.python_text import defines, error_line, free_names, syntax_error, top_names, tree_of
from warpsmith.propose.search_replace import apply_edits, edits_in, has_edits

How: TypeAlias = Literal["block", "blocks", "edits", "bare"]

ENTRY = "ModelNew"
PYTHON = {"", "python", "python3", "py", "triton", "pytorch"}
# In which the source of an extension is written, and how names of such strings end.
NATIVE = {"cuda", "cu", "cpp", "c++", "c", "cxx", "hip"}

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,})\s*(?P<info>[^`]*)$")
_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"^.*</(think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_UNFINISHED_THOUGHT = re.compile(r"^\s*<(think|thinking|reasoning)>(?!.*</\1>).*", re.DOTALL | re.IGNORECASE)
_CODE_LINE = re.compile(r"^(import |from \S+ import|class |def |@\w|\"\"\"|#|[A-Za-z_]\w*\s*=)")
_DIFF_LINE = re.compile(r"^(@@ .* @@|--- \S|\+\+\+ \S)", re.MULTILINE)


class Unused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a reply that is not in the candidate.

    Attributes:
        what: the kind of part.
        line: 1-based line of the reply where it begins.
        reason: why not, in a few words that a model can act on.
    """

    what: Literal["block", "edit", "reply"]
    line: int
    reason: str


class Parsed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reply holds.

    Attributes:
        source: text of a Python module; None where there is none that could be one.
        how: where it was found; None without a source.
        unused: parts that were left out, in order.
        warnings: what is odd about the source, e.g. that it does not parse.
    """

    source: str | None
    how: How | None = None
    unused: tuple[Unused, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Everything that a person should know, in one line; empty when all was used and nothing is odd."""
        parts = [*self.warnings, *(f"{part.what} at line {part.line}: {part.reason}" for part in self.unused)]
        return "; ".join(parts)


class _Block(NamedTuple):
    """A fenced block.

    Attributes:
        line: of the reply, of its first line of content.
        language: first word after the fence, in lower case.
        text: its content.
        closed: whether its closing fence came.
    """

    line: int
    language: str
    text: str
    closed: bool


def parse_reply(text: str, *, parent: str | None = None, entry: str = ENTRY, cut: bool = False) -> Parsed:
    """Return the candidate's source in `text`.

    Args:
        text: a model's reply.
        parent: source that edits apply to; None where there is none.
        entry: the class that a candidate defines.
        cut: whether the reply ended before the model was done.
    """
    text = _without_thoughts(text.replace("\r\n", "\n"))
    if not text.strip():
        return _nothing(1, "it holds nothing but white space or reasoning")
    blocks = _blocks(text)
    if has_edits(text):
        return _edited(text, blocks, parent, entry)
    parsed = _from_blocks(blocks, entry) if blocks else _bare(text, entry)
    if cut and parsed.source is None:
        return msgspec.structs.replace(
            parsed, unused=(*parsed.unused, _unused("reply", 1, "it was cut off; allow more tokens"))
        )
    return parsed


def _edited(text: str, blocks: Sequence[_Block], parent: str | None, entry: str) -> Parsed:
    # A whole file says what is meant without a parent's help.
    whole = [block for block in blocks if not has_edits(block.text) and defines(block.text, entry)]
    if whole:
        parsed = _from_blocks([block for block in blocks if not has_edits(block.text)], entry)
        edits, _ = edits_in(text)
        extra = [_unused("edit", edit.line, "the reply also holds the whole file") for edit in edits]
        return msgspec.structs.replace(parsed, unused=(*parsed.unused, *extra))
    edits, misses = edits_in(text)
    if parent is None:
        reason = "there is no parent to edit; write the whole file"
        begun = sorted([*(edit.line for edit in edits), *(miss.line for miss in misses)])
        return Parsed(source=None, unused=tuple(_unused("edit", line, reason) for line in begun))
    source, not_made = apply_edits(parent, edits) if edits else (None, [])
    misses += not_made
    if misses:
        source = None
    unused = tuple(_unused("edit", miss.line, miss.reason) for miss in sorted(misses))
    if source is None:
        return Parsed(source=None, unused=unused)
    return Parsed(source=source, how="edits", unused=unused, warnings=_oddities(source, entry))


def _from_blocks(blocks: Sequence[_Block], entry: str) -> Parsed:
    python = [block for block in blocks if block.language in PYTHON and block.text.strip()]
    chosen = _chosen(python, entry)
    if chosen is None:
        return _without_entry(blocks, python, entry)
    parts = _with_helpers(chosen, python, blocks)
    source = _as_source(parts)
    warned = _oddities(source, entry)
    if not chosen.closed:
        if warned:
            reason = f"the reply ends inside it ({warned[0]}); allow more tokens"
            return Parsed(source=None, unused=(_unused("block", chosen.line, reason),))
        warned = ("the reply ends inside the block, which is complete as it is",)
    used = {part.line for part in parts}
    left = [block for block in blocks if block.line not in used and block.text.strip()]
    unused = tuple(_unused("block", block.line, _why_left(block, chosen, entry)) for block in left)
    how: How = "block" if len(parts) == 1 else "blocks"
    return Parsed(source=source, how=how, unused=unused, warnings=warned)


def _chosen(python: Sequence[_Block], entry: str) -> _Block | None:
    """Return the last block that defines the entry and parses; else the last that would define it."""
    defining = [block for block in python if defines(block.text, entry)]
    whole = [block for block in defining if tree_of(block.text) is not None]
    found = whole or defining
    return found[-1] if found else None


def _without_entry(blocks: Sequence[_Block], python: Sequence[_Block], entry: str) -> Parsed:
    """Say of a reply without the entry what its blocks are."""
    unused = tuple(
        _unused("block", block.line, _why_no_candidate(block, entry))
        for block in blocks
        if block.text.strip()
    )
    if not unused:
        return _nothing(1, "its blocks are empty")
    if not python:
        return Parsed(source=None, unused=unused, warnings=("no block holds Python",))
    return Parsed(source=None, unused=unused, warnings=(f"no block defines {entry}",))


def _with_helpers(chosen: _Block, python: Sequence[_Block], blocks: Sequence[_Block]) -> list[_Block]:
    """Return the chosen block after those that define names which it uses and does not define."""
    parts, tree = [chosen], tree_of(chosen.text)
    missing = free_names(tree) if tree else set()
    others = [(block, tree_of(block.text)) for block in python if block is not chosen]
    progress = True
    while missing and progress:
        progress = False
        # A later block supersedes an earlier one of the same names.
        for block, theirs in reversed(others):
            if theirs is None or block in parts or not top_names(theirs) & missing:
                continue
            missing = (missing | free_names(theirs)) - top_names(theirs)
            parts.append(block)
            progress = True
    native = [block for block in blocks if block.language in NATIVE and block.text.strip()]
    if len(missing) == 1 and len(native) == 1:
        name = next(iter(missing))
        parts.append(native[0]._replace(text=f"{name} = {_literal(native[0].text)}\n"))
    order = {block.line: block for block in parts if block is not chosen}
    return [*(order[line] for line in sorted(order)), chosen]


def _as_source(parts: Sequence[_Block]) -> str:
    text = "\n\n".join(part.text.strip("\n") for part in parts) + "\n"
    # A future import must stand first, wherever its block came to stand.
    lines = text.splitlines(keepends=True)
    future = [line for line in lines if line.startswith("from __future__ import")]
    if len(parts) == 1 or not future:
        return text
    return "".join([*dict.fromkeys(future), *(line for line in lines if line not in future)])


def _literal(text: str) -> str:
    if "'''" in text or text.endswith("'"):
        return repr(text)
    return f"r'''\n{text}\n'''"


def _bare(text: str, entry: str) -> Parsed:
    """Find code without fences: from a line that looks like code to the last that still parses."""
    lines = text.split("\n")
    if not defines(text, entry):
        said = "it has no code block" if not _looks_like_diff(text) else _DIFF
        return _nothing(1, f"{said} and defines no class {entry}" if said is not _DIFF else said)
    starts = [at for at, line in enumerate(lines) if _CODE_LINE.match(line)]
    for start in starts:
        end = _longest(lines[start:])
        source = "\n".join(lines[start : start + end]).strip("\n") + "\n"
        if end and defines(source, entry):
            rest = "\n".join(lines[start + end :]).strip()
            left = [_unused("reply", 1, "words before the code")] if "".join(lines[:start]).strip() else []
            left += [_unused("reply", start + end + 1, "words after the code")] if rest else []
            return Parsed(source=source, how="bare", unused=tuple(left), warnings=_oddities(source, entry))
    return _nothing(
        1, f"it defines {entry} in text that is not Python; put the file into one ```python block"
    )


def _longest(lines: Sequence[str]) -> int:
    """Return how many of `lines` parse together, from the first on."""
    end = len(lines)
    while end > 0:
        where = error_line("\n".join(lines[:end]))
        if where is None:
            return end
        # Code ends where a line begins in the first column, at the latest where the parser stumbled.
        end = min(end, where) - 1
        while end > 0 and lines[end - 1].strip() and lines[end][:1].isspace():
            end -= 1
    return 0


_DIFF = "it is a unified diff; write SEARCH/REPLACE edits or the whole file"


def _looks_like_diff(text: str) -> bool:
    return len(_DIFF_LINE.findall(text)) > 1


def _why_left(block: _Block, chosen: _Block, entry: str) -> str:
    if block.language in PYTHON and defines(block.text, entry):
        if tree_of(block.text) is None:
            return f"it defines {entry} too, but does not parse ({syntax_error(block.text)})"
        return f"it defines {entry} too; the one at line {chosen.line} comes later and counts"
    if block.language in NATIVE:
        return f"a candidate is one Python file; put this {block.language} into it as a string"
    if block.language in PYTHON:
        return "nothing in it is needed by the candidate"
    return f"it is {block.language}, not Python"


def _why_no_candidate(block: _Block, entry: str) -> str:
    if block.language == "diff" or _looks_like_diff(block.text):
        return _DIFF
    if block.language in NATIVE:
        return f"a candidate is one Python file that defines {entry}; put this {block.language} into it"
    if block.language not in PYTHON:
        return f"it is {block.language}, not Python"
    tree = tree_of(block.text)
    if tree is None:
        return f"it does not parse ({syntax_error(block.text)})"
    if "Model" in top_names(tree):
        return f"it defines Model and not {entry}"
    return f"it defines no class {entry}"


def _blocks(text: str) -> list[_Block]:
    found: list[_Block] = []
    fence, indent, language, begun = "", "", "", 0
    content: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        match = _FENCE.match(line)
        if not fence and match:
            fence, indent, begun, content = match["fence"], match["indent"], number + 1, []
            language = (match["info"].split() or [""])[0].strip("{}.").partition(":")[0].lower()
        elif fence and match and match["fence"].startswith(fence) and not match["info"].strip():
            found.append(_Block(begun, language, "\n".join(content), closed=True))
            fence = ""
        elif fence:
            content.append(line.removeprefix(indent))
    if fence:
        found.append(_Block(begun, language, "\n".join(content), closed=False))
    return found


def _without_thoughts(text: str) -> str:
    """Blank what a model thought aloud, keeping line numbers."""
    for pattern in (_THINKING, _THOUGHT, _UNFINISHED_THOUGHT):
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def _oddities(source: str, entry: str) -> tuple[str, ...]:
    if said := syntax_error(source):
        return (f"the source does not parse: {said}",)
    return () if defines(source, entry) else (f"the source defines no class {entry}",)


def _unused(what: Literal["block", "edit", "reply"], line: int, reason: str) -> Unused:
    return Unused(what=what, line=line, reason=reason)


def _nothing(line: int, reason: str) -> Parsed:
    return Parsed(source=None, unused=(_unused("reply", line, reason),))
