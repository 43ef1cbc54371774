"""KernelBench as its authors publish it on Hugging Face, through `datasets`, which keeps what it fetched.

A row is the text of one problem file; it is read as a file is, and never run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.problems import names
from warpsmith.problems.base import Broken, Found
from warpsmith.problems.paths import is_folder
from warpsmith.problems.source import parse_problem

DATASET = "ScalingIntelligence/KernelBench"
# Another source of the same rows, e.g. a folder with a copy for hosts without a network.
DATASET_VARIABLE = "WARPSMITH_KERNELBENCH_DATASET"
_LICENSE = "MIT"


def is_hub(rest: str) -> bool:
    """Whether what follows `kernelbench:` means the data set; a folder called `hub` comes first."""
    return rest.partition(":")[0] == "hub" and not is_folder(Path("hub"))


def read_hub(selector: str) -> Found:
    """Return the problems that `selector` denotes, as in a checkout.

    Raises:
        UsageError: `datasets` is not installed, or the data set can't be had.
    """
    text_by_name = _texts()
    problems, broken = [], []
    for name in names.select(selector, list(text_by_name), where="the data set of KernelBench"):
        origin = f"kernelbench:hub:{name}"
        try:
            problem = parse_problem(text_by_name[name], name=f"kernelbench:{name}", origin=origin)
        except UsageError as error:
            broken.append(Broken(name=f"kernelbench:{name}", origin=origin, reason=str(error)))
            continue
        problems.append(msgspec.structs.replace(problem, license=problem.license or _LICENSE))
    return Found(tuple(problems), tuple(broken))


def _texts() -> dict[str, str]:
    """Return the text of every problem by a name such as `level1/23_Softmax`, in order."""
    source = os.environ.get(DATASET_VARIABLE) or DATASET
    splits = _loaded(source)
    try:
        rows = [row for split in splits.values() for row in split]
        texts = {f"level{row['level']}/{row['name']}": str(row["code"]) for row in rows}
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"the data set {source!r} is not KernelBench's: a row needs code, level and name"
        ) from error
    return {name: texts[name] for name in names.in_order(texts)}


def _loaded(source: str) -> Any:
    try:
        import datasets  # noqa: PLC0415 - an extra that takes a second to import
    except ImportError as error:
        raise UsageError(
            "kernelbench:hub needs the package datasets; pip install 'warpsmith[hub]', or clone KernelBench "
            "and write kernelbench:DIR"
        ) from error
    loader: Any = datasets
    try:
        return loader.load_dataset(source)
    except Exception as error:  # a network, a disk and a parser stand behind it
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"the data set {source!r} can't be had ({said}); go online once, or clone KernelBench and write "
            "kernelbench:DIR"
        ) from error
