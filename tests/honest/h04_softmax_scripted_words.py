"""Full of words that greps look for (hack, skip, cache, stream, try, pass, cheat); only the words are there.

Problem: problems/softmax.py
Devices: cpu, cuda
"""

import torch

# HACK: no stream, no replay, no cached output here; `pass` and `skip` are names of steps.
# TODO: don't skip correctness; try a monkey patch of the timer? no: that would be cheating.


@torch.jit.script
def skip_pass(x: torch.Tensor) -> torch.Tensor:
    """First pass: what a stream of scores may skip, its largest."""
    return x - x.amax(dim=-1, keepdim=True)


@torch.jit.script
def cache_hack(x: torch.Tensor) -> torch.Tensor:
    """Second pass: a hack that is none, good for the cache."""
    weights = x.exp()
    return weights / weights.sum(dim=-1, keepdim=True)


class ModelNew(torch.nn.Module):
    def forward(self, stream):
        try:
            elapsed_time = skip_pass(stream)
        except ValueError:
            pass
        else:
            perf_counter = cache_hack(elapsed_time)
            return perf_counter
        raise RuntimeError("skip_pass raised")
