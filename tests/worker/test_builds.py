"""Builds that are kept: what may enter, what comes out again, and what crashes and liars leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from warpsmith.worker.builds.cache import LEFTOVER_S, BuildCache
from warpsmith.worker.builds.lean import PACKAGED, needs_more, quickened
from warpsmith.worker.builds.log import compiler_log, first_error
from warpsmith.worker.builds.parcel import (
    Index,
    NoParcel,
    Parcel,
    Piece,
    memory_file,
    pack,
    read_untrusted,
    unpack,
)

KEY = "k" * 64


def parcel(content: bytes = b"code", name: str = "extensions/relu/relu.so", **changes: Any) -> Parcel:
    piece: dict[str, Any] = {
        "name": name,
        "size_bytes": len(content),
        "mtime_ns": 5,
        "is_executable": True,
    } | changes
    return Parcel(index=Index(pieces=(Piece(**piece),)), contents=(content,))


def sealed(key: str = KEY, content: bytes = b"code") -> Parcel:
    descriptor = memory_file(parcel(content).encoded())
    try:
        return read_untrusted(descriptor, key)
    finally:
        os.close(descriptor)


def read_and_close(descriptor: int) -> Parcel:
    try:
        return read_untrusted(descriptor, KEY)
    finally:
        os.close(descriptor)


def test_what_build_systems_wrote_comes_out_as_it_was_and_nothing_else(tmp_path: Path) -> None:
    built, fresh = tmp_path / "built", tmp_path / "fresh"
    for name in (
        "extensions/relu/relu.so",
        "extensions/relu/.ninja_log",
        "kernel.so",
        "build/kernel.so",
        "notes.txt",
    ):
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).write_text(name)
        os.utime(built / name, ns=(7, 1_234_567_890_123_456_789))
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    (built / "extensions" / "link.so").symlink_to(secret)
    (built / "triton").symlink_to(tmp_path)
    os.mkfifo(built / "extensions" / "pipe")
    packed = pack(built)
    assert packed is not None
    fresh.mkdir()
    unpack(packed, fresh)
    os.close(packed)
    found = {str(path.relative_to(fresh)): path for path in fresh.rglob("*") if not path.is_dir()}
    assert set(found) == {"extensions/relu/relu.so", "extensions/relu/.ninja_log", "kernel.so"}
    assert all(path.read_text() == name for name, path in found.items())
    assert {path.stat().st_mtime_ns for path in found.values()} == {1_234_567_890_123_456_789}


def test_a_folder_without_builds_gives_no_parcel(tmp_path: Path) -> None:
    (tmp_path / "candidate.py").write_text("pass")
    assert pack(tmp_path) is None


@pytest.mark.parametrize(
    "name",
    [
        "../x.so",
        "/etc/x.so",
        "extensions/../../x",
        "home/x.so",
        "x.py",
        "extensions//x",
        "extensions/a\0b",
        "",
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(NoParcel):
        read_and_close(memory_file(parcel(name=name).encoded()))


@pytest.mark.parametrize("changes", [{"size_bytes": 5}, {"size_bytes": -1}, {"mtime_ns": -1}])
def test_an_index_that_does_not_fit_its_bytes_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NoParcel):
        read_and_close(memory_file(parcel(**changes).encoded()))


def test_a_digest_that_a_candidate_states_is_not_taken_over() -> None:
    given = read_and_close(memory_file(parcel(digest="0" * 64).encoded()))
    assert given.index.pieces[0].digest == sealed().index.pieces[0].digest


def test_only_a_memory_file_that_nobody_can_change_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(parcel().encoded())
    open_ended = os.memfd_create("open", os.MFD_ALLOW_SEALING)
    os.write(open_ended, parcel().encoded())
    reading, writing = os.pipe()
    os.close(writing)
    zeros = os.open("/dev/zero", os.O_RDONLY)
    for descriptor in (os.open(tmp_path / "file", os.O_RDONLY), open_ended, reading, zeros):
        with pytest.raises(NoParcel):
            read_and_close(descriptor)


def test_a_build_is_found_by_its_key_alone(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    cache.put(sealed())
    found = cache.get(KEY)
    assert found is not None
    assert read_and_close(found) == sealed()
    assert cache.get("x" * 64) is None


@pytest.mark.parametrize("spoil", [lambda data: data[:-1] + b"!", lambda data: data[:20], lambda _: b""])
def test_an_entry_that_is_not_as_it_was_sealed_is_removed(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    cache = BuildCache(tmp_path)
    cache.put(sealed())
    (entry,) = tmp_path.iterdir()
    data = entry.read_bytes()
    entry.chmod(0o600)
    entry.write_bytes(spoil(data))
    assert cache.get(KEY) is None
    assert list(tmp_path.iterdir()) == []


def test_an_entry_under_another_name_is_no_hit(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    cache.put(sealed())
    (entry,) = tmp_path.iterdir()
    entry.rename(tmp_path / f"{'x' * 64}.build")
    assert cache.get("x" * 64) is None


def test_builds_that_were_used_longest_ago_go_first(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path, limit_bytes=3500)
    for age, key in enumerate("abc"):
        cache.put(sealed(key, b"x" * 800))
        os.utime(tmp_path / f"{key}.build", ns=(age, age))
    used = cache.get("a")
    assert used is not None
    os.close(used)
    cache.put(sealed("d", b"x" * 800))
    assert {path.stem for path in tmp_path.iterdir()} == {"a", "c", "d"}


WRITE_ALWAYS = """
import sys
from pathlib import Path
from warpsmith.worker.builds.cache import BuildCache
from warpsmith.worker.builds.parcel import Index, Parcel, Piece, memory_file, read_untrusted
content = b"x" * (1 << 22)
piece = Piece(name="kernel.so", size_bytes=len(content), mtime_ns=5, is_executable=True)
given = memory_file(Parcel(index=Index(pieces=(piece,)), contents=(content,)).encoded())
sealed = read_untrusted(given, sys.argv[2])
cache = BuildCache(Path(sys.argv[1]))
print("writing", flush=True)
while True:
    cache.put(sealed)
"""


def test_writers_that_are_killed_leave_whole_entries_and_leftovers_that_are_swept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_ALWAYS, str(tmp_path), KEY]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        while not (tmp_path / f"{KEY}.build").exists():
            time.sleep(0.01)
        cache = BuildCache(tmp_path)
        for _ in range(5):  # while all of them write
            found = cache.get(KEY)
            assert found is not None
            os.close(found)
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
    (tmp_path / f"{KEY}.build.tmp-1-old").touch()
    long_ago = time.time() - LEFTOVER_S - 1
    for left in tmp_path.glob("*.tmp-*"):
        os.utime(left, (long_ago, long_ago))
    found = BuildCache(tmp_path).get(KEY)
    assert found is not None
    os.close(found)
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.build"]


@pytest.mark.parametrize(
    ("host", "device", "is_more"),
    [
        ("torch::Tensor f(torch::Tensor x) { return torch::empty_like(x); }", "", False),
        (
            "auto o = torch::TensorOptions().dtype(torch::kFloat32);",
            "at::cuda::getCurrentCUDAStream()",
            False,
        ),
        (
            "#include <torch/extension.h>\nat::Tensor f(at::Tensor);",
            "AT_DISPATCH_FLOATING_TYPES(a, b, c)",
            False,
        ),
        ("torch::nn::Linear layer(1, 2);", "", True),
        ("torch::randn({2})", "", True),
        ("x.requires_grad()", "", True),
        ("#include <torch/all.h>", "", True),
        ("TORCH_LIBRARY(mine, m) {}", "", True),
        ("", "PYBIND11_MODULE(a, m) {}", True),
    ],
)
def test_sources_that_need_torchs_real_headers_are_told_by_their_text(
    host: str, device: str, *, is_more: bool
) -> None:
    assert needs_more(host, device) == is_more


class Versioner:
    """Counts builds by name, as torch's builder does."""

    def __init__(self) -> None:
        self.entries: dict[str, int] = {}


def test_a_source_that_does_not_compile_against_the_small_header_gets_the_real_one_at_once_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "extensions"))
    monkeypatch.delenv("WARPSMITH_HEADERS", raising=False)
    versioner = Versioner()
    calls: list[dict[str, Any]] = []

    def load_inline(
        name: str, cpp_sources: Any, extra_cflags: Any = None, extra_include_paths: Any = None
    ) -> str:
        cpp_sources.insert(0, "#include <torch/extension.h>")
        calls.append({"flags": extra_cflags, "paths": extra_include_paths, "sources": list(cpp_sources)})
        assert versioner.entries.setdefault(name, 0) == 0
        versioner.entries[name] += 1
        if extra_include_paths:
            raise RuntimeError(f"Error building extension {name!r}: no such thing")
        return "module"

    build = quickened(load_inline, {"extra_cflags": ["-O3"]}, versioner)
    assert build("relu", ["torch::Tensor f();"], extra_cflags=["-g"]) == "module"
    assert [call["paths"] for call in calls] == [[str(PACKAGED)], None]
    assert all(call["flags"] == ["-O3", "-g"] and len(call["sources"]) == 2 for call in calls)
    versioner.entries.clear()
    build("relu", ["torch::Tensor f();"])
    assert len(calls) == 3


def test_a_compilers_log_begins_with_its_first_error() -> None:
    noise = [f"/usr/bin/c++ -I/include/{number} -c main.cpp" for number in range(400)]
    said = [*noise, "main.cpp:8:10: error: 'z' was not declared", "    8 |   return z;", *noise]
    log = compiler_log("\n".join(said), 6000)
    assert log.startswith("main.cpp:8:10: error: 'z' was not declared\n    8 |   return z;")
    assert len(log) <= 6100
    assert first_error("\n".join(said)) == "main.cpp:8:10: error: 'z' was not declared"
    assert first_error("kernel.cu(3): error: expected a ';'") == "kernel.cu(3): error: expected a ';'"
    assert first_error("ld: main.o: undefined reference to `f'").endswith("undefined reference to `f'")
    assert first_error("all is well") == ""
