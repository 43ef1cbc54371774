"""Keeps a pool of threads alive from its constructor on; between calls they sleep, all work is awaited.

Problem: problems/layer_norm.py
Devices: cpu
"""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import torch

WORKERS = 2


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="rows")
        # Start them now rather than in the first call: each waits until all are there.
        barrier = threading.Barrier(WORKERS)
        wait([self._pool.submit(barrier.wait) for _ in range(WORKERS)])

    def forward(self, branch, residual):
        total, out = torch.empty_like(branch), torch.empty_like(branch)
        step = -(-branch.shape[0] // WORKERS)

        @torch.no_grad()
        def rows(start):
            part = slice(start, start + step)
            torch.add(branch[part], residual[part], out=total[part])
            out[part] = self.norm(total[part])

        jobs = [self._pool.submit(rows, start) for start in range(0, branch.shape[0], step)]
        for job in jobs:
            job.result()
        return out, total
