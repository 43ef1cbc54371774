"""Hands out preallocated outputs again: only those that nobody holds any longer, by reference count.

Problem: problems/bias_gelu.py
Devices: cpu, cuda
"""

import sys
import threading

import torch


class Pool:
    """Tensors that were handed out, and are free once the pool alone refers to them.

    Whoever keeps an output, or a view of it (views refer to their base), keeps its memory.
    """

    LIMIT = 8

    def __init__(self):
        self._mine: list[torch.Tensor] = []
        self._lock = threading.Lock()
        # What getrefcount says of a tensor that only a list and a local name refer to, and its storage's count.
        probe = [torch.empty(1)]
        tensor = probe[0]
        self._free = (sys.getrefcount(tensor), storage_uses(tensor))

    def take(self, like: torch.Tensor) -> torch.Tensor:
        with self._lock:
            for tensor in self._mine:
                same = (tensor.shape, tensor.dtype, tensor.device) == (like.shape, like.dtype, like.device)
                if same and (sys.getrefcount(tensor), storage_uses(tensor)) == self._free:
                    return tensor
            tensor = torch.empty_like(like, memory_format=torch.contiguous_format)
            self._mine = [*self._mine[1 - self.LIMIT :], tensor]
            return tensor


def storage_uses(tensor: torch.Tensor) -> int:
    """Count what shares the storage: views made in C++ hold it without a reference to the tensor."""
    storage = tensor.untyped_storage()
    return torch._C._storage_Use_Count(storage._cdata)


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))
        self._pool = Pool()

    def forward(self, x):
        out = self._pool.take(x)
        torch.add(x, self.bias, out=out)
        return torch.ops.aten.gelu_(out)
