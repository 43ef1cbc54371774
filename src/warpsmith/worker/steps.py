"""The messages on the trust line, and the trees in which tensors cross it by description.

The reference side sends a step, the candidate side answers; the tensors themselves
lie in arenas (`worker.arena`) at offsets that both sides compute from the shapes, so
that no offset ever comes from the untrusted side. No step holds a reference output,
a tolerance, or a seed of inputs.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, Union

import msgspec

from warpsmith.checks.evidence import Census, Facts

Tree: TypeAlias = Union["TensorLeaf", "ScalarLeaf", "OpaqueLeaf", "SequenceNode", "MappingNode"]


class TensorLeaf(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="node", tag="tensor", forbid_unknown_fields=True
):
    """A tensor by description.

    Attributes:
        dtype: e.g. `float32`.
        shape: sizes of its dimensions.
        stride: strides in elements.
        device_type: `cpu` or `cuda`.
        type_name: class it was, where that is not exactly `torch.Tensor` or `Parameter`; else empty.
    """

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    device_type: str
    type_name: str = ""


class ScalarLeaf(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="node", tag="scalar", forbid_unknown_fields=True
):
    """A number, text, dtype or None, as text, so that infinities and wide integers survive."""

    kind: Literal["none", "bool", "int", "float", "str", "dtype"]
    text: str


class OpaqueLeaf(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="node", tag="opaque", forbid_unknown_fields=True
):
    """Something that can't cross: an object of class `type_name`."""

    type_name: str


class SequenceNode(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="node", tag="sequence", forbid_unknown_fields=True
):
    """A list or a tuple."""

    kind: Literal["list", "tuple"]
    items: tuple[Tree, ...]


class MappingNode(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="node", tag="mapping", forbid_unknown_fields=True
):
    """A dict with text keys, in order."""

    keys: tuple[str, ...]
    items: tuple[Tree, ...]


class ArenaHandle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the other process maps an arena.

    Attributes:
        size_bytes: its length; the memory itself comes with the message, as a descriptor.
    """

    size_bytes: int


class Load(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="load", forbid_unknown_fields=True
):
    """Import the candidate; compile what it compiles at import.

    A descriptor that comes along is a parcel of what the same source has compiled before.

    Attributes:
        architecture: of the device, as `TORCH_CUDA_ARCH_LIST` has it; empty leaves it to the backend.
        headers: folder of small headers that stand before torch's; empty takes the packaged ones.
    """

    source: str
    backend: str
    entry: str
    device: str
    threads: int
    scratch: str
    architecture: str = ""
    headers: str = ""


class Seal(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="seal", forbid_unknown_fields=True
):
    """Hand over a parcel of what the import has compiled, where there is any; asked before anything else."""


class Pose(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="pose", forbid_unknown_fields=True
):
    """Be a control: no candidate is loaded, and calls return outputs of the asked form at once."""

    device: str
    threads: int


class Construct(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="construct", forbid_unknown_fields=True
):
    """Make the candidate's module and give it the reference's weights.

    Attributes:
        arguments: the problem's init inputs; their tensors lie in the arena, before the state.
        seed: what the reference's construction was seeded with, so that equal construction order
            gives equal weights.
        state: parameters and buffers by dotted name, in the arena after the arguments.
        dtype: floating dtype to cast the module to; None leaves it.
        training: mode of the reference.
        varied: whether ones and zeros were drawn in its construction (`weights.varied_init`).
        may_alias: whether the reference's own output shares memory with its inputs or weights.
    """

    arguments: Tree
    seed: int
    state: dict[str, TensorLeaf]
    dtype: str | None
    training: bool
    varied: bool = True
    may_alias: bool = False
    arena: ArenaHandle


class Attach(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="attach", forbid_unknown_fields=True
):
    """Map the two arenas of a workload: inputs to read, outputs to write.

    Attributes:
        inputs: where the inputs lie.
        outputs: where outputs go.
        state: what a call changes of the module's state; a control exports tensors of this form.
    """

    inputs: ArenaHandle
    outputs: ArenaHandle
    state: dict[str, TensorLeaf] = {}


class Detach(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="detach", forbid_unknown_fields=True
):
    """Let go of the arenas; they are about to be freed."""


class Run(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="run", forbid_unknown_fields=True):
    """Call the module once, by the clock, on the inputs that lie in the inputs arena.

    There is no other way to be called: a checked call and a timed one are the same message.

    Attributes:
        inputs: what lies there.
        start_bytes: where in the arena the first of them begins; another place every time.
        seed: seeds the global generators before the call, for modules that draw.
        timer: name of the timer.
        layout: the reference's outputs; a tensor that comes with other strides is converted, and the
            conversion is part of the call. A control, which has no module, returns tensors of this form.
        reset_state: restore the weights that `Construct` gave first, unless the last `Look` did.
        idle_ns: how long a control keeps a GPU busy; 0 for every candidate.
    """

    inputs: Tree
    start_bytes: int
    seed: int
    timer: str
    layout: Tree | None = None
    reset_state: bool = False
    idle_ns: int = 0


class Export(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="export", forbid_unknown_fields=True
):
    """Write out what the last call returned; the verifier's clock runs on until it is there.

    Where to is only said now: who wrote it there ahead of time would have a copy's time to lie about.

    Attributes:
        start_bytes: where in the outputs arena.
        state: names of parameters and buffers to write after the outputs.
    """

    start_bytes: int
    state: tuple[str, ...] = ()


class Recall(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="recall", forbid_unknown_fields=True
):
    """Write out again what the call before the last one returned: a result has to outlive the next call."""


class Look(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="look", forbid_unknown_fields=True
):
    """Say what the last call left behind; asked when all clocks have stopped.

    Attributes:
        reset_state: restore the weights that `Construct` gave, which would be part of the next call's way.
    """

    reset_state: bool = False


class Nudge(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="nudge", forbid_unknown_fields=True
):
    """Use the device for a moment: the switch of contexts leaves its caches as a candidate finds them."""


class Survey(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="survey", forbid_unknown_fields=True
):
    """Call the module once under the profiler, as `Run` would, and say which kernels ran."""

    inputs: Tree
    start_bytes: int
    seed: int


class Done(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="reply", tag="done", forbid_unknown_fields=True
):
    """A step went well.

    Attributes:
        outputs: what `Run`, or `Recall`, returned.
        stated_ns: what the timer beside the candidate says the call took.
        state: what `Export` wrote of it, by name; names the module does not have are absent.
        loaded: names of the state that was taken over by name or by order.
        own: names of the candidate's parameters and buffers that were not.
        facts: what `Look` saw.
        census: what `Survey` saw.
    """

    outputs: Tree | None = None
    stated_ns: int | None = None
    state: dict[str, TensorLeaf] = {}
    loaded: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    facts: Facts | None = None
    census: Census | None = None


class Failed(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="reply", tag="failed", forbid_unknown_fields=True
):
    """The candidate's code raised.

    Attributes:
        check: machine-readable kind: `import`, `entry`, `arguments`, `exception`, `memory`, `exit`.
        message: one sentence.
        log: trimmed traceback.
        line: line of the candidate's source nearest to the error.
    """

    check: str
    message: str
    log: str = ""
    line: int | None = None


Step: TypeAlias = (
    Load | Seal | Pose | Construct | Attach | Detach | Run | Export | Recall | Look | Nudge | Survey
)
StepReply: TypeAlias = Done | Failed
