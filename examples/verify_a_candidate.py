"""Is a candidate right, and how fast is it? Run with `python examples/verify_a_candidate.py`."""

# ruff: noqa: T201 - an example shows what it found
from __future__ import annotations

from warpsmith.core.task import Tier
from warpsmith.core.verdict import Accepted
from warpsmith.problems import load
from warpsmith.search.run import new_seed
from warpsmith.verify import Verifier
from warpsmith.verify.scan import candidate_of

CANDIDATE = """
import torch

class ModelNew(torch.nn.Module):
    def forward(self, x):
        exponentials = torch.exp(x - x.amax(dim=-1, keepdim=True))
        return exponentials / exponentials.sum(dim=-1, keepdim=True)
"""


def main() -> None:
    """Print the verdict on one candidate for the shipped softmax, on the GPU if there is one."""
    with Verifier() as verifier:
        task = verifier.task(load("level1/softmax"), verifier.target(), seed=new_seed(), tier=Tier.SCREEN)
        verdict = verifier.verify(task, candidate_of(CANDIDATE))
    if isinstance(verdict, Accepted):
        speedup = verdict.speedup("eager")
        print(
            f"accepted: {speedup.value:.2f}x over eager, 95 % within {speedup.low:.2f} to {speedup.high:.2f}"
        )
    else:
        print(f"not accepted: {verdict.reason}")


if __name__ == "__main__":
    main()
