"""What prompts tell a model, what they keep from it, and that their beginnings stay the same."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.task import Task, Track
from warpsmith.core.trial import Duplicate, Judged, Nothing, Trial
from warpsmith.core.verdict import Accepted, ErrorStats, Finding, Floor, Rejected, Stage
from warpsmith.propose import prompting
from warpsmith.propose.feedback import feedback_of, summary_of
from warpsmith.propose.prompting import Device, Exemplar, Prompt, Scene
from warpsmith.propose.replies import parse_reply
from warpsmith.testing import fakes
from warpsmith.testing.samples import AFFINE_CANDIDATE, quick_task
from warpsmith.verify import Verifier
from warpsmith.verify.scan import candidate_of

SEED = 987654321
TASK = msgspec.structs.replace(quick_task(), seed=SEED)
H100 = Device(name="NVIDIA H100 80GB HBM3", facts=("132 multiprocessors", "L2 cache 50 MiB"))
EXEMPLARS = (
    Exemplar(problem="class Model: first", source="class ModelNew: first", note="1.8x over eager"),
    Exemplar(problem="class Model: second", source="class ModelNew: second"),
)
GOOD = fakes.trial(3, fakes.accepted(candidate_ns=50_000, eager=100_000), of=TASK)
BAD = fakes.trial(4, fakes.rejected("output is wrong at [0, 1]"), of=TASK)
# As the verifier puts it.
RULE = (
    "2.5 % of 100 elements outside tolerance (|got-expected| <= 0.0001 x 1.732 (rms) + 0.0001 x |expected|)"
)

Kind = Callable[[Scene], Prompt]
KINDS: dict[str, Kind] = {
    "oneshot": prompting.oneshot,
    "refine": lambda scene: prompting.refine(scene, GOOD, [BAD]),
    "fix": lambda scene: prompting.fix(scene, BAD),
    "ideas": lambda scene: prompting.ideas(scene, [GOOD], [BAD], count=3),
    "implement": lambda scene: prompting.implement(scene, "Fuse the two passes.", GOOD),
    "crossover": lambda scene: prompting.crossover(scene, [GOOD, BAD]),
    "translate": lambda scene: prompting.translate(scene, GOOD),
}


def scene(task: Task = TASK, backend: str = "triton", exemplars: int = 0) -> Scene:
    return Scene(task=task, backend=backend, device=H100, exemplars=EXEMPLARS[:exemplars])


def user(prompt: Prompt) -> str:
    return prompt.messages[1].content


def shown(trial: Trial) -> str:
    """Return what `refine` says of a trial."""
    return user(prompting.refine(scene(), trial)).partition("# The candidate so far")[2]


@pytest.mark.parametrize("backend", ["triton", "cuda", "cpp"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_prompt_shows_rules_guide_device_problem_and_workloads(kind: str, backend: str) -> None:
    prompt = KINDS[kind](scene(backend=backend))
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert prompt.template == kind
    system = prompt.messages[0].content
    guide = {"triton": "# Triton", "cuda": "# CUDA through", "cpp": "# C++ for the CPU"}
    assert [name for name, title in guide.items() if title in system] == [backend]
    for words in (
        "class Model(torch.nn.Module)",
        "2 * x + 1",
        "NVIDIA H100",
        "L2 cache 50 MiB",
        "- cpu: rows=64",
    ):
        assert words in user(prompt)
    # What a template did not know would stand there like this.
    assert "{{" not in prompt.text.replace("{{}}", "")
    assert "Undefined" not in prompt.text


def test_every_template_is_used() -> None:
    alone = {"agent", "rules"}
    used = {*KINDS, *alone, *prompting.SHARED, *(f"guide_{backend}" for backend in prompting.guides())}
    assert used == set(prompting.template_ids())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_as_many_exemplars_are_shown_as_given(count: int) -> None:
    text = user(prompting.oneshot(scene(exemplars=count)))
    assert [exemplar.source in text for exemplar in EXEMPLARS] == [count > 0, count > 1]
    assert text.count("A verified example") == (count == 1)
    assert ("Verified example 2" in text) == (count == 2)


def test_lessons_are_shown() -> None:
    told = msgspec.structs.replace(scene(), lessons=("A block of 8192 spills registers.",))
    assert "- A block of 8192 spills registers." in user(prompting.oneshot(told))


@pytest.mark.parametrize(
    ("track", "there", "absent"),
    [
        (Track(), "Library calls are allowed", "calls into cuBLAS"),
        (Track(kernels="custom-only"), "calls into cuBLAS", "Library calls are allowed"),
        (Track(), "no TF32", "lower precision inside"),
        (Track(precision="reduced"), "lower precision inside", "no TF32"),
        (Track(shapes="any"), "other shapes than the listed", "every listed workload"),
        (Track(shapes="declared"), "every listed workload", "other shapes than the listed"),
    ],
)
def test_the_rules_are_those_of_the_track(track: Track, there: str, absent: str) -> None:
    text = prompting.oneshot(scene(msgspec.structs.replace(TASK, track=track))).messages[0].content
    assert there in text
    assert absent not in text


def test_the_first_message_is_the_same_for_every_problem_and_kind() -> None:
    other = Problem(name="other", source="class Model: other", workloads=(Workload(name="w"),))
    scenes = [scene(), scene(msgspec.structs.replace(TASK, problem=other), exemplars=2)]
    assert len({kind(one).messages[0] for kind in KINDS.values() for one in scenes}) == 1


def test_prompts_of_a_task_begin_alike_up_to_the_end_of_the_problem() -> None:
    until = "Workloads on this device:\n- cpu: rows=64\n"
    begins = {user(kind(scene())).partition(until)[0] for kind in KINDS.values()}
    assert len(begins) == 1
    assert all(until in user(kind(scene())) for kind in KINDS.values())


def test_a_prompt_is_a_function_of_what_it_is_given() -> None:
    assert [kind(scene()) for kind in KINDS.values()] == [kind(scene()) for kind in KINDS.values()]


def test_ids_follow_the_files_a_prompt_is_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "prompts"
    shutil.copytree(prompting.FOLDER, folder)
    monkeypatch.setattr(prompting, "FOLDER", folder)
    before = {name: kind(scene()).template_id for name, kind in KINDS.items()}
    assert len(set(before.values())) == len(KINDS)

    def changed_by(name: str) -> set[str]:
        file = folder / f"{name}.j2"
        text = file.read_text(encoding="utf-8")
        file.write_text(text + "{# a remark #}", encoding="utf-8")
        after = {kind: KINDS[kind](scene()).template_id for kind in KINDS}
        file.write_text(text, encoding="utf-8")
        return {kind for kind in KINDS if after[kind] != before[kind]}

    assert changed_by("refine") == {"refine"}
    assert changed_by("guide_triton") == set(KINDS)
    assert changed_by("guide_cuda") == set()
    assert changed_by("_trial") == set(KINDS)


def test_an_acceptance_is_told_with_times_speedups_and_bounds() -> None:
    verdict = fakes.accepted(candidate_ns=50_000, eager=100_000, compile=60_000)
    (measurement,) = verdict.measurements
    measurement = msgspec.structs.replace(measurement, floor=Floor(bound_ns=25_000.0, limit="memory"))
    verdict = msgspec.structs.replace(verdict, measurements=(measurement,), own_share=0.75)
    task = msgspec.structs.replace(TASK, baselines=("eager", "compile"))
    text = user(prompting.refine(scene(task), fakes.trial(0, verdict, of=task)))
    assert "Speedup over eager: 2.00x (95 % interval 2.00 to 2.00)" in text
    assert (
        "| workload | candidate | eager | speedup over eager | compile | speedup over compile | bound |"
        in text
    )
    assert "| cpu | 50 us | 100 us | 2.00x | 60 us | 1.20x | 25 us (memory); 50 % reached |" in text
    assert "own kernels: 75 %" in text
    assert "Make it faster" in text


def test_a_passthrough_is_told_that_it_is_no_win() -> None:
    verdict = msgspec.structs.replace(fakes.accepted(), own_share=0.0)
    assert "no kernel of its own" in shown(fakes.trial(0, verdict, of=TASK))


def test_a_rejection_is_told_with_stage_reason_errors_findings_lines_and_log() -> None:
    verdict = Rejected(
        stage=Stage.COMPARE,
        reason="output at index [0, 3]: expected 1.5, got 2.5",
        findings=(
            Finding(check="values", message="output at index [0, 3]: expected 1.5, got 2.5"),
            Finding(check="downcast", message="errors as bfloat16 leaves them", line=2),
        ),
        error=ErrorStats(max_abs=1.0, max_rel=0.5, outside=0.25, elements=64),
        log="warning: unused variable",
    )
    text = shown(fakes.trial(0, verdict, of=TASK, source="class ModelNew:\n    half = True\n"))
    assert "Rejected when its outputs were compared with the reference's (stage compare)." in text
    assert text.count("expected 1.5, got 2.5") == 1
    assert "largest absolute error is 1" in text
    assert "25 % are outside the tolerance" in text
    assert "- downcast: errors as bfloat16 leaves them (line 2: `half = True`)" in text
    assert "warning: unused variable" in text
    assert "Make it correct" in text


def test_a_long_log_keeps_its_first_and_its_last_lines() -> None:
    log = "first error\n" + "noise\n" * 5000 + "last error"
    text = shown(fakes.trial(0, fakes.rejected(stage=Stage.BUILD, log=log), of=TASK))
    assert "first error" in text
    assert "last error" in text
    assert len(text) < 8000


def test_what_has_no_verdict_says_nothing_against_the_candidate() -> None:
    assert "says nothing about the candidate" in shown(fakes.trial(0, fakes.faulted(), of=TASK))
    assert "the same as attempt #2" in shown(fakes.trial(3, Duplicate(of=2), of=TASK))


def test_other_attempts_are_told_in_a_line_each() -> None:
    nothing = fakes.trial(5, Nothing(reason="the reply\nhad no code"), of=TASK)
    text = user(prompting.refine(scene(), GOOD, [GOOD, BAD, nothing]))
    assert "- #3 (torch): accepted, 2.00x over eager\n" in text
    assert "- #4 (torch): rejected when its outputs were compared" in text
    assert "- #5 (fake): There was no candidate: the reply had no code\n" in text


@pytest.mark.parametrize("history", sorted(fakes.histories()))
def test_any_history_can_be_told(history: str) -> None:
    trials = fakes.histories(of=TASK)[history]
    for trial in trials:
        assert feedback_of(trial, TASK).lines
        assert "\n" not in summary_of(trial, TASK)
    prompting.ideas(scene(), others=trials)


def secretive(text: str) -> Trial:
    """Return a rejection that repeats `text` wherever it can."""
    verdict = Rejected(
        stage=Stage.BUILD,
        reason=text,
        findings=(Finding(check="values", message=text, line=1),),
        log=text,
    )
    return fakes.trial(0, verdict, of=TASK, source=f"# {text}\nclass ModelNew: ...\n")


@pytest.mark.parametrize("kind", KINDS)
def test_no_prompt_holds_a_seed(kind: str) -> None:
    assert str(SEED) not in KINDS[kind](scene()).text
    assert "77" not in "".join(feedback_of(secretive("wrong for seed 77"), TASK).lines)
    assert str(SEED) not in shown(secretive(f"drawn from {SEED}, and seed={SEED}"))


def test_no_prompt_holds_folders_of_the_machine() -> None:
    places = [Path.home(), Path.cwd(), Path(tempfile.gettempdir()), Path(sys.prefix)]
    for place in places:
        text = shown(secretive(f"{place}/deep/down/candidate.py:3: error in {place}"))
        assert f"{place}/" not in text
        assert "candidate.py:3: error" in text
    log = fakes.rejected(log="/opt/cuda/include/mma.h(12): error: no /x/y/\nsee https://example.org/a/b")
    text = shown(fakes.trial(0, log, of=TASK))
    assert "mma.h(12): error" in text
    assert "/opt/" not in text
    assert "https://example.org/a/b" in text


def test_no_prompt_holds_where_a_problem_was_loaded_from() -> None:
    problem = msgspec.structs.replace(TASK.problem, origin="/srv/somewhere/affine.py")
    for kind in KINDS.values():
        assert "/srv/somewhere" not in kind(scene(msgspec.structs.replace(TASK, problem=problem))).text


def test_the_rule_of_the_tolerance_is_left_out_of_what_the_verifier_said() -> None:
    text = shown(fakes.trial(0, fakes.rejected(f"output: expected 1, got 2; {RULE}", log=RULE), of=TASK))
    assert "2.5 % of 100 elements outside tolerance" in text
    assert "0.0001" not in text


def test_what_a_real_verdict_says_of_a_wrong_kernel_reaches_the_prompt() -> None:
    wrong = AFFINE_CANDIDATE.replace("torch.add(x, x), 1)", "torch.add(x, x), 1.5)")
    with Verifier() as verifier:
        verdict = verifier.verify(TASK, candidate_of(wrong))
        right = verifier.verify(TASK, candidate_of(AFFINE_CANDIDATE))
    assert isinstance(verdict, Rejected)
    assert isinstance(right, Accepted)
    text = shown(fakes.trial(0, Judged(verdict=verdict), of=TASK, source=wrong))
    assert "expected" in text
    assert "outside tolerance" in text
    assert "|got-expected|" in verdict.reason
    assert "|got-expected|" not in text
    assert "0.0001" not in text
    accepted = shown(fakes.trial(1, Judged(verdict=right), of=TASK, source=AFFINE_CANDIDATE))
    assert "Speedup over eager" in accepted
    for told in (text, accepted):
        assert str(SEED) not in told
        assert str(Path.cwd()) not in told


def test_a_shown_candidate_can_be_edited_line_by_line() -> None:
    source = "import torch\n\n\n\n\nclass ModelNew(torch.nn.Module):\n    a = 1\n\n\n\n    b = 2\n"
    text = shown(fakes.trial(0, fakes.accepted(), of=TASK, source=source))
    quoted = text.partition("```python\n")[2].partition("\n```")[0]
    assert quoted + "\n" == source
    reply = "<<<<<<< SEARCH\n    a = 1\n\n\n\n    b = 2\n=======\n    c = 3\n>>>>>>> REPLACE\n"
    assert parse_reply(reply, parent=source).source == source.replace(
        "    a = 1\n\n\n\n    b = 2", "    c = 3"
    )


def test_an_idea_is_carried_out_with_or_without_a_parent() -> None:
    fresh = user(prompting.implement(scene(), "Fuse the two passes."))
    assert "Fuse the two passes." in fresh
    assert "SEARCH" not in fresh
    assert "The candidate so far" not in fresh
    assert "The candidate so far" in user(prompting.implement(scene(), "Fuse.", GOOD))


@pytest.mark.parametrize(
    ("reply", "ideas"),
    [
        ("1. Fuse.\nIt saves traffic.\n2. Vectorise.\n", ["Fuse.\nIt saves traffic.", "Vectorise."]),
        ("Here they are:\n\n1) One\n2) Two\n10) Ten", ["One", "Two", "Ten"]),
        ("**1.** One\n**2.** Two", ["One", "Two"]),
        ("Just fuse it.", ["Just fuse it."]),
        ("1. Use 2.5x larger blocks\n", ["Use 2.5x larger blocks"]),
        (" \n", []),
    ],
)
def test_ideas_are_read_from_a_list(reply: str, ideas: list[str]) -> None:
    assert prompting.ideas_in(reply) == ideas


def test_what_can_not_be_asked_is_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="choose one of cpp, cuda, triton"):
        prompting.oneshot(scene(backend="torch"))
    with pytest.raises(UsageError, match="choose another"):
        prompting.refine(scene(), fakes.trial(0, Nothing(reason="none"), of=TASK))
    with pytest.raises(UsageError, match="use refine"):
        prompting.crossover(scene(), [GOOD])


def test_a_missing_template_engine_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    prompting._environment.cache_clear()  # noqa: SLF001
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError, match=r"pip install 'warpsmith\[llm\]'"):
        prompting.oneshot(scene())


def test_a_device_is_read_from_the_doctors_line() -> None:
    device = Device.of_line("NVIDIA H100 80GB HBM3, 80 GiB, compute capability 9.0, L2 50 MiB")
    assert device.name == "NVIDIA H100 80GB HBM3"
    assert device.facts == ("80 GiB", "compute capability 9.0", "L2 50 MiB")
