"""The untrusted process: it imports a candidate, calls it and times it.

It never holds a reference source or output, a tolerance, or a seed of inputs; it has
one socket, over which it describes what the candidate returned, and two spans of
shared memory. Whatever it says may be a lie: the reference side believes nothing
but the bytes it compares itself.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from warpsmith.core.errors import RecordError
from warpsmith.worker.arena import Arena
from warpsmith.worker.backends import BACKENDS
from warpsmith.worker.backends.cuda import ARCHITECTURE_VARIABLE
from warpsmith.worker.builds.lean import HEADERS_VARIABLE
from warpsmith.worker.builds.parcel import pack, unpack
from warpsmith.worker.census import take_census
from warpsmith.worker.current_device import make_current
from warpsmith.worker.facts import Watch
from warpsmith.worker.failures import failure
from warpsmith.worker.layout import Control, poison_free_memory, settled
from warpsmith.worker.precision import strict_float32
from warpsmith.worker.steps import (
    Attach,
    Construct,
    Detach,
    Done,
    Export,
    Failed,
    Load,
    Look,
    Nudge,
    Pose,
    Recall,
    Run,
    Seal,
    Step,
    StepReply,
    Survey,
    TensorLeaf,
    Tree,
)
from warpsmith.worker.timers import TIMERS
from warpsmith.worker.timers.base import Timer
from warpsmith.worker.trees import (
    RED_ZONE_BYTES,
    cast_module,
    describe,
    offsets,
    packed,
    rebuild,
    tensor_leaves,
    tensors_of,
    views,
)
from warpsmith.worker.weights import put_back, take_over, varied_init
from warpsmith.worker.wire import Channel, ChannelClosed

# What a candidate may see of the host's environment; everything else is about us.
KEPT_VARIABLES = (
    "PATH",
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CXX",
    "CC",
    "LANG",
)


def named_state(module: object) -> dict[str, torch.Tensor]:
    """Return parameters and buffers by dotted name, non-persistent buffers included."""
    if not isinstance(module, torch.nn.Module):
        return {}
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def state_at(module: object, name: str) -> torch.Tensor | None:
    """Return the parameter or buffer of this dotted name; None where there is none."""
    *path, last = name.split(".")
    for part in path:
        module = getattr(module, part, None)
    is_module = isinstance(module, torch.nn.Module)
    found = getattr(module, last, None) if is_module else None
    return found if isinstance(found, torch.Tensor) else None


class CandidateSide:
    """State of one candidate's process, from import to its end."""

    def __init__(self) -> None:
        self.path = Path()
        self.device = torch.device("cpu")
        self.entry: Callable[..., Any] | None = None
        self.module: Any = None
        self.inputs: Arena | None = None
        self.outputs: Arena | None = None
        self.source = ""
        self.watch = Watch()
        # Descriptors that go with the next answer, and are then closed here.
        self.parting: list[int] = []
        self._pristine: dict[str, torch.Tensor] = {}
        self._is_pristine = False
        self._held: list[object] = []
        self._may_alias = False
        self._layout: Tree | None = None

    def take(self, step: Step, descriptors: list[int]) -> StepReply:  # noqa: PLR0911 - one way a step
        """Carry out one step."""
        bare: dict[type, Callable[[], StepReply]] = {
            Seal: self.seal,
            Detach: self.detach,
            Recall: self.recall,
            Nudge: self.nudge,
        }
        if (ask := bare.get(type(step))) is not None:
            return ask()
        match step:
            case Load():
                return self.load(step, descriptors)
            case Pose():
                return self.pose(step)
            case Construct():
                return self.construct(step, descriptors)
            case Attach():
                return self.attach(step, descriptors)
            case Run():
                return self.run(step)
            case Export():
                return self.export(step)
            case Look():
                return self.look(step)
            case Survey():
                return self.survey(step)
        raise TypeError(f"no such step: {type(step).__name__}")

    def pose(self, step: Pose) -> StepReply:
        """Be the control of later calls; no candidate is ever loaded here."""
        torch.set_num_threads(step.threads)
        self.device = torch.device(step.device)
        make_current(self.device)
        self.module = Control()
        self.watch.before_import(Path("control"))  # hooks slow Python down, for whoever has them
        return Done()

    def load(self, step: Load, descriptors: Sequence[int] = ()) -> StepReply:
        """Import the candidate in a fresh environment and folder."""
        scratch = Path(step.scratch)
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        os.environ.clear()
        os.environ.update(
            kept,
            HOME=step.scratch,
            TMPDIR=step.scratch,
            TORCHINDUCTOR_CACHE_DIR=f"{scratch}/inductor",
            TRITON_HOME=step.scratch,  # it looked for its home when the nursery imported it
            TRITON_CACHE_DIR=f"{scratch}/triton",
            CUDA_CACHE_PATH=f"{scratch}/cuda",
        )
        os.chdir(scratch)
        torch.set_num_threads(step.threads)
        strict_float32()
        self.device = torch.device(step.device)
        backend = BACKENDS.make(step.backend)
        # A candidate's device need not be touched to know what to build for.
        os.environ.update({ARCHITECTURE_VARIABLE: step.architecture} if step.architecture else {})
        os.environ.update({HEADERS_VARIABLE: step.headers} if step.headers else {})
        os.environ.update(backend.environment(scratch, step.device))
        for descriptor in descriptors:
            unpack(descriptor, scratch)
            os.close(descriptor)
        self.path = scratch / "candidate.py"
        self.path.write_text(step.source, encoding="utf-8")
        self.source = step.source
        self.watch.before_import(self.path)
        self.entry = backend.build(self.path, step.entry)
        return Done()

    def seal(self) -> StepReply:
        """Pack what the import has compiled."""
        if self.module is None and (parcel := pack(self.path.parent)) is not None:
            self.parting.append(parcel)
        return Done()

    def construct(self, step: Construct, descriptors: list[int]) -> StepReply:
        """Make the module and hand it the reference's weights."""
        if self.entry is None:
            raise RuntimeError("the candidate was not loaded")
        make_current(self.device)  # not when it is loaded, which may be before its turn on the device
        arena = Arena.attach(step.arena, self.device, descriptors.pop() if descriptors else None)
        arguments, end = _take(step.arguments, arena.memory)
        _seed(step.seed)
        with torch.device(self.device), varied_init(is_on=step.varied) as redrawn:
            self.module = self.entry(**arguments) if isinstance(arguments, dict) else self.entry(*arguments)  # type: ignore[misc]
        if isinstance(self.module, torch.nn.Module):
            cast_module(self.module, torch.device(self.device), step.dtype)
            # Only where it differs: a module in training mode may hold parts that its author froze.
            if self.module.training != step.training:
                self.module.train(step.training)
        given = dict(zip(step.state, views(arena.memory, list(step.state.values()), start=end), strict=True))
        loaded, own = take_over(named_state(self.module), given)
        put_back(named_state(self.module), own, redrawn)
        self._pristine = {name: tensor.detach().clone() for name, tensor in named_state(self.module).items()}
        self._may_alias = step.may_alias
        self._synchronize()
        arena.close()
        return Done(loaded=loaded, own=own)

    def detach(self) -> StepReply:
        """Let go of the last workload's arenas."""
        for arena in (self.inputs, self.outputs):
            if arena is not None:
                arena.close()
        self.inputs = self.outputs = None
        if isinstance(self.module, Control):
            self.module.forget()
            self._held, self._layout = [], None
            if self.device.type == "cuda":
                torch.cuda.empty_cache()  # it outlives the candidate, and others need the room
        return Done()

    def attach(self, step: Attach, descriptors: list[int]) -> StepReply:
        """Map a workload's arenas in place of the last one's."""
        self.detach()
        first, second = descriptors if descriptors else (None, None)
        self._held = []
        self.inputs = Arena.attach(step.inputs, self.device, first)
        self.outputs = Arena.attach(step.outputs, self.device, second)
        if isinstance(self.module, Control):
            self.module.hold(step.state, self.device)
        return Done()

    def run(self, step: Run) -> StepReply:
        """Call the module once on what lies in the inputs arena, and write out what it returned."""
        inputs = self._before(step)
        kept: list[object] = []

        def call() -> None:
            kept.append(settled(self._called(inputs), step.layout))

        if isinstance(self.module, Control) and step.layout is not None:
            self.module.pose(step.layout, self.device, step.idle_ns)
        timer = _timer(step.timer)
        self.watch.start()
        with torch.no_grad():
            samples = timer.sample(call, 1, str(self.device))
        self._synchronize()
        # The output before this one stays alive for one more call: who writes to it now is seen.
        self._held = [*self._held[-1:], kept[0]]
        self._layout = step.layout
        return Done(outputs=describe(kept[0]), stated_ns=samples[0])

    def export(self, step: Export) -> StepReply:
        """Write out what the last call returned."""
        return self._export(self._held[-1], step.state, step.start_bytes)

    def recall(self) -> StepReply:
        """Write out again what the call before the last one returned."""
        return self._export(self._held[0], (), 0)

    def nudge(self) -> StepReply:
        """Run the least that makes the device switch to this process."""
        torch.zeros(1, device=self.device)
        self._synchronize()
        return Done()

    def survey(self, step: Survey) -> StepReply:
        """Call the module once under the profiler."""
        inputs = self._before(step)
        with torch.no_grad():
            census = take_census(lambda: self._called(inputs), self.device, self.path.parent, self.source)
        return Done(census=census)

    def _before(self, step: Run | Survey) -> object:
        """Make everything before a call what it is before every call."""
        if self.inputs is None or self.outputs is None:
            raise RuntimeError("no arenas were attached")
        inputs, _ = _take(step.inputs, self.inputs.memory, step.start_bytes, gap=RED_ZONE_BYTES)
        if isinstance(step, Run) and step.reset_state:
            self._restore()
        self._is_pristine = False
        strict_float32()
        _seed(step.seed)
        return inputs

    def _restore(self) -> None:
        if not self._is_pristine:
            # What a candidate registers in its first call is its own affair: it has no state to go back to.
            for name in self._pristine.keys() & (state := named_state(self.module)).keys():
                state[name].detach().copy_(self._pristine[name])
            self._synchronize()
        self._is_pristine = True

    def _called(self, inputs: object) -> object:
        return self.module(**inputs) if isinstance(inputs, dict) else self.module(*inputs)  # type: ignore[misc]

    def look(self, step: Look) -> StepReply:
        """Say what the last call left behind, and make the state what it was before."""
        facts = self.watch.stop(
            outputs=list(tensors_of(self._held[-1])) if self._held else [],
            inputs=[self.inputs.memory] if self.inputs else [],
            weights=list(named_state(self.module).values()),
            previous_outputs=[t for kept in self._held[:-1] for t in tensors_of(kept)],
            may_alias=self._may_alias,
        )
        if step.reset_state:
            self._restore()
        # For the next call, and no part of it; a control makes no memory, and would only hold more of it.
        if self._layout is not None and not isinstance(self.module, Control):
            poison_free_memory(self._layout, self.device)
        return Done(facts=facts)

    def _export(self, output: object, names: tuple[str, ...], start_bytes: int) -> Done:
        module = self.module.state if isinstance(self.module, Control) else self.module
        # Walking through a large module takes longer than the rest, and is no part of what is timed.
        state = {name: state_at(module, name) for name in names}
        exported = {name: tensor.detach() for name, tensor in state.items() if tensor is not None}
        tree = describe(output)
        tensors = [*tensors_of(output), *exported.values()]
        described = describe(list(exported.values()))
        leaves = packed([leaf for _, leaf in tensor_leaves(tree) + tensor_leaves(described)])
        memory = self.outputs.memory if self.outputs else torch.empty(0)
        is_plain = all(not leaf.type_name and leaf.device_type == self.device.type for leaf in leaves)
        # What is odd or too large is only described; the reference side refuses it by its description.
        if is_plain and start_bytes + offsets(leaves)[1] <= memory.numel():
            for place, tensor in zip(views(memory, leaves, start_bytes), tensors, strict=True):
                place.copy_(tensor)
        self._synchronize()
        leaf_by_name = {
            name: leaf for name, (_, leaf) in zip(exported, tensor_leaves(described), strict=True)
        }
        return Done(outputs=tree, state=leaf_by_name)

    def _synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _seed(seed: int) -> None:
    """Seed what `torch.manual_seed` would, at a tenth of its time, which is part of every way there."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.default_generators[torch.cuda.current_device()].manual_seed(seed)
    random.seed(seed)


def _take(tree: Tree, memory: torch.Tensor, start: int = 0, gap: int = 0) -> tuple[object, int]:
    leaves: list[TensorLeaf] = [leaf for _, leaf in tensor_leaves(tree)]
    tensors: Iterator[torch.Tensor] = iter(views(memory, leaves, start=start, gap=gap))
    return rebuild(tree, tensors), offsets(leaves, gap)[1]


@functools.cache
def _timer(name: str) -> Timer:
    """Return the timer, looked up once: going through all installed packages takes milliseconds."""
    return TIMERS.make(name)


def serve(channel: Channel) -> None:
    """Answer steps until the reference side closes the channel."""
    side = CandidateSide()
    while True:
        try:
            step: Step = channel.receive(Step)
        except ChannelClosed:
            return
        try:
            reply = side.take(step, channel.take_descriptors())
        except BaseException as error:  # noqa: BLE001 - candidate code may raise anything, SystemExit included
            reply = failure(error, step, side.path)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the candidate may have closed or replaced them
                stream.flush()
        try:
            channel.send(reply, side.parting)
        except (UnicodeEncodeError, RecordError) as error:
            # Text that is no text, as a key or as a value, can't be what the reference returns.
            channel.send(
                Failed(check="structure", message=f"the candidate returned what can't be sent: {error}")
            )
        while side.parting:
            os.close(side.parting.pop())
