"""Run in a process of its own: capture models and write candidates, with what eager computes for them.

    python capture_write.py FOLDER DEVICE [CASE]

For every case NAME, or for every variant of the one CASE, it leaves NAME.py and NAME.pt; `written.json`
holds what was refused and why.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import capture_models
import torch

from warpsmith.core.normalise import normalised
from warpsmith.worker.capture.capture import capture
from warpsmith.worker.capture.captured import NotStandalone
from warpsmith.worker.capture.standalone import standalone
from warpsmith.worker.capture.variants import variants

SEED = 7
torch.backends.cudnn.allow_tf32 = False


def moved(value: Any, device: str) -> Any:
    """Put the tensors of a nested value on `device`."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: moved(item, device) for key, item in value.items()}
    return type(value)(moved(item, device) for item in value) if isinstance(value, list | tuple) else value


def made(make: Any, device: str) -> capture_models.Case:
    torch.manual_seed(SEED)
    model, inputs = make()
    for module in model.modules():  # `to` leaves plain tensor attributes where they are
        for name, value in list(vars(module).items()):
            if isinstance(value, torch.Tensor):
                setattr(module, name, value.to(device))
    return model.to(device), moved(inputs, device)


def state_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    everything = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in everything.items()}


def record(folder: Path, name: str, make: Any, device: str, options: dict[str, object]) -> None:
    """Capture one case, then run it in eager mode twice."""
    model, inputs = made(make, device)
    before, inputs_before = state_of(model), copy.deepcopy(inputs)
    state_dict = {key: value.clone() for key, value in model.state_dict().items()}
    source = standalone(capture(model, inputs, options=options), title=f"The case {name}.")
    touched = [key for key, value in state_of(model).items() if not torch.equal(value, before[key])]
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    with torch.no_grad():
        outputs = [copy.deepcopy(model(*inputs)) for _ in range(2)]
    fact = {
        "state_dict": state_dict,
        "inputs": inputs_before,
        "outputs": outputs,
        "touched": touched,
        "state_after": state_of(model),
    }
    torch.save(fact, folder / f"{name}.pt")


def main() -> None:
    folder, device, only = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    cases = capture_models.cases()
    if not only and device == "cpu":
        del cases["wide"]  # it is there for what options do to Triton, and takes long to compile
    jobs: list[tuple[str, Any, dict[str, object]]] = []
    jobs += [(name, make, {}) for name, make in (cases | capture_models.refusals()).items()]
    if only:
        known = variants(torch.device(device).type)
        jobs = [(f"{only[0]}_{v.replace('-', '_')}", cases[only[0]], o) for v, o in known.items()]
    refused: dict[str, str] = {}
    sources: set[str] = set()
    for name, make, options in jobs:
        try:
            record(folder, name, make, device, options)
        except NotStandalone as error:
            refused[name] = str(error)
            continue
        path = folder / f"{name}.py"
        reduced = normalised(path.read_text(encoding="utf-8"))
        if reduced in sources:
            path.unlink()
        sources.add(reduced)
    (folder / "written.json").write_text(json.dumps(refused))


if __name__ == "__main__":
    main()
