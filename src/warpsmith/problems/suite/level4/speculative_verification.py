"""Speculative decoding: how many drafted tokens are kept, and what the next one is drawn from."""

import torch

WORKLOADS = {
    "typical": {"batch": 64, "drafted": 5, "vocabulary": 32_000},
    "large": {"batch": 128, "drafted": 7, "vocabulary": 128_256},
    "awkward": {"batch": 37, "drafted": 4, "vocabulary": 50_257},
    "cpu": {"batch": 40, "drafted": 5, "vocabulary": 8003},
}
TAGS = ("sampling", "gather", "scan", "reduction", "int64", "memory-bound")


class Model(torch.nn.Module):
    """Keep drafted tokens up to the first that is refused (Leviathan et al. 2023).

    A token is kept where coin * draft[token] < target[token], in probabilities. The next one is drawn
    from what the target gives more than the draft, or from the target alone if all were kept.
    """

    def forward(
        self, target: torch.Tensor, draft: torch.Tensor, tokens: torch.Tensor, coins: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        target, draft = torch.softmax(target, dim=-1), torch.softmax(draft, dim=-1)
        drafted = tokens.shape[1]
        wanted, offered = (x.gather(2, tokens.unsqueeze(-1)).squeeze(-1) for x in (target, draft))
        kept = (coins * offered < wanted).to(torch.int64).cumprod(dim=1).sum(dim=1)
        at = kept[:, None, None].expand(-1, 1, target.shape[2])
        # There is one more row of the target than of the draft.
        refused = draft.gather(1, at.clamp(max=drafted - 1)).squeeze(1) * (kept < drafted)[:, None]
        rest = (target.gather(1, at).squeeze(1) - refused).clamp(min=0.0)
        return kept, rest / rest.sum(dim=-1, keepdim=True).clamp(min=1e-20)


def get_inputs(batch: int = 64, drafted: int = 5, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw similar logits of both models, tokens as the draft would, and coins that rounding can't turn.

    Their shapes are [batch, drafted + 1, vocabulary], [batch, drafted, vocabulary], [batch, drafted] twice.
    """
    target = 2.5 * torch.randn(batch, drafted + 1, vocabulary)
    draft = target[:, :-1] + 0.4 * torch.randn(batch, drafted, vocabulary)
    tokens = (draft - torch.empty_like(draft).exponential_().log()).argmax(dim=-1)
    wanted, offered = (
        torch.softmax(x, dim=-1).gather(2, tokens.unsqueeze(-1)).squeeze(-1) for x in (target[:, :-1], draft)
    )
    ratio = (wanted / offered).clamp(max=1.0)
    is_refused = (torch.rand(batch, drafted) < 0.3) & (ratio < 0.9)
    share = torch.rand(batch, drafted)
    coins = torch.where(is_refused, 1 - 0.8 * share * (1 - ratio), 0.8 * share * ratio)
    return [target, draft, tokens, coins]
