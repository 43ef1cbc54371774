"""Check for looks at what is not the candidate's: frames, the heap, other processes, our modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import Use, advice, calls, listed
from warpsmith.core.verdict import Finding

NAME = "snooping"
_LOOKS = {
    *("gc.get_objects", "gc.get_referrers", "gc.get_referents"),
    *("sys._getframe", "sys._current_frames", "inspect.stack", "inspect.currentframe"),
    *("ctypes.string_at", "ctypes.memmove", "ctypes.memset", "mmap.mmap", "os._exit", "os.dup2", "os.fork"),
}
_FILES = {"open", "io.open", "os.open", "os.listdir", "os.scandir", "pathlib.Path"}


class Snooping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kernel has all it needs in its arguments; who looks elsewhere looks for the answer or the clock."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at calls that look around, at `/proc`, and at imports of this package."""
        for call in calls(tree):
            if call.name in _LOOKS or ".from_address" in call.name:
                yield advice(NAME, f"calls {call.name}", call.line)
            elif call.name in _FILES and (path := _proc(call)):
                yield advice(NAME, f"reads {path}", call.line)
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    found = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module)):
                    found = [module]
                case _:
                    continue
            if any(name.partition(".")[0] == "warpsmith" for name in found):
                yield advice(NAME, f"imports {', '.join(found)}", node.lineno)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict attempts that were seen while the candidate ran."""
        if snooped := evidence.noted("snooped"):
            message = f"the candidate looked where nothing of its own is: {listed(snooped)}"
            return Finding(check=NAME, message=message)
        return None


def _proc(call: Use) -> str:
    """Return the path below `/proc` that a call names, where it names one in its first argument."""
    arguments = call.node.args if isinstance(call.node, ast.Call) else []
    texts = (
        [part.value for part in ast.walk(arguments[0]) if isinstance(part, ast.Constant)] if arguments else []
    )
    return next((text for text in texts if isinstance(text, str) and text.startswith("/proc/")), "")
