"""Never writes a softmax and reads each logit once; the label's own logit is fetched by its index.

Problem: problems/cross_entropy.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def token_loss(logits_ptr, labels_ptr, out_ptr, vocabulary, IGNORED: tl.constexpr, BLOCK: tl.constexpr):
    token = tl.program_id(0)
    row = logits_ptr + token.to(tl.int64) * vocabulary
    lane = tl.arange(0, BLOCK)
    largest = float("-inf")
    total = 0.0
    for start in range(0, vocabulary, BLOCK):
        at = start + lane
        x = tl.load(row + at, mask=at < vocabulary, other=float("-inf"), eviction_policy="evict_first")
        seen = tl.maximum(largest, tl.max(x, axis=0))
        total = total * tl.exp(largest - seen) + tl.sum(tl.exp(x - seen), axis=0)
        largest = seen
    label = tl.load(labels_ptr + token)
    counts = label != IGNORED
    chosen = tl.load(row + label, mask=counts, other=0.0)
    tl.store(out_ptr + token, tl.where(counts, (largest - chosen) + tl.log(total), 0.0))


class ModelNew(torch.nn.Module):
    def forward(self, logits, labels):
        logits, labels = logits.contiguous(), labels.contiguous()
        tokens, vocabulary = logits.shape
        out = logits.new_empty(tokens)
        token_loss[(tokens,)](logits, labels, out, vocabulary, IGNORED=-100, BLOCK=4096, num_warps=8)
        return out
