"""Write Inductor's C++ kernels as one source that the candidate compiles and loads by itself.

Every kernel becomes a function with C linkage that returns an error text or null, since an exception
must not leave a function called through ctypes. Knows nothing of the Python side of the graph.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from warpsmith.worker.capture.captured import NotStandalone, Toolchain
from warpsmith.worker.capture.source import KernelText

ENTRY = re.compile(r'^extern "C"\s+(?:\w+\s+)*?void\s+(?:C10_ALWAYS_INLINE_ATTRIBUTE\s+)?\w+\(', re.MULTILINE)
INCLUDE = re.compile(r"^#include .*$", re.MULTILINE)
# int64_t is long where this runs, so literals and loop variables need no cast.
LITERAL_CAST = re.compile(r"static_cast<int64_t>\((-?\d+)L?\)")
VARIABLE_CAST = re.compile(r"static_cast<int64_t>\((x\d+)\)")
INDEX_CAST = re.compile(r"static_cast<int64_t>(\((?:x\d+|\d+L|[ +*-])+\))")
THREAD_NUMBER = re.compile(r"^.*int tid = omp_get_thread_num\(\);\n", re.MULTILINE)
# Torch 2.13 wraps every kernel in these; they act only where integers are divided.
DIVISION_CHECK = re.compile(r"^.*\binductor_cpu_(?:throw_if_)?integer_div_error\w*\b.*\n", re.MULTILINE)
DIVIDES_INTEGERS = re.compile(r"\bfloor_divide_integral\b|\bmod\b|\binductor_cpu_note|%")

PRELUDE = """\
#include <exception>
#include <string>

// Keep the text of an exception for the Python side: it must not cross the C boundary itself.
static const char* failure(const std::exception& error) {
    static thread_local std::string text;
    text = error.what();
    return text.c_str();
}
"""

LOADER = '''\
FLAGS = (
{flags}
).split()


def _build() -> ctypes.CDLL:
    """Compile SOURCE, unless this machine has done so before, and load it."""
    own, needed = torch.backends.cpu.get_cpu_capability(), {capability!r}
    vector_bits = {{"AVX2": 256, "AVX512": 512}}
    if vector_bits.get(own, 0) < vector_bits.get(needed, 0):
        raise RuntimeError(f"this file is written for {{needed}}; this CPU, or its torch, has {{own}}")
    include, lib = (Path(torch.__file__).parent / name for name in ("include", "lib"))
    compiler = os.environ.get("CXX", "g++")
    command = [*shlex.split(compiler), *FLAGS, "-shared", "-fPIC", "-w", "kernels.cpp", "-o", "kernels.so"]
    command += [f"-I{{include}}", f"-I{{include / 'torch/csrc/api/include'}}"]
    # Torch's own OpenMP runtime comes first: a second one would bring a second pool of threads.
    command += map(str, sorted(lib.glob("libgomp*.so*")))
    command += [f"-L{{lib}}", f"-Wl,-rpath,{{lib}}", "-lc10", "-ltorch_cpu"]
    made_of = repr((SOURCE, command, torch.__version__, platform.node()))
    library = _folder() / f"kernels_{{hashlib.sha256(made_of.encode()).hexdigest()[:20]}}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
            Path(scratch, "kernels.cpp").write_text(SOURCE)
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"{{compiler}} can't compile the kernels:\\n{{done.stderr[-4000:]}}")
            os.replace(Path(scratch, "kernels.so"), library)  # at once, in case others build it too
    return ctypes.CDLL(str(library))


def _folder() -> Path:
    """Return where built libraries are kept."""
    if "TORCH_EXTENSIONS_DIR" in os.environ:
        folder = Path(os.environ["TORCH_EXTENSIONS_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir(), f"torch_kernels_{{os.getuid()}}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{{folder}} belongs to somebody else; set TORCH_EXTENSIONS_DIR")
    return folder


def _entry(name: str, arguments: int):
    function = getattr(LIBRARY, name)
    function.argtypes = [ctypes.c_void_p] * arguments
    function.restype = ctypes.c_char_p
    return function


def _run(kernel, *tensors):
    error = kernel(*[tensor.data_ptr() for tensor in tensors])
    if error:
        raise RuntimeError(error.decode())


LIBRARY = _build()
'''

IMPORTS = ("ctypes", "hashlib", "os", "platform", "shlex", "subprocess", "tempfile")


def cpp_section(kernels: Sequence[KernelText], toolchain: Toolchain) -> str:
    """Return the part of the file that holds, compiles and binds `kernels`."""
    source = _source(kernels)
    lines = textwrap.wrap(" ".join(toolchain.flags), 96, break_long_words=False, break_on_hyphens=False)
    flags = "\n".join(f'    "{line} "' for line in lines)
    loader = LOADER.format(capability=toolchain.capability, flags=flags)
    entries = "\n".join(f'{k.name} = _entry("{k.name}", {_parameters(k)})' for k in kernels)
    return f"SOURCE = r'''\n{source}'''\n\n{loader}{entries}\n"


def _source(kernels: Sequence[KernelText]) -> str:
    texts = [_entry_point(kernel) for kernel in kernels]
    includes = dict.fromkeys(line for text in texts for line in INCLUDE.findall(text))
    bodies = [INCLUDE.sub("", text).strip("\n") for text in texts]
    # Kernels written from a template bring helpers, whose names would collide.
    bodies = [_apart(kernel, body) for kernel, body in zip(kernels, bodies, strict=True)]
    parts = ["\n".join(includes) + "\n" + PRELUDE, *bodies]
    source = "\n\n".join(part.strip("\n") for part in parts) + "\n"
    if "'''" in source:
        raise NotStandalone("a C++ kernel holds three quotes in a row")
    return source


def _apart(kernel: KernelText, body: str) -> str:
    """Set a kernel that brings helpers apart, as two kernels' helpers may share their names."""
    note = f"// {kernel.made_from}\n" if kernel.made_from else ""
    if body.startswith('extern "C"'):
        return note + body
    return f"{note}namespace of_{kernel.name} {{\n{body}\n}}"


def _entry_point(kernel: KernelText) -> str:
    """Give the kernel its own name and let it return its failure."""
    text = kernel.text
    if len(ENTRY.findall(text)) != 1:
        raise NotStandalone(f"kernel {kernel.name!r} is not one C function")
    text = ENTRY.sub(f'extern "C" const char* {kernel.name}(', text)
    if not DIVIDES_INTEGERS.search(DIVISION_CHECK.sub("", text)):
        text = DIVISION_CHECK.sub("", text)
    if not re.search(r"\btid\b", THREAD_NUMBER.sub("", text)):
        text = THREAD_NUMBER.sub("", text)
    text = INDEX_CAST.sub(r"\1", VARIABLE_CAST.sub(r"\1", LITERAL_CAST.sub(r"\1L", text)))
    start = text.index(f"{kernel.name}(")
    head, brace, body = text[start:].rstrip().partition(")\n{")
    if not brace or not body.endswith("}"):
        raise NotStandalone(f"kernel {kernel.name!r} is not laid out as expected")
    tail = "    return nullptr;\n} catch (const std::exception& error) { return failure(error); }\n"
    return f"{text[:start]}{head})\ntry {{{body[:-1]}{tail}"


def _parameters(kernel: KernelText) -> int:
    """Count the kernel's parameters."""
    found = ENTRY.search(kernel.text)
    if found is None:
        raise NotStandalone(f"kernel {kernel.name!r} is not one C function")
    inside = kernel.text[found.end() :].partition(")")[0]
    if "*" not in inside or any("*" not in part for part in inside.split(",")):
        raise NotStandalone(f"kernel {kernel.name!r} takes something that is not a tensor")
    return inside.count(",") + 1
