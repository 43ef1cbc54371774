"""The operators' arithmetic in C, for the host compiler and nvcc alike.

`FOLDS` has the state of a row, how an element enters it and how two states become one; any order of
the two gives the same answer but for rounding. `RESULTS` has an output, from the element `v`, its
column `j` and the folded `s`.
"""

from __future__ import annotations

from typing import NamedTuple


class Fold(NamedTuple):
    """How a row becomes a few numbers.

    Attributes:
        fields: the state's float members.
        empty: their values before any element.
        add: statements that take an element `v` in.
        merge: statements that take another state `other` in.
    """

    fields: tuple[str, ...]
    empty: tuple[str, ...]
    add: str
    merge: str


_SUM_OF_SQUARES = Fold(("squares",), ("0.f",), "squares += v * v;", "squares += other.squares;")

FOLDS = {
    # The running total is rescaled whenever a larger element comes (Milakov and Gimelshein, 2018).
    "softmax": Fold(
        ("largest", "total"),
        ("-FLT_MAX", "0.f"),
        "if (v > largest) {\n"
        "    total *= expf(largest - v);\n"
        "    largest = v;\n"
        "}\n"
        "total += expf(v - largest);",
        "const float top = fmaxf(largest, other.largest);\n"
        "total = total * expf(largest - top) + other.total * expf(other.largest - top);\n"
        "largest = top;",
    ),
    # Welford's update and Chan's merge: the mean is taken off before anything is squared.
    "layer_norm": Fold(
        ("count", "mean", "squares"),
        ("0.f", "0.f", "0.f"),
        "count += 1.f;\n"
        "const float apart = v - mean;\n"
        "mean += apart / count;\n"
        "squares += apart * (v - mean);",
        "const float both = count + other.count;\n"
        "if (both == 0.f) return;\n"
        "const float apart = other.mean - mean;\n"
        "mean += apart * (other.count / both);\n"
        "squares += other.squares + apart * apart * (count * other.count / both);\n"
        "count = both;",
    ),
    "add_rms_norm": _SUM_OF_SQUARES,
    "l2_norm": _SUM_OF_SQUARES,
    "row_mean": Fold(("total",), ("0.f",), "total += v;", "total += other.total;"),
    "row_max": Fold(
        ("largest",),
        ("-FLT_MAX",),
        "largest = fmaxf(largest, v);",
        "largest = fmaxf(largest, other.largest);",
    ),
}

RESULTS = {
    "add_relu": "fmaxf(v, 0.f)",
    "gelu": "0.5f * v * (1.f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)))",
    "softmax": "expf(v - s.largest) / s.total",
    "layer_norm": "(v - s.mean) / sqrtf(s.squares / cols + 1e-5f) * weight[j] + bias[j]",
    "add_rms_norm": "v / sqrtf(s.squares / cols + 1e-5f) * weight[j]",
    "l2_norm": "v / fmaxf(sqrtf(s.squares), 1e-12f)",
    "row_mean": "s.total / cols",
    "row_max": "s.largest",
}
