"""Candidates in Triton: tiles of rows and columns, elements one block each or in strides, rows in parts.

A row's state is kept for every column of a tile and folded over them at the end; folding the folded is
the same operation, so rows cut into parts need no arithmetic of their own.
"""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.engine.bench.language import Flaw, Knobs, filled, grid
from warpsmith.engine.bench.module import written
from warpsmith.engine.bench.operators import Form, Operator

LOW = "-3.0e38"


class _Fold(NamedTuple):
    """As in C, over whole tiles: `v` is a tile of which `inside` is valid, and states have its shape."""

    empty: dict[str, str]
    add: str
    merge: str


def _total(expression: str) -> str:
    return f"tl.sum({expression}, axis=1, keep_dims=True)"


_SQUARES = _Fold(
    {"squares": "0.0"}, "squares += tl.where(inside, v * v, 0.0)", f"squares = {_total('squares')}"
)

_FOLDS = {
    "softmax": _Fold(
        {"largest": LOW, "total": "0.0"},
        f"higher = tl.maximum(largest, tl.where(inside, v, {LOW}))\n"
        "total = total * tl.exp(largest - higher) + tl.where(inside, tl.exp(v - higher), 0.0)\n"
        "largest = higher",
        "top = tl.max(largest, axis=1, keep_dims=True)\n"
        f"total = {_total('total * tl.exp(largest - top)')}\n"
        "largest = top",
    ),
    "layer_norm": _Fold(
        {"count": "0.0", "mean": "0.0", "squares": "0.0"},
        "count += tl.where(inside, 1.0, 0.0)\n"
        "apart = tl.where(inside, v - mean, 0.0)\n"
        "mean += apart / tl.maximum(count, 1.0)\n"
        "squares += apart * tl.where(inside, v - mean, 0.0)",
        f"whole = {_total('count')}\n"
        f"middle = {_total('count * mean')} / whole\n"
        f"squares = {_total('squares + count * (mean - middle) * (mean - middle)')}\n"
        "mean = middle\n"
        "count = whole",
    ),
    "add_rms_norm": _SQUARES,
    "l2_norm": _SQUARES,
    "row_mean": _Fold({"total": "0.0"}, "total += tl.where(inside, v, 0.0)", f"total = {_total('total')}"),
    "row_max": _Fold(
        {"largest": LOW},
        f"largest = tl.maximum(largest, tl.where(inside, v, {LOW}))",
        "largest = tl.max(largest, axis=1, keep_dims=True)",
    ),
}

_RESULTS = {
    "add_relu": "tl.maximum(v, 0.0)",
    "gelu": "v * tl.sigmoid(1.5957691216 * (v + 0.044715 * v * v * v))",
    "softmax": "tl.exp(v - largest) / total",
    "layer_norm": "(v - mean) / tl.sqrt(squares / cols + 1e-5) * weight + bias",
    "add_rms_norm": "v / tl.sqrt(squares / cols + 1e-5) * weight",
    "l2_norm": "v / tl.maximum(tl.sqrt(squares), 1e-12)",
    "row_mean": "total / cols",
    "row_max": "largest",
}

_ELEMENTS = """
@triton.jit
def each($pointers, out_ptr, count, BLOCK: tl.constexpr):
    $spin
    step = tl.num_programs(0).to(tl.int64) * BLOCK
    for start in range(tl.program_id(0).to(tl.int64) * BLOCK, count, step):
        at = start + tl.arange(0, BLOCK)
        inside = at < count
        $loads
        tl.store(out_ptr$shift + at, $result, mask=inside)
"""

_FOLD_TILE = """$empty
for start in range($first, $end, BLOCK):
    at = start + tl.arange(0, BLOCK)[None, :]
    inside = (at < $end) & (row < rows)
    $loads
    $add
$merge"""

_WRITE_TILE = """for start in range($first, $end, BLOCK):
    at = start + tl.arange(0, BLOCK)[None, :]
    inside = (at < $end) & (row < rows)
    $loads
    $weights
    tl.store(out_ptr$shift + row * cols + at, $result, mask=inside)"""

_TILE = """
@triton.jit
def by_tile($pointers, out_ptr, rows, cols, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    $spin
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    $fold
    $output
"""

_SPLIT = """
@triton.jit
def fold_part($input_pointers, part_ptr, rows, cols, width, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    $spin
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    part = tl.program_id(1)
    first = part * width
    end = tl.minimum(first + width, cols)
    $fold
    place = row * tl.num_programs(1) + part
    size = rows.to(tl.int64) * tl.num_programs(1)
    $keep


@triton.jit
def finish_part(
    $pointers, part_ptr, out_ptr, rows, cols, width, parts,
    ROWS: tl.constexpr, BLOCK: tl.constexpr, PARTS: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    first = tl.program_id(1) * width
    end = tl.minimum(first + width, cols)
    one = tl.arange(0, PARTS)[None, :]
    there = (one < parts) & (row < rows)
    place = row * parts + one
    size = rows.to(tl.int64) * parts
    $recall
    $merge
    $output
"""

_BODIES = {
    "once": "each[(triton.cdiv(rows * cols, BLOCK),)]($at, out, rows * cols, BLOCK=BLOCK, num_warps=$warps)",
    "strided": "each[(132 * 8,)]($at, out, rows * cols, BLOCK=BLOCK, num_warps=$warps)",
    "tile": "by_tile[(triton.cdiv(rows, ROWS),)](\n"
    "    $at, out, rows, cols, ROWS=ROWS, BLOCK=BLOCK, num_warps=$warps, num_stages=$stages\n"
    ")",
    "split": "width = triton.cdiv(triton.cdiv(cols, PARTS), BLOCK) * BLOCK\n"
    "parts = triton.cdiv(cols, width)\n"
    "partial = torch.empty(($fields, rows, parts), dtype=torch.float32, device=x.device)\n"
    "blocks = triton.cdiv(rows, ROWS)\n"
    "fold_part[(blocks, parts)](\n"
    "    $inputs_at, partial, rows, cols, width, ROWS=ROWS, BLOCK=BLOCK, num_warps=$warps\n"
    ")\n"
    "finish_part[(blocks, $finishers)](\n"
    "    $at, partial, out, rows, cols, width, parts, ROWS=ROWS, BLOCK=BLOCK, PARTS=PARTS, num_warps=$warps\n"
    ")",
}

_FORWARD = """$crash
$contiguous
rows, cols = x.shape
out = torch.empty($out_shape, dtype=x.dtype, device=x.device)
$tail
$launch
return $returned"""

_SPIN = "seen = tl.load(x_ptr)\nwhile seen < 1e30:\n    seen = tl.load(x_ptr, volatile=True)"


class InTriton:
    """Writes Triton."""

    backend = "triton"

    def variants(self, operator: Operator) -> list[Knobs]:
        """Return ways, tiles, warps and stages."""
        warps = (2, 4, 8)
        if operator.form is Form.ELEMENTS:
            blocks = (512, 1024, 2048, 4096)
            return grid(
                way=("once", "strided"), rows=(1,), block=blocks, warps=warps, stages=(1,), parts=(1,)
            )
        tiles = grid(
            way=("tile",), rows=(1, 2, 4), block=(512, 1024, 2048), warps=(4, 8), stages=(1, 2, 3), parts=(1,)
        )
        return tiles + grid(
            way=("split",), rows=(1,), block=(512, 1024, 2048), warps=warps, stages=(1,), parts=(2, 4, 8)
        )

    def source(self, operator: Operator, knobs: Knobs, flaw: Flaw | None) -> str:
        """Return a Python module with its kernels."""
        pieces = _pieces(operator, flaw)
        if operator.form is Form.ELEMENTS:
            kernels = filled(_ELEMENTS, **pieces)
        elif knobs["way"] == "tile":
            kernels = filled(_TILE, **pieces | _tiled(operator, pieces, "0", "cols"))
        else:
            kernels = filled(_SPLIT, **pieces | _tiled(operator, pieces, "first", "end"))
        constants = {"ROWS": "rows", "BLOCK": "block", "PARTS": "parts"}
        return written(
            operator,
            imports=("import os\n\n" if flaw is Flaw.CRASH else "")
            + "import triton\nimport triton.language as tl",
            definitions="\n".join(f"{name} = {knobs[knob]}" for name, knob in constants.items())
            + "\n"
            + kernels,
            body=_forward(operator, knobs, flaw),
        )


def _pieces(operator: Operator, flaw: Flaw | None) -> dict[str, object]:
    """Return what all kernels' places are filled with, the flaw in its place."""
    names = operator.inputs
    result = _RESULTS[operator.name]
    if flaw is Flaw.WRONG:
        result = f"1.01 * ({result})"
    if flaw is Flaw.COMPILE:
        result = f"tl.scaled({result})"
    is_flat = operator.form is Form.ELEMENTS
    place = "at" if is_flat else "row * cols + at"
    loads = [f"{name} = tl.load({name}_ptr + {place}, mask=inside, other=0.0)" for name in names]
    return {
        "pointers": ", ".join(f"{name}_ptr" for name in names + operator.weights),
        "input_pointers": ", ".join(f"{name}_ptr" for name in names),
        "spin": _SPIN if flaw is Flaw.KERNEL_HANG else "",
        "shift": " + (1 << 40)" if flaw is Flaw.FAULT else "",
        "loads": "\n".join([*loads, f"v = {' + '.join(names)}"]),
        "result": result,
    }


def _tiled(operator: Operator, pieces: dict[str, object], first: str, end: str) -> dict[str, object]:
    """Return what is done with a row from `first` to `end`."""
    fold = _FOLDS[operator.name]
    bounds = {"first": first, "end": end}
    weights = [f"{name} = tl.load({name}_ptr + at, mask=at < cols, other=0.0)" for name in operator.weights]
    if operator.form is Form.REDUCTION:
        output = "tl.store(out_ptr$shift + row, $result, mask=row < rows)"
    else:
        output = _WRITE_TILE
    fields = list(fold.empty)
    return {
        "fold": filled(
            _FOLD_TILE,
            empty="\n".join(
                f"{name} = tl.full([ROWS, BLOCK], {value}, tl.float32)" for name, value in fold.empty.items()
            ),
            add=fold.add,
            merge=fold.merge,
            loads=pieces["loads"],
            **bounds,
        ),
        "output": filled(
            output,
            **{name: pieces[name] for name in ("loads", "shift", "result")},
            weights="\n".join(weights),
            **bounds,
        ),
        "merge": fold.merge,
        "keep": "\n".join(
            f"tl.store(part_ptr + {number} * size + place, {name}, mask=row < rows)"
            for number, name in enumerate(fields)
        ),
        "recall": "\n".join(
            f"{name} = tl.load(part_ptr + {number} * size + place, mask=there, other={fold.empty[name]})"
            for number, name in enumerate(fields)
        ),
    }


def _forward(operator: Operator, knobs: Knobs, flaw: Flaw | None) -> str:
    """Return the module's `forward`."""
    is_reduction = operator.form is Form.REDUCTION
    crash = {Flaw.CRASH: "os.abort()", Flaw.HOST_HANG: "while True:\n    pass"}.get(flaw) if flaw else None
    launch = filled(
        _BODIES[str(knobs["way"])],
        at=", ".join((*operator.inputs, *operator.held_as)),
        inputs_at=", ".join(operator.inputs),
        warps=knobs["warps"],
        stages=knobs["stages"],
        fields=0 if operator.form is Form.ELEMENTS else len(_FOLDS[operator.name].empty),
        finishers="1" if is_reduction else "parts",
    )
    return filled(
        _FORWARD,
        crash=crash or "",
        contiguous="\n".join(f"{name} = {name}.contiguous()" for name in operator.inputs),
        out_shape="(rows,)" if is_reduction else "(rows, cols)",
        tail="rows = rows // 8 * 8" if flaw is Flaw.TAIL else "",
        launch=launch,
        returned="out.unsqueeze(0)" if flaw is Flaw.SHAPE else "out",
    )
