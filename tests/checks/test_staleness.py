"""Outputs that belong partly to an earlier call."""

from __future__ import annotations

from check_samples import advice, convicts, judge, looks_like

CHECK = "staleness"


def test_parts_of_an_earlier_answer_convict() -> None:
    assert "12 %" in convicts(CHECK, looks_like(CHECK, "12 % of the output is still what it was"))


def test_an_output_that_is_wrong_in_another_way_is_not_stale() -> None:
    assert judge(CHECK, looks_like("replay")) is None


def test_graphs_are_pointed_at() -> None:
    assert advice(CHECK, "import torch\ng = torch.cuda.CUDAGraph()\nwith torch.cuda.graph(g):\n    pass") == [
        2,
        3,
    ]
    assert advice(CHECK, "graph = networkx.Graph()") == []
