"""One small problem for each pattern that a template is written for, with sizes that nothing divides."""

from __future__ import annotations

import sources

from warpsmith.core.problem import Problem

X = "[torch.randn(37, 51)]"
XY = "[torch.randn(37, 51), torch.randn(37, 51)]"
F = "from torch.nn import functional as F"
NORM = "self.norm = nn.LayerNorm(51); nn.init.normal_(self.norm.weight); nn.init.normal_(self.norm.bias)"


def _problem(answer: str, inputs: str = X, takes: str = "x", top: str = F, **parts: str) -> Problem:
    return sources.problem(answer, inputs=inputs, takes=takes, top=top, **parts)


PROBLEMS: dict[str, Problem] = {
    "chain": _problem("F.gelu(x + 1) * torch.sigmoid(y) - y.abs()", XY, "x, y"),
    "bias": _problem("torch.tanh(x + self.bias)", setup="self.bias = nn.Parameter(torch.randn(51))"),
    "activations": _problem("F.silu(x) + F.softplus(x) + F.leaky_relu(x) + F.hardswish(x) + x.clamp(-1, 2)"),
    "softmax": _problem("torch.softmax(2 * x, dim=-1)"),
    "log_softmax": _problem("F.log_softmax(x, dim=-1)", "[torch.randn(5, 7, 51)]"),
    "layer_norm": _problem("self.norm(x + y), x + y", XY, "x, y", setup=NORM),
    "rms_norm": _problem(
        "x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight",
        setup="self.weight = nn.Parameter(torch.randn(51))",
    ),
    "normalise": _problem("F.normalize(x, dim=-1)"),
    "statistics": _problem("x.mean(-1), x.var(-1), x.amax(-1, keepdim=True), x.sum(-1)"),
    "cross_entropy": _problem(
        "F.cross_entropy(x, y, reduction='none')", "[torch.randn(37, 51), torch.randint(51, (37,))]", "x, y"
    ),
    "loss": _problem("((x - y) ** 2).mean()", XY, "x, y"),
    "columns": _problem("x.mean(0)"),
    "middle": _problem("(2 * x).amax(dim=1)", "[torch.randn(5, 7, 51)]"),
    "matmul": _problem("x @ y", "[torch.randn(37, 51), torch.randn(51, 43)]", "x, y"),
    "linear": _problem("F.gelu(self.fc(x)) * 2", setup="self.fc = nn.Linear(51, 43)"),
    "transpose": _problem("torch.relu(x).t().contiguous()"),
}
