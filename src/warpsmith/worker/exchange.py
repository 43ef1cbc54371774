"""The two arenas through which inputs reach a candidate and outputs come back, on the reference side.

What lies in them may be written by a candidate, so nothing is ever computed from it here: inputs
are compared by a fingerprint with weights that no candidate can know. Knows no reference.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from typing import Any

import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.worker.arena import Arena
from warpsmith.worker.draws import Placed
from warpsmith.worker.steps import TensorLeaf, Tree
from warpsmith.worker.trees import (
    RED_ZONE_BYTES,
    TreeError,
    extent_bytes,
    offsets,
    packed,
    rebuild,
    tensor_leaves,
    views,
)

# Inputs lie elsewhere with every draw, at the same place for all who are compared: fresh addresses,
# and no one layout that could favour a side for a whole race. On a GPU they move by whole pages, so
# that the alignment stays that of an allocation.
PLACES = 16
PLACE_BYTES = {"cpu": 256, "cuda": 2 << 20}
POISON_BYTE = 0xFF  # NaN in every IEEE format, -1 in every integer one
STAMP_WORDS = {"cpu": 1 << 18, "cuda": 1 << 23}
# Freed blocks that torch keeps are lost to the candidate's process, which matters when memory is scarce.
SCARCE_SHARE = 0.3


class Exchange:
    """The arenas of one workload."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._inputs: Arena | None = None
        self._outputs: Arena | None = None
        self._last: Placed | None = None
        self._kept: torch.Tensor | None = None
        self._stamp_weights: torch.Tensor | None = None
        self._stamp_factor = secrets.randbits(62) | 1

    def start_bytes(self, seed: int) -> int:
        """Return where inputs with this seed go."""
        return seed % PLACES * PLACE_BYTES[self.device.type]

    def draw_start_bytes(self, rng: random.Random) -> int:
        """Return where outputs are to be written this time."""
        return self.start_bytes(rng.randrange(PLACES))

    def put(self, tensors: Sequence[torch.Tensor], tree: Tree, start_bytes: int, outputs_bytes: int) -> None:
        """Lay inputs into the inputs arena, red zones around them; have room for outputs, too."""
        leaves = [leaf for _, leaf in tensor_leaves(tree)]
        spread_bytes = PLACES * PLACE_BYTES[self.device.type]
        self._inputs = self._room(self._inputs, offsets(leaves, RED_ZONE_BYTES)[1] + spread_bytes)
        self._outputs = self._room(self._outputs, outputs_bytes + spread_bytes)
        _fill_all(self._inputs.memory, leaves, tensors, start_bytes)

    def remember(self, placed: Placed) -> Placed:
        """Keep what was placed last."""
        self._last = placed
        return placed

    def live(self, placed: Placed) -> Any:
        """Return the inputs as they lie in the arena now, which a candidate may have written."""
        return rebuild(placed.inputs, iter(self.placed_tensors(placed)))

    def placed_tensors(self, placed: Placed) -> list[torch.Tensor]:
        """Return views of the inputs in the arena, in the order of their leaves."""
        leaves = [leaf for _, leaf in tensor_leaves(placed.inputs)]
        return views(self.inputs.memory, leaves, start=placed.start_bytes, gap=RED_ZONE_BYTES)

    def unchanged(self, placed: Placed) -> bool:
        """Say whether the inputs arena, red zones included, still holds what `placed` put there."""
        return self.stamp() == placed.stamp

    @property
    def last(self) -> Placed:
        """What was placed last."""
        if self._last is None:
            raise InfrastructureError("nothing was placed yet")
        return self._last

    @property
    def inputs(self) -> Arena:
        """The arena that the last draw filled."""
        return _present(self._inputs)

    @property
    def outputs(self) -> Arena:
        """The arena with room for every output that was expected before the last draw."""
        return _present(self._outputs)

    def _room(self, arena: Arena | None, size_bytes: int) -> Arena:
        if arena is not None and arena.memory.numel() >= size_bytes:
            return arena
        if arena is not None:
            arena.close()
        return Arena.create(size_bytes, self.device)

    def snapshot(
        self, tree: Tree, state: Sequence[TensorLeaf], start_bytes: int = 0
    ) -> list[torch.Tensor] | None:
        """Return what lies in the outputs arena, in memory of our own; None where it can't fit.

        Good until the next one is taken: the memory is kept, since making it anew takes longer than
        the copy, and no two times the same.

        Args:
            tree: the outputs, as described by the untrusted side.
            state: exported buffers, after them.
            start_bytes: where the first of them begins.

        Raises:
            TreeError: the description makes no sense.
        """
        leaves = packed([*(leaf for _, leaf in tensor_leaves(tree)), *state])
        memory = self.outputs.memory
        end = offsets(leaves)[1]
        if start_bytes + end > memory.numel():
            return None
        if self._kept is None or self._kept.numel() < memory.numel():
            self._kept = torch.empty_like(memory)
        self._kept[:end].copy_(memory[start_bytes : start_bytes + end])
        try:
            found = views(self._kept, leaves)
        except (RuntimeError, TypeError) as error:  # a dtype that is none of a number's
            raise TreeError(str(error).splitlines()[0]) from error
        synchronize(self.device)
        return found

    def poison(self) -> None:
        """Overwrite the outputs arena, so that an output never written is seen."""
        self.outputs.memory.fill_(POISON_BYTE)
        if self.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self.device)
            if free < SCARCE_SHARE * total:
                torch.cuda.empty_cache()
            synchronize(self.device)

    def stamp(self) -> tuple[int, ...]:
        """Fingerprint the inputs arena with weights the candidate can't know.

        A multilinear hash of 32-bit words with 64-bit weights, modulo 2**64; the upper half alone is
        kept, since the lower bits of a product depend on the lower bits of the word alone.
        """
        memory = self.inputs.memory
        words = memory[: memory.numel() // 4 * 4].view(torch.int32)
        size = STAMP_WORDS[self.device.type]
        if self._stamp_weights is None:
            generator = torch.Generator(self.device).manual_seed(secrets.randbits(63))
            self._stamp_weights = torch.empty(size, dtype=torch.int64, device=self.device)
            self._stamp_weights.random_(-(2**63), None, generator=generator)
        total = torch.zeros((), dtype=torch.int64, device=self.device)
        for chunk in words.split(size):
            total = total * self._stamp_factor + (chunk * self._stamp_weights[: len(chunk)]).sum()
        tail = memory[words.numel() * 4 :].tolist()
        return (int(total) >> 32, *tail)

    def close(self) -> None:
        """Give shared memory back."""
        for arena in (self._inputs, self._outputs):
            if arena is not None:
                arena.close()
        self._inputs = self._outputs = self._kept = None
        self._last = None


def fill(arena: Arena, leaves: Sequence[TensorLeaf], tensors: Sequence[torch.Tensor], start: int) -> None:
    """Copy tensors into an arena, one after the other, from `start` on."""
    for place, tensor in zip(views(arena.memory, leaves, start=start), tensors, strict=True):
        place.copy_(tensor)


def synchronize(device: torch.device) -> None:
    """Wait for a device that works asynchronously."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _fill_all(
    memory: torch.Tensor, leaves: Sequence[TensorLeaf], tensors: Sequence[torch.Tensor], start: int
) -> None:
    """Write inputs and, everywhere else, poison: every byte once."""
    end = 0
    for place, leaf in zip(offsets(leaves, RED_ZONE_BYTES)[0], leaves, strict=True):
        memory[end : start + place].fill_(POISON_BYTE)
        end = start + place + extent_bytes(leaf)
    memory[end:].fill_(POISON_BYTE)
    for view, tensor in zip(views(memory, leaves, start, RED_ZONE_BYTES), tensors, strict=True):
        view.copy_(tensor)


def _present(arena: Arena | None) -> Arena:
    if arena is None:
        raise InfrastructureError("an arena was used before anything was drawn")
    return arena
