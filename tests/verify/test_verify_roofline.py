"""A verdict says how far a candidate is from what this device could do at best."""

from __future__ import annotations

import msgspec
import pytest
from sources import candidate, problem_of, problem_source, task
from verdicts import Judge

from warpsmith.core.problem import Workload
from warpsmith.core.roofline import SpeedOfLight
from warpsmith.core.timing import Timing
from warpsmith.core.verdict import Measurement
from warpsmith.verify.view import verdict_view
from warpsmith.worker.verification import beyond_light

SOURCE = problem_source("x @ x", inputs="[torch.randn(64, 64)]")


def test_the_bound_is_counted_and_a_file_may_know_better(judge: Judge) -> None:
    said = Workload(name="cpu_said", flops=1e9, traffic_bytes=1e3)
    asked = task(problem_of(SOURCE, workloads=(Workload(name="cpu"), said)))
    view = verdict_view(judge.accepted(asked, candidate("torch.mm(x, x)")))
    counted, declared = (each["roofline"] for each in view["workloads"])
    assert (counted["flops"], counted["traffic_bytes"]) == (2.0 * 64**3, 2.0 * 64 * 64 * 4)
    assert (declared["flops"], declared["traffic_bytes"], declared["limit"]) == (1e9, 1e3, "compute")
    assert declared["bound_ns"] > counted["bound_ns"]
    whole = view["roofline"]
    assert whole["bound_ns"] == pytest.approx((counted["bound_ns"] * declared["bound_ns"]) ** 0.5)
    assert whole["fraction"] == pytest.approx(whole["bound_ns"] / view["timing"]["median_ns"])
    # Nobody multiplies 64 by 64 matrices in the time of a billion operations: said, and not held against it.
    assert [each["check"] for each in view["findings"]] == ["above_bound"]
    assert view["status"] == "accepted"


def test_only_a_time_clearly_below_the_bound_is_a_finding() -> None:
    light = SpeedOfLight(bound_ns=1000.0, limit="memory", flops=0.0, traffic_bytes=1e6)
    timing = Timing(samples_ns=(960,), timer="cuda_events", flushed_l2=True)
    near = Measurement(workload="typical", timing=timing, baselines={}, light=light)
    assert beyond_light(near, "cuda") == []
    past = msgspec.structs.replace(near, light=msgspec.structs.replace(light, bound_ns=1100.0))
    (finding,) = beyond_light(past, "cuda")
    assert "below the bound of 1100 ns (memory)" in finding.message
    assert beyond_light(msgspec.structs.replace(near, light=None), "cuda") == []
