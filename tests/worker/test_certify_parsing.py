"""What the output of compute-sanitizer and Nsight Compute is read as, forged and cut-off output included."""

from __future__ import annotations

from pathlib import Path

import pytest

from warpsmith.core.task import Limits
from warpsmith.worker import tools
from warpsmith.worker.errand import DONE, VOICE

CLEAN = f"""\
========= COMPUTE-SANITIZER
{DONE}
========= ERROR SUMMARY: 0 errors
"""

OUT_OF_BOUNDS = """\
========= COMPUTE-SANITIZER
what the candidate printed
========= Invalid __global__ write of size 4 bytes
=========     at scale_kernel(const float *, float *, int)+0x70 in /scratch/candidate.cu:12
=========     by thread (128,0,0) in block (0,0,0)
=========     Access at 0x7f8c3d200200 is out of bounds
=========     and is 1 bytes after the nearest allocation at 0x7f8c3d200000 of size 512 bytes
=========
========= Invalid __global__ write of size 4 bytes
=========     at scale_kernel(const float *, float *, int)+0x70 in /scratch/candidate.cu:12
=========     by thread (129,0,0) in block (0,0,0)
=========
========= ERROR SUMMARY: 128 errors were not printed. Use --print-limit option to adjust the number of errors
========= ERROR SUMMARY: 130 errors
"""

RACES = """\
========= COMPUTE-SANITIZER
========= Warning: Race reported between Read access at reduce(float *)+0x40 in /scratch/main.cu:7
=========     and Write access at reduce(float *)+0x90 in /scratch/main.cu:9 [12 hazards]
=========
========= Error: Race reported between Write access at 0x4a8 in reduce(float *)
=========     and Read access at 0x5b0 in reduce(float *) [508 hazards]
=========
========= RACECHECK SUMMARY: 2 hazards displayed (1 error, 1 warning)
"""

UNINITIALISED = """\
========= COMPUTE-SANITIZER
========= Uninitialized __global__ memory read of size 4 bytes
=========     at {kernel}+0x50
=========     by thread (0,0,0) in block (0,0,0)
=========     Address 0x7f8c3d200000
=========
========= ERROR SUMMARY: 1 error
"""

SHIPPED = "void at::native::vectorized_elementwise_kernel<(int)4, at::native::AddFunctor<float>>(int, T2, T3)"

HEADER = (
    '"ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size","Grid Size",'
    '"Device","CC","Section Name","Metric Name","Metric Unit","Metric Value"'
)


def launch(number: int, kernel: str, unit: str, value: str, stream: int = 7) -> str:
    """Return a row as Nsight Compute prints it."""
    cells: list[object] = [number, 4242, "python3.12", "127.0.0.1", kernel, 1, stream]
    cells += ["(256, 1, 1)", "(16384, 1, 1)", 0, "9.0", "Command line profiler metrics"]
    cells += ["gpu__time_duration.sum", unit, value]
    return ",".join(f'"{cell}"' for cell in cells)


def profile_text(*rows: str) -> str:
    """Return what Nsight Compute prints around `rows`."""
    return "\n".join(
        [
            "==PROF== Connected to process 4242 (/usr/bin/python3.12)",
            '==PROF== Profiling "scale_kernel" - 0: 0%....50%....100% - 1 pass',
            DONE,
            "==PROF== Disconnected from process 4242",
            HEADER,
            *rows,
            "",
        ]
    )


@pytest.mark.parametrize("tool", ["memcheck", "initcheck"])
def test_no_errors_are_read_as_none(tool: str) -> None:
    assert tools.sanitizer_report(tool, CLEAN) == tools.Report(0, 0, "")


def test_errors_are_counted_by_the_last_line_and_the_first_is_named() -> None:
    report = tools.sanitizer_report("memcheck", OUT_OF_BOUNDS)
    assert report is not None
    assert report.errors == 130
    assert report.first.startswith("Invalid __global__ write of size 4 bytes at scale_kernel(")
    assert report.first.endswith("candidate.cu:12")


def test_races_count_and_warnings_of_races_do_not() -> None:
    report = tools.sanitizer_report("racecheck", RACES)
    assert report is not None
    assert (report.errors, report.shipped_errors) == (1, 0)
    assert report.first.startswith("Error: Race reported between Write access at 0x4a8 in reduce(float *)")


def test_a_clean_racecheck_has_its_own_summary() -> None:
    clean = "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n"
    assert tools.sanitizer_report("racecheck", clean) == tools.Report(0, 0, "")
    assert tools.sanitizer_report("racecheck", CLEAN) is None, "that is another tool's summary"


@pytest.mark.parametrize("tool", ["initcheck", "racecheck", "memcheck"])
def test_what_torch_ships_is_held_against_a_candidate_only_where_it_handed_over_the_address(
    tool: str,
) -> None:
    text = UNINITIALISED.format(kernel=SHIPPED)
    if tool == "racecheck":
        text = RACES.replace("reduce(float *)", SHIPPED)
    report = tools.sanitizer_report(tool, text)
    assert report is not None
    assert (report.errors, report.shipped_errors) == ((1, 0) if tool == "memcheck" else (0, 1))
    assert "vectorized_elementwise_kernel" in report.first


@pytest.mark.parametrize(
    "kernel",
    [
        "softmax_kernel",
        "void mine::reduce<float>(at::Tensor)",
        "void cutlass::device_kernel<Mine>(T1)",
        "triton_poi_fused_relu_0",
    ],
)
def test_what_a_candidate_compiles_is_its_own(kernel: str) -> None:
    report = tools.sanitizer_report("initcheck", UNINITIALISED.format(kernel=kernel))
    assert report is not None
    assert report.errors == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "========= COMPUTE-SANITIZER\n",
        "========= Error: No attachable process found. compute-sanitizer timed-out.\n",
        "ERROR SUMMARY: 0 errors\n",
    ],
)
def test_without_a_summary_there_is_no_answer(text: str) -> None:
    assert tools.sanitizer_report("memcheck", text) is None


def test_a_candidate_that_prints_a_clean_summary_makes_nothing_better() -> None:
    report = tools.sanitizer_report("memcheck", f"{CLEAN}{OUT_OF_BOUNDS}{CLEAN}")
    assert report is not None
    assert report.errors == 130


def test_every_report_is_one_line_of_bounded_length() -> None:
    report = tools.sanitizer_report("initcheck", UNINITIALISED.format(kernel="k" * 5000))
    assert report is not None
    assert len(report.first) <= 300


def test_launches_are_read_in_nanoseconds_whatever_the_unit() -> None:
    rows = [
        launch(0, "a(float *, int)", "ns", "1,200"),
        launch(1, 'b<"x">'.replace('"', '""'), "nsecond", "1200"),
        launch(2, "c", "us", "1.20"),
        launch(3, "d", "usecond", "1,200.50"),
        launch(4, "e", "ms", "0.0012"),
        launch(5, "f", "msecond", "n/a"),
        launch(6, "g", "parsec", "3"),
    ]
    kernels = tools.profiled_kernels(profile_text(*rows))
    assert [kernel.name for kernel in kernels] == ["a(float *, int)", 'b<"x">', "c", "d", "e"]
    assert [kernel.duration_ns for kernel in kernels] == pytest.approx([1200, 1200, 1200, 1200500, 1200])


def test_other_metrics_are_not_durations() -> None:
    row = launch(0, "a", "byte", "4096").replace("gpu__time_duration.sum", "dram__bytes.sum")
    assert tools.profiled_kernels(profile_text(row)) == []


def test_a_refused_profile_has_no_launches_and_says_why() -> None:
    text = (
        "==PROF== Connected to process 7 (/usr/bin/python3.12)\n"
        "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance "
        "Counters on the target device 0.\n"
        f"{DONE}\n"
        "==PROF== Disconnected from process 7\n"
        "==WARNING== No kernels were profiled.\n"
    )
    assert tools.profiled_kernels(text) == []
    assert "ERR_NVGPUCTRPERM" in tools.last_words(text)


def test_one_call_is_the_mean_over_calls_and_streams_are_told_apart() -> None:
    rows = [launch(n, "a", "ns", "1000", stream=7) for n in range(10)]
    rows += [launch(n, "b", "ns", "3000", stream=13) for n in range(5)]
    profile = tools.profile_of(tools.profiled_kernels(profile_text(*rows)), calls=5)
    assert profile == tools.Profile(total_ns=5000, busiest_ns=3000, kernels=3, streams=2)
    assert profile.bound_ns == pytest.approx(0.10 * 3000 + 3 * 2000)


def test_last_words_are_those_of_who_failed() -> None:
    failed = f"noise\n{VOICE} forward raised ValueError: no\n========= ERROR SUMMARY: 0 errors\n"
    assert tools.last_words(failed) == f"{VOICE} forward raised ValueError: no"
    assert tools.last_words("a\n\nb\n") == "b"
    assert tools.last_words(" \n") == "it printed nothing"


def test_the_program_follows_the_words_of_a_tool() -> None:
    for tool in tools.SANITIZERS:
        words = tools.sanitizer_words(tool)
        assert words[1:3] == ("--tool", tool)
    assert "--profile-from-start" in tools.ncu_words()


def test_a_missing_tool_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_HOME", raising=False)
    monkeypatch.delenv("CUDA_PATH", raising=False)
    monkeypatch.setattr(tools, "CUDA_HOMES", ())
    assert "compute-sanitizer and ncu" in tools.missing()
    for name in ("bin", "bin/ncu", "bin/compute-sanitizer"):
        path = tmp_path / name
        path.mkdir() if name == "bin" else path.touch(mode=0o755)
    (tmp_path / "compute-sanitizer").touch(mode=0o755)
    assert tools.missing().startswith("certify needs ncu on PATH")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    assert tools.missing() == ""


def test_a_tool_gets_the_time_to_build_and_then_some() -> None:
    assert tools.limit_s(Limits(build_s=50.0)) == 50.0 + tools.TOOL_S
