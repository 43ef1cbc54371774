"""Write the frame around the generated code: the guard, the weights, `forward` and its output.

Knows the facts of a capture and the names the body uses; knows nothing of kernels.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from warpsmith.worker.capture.captured import (
    Captured,
    Container,
    ContainerInput,
    FromConstant,
    FromGraph,
    FromInput,
    FromWeight,
    Layout,
    Output,
    Path,
    Plain,
    PlainInput,
    Source,
    TensorInput,
)

CHECK = '''\
def _check(tensors):
    """Refuse tensors the kernels were not generated for: they would read the wrong memory."""
    for tensor, (name, shape, stride, dtype, device) in zip(tensors, EXPECTED):
        same_layout = tensor.shape == shape and (tensor.stride() == stride or _same_steps(tensor, stride))
        if not (same_layout and tensor.dtype is dtype and tensor.device == device):
            given = f"{tuple(tensor.shape)}, stride {tensor.stride()}, {tensor.dtype} on {tensor.device}"
            wanted = f"{shape}, stride {stride}, {dtype} on {device}"
            raise ValueError(f"{name} is {given}; these kernels were generated for {wanted}")
'''

STEPS = '''\
def _same_steps(tensor, stride):
    """Compare the strides that matter: a dimension of one element is never stepped along."""
    return all(size == 1 or own == step for size, own, step in zip(tensor.shape, tensor.stride(), stride))
'''

ALIGNED = """\
        if tensor.data_ptr() % 16:
            raise ValueError(f"{name} does not begin at a multiple of 16 bytes, as tensor descriptors need")
"""

BUILT_IN = '''\
def _built_in(name, value, expected):
    """Refuse a plain argument that differs from the one the kernels have built in."""
    if type(value) is not type(expected) or value != expected:
        raise ValueError(f"{name} is {value!r}; these kernels were generated for {expected!r}")
'''

SIZED = '''\
def _sized(name, value, length):
    """Refuse a container of another size than the kernels were generated for."""
    if len(value) != length:
        raise ValueError(f"{name} has {len(value)} items; these kernels were generated for {length}")
'''

INIT = """\
        for name, *layout in PARAMETERS:
            module, leaf = _owner(self, name)
            module.register_parameter(leaf, nn.Parameter(_tensor(*layout), requires_grad=False))
        for name, *layout, persistent in BUFFERS:
            module, leaf = _owner(self, name)
            module.register_buffer(leaf, _tensor(*layout), persistent=persistent)
"""

TIE = '''\
def _tie(model, name, first, *, persistent):
    """Let `name` be the same tensor as `first`."""
    module, leaf = _owner(model, name)
    _, first_leaf = _owner(model, first)
    tensor = _slots(model, first)[first_leaf]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=persistent)
'''

REGISTER = '''\
def _tensor(shape, stride, dtype):
    return torch.empty_strided(shape, stride, dtype=dtype).zero_()


def _owner(module, name):
    """Return the submodule that holds `name`, made of empty modules, and the last part of the name."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module._modules[part]
    return module, leaf


def _slots(module, name):
    """Return the dictionary that holds the parameter or buffer `name`."""
    owner, leaf = _owner(module, name)
    return owner._parameters if leaf in owner._parameters else owner._buffers
'''


RESERVED = ("self", "torch", "nn", "result", "slots", "run", "ModelNew")


class Names:
    """One Python name for every weight, input and constant, apart from all names of the body."""

    def __init__(self, captured: Captured, taken: Iterable[str]) -> None:
        self._taken = {*taken, *keyword.kwlist, *RESERVED}
        self._taken |= {constant.name for constant in captured.constants}
        self._by_source: dict[Source, str] = {}
        self.parameters = [self._free(name) for name in captured.parameters]
        for entry in captured.inputs:
            if isinstance(entry, TensorInput):
                self._by_source[FromInput(path=entry.path)] = self._input(entry.path)
        updated = [FromWeight(name=update.name) for update in captured.updates]
        for source in (*captured.arguments, *_leaves(captured.output), *updated):
            if isinstance(source, FromWeight) and source not in self._by_source:
                self._by_source[source] = self._free(source.name)

    def _input(self, path: Path) -> str:
        position, *inside = path
        name = self.parameters[int(position)]
        return self._free("_".join(map(str, [name, *inside]))) if inside else name

    def _free(self, wanted: str) -> str:
        base = re.sub(r"\W+", "_", wanted).strip("_") or "value"
        base = f"w_{base}" if base[0].isdigit() else base
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def of(self, source: Source) -> str:
        """Return the name under which the body and the output know `source`."""
        return source.name if isinstance(source, FromConstant) else self._by_source[source]

    def reach(self, path: Path) -> str:
        """Return the expression for a place in the inputs."""
        position, *inside = path
        return self.parameters[int(position)] + "".join(f"[{key!r}]" for key in inside)


def _leaves(output: Output) -> Iterable[Source]:
    if isinstance(output, Container):
        for item in output.items:
            yield from _leaves(item)
    elif isinstance(output, FromWeight | FromInput | FromConstant):
        yield output


def passed(captured: Captured) -> list[Source]:
    """Return the sources of the arguments that `run` takes, each once; constants it finds in the file."""
    return [source for source in dict.fromkeys(captured.arguments) if not isinstance(source, FromConstant)]


def guards(captured: Captured, *, aligned: bool) -> str:
    """Return the definitions that `forward` checks its arguments with.

    Args:
        captured: what was captured.
        aligned: whether the kernels rely on the alignment of what they are given.
    """
    parts = [STEPS, CHECK + ALIGNED if aligned else CHECK]
    if any(isinstance(entry, PlainInput) for entry in captured.inputs):
        parts.append(BUILT_IN)
    if any(isinstance(entry, ContainerInput) for entry in captured.inputs):
        parts.append(SIZED)
    return "\n\n".join(parts)


def constants(captured: Captured) -> str:
    """Return the tensors that are written into the file."""
    lines = []
    for constant in captured.constants:
        layout = constant.layout
        value = values_of(constant.values, layout, device=layout.device)
        if layout.stride != contiguous(layout.shape):
            where = f"dtype=torch.{layout.dtype}, device={layout.device!r}"
            value = f"torch.empty_strided({layout.shape}, {layout.stride}, {where}).copy_({value})"
        lines.append(f"{constant.name} = {value}\n")
    return "".join(lines)


def values_of(values: tuple[str, ...], layout: Layout, *, device: str) -> str:
    """Return the shortest expression for a contiguous tensor of these values."""
    where = f"dtype=torch.{layout.dtype}, device={device!r}"
    if len(set(values)) == 1:
        return f"torch.full({layout.shape}, {values[0]}, {where})"
    reshape = "" if len(layout.shape) == 1 else f".reshape({layout.shape})"
    if list(values) == [str(index) for index in range(len(values))]:
        return f"torch.arange({len(values)}, {where}){reshape}"
    return f"torch.tensor([{', '.join(values)}], {where}){reshape}"


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the stride of a contiguous tensor."""
    stride: list[int] = []
    step = 1
    for size in reversed(shape):
        stride.insert(0, step)
        step *= max(size, 1)
    return tuple(stride)


def model_class(captured: Captured, names: Names) -> str:
    """Return the tables of inputs and weights, the helpers that read them, and the class `ModelNew`."""
    used = [source for source in captured.arguments if isinstance(source, FromWeight)]
    used += [leaf for leaf in _leaves(captured.output) if isinstance(leaf, FromWeight)]
    used += [FromWeight(name=update.name) for update in captured.updates]
    used = list(dict.fromkeys(used))
    tensors = [entry for entry in captured.inputs if isinstance(entry, TensorInput)]
    parts = ["\n".join(_tables(captured, names, used, tensors))]
    if captured.weights:
        parts.append(REGISTER)
    if any(weight.same_as is not None for weight in captured.weights):
        parts.append(TIE)
    lines = ["class ModelNew(nn.Module):", *_init(captured, used), ""]
    parts.append("\n".join(lines + _forward(captured, names, used, tensors)))
    return "\n\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _tables(
    captured: Captured, names: Names, used: list[FromWeight], tensors: list[TensorInput]
) -> list[str]:
    weights = [weight for weight in captured.weights if weight.same_as is None]
    devices = sorted({*(entry.layout.device for entry in tensors), *([captured.device] if used else [])})
    lines = [f"{_device_name(device)} = torch.device({device!r})" for device in devices]
    lines += ["# Name, shape, stride, dtype and device of the tensors that `forward` takes."]
    rows = [(names.reach(t.path), t.layout, f", {_device_name(t.layout.device)}") for t in tensors]
    lines += _table("EXPECTED", rows)
    if weights:
        lines += ["# The same of the parameters and buffers; a buffer says whether the state dict has it."]
        lines += _table("PARAMETERS", [(w.name, w.layout, "") for w in weights if w.kind == "parameter"])
        buffers = [weight for weight in weights if weight.kind == "buffer"]
        lines += _table("BUFFERS", [(w.name, w.layout, f", {w.persistent}") for w in buffers])
    if used:
        lines += ["# The weights that the kernels read or write."]
        lines += ["USED = (", *(f"    {source.name!r}," for source in used), ")"]
        lines += ["LAYOUTS = {name: layout[:3] for name, *layout in PARAMETERS + BUFFERS}"]
        device = _device_name(captured.device)
        lines += [f"EXPECTED += tuple((name, *LAYOUTS[name], {device}) for name in USED)"]
    return lines


def _table(name: str, rows: list[tuple[str, Layout, str]]) -> list[str]:
    if not rows:
        return [f"{name} = ()"]
    cells = [f"    ({n!r}, {lay.shape}, {lay.stride}, torch.{lay.dtype}{more})," for n, lay, more in rows]
    return [f"{name} = (", *cells, ")"]


def _device_name(device: str) -> str:
    return re.sub(r"\W", "_", device).upper()


def _init(captured: Captured, used: list[FromWeight]) -> list[str]:
    lines = ["    def __init__(self, *args, **kwargs):"]
    lines += ['        """Take and ignore the arguments of the original."""', "        super().__init__()"]
    if captured.weights:
        lines += [INIT.rstrip("\n")]
    for weight in captured.weights:
        if weight.same_as is not None:
            how = f"persistent={weight.persistent}"
            lines.append(f"        _tie(self, {weight.name!r}, {weight.same_as!r}, {how})")
        elif weight.values is not None:
            lines.append("        # No state dict brings this one.")
            value = values_of(weight.values, weight.layout, device="cpu")
            lines.append(f"        self.get_buffer({weight.name!r}).copy_({value})")
    if used:
        # The dictionaries, not the tensors: moving or loading the module replaces what they hold.
        lines += ["        # Where forward finds its weights, without a walk through the modules."]
        lines += ["        self._used = [(_slots(self, name), name.rpartition('.')[2]) for name in USED]"]
    return lines


def _forward(
    captured: Captured, names: Names, used: list[FromWeight], tensors: list[TensorInput]
) -> list[str]:
    lines = [f"    def forward({', '.join(['self', *names.parameters])}):"]
    for entry in captured.inputs:
        if isinstance(entry, PlainInput):
            place = names.reach(entry.path)
            lines.append(f"        _built_in({place!r}, {place}, {entry.text})")
        elif isinstance(entry, ContainerInput):
            place = names.reach(entry.path)
            lines.append(f"        _sized({place!r}, {place}, {entry.length})")
    for tensor in tensors:
        name, place = names.of(FromInput(path=tensor.path)), names.reach(tensor.path)
        if name != place:
            lines.append(f"        {name} = {place}")
    local = [names.of(source) for source in used]
    if local:
        found = "[slots[name] for slots, name in self._used]"
        lines.append(f"        ({', '.join(local)}{',' * (len(local) == 1)}) = {found}")
    checked = [*(names.of(FromInput(path=tensor.path)) for tensor in tensors), *local]
    lines.append(f"        _check(({', '.join(checked)}{',' * (len(checked) == 1)}))")
    arguments = ", ".join(names.of(source) for source in passed(captured))
    lines.append(f"        result = run({arguments})")
    for update in captured.updates:
        buffer = names.of(FromWeight(name=update.name))
        lines.append(f"        {buffer}.copy_(result[{update.index}])")
    lines.append(f"        return {expression(captured.output, names)}")
    return lines


def expression(output: Output, names: Names) -> str:
    """Return the Python expression that builds `output` from `result`, the inputs and the weights."""
    if isinstance(output, FromGraph):
        return f"result[{output.index}]"
    if isinstance(output, Plain):
        return output.text
    if isinstance(output, Container):
        items = [expression(item, names) for item in output.items]
        if output.kind == "dict":
            return "{" + ", ".join(f"{k}: {v}" for k, v in zip(output.keys, items, strict=True)) + "}"
        if output.kind == "list":
            return f"[{', '.join(items)}]"
        text = f"({', '.join(items)}{',' * (len(items) == 1)})"
        return text if output.kind == "tuple" else f"{output.kind}({text})"
    return names.of(output)
