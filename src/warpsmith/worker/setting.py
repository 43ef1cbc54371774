"""A workload made live on the reference side: the module, its weights, its inputs.

Owns the reference and the input seeds. What lies in an arena may be written by a candidate, so a
reference runs on inputs drawn again from their seed, in memory of this process. Never imports
candidate code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import _disable_current_modes

from warpsmith.core.problem import Tolerance, Workload
from warpsmith.core.seeds import derive
from warpsmith.worker.arena import Arena
from warpsmith.worker.baselines import make_baseline
from warpsmith.worker.bounds import Bounds
from warpsmith.worker.compare import mismatch_of_trees
from warpsmith.worker.domain import Domain
from warpsmith.worker.draws import Expected, Placed
from warpsmith.worker.exchange import Exchange, fill, synchronize
from warpsmith.worker.families import FAMILIES, OWN, changed, is_free, touchable, touched
from warpsmith.worker.inputs import LoadedProblem, ProblemError, seed_all
from warpsmith.worker.oracle import Oracle
from warpsmith.worker.roofline import Forward
from warpsmith.worker.scale import scales_of
from warpsmith.worker.shapes import cropped
from warpsmith.worker.steps import Construct, ScalarLeaf, TensorLeaf, Tree
from warpsmith.worker.trees import (
    TreeError,
    describe,
    dtype_name,
    leaf_of,
    leaves_of,
    offsets,
    packed,
    rebuild,
    tensor_leaves,
    tensors_of,
)
from warpsmith.worker.weights import varied_init, vary

T = TypeVar("T")
# Of an output's own scale: what is smaller is what cancellations leave.
COLLAPSED = 1e-6


class Setting:
    """The live reference of one workload.

    Attributes:
        exchange: the arenas that a candidate shares with us.
        bounds: the least time for the declared inputs, by two measures.
        output_tree: form of the output on the inputs as declared.
        updated: names of the buffers that a call changes.
        updated_leaves: and their form.
        may_alias: whether the output shares memory with inputs or weights.
    """

    def __init__(
        self,
        problem: LoadedProblem,
        workload: Workload,
        device: torch.device,
        seed: int,
        *,
        is_varying: bool = True,
    ) -> None:
        self.problem = problem
        self.workload = workload
        self.device = device
        self._seed = derive(seed, "workload", workload.name)
        self._arguments = problem.init_inputs(workload, self._seed, device)
        self._construct_seed = derive(self._seed, "construct")
        self._prepared: dict[str, Callable[..., Any]] = {}
        self.exchange = Exchange(device)
        self._oracle: Oracle | None = None
        self._own_scales: list[float] | None = None
        self._domain = Domain(self.expect_of, self.tolerance_for, lambda: self.oracle_lacks)
        self._draws_numbers = False
        self.may_alias = False
        self.bounds = Bounds(workload, device, self._metered, derive(self._seed, "floor", "places"))
        self._outputs_bytes = 0
        pilot = self._settle(is_varying=is_varying)
        self.output_tree = pilot.tree
        self.updated = tuple(pilot.state)
        self.updated_leaves = {name: leaf_of(tensor) for name, tensor in pilot.state.items()}

    def _settle(self, *, is_varying: bool) -> Expected:
        """Construct the module, its weights varied where it can bear that; return a pilot's outputs."""
        try:
            if is_varying:
                self._construct(is_varied=True)
                pilot = self.expect_of(("pilot",), exact=False)
                if pilot.is_finite():
                    return pilot
        except ProblemError:
            pass  # not everyone takes other weights; without them it is the problem's own failure
        self._construct(is_varied=False)
        return self.expect_of(("pilot",), exact=False)

    def _construct(self, *, is_varied: bool) -> None:
        self.is_varied = is_varied
        with varied_init(is_on=is_varied):
            self.model = self.problem.construct(
                self._arguments, self.workload, self._construct_seed, self.device
            )
        if is_varied:
            generator = torch.Generator(self.device).manual_seed(derive(self._seed, "vary"))
            vary(self.model, generator)
        self._pristine = {name: t.detach().clone() for name, t in self._named().items()}

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
        fill(arena, leaves, list(tensors_of(arguments)), 0)
        fill(arena, list(state.values()), list(self._pristine.values()), end)
        synchronize(self.device)
        step = Construct(
            arguments=tree,
            seed=self._construct_seed,
            state=state,
            dtype=self.workload.dtype,
            training=bool(getattr(self.model, "training", False)),
            varied=self.is_varied,
            may_alias=self.may_alias,
            arena=arena.handle,
        )
        return step, arena

    def place(self, *labels: str | int, family: str = OWN, at: int | None = None, touch: int = 0) -> Placed:
        """Draw inputs from the seed that `labels` name and put them into the inputs arena.

        Computes nothing of the reference. Around every input lie red zones of NaN.

        Args:
            labels: what to derive the seed from.
            family: an input family of `families()`, or a shape of `crops()`.
            at: `start_bytes` of an earlier draw, to use its addresses again; None goes elsewhere.
            touch: how many elements of each floating input then take another value of its own.

        Raises:
            ProblemError: the problem's code failed, or its inputs can't cross to a candidate.
        """
        tree, live = self._drawn(labels, family, touch)
        seed = self._seed_of(labels)
        start = self.exchange.start_bytes(derive(seed, "place", family, touch)) if at is None else at
        self.exchange.put(list(tensors_of(live)), tree, start, self._outputs_bytes)
        stamp = self.exchange.stamp()
        return self.exchange.remember(Placed(tree, start, derive(seed, "run"), stamp, labels, family, touch))

    def _seed_of(self, labels: tuple[str | int, ...]) -> int:
        return derive(self._seed, "inputs", *labels)

    def _drawn(self, labels: tuple[str | int, ...], family: str = OWN, touch: int = 0) -> tuple[Tree, Any]:
        """Return inputs in private memory."""
        seed = self._seed_of(labels)
        made = self.problem.inputs(self.workload, seed, self.device)
        values = made if isinstance(made, dict) else list(made)
        tree = describe(values)
        self._refuse_what_cannot_cross(tree, "input")
        tensors = list(tensors_of(values))
        del made, values  # one at a time is changed, and then there is one copy of it
        if family in FAMILIES:
            generator = torch.Generator(self.device).manual_seed(derive(seed, "family", family))
            for place, tensor in enumerate(tensors):
                tensors[place] = changed(tensor, family, generator) if is_free(tensor) else tensor
        elif family != OWN:
            crop = self._domain.crop(family)
            tensors = [cropped(t, crop) for t in tensors]
        if touch:
            generator = torch.Generator(self.device).manual_seed(derive(seed, "touch", touch))
            chosen = touchable(tensors)
            tensors = [touched(t, touch, generator) if c else t for t, c in zip(tensors, chosen, strict=True)]
        live = rebuild(tree, iter(tensors))
        return describe(live), live

    def _refuse_what_cannot_cross(self, tree: Tree, what: str) -> None:
        for path, leaf in leaves_of(tree, what):
            if not _can_cross(leaf):
                raise ProblemError(
                    f"problem {self.problem.problem.name!r}: {path} can't be handed to a candidate"
                )

    def expect(self, placed: Placed, *, exact: bool = True) -> Expected:
        """Return what the reference makes of the inputs of `placed`, drawn again; the arena is not read.

        Args:
            placed: the draw.
            exact: also run in float64 where the problem allows.

        Raises:
            ProblemError: the problem's code failed, or returned what can't be compared.
        """
        return self.expect_of(placed.labels, placed.family, placed.touch, exact=exact)

    def expect_of(  # noqa: PLR0913 - one draw, and what to make of it
        self,
        labels: tuple[str | int, ...],
        family: str = OWN,
        touch: int = 0,
        *,
        exact: bool = True,
        changing: Callable[[torch.Tensor], torch.Tensor] | None = None,
        has_changed_weights: bool = False,
    ) -> Expected:
        """Return what the reference makes of a draw that need not be placed anywhere.

        Args:
            labels: what the draw's seed is derived from, as for `place`.
            family: as for `place`.
            touch: as for `place`.
            exact: also run in float64 where the problem allows.
            changing: what to do to every input first.
            has_changed_weights: do it to the weights, too.

        Raises:
            ProblemError: as `expect`.
        """
        _, live = self._drawn(labels, family, touch)
        if changing is not None:
            live = rebuild(describe(live), map(changing, tensors_of(live)))
        run_seed = derive(self._seed_of(labels), "run")
        tensors = list(tensors_of(live))
        versions = [tensor._version for tensor in tensors]  # noqa: SLF001 - counts writes, at no cost
        self.reset()
        if changing is not None and has_changed_weights:
            for tensor in self._named().values():
                tensor.detach().copy_(changing(tensor.detach()))
        seed_all(run_seed)
        generators = _generator_states(self.device)
        values = self.problem.forward(self.model, live)
        self._draws_numbers = any(map(_differ, generators, _generator_states(self.device)))
        after = None
        if [tensor._version for tensor in tensors] != versions:  # noqa: SLF001
            after = tensors
            _, live = self._drawn(labels, family, touch)
        values = self._own_memory(values, tensors)
        buffers = dict(self.model.named_buffers()) if isinstance(self.model, torch.nn.Module) else {}
        state = {
            name: tensor.detach().clone()
            for name, tensor in buffers.items()
            if name in self._pristine and not torch.equal(tensor, self._pristine[name])
        }
        tree = describe(values)
        self._refuse_odd_outputs(tree)
        answer = None
        if exact and not self._draws_numbers:
            answer = self.oracle.answer(live, values, self._pristine, run_seed, family)
        found = Expected(values, tree, state, after, answer, live, run_seed)
        if family == OWN and changing is None and self._own_scales is None:
            self._own_scales = scales_of(tensors_of(values))
        self._outputs_bytes = max(self._outputs_bytes, _outputs_bytes(found))
        return found

    def collapsed(self, expected: Expected) -> set[int]:
        """Return which outputs have next to nothing left, by what the problem's own inputs make of them.

        What is left is how the reference rounds (gelu far below zero), and no one else need round so.
        """
        pairs = zip(scales_of(tensors_of(expected.values)), self._own_scales or (), strict=False)
        return {place for place, (scale, own) in enumerate(pairs) if scale < COLLAPSED * own}

    @property
    def oracle(self) -> Oracle:
        """The float64 twin of the reference, made when it is first asked for."""
        if self._oracle is None:
            self._oracle = Oracle(self.problem, self.model, self.tolerance_for)
        return self._oracle

    @property
    def oracle_lacks(self) -> str:
        """Why there is no float64 oracle; empty where there is one, or none was asked for yet."""
        if self._draws_numbers:
            return "the reference draws random numbers"
        return self._oracle.lacks if self._oracle else ""

    def tolerance_for(self, dtype: str) -> Tolerance:
        """Return the problem's tolerance for an output of `dtype`."""
        return self.problem.problem.tolerance_for(dtype)

    @property
    def float_dtypes(self) -> tuple[str, ...]:
        """Floating dtypes of what was placed last, of the weights and of the outputs."""
        trees = (self.exchange.last.inputs, self.output_tree)
        named = [leaf.dtype for tree in trees for _, leaf in tensor_leaves(tree)]
        named += [dtype_name(tensor.dtype) for tensor in self._pristine.values()]
        return tuple(sorted({name for name in named if "float" in name}))

    def families(self) -> tuple[str, ...]:
        """Return the input families in this workload's domain, `own` first; asked of the reference once."""
        return self._domain.families()

    def crops(self) -> tuple[str, ...]:
        """Return the shapes derived from the declared ones that the reference takes, two at most."""
        return self._domain.crops()

    def _metered(self, measure: Callable[[Forward, list[torch.Tensor], list[torch.Tensor]], T]) -> T | None:
        """Return what `measure` makes of the reference, its inputs and weights, which are then restored."""
        _, live = self._drawn(("floor",))
        run_seed = derive(self._seed, "floor", "run")

        def forward() -> list[torch.Tensor]:
            if self.updated:
                with _disable_current_modes():  # no part of what is measured
                    self.reset()
            seed_all(run_seed)
            return list(tensors_of(self.problem.forward(self.model, live)))

        try:
            return measure(forward, list(tensors_of(live)), list(self._named().values()))
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            return None
        except ProblemError:
            return None  # not every reference bears what the probe plants, or the meter
        finally:
            self.reset()

    def _own_memory(self, value: Any, inputs: Sequence[torch.Tensor]) -> Any:
        """Clone what shares memory with inputs or weights: both change under it."""
        foreign = {tensor.untyped_storage().data_ptr() for tensor in inputs}
        foreign |= {tensor.untyped_storage().data_ptr() for tensor in self._named().values()}
        tensors = []
        for tensor in tensors_of(value):
            is_foreign = tensor.layout == torch.strided and tensor.untyped_storage().data_ptr() in foreign
            self.may_alias |= is_foreign
            tensors.append(tensor.clone() if is_foreign else tensor.detach())
        try:
            return rebuild(describe(value), iter(tensors))
        except TreeError as error:
            name = self.problem.problem.name
            raise ProblemError(f"problem {name!r} returns what can't be compared: {error}") from error

    def _refuse_odd_outputs(self, tree: Tree) -> None:
        for path, leaf in tensor_leaves(tree):
            if leaf.type_name:
                raise ProblemError(f"problem {self.problem.problem.name!r}: {path} is a {leaf.type_name}")

    def forward_again(self, expected: Expected) -> bool:
        """Say whether a second call, without restoring state or seed, leaves the same behind."""
        live = rebuild(describe(expected.inputs), (t.clone() for t in tensors_of(expected.inputs)))
        self.reset()
        seed_all(expected.run_seed)
        self.problem.forward(self.model, live)
        again = self.problem.forward(self.model, live)
        if mismatch_of_trees(describe(again), expected.tree):
            return False
        state = self._named()
        pairs = [*zip(tensors_of(again), tensors_of(expected.values), strict=True)]
        pairs += [(state[name], value) for name, value in expected.state.items()]
        return all(torch.equal(a, b) for a, b in pairs)

    def reset(self) -> None:
        """Restore the reference's weights and buffers."""
        for name, tensor in self._named().items():
            if name in self._pristine:
                tensor.detach().copy_(self._pristine[name])

    def baseline(self, name: str) -> Callable[..., Any]:
        """Return the baseline, prepared once for each workload."""
        if name not in self._prepared:
            self._prepared[name] = make_baseline(name).prepare(self.model)
        return self._prepared[name]


def _can_cross(leaf: Tree) -> bool:
    if isinstance(leaf, TensorLeaf):
        return not leaf.type_name
    return isinstance(leaf, ScalarLeaf)


def _outputs_bytes(expected: Expected) -> int:
    leaves = [leaf for _, leaf in tensor_leaves(expected.tree)]
    leaves += [leaf_of(tensor) for tensor in expected.state.values()]
    return offsets(packed(leaves))[1]


def _generator_states(device: torch.device) -> list[torch.Tensor]:
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    return not torch.equal(one, other)
