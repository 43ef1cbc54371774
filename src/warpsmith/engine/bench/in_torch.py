"""Candidates in plain PyTorch: the same arithmetic in other words, some rows at a time."""

from __future__ import annotations

from warpsmith.engine.bench.language import Flaw, Knobs, filled, grid
from warpsmith.engine.bench.module import written
from warpsmith.engine.bench.operators import Form, Operator

# Statements that make `v`, some rows of the output, of these rows of the inputs.
_WORDS = {
    "add_relu": ("v = torch.clamp(x + y, min=0.0)", "v = torch.maximum(x, -y) + y"),
    "gelu": (
        "v = 0.5 * x * (1.0 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))",
        "v = x * torch.sigmoid(1.5957691216057308 * (x + 0.044715 * x.pow(3)))",
    ),
    "softmax": (
        "v = torch.exp(x - x.amax(dim=1, keepdim=True))\nv = v / v.sum(dim=1, keepdim=True)",
        "v = torch.exp(torch.log_softmax(x, dim=1))",
    ),
    "layer_norm": (
        "v = x - x.mean(1, True)\nv = v / (v.square().mean(1, True) + 1e-5).sqrt() * weight + bias",
        "v = torch.nn.functional.layer_norm(x, x.shape[1:], weight, bias)",
    ),
    "add_rms_norm": (
        "v = x + y\nv = v / torch.sqrt(v.square().mean(dim=1, keepdim=True) + 1e-5) * weight",
        "v = torch.nn.functional.rms_norm(x + y, (x.shape[1],), weight, 1e-5)",
    ),
    "l2_norm": (
        "v = x / x.square().sum(dim=1, keepdim=True).sqrt().clamp(min=1e-12)",
        "v = x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=1e-12)",
    ),
    "row_mean": ("v = x.sum(dim=1) / x.shape[1]", "v = torch.mv(x, torch.ones_like(x[0])) / x.shape[1]"),
    "row_max": ("v = x.max(dim=1).values", "v = -(-x).amin(dim=1)"),
}

_FORWARD = """$hang
rows, cols = x.shape
out = torch.empty($out_shape, dtype=x.dtype, device=x.device)
for first in range(0, $rows, ROWS):
    last = min(first + ROWS, $rows)
    out[first:last] = part($parts)
return $returned"""

_PART = """ROWS = $count


def part($names):
    $words
    return $result"""


class InTorch:
    """Writes PyTorch."""

    backend = "torch"

    def variants(self, operator: Operator) -> list[Knobs]:  # noqa: ARG002 - the same for all
        """Return wordings, and rows at a time; all are multiples of eight."""
        return grid(words=(0, 1), count=(32, 64, 96, 128, 160, 192, 256, 384, 512, 1024))

    def source(self, operator: Operator, knobs: Knobs, flaw: Flaw | None) -> str:
        """Return a module without kernels."""
        words = _WORDS[operator.name][int(knobs["words"])]
        names = operator.inputs + operator.weights
        rows = [
            f"{name}[first : min(first + ROWS, $rows)]".replace("$rows", _rows(flaw))
            for name in operator.inputs
        ]
        hangs = {
            Flaw.CRASH: "os.abort()",
            Flaw.HOST_HANG: "while True:\n    pass",
            Flaw.KERNEL_HANG: "threading.Event().wait()",
        }
        imports = {
            Flaw.CRASH: "import os",
            Flaw.KERNEL_HANG: "import threading",
            Flaw.COMPILE: "from torch.nn.functional import scaled",
        }
        results = {Flaw.WRONG: "1.01 * v", Flaw.FAULT: "v[len(v)]"}
        out_shape = "(rows,)" if operator.form is Form.REDUCTION else "(rows, cols)"
        forward = filled(
            _FORWARD,
            hang=hangs.get(flaw, "") if flaw else "",
            out_shape=out_shape,
            rows=_rows(flaw),
            parts=", ".join((*rows, *operator.held_as)),
            returned="out.unsqueeze(0)" if flaw is Flaw.SHAPE else "out",
        )
        return written(
            operator,
            imports=imports.get(flaw, "") if flaw else "",
            definitions=filled(
                _PART,
                count=knobs["count"],
                names=", ".join(names),
                words=words,
                result=results.get(flaw, "v") if flaw else "v",
            ),
            body=forward,
        )


def _rows(flaw: Flaw | None) -> str:
    return "rows // 8 * 8" if flaw is Flaw.TAIL else "rows"
