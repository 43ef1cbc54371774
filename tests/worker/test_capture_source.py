"""The generated module is read in the layouts of several torch versions, from text alone."""

from __future__ import annotations

import ast

import pytest

from warpsmith.worker.capture.captured import Launch, NotStandalone
from warpsmith.worker.capture.source import Generated, parse
from warpsmith.worker.capture.triton_source import launched

KERNEL = """
# Topologically Sorted Source Nodes: [y], Original ATen: [aten.relu, aten.add]
# Source node to ATen node mapping:
triton_poi_fused_0 = async_compile.triton('triton_poi_fused_0', '''
import triton
@triton.jit
def triton_poi_fused_0(in_ptr0, out_ptr0, xnumel, XBLOCK : tl.constexpr):
    pass
''', device_str='cuda')
async_compile.wait(globals())
"""

AT_MODULE_LEVEL = f"""
from torch._C import _cuda_getCurrentRawStream as get_raw_stream
empty_strided_cuda = torch._C._dynamo.guards._empty_strided_cuda
{KERNEL}
def call(args):
    arg0_1, = args
    args.clear()
    assert_size_stride(arg0_1, (8, 4), (4, 1))
    with torch.cuda._DeviceGuard(0):
        torch.cuda.set_device(0)
        buf0 = empty_strided_cuda((8, 4), (4, 1), torch.float32)
        stream0 = get_raw_stream(0)
        triton_poi_fused_0.run(arg0_1, buf0, 32, grid=grid(32), stream=stream0)
        del arg0_1
    return (buf0, )
"""

IN_A_CLASS = f"""
{KERNEL}
class Runner:
    def __init__(self, partitions):
        self.partitions = partitions

    def call(self, args):
        arg0_1, = args
        args.clear()
        assert_size_stride(arg0_1, (8, 4), (4, 1), 'input')
        with torch.cuda._DeviceGuard(0):
            torch.cuda.set_device(0)
            arg0_1 = copy_if_misaligned(arg0_1)
            buf0 = extern_kernels.mm(arg0_1, arg0_1)
            assert_size_stride(buf0, (8, 4), (4, 1), 'torch.ops.aten.mm')
            assert_alignment(buf0, 16, 'torch.ops.aten.mm')
            raw_stream0 = get_raw_stream(0)
            triton_poi_fused_0.run(arg0_1, buf0, 32, stream=raw_stream0)
        return (buf0, )

runner = Runner(partitions=[])
call = runner.call
"""

LAUNCH = Launch(
    parameters=("in_ptr0", "out_ptr0", "xnumel"),
    grid_only=("_grid_0",),
    prefix=("blocks = -(xnumel // -16)",),
    grid=("blocks", "_grid_0", "1"),
    constants={"XBLOCK": 16, "num_warps": 4},
)


def body_of(generated: Generated) -> str:
    return "\n".join(ast.unparse(ast.fix_missing_locations(statement)) for statement in generated.body)


def arguments(text: str) -> list[ast.expr]:
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    return call.args


@pytest.mark.parametrize("text", [AT_MODULE_LEVEL, IN_A_CLASS], ids=["module level", "class"])
def test_call_is_found_and_freed_of_chores(text: str) -> None:
    generated = parse(text)
    assert generated.arguments == ("arg0_1",)
    assert [ast.unparse(result) for result in generated.results] == ["buf0"]
    body = body_of(generated)
    for chore in ("set_device", "stream0 =", "alignment", "misaligned", "args", "assert_size_stride(arg0_1"):
        assert chore not in body
    assert "triton_poi_fused_0.run(arg0_1, buf0, 32" in body


def test_asserts_on_library_results_stay_in_a_form_every_torch_takes() -> None:
    assert "assert_size_stride(buf0, (8, 4), (4, 1))" in body_of(parse(IN_A_CLASS))


def test_kernels_come_with_what_they_are_made_from() -> None:
    (kernel,) = parse(AT_MODULE_LEVEL).kernels.values()
    assert (kernel.name, kernel.language, kernel.made_from) == ("triton_poi_fused_0", "triton", "relu, add")
    assert "def triton_poi_fused_0(" in kernel.text


def test_surroundings_are_found_by_name() -> None:
    definitions = parse(AT_MODULE_LEVEL).definitions
    assert ast.unparse(definitions["get_raw_stream"]).startswith("from torch._C import")
    assert "empty_strided_cuda" in definitions
    assert "triton_poi_fused_0" not in definitions


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "no call function"),
        (AT_MODULE_LEVEL.replace("async_compile.triton(", "async_compile.multi_kernel("), "'multi_kernel'"),
        (IN_A_CLASS.replace("extern_kernels.mm(", "self.partitions[0]("), "partitions"),
        (IN_A_CLASS.replace("extern_kernels.mm(", "torch.ops.mine.secret("), "custom operator mine::secret"),
        (AT_MODULE_LEVEL.replace("return (buf0, )", "return buf0"), "returning a tuple"),
    ],
    ids=["empty", "multi-kernel", "partitions", "custom operator", "no tuple"],
)
def test_what_has_no_standalone_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NotStandalone, match=reason):
        parse(text)


def test_launch_names_its_grid_and_constants() -> None:
    statement = launched("k", LAUNCH, arguments("arg0_1, buf0, 2 * 500, 3"))
    assert ast.unparse(statement) == "k[63, 3](arg0_1, buf0, 2 * 500, XBLOCK=16, num_warps=4)"


def test_launch_with_too_few_arguments_is_refused() -> None:
    with pytest.raises(NotStandalone, match="takes 4 arguments and is given 1"):
        launched("k", LAUNCH, arguments("arg0_1"))


def test_grid_that_depends_on_more_than_numbers_is_refused() -> None:
    with pytest.raises(NotStandalone, match="depends on 'xnumel'"):
        launched("k", LAUNCH, arguments("arg0_1, buf0, buf0.numel(), 3"))
