"""Check the literals of a problem file and turn them into nouns; runs and reads nothing."""

from __future__ import annotations

import math
import re

import msgspec

from warpsmith.core.problem import Axis, Tolerance, Workload
from warpsmith.core.registry import suggest
from warpsmith.problems.outline import Outline, Parameters

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
# What floating inputs and weights can be cast to; 8-bit floats need scales, which a problem applies itself.
_CAST_DTYPES = ("float64", "float32", "float16", "bfloat16")
_OUTPUT_DTYPES = (
    *_CAST_DTYPES,
    "float8_e4m3fn",
    "float8_e5m2",
    "complex64",
    "complex128",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
)
_INT64 = range(-(2**63), 2**63)


def workloads(parsed: Outline) -> tuple[Workload, ...]:
    """Return what `WORKLOADS` says; one workload `default` without arguments where it is absent.

    Raises:
        UsageError: it is malformed, names an argument that no function takes, or leaves one out.
    """
    functions = {name: parsed.parameters(name) for name in ("get_inputs", "get_init_inputs")}
    literal = parsed.literal("WORKLOADS")
    if literal is None:
        (plain,) = _with_work(parsed, (Workload(name="default"),))
        _check_arguments(parsed, plain, functions, None)
        return (plain,)
    value, line = literal
    if not isinstance(value, dict) or not value:
        raise parsed.error('WORKLOADS must be like {"typical": {"rows": 4096}} and not empty', line)
    made = tuple(_workload(parsed, name, axes, line) for name, axes in value.items())
    made = _with_work(parsed, made)
    for workload in made:
        _check_arguments(parsed, workload, functions, line)
    return made


def tolerances(parsed: Outline) -> dict[str, Tolerance]:
    """Return what `TOLERANCE` says, by output dtype; empty where it is absent.

    Raises:
        UsageError: it is malformed, names no output dtype, or gives no reason.
    """
    literal = parsed.literal("TOLERANCE")
    if literal is None:
        return {}
    value, line = literal
    if not isinstance(value, dict):
        example = '{"float32": {"atol": 2e-4, "rtol": 2e-4, "reason": "..."}}'
        raise parsed.error(f"TOLERANCE must be like {example}", line)
    made: dict[str, Tolerance] = {}
    for dtype, entry in value.items():
        if dtype not in _OUTPUT_DTYPES:
            near = _near_dtype(dtype, _OUTPUT_DTYPES)
            raise parsed.error(f"TOLERANCE has the unknown dtype {dtype!r}{near}", line)
        try:
            made[dtype] = msgspec.convert(entry, Tolerance)
        except msgspec.ValidationError as error:
            raise parsed.error(f"TOLERANCE[{dtype!r}]: {error}", line) from error
        if not made[dtype].reason.strip():
            raise parsed.error(f"TOLERANCE[{dtype!r}] needs a reason why the default does not fit", line)
    return made


def tags(parsed: Outline) -> tuple[str, ...]:
    """Return what `TAGS` says; empty where it is absent.

    Raises:
        UsageError: it is no tuple or list of words.
    """
    literal = parsed.literal("TAGS")
    if literal is None:
        return ()
    value, line = literal
    if not isinstance(value, tuple | list) or not all(isinstance(tag, str) and tag.strip() for tag in value):
        raise parsed.error('TAGS must be a tuple of words, like ("softmax",) with its comma', line)
    return tuple(value)


def license_of(parsed: Outline) -> str | None:
    """Return what `LICENSE` says; None where it is absent.

    Raises:
        UsageError: it is no text.
    """
    literal = parsed.literal("LICENSE")
    if literal is None:
        return None
    value, line = literal
    if not isinstance(value, str) or not value.strip():
        raise parsed.error('LICENSE must be an SPDX identifier, like "Apache-2.0"', line)
    return value


def _workload(parsed: Outline, name: object, entry: object, line: int) -> Workload:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise parsed.error(f"WORKLOADS has the name {name!r}; use letters, digits, '_', '.' and '-'", line)
    if not isinstance(entry, dict):
        raise parsed.error(f"WORKLOADS[{name!r}] must be a dict of arguments, like {{'rows': 4096}}", line)
    dtype = entry.get("dtype")
    if dtype is not None and dtype not in _CAST_DTYPES:
        near = _near_dtype(dtype, _CAST_DTYPES)
        raise parsed.error(f"WORKLOADS[{name!r}] can't cast to the dtype {dtype!r}{near}", line)
    axes: dict[str, Axis] = {}
    for key, value in entry.items():
        if key == "dtype":
            continue
        axis = _axis(value)
        if not isinstance(key, str) or axis is None:
            raise parsed.error(
                f"WORKLOADS[{name!r}][{key!r}] must be a bool, a 64-bit int, a finite float, text, "
                "or a list of such",
                line,
            )
        axes[key] = axis
    return Workload(name=name, axes=axes, dtype=dtype)


def _with_work(parsed: Outline, made: tuple[Workload, ...]) -> tuple[Workload, ...]:
    """Return the workloads with what `FLOPS` and `BYTES` say of them."""
    known = [workload.name for workload in made]
    for literal, field in (("FLOPS", "flops"), ("BYTES", "traffic_bytes")):
        amounts = _amounts(parsed, literal, known)
        made = tuple(
            msgspec.structs.replace(w, **{field: amounts[w.name]}) if w.name in amounts else w for w in made
        )
    return made


def _amounts(parsed: Outline, name: str, known: list[str]) -> dict[str, float]:
    found = parsed.literal(name)
    if found is None:
        return {}
    value, line = found
    if not isinstance(value, dict):
        raise parsed.error(f'{name} must give a number by workload, like {{"typical": 8.6e9}}', line)
    for workload, amount in value.items():
        if workload not in known:
            near = suggest(str(workload), known)
            raise parsed.error(f"{name} names the workload {workload!r}, which is not there{near}", line)
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not is_number or not math.isfinite(amount) or amount < 0:
            raise parsed.error(f"{name}[{workload!r}] must be a finite number, zero or above", line)
    return {str(workload): float(amount) for workload, amount in value.items()}


def _axis(value: object) -> Axis | None:
    """Return `value` as an axis, a tuple as a list; None where it is none."""
    if not isinstance(value, tuple | list):
        return _scalar(value)
    scalars = [_scalar(item) for item in value]
    known = [scalar for scalar in scalars if scalar is not None]
    return known if len(known) == len(scalars) else None


def _scalar(value: object) -> bool | int | float | str | None:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if value in _INT64 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None


def _check_arguments(
    parsed: Outline, workload: Workload, functions: dict[str, Parameters], line: int | None
) -> None:
    known = [name for parameters in functions.values() for name in parameters.names]
    is_unknown = any(parameters.is_unknown for parameters in functions.values())
    for axis in workload.axes:
        if axis not in known and not is_unknown:
            raise parsed.error(
                f"WORKLOADS[{workload.name!r}] has {axis!r}, which no parameter of get_inputs or "
                f"get_init_inputs is called{suggest(axis, known)}",
                line,
            )
    for function, parameters in functions.items():
        for name in parameters.required:
            if name not in workload.axes or name not in parameters.names:
                raise parsed.error(
                    f"{function} needs {name!r}, which workload {workload.name!r} does not give; "
                    "give the parameter its typical value as a default",
                    line,
                )


def _near_dtype(dtype: object, known: tuple[str, ...]) -> str:
    return suggest(str(dtype).removeprefix("torch."), list(known))
