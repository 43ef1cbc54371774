"""Make a problem live: its module, and its inputs on the target device from a seed.

Runs problem code, which the user trusts, and never candidate code. Inputs are drawn
where they are needed: 6 GB drawn on one CPU core is half a minute, on a GPU milliseconds.
"""

from __future__ import annotations

import inspect
import random
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import torch

from warpsmith.core.codec import text_id
from warpsmith.core.problem import Axis, Problem, Workload
from warpsmith.core.seeds import derive
from warpsmith.worker.trees import cast, cast_module

MODULE_PREFIX = "warpsmith_problem_"


class ProblemError(Exception):
    """The problem's own code failed; no candidate is to blame."""


class LoadedProblem:
    """A problem's module, executed once in this process."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        # dataclasses and torch.compile look a module up by name and remember what they found.
        name = f"{MODULE_PREFIX}{text_id(problem.source)[:16]}"
        self._module = types.ModuleType(name)
        sys.modules[name] = self._module
        self._guard("its import", self._execute)

    def _execute(self) -> None:
        code = compile(self.problem.source, f"<problem {self.problem.name}>", "exec")
        exec(code, self._module.__dict__)  # noqa: S102 - the user's own file

    def _guard(self, what: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except torch.cuda.OutOfMemoryError:
            raise
        except (Exception, SystemExit) as error:
            said = next(iter(str(error).splitlines()), "")
            raise ProblemError(
                f"problem {self.problem.name!r}: {what} raised {type(error).__name__}: {said}"
            ) from error

    def _call(self, function: str, axes: Mapping[str, Axis], device: torch.device) -> Any:
        found = getattr(self._module, function, None)
        if found is None and function == "get_init_inputs":
            return []
        if not callable(found):
            raise ProblemError(f"problem {self.problem.name!r} defines no function {function!r}")
        accepted = inspect.signature(found).parameters
        taken = {name: value for name, value in axes.items() if name in accepted}
        with torch.device(device):
            return self._guard(f"{function}()", lambda: found(**taken))

    def init_inputs(self, workload: Workload, seed: int, device: torch.device) -> Any:
        """Return what `Model` is constructed with: a list, or a dict of keyword arguments."""
        seed_all(derive(seed, "init_inputs"))
        return to_target(self._call("get_init_inputs", workload.axes, device), device, workload.dtype)

    def inputs(self, workload: Workload, seed: int, device: torch.device) -> Any:
        """Return fresh forward inputs on `device`: a list, or a dict of keyword arguments."""
        seed_all(seed)
        made = self._call("get_inputs", workload.axes, device)
        if not isinstance(made, list | tuple | dict):
            made = [made]
        return to_target(made, device, workload.dtype)

    def construct(self, arguments: Any, workload: Workload, seed: int, device: torch.device) -> Any:
        """Return the reference module on `device`, built after seeding with `seed`."""
        model = getattr(self._module, "Model", None)
        if not callable(model):
            raise ProblemError(f"problem {self.problem.name!r} defines no class 'Model'")
        seed_all(seed)
        with torch.device(device):
            made = self._guard("Model(...)", lambda: call_with(model, arguments))
        if isinstance(made, torch.nn.Module):
            cast_module(made, device, workload.dtype)
        return made

    def forward(self, model: Any, inputs: Any) -> Any:
        """Call the reference without gradients."""
        with torch.no_grad():
            return self._guard("forward", lambda: call_with(model, inputs))


def call_with(function: Callable[..., Any], arguments: Any) -> Any:
    """Call `function` with a list as positional or a dict as keyword arguments."""
    return function(**arguments) if isinstance(arguments, dict) else function(*arguments)


def seed_all(seed: int) -> None:
    """Seed every generator that a problem may draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % 2**32)


def to_target(value: Any, device: torch.device, dtype: str | None) -> Any:
    """Move a nested value's tensors to `device` and `cast` them to `dtype`."""
    if isinstance(value, torch.Tensor):
        return cast(value, device, dtype)
    if isinstance(value, dict):
        return {key: to_target(item, device, dtype) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_target(item, device, dtype) for item in value)
    return value
