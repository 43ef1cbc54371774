"""Ask a candidate for outputs on inputs it can't foresee, and compare them in full.

The correctness pass of a verification, on the reference side. One `Examiner` serves one
candidate; it knows seeds, tolerances and references, and the candidate none of them.
"""

from __future__ import annotations

import math

import torch

from warpsmith.core.task import Task
from warpsmith.core.verdict import Finding, Stage
from warpsmith.worker.arena import ArenaError
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.compare import Differences, compare_all, mismatch_of_trees
from warpsmith.worker.inputs import ProblemError
from warpsmith.worker.phases import Phases
from warpsmith.worker.setting import Draw, Setting
from warpsmith.worker.steps import Attach, Done, Run, ScalarLeaf, TensorLeaf
from warpsmith.worker.trees import leaves_of, offsets, packed, scalar, tensor_leaves, tensors_of, views

ATTACH_S = 30.0


class Examiner:
    """Compares one candidate, call by call, with the reference."""

    def __init__(self, task: Task, process: CandidateProcess, phases: Phases, timer: str) -> None:
        self.task = task
        self.process = process
        self.phases = phases
        self.timer = timer
        self.differences = Differences()
        self.findings: list[Finding] = []
        self._attached: tuple[object, object] = (None, None)

    def enter(self, setting: Setting) -> None:
        """Have the candidate construct its module for `setting`, with the reference's weights."""
        with self.phases("build"):
            step, arena = setting.construct_step()
            descriptors = [arena.descriptor] if arena.descriptor is not None else []
            try:
                limit_s = self.task.limits.build_s
                done = self.process.ask(step, stage=Stage.BUILD, limit_s=limit_s, descriptors=descriptors)
            finally:
                arena.close()
        self._attached = (None, None)
        if done.own and not self.findings:
            names = ", ".join(done.own[:5])
            message = f"parameters that the reference does not have keep the candidate's own values: {names}"
            self.findings.append(Finding(check="own_state", message=message))

    def check(self, setting: Setting) -> None:
        """Compare on every seed of the task.

        Raises:
            Misbehaved: an output differs, or the candidate failed.
        """
        seeds = self.task.effort.seeds
        for number in range(seeds):
            with self.phases("inputs"):
                draw = setting.draw("check", number)
            with self.phases("correctness"):
                done = self.call(setting, draw, calls=1, stage=Stage.COMPARE)
                self.judge(setting, draw, done, Stage.COMPARE, f"seed {number + 1} of {seeds}")

    def call(self, setting: Setting, draw: Draw, *, calls: int, stage: Stage, reset: bool = True) -> Done:
        """Have the candidate run on the inputs of `draw`, into poisoned outputs."""
        self._attach(setting)
        setting.poison()
        step = Run(
            inputs=draw.inputs,
            start_bytes=draw.start_bytes,
            seed=draw.run_seed,
            calls=calls,
            timer=self.timer,
            export_state=tuple(draw.state),
            reset_state=reset,
        )
        # A block is planned to be short; its first calls may still be as slow as a single one may be.
        limit_s = self.task.limits.run_s * min(calls, 3)
        done = self.process.ask(step, stage=stage, limit_s=limit_s)
        if len(done.samples_ns) != calls or not all(0 < ns <= limit_s * 1e9 for ns in done.samples_ns):
            self.process.end()
            message = f"the candidate's process reported times that {calls} calls can't have taken"
            raise Misbehaved(stage, Finding(check="protocol", message=message), self.process.log)
        return done

    def _attach(self, setting: Setting) -> None:
        inputs, outputs = setting.inputs, setting.outputs
        if self._attached == (inputs, outputs):
            return
        descriptors = [arena.descriptor for arena in (inputs, outputs) if arena.descriptor is not None]
        step = Attach(inputs=inputs.handle, outputs=outputs.handle)
        self.process.ask(step, stage=Stage.COMPARE, limit_s=ATTACH_S, descriptors=descriptors)
        self._attached = (inputs, outputs)

    def judge(self, setting: Setting, draw: Draw, done: Done, stage: Stage, which: str) -> None:
        """Compare what a call left behind with what it should have.

        Raises:
            Misbehaved: it differs.
            ProblemError: the reference itself returned NaN.
        """
        finding = self._difference(setting, draw, done)
        if finding is None:
            return
        if _has_nan(draw):
            name = self.task.problem.name
            raise ProblemError(
                f"problem {name!r}: the reference returned NaN on workload {setting.workload.name!r}"
            )
        where = f" (workload {setting.workload.name!r}, {which})"
        self.process.end()  # its output ends with it, so that the log is whole
        raise Misbehaved(
            stage,
            Finding(check=finding.check, message=finding.message + where),
            self.process.log,
            error=self.differences.stats() if self.differences.elements else None,
        )

    def _difference(self, setting: Setting, draw: Draw, done: Done) -> Finding | None:
        if done.outputs is None:
            return Finding(check="protocol", message="the candidate's process reported no output")
        if finding := mismatch_of_trees(done.outputs, draw.expected_tree):
            return finding
        if finding := self._state_mismatch(draw, done):
            return finding
        outputs = tensor_leaves(draw.expected_tree)
        leaves = packed([leaf for _, leaf in outputs] + [done.state[name] for name in draw.state])
        if offsets(leaves)[1] > setting.outputs.memory.numel():
            raise ArenaError("the outputs do not fit their arena")
        got = views(setting.outputs.memory, leaves)
        expected = [*tensors_of(draw.expected), *draw.state.values()]
        paths = [path for path, _ in outputs] + [f"buffer {name!r} after the call" for name in draw.state]
        finding = compare_all(got, expected, paths, self.task.problem.tolerance_for, self.differences)
        return finding or self._mutation(setting, draw)

    def _state_mismatch(self, draw: Draw, done: Done) -> Finding | None:
        for name, tensor in draw.state.items():
            leaf: TensorLeaf | None = done.state.get(name)
            if leaf is None:
                return Finding(
                    check="state",
                    message=f"the reference updates buffer {name!r}; the candidate has none of that name",
                )
            if leaf.shape != tuple(tensor.shape) or leaf.dtype != str(tensor.dtype).removeprefix("torch."):
                return Finding(
                    check="state", message=f"buffer {name!r} has shape {list(leaf.shape)} {leaf.dtype}"
                )
        return None

    def _mutation(self, setting: Setting, draw: Draw) -> Finding | None:
        live = list(tensors_of(draw.live))
        if draw.changed_inputs is None:
            if setting.stamp() == draw.stamp:
                return None
            return Finding(
                check="mutation", message="the candidate changed its inputs; the reference does not"
            )
        paths = [f"input {index} after the call" for index in range(len(live))]
        return compare_all(
            live, draw.changed_inputs, paths, self.task.problem.tolerance_for, self.differences
        )


def _has_nan(draw: Draw) -> bool:
    scalars = [scalar(leaf) for _, leaf in leaves_of(draw.expected_tree) if isinstance(leaf, ScalarLeaf)]
    if any(isinstance(value, float) and math.isnan(value) for value in scalars):
        return True
    return any(bool(torch.isnan(tensor).any()) for tensor in tensors_of(draw.expected))
