"""What a workload's inputs may be beyond what its problem draws, asked of the reference itself.

Families change the values, crops the shapes. One is in the domain where the reference has an
answer that another honest kernel would find, too. Never imports candidate code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.problem import Tolerance
from warpsmith.worker.compare import Differences, compare_all, mismatch_of_trees
from warpsmith.worker.draws import Expected
from warpsmith.worker.families import FAMILIES, OWN, is_free
from warpsmith.worker.inputs import ProblemError
from warpsmith.worker.shapes import Crop, crops_of
from warpsmith.worker.trees import tensors_of

ASKED_CROPS = 3
ASKED: tuple[str | int, ...] = ("family",)
# Of the tolerance: an input family on which the reference itself uses up more would refuse the honest.
STEADY_SHARE = 0.5
# What stands for rounding where there is no float64 run: every input moved by up to so many eps.
JITTER_EPS = 1.0


class Domain:
    """The families and crops that one workload's reference takes.

    Args:
        expect: runs the reference on a draw: labels, family, `exact` (in float64, too) and `changing`
            (what to do to every input first).
        tolerance_for: the problem's tolerance by dtype.
        oracle_lacks: why there is no float64 oracle; empty where there is one.
    """

    def __init__(
        self,
        expect: Callable[..., Expected],
        tolerance_for: Callable[[str], Tolerance],
        oracle_lacks: Callable[[], str],
    ) -> None:
        self._expect = expect
        self._tolerance_for = tolerance_for
        self._oracle_lacks = oracle_lacks
        self._families: tuple[str, ...] | None = None
        self._crops: dict[str, Crop] | None = None

    def families(self) -> tuple[str, ...]:
        """Return the input families in this workload's domain, `own` first; asked of the reference once."""
        if self._families is None:
            own = self._expect(ASKED)  # also settles whether there is an oracle
            has_numbers = any(is_free(tensor) for tensor in tensors_of(own.inputs))
            del own
            usable = [name for name in FAMILIES if has_numbers and self._is_usable(name)]
            self._families = (OWN, *usable)
        return self._families

    def crops(self) -> tuple[str, ...]:
        """Return the shapes derived from the declared ones that the reference takes, two at most."""
        if self._crops is None:
            self._crops = {}
            offered = list(crops_of(list(tensors_of(self._expect(ASKED).inputs))))
            # One of a batch or of rows, one of a last dimension: tails in both directions.
            for group in ([c for c in offered if c.is_first], [c for c in offered if c.is_last]):
                self._adopt_first([crop for crop in group if crop.name not in self._crops])
        return tuple(self._crops)

    def _adopt_first(self, offered: Sequence[Crop]) -> None:
        """Keep the first of a few crops that the reference takes."""
        kept = self._crops if self._crops is not None else {}
        for crop in offered[:ASKED_CROPS]:
            kept[crop.name] = crop
            if self._is_usable(crop.name):
                return
            del kept[crop.name]

    def crop(self, name: str) -> Crop:
        """Return the crop of that name."""
        crop = (self._crops or {}).get(name)
        if crop is None:
            raise InfrastructureError(f"no input family and no crop is called {name!r}")
        return crop

    def _is_usable(self, family: str) -> bool:
        """Ask the reference whether it has an answer there that another honest kernel would find too."""
        labels = (*ASKED, family)
        try:
            first = self._expect(labels, family)
            # One after the other: each holds inputs and outputs, which may be half of what a device has.
            if not first.is_finite() or not self._expect((*labels, "other"), family, exact=False).is_finite():
                return False
            if not self._are_close(self._expect(labels, family, exact=False), first):
                return False
            return self._is_steady(first, labels, family)
        except (ProblemError, torch.OutOfMemoryError):
            return False

    def _is_steady(self, first: Expected, labels: tuple[str | int, ...], family: str) -> bool:
        """Say whether rounding leaves the answer well inside the tolerance."""
        wanted = list(tensors_of(first.values))
        has_decisions = any(not (t.is_floating_point() or t.is_complex()) for t in wanted)
        if first.exact is not None and not self._within(
            wanted, [exact.values for exact in first.exact], STEADY_SHARE
        ):
            return False
        if first.exact is not None and not has_decisions:
            return True
        if first.exact is None and not self._oracle_lacks():
            return False  # float64 agrees elsewhere, and not here
        # Ties are decided alike by everyone who computes the same way: only moved inputs show them.
        moved = self._expect(labels, family, exact=False, changing=_jittered)
        return self._are_close(moved, first)

    def _are_close(self, one: Expected, other: Expected) -> bool:
        if mismatch_of_trees(one.tree, other.tree):
            return False
        return self._within(list(tensors_of(one.values)), list(tensors_of(other.values)), 1.0)

    def _within(self, got: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor], share: float) -> bool:
        """Say whether all of `got` is within `share` of the tolerance for its dtype."""
        for one, other in zip(got, wanted, strict=True):
            full = self._tolerance_for(str(one.dtype).removeprefix("torch."))
            tolerance = msgspec.structs.replace(full, atol=full.atol * share, rtol=full.rtol * share)
            if compare_all([one], [other], [""], lambda _, t=tolerance: t, Differences()):  # type: ignore[misc]
                return False
        return True


def _jittered(tensor: torch.Tensor) -> torch.Tensor:
    """Move every number by a rounding error, without drawing from a generator that a run may use."""
    if not is_free(tensor):
        return tensor
    generator = torch.Generator(tensor.device).manual_seed(tensor.numel())
    eps = JITTER_EPS * torch.finfo(tensor.dtype).eps
    noise = torch.empty(tensor.shape, dtype=torch.float32, device=tensor.device)
    noise.uniform_(-eps, eps, generator=generator)
    return (tensor * (1 + noise.to(torch.promote_types(tensor.dtype, torch.float32)))).to(tensor.dtype)
