"""Run in a fresh process: import candidates, call them twice, and compare with what eager computed.

    python capture_replay.py FOLDER

Imports nothing of Warpsmith. Leaves `replayed.json`: by case what went wrong (nothing, mostly), and
what the process had loaded in the end.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

RTOL, ATOL = 1e-4, 1e-5
# As in the process that wrote the answers: the library's choice of algorithm must not decide.
torch.backends.cudnn.allow_tf32 = False


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def same(got: Any, wanted: Any) -> None:
    """Raise unless two nested values have one structure and close tensors."""
    both_tensors = isinstance(got, torch.Tensor) and isinstance(wanted, torch.Tensor)
    assert both_tensors or type(got) is type(wanted), f"{type(got)} instead of {type(wanted)}"
    if isinstance(wanted, torch.Tensor):
        # On a GPU eager's own strides depend on which library kernel ran.
        strict = wanted.device.type == "cpu"
        torch.testing.assert_close(
            got.data, wanted.data, rtol=RTOL, atol=ATOL, equal_nan=True, check_stride=strict
        )
    elif isinstance(wanted, dict):
        assert list(got) == list(wanted)
        same(list(got.values()), list(wanted.values()))
    elif isinstance(wanted, list | tuple):
        assert len(got) == len(wanted)
        for left, right in zip(got, wanted, strict=True):
            same(left, right)
    else:
        assert got == wanted


def problems_of(module: Any, fact: dict[str, Any]) -> dict[str, str]:
    """Return what differs from eager, by the kind of difference."""
    model = module.ModelNew(1, 2, width=3)
    model.load_state_dict(fact["state_dict"], strict=True)
    inputs = fact["inputs"]
    model.to(next((t.device for t in fact["state_after"].values()), torch.device("cpu")))
    found = {}
    with torch.no_grad():
        outputs = [model(*inputs) for _ in range(2)]
    for kind, got, wanted in (
        ("outputs", outputs, fact["outputs"]),
        ("state", {**dict(model.named_parameters()), **dict(model.named_buffers())}, fact["state_after"]),
        ("touched", [], fact["touched"]),
    ):
        try:
            same(got, wanted)
        except AssertionError as error:
            found[kind] = str(error)
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    paths = sorted(folder.glob("*.pt"))
    paths = [path for path in paths if path.with_suffix(".py").exists()]
    with ThreadPoolExecutor(2) as pool:  # compilers run beside each other
        modules = list(pool.map(lambda path: imported(path.with_suffix(".py")), paths))
    found = {}
    for path, module in zip(paths, modules, strict=True):
        try:
            found[path.stem] = problems_of(module, torch.load(path, weights_only=False))
        except Exception as error:  # noqa: BLE001 - every case is to be reported
            found[path.stem] = {"run": f"{type(error).__name__}: {error}"}
    loaded = [name for name in ("warpsmith", "torch._dynamo", "torch._inductor") if name in sys.modules]
    (folder / "replayed.json").write_text(json.dumps({"found": found, "loaded": loaded}))


if __name__ == "__main__":
    main()
