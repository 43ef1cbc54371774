"""A workload made live on the reference side: the module, its weights, inputs in shared memory.

Owns the references, the input seeds and the arenas. Never imports candidate code.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.problem import Workload
from warpsmith.core.seeds import derive
from warpsmith.worker.arena import Arena
from warpsmith.worker.baselines import make_baseline
from warpsmith.worker.compare import mismatch_of_trees
from warpsmith.worker.inputs import LoadedProblem, ProblemError, seed_all
from warpsmith.worker.steps import Construct, ScalarLeaf, TensorLeaf, Tree
from warpsmith.worker.trees import (
    TreeError,
    describe,
    leaf_of,
    leaves_of,
    offsets,
    packed,
    rebuild,
    tensor_leaves,
    tensors_of,
    views,
)

# Inputs lie elsewhere with every draw, at the same place for all who are compared: fresh addresses,
# and no one layout that could favour a side for a whole race. On a GPU they move by whole pages, so
# that the alignment stays that of an allocation.
PLACES = 16
PLACE_BYTES = {"cpu": 256, "cuda": 2 << 20}
POISON_BYTE = 0xFF  # NaN in every IEEE format, -1 in every integer one
STAMP_CHUNK = 1 << 22
# Freed blocks that torch keeps are lost to the candidate's process; below this they don't matter.
HOARD_BYTES = 1 << 30


class Draw(NamedTuple):
    """One set of inputs, in the inputs arena, and what the reference makes of them."""

    inputs: Tree
    live: Any
    expected: Any
    expected_tree: Tree
    state: dict[str, torch.Tensor]
    changed_inputs: list[torch.Tensor] | None
    run_seed: int
    start_bytes: int
    stamp: tuple[int, int]


class Setting:
    """The live reference of one workload."""

    def __init__(self, problem: LoadedProblem, workload: Workload, device: torch.device, seed: int) -> None:
        self.problem = problem
        self.workload = workload
        self.device = device
        self._seed = derive(seed, "workload", workload.name)
        self._arguments = problem.init_inputs(workload, self._seed, device)
        self._construct_seed = derive(self._seed, "construct")
        self.model = problem.construct(self._arguments, workload, self._construct_seed, device)
        self._pristine = {name: t.detach().clone() for name, t in self._named().items()}
        self._prepared: dict[str, Callable[..., Any]] = {}
        self._inputs: Arena | None = None
        self._start_bytes = 0
        self._outputs: Arena | None = None
        self._weights: tuple[int, int] = (secrets.randbits(62) | 1, secrets.randbits(62))

    def _named(self) -> dict[str, torch.Tensor]:
        if not isinstance(self.model, torch.nn.Module):
            return {}
        return {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}

    def construct_step(self) -> tuple[Construct, Arena]:
        """Return the step that gives a candidate its arguments and weights, and the arena it names."""
        arguments = self._arguments if isinstance(self._arguments, dict) else list(self._arguments)
        tree = describe(arguments)
        self._refuse_what_cannot_cross(tree, "init input")
        leaves = [leaf for _, leaf in tensor_leaves(tree)]
        state = {name: leaf_of(tensor) for name, tensor in self._pristine.items()}
        end = offsets(leaves)[1]
        arena = Arena.create(end + offsets(list(state.values()))[1], self.device)
        _fill(arena, leaves, list(tensors_of(arguments)), 0)
        _fill(arena, list(state.values()), list(self._pristine.values()), end)
        _synchronize(self.device)
        step = Construct(
            arguments=tree,
            seed=self._construct_seed,
            state=state,
            dtype=self.workload.dtype,
            training=bool(getattr(self.model, "training", False)),
            arena=arena.handle,
        )
        return step, arena

    def draw(self, *labels: str | int) -> Draw:
        """Draw inputs from the seed that `labels` name, and compute what the reference returns.

        Raises:
            ProblemError: the problem's code failed, or its inputs can't cross to a candidate.
        """
        seed = derive(self._seed, "inputs", *labels)
        tree, live = self._place_inputs(seed)
        self.reset()
        run_seed = derive(seed, "run")
        before = self.stamp()
        seed_all(run_seed)
        expected = self._own_memory(self.problem.forward(self.model, live))
        changed = None
        if self.stamp() != before:
            changed = [tensor.clone() for tensor in tensors_of(live)]
            tree, live = self._place_inputs(seed)
        buffers = dict(self.model.named_buffers()) if isinstance(self.model, torch.nn.Module) else {}
        state = {n: t.detach().clone() for n, t in buffers.items() if not torch.equal(t, self._pristine[n])}
        expected_tree = describe(expected)
        self._refuse_odd_outputs(expected_tree)
        leaves = [leaf for _, leaf in tensor_leaves(expected_tree)] + [leaf_of(t) for t in state.values()]
        self._outputs = self._room(self._outputs, offsets(packed(leaves))[1])
        stamp = self.stamp()
        return Draw(tree, live, expected, expected_tree, state, changed, run_seed, self._start_bytes, stamp)

    def _place_inputs(self, seed: int) -> tuple[Tree, Any]:
        made = self.problem.inputs(self.workload, seed, self.device)
        values = made if isinstance(made, dict) else list(made)
        tree = describe(values)
        self._refuse_what_cannot_cross(tree, "input")
        leaves = [leaf for _, leaf in tensor_leaves(tree)]
        place_bytes = PLACE_BYTES[self.device.type]
        self._inputs = self._room(self._inputs, offsets(leaves)[1] + PLACES * place_bytes)
        self._start_bytes = derive(seed, "place") % PLACES * place_bytes
        placed = _fill(self.inputs, leaves, list(tensors_of(values)), self._start_bytes)
        return tree, rebuild(tree, iter(placed))

    def _refuse_what_cannot_cross(self, tree: Tree, what: str) -> None:
        for path, leaf in leaves_of(tree, what):
            if not _can_cross(leaf):
                raise ProblemError(
                    f"problem {self.problem.problem.name!r}: {path} can't be handed to a candidate"
                )

    @property
    def inputs(self) -> Arena:
        """The arena that the last draw filled."""
        return _present(self._inputs)

    @property
    def outputs(self) -> Arena:
        """The arena with room for what the last draw expects."""
        return _present(self._outputs)

    def _room(self, arena: Arena | None, size_bytes: int) -> Arena:
        if arena is not None and arena.memory.numel() >= size_bytes:
            return arena
        if arena is not None:
            arena.close()
        return Arena.create(size_bytes, self.device)

    def _own_memory(self, value: Any) -> Any:
        """Clone what shares memory with inputs or weights: a candidate may write there."""
        foreign = {self.inputs.memory.untyped_storage().data_ptr()}
        foreign |= {tensor.untyped_storage().data_ptr() for tensor in self._named().values()}
        tensors = [
            t.clone()
            if t.layout == torch.strided and t.untyped_storage().data_ptr() in foreign
            else t.detach()
            for t in tensors_of(value)
        ]
        try:
            return rebuild(describe(value), iter(tensors))
        except TreeError as error:
            name = self.problem.problem.name
            raise ProblemError(f"problem {name!r} returns what can't be compared: {error}") from error

    def _refuse_odd_outputs(self, tree: Tree) -> None:
        for path, leaf in tensor_leaves(tree):
            if leaf.type_name:
                raise ProblemError(f"problem {self.problem.problem.name!r}: {path} is a {leaf.type_name}")

    def forward_again(self, draw: Draw) -> bool:
        """Say whether a further call, without restoring state or seed, leaves the same behind."""
        again = self.problem.forward(self.model, draw.live)
        if mismatch_of_trees(describe(again), draw.expected_tree):
            return False
        state = self._named()
        pairs = [*zip(tensors_of(again), tensors_of(draw.expected), strict=True)]
        pairs += [(state[name], value) for name, value in draw.state.items()]
        return all(torch.equal(a, b) for a, b in pairs)

    def poison(self) -> None:
        """Overwrite the outputs arena, so that an output never written is seen."""
        self.outputs.memory.fill_(POISON_BYTE)
        if self.device.type == "cuda":
            if (
                torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
                > HOARD_BYTES
            ):
                torch.cuda.empty_cache()
            _synchronize(self.device)

    def stamp(self) -> tuple[int, int]:
        """Fingerprint the inputs arena with weights the candidate can't know."""
        words = self.inputs.memory[: self.inputs.memory.numel() // 8 * 8].view(torch.int64)
        plain, weighted = 0, 0
        multiplier, offset = self._weights
        for start in range(0, words.numel(), STAMP_CHUNK):
            chunk = words[start : start + STAMP_CHUNK]
            places = torch.arange(start, start + chunk.numel(), device=self.device)
            plain += int(chunk.sum())
            weighted += int((chunk * (places * multiplier + offset)).sum())
        return plain, weighted

    def reset(self) -> None:
        """Restore the reference's weights and buffers."""
        for name, tensor in self._named().items():
            tensor.detach().copy_(self._pristine[name])

    def baseline(self, name: str) -> Callable[..., Any]:
        """Return the baseline, prepared once for each workload."""
        if name not in self._prepared:
            self._prepared[name] = make_baseline(name).prepare(self.model)
        return self._prepared[name]

    def close_arenas(self) -> None:
        """Give shared memory back; the live module and its baselines stay."""
        for arena in (self._inputs, self._outputs):
            if arena is not None:
                arena.close()
        self._inputs = self._outputs = None


def _present(arena: Arena | None) -> Arena:
    if arena is None:
        raise InfrastructureError("an arena was used before anything was drawn")
    return arena


def _can_cross(leaf: Tree) -> bool:
    if isinstance(leaf, TensorLeaf):
        return not leaf.type_name
    return isinstance(leaf, ScalarLeaf)


def _fill(
    arena: Arena, leaves: list[TensorLeaf], tensors: list[torch.Tensor], start: int
) -> list[torch.Tensor]:
    places = views(arena.memory, leaves, start=start)
    for place, tensor in zip(places, tensors, strict=True):
        place.copy_(tensor)
    return places


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
