"""Check for kernels that are there to be seen, beside a library that does the work."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, dotted, imported_names
from warpsmith.core.errors import InfrastructureError
from warpsmith.core.verdict import Finding

NAME = "decoys"
_JIT = {"triton.jit", "numba.cuda.jit"}


class Decoys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kernel of one's own that never runs, or runs on one element, makes library calls look like work.

    Refused on the track whose kernels are `custom-only`; on `library-allowed`, libraries are fine, and
    the verdict states the share.

    Attributes:
        library_share: of the work's time that a custom-only candidate may leave to libraries.
    """

    library_share: float = 0.05

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at kernels that nothing in the source refers to."""
        names = imported_names(tree)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name not in used:
                decorators = [
                    each.func if isinstance(each, ast.Call) else each for each in node.decorator_list
                ]
                if any(dotted(each, names) in _JIT for each in decorators):
                    yield advice(NAME, f"kernel {node.name} is never launched", node.lineno)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict, on the custom-only track, libraries that do more than a little.

        Raises:
            InfrastructureError: the track asks for kernels of one's own, and none were counted.
        """
        if evidence.track.kernels != "custom-only":
            return None
        if evidence.census is None:
            raise InfrastructureError("the track is custom-only, and no profiler could count kernels here")
        census = evidence.census
        if census.library_share > self.library_share:
            worst = next(use for use in census.kernels if not use.is_own and not use.is_plumbing)
            message = (
                f"{100 * census.library_share:.0f} % of the time is a library's, most of it {worst.name!r}; "
                "the track is custom-only, so compute it in a kernel of your own"
            )
            return Finding(check=NAME, message=message)
        if census.own_share == 0:
            message = "no kernel of the candidate's own ran, and the track is custom-only"
            return Finding(check=NAME, message=message)
        return None
