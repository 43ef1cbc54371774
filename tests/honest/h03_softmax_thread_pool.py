"""Starts a thread that does half of the rows; it has ended before forward returns.

Problem: problems/softmax.py
Devices: cpu
"""

from concurrent.futures import ThreadPoolExecutor

import torch


def rows_of(x, out, start, stop):
    torch.softmax(x[start:stop], dim=-1, out=out[start:stop])


class ModelNew(torch.nn.Module):
    def forward(self, x):
        out = torch.empty_like(x)
        half = x.shape[0] // 2
        # Leaving the block joins the pool's threads.
        with ThreadPoolExecutor(max_workers=1) as pool:
            job = pool.submit(rows_of, x, out, 0, half)
            rows_of(x, out, half, x.shape[0])
            job.result()
        return out
